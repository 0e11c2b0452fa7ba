"""Requests through the glass and through npm's proxy, in turns, to the same small server.

Each reaches it as its hub has it: the glass by a unix socket, npm's proxy by TCP, which is faster for it. The glass
judges each request, looks up what is posted of the server, counts the bytes and chooses the headers; npm's proxy
passes everything on.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import aiohttp
from aiohttp import web

from benchmarks.hub_sessions import NPM_PROXY
from benchmarks.measuring import ROOT
from demo.hub_client import free_port
from hub_config import posted
from hub_config.config import VARIABLE, load, socket_url
from tests.hub.small_broker import SmallSession

SERVER, HUB = "/user/ana/dr-0034", "/hub"
KERNEL = f"{SERVER}/api/kernels/4c03e668-c89a-4779-92ee-48a962a1ece2/channels"
REQUESTS = 400
_BODY = {"connections": 1, "kernels": 1, "last_activity": "2026-01-01T00:00:00Z", "started": "2026-01-01T00:00:00Z"}
_MESSAGE = json.dumps(
    {
        "header": {"msg_id": "m", "msg_type": "stream", "session": "s", "username": "", "date": "", "version": "5.3"},
        "parent_header": {"msg_id": "asked"},
        "metadata": {},
        "content": {"name": "stdout", "text": "one line of output\n"},
        "channel": "iopub",
    }
)
_Round = Callable[[aiohttp.ClientSession, str], Awaitable[float]]


@dataclass(frozen=True)
class Times:
    """Milliseconds of one request: through the glass, through npm's proxy, through none."""

    ours: float
    theirs: float
    direct: float


def times(repeats: int) -> dict[str, Times]:
    """Give, by what is asked, the median over the rounds of the time of one request."""
    return asyncio.run(_times(repeats))


async def _times(repeats: int) -> dict[str, Times]:
    taken: dict[str, tuple[list[float], ...]] = {name: ([], [], []) for name in _ASKED}
    with tempfile.TemporaryDirectory() as folder:
        socket, port = Path(folder) / "u.sock", free_port()
        runner = await _serve(socket, port)
        with _proxy(ours=True) as ours, _proxy(ours=False) as theirs:
            async with aiohttp.ClientSession() as browser:
                for (_, api), target in ((ours, socket_url(socket)), (theirs, f"http://127.0.0.1:{port}")):
                    for path in (SERVER, HUB):
                        await _route(browser, f"http://127.0.0.1:{api}/api/routes{path}", target)
                for turn in range(repeats + 1):  # the first makes connections and warms the code
                    for name, ask in _ASKED.items():
                        for which, through in enumerate((ours[0], theirs[0], port)):
                            took = await ask(browser, f"http://127.0.0.1:{through}")
                            taken[name][which].extend([took] if turn else [])
        await runner.cleanup()
    return {name: Times(*map(median, found)) for name, found in taken.items()}


async def _gets(browser: aiohttp.ClientSession, address: str) -> float:
    begun = time.perf_counter()
    for _ in range(REQUESTS):
        async with browser.get(address) as answer:
            assert answer.status == 200
            await answer.read()
    return (time.perf_counter() - begun) / REQUESTS * 1000


async def _messages(browser: aiohttp.ClientSession, origin: str) -> float:
    async with browser.ws_connect(f"{origin}{KERNEL}") as channel:
        begun = time.perf_counter()
        for _ in range(REQUESTS):
            await channel.send_str(_MESSAGE)
            await channel.receive_str()
        return (time.perf_counter() - begun) / REQUESTS * 1000


_ASKED: dict[str, _Round] = {
    "a small answer of a server": lambda browser, origin: _gets(browser, f"{origin}{SERVER}/api/status"),
    "a small answer of the hub": lambda browser, origin: _gets(browser, f"{origin}{HUB}/api"),
    "a kernel's message, there and back": _messages,
}


async def _serve(socket: Path, port: int) -> web.AppRunner:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade") != "websocket":
            return web.json_response(_BODY)
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        async for message in channel:
            await channel.send_str(message.data)
        return channel

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(socket)).start()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def _route(browser: aiohttp.ClientSession, address: str, target: str) -> None:
    headers = {"Authorization": "token benchmark"}
    for _ in range(600):
        try:
            async with browser.post(address, json={"target": target}, headers=headers) as answer:
                assert answer.status == 201
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.1)
    raise TimeoutError("the proxy does not answer")


@contextmanager
def _proxy(*, ours: bool) -> Iterator[tuple[int, int]]:
    """Run a proxy; give its port and its API's."""
    port, api = free_port(), free_port()
    # socket paths are lower case and have no underscore: a temporary folder's own name may
    folder = Path(tempfile.mkdtemp(prefix="enclave-proxy-"))
    identity = {"issuer": "http://127.0.0.1:9", "client_id": "enclave", "client_secret": "not a secret"}
    config = folder / "hub.json"
    runtime = Path(str(folder).lower().replace("_", "-") + "-run")
    told = {"home": str(folder / "home"), "runtime_dir": str(runtime), "identity": identity, "daily_bytes": 2**40}
    config.write_text(json.dumps(told))
    session = SmallSession("ana-dr-0034", "DR-0034", "ana", ())
    posted.write(load(config).posted, "ana/dr-0034", session, date.today())
    program = [sys.executable, "-m", "hub_config.proxy"] if ours else [str(NPM_PROXY)]
    places = ["--ip", "127.0.0.1", "--port", str(port), "--api-ip", "127.0.0.1", "--api-port", str(api)]
    told_by = {"CONFIGPROXY_AUTH_TOKEN": "benchmark", VARIABLE: str(config), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [*program, *places, "--log-level", "error"],
        env={**os.environ, **told_by},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port, api
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)
        shutil.rmtree(runtime)
