"""A year of the programme on one page: for the boards, the legislature and whoever funds it. Aggregates only.

Source: EM V.A.6; EM V.A.7; EM VII.A.1.j; SDP 10.c.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import jinja2

from enclave.agreement import InForce
from enclave.board import MotionKind
from enclave.matching import MatchRun, Quality, quality, reports_of
from enclave.people import Listing
from enclave.publication import Publication, State, Uptake, folder_of, uptakes
from enclave.settings import Settings
from enclave.store import View
from enclave.terms import ANALYSTS

_DONE = (
    ("Requests put to the parties", "board.ask"),
    ("Agreements signed by a party", "agreement.sign"),
    ("People put on a project's list", "people.enlist"),
    ("Files received", "intake.receive"),
    ("Matches run", "match.run"),
    ("Resultant Data delivered", "resultant.deliver"),
    ("Sessions of analysts", "session.open"),
    ("Releases asked for", "egress.request"),
    ("Releases cleared by the gate", "egress.clear"),
    ("Releases published", "publication.done"),
    ("Destructions", "destruction.done"),
)
_REFUSED = (
    ("Files turned away", "intake.refuse"),
    ("Releases the gate refused", "egress.refuse"),
    ("Access refused", "session.refuse"),
)
_TROUBLE = (
    ("Stops of projects, parties and people", ("incident.hold", "people.suspend")),
    ("Breaches reported", ("incident.breach",)),
    ("Problems reported by users", ("incident.problem",)),
    ("Requests under the Freedom of Information Act, and subpoenas", ("incident.foia", "incident.subpoena")),
)
_STEPS = (
    ("from the first question to the parties to the last signature", min, "board.ask", "agreement.sign", "project"),
    ("from the last file to the match all parties agree with", max, "intake.receive", "match.complete", "project"),
    ("from the agreed match to the Resultant Data", max, "match.complete", "resultant.deliver", "project"),
    ("from the release asked for to the release published", min, "egress.request", "publication.done", "object"),
)
"""What is timed: from the first or last entry of one action to the next of another, of one project or request."""
_TIMED: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "board.ask": lambda said: said["kind"] == MotionKind.INITIAL,
    "agreement.sign": lambda said: said["effective_on"] is not None,
}
"""Which entries count in it, by what they say; of other actions all. Who joins later signs what is in force."""
_TOTAL = "Total"


@dataclass(frozen=True)
class Agreement:
    """A project in the year, as it stands today."""

    project: str
    title: str
    agencies: tuple[str, ...]
    state: str
    effective_on: date | None
    ends_on: date
    elements: int
    people: int


@dataclass(frozen=True)
class Timing:
    """How long something took, in calendar days; of so many cases that ended in the year."""

    what: str
    cases: int
    middle: float
    longest: int


@dataclass(frozen=True)
class Group:
    """A group of a grouping in one match or release: of so many, the share (0 to 1); None where it is suppressed."""

    name: str
    of: int | None
    share: float | None


@dataclass(frozen=True)
class Equity:
    """What befell each group of a grouping: records linked in a match, or cells hidden in what was published."""

    project: str
    where: str
    grouping: str
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Yearly:
    """A year of the programme.

    Parameters
    ----------
    done, refused, trouble : tuple of (what, times)
    by_month : tuple of (month, published)
        Releases published in each month.
    taken : tuple of (package's uptake, downloads of this year)
        Open data, most taken first.
    linked, hidden : tuple of Equity
        Shares of records that were linked, and of cells that were hidden, group by group (EM V.A.7).
    """

    year: int
    today: date
    agreements: tuple[Agreement, ...]
    done: tuple[tuple[str, int], ...]
    refused: tuple[tuple[str, int], ...]
    trouble: tuple[tuple[str, int], ...]
    by_month: tuple[tuple[date, int], ...]
    taken: tuple[tuple[Uptake, int], ...]
    timings: tuple[Timing, ...]
    matches: tuple[Quality, ...]
    linked: tuple[Equity, ...]
    hidden: tuple[Equity, ...]


def yearly(view: View, settings: Settings, year: int) -> Yearly:
    """Put together what was done in a calendar year.

    Source: EM V.A.6; EM V.A.7; EM VII.A.1.j.
    """
    view.load(InForce, Listing, MatchRun)
    count = _counted(view, year)
    runs = [run for run in view.find(MatchRun) if run.ran_on.year == year]
    out = [p for p in view.find(Publication, state=State.DONE) if p.published_on and p.published_on.year == year]
    months = Counter(p.published_on.month for p in out if p.published_on)
    return Yearly(
        year=year,
        today=view.today,
        agreements=tuple(_agreements(view, year)),
        done=tuple((what, count[action]) for what, action in _DONE),
        refused=tuple((what, count[action]) for what, action in _REFUSED),
        trouble=tuple((what, sum(count[action] for action in actions)) for what, actions in _TROUBLE),
        by_month=tuple((date(year, month, 1), months[month]) for month in range(1, 13)),
        taken=tuple(_taken(view, year)),
        timings=tuple(_timings(view, year)),
        matches=tuple(each for each in quality(view, settings) if each.ran_on.year == year),
        linked=tuple(each for run in runs for each in _linked(settings, run)),
        hidden=tuple(each for publication in out for each in _hidden(settings, publication)),
    )


def yearly_page(found: Yearly) -> str:
    """Give the report as one page of HTML that loads nothing, and prints well."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    # every value is escaped; what is no value stands in the template
    templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return templates.get_template("yearly.html.j2").render(found=found)


def yearly_print(found: Yearly) -> bytes:
    """Give the report as a PDF: the page, word for word, with its charts."""
    from enclave.printing import print_page  # who prints nothing does not load the printer

    return print_page(yearly_page(found), found.today)


def _counted(view: View, year: int) -> Counter[str]:
    actions = {action for _, action in (*_DONE, *_REFUSED)} | {each for _, some in _TROUBLE for each in some}
    refusals = {action for _, action in _REFUSED}
    return Counter(
        entry["action"]
        for entry in view.entries(action=actions)
        if date.fromisoformat(entry["day"]).year == year
        and (entry["outcome"] == "refused") == (entry["action"] in refusals)
        and not str(entry["details"].get("scope", "")).startswith("destruction")  # its stop is a part of it
    )


def _agreements(view: View, year: int) -> Iterator[Agreement]:
    for each in view.find(InForce):
        last = each.destroyed_on or max(each.ends_on, view.today)
        if (each.effective_on or view.today).year <= year <= last.year:
            terms = each.policy.agreement
            people = sum(listing.role in ANALYSTS for listing in view.find(Listing, each.project))
            elements = sum(len(some) for some in terms.elements.values())
            yield Agreement(
                each.project, terms.title, tuple(each.policy.agencies), each.state(view.today), each.effective_on,
                each.ends_on, elements, people,
            )  # fmt: skip


def _taken(view: View, year: int) -> list[tuple[Uptake, int]]:
    found = [(each, times) for each in uptakes(view) if (times := each.in_year(year))]
    return sorted(found, key=lambda each: -each[1])


def _timings(view: View, year: int) -> Iterator[Timing]:
    for what, pick, begins, ends, of in _STEPS:
        began, days = dict[str, date](), list[int]()
        for entry in view.entries(action={begins, ends}):
            action, name, day = entry["action"], entry[of], date.fromisoformat(entry["day"])
            if action in _TIMED and not _TIMED[action](entry["details"]):
                continue
            if action == begins:
                began[name] = pick(day, began.get(name, day))
            elif name in began:
                since = began.pop(name)
                days += [(day - since).days] if day.year == year else []
        if days:
            yield Timing(what, len(days), median(days), max(days))


def _linked(settings: Settings, run: MatchRun) -> Iterator[Equity]:
    report = reports_of(settings, run) / "match-report.json"
    if not report.is_file():
        return
    said = json.loads(report.read_text("utf-8"))
    pairs = said.get("pairs") or {"": said}
    for of, pair in pairs.items():
        for found in pair.get("by_group", ()):
            groups = (Group(str(g["group"]), g.get("records"), g.get("rate")) for g in found["groups"])
            yield Equity(run.project, f"{run.id} {of}".strip(), found["grouping"], tuple(groups))


def _hidden(settings: Settings, publication: Publication) -> Iterator[Equity]:
    for file in sorted((folder_of(settings, publication) / "results").glob("*_[0-9]*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        if rows and "status" in rows[0]:
            for grouping in list(rows[0])[: list(rows[0]).index("count")]:
                yield Equity(publication.project, file.stem, grouping, tuple(_hidden_by(rows, grouping)))


def _hidden_by(rows: Iterable[dict[str, str]], grouping: str) -> Iterator[Group]:
    cells: dict[str, list[bool]] = {}
    for row in (row for row in rows if row[grouping] != _TOTAL):
        cells.setdefault(row[grouping], []).append(row["status"] == "hidden")
    for name, hidden in cells.items():
        yield Group(name, len(hidden), sum(hidden) / len(hidden))
