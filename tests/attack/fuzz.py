"""Structured mutations of honest requests: the judge never breaks, and never clears a figure the honest one has not.

``python -m tests.attack.fuzz 1000000`` tries so many, by their numbers, and records what came of them in pieces;
`make test` tries two thousand. A mutation changes the request as plain values, knowing its parts: it moves, repeats,
drops and swaps them, and puts in values of every kind, those of other places of the request among them. All that can
be read is judged, by the functions the gate judges with; what reads as a request that was judged before is not again.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd

from p20kit import (
    Count,
    CumulativeShare,
    Mean,
    Rate,
    chart,
    model,
    open_project,
    preflight,
    protect,
    request_release,
    tabulate,
)
from p20kit.errors import RequestInvalid
from p20kit.measures import Measure
from p20kit.message import pack, unpack
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.tables import Table
from p20kit.verdict import Released, Verdict
from tests.disclosure.projects import RACES, a_project
from tests.recorded import attack

Body = dict[str, Any]
Place = tuple[Any, Any]
"""A list or mapping, and the position or key in it."""
Shown = set[tuple[tuple[tuple[str, str], ...], str, float]]
"""Figures that are displayed: columns and codes of the cell, which figure, and what it comes to."""
OFTEN = (*("counts",) * 4, "figures", "words", "model", "code")
"""Which honest request the mutants are of, in turn."""
FOR_A_PERSON = "needs-review"
HONEST = {"counts": "cleared", "figures": "cleared", **dict.fromkeys(("words", "model", "code"), FOR_A_PERSON)}
PROGRAM = """
import pandas as pd

def shares(people: pd.DataFrame, by: list[str], least: int = 6) -> pd.DataFrame:
    table = people.groupby(by, as_index=False)["P20ID"].nunique()
    return table[table["P20ID"] >= least].assign(Share=lambda made: made["P20ID"] / made["P20ID"].sum())

for name in ("Gender", "School"):
    print(f"{name}: {len(shares(people, [name]))}")
