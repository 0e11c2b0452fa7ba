"""The proxy in front of a server that an attacker has replaced with a program of their own."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web

from enclave.glass import Activity, Glass, LabFiles, Meter, Posted, Routes, Shown
from enclave.glass.api import api
from enclave.glass.frames import FRAME_BYTES
from hub_config.config import lab_files

PREFIX = "/user/ana/dr-0034"
KERNEL = f"{PREFIX}/api/kernels/4c03e668-c89a-4779-92ee-48a962a1ece2/channels"
DAY_BYTES = 6 * 1024**2
TOKEN = {"Authorization": "token t"}
STATUS = {
    "header": {"msg_id": "m2", "msg_type": "status", "session": "s", "username": "", "date": "", "version": "5.3"},
    "parent_header": {"msg_id": "asked"},
    "metadata": {"smuggled": "row"},
    "content": {"execution_state": "idle", "smuggled": "row"},
    "channel": "iopub",
}


class Hostile:
    """Answers everything with as much as it can carry, whatever was asked."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.raw_path)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        headers = {
            "Content-Type": "text/javascript",
            "Content-Disposition": "attachment; filename=rows.csv",
            "Content-Security-Policy": "default-src *",
            "X-Rows": "row",
            "Location": "https://elsewhere.example/rows",
        }
        size = int(request.headers.get("X-Size", 10))
        response = web.Response(body=b"x" * size, headers=headers)
        response.headers.add("Set-Cookie", "jupyterhub-session-id=fixed; Path=/")
        response.headers.add("Set-Cookie", f"own=1; Path={PREFIX}/")
        return response

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        browser = web.WebSocketResponse(max_msg_size=0)
        await browser.prepare(request)
        async for message in browser:
            size = int(message.data)
            told = {**STATUS, "header": {**STATUS["header"], "msg_type": "display_data"}}  # type: ignore[dict-item]
            await browser.send_str(json.dumps({**told, "content": {"data": {"text/plain": "x" * size}}}))
            await browser.send_str(json.dumps(STATUS))
        return browser


