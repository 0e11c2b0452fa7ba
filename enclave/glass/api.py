"""configurable-http-proxy's REST API, as the hub speaks it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import unquote

from aiohttp import web

from enclave.glass.routes import Route, Routes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def api(routes: Routes, token: str, dropped: Callable[[Route], Awaitable[None]]) -> web.Application:
    """Make the application that the hub adds and removes routes through.

    Parameters
    ----------
    routes : Routes
    token : str
        What the hub must send; an empty one is refused.
    dropped : callable
        Called with a route that was removed, to end what still runs through it.

    Raises
    ------
    ValueError
        Without a token: anybody on the machine could then take over every server.
    """
    if not token:
        raise ValueError("the proxy's API needs a token")

    @web.middleware
    async def authorised(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"token {token}".encode()):
            return web.json_response({"message": "forbidden"}, status=403)
        return await handler(request)

    async def listed(request: web.Request) -> web.StreamResponse:
        found = {
            route.path: {"target": route.target, "last_activity": route.last_activity, **route.details}
            for route in routes.all()
        }
        return web.json_response(found)

    async def added(request: web.Request) -> web.StreamResponse:
        details = await request.json()
        target = details.pop("target")
        earlier = routes.find(unquote(_path(request)))
        if earlier is not None and earlier.path == _path(request) and earlier.target != target:
            await dropped(earlier)
        routes.add(Route(_path(request), target, details))
        return web.Response(status=201)

    async def removed(request: web.Request) -> web.StreamResponse:
        route = routes.remove(_path(request))
        if route is not None:
            await dropped(route)
        return web.Response(status=204)

    application = web.Application(middlewares=[authorised])
    application.router.add_get("/api/routes{path:.*}", listed)
    application.router.add_post("/api/routes{path:.*}", added)
    application.router.add_delete("/api/routes{path:.*}", removed)
    return application


def _path(request: web.Request) -> str:
    """Return the route's path as the hub wrote it: decoding is for matching only."""
    return request.raw_path.partition("?")[0].removeprefix("/api/routes") or "/"
