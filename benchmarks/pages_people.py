"""Fifty people who click: milliseconds of each page they opened, as JSON. Run by `benchmarks.pages`.

Every ninth click of a steward is a decision: an agency's approval of a researcher is taken back, or given again. So
records change about once a second while all the others look at them.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time

import aiohttp

from benchmarks.pages_case import ANALYSTS, analyst

SHARES = {"researcher": 26, "hub staff": 6, "steward": 10, "opm": 6, "auditor": 2}
PAGES = {
    "researcher": ("", "projects/{project}", "projects/{project}/requests"),
    "hub staff": (
        "", "projects/{project}", "projects/{project}/intake", "projects/{project}/matching",
        "projects/{project}/destruction",
    ),
    "steward": (
        "", "agency", "projects/{project}", "projects/{project}/decisions", "projects/{project}/people",
        "projects/{project}/matching", "projects/{project}/requests", "projects/{project}/ledger",
    ),
    "opm": (
        "", "overview", "projects/{project}", "projects/{project}/intake", "projects/{project}/requests",
        "projects/{project}/requests/{request}", "projects/{project}/destruction", "projects/{project}/ledger",
    ),
    "auditor": ("overview", "projects/{project}/ledger", "projects/{project}/ledger?who=wren"),
}  # fmt: skip
OFFICES = {"steward": ("sam", "dora"), "opm": ("olga",), "auditor": ("audrey",)}
DECIDES = 9
"""A decision among so many clicks of a steward."""


async def main(base: str, projects: list[str], request: str, seconds: float) -> dict[str, list[float]]:
    """Let everybody click for so many seconds; give the milliseconds of each page."""
    chance, taken = random.Random(34), dict[str, list[float]]()
    async with asyncio.TaskGroup() as people:
        for role, count in SHARES.items():
            for n in range(count):
                people.create_task(_click(base, projects, request, seconds, role, n, chance, taken))
    return {page: taken[page] for page in sorted(taken)}


async def _click(
    base: str, projects: list[str], request: str, seconds: float, role: str, n: int, chance: random.Random,
    taken: dict[str, list[float]],
) -> None:  # fmt: skip
    project = chance.choice(projects)
    if role in OFFICES:
        name = OFFICES[role][n % len(OFFICES[role])]
    elif role == "hub staff":
        name = "hubert" + (project[3:] if project != projects[0] else "")
    else:
        name = analyst(project, n % ANALYSTS)
    async with aiohttp.ClientSession(base, cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(f"login?as={name}") as answer:
            csrf = re.findall(r'name="csrf" value="([^"]+)"', await answer.text())[0]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(chance.expovariate(1))
            of = chance.choice(projects) if role in OFFICES else project
            if role == "steward" and not chance.randrange(DECIDES):
                await _decide(browser, of, csrf, taken)
                continue
            page = chance.choice(PAGES[role])
            begun = time.perf_counter()
            if "{request}" in page:
                of = projects[0]  # whose alone it is: its files are sealed for that project
            async with browser.get(page.format(project=of, request=request)) as answer:
                await answer.read()
            answer.raise_for_status()
            title = page.partition("?")[0].replace("projects/{project}", "a project").replace("{request}", "one")
            _note(taken, f"{title or 'home'}, {role}", begun)


async def _decide(browser: aiohttp.ClientSession, of: str, csrf: str, taken: dict[str, list[float]]) -> None:
    """Take an agency's approval back where it stands, give it where it does not."""
    person = analyst(of, ANALYSTS - 1)
    begun = time.perf_counter()
    for what in ("withdraw", "approve"):
        path = f"projects/{of}/people/{person}/{what}"
        async with browser.post(path, data={"csrf": csrf}, allow_redirects=False) as answer:
            await answer.read()
        _note(taken, "a decision, steward", begun)
        if answer.status == 303:
            return
        begun = time.perf_counter()


def _note(taken: dict[str, list[float]], what: str, begun: float) -> None:
    taken.setdefault(what, []).append(round(1000 * (time.perf_counter() - begun), 2))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))
