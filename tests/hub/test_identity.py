"""Who may sign in: what the provider signed for this sign-in, with a second factor, and nothing else."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import jwt
import pytest
import requests
from traitlets.config import Config

from demo import hub_client
from demo.hub_client import LONGEST, free_port
from enclave.settings import defaults
from hub_config import oidc
from hub_config.config import HubConfig, Identity, load
from tests.hub.conftest import PROJECT, Hub, running_hub
from tests.hub.forger import CLIENT, OTHER_KEY, Forger, forging, saying, signed
from tests.world import write_settings


@pytest.fixture(scope="module")
def forger() -> Iterator[Forger]:
    with forging() as found:
        yield found


@pytest.fixture(scope="module")
def deceived(forger: Forger) -> Iterator[Hub]:
    """A hub whose provider is the forger."""
    with running_hub(forger.issuer) as found:
        yield found


@pytest.mark.parametrize(
    "token",
    [
        signed,
        saying(amr=["otp"]),
        saying(aud=[CLIENT]),
        saying(aud=[CLIENT, "another"], azp=CLIENT),
    ],
)
def test_an_honest_token_is_believed(forger: Forger, deceived: Hub, token: Callable[[Any], str]) -> None:
    forger.honest()
    forger.token = token
    hub_client.login(deceived.base_url, "ana")


@pytest.mark.parametrize(
    ("token", "word"),
    [
        (lambda claims: signed(claims, OTHER_KEY), "InvalidSignature"),
        (lambda claims: signed(claims, "", "none"), "not verify"),
        (lambda claims: signed(claims, "x" * 64, "HS256"), "not verify"),
        (lambda claims: signed(claims, kid="another"), "InvalidKey"),
        (saying(aud="another"), "InvalidAudience"),
        (saying(aud=[CLIENT, "another"]), "issued to another application"),
        (saying(aud=[CLIENT, "another"], azp="another"), "issued to another application"),
        (saying(iss="http://elsewhere/"), "InvalidIssuer"),
        (saying(exp=1), "ExpiredSignature"),
        (saying(exp=None), "MissingRequiredClaim"),
        (saying(nonce="of another sign-in"), "another sign-in"),
        (saying(nonce=None), "another sign-in"),
        (saying(amr=["pwd"]), "second factor"),
        (saying(amr="mfa"), "second factor"),
        (saying(amr=None, acr="2"), "second factor"),
        (saying(sub="ben"), "two different people"),
        (lambda _: "", "not verify"),
        (lambda _: "a.b.c", "not verify"),
    ],
)
def test_any_other_is_not(forger: Forger, deceived: Hub, token: Callable[[Any], str], word: str) -> None:
    forger.honest()
    forger.token = token
    with pytest.raises(hub_client.HubError, match=word) as refused:
        hub_client.login(deceived.base_url, "ana")
    assert refused.value.status == 403


def test_a_token_of_an_earlier_sign_in_is_not_believed_again(forger: Forger, deceived: Hub) -> None:
    forger.honest()
    seen: list[str] = []
    forger.token = lambda claims: seen.append(signed(claims)) or seen[0]  # type: ignore[func-returns-value]
    hub_client.login(deceived.base_url, "ana")
    with pytest.raises(hub_client.HubError, match="another sign-in"):
        hub_client.login(deceived.base_url, "ana")
    first, second = (jwt.decode(token, options={"verify_signature": False})["nonce"] for token in seen)
    assert len(first) >= 32 and first != second


def test_a_password_alone_does_not_sign_in(hub: Hub) -> None:
    with pytest.raises(hub_client.HubError, match="second factor") as refused:
        hub_client.login(hub.base_url, "eve")
    assert refused.value.status == 403


def test_there_is_no_password_of_ours(hub: Hub) -> None:
    page = requests.get(f"{hub.base_url}/hub/login", timeout=LONGEST)
    assert 'type="password"' not in page.text
    answer = requests.post(f"{hub.base_url}/hub/login", data={"username": "ana", "password": "x"}, timeout=LONGEST)
    assert answer.status_code in (403, 405)


def test_an_administrator_of_the_hub_is_none_after_signing_in(hub: Hub) -> None:
    """The hub's own administrators may open every server: whatever its database says, there are none."""
    _, server = hub.opened("ana")
    hub_client.login(hub.base_url, "ben")
    with closing(sqlite3.connect(hub.runtime_dir / "private" / "hub.sqlite")) as base, base:
        base.execute("update users set admin = 1 where name = 'ben'")
        base.execute(
            "insert into user_role_map (user_id, role_id, managed_by_auth) "
            "select users.id, roles.id, 0 from users, roles "
            "where users.name = 'ben' and roles.name = 'admin'"
        )
    hub.restart(hard=False)
    ben = hub_client.login(hub.base_url, "ben")
    assert ben.get(urljoin(server, "api/contents"), timeout=LONGEST).status_code == 403
    assert ben.get(f"{hub.base_url}/hub/admin", timeout=LONGEST).status_code == 403
    with pytest.raises(hub_client.HubError):
        hub_client.stop_server(ben, hub.base_url, "ana", PROJECT)


