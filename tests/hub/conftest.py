"""One real hub, proxy and provider for the tests of this folder."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import nbformat
import pytest
from playwright.sync_api import Page

from demo import hub_client
from demo.hub_client import free_port
from enclave.sandbox import Sandboxes
from enclave.scratch import wipe
from tests.chromium import LONGEST_MS, chromium
from tests.world import Installation, write_settings

PROJECT = "dr-0034"
PEOPLE = [
    {"sub": "ana", "amr": ["pwd", "mfa"]},
    {"sub": "ben", "amr": ["pwd", "otp"]},
    {"sub": "cleo", "amr": ["pwd", "mfa"]},
    {"sub": "dan", "amr": ["pwd", "mfa"]},
    {"sub": "eve", "amr": ["pwd"]},
]


ABOUT = {
    "project": "DR-0034",
    "title": "Manufacturing | pathways",
    "person": "ana",
    "expires_on": "2099-12-31",
    "days_left": 141,
    "policy": {"minimum_count": 6, "minimum_base": 20, "zeros": "hidden", "minimum_employers": 3},
    "policy_hash": "0" * 64,
    "tables": {
        "sde": {
            "file": "data/sde.parquet",
            "rows": 40,
            "columns": [
                {"name": "p20id", "definition": "The person <script>", "owner": "SDE", "type": "text", "codes": None}
                | {"questions": [], "as_of": "2022-04-11"}
            ],
        }
    },
    "masked": [{"column": "dol.Wages", "clause": "ExA 2.h", "why": "only state employees may see UC unit records"}],
    "limitations": [{"owner": "SDE", "contents": "matching", "text": "Middle names are missing | before 2015."}],
    "reports": [],
    "questions": [{"id": "RQ1", "text": "Who takes part?"}],
    "methods": [],
}


@dataclass
class Hub:
    """A running hub."""

    home: Path
    runtime_dir: Path
    config: Path
    base_url: str
    process: subprocess.Popen[bytes]

    def restart(self, *, hard: bool) -> None:
        """End the hub, as a crash does or as an administrator does, and start it again."""
        if hard:
            self.process.kill()
            self.process.wait()
        else:
            hub_client.stop(self.process)
        self.process = hub_client.start_hub(self.config, modules=Path(__file__).parent)

    def sandboxes(self) -> list[str]:
        """Return the names of the running sandboxes."""
        return [found.name for found in Sandboxes(self.runtime_dir).running()]

    def released(self) -> str:
        """Return the sessions that were closed, one a line."""
        path = self.home / "released"
        return path.read_text() if path.exists() else ""

    def admit(self, *names: str) -> None:
        """Admit these people."""
        for name in names:
            (self.home / "admitted" / name).touch()

    def opened(self, person: str) -> tuple[hub_client.requests.Session, str]:
        """Admit a person and start their server: their session at the hub, and the server's address."""
        self.admit(person)
        session = hub_client.login(self.base_url, person)
        return session, hub_client.start_server(session, self.base_url, person, PROJECT)

    def revoke(self, name: str) -> None:
        """Withdraw a person's admission."""
        (self.home / "admitted" / name).unlink()


def sees_the_project_alone(session: hub_client.requests.Session, server: str, *more: str) -> list[str]:
    """Run cells: the project's data is there, and no network and no part of the enclave; give what `more` printed."""
    count, interfaces, outside, control, *others = hub_client.run_cells(
        session,
        server,
        [
            "import duckdb, p20kit; duckdb.sql(\"from '/project/data/*.parquet' select count(*)\").fetchall()[0][0]",
            "import socket; print(socket.if_nameindex())",
            "socket.create_connection(('1.1.1.1', 443), 2)",
            "import enclave.store",
            *more,
        ],
    )
    assert count.text.strip() == "40"
    assert interfaces.text.strip() == "[(1, 'lo')]"
    assert outside.error.startswith("OSError")
    assert control.error.startswith("ModuleNotFoundError")
    return [other.text.strip() for other in others]


