"""Who is at the browser: JupyterHub says so (OAuth with PKCE); we keep only a random session id in the cookie.

Source: DSA VI.E; EM XV.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Protocol

from jupyterhub.services.auth import HubOAuth
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from enclave.errors import Fault, refuse
from enclave.settings import WebSettings

COOKIE = "enclave-session"
STATE_COOKIE = "enclave-oauth-state"
_SECONDS = 8 * 3600
_STATE_SECONDS = 600
_MOST = 10_000


@dataclass(frozen=True)
class SignedIn:
    """A person at a browser, and the token every form of theirs carries."""

    name: str
    csrf: str


@dataclass(frozen=True)
class _Session:
    who: SignedIn
    token: str = field(repr=False)
    until: float = 0.0


class Sessions:
    """Sessions of this process. A restart ends them; the hub signs people in again without asking."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: dict[str, _Session] = {}

    def begin(self, request: Request, answer: Response, name: str, token: str = "") -> SignedIn:
        """Begin a session under a new id; one that the browser brought along ends (no fixation)."""
        self.end(request)
        now = time.monotonic()
        self._open = {key: kept for key, kept in self._open.items() if kept.until > now}
        while len(self._open) >= _MOST:
            self._open.pop(next(iter(self._open)))
        key, who = secrets.token_urlsafe(32), SignedIn(name, secrets.token_urlsafe(32))
        self._open[key] = _Session(who, token, now + _SECONDS)
        set_cookie(request, answer, COOKIE, key, self._path, _SECONDS)
        return who

    def find(self, request: Request) -> tuple[SignedIn, str] | None:
        """Give the person and the hub's token of a request's session, or None."""
        found = self._open.get(request.cookies.get(COOKIE, ""))
        if found is None or found.until < time.monotonic():
            return None
        return found.who, found.token

    def end(self, request: Request) -> None:
        """End a request's session."""
        self._open.pop(request.cookies.get(COOKIE, ""), None)


def set_cookie(request: Request, answer: Response, name: str, value: str, path: str, seconds: int) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send with a form."""
    secure = request.url.scheme == "https"
    answer.set_cookie(name, value, max_age=seconds, path=path, httponly=True, samesite="lax", secure=secure)


class Login(Protocol):
    """How people sign in; the application is given one."""

    async def who(self, request: Request) -> SignedIn | None:
        """Give the person of a request, or None when they must sign in first."""
        ...

    def routes(self) -> list[Route]:
        """Give ``login`` and whatever else signing in needs, below the prefix."""
        ...

    def sign_out(self, request: Request) -> str:
        """End the session and give the path to go to."""
        ...


class HubLogin:
    """Sign-in by JupyterHub, of which the pages are a service."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._scope = "access:services!service=enclave"
        self._sessions = Sessions(settings.prefix)
        self._begun: dict[str, tuple[float, str, str]] = {}
        self._hub = HubOAuth(
            api_url=settings.api_url,
            api_token=settings.api_token,
            base_url=settings.prefix,
            hub_prefix=settings.hub,
            oauth_client_id=settings.client_id,
            oauth_redirect_uri=f"{settings.prefix}oauth_callback",
            cache_max_age=30,  # how long a person whose token was revoked is still believed
        )

    def routes(self) -> list[Route]:
        """Give the two routes of the OAuth exchange."""
        return [Route("/login", self._begin), Route("/oauth_callback", self._finish)]

    async def who(self, request: Request) -> SignedIn | None:
        """Give the person of a request, asking the hub whether their token still holds."""
        found = self._sessions.find(request)
        if found is None:
            return None
        who, token = found
        if await self._name(token) != who.name:
            self._sessions.end(request)
            return None
        return who

    def sign_out(self, request: Request) -> str:
        """End the session here, and go on to end the hub's."""
        self._sessions.end(request)
        return f"{self._settings.hub}logout"

    async def _name(self, token: str) -> str:
        model = await self._hub.user_for_token(token, sync=False)
        if not model or model.get("kind") != "user" or not self._hub.check_scopes({self._scope}, model):
            return ""
        return str(model["name"])

    async def _begin(self, request: Request) -> Response:
        state = secrets.token_urlsafe(32)
        verifier, challenge, method = self._hub.generate_pkce_code_challenge()
        now = time.monotonic()
        self._begun = {key: kept for key, kept in self._begun.items() if kept[0] > now}
        while len(self._begun) >= _MOST:
            self._begun.pop(next(iter(self._begun)))
        self._begun[state] = (now + _STATE_SECONDS, verifier, self._next(request.query_params.get("next", "")))
        asked = {"state": state, "code_challenge": challenge, "code_challenge_method": method}
        answer = RedirectResponse(str(URL(self._hub.login_url).include_query_params(**asked)), 302)
        set_cookie(request, answer, STATE_COOKIE, state, self._settings.prefix, _STATE_SECONDS)
        return answer

    async def _finish(self, request: Request) -> Response:
        state = request.query_params.get("state", "")
        begun = self._begun.pop(state, None)
        mine = secrets.compare_digest(request.cookies.get(STATE_COOKIE, "").encode(), state.encode())
        code = request.query_params.get("code", "")
        if begun is None or not mine or not code or begun[0] < time.monotonic():
            raise refuse(
                "sign-in", "sign-in-state", "DSA VI.E", "this sign-in was not begun in this browser, or is too old",
                "Sign in again.",
            )  # fmt: skip
        token = await self._hub.token_for_code(code, code_verifier=begun[1], sync=False)
        name = await self._name(token) if token else ""
        if not name:
            raise Fault("sign-in: the hub gave a token that it does not know")
        answer = RedirectResponse(begun[2], 303)
        answer.delete_cookie(STATE_COOKIE, path=self._settings.prefix)
        self._sessions.begin(request, answer, name, token)
        return answer

    def _next(self, path: str) -> str:
        """Give the page to go to afterwards: one of ours, never another site's."""
        plain = path.startswith(self._settings.prefix) and "\\" not in path and path.isprintable()
        return path if plain else self._settings.prefix