class Front:
    """The glass with its routes, on sockets of the moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hostile = Hostile()
        self.shown: list[Shown] = []
        self.routes = Routes()
        self.meter = Meter(DAY_BYTES, lambda: date(2026, 11, 23), self.shown.append)
        lab: LabFiles = lab_files()
        self.posted: dict[str, Posted] = {"ana/dr-0034": Posted("", None)}
        self.refused: list[tuple[str, str]] = []
        self.worked: dict[str, Mapping[str, int | str]] = {}
        self.activity = Activity(lambda server: self.worked.get(server, {}), self._write)
        now = "2026-11-23T00:00:00Z"

        def note(server: str, what: str) -> None:
            self.refused.append((server, what))

        self.glass = Glass(self.routes, self.meter, lab, "", lambda: now, self.posted.get, note, self.activity)
        self.url = self.api_url = ""

    def _write(self, server: str, counts: Mapping[str, int | str]) -> bool:
        self.worked[server] = dict(counts)
        return True

    async def serve(
        self, application: web.Application, site: Callable[[web.AppRunner], web.BaseSite]
    ) -> web.AppRunner:
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        await site(runner).start()
        return runner


def front(
    folder: Path,
    check: Callable[[Front, aiohttp.ClientSession], Awaitable[None]],
    server: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None,
) -> Front:
    """Start everything, add the route through the API as the hub does, run `check`, stop everything.

    `server` answers in place of the hostile one.
    """

    async def run() -> Front:
        found = Front(folder)
        hostile = web.Application(client_max_size=2**30)
        hostile.router.add_route("*", "/{path:.*}", server or found.hostile.answer)
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        found.url, found.api_url = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in sockets)
        runners = [
            await found.serve(hostile, lambda runner: web.UnixSite(runner, str(folder / "u.sock"))),
            await found.serve(found.glass.application(), lambda runner: web.SockSite(runner, sockets[0])),
            await found.serve(
                api(found.routes, "t", found.glass.drop), lambda runner: web.SockSite(runner, sockets[1])
            ),
        ]
        target = f"http+unix://{quote(str(folder / 'u.sock'), safe='')}"
        async with aiohttp.ClientSession() as browser:
            route = {"target": target, "user": "ana"}
            async with browser.post(f"{found.api_url}/api/routes{PREFIX}/", json=route, headers=TOKEN) as added:
                assert added.status == 201
            await check(found, browser)
        for runner in reversed(runners):
            await runner.cleanup()
        return found

    return asyncio.run(run())


def test_of_a_hostile_answer_only_the_body_and_harmless_headers_remain(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.get(f"{found.url}{PREFIX}/api/contents/x.py") as answer:
            assert await answer.text() == "x" * 10
            assert answer.headers["Content-Type"] == "application/json"
            assert {"Content-Disposition", "X-Rows", "Location"} & set(answer.headers) == set()
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers.getall("Set-Cookie") == [f"own=1; Path={PREFIX}/"]

    front(tmp_path, check)


def test_closed_routes_never_reach_the_server(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        for path in (
            "/files/rows.csv",
            "/%66iles/rows.csv",
            "/nbconvert/html/x.ipynb",
            "/static/lab/nothing-there.js",
        ):
            url = aiohttp.client.URL(f"{found.url}{PREFIX}{path}", encoded=True)  # type: ignore[attr-defined]
            async with browser.get(url) as answer:
                assert answer.status in (403, 404)

    assert front(tmp_path, check).hostile.seen == []


def test_scripts_come_from_our_disk(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.get(f"{found.url}{PREFIX}/lab/api/settings") as answer:
            ids = {setting["id"] for setting in (await answer.json())["settings"]}
            assert "@jupyterlab/apputils-extension:themes" in ids
        async with browser.get(f"{found.url}{PREFIX}/static/favicons/favicon.ico") as answer:
            assert answer.status == 200

    assert front(tmp_path, check).hostile.seen == []


def test_a_large_answer_is_closed_and_not_counted_as_shown(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        headers = {"X-Size": str(3 * 1024**2)}
        async with browser.get(f"{found.url}{PREFIX}/api/contents/x.py", headers=headers) as answer:
            assert answer.status == 403 and "larger" in (await answer.json())["message"]

    assert front(tmp_path, check).meter.left("ana/dr-0034") == DAY_BYTES


def test_the_day_ends_when_its_bytes_are_used_up(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        statuses = []
        for _ in range(8):
            headers = {"X-Size": str(2**20)}
            async with browser.get(f"{found.url}{PREFIX}/api/contents/x.py", headers=headers) as answer:
                statuses.append(answer.status)
                body = await answer.read()
        assert statuses == [200] * 5 + [403] * 3
        assert b"larger" in body or b"limit" in body

    found = front(tmp_path, check)
    found.meter.flush()
    assert found.shown[-1].server == "ana/dr-0034"
    assert 5 * 2**20 < found.shown[-1].total_bytes < DAY_BYTES


def test_a_large_frame_becomes_a_word_about_it(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.ws_connect(f"{found.url}{KERNEL}") as kernel:
            await kernel.send_str(str(FRAME_BYTES + 1))
            notice, status = await kernel.receive_json(), await kernel.receive_json()
            assert notice["msg_type"] == "stream" and "one message may show" in notice["content"]["text"]
            assert notice["parent_header"]["msg_id"] == "asked"
            assert status["content"]["execution_state"] == "idle"

    front(tmp_path, check)


def test_after_the_last_byte_a_notebook_still_learns_that_its_cell_ended(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        found.meter.spend("ana/dr-0034", DAY_BYTES)
        async with browser.ws_connect(f"{found.url}{KERNEL}") as kernel:
            await kernel.send_str("5")
            notice, status = await kernel.receive_json(), await kernel.receive_json()
            assert "the limit is 6 MB a day" in notice["content"]["text"]
            assert status["content"] == {"execution_state": "idle"} and status["metadata"] == {}

    front(tmp_path, check)


def test_a_removed_route_closes_its_websockets(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.ws_connect(f"{found.url}{KERNEL}") as kernel:
            async with browser.delete(f"{found.api_url}/api/routes{PREFIX}/", headers=TOKEN) as removed:
                assert removed.status == 204
            assert (await kernel.receive()).type is aiohttp.WSMsgType.CLOSE
        async with browser.get(f"{found.url}{PREFIX}/lab") as answer:
            assert answer.status == 403

    front(tmp_path, check)


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        (tmp_path / "u.sock").rename(tmp_path / "v.sock")
        (tmp_path / "u.sock").symlink_to(tmp_path / "v.sock")
        async with browser.get(f"{found.url}{PREFIX}/api/me") as answer:
            assert answer.status == 503

    assert front(tmp_path, check).hostile.seen == []


@pytest.mark.parametrize("token", [{}, {"Authorization": "token x"}])
def test_routes_are_the_hubs_alone(tmp_path: Path, token: dict[str, str]) -> None:
    async def check(found: Front, browser: aiohttp.ClientSession) -> None:
        async with browser.get(f"{found.api_url}/api/routes", headers=token) as answer:
            assert answer.status == 403
        async with browser.get(f"{found.api_url}/api/routes", headers=TOKEN) as answer:
            assert list(await answer.json()) == [f"{PREFIX}/"]

    front(tmp_path, check)
