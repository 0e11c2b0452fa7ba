"""The proxy itself: every request of every browser, and every byte a sandbox answers."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote, unquote

import aiohttp
from aiohttp import web
from yarl import URL

from enclave.glass import approved, frames
from enclave.glass.banner import with_banner
from enclave.glass.headers import HOP, OWN, forwarded, kept, over_tls
from enclave.glass.lab import LabFiles, known
from enclave.glass.meter import Meter
from enclave.glass.posted import Posted
from enclave.glass.routes import Route, Routes
from enclave.glass.rules import Ruling, Way, judge, plain
from enclave.glass.tally import Activity
from enclave.glass.targets import Targets
from enclave.terms import ApprovedNotebook

log = logging.getLogger(__name__)

_WIRE_BYTES = 64 * 1024**2


class Glass:
    """The application behind the public port.

    Parameters
    ----------
    routes : Routes
    meter : Meter
    lab : LabFiles
    error_target : str
        Where the hub serves its error pages; empty for none.
    now : callable
        Returns the time as ISO 8601; doors own the clock.
    posted : callable
        Returns, for 'person/project', what the hub posted of the server; None closes it.
    refused : callable
        Told 'person/project' and, in a word of ours, what was refused where only one notebook may run.
    activity : Activity
        Counts what is run and opened at every server.
    scheme : str
        http or https: how browsers reach us.
    """

    def __init__(
        self,
        routes: Routes,
        meter: Meter,
        lab: LabFiles,
        error_target: str,
        now: Callable[[], str],
        posted: Callable[[str], Posted | None],
        refused: Callable[[str, str], None],
        activity: Activity,
        scheme: str = "http",
    ) -> None:
        """Store the parts; no connection is made."""
        self._routes = routes
        self._meter = meter
        self._lab = lab
        self._error_target = error_target
        self._now = now
        self._posted = posted
        self._refused = refused
        self._activity = activity
        self._scheme = scheme
        self._targets = Targets()
        self._open: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_route("*", "/{path:.*}", self._answer)

        async def close(_: web.Application) -> None:
            await self._targets.close()

        async def strict(_: web.Request, response: web.StreamResponse) -> None:
            over_tls(response.headers)

        application.on_cleanup.append(close)
        if self._scheme == "https":
            application.on_response_prepare.append(strict)
        return application

    async def drop(self, route: Route) -> None:
        """End everything that still runs through a removed route, websockets too."""
        for browser in list(self._open.pop(route.prefix, ())):
            await browser.close(code=1001, message=b"the server was stopped")
        await self._targets.drop(route.target)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        raw_path, _, raw_query = request.raw_path.partition("?")
        path = plain(raw_path)
        route = self._routes.find(unquote(raw_path)) if path is None else self._routes.find(path)
        if not raw_path.startswith("/") or route is None or (path is None and _sandbox_like(raw_path)):
            return _closed(request, "the address is written in a way the enclave does not follow")
        route.last_activity = self._now()
        if route.server is None:
            return await self._pass(request, route, request.raw_path)
        posted = self._posted(route.server)
        ruling = await self._rule(request, posted, raw_path, raw_query, route.prefix)
        if posted is None or ruling.way is Way.CLOSED:
            log.warning("closed %s %s for %s", request.method, _first_words(path or ""), route.server)
            if posted is not None and posted.only is not None:
                self._refused(route.server, approved.closed((path or "").removeprefix(route.prefix)))
            return _closed(request, ruling.reason)
        if ruling.way is Way.LOCAL:
            return await self._local(request, (path or "").removeprefix(route.prefix))
        if ruling.way is Way.SOCKET:
            return await self._socket(request, route, _full(ruling), sandbox=route.server, only=posted.only)
        if self._meter.left(route.server) <= 0:
            return _closed(request, self._meter.notice(route.server))
        return await self._from_sandbox(request, route, route.server, ruling, posted.banner)

    async def _rule(
        self, request: web.Request, posted: Posted | None, raw_path: str, raw_query: str, prefix: str
    ) -> Ruling:
        """Judge a request by what holds for every server, and then by what holds for this one."""
        if posted is None:
            return Ruling(Way.CLOSED, "nobody has said what may run on this server; start it again")
        ruling = judge(request.method, raw_path, raw_query, prefix)
        if ruling.way is Way.CLOSED or posted.only is None:
            return ruling
        inner = (plain(raw_path) or "").removeprefix(prefix)
        body = await request.read() if request.method in ("POST", "PATCH") else b""
        return approved.narrowed(request.method, inner, body, ruling, posted.only)

    async def _local(self, request: web.Request, inner: str) -> web.StreamResponse:
        body = await request.read() if request.method == "PUT" else b""
        answer = self._lab.answer(
            request.method,
            inner,
            browser=known(request.headers.get("Cookie", "")),
            ids_only=request.query.get("ids_only") == "true",
            body=body,
        )
        if answer.file is not None:
            fresh = (
                "max-age=31536000, immutable" if "/static/" in inner and "v=" in request.query_string else "no-cache"
            )
            return web.FileResponse(answer.file, headers={**OWN, "Cache-Control": fresh})
        response = web.Response(
            status=answer.status,
            body=answer.document or None,
            content_type="application/json",
            headers=OWN,
        )
        if answer.document:
            response.enable_compression()
        return response

    async def _from_sandbox(
        self, request: web.Request, route: Route, server: str, ruling: Ruling, banner: str
    ) -> web.StreamResponse:
        """Fetch a page or a document whole, count it, and send only what the rules keep of it."""
        session, origin = self._targets.session(route.target)
        own_body = ruling.body is None
        sent = await request.read() if own_body and request.body_exists else ruling.body
        try:
            async with session.request(
                request.method,
                _url(origin, _full(ruling)),
                headers=forwarded(request, self._scheme, keep_encoding=False, keep_body=own_body),
                data=sent or None,  # an empty one would be written by a task of its own
                allow_redirects=False,
            ) as answer:
                body = await _at_most(answer, min(ruling.cap_bytes, self._meter.left(server)))
                status, headers = answer.status, answer.headers
        except (aiohttp.ClientError, OSError):
            return await self._unreachable(request)
        if body is None:
            return _closed(request, f"the answer is larger than the {ruling.cap_bytes // 1024} KB that may be shown")
        if ruling.opens and status == 200:
            self._activity.opened(server)
        shown = kept(headers, ruling.way, route.prefix)
        spent = len(body) + sum(len(name) + len(value) for name, value in shown.items())
        self._meter.spend(server, spent)
        if ruling.way is Way.PAGE and banner:
            body = with_banner(body, f"{banner} · {self._meter.summary(server)}")
        response = web.Response(status=status, body=body if status not in (204, 304) else None)
        response.headers.clear()
        response.headers.extend(OWN)
        response.headers.extend(shown)
        return response

    async def _pass(self, request: web.Request, route: Route, target_path: str) -> web.StreamResponse:
        """Pass a request of the hub or a service on, streaming both ways."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request, route, target_path, sandbox=None)
        session, origin = self._targets.session(route.target)
        response: web.StreamResponse | None = None
        try:
            async with session.request(
                request.method,
                _url(origin, target_path),
                headers=forwarded(request, self._scheme, keep_encoding=True),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            ) as answer:
                response = web.StreamResponse(status=answer.status, reason=answer.reason)
                for name, value in answer.headers.items():
                    if name.lower() not in HOP:
                        response.headers.add(name, value)
                await response.prepare(request)
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
        except (aiohttp.ClientError, OSError):
            if response is not None and response.prepared:
                raise
            return await self._unreachable(request)
        return response

    async def _socket(
        self,
        request: web.Request,
        route: Route,
        target_path: str,
        sandbox: str | None,
        only: ApprovedNotebook | None = None,
    ) -> web.StreamResponse:
        """Join a browser's websocket to the target's; from a sandbox every frame is counted."""
        session, origin = self._targets.session(route.target)
        headers = forwarded(request, self._scheme, keep_encoding=False)
        for name in [name for name in headers if name.lower().startswith("sec-websocket")]:
            del headers[name]
        # Only a sub-protocol that can be read here; the server may decline it.
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        protocols = (frames.PROTOCOL,) if frames.PROTOCOL in offered else ()
        url = _url(origin, target_path)
        try:
            inner = await session.ws_connect(url, headers=headers, max_msg_size=_WIRE_BYTES, protocols=protocols)
        except aiohttp.WSServerHandshakeError as refused:
            return web.Response(status=refused.status)
        except (aiohttp.ClientError, OSError):
            return await self._unreachable(request)
        browser = web.WebSocketResponse(
            max_msg_size=_WIRE_BYTES,
            compress=False,
            timeout=2,
            protocols=protocols if inner.protocol in protocols else (),
        )
        await browser.prepare(request)
        self._open[route.prefix].add(browser)
        outwards = asyncio.create_task(self._outwards(inner, browser, sandbox))
        try:
            async for message in browser:
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    continue
                inwards = message.data
                if only is not None:
                    verdict = approved.judged(message.data, only, packed=inner.protocol == frames.PROTOCOL)
                    inwards = await self._heed(verdict, browser, str(sandbox))
                if sandbox is not None and (code := frames.code(inwards)) is not None:
                    self._activity.ran(sandbox, code)
                await _send(inner, inwards)
        finally:
            outwards.cancel()
            with suppress(asyncio.CancelledError):
                await outwards
            self._open[route.prefix].discard(browser)
            await inner.close()
        return browser

    async def _heed(
        self, verdict: approved.Verdict, browser: web.WebSocketResponse, server: str
    ) -> str | bytes | None:
        """Tell the browser what was refused, and return what goes on to the kernel."""
        if verdict.refused:
            self._refused(server, verdict.refused)
        for part in verdict.back:
            await _send(browser, part)
        return verdict.inwards

    async def _outwards(
        self, inner: aiohttp.ClientWebSocketResponse, browser: web.WebSocketResponse, sandbox: str | None
    ) -> None:
        told: set[str] = set()
        with suppress(ConnectionError, aiohttp.ClientError):
            async for message in inner:
                if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    continue
                shown = [message.data] if sandbox is None else self._curtail(sandbox, message.data, told)
                for part in shown:
                    await _send(browser, part)
        await browser.close(code=1001 if inner.close_code in (None, 1006) else inner.close_code or 1000)

    def _curtail(self, server: str, message: str | bytes, told: set[str]) -> list[str | bytes]:
        """Return what a browser gets of one frame: all of it, or a word about why not."""
        size = len(message) if isinstance(message, bytes) else len(message.encode())
        left = self._meter.left(server)
        if size <= min(frames.FRAME_BYTES, left):
            self._meter.spend(server, size)
            return [message]
        if size <= left:
            text = (
                f"This output is {size / 1024**2:.1f} MB; one message may show "
                f"{frames.FRAME_BYTES // 1024**2} MB. Show less of it."
            )
        else:
            text = self._meter.notice(server)
        asked = frames.parent(message)
        parts: list[str | bytes | None] = [frames.skeleton(message)]
        if asked not in told:
            told.add(asked)
            parts.insert(0, frames.notice(message, text))
        return [part for part in parts if part is not None]

    async def _unreachable(self, request: web.Request) -> web.StreamResponse:
        """Show the hub's own page for a server that does not answer."""
        if self._error_target:
            target, _, path = _split_target(self._error_target)
            session, origin = self._targets.session(target)
            with suppress(aiohttp.ClientError, OSError):
                async with session.get(
                    _url(origin, f"{path}/503?url={quote(request.path)}"),
                    headers=forwarded(request, self._scheme, keep_encoding=False),
                ) as page:
                    return web.Response(
                        status=503, body=await page.read(), headers={"Content-Type": "text/html; charset=utf-8"}
                    )
        return web.Response(status=503, text="the server does not answer")