def survives_a_crash_of_the_hub(hub: Hub) -> None:
    """Kill the hub and start it again: the same sandbox answers, with the files and the session of before."""
    session, server = hub.opened("ana")
    hub_client.run_cells(session, server, ["open('kept.py', 'w').write('kept')"])
    running = hub.sandboxes()
    hub.restart(hard=True)
    assert hub.sandboxes() == running
    assert hub_client.run_cells(session, server, ["print(open('kept.py').read())"])[0].text == "kept\n"


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the OpenID Connect provider and return its issuer."""
    port, home = free_port(), tmp_path_factory.mktemp("provider")
    write_settings(home=home)
    process = hub_client.start_provider(port, PEOPLE, home)
    yield f"http://127.0.0.1:{port}"
    hub_client.stop(process)


@pytest.fixture(scope="session")
def hub(provider: str) -> Iterator[Hub]:
    """Start the hub with the small broker of this folder."""
    with running_hub(provider) as found:
        yield found


@pytest.fixture
def page() -> Iterator[Page]:
    """Give a page of Chromium."""
    with chromium() as browser:
        found = browser.new_page(viewport={"width": 1400, "height": 860})
        found.set_default_timeout(LONGEST_MS)
        yield found


@contextmanager
def hub_over(made: Installation, *people: str, **settings: object) -> Iterator[str]:
    """Run provider and hub over a real installation, with these people at the provider; give the hub's address."""
    ports = free_port(), free_port()
    identity = {"issuer": f"http://127.0.0.1:{ports[0]}", "client_id": "enclave", "client_secret": "not a secret"}
    config, runtime = made.root / "hub.json", made.enclave.settings.runtime
    told = {"home": str(made.home), "runtime_dir": str(runtime), "port": ports[1], "identity": identity}
    config.write_text(json.dumps({**told, "demo": True, "keep_servers": False, **settings}))
    claims = [{"sub": name, "amr": ["pwd", "mfa"]} for name in people]
    started = [hub_client.start_provider(ports[0], claims, made.home)]
    try:
        started.append(hub_client.start_hub(config))
        yield f"http://127.0.0.1:{ports[1]}"
    finally:
        for process in reversed(started):
            hub_client.stop(process)


@contextmanager
def running_hub(provider: str, **settings: object) -> Iterator[Hub]:
    """Run a hub with the small broker of this folder, and with these settings besides."""
    # Not a temporary folder's own name: socket paths are lower case and have no underscore.
    place = Path("/tmp", f"enclave-{secrets.token_hex(6)}")
    place.mkdir(mode=0o711)
    home, port = place / "home", free_port()
    for folder in ("project/data", "project/templates", "admitted"):
        (home / folder).mkdir(parents=True)
    home.chmod(0o700)
    duckdb.sql("select range as p20id from range(40)").write_parquet(str(home / "project/data/sde.parquet"))
    nbformat.write(
        nbformat.v4.new_notebook(
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            cells=[nbformat.v4.new_code_cell("print('template')", id="one")],
        ),
        home / "project/templates/getting_started.ipynb",
    )
    (home / "project" / "project.json").write_text(json.dumps(ABOUT), "utf-8")
    config = home / "hub.json"
    identity = {"issuer": provider, "client_id": "enclave", "client_secret": "not a secret"}
    told: dict[str, object] = {"home": str(home), "runtime_dir": str(place / "run"), "port": port}
    told["identity"] = identity
    told |= {"broker": "small_broker:broker", "demo": True, "reconcile_seconds": 1} | settings
    config.write_text(json.dumps(told))
    process = hub_client.start_hub(config, modules=Path(__file__).parent)
    base_url = str(told.get("public_url", f"http://127.0.0.1:{told['port']}"))
    found = Hub(home, place / "run", config, base_url, process)
    try:
        yield found
    finally:
        hub_client.stop(found.process)
        Sandboxes(found.runtime_dir).reap(())
        wipe(place)
