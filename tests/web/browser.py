"""The pages on a loopback port, signed in without a hub: who you are stands in the sign-in address.

Only these tests know this way in; `test_web_hub` signs in through the real hub.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import uvicorn
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from demo.hub_client import LONGEST
from enclave.review import Statement
from enclave.web import Sessions, SignedIn, create_app
from tests.web.world import PROJECT, World

PREFIX = "/services/enclave/"


class NamedLogin:
    """Signs in whoever the address names."""

    def __init__(self) -> None:
        self._sessions = Sessions(PREFIX)

    async def who(self, request: Request) -> SignedIn | None:
        found = self._sessions.find(request)
        return found[0] if found else None

    def routes(self) -> list[Route]:
        return [Route("/login", self._begin)]

    def sign_out(self, request: Request) -> str:
        self._sessions.end(request)
        return f"{PREFIX}login"

    async def _begin(self, request: Request) -> Response:
        answer = RedirectResponse(PREFIX, 303)
        self._sessions.begin(request, answer, request.query_params.get("as", "nobody"))
        return answer


class Browser:
    """A person's browser at the pages."""

    def __init__(self, base: str, name: str) -> None:
        self.base = base
        self.http = requests.Session()
        # A kept connection may be closed by the other end at the moment it is used again.
        self.http.headers["Connection"] = "close"
        self.http.get(f"{base}login?as={name}", timeout=LONGEST)

    def see(self, path: str = "", **query: str) -> requests.Response:
        """Open a page below the prefix."""
        return self.http.get(f"{self.base}{path}", params=query, timeout=LONGEST, allow_redirects=False)

    def of(self, path: str = "", **query: str) -> requests.Response:
        """Open a page of the project."""
        return self.see(f"projects/{PROJECT}{path}", **query)

    def csrf(self) -> str:
        """Read the token from the sign-out form of the home page."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.see().text)
        assert found is not None
        return found[1]

    def post(self, path: str, **fields: object) -> requests.Response:
        """Send a form below the prefix, with the token of one's own pages."""
        return self.http.post(
            f"{self.base}{path}", data={"csrf": self.csrf(), **fields}, timeout=LONGEST, allow_redirects=False
        )

    def send(self, path: str, *, project: str = PROJECT, **fields: object) -> requests.Response:
        """Send a form of a project, with the token of one's own pages unless another is given."""
        return self.http.post(
            f"{self.base}projects/{project}{path}", data={"csrf": self.csrf(), **fields}, timeout=LONGEST,
            allow_redirects=False,
        )  # fmt: skip


def match_ended() -> None:
    """Wait for the match that a page began in this process, unless it is over."""
    for each in threading.enumerate():
        if each.name == f"match of {PROJECT}":
            each.join()


@contextmanager
def served(world: World) -> Iterator[str]:
    """Serve the pages of an installation; give the address of its home page."""
    app = create_app(world.enclave, NamedLogin(), prefix=PREFIX)
    # with the protocol's number, or asyncio leaves small packets waiting for one another
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}{PREFIX}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def publish(base: str, request: str) -> None:
    """Clear a request, confirm and waive what is left of its days, and publish it, each on its page."""
    olga, sam, page = Browser(base, "olga"), Browser(base, "sam"), f"/requests/{request}"
    olga.send(f"{page}/clear")
    digest = sam.of(page, format="json").json()["case"]["digest"]
    sam.send(f"{page}/confirm", digest=digest, statement=[str(each) for each in Statement])
    olga.send(f"{page}/waive", reason="The board meets tomorrow.")
    assert olga.send(f"{page}/publish").status_code == 303
