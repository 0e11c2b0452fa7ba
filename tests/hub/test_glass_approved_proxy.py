"""A server on which one approved notebook may run: which requests are open, and what arrives through the proxy."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from enclave.glass import Posted, Way, judge
from enclave.glass.approved import narrowed
from enclave.glass.frames import PROTOCOL
from tests.hub.test_glass_approved import (
    CODE,
    NOTEBOOK,
    OTHER_CODE,
    OTHER_KINDS,
    OWN,
    UNANSWERED,
    UNREADABLE,
    packed,
    run,
    unpacked,
)
from tests.hub.test_glass_proxy import KERNEL, PREFIX, Front, front

ID = "4c03e668-c89a-4779-92ee-48a962a1ece2"
NEEDED = (
    "GET /lab",
    "GET /lab/tree/templates/match_review.ipynb",
    "GET /oauth_callback?code=x&state=y",
    "GET /static/lab/main.1234.js?v=1234",
    "GET /lab/api/settings",
    "GET /api/me",
    "GET /api/kernelspecs?1763670000000",
    "GET /api/sessions?1763670000000",
    "POST /api/sessions",
    f"GET /api/kernels/{ID}",
    f"GET /api/kernels/{ID}/channels?session_id=x",
    f"POST /api/kernels/{ID}/restart",
    f"PATCH /api/sessions/{ID}",
    f"DELETE /api/sessions/{ID}",
    "GET /api/contents?content=1&1763670000000",
    "GET /api/contents/templates?content=1",
    "GET /api/contents/templates/match_review.ipynb?type=notebook&content=1",
    "GET /api/contents/templates/match_review.ipynb/checkpoints",
)
CLOSED = (
    "PUT /api/contents/templates/match_review.ipynb",
    "PATCH /api/contents/templates/match_review.ipynb",
    "DELETE /api/contents/templates/match_review.ipynb",
    "POST /api/contents/templates/match_review.ipynb/checkpoints",
    "POST /api/contents/templates/match_review.ipynb/checkpoints/x",
    "POST /api/contents/templates/match_review.ipynb",
    "POST /api/contents",
    "PUT /api/contents/own.ipynb",
    "PUT /api/contents/sitecustomize.py",
    "GET /api/contents/own.ipynb",
    "GET /api/contents/job",
    "GET /api/contents/templates/own.ipynb?content=1",
    "POST /api/kernels",
    f"PATCH /api/kernels/{ID}",
    "GET /api/kernelspecs/mine",
    "GET /files/templates/match_review.ipynb",
    "POST /api/terminals",
    f"PUT /api/kernels/{ID}/restart",
    f"POST /api/kernels/{ID}/shutdown",
    f"POST /api/kernels/{ID}/channels",
    "OPTIONS /api/sessions",
    "TRACE /api/me",
)


def ruling_of(request_line: str) -> Any:
    method, _, target = request_line.partition(" ")
    path, _, query = target.partition("?")
    ruling = judge(method, PREFIX + path, query, PREFIX)
    return ruling if ruling.way is Way.CLOSED else narrowed(method, path, b"", ruling, NOTEBOOK)


@pytest.mark.parametrize("request_line", NEEDED)
def test_what_judging_needs_is_open(request_line: str) -> None:
    assert ruling_of(request_line).way is not Way.CLOSED


@pytest.mark.parametrize("request_line", CLOSED)
def test_everything_else_is_closed(request_line: str) -> None:
    assert ruling_of(request_line).way is Way.CLOSED


def test_a_query_says_nothing_to_the_server() -> None:
    assert ruling_of("POST /api/sessions?kernel_name=mine&path=x").query == ""
    assert ruling_of(f"GET /api/kernels/{ID}/channels?session_id=x&env=y").query == ""


ARRIVED = json.dumps("arrived")


class Recorder:
    """A server that writes down what reaches it."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes, str]] = []
        self.messages: list[str | bytes] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse(protocols=(PROTOCOL,))
            await socket.prepare(request)
            async for arrived in socket:
                self.messages.append(arrived.data)
                await socket.send_str(ARRIVED)
            return socket
        told = request.headers.get("Content-Length", "")
        self.bodies.append((f"{request.method} {request.path}", await request.read(), told))
        return web.json_response({})


def approved_front(folder: Path, check: Callable[[Front, Recorder, aiohttp.ClientSession], Any]) -> Recorder:
    """Run the proxy before a recorder, of which it stands that only the notebook runs."""
    recorder = Recorder()

    async def prepared(found: Front, browser: aiohttp.ClientSession) -> None:
        found.posted["ana/dr-0034"] = Posted("", NOTEBOOK)
        await check(found, recorder, browser)

    front(folder, prepared, recorder.answer)
    return recorder


