"""The pages as a service of the real hub: sign-in by OAuth through the real proxy and provider."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from demo import hub_client
from demo.hub_client import LONGEST, free_port
from hub_config.config import load, socket_url
from tests.web.world import PROJECT, World

PEOPLE = [{"sub": name, "amr": ["pwd", "mfa"]} for name in ("wren", "olga", "nora")]


@dataclass(frozen=True)
class Service:
    """A running hub and its pages."""

    hub: str
    world: World
    token: str

    @property
    def pages(self) -> str:
        """Address of the pages through the hub's proxy."""
        return f"{self.hub}/services/enclave/"


@pytest.fixture(scope="module")
def service(built: World) -> Iterator[Service]:
    """Start provider, hub and pages as an installation does."""
    place = Path("/tmp", f"enclave-{secrets.token_hex(6)}")
    place.mkdir(mode=0o711)
    world = built.copy(place / "home")
    ports, token = [free_port() for _ in range(3)], secrets.token_hex(24)
    config = place / "hub.json"
    identity = {"issuer": f"http://127.0.0.1:{ports[0]}", "client_id": "enclave", "client_secret": "not a secret"}
    web = {"url": f"http://127.0.0.1:{ports[2]}", "api_token": token}
    places = {"home": str(place / "home"), "runtime_dir": str(world.enclave.settings.runtime)}
    kind = {"demo": True, "keep_servers": False}
    config.write_text(json.dumps({**places, "port": ports[1], "identity": identity, "web": web, **kind}))
    environment = {
        **os.environ,
        "ENCLAVE_HOME": str(place / "home"),
        "JUPYTERHUB_SERVICE_URL": web["url"],
        "JUPYTERHUB_API_URL": f"{socket_url(load(config).hub_socket)}/hub/api",
        "JUPYTERHUB_API_TOKEN": token,
    }
    started = [hub_client.start_provider(ports[0], PEOPLE, place / "home")]
    try:
        with (place / "web.log").open("wb") as log:
            command = [sys.executable, "-m", "enclave.web"]
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        started.append(hub_client.start_hub(config))
        hub_client.until_answered(f"{web['url']}/services/enclave/static/mark.svg", started[1])
        yield Service(f"http://127.0.0.1:{ports[1]}", world, token)
    finally:
        for process in reversed(started):
            hub_client.stop(process)
        world.close()
        shutil.rmtree(place)


def test_signing_in_leads_back_to_the_page_that_was_asked_for(service: Service):
    browser = hub_client.login(service.hub, "olga")
    answer = browser.get(f"{service.pages}projects/{PROJECT}/ledger?format=html", timeout=LONGEST)
    assert answer.status_code == 200 and answer.url == f"{service.pages}projects/{PROJECT}/ledger?format=html"
    assert (
        "Root of the tree" in answer.text
        and "default-src 'none'; style-src 'self'" in answer.headers["content-security-policy"]
    )
    ours = [c for c in browser.cookies if c.name == "enclave-session"]
    assert [c.path for c in ours] == ["/services/enclave/"] and service.token not in (ours[0].value or "")


def test_the_hubs_word_decides_who_one_is(service: Service):
    wren, nora = (hub_client.login(service.hub, name) for name in ("wren", "nora"))
    assert wren.get(service.pages, params={"format": "html"}, timeout=LONGEST).status_code == 200
    home = wren.get(service.pages, params={"format": "json"}, timeout=LONGEST).json()
    assert home["name"] == "Wren Invented" and home["cards"][0]["lab"] == "/hub/spawn/wren/dr-0034"
    assert nora.get(f"{service.pages}projects/{PROJECT}", timeout=LONGEST).status_code == 403


def test_a_sign_in_begun_in_another_browser_is_refused(service: Service):
    olga, stranger = hub_client.login(service.hub, "olga"), requests.Session()
    begun = olga.get(f"{service.pages}login", allow_redirects=False, timeout=LONGEST)
    back = olga.get(f"{service.hub}{begun.headers['location']}", allow_redirects=False, timeout=LONGEST).headers[
        "location"
    ]
    assert "/services/enclave/oauth_callback?" in back
    refused = stranger.get(f"{service.hub}{back}" if back.startswith("/") else back, timeout=LONGEST)
    assert refused.status_code == 403 and "not begun in this browser" in refused.text
    assert not [c for c in stranger.cookies if c.name == "enclave-session"]


def test_sign_in_never_leads_to_another_site(service: Service):
    olga = hub_client.login(service.hub, "olga")
    for target in ("https://elsewhere.example/", "//elsewhere.example/", "/hub/logout", "/services/enclave\\..\\x"):
        assert olga.get(f"{service.pages}login", params={"next": target}, timeout=LONGEST).url == service.pages


def test_signing_out_ends_both_sessions(service: Service):
    olga = hub_client.login(service.hub, "olga")
    csrf = olga.get(service.pages, timeout=LONGEST).text.partition('name="csrf" value="')[2].partition('"')[0]
    answer = olga.post(f"{service.pages}sign-out", data={"csrf": csrf}, allow_redirects=False, timeout=LONGEST)
    assert answer.status_code == 303 and answer.headers["location"] == "/hub/logout"
    olga.get(f"{service.hub}/hub/logout", timeout=LONGEST)
    again = olga.get(service.pages, allow_redirects=False, timeout=LONGEST)
    assert again.status_code == 302 and "login?next=" in again.headers["location"]