"""
PERSONS = 300
PIECE = 5_000

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 5, 6, 2**31, 2**63, 2**70, 10**400, 0.5, -0.0, 1e308, 5e-324),
    *("", " ", "Total", "Missing", "total", "count", "status", "P20ID", "shown", "primary", "structural", "F" * 300),
    *("\u202eF", "\u200b", "\ua730", "\ud7ff", "=1+1", "'; drop table basis; --", "../x"),
    *([], {}, [[]], [{}], {"": 0}, [None], [0] * 50),
)


def honest(project: Project, folder: Path) -> dict[str, Body]:
    """Ask for counts, for figures with a chart of them, and for what a person must look at: words, a model, code."""
    people = project.frame("sde")
    people = people.assign(Score=range(len(people)), Woman=(people["Gender"] == "F").astype(float))
    race, part = "RaceEthnicityReportingText", "ManufacturingStudent"
    sources = {column: f"sde.{column}" for column in ("Gender", "LastReportingSchoolName", part, race)}

    def counted(name: str, *by: str, measures: Sequence[Measure] = ()) -> Table:
        used = {*by, *(measure.of for measure in measures if not isinstance(measure, Count))}
        named = {column: source for column, source in sources.items() if column in used}
        return tabulate(people, by, measures, name=name, sources=named)

    def asked(*tables: Table, drawn: bool = False, **more: Any) -> Body:
        protected = protect(tables, project.policy)
        charts = [chart(protected, x="Gender", table="rates", measure=f"rate {part}=Y")] if drawn else []
        path = request_release(
            protected, charts=charts, title="Who takes part", report="R1", questions=["RQ1"], audience="public",
            population="students", project=project, outbox=folder, **more,
        )  # fmt: skip
        body: Body = json.loads(path.read_text("utf-8"))
        return body

    counts = counted("schools", "Gender", "LastReportingSchoolName")
    figures: tuple[Measure, ...] = (Rate(part, "Y"), *CumulativeShare.along(race, [*RACES][:3]))
    rates = counted("rates", "Gender", measures=figures)
    scores = counted("rates", "Gender", measures=(*figures, Mean("Score")))
    fitted = model(people, f"Woman ~ {part}", policy=project.policy, kind="logit", sources={part: sources[part]})
    program = folder.parent / "shares.py"
    program.write_text(PROGRAM, "utf-8")
    return {
        "counts": asked(counts),
        "figures": asked(counts, rates, drawn=True),
        "words": asked(counts, scores, drawn=True, texts={"Who": "Students of the schools."}),
        "model": asked(counts, models=[fitted]),
        "code": asked(counts, code={program: "MIT"}),
    }


def places(part: Any) -> Iterator[Place]:
    """Give every place of a request that holds something, long lists by some of theirs."""
    keys = list(part) if isinstance(part, dict) else range(0, len(part), len(part) // 40 + 1)
    for key in keys:
        yield part, key
        if isinstance(part[key], dict | list):
            yield from places(part[key])


def _put(draw: random.Random, at: Place, others: list[Place]) -> None:
    at[0][at[1]] = deepcopy(draw.choice(STRANGE))


def _move(draw: random.Random, at: Place, others: list[Place]) -> None:
    part, key = draw.choice(others)
    at[0][at[1]] = deepcopy(part[key])


def _drop(draw: random.Random, at: Place, others: list[Place]) -> None:
    del at[0][at[1]]


def _repeat(draw: random.Random, at: Place, others: list[Place]) -> None:
    part, key = at
    if isinstance(part, list):
        part.insert(key, deepcopy(part[key]))
    else:
        part[f"{key} "] = deepcopy(part[key])


def _swap(draw: random.Random, at: Place, others: list[Place]) -> None:
    part, key = at
    other = draw.choice(list(part) if isinstance(part, dict) else range(len(part)))
    part[key], part[other] = part[other], part[key]


def _near(draw: random.Random, at: Place, others: list[Place]) -> None:
    part, key = at
    value = part[key]
    if isinstance(value, int | float) and not isinstance(value, bool):
        part[key] = value + draw.choice((-1, 1, 3, 0.25))
    elif isinstance(value, str) and value:
        n = draw.randrange(len(value))
        part[key] = value[:n] + draw.choice("aZ0 .\u0430\u00e9") + value[n + 1 :]
    elif isinstance(value, list):
        draw.shuffle(value)


CHANGES: tuple[Callable[[random.Random, Place, list[Place]], None], ...] = (_put, _move, _drop, _repeat, _swap, _near)


def mutant(body: str, draw: random.Random) -> Body:
    """Change a request in one place, or in up to four."""
    changed: Body = json.loads(body)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        every = list(places(changed))
        if not every:
            break
        draw.choice(CHANGES)(draw, draw.choice(every), every)
    return changed


def shown(released: Released) -> Shown:
    """Give every figure that would be displayed."""
    found: Shown = set()
    for n, table in enumerate(released.protected.tables):
        frame = released.protected.to_published(n)
        for row in frame.drop(columns="status").to_dict("records"):
            # In whatever order a mutant names the columns, the cell is the same.
            codes = tuple(sorted((column, str(row.pop(column))) for column in table.by))
            found |= {(codes, str(what), float(value)) for what, value in row.items() if not pd.isna(value)}
    for fitted in released.models:
        for row in fitted.to_frame().to_dict("records"):
            numbers = {what: value for what, value in row.items() if isinstance(value, int | float)}
            term = tuple(sorted((str(what), str(value)) for what, value in row.items() if what not in numbers))
            found |= {(term, str(what), float(value)) for what, value in numbers.items() if not pd.isna(value)}
    return found


class Judged:
    """A project, its honest requests, and what came of mutants of them."""

    def __init__(self, folder: Path) -> None:
        self.project = open_project(a_project(folder / "project", persons=PERSONS))
        self.texts = {kind: json.dumps(body) for kind, body in honest(self.project, folder / "outbox").items()}
        verdicts = {kind: preflight(read_request(text), project=self.project) for kind, text in self.texts.items()}
        assert {kind: verdict.verdict for kind, verdict in verdicts.items()} == HONEST
        self.truth = {kind: self.told(verdict) for kind, verdict in verdicts.items()}
        self.came: Counter[str] = Counter()
        self._judged: set[tuple[str, bytes]] = set()

    @staticmethod
    def told(verdict: Verdict) -> Shown:
        """Give every figure that would leave."""
        assert verdict.released is not None
        return shown(verdict.released)

    def judge(self, number: int) -> None:
        """Judge the mutant of a number: the same number is the same mutant.

        Raises
        ------
        AssertionError
            If it is refused without a reason, or cleared with a figure that the honest request does not display, or
            with text or code, which a person reads.
        """
        which = OFTEN[number % len(OFTEN)]
        body = mutant(self.texts[which], random.Random(number))
        try:
            request = read_request(json.dumps(body))
        except RequestInvalid as refused:
            assert refused.findings
            self.came["malformed"] += 1
            return
        packed = pack(request)
        read = which, hashlib.sha256(packed).digest()
        if read in self._judged:
            self.came["as one before"] += 1
            return
        self._judged.add(read)
        verdict = preflight(unpack(packed), project=self.project)
        self.came[verdict.verdict] += 1
        assert verdict.verdict != "refused" or verdict.findings
        if verdict.verdict == "cleared":
            assert self.told(verdict) <= self.truth[which] and not request.texts and not request.code


@contextmanager
def judged(folder: Path) -> Iterator[Judged]:
    """Give the judge of mutants."""
    yield Judged(folder)


if __name__ == "__main__":
    raise SystemExit(attack("mutants of requests", "python -m tests.attack.fuzz 1000000", PIECE, judged))
