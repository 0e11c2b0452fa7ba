"""The pages of a large installation while fifty people click, beside the same clicks on a small one.

    make bench-pages

Fifty people, half of them researchers, open a page of theirs about once a second each, over loopback, and stewards
decide about researchers while the others look. The large installation has 200 projects, 2,000 people and a million
entries; the small one has one project. One process serves, another clicks: on two cores, one each.
"""

from __future__ import annotations

import json
import tempfile
import time
from itertools import chain
from pathlib import Path
from statistics import quantiles

from benchmarks.measuring import SCRATCH, Parts, Row, measure, python, run
from benchmarks.pages_case import enlarge, names
from enclave.web import judged_ahead, read_ahead
from tests.web.browser import served
from tests.web.world import World, build

PACKAGES = ("starlette", "uvicorn", "jinja2", "sqlalchemy", "pydantic")
PROJECTS, ENTRIES = 200, 1_000_000
COMMAND = "make bench-pages"
SMALL = "the same clicks on an installation of one project"


def clicks(seconds: int) -> list[Row]:
    """Time the pages of both, one after the other."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        home = Path(folder)
        made = build(home / "made")
        small = World(enlarge(made, home / "small", 1, 1_000), made.good, made.unsafe)
        large = World(enlarge(made, home / "large", PROJECTS, ENTRIES), made.good, made.unsafe)
        theirs, their_cpu = _clicked(small, names(1), seconds)
        ours, our_cpu = _clicked(large, names(PROJECTS), seconds)
        for world in (made, small, large):
            world.close()
    work = f"{PROJECTS} projects, {ENTRIES:,} entries, 50 people who click for {seconds} s"
    rows = [
        Row(work, f"{page}, 95th percentile", "ms", _p95(ours[page]), _p95(theirs[page]), SMALL, COMMAND)
        for page in ours
    ]
    every = Row(work, "every page, 95th percentile", "ms", _p95(_all(ours)), _p95(_all(theirs)), SMALL, COMMAND)
    cpu = Row(work, "CPU time of a click, mean", "ms", our_cpu, their_cpu, SMALL, COMMAND)
    return [every, cpu, *rows]


def _clicked(world: World, projects: list[str], seconds: int) -> tuple[dict[str, list[float]], float]:
    """Give the milliseconds of each page, and those of CPU that serving one took."""
    read_ahead(world.enclave)
    with judged_ahead(world.enclave), served(world) as base:
        asked = json.dumps({"base": base, "projects": projects, "request": world.good, "seconds": seconds})
        begun = time.process_time()
        found: dict[str, list[float]] = run([python(), "-m", "benchmarks.pages_people", asked], 10 * seconds + 120)
        spent = time.process_time() - begun
    return found, round(1_000 * spent / len(_all(found)), 2)


def _all(found: dict[str, list[float]]) -> list[float]:
    return list(chain.from_iterable(found.values()))


def _p95(milliseconds: list[float]) -> float | None:
    return round(quantiles(milliseconds, n=20)[-1], 1) if len(milliseconds) > 1 else None


PARTS: Parts = {"clicks": (clicks, 60)}
"""What is measured, and for how many seconds."""

if __name__ == "__main__":
    measure("pages", "The pages", PARTS, PACKAGES)
