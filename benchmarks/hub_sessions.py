"""Servers started, ended and counted: ours in sandboxes, and JupyterHub's own beside them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import requests
import websocket

from benchmarks.measuring import ROOT
from demo import hub_client
from demo.hub_client import free_port
from enclave.sandbox import Sandboxes
from tests.hub.conftest import PROJECT, Hub, running_hub
from tests.world import write_settings

NPM_PROXY = ROOT / "var" / "proxy" / "configurable-http-proxy"
IDLE_SECONDS = 3
"""How long a server that has started is left alone before its memory is looked at."""
_MIB = 1024**2
_PRINTING = "import time\nfor n in range(10**6): print(n, flush=True); time.sleep(0.05)"
_WORK = "import pandas, p20kit; print(pandas.Series(range(10)).sum())"

_PEER = """
c.JupyterHub.bind_url = 'http://127.0.0.1:{port}'
c.JupyterHub.hub_port = {hub}
c.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{api}'
c.ConfigurableHTTPProxy.command = ['{npm}']
c.JupyterHub.spawner_class = 'simple'
c.JupyterHub.authenticator_class = 'shared-password'
c.SharedPasswordAuthenticator.user_password = 'long enough, and no secret'
c.Authenticator.allow_all = True
c.JupyterHub.allow_named_servers = True
c.SimpleLocalProcessSpawner.home_dir_template = '{folder}/{{username}}'
c.JupyterHub.redirect_to_server = False
c.Spawner.cmd = ['{server}', '--allow-root']
c.Spawner.default_url = '/lab'
"""


@dataclass(frozen=True)
class Starts:
    """Figures of servers of ours and of the peer's, in the order they were started.

    Attributes
    ----------
    seconds : pair of lists
        From the request to the lab's page.
    mib : pair of lists
        Proportional memory of the idle server with everything that belongs to it.
    """

    seconds: tuple[list[float], list[float]]
    mib: tuple[list[float], list[float]]


@dataclass(frozen=True)
class Crowd:
    """Figures of many sessions at once.

    Attributes
    ----------
    answered : int
        Sessions whose cell answered once more when all were there.
    mib : float
        Mean proportional memory of a session: server, kernel, sandbox.
    hub_seconds : float
        Median time of the hub's own page while all run.
    """

    answered: int
    mib: float
    hub_seconds: float


def starts(repeats: int) -> Starts:
    """Start a server of each hub in turns; the first of each is not counted."""
    found = Starts(([], []), ([], []))
    with _provider(1) as provider, running_hub(provider) as ours, _peer() as peer:
        ours.admit("p0")
        hubs = (
            (hub_client.login(ours.base_url, "p0"), ours.base_url, lambda: _ours(ours)),
            (_signed_in(peer), peer, _theirs),
        )
        for turn in range(repeats + 1):
            for which, (session, url, processes) in enumerate(hubs):
                begun = time.monotonic()
                hub_client.start_server(session, url, "p0", PROJECT)
                took = time.monotonic() - begun
                time.sleep(IDLE_SECONDS)
                memory = _pss(processes())
                hub_client.stop_server(session, url, "p0", PROJECT)
                if turn:
                    found.seconds[which].append(took)
                    found.mib[which].append(memory)
    return found


def kills(repeats: int) -> list[float]:
    """Give the seconds from the word that ends access until nothing is delivered and nothing runs."""
    found = []
    with _provider(1) as provider, running_hub(provider) as hub:
        for _ in range(repeats):
            session, server = hub.opened("p0")
            channel = hub_client.start_kernel(session, server).channel
            hub_client.send_cell(channel, _PRINTING)
            while json.loads(channel.recv())["msg_type"] != "stream":
                pass
            processes = _ours(hub)
            begun = time.monotonic()
            hub.revoke("p0")
            last = _until_silent(channel)
            psutil.wait_procs(processes)
            found.append(max(last, time.monotonic()) - begun)
            hub_client.until(lambda: not hub.released().count("\n") < len(found))
    return found


def crowd(sessions: int) -> Crowd:
    """Start sessions one after another, run a cell in each, keep all, and ask the hub for a page meanwhile."""
    with _provider(sessions) as provider, running_hub(provider) as hub:
        channels = []
        for number in range(sessions):
            session, server = hub.opened(f"p{number}")
            channels.append(hub_client.start_kernel(session, server).channel)
            hub_client.run_cell(channels[-1], _WORK)
        answered = sum(hub_client.run_cell(channel, _WORK).text.strip() == "45" for channel in channels)
        asked = []
        for _ in range(20):
            begun = time.monotonic()
            requests.get(f"{hub.base_url}/hub/login", timeout=60).raise_for_status()
            asked.append(time.monotonic() - begun)
        memory = _pss(_ours(hub)) / sessions
        for channel in channels:
            channel.close()
    return Crowd(answered, memory, median(asked))


# --- the two hubs -----------------------------------------------------------------------------------------


@contextmanager
def _provider(people: int) -> Iterator[str]:
    port = free_port()
    claims = [{"sub": f"p{n}", "amr": ["pwd", "mfa"]} for n in range(people)]
    with tempfile.TemporaryDirectory() as home:
        write_settings(home=Path(home))
        process = hub_client.start_provider(port, claims, Path(home))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            hub_client.stop(process)


@contextmanager
def _peer() -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="enclave-peer-"))
    port, hub, api = free_port(), free_port(), free_port()
    server = Path(sys.executable).with_name("jupyterhub-singleuser")
    (folder / "config.py").write_text(
        _PEER.format(port=port, hub=hub, api=api, npm=NPM_PROXY, folder=folder, server=server)
    )
    with (folder / "log").open("wb") as log:
        command = (sys.executable, "-m", "jupyterhub", "-f", "config.py")
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        hub_client.until_answered(f"http://127.0.0.1:{port}/hub/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        hub_client.stop(process)
        shutil.rmtree(folder)


def _signed_in(peer: str) -> requests.Session:
    session = requests.Session()
    session.headers["User-Agent"] = "enclave-hub-client"
    session.get(f"{peer}/hub/login", timeout=60)
    mark = next(cookie.value for cookie in session.cookies if cookie.name == "_xsrf")
    form = {"username": "p0", "password": "long enough, and no secret", "_xsrf": mark or ""}
    session.post(f"{peer}/hub/login", data=form, timeout=60).raise_for_status()
    session.get(f"{peer}/hub/home", timeout=60)
    return session


# --- what runs --------------------------------------------------------------------------------------------


def _ours(hub: Hub) -> list[psutil.Process]:
    """Return every process of our sandboxes, bubblewrap's own among them."""
    firsts = [psutil.Process(found.pid) for found in Sandboxes(hub.runtime_dir).running()]
    outer = [parent for first in firsts if (parent := first.parent()) and parent.name() == "bwrap"]
    return [*outer, *firsts, *(process for first in firsts for process in first.children(recursive=True))]


def _theirs() -> list[psutil.Process]:
    """Return every process of the peer's server, which is known by its environment."""
    prefix = f"/user/p0/{PROJECT}/"
    found = [
        process
        for process in psutil.process_iter(["environ", "cmdline"])
        if (process.info["environ"] or {}).get("JUPYTERHUB_SERVICE_PREFIX") == prefix
        and any("singleuser" in word for word in process.info["cmdline"] or ())
    ]
    return [*found, *(process for first in found for process in first.children(recursive=True))]


def _pss(processes: Sequence[psutil.Process]) -> float:
    return sum(process.memory_full_info().pss for process in processes) / _MIB


def _until_silent(channel: websocket.WebSocket) -> float:
    """Read until the channel is closed, and return when its last byte came."""
    last = 0.0
    try:
        while channel.recv_data(control_frame=True)[0] != websocket.ABNF.OPCODE_CLOSE:
            last = time.monotonic()
    except (websocket.WebSocketException, OSError):
        pass
    channel.shutdown()
    return last
