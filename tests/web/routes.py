"""Every route of the application, and what each person is answered there; asked of the application itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

from enclave.web import create_app
from tests.web.browser import PREFIX, NamedLogin
from tests.web.world import PROJECT, World

WORDS = {
    "200": "yes", "303": "yes", "401": "sign", "404": "none", "role": "role", "not-listed": "list",
    "not-yours": "own", "suspended": "stop", "destroyed": "end", "approval": "lack", "spokesman": "rep",
}  # fmt: skip
"""What is said to who asks: how it was answered, or the rule that refused it."""
FIELDS: dict[str, object] = {
    "since": "2022-04-20", "until": "2022-08-25", "reason": "because", "text": "because", "comment": "because",
    "looked_at": "nothing but counts", "decision": "approval", "kind": "question", "up_to": "0", "party": "SDE",
    "digest": "0" * 64, "report": "0" * 64, "statement": "all", "basis": "2.g", "login": "ines", "found": "needed",
    "signed_on": "2022-04-20", "project": PROJECT, "estimated": "5", "clause": "DSA VI.F",
    "determination": "not a breach", "seed": "none",
}  # fmt: skip
"""What is written in a form, whichever it is."""
OF_ONE: Mapping[str, Mapping[str, object]] = {
    "/incidents/open": {"kind": "foia"},
    "/incidents/hold": {"project": "DR-1001"},
    "/incidents/lift": {"project": "DR-1001"},
}
"""What is written otherwise in one; a project that is stopped stays so."""


def application(world: World) -> Starlette:
    """Give the pages of an installation, as the tests sign in to them."""
    return create_app(world.enclave, NamedLogin(), prefix=PREFIX)


def routes(app: Starlette) -> list[tuple[str, str]]:
    """Give method and address below the prefix of everything the application answers."""
    return [*_routes(app.routes, "")]


def _routes(found: list[BaseRoute], above: str) -> Iterator[tuple[str, str]]:
    for route in found:
        if isinstance(route, Mount) and route.routes:
            yield from _routes(route.routes, above + route.path)
        elif isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield method, (above + route.path)[len(PREFIX) - 1 :]
        else:
            assert isinstance(route, Mount)
            yield "GET", f"{above}{route.path}"[len(PREFIX) - 1 :] + "/enclave.css"


def address(path: str, world: World) -> str:
    """Fill a route's parts with what there is in the installation."""
    parts = {
        "project": PROJECT, "request": world.good, "run": "match-01", "person": "rita", "agency": "SDE",
        "agreement": PROJECT, "name": "2022" if "/years/" in path else "none", "case": "problem-001",
        "kind": "b" if "/exhibits/" in path else "continuation",
    }  # fmt: skip
    return f"{PREFIX}{path.format(**parts)[1:]}"


@asynccontextmanager
async def signed_in(app: Starlette, name: str) -> AsyncIterator[tuple[httpx.AsyncClient, str]]:
    """Give a person's browser and the token of their forms; nobody's where the name is empty."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as browser:
        if not name:
            yield browser, ""
            return
        await browser.get(f"{PREFIX}login", params={"as": name})
        found = re.search(r'name="csrf" value="([^"]+)"', (await browser.get(PREFIX)).text)
        assert found is not None
        yield browser, found[1]


@asynccontextmanager
async def all_signed_in(
    app: Starlette, people: Mapping[str, str]
) -> AsyncIterator[Mapping[str, tuple[httpx.AsyncClient, str]]]:
    """Give everybody's browser and token by what they are called here, each signed in once."""
    async with AsyncExitStack() as stack:
        yield {who: await stack.enter_async_context(signed_in(app, name)) for who, name in people.items()}


def said(answer: httpx.Response) -> str:
    """Give what was answered in a word of `WORDS`, or ``form``: something in it is refused."""
    if answer.status_code == 302 and "/login?next=" in answer.headers["location"]:
        return "sign"
    if answer.status_code in (403, 422):
        return WORDS.get(answer.json()["findings"][0]["rule"], "form")
    return WORDS.get(str(answer.status_code), str(answer.status_code))