async def _send(to: web.WebSocketResponse | aiohttp.ClientWebSocketResponse, part: str | bytes | None) -> None:
    if isinstance(part, str):
        await to.send_str(part)
    elif part is not None:
        await to.send_bytes(part)


def _split_target(target: str) -> tuple[str, str, str]:
    scheme, _, rest = target.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place}", slash, f"{slash}{path}".rstrip("/")


def _sandbox_like(raw_path: str) -> bool:
    return "user/" in unquote(unquote(raw_path)).lower()


def _full(ruling: Ruling) -> str:
    return f"{ruling.path}?{ruling.query}" if ruling.query else ruling.path


def _url(origin: str, path: str) -> URL:
    # Encoded already: a second quoting would make it another address than the one that was judged.
    return URL(f"{origin}{path}", encoded=True)


async def _at_most(answer: aiohttp.ClientResponse, limit: int) -> bytes | None:
    """Read a body of at most `limit` bytes; None when it is larger."""
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit:
            answer.close()
            return None
    return bytes(body)


def _first_words(path: str) -> str:
    """Return the route without names of files, which may be anything."""
    return "/".join(path.split("/")[:6])


def _closed(request: web.Request, reason: str) -> web.Response:
    return web.Response(
        status=403,
        body=json.dumps({"message": reason, "reason": reason}),
        content_type="application/json",
        headers=OWN,
    )