def test_a_kernel_is_started_as_the_notebook_has_it_whatever_is_asked(tmp_path: Path) -> None:
    mark = f"templates/{ID}"
    asked = {"path": "/etc/own.py", "type": "console", "kernel": {"name": "bash", "id": ID, "env": {"X": "y"}}}

    async def check(found: Front, recorder: Recorder, browser: aiohttp.ClientSession) -> None:
        async with browser.post(f"{found.url}{PREFIX}/api/sessions", json=asked) as answer:
            assert answer.status == 200
        for body in (json.dumps({**asked, "path": mark}), json.dumps({"path": f"{mark}/x"}), "[" * 100_000, "[]"):
            async with browser.post(f"{found.url}{PREFIX}/api/sessions", data=body) as answer:
                assert answer.status == 200
        async with browser.patch(f"{found.url}{PREFIX}/api/sessions/{ID}", json=asked) as answer:
            assert answer.status == 200
        async with browser.post(f"{found.url}{PREFIX}/api/kernels/{ID}/restart", data=b"x" * 9) as answer:
            assert answer.status == 200
        async with browser.post(f"{found.url}{PREFIX}/api/kernels", json={"name": "bash"}) as answer:
            assert answer.status == 403 and "match_review.ipynb" in (await answer.json())["message"]

    *starts, renamed, restart = approved_front(tmp_path, check).bodies
    named = {"name": "match_review.ipynb", "type": "notebook"}
    always = {**named, "kernel": {"name": "python3"}}
    own = "templates/match_review.ipynb"
    assert [json.loads(body) for _, body, _ in starts] == [{"path": p, **always} for p in (own, mark, own, own, own)]
    assert all(told == str(len(body)) for _, body, told in starts)
    assert json.loads(renamed[1]) == {"path": own, **named}  # PATCH with a kernel would start another
    assert restart[1] == b""


@pytest.mark.parametrize("protocols", [(), (PROTOCOL,)])
def test_only_approved_cells_arrive(tmp_path: Path, protocols: tuple[str, ...]) -> None:
    """Text and packed, whole and in fragments: of everything sent, the kernel gets the one approved cell."""
    write = packed if protocols else json.dumps

    async def check(found: Front, recorder: Recorder, browser: aiohttp.ClientSession) -> None:
        async with browser.ws_connect(f"{found.url}{KERNEL}?session_id=x", protocols=protocols) as kernel:
            assert kernel.protocol == (PROTOCOL if protocols else None)
            for told in (*OTHER_CODE.values(), *OTHER_KINDS.values(), *UNANSWERED.values()):
                await _send(kernel, write(told))
            for frame, _ in UNREADABLE.values():
                if isinstance(frame, bytes) is not bool(protocols) or not frame:
                    await _send(kernel, frame)
            await _in_fragments(kernel, write(run(OWN)))
            await _in_fragments(kernel, write(run()))
            while (await kernel.receive()).data != ARRIVED:
                pass

    arrived = [unpacked(frame) for frame in approved_front(tmp_path, check).messages]
    assert [each["content"]["code"] for each in arrived] == [CODE]


async def _send(kernel: aiohttp.ClientWebSocketResponse, frame: str | bytes) -> None:
    if isinstance(frame, bytes):
        await kernel.send_bytes(frame)
    else:
        await kernel.send_str(frame)


async def _in_fragments(kernel: aiohttp.ClientWebSocketResponse, frame: str | bytes) -> None:
    """Send a message in three frames, as RFC 6455 lets anybody do."""
    opcode, whole = (2, frame) if isinstance(frame, bytes) else (1, frame.encode())
    third = len(whole) // 3
    parts = [(opcode, whole[:third]), (0, whole[third : 2 * third]), (0x80, whole[2 * third :])]
    transport = kernel._writer.transport
    for first, part in parts:
        size = struct.pack("!BH", 0x80 | 126, len(part))
        transport.write(bytes([first]) + size + bytes(4) + part)


def test_a_server_of_which_nothing_is_posted_is_closed(tmp_path: Path) -> None:
    async def check(found: Front, recorder: Recorder, browser: aiohttp.ClientSession) -> None:
        del found.posted["ana/dr-0034"]
        async with browser.get(f"{found.url}{PREFIX}/lab") as answer:
            assert answer.status == 403 and "start it again" in (await answer.json())["message"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await browser.ws_connect(f"{found.url}{KERNEL}")

    assert approved_front(tmp_path, check).bodies == []
