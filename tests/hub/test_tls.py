"""TLS at the glass, with an authority of our own: a whole session over it, and what is refused."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from demo import hub_client
from demo.hub_client import LONGEST, free_port
from enclave.errors import Invalid
from hub_config.config import load
from hub_config.tls import Credentials
from tests.hub.certificates import Authority
from tests.hub.conftest import Hub, running_hub


@dataclass(frozen=True)
class Served:
    """A hub over TLS, and what it shows."""

    hub: Hub
    authority: Authority
    certificate: Path
    key: Path
    redirect_port: int

    @property
    def port(self) -> int:
        """Where the glass listens."""
        return int(self.hub.base_url.rpartition(":")[2])

    def shown(self, context: ssl.SSLContext) -> tuple[str | None, bytes]:
        """Shake hands: the version agreed on, and the certificate shown."""
        with (
            socket.create_connection(("localhost", self.port)) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as found,
        ):
            return found.version(), found.getpeercert(binary_form=True) or b""


@pytest.fixture(scope="module")
def served(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, redirect = tmp_path_factory.mktemp("tls"), free_port()
    authority, certificate, key = Authority(folder), folder / "cert.pem", folder / "key.pem"
    authority.issue("localhost", certificate, key)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
        patched.setenv("WEBSOCKET_CLIENT_CA_BUNDLE", str(authority.certificate))
        tls = {"certificate": str(certificate), "key": str(key), "redirect_port": redirect}
        port = free_port()
        with running_hub(provider, tls=tls, port=port, public_url=f"https://localhost:{port}") as hub:
            yield Served(hub, authority, certificate, key, redirect)


def test_a_session_runs_over_tls(served: Served) -> None:
    session, server = served.hub.opened("ana")
    assert server.startswith("https://")
    assert hub_client.run_cells(session, server, ["print(6 * 7)"])[0].text == "42\n"
    assert all(cookie.secure for cookie in session.cookies) and len(session.cookies) > 1
    for path in ("/hub/home", "lab", "files/rows.csv", "/nothing"):
        answer = session.get(urljoin(server, path), timeout=LONGEST)
        assert "max-age=31536000" in answer.headers["Strict-Transport-Security"], path


def test_a_browser_that_comes_in_the_clear_is_sent_on(served: Served) -> None:
    clear = f"http://localhost:{served.redirect_port}"
    sent = requests.get(
        f"{clear}/hub/login?next=%2Fhub%2Fhome",
        headers={"Host": "elsewhere.example"},
        allow_redirects=False,
        timeout=LONGEST,
    )
    assert sent.status_code == 308
    assert sent.headers["Location"] == f"{served.hub.base_url}/hub/login?next=%2Fhub%2Fhome"
    assert requests.post(f"{clear}/hub/login", data={"a": "b"}, timeout=LONGEST).status_code == 403
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://localhost:{served.port}/hub/login", timeout=LONGEST)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_current_versions_are_spoken(served: Served, version: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=str(served.authority.certificate))
    context.minimum_version = context.maximum_version = version
    assert served.shown(context)[0] == version.name.replace("_", ".")


def test_an_old_version_is_not(served: Served) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        served.shown(context)


def test_a_renewed_certificate_is_shown_without_a_restart(served: Served) -> None:
    context = ssl.create_default_context(cafile=str(served.authority.certificate))
    _, before = served.shown(context)
    served.key.write_text("being replaced")
    hub_client.until(lambda: "does not go with" in served.hub.config.with_suffix(".log").read_text())
    assert served.shown(context)[1] == before
    served.authority.issue("localhost", served.certificate, served.key)
    hub_client.until(lambda: served.shown(context)[1] != before)


def pair(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "cert.pem", folder / "key.pem"
    Authority(folder).issue("localhost", certificate, key)
    return certificate, key


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    Credentials(certificate, key)
    key.chmod(0o640)
    with pytest.raises(Invalid, match=r"mode bits 040\) \(DSA II\.I\)\. Run `chmod 600 .*issued anew"):
        Credentials(certificate, key)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    certificate, key = pair(tmp_path)
    Authority(tmp_path).issue("localhost", tmp_path / "other.pem", key)
    with pytest.raises(Invalid, match=r"does not go with key\.pem"):
        Credentials(certificate, key)


def test_every_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as refused:
        Credentials(tmp_path / "cert.pem", tmp_path / "key.pem")
    assert [finding.rule for finding in refused.value.findings] == ["tls-file", "tls-file"]


@pytest.mark.parametrize("told", [{"host": "0.0.0.0"}, {"tls": {"certificate": "c", "key": "k"}}])
def test_beyond_loopback_the_address_is_https(tmp_path: Path, told: dict[str, object]) -> None:
    path = tmp_path / "hub.json"
    identity = {"issuer": "https://id.example.org", "client_id": "enclave", "client_secret": "x"}
    told = {"home": str(tmp_path), "runtime_dir": "/dev/shm/enclave-x", "identity": identity, **told}
    path.write_text(json.dumps(told | {"public_url": "http://enclave.example.org"}))
    with pytest.raises(ValueError, match="begin with https://"):
        load(path)
    path.write_text(json.dumps(told | {"public_url": "https://enclave.example.org/"}))
    assert load(path).own_url == "https://enclave.example.org"
