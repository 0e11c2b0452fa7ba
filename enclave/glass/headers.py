"""Headers: what goes to a server, and the few a sandbox may say beside its body."""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from aiohttp import web
from multidict import CIMultiDict

from enclave.glass.rules import Way

POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "connect-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; media-src 'self' data: blob:; "
    "worker-src 'self' blob:; frame-src 'self'; frame-ancestors 'self'; form-action 'self'; base-uri 'none'; "
    "object-src 'none'; "
    # no window, no link into one, nothing saved: what a cell's script asks for stays in this page
    "sandbox allow-scripts allow-same-origin allow-forms allow-modals"
)
OWN = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}
HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)
_YEAR_SECONDS = 365 * 24 * 3600
# Content-Disposition, which makes a browser save a file, is not among them.
_KEPT = frozenset({"content-type", "etag", "last-modified", "cache-control", "set-cookie", "location"})


def forwarded(request: web.Request, scheme: str, *, keep_encoding: bool, keep_body: bool = True) -> CIMultiDict[str]:
    """Return the headers of a request as they go on to the target; without the body, also without what told of it.

    Parameters
    ----------
    scheme : str
        http or https: how browsers reach us, also where TLS ends before us.
    """
    headers = CIMultiDict(request.headers)
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    for name in {key.lower() for key in headers} & (HOP | named):
        headers.popall(name, None)
    if not keep_body:
        for name in [key for key in headers if key.lower().startswith("content-") or key.lower() == "expect"]:
            headers.popall(name, None)
        headers["Content-Type"] = "application/json"
    if not keep_encoding:
        headers["Accept-Encoding"] = "identity"
    for name in [key for key in headers if key.lower().startswith("x-forwarded-")]:
        headers.popall(name, None)  # whatever the browser claims; what follows is what we know
    headers["X-Forwarded-For"] = request.remote or ""
    headers["X-Forwarded-Proto"] = scheme
    headers["X-Forwarded-Host"] = request.host
    return headers


def kept(headers: Mapping[str, str], way: Way, prefix: str) -> CIMultiDict[str]:
    """Return the headers of a sandbox's answer that go on to the browser.

    A redirect stays on this origin, a cookie below the server's own prefix (or it could replace the
    hub's), and the type is what the route is for, never a script or a file to save.
    """
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        low = name.lower()
        if low not in _KEPT:
            continue
        if low == "location" and (not value.startswith("/") or value.startswith("//") or "\\" in value):
            continue
        if low == "set-cookie" and not _own_cookie(value, prefix):
            continue
        if low == "content-type":
            value = "text/html; charset=utf-8" if way is Way.PAGE else "application/json"
        found.add(name, value)
    return found


def over_tls(headers: CIMultiDict[str]) -> None:
    """Have a browser come back over TLS only, and send what it was given over nothing else.

    Source: DSA II.I.
    """
    headers["Strict-Transport-Security"] = f"max-age={_YEAR_SECONDS}"
    for cookie in headers.popall("Set-Cookie", []):
        headers.add("Set-Cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")


def _own_cookie(value: str, prefix: str) -> bool:
    try:
        cookies = SimpleCookie(value)
    except CookieError:
        return False
    return bool(cookies) and all(
        morsel["path"].rstrip("/").startswith(prefix) and not morsel["domain"] for morsel in cookies.values()
    )
