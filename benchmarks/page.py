"""docs/benchmarks.md, written from the files of results: ``python -m benchmarks.page``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from benchmarks.measuring import RESULTS, ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
AREAS = {
    "disclosure": "Disclosure control",
    "gate": "The gate",
    "linkage": "Linkage",
    "hub": "Hub and sessions",
    "custody": "Ledger and seals",
    "pages": "Pages",
}
HEAD = """# Benchmarks

Written by `python -m benchmarks.page` from `benchmarks/results`. Each figure was measured in the same run as the peer
beside it, unless the peer's name says otherwise; under a row's heading stands the command that measures it again. The
last column is ours divided by the peer's: for time and memory less is better. What the figures mean, and how far to
trust them, is said where each is used: [linkage](linkage.md#figures), [disclosure control](disclosure.md), and the
benchmarks' own descriptions (`benchmarks/*.py`).
"""


def page() -> str:
    """Write the page."""
    areas = (line for area, title in AREAS.items() for line in section(area, title))
    return "\n".join([HEAD, *areas, *attacks()])


def section(area: str, title: str) -> Iterator[str]:
    """Write what was measured of an area."""
    found = json.loads((RESULTS / f"{area}.json").read_text("utf-8"))
    software = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    yield from (f"## {title}", f"{found['machine']}; {software}; {found['run_at'][:10]}.", "")
    for (work, command), rows in groupby(found["rows"], key=lambda row: (row["work"], row["command"])):
        yield from (f"### {work[:1].upper()}{work[1:]}", f"`{command}`", "")
        yield from ("| figure | ours | peer | ours by peer's |", "|---|---|---|---|")
        for row in rows:
            peer = f"{number(row['peer'], row['unit'])}, {row['peer_name']}" if row["peer"] is not None else ""
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
            yield f"| {row['figure']} | {number(row['ours'], row['unit'])} | {peer} | {ratio} |"
        yield ""
    if area == "gate":
        yield from catches(found["catches"])


def catches(cases: list[dict[str, Any]]) -> Iterator[str]:
    """Write what each tool makes of cases in which somebody could be told apart."""
    yield from ("### What each catches", "`make bench-gate`", "")
    yield from (f"| case | here | {cases[0]['peer_name']} |", "|---|---|---|")
    for case in cases:
        yield f"| {case['case']} | {case['ours']} | {case['peer']} |"
    yield ""


def attacks() -> Iterator[str]:
    """Write how often was tried what must never work: a single time it does would end the run, and is not written."""
    yield from ("## Attacks", "Attempts of which none may succeed; the first that did would have ended its run.", "")
    yield from ("| attack | attempts | command | on commit |", "|---|---|---|---|")
    random = json.loads((RESULTS / "attack.json").read_text("utf-8"))
    yield f"| random protected tables | {random['outcome']['cases']:,} | `{random['command']}` | |"
    for attack, found in json.loads((RESULTS / "attacks.json").read_text("utf-8")).items():
        tried = sum(piece["tried"] for piece in found["pieces"])
        commits = ", ".join(dict.fromkeys(piece["commit"] for piece in found["pieces"]))
        yield f"| {attack} | {tried:,} | `{found['command']}` | {commits} |"
    yield ""


def number(value: Any, unit: str) -> str:
    """Write a figure with its unit."""
    return "" if value is None else f"{value:,.4g} {unit}" if abs(value) < 1000 else f"{value:,.0f} {unit}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