@pytest.fixture(scope="module")
def grouped(provider: str) -> Iterator[Hub]:
    """A hub that opens a project for a group at the provider."""
    identity = {"issuer": provider, "client_id": CLIENT, "client_secret": "x", "group": "p20win-{project}"}
    with running_hub(provider, identity=identity, provider_seconds=0) as found:
        yield found


def at_the_provider(provider: str, person: str, *groups: str) -> None:
    """Put a person into these groups and no other."""
    claims = {"amr": ["pwd", "mfa"], "groups": groups}
    assert requests.put(f"{provider}/users/{person}", json=claims, timeout=LONGEST).ok


def test_a_server_is_for_the_projects_group_at_the_provider(grouped: Hub, provider: str) -> None:
    at_the_provider(provider, "ana", "p20win-dr-0035")
    grouped.admit("ana")
    session = hub_client.login(grouped.base_url, "ana")
    with pytest.raises(hub_client.HubError, match=r"in the group p20win-dr-0034. Ask your agency") as refused:
        hub_client.start_server(session, grouped.base_url, "ana", PROJECT)
    assert refused.value.status == 403


def test_a_group_that_is_lost_at_the_provider_ends_the_server(grouped: Hub, provider: str) -> None:
    at_the_provider(provider, "ana", "p20win-dr-0034", "others")
    session, server = grouped.opened("ana")
    assert len(grouped.sandboxes()) == 1
    at_the_provider(provider, "ana", "others")
    hub_client.until(lambda: grouped.sandboxes() == [] and "ana-dr-0034" in grouped.released())
    assert session.get(urljoin(server, "api/me"), timeout=LONGEST).status_code != 200


def test_an_account_that_is_closed_at_the_provider_ends_the_server(grouped: Hub, provider: str) -> None:
    at_the_provider(provider, "cleo", "p20win-dr-0034")
    grouped.opened("cleo")
    assert len(grouped.sandboxes()) == 1
    assert requests.post(f"{provider}/users/cleo/revoke-tokens", timeout=LONGEST).ok
    hub_client.until(lambda: grouped.sandboxes() == [])


def test_what_the_provider_gave_is_kept_encrypted(grouped: Hub, provider: str) -> None:
    at_the_provider(provider, "ben", "p20win-dr-0034")
    hub_client.login(grouped.base_url, "ben")
    kept = (grouped.runtime_dir / "private" / "hub.sqlite").read_bytes()
    assert b"access_token" not in kept and b"refresh_token" not in kept
    assert (grouped.home / "hub" / "auth_state_key").stat().st_mode & 0o077 == 0


def test_the_demonstrations_provider_serves_no_other_installation(tmp_path: Path) -> None:
    values = defaults(tmp_path)
    (tmp_path / "enclave.toml").write_text("".join(f"{key} = {json.dumps(told)}\n" for key, told in values.items()))
    command = [sys.executable, "-m", "demo.provider", str(tmp_path), "--port", str(free_port())]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
    assert ended.returncode == 3
    assert "not a demonstration" in ended.stderr and "Name your agencies' provider" in ended.stderr


def test_real_people_are_not_believed_over_http(tmp_path: Path, forger: Forger) -> None:
    """Neither by saying that it is a demonstration in one file only, nor by a provider on loopback."""
    identity = {"issuer": forger.issuer, "client_id": CLIENT, "client_secret": "x"}
    home, config = tmp_path / "home", tmp_path / "hub.json"
    home.mkdir()
    write_settings(home=home)
    runtime = str(defaults(home)["runtime"])
    told = {"home": str(home), "runtime_dir": runtime, "port": free_port(), "identity": identity}
    config.write_text(json.dumps(told))
    with pytest.raises(ValueError, match="demo must be as in"):
        load(config)
    identity_of = Identity(**identity)
    with pytest.raises(ValueError, match="reached over https"):
        oidc.configure(Config(), HubConfig(home, tmp_path / "run", identity_of))
    oidc.configure(Config(), HubConfig(home, tmp_path / "run", identity_of, demo=True))
