"""Every clock that runs, whoever has to act when it runs out.

Source: DSA VI.H; DSA III.F.3; DSA VI.G; DSA VI.A; DSA III.B; DSA XII; ExA 2.h; ExC; ExF; EM XII; EM XV.E; EM XVII.C;
EM XVIII.B; EM A1.1; EM A4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from operator import attrgetter

from enclave import board, destruction, incidents, intake, matching, papers, people, publication
from enclave.agreement import InForce, of
from enclave.calendar import (
    ACCESS_REVIEW,
    EXHIBIT_C,
    FINAL_COPY,
    MATCH_DATA,
    MEMBERSHIP,
    STATE_TIME,
    Unit,
    business_days_between,
    business_hours_between,
)
from enclave.destruction import Due
from enclave.intake import Holding, Transmission
from enclave.matching import MatchRun
from enclave.papers import Paper
from enclave.people import Listing, Membership, Person, exceptions
from enclave.publication import Publication
from enclave.store import View

WARNED_AT = (30, 14, 7)
"""Days before its end at which a clock is named in the ledger."""


@dataclass(frozen=True)
class Running:
    """One clock.

    Parameters
    ----------
    what : str
        What ends.
    about : str
        Whose clock it is: a project, a run, a person's listing, a request.
    destroys : Due, optional
        What is destroyed when it runs out, with nobody present.
    unit : Unit
        What its clause counts in; days where it names a day.
    due_at : datetime, optional
        Its last moment, where it counts in hours.
    """

    project: str
    what: str
    about: str
    clause: str
    due_on: date
    destroys: Due | None = None
    unit: Unit = Unit.DAYS
    due_at: datetime | None = None

    @property
    def due(self) -> str:
        """The last day, or the last moment in Connecticut's time."""
        return f"{self.due_at.astimezone(STATE_TIME):%Y-%m-%d %H:%M}" if self.due_at else str(self.due_on)

    def over(self, today: date, now: datetime) -> bool:
        """Tell whether it has run out."""
        return self.due_at < now if self.due_at else self.due_on < today

    def left(self, today: date, now: datetime) -> str:
        """Say what is left, in the unit of its clause; of what counts in weeks or months, in days."""
        if self.over(today, now):
            return "the time has run out"
        if self.due_at and self.unit is Unit.BUSINESS_HOURS:
            return _said(int(business_hours_between(now, self.due_at)), self.unit)
        if self.due_at and self.unit is Unit.HOURS:
            return _said((self.due_at - now) // timedelta(hours=1), self.unit)
        if self.unit in (Unit.BUSINESS_DAYS, Unit.WORKING_DAYS):
            return _said(business_days_between(today, self.due_on), self.unit)
        return _said(self.days_left(today), Unit.DAYS)

    def days_left(self, today: date) -> int:
        """Calendar days; negative when it has run out."""
        return (self.due_on - today).days


READ = (InForce, Listing, Person, MatchRun, Holding, Transmission, Paper)
"""Kinds of records that are worth reading all at once before clocks are asked for."""
soonest = attrgetter("due_on", "about", "what")
"""By what clocks are put in order."""


def running(view: View) -> list[Running]:
    """Give every clock that runs, soonest first.

    Source: DSA VI.H; DSA III.F.3; DSA VI.G; DSA VI.A; DSA III.B; DSA XII; ExA 2.h; ExC; ExF; EM XVII.C; EM XVIII.B.
    """
    view.load(*READ)
    return [*view.derive(_running)]


@dataclass(frozen=True)
class Part:
    """Clocks of one kind, of the programme or of one project; those of others do not depend on them.

    Parameters
    ----------
    clocks : callable
        Gives them.
    """

    what: str
    project: str
    clocks: Callable[[], Iterable[Running]]


def parts(view: View) -> Iterator[Part]:
    """Give the same clocks part by part, in no order: a part that cannot be read hides no other.

    Source: EM XVII.B.
    """
    for what, of_all in _OF_ALL.items():
        yield Part(what, "", partial(of_all, view))
    for agreement in view.find(InForce):
        for what, of_one in _kinds(agreement).items():
            yield Part(what, agreement.project, partial(of_one, view, agreement))


def _running(view: View) -> tuple[Running, ...]:
    found = [*view.derive(_of_the_programme)]
    for agreement in view.find(InForce):
        found += view.derive(_of_project, agreement.project)
    return tuple(sorted(found, key=soonest))


def _of_the_programme(view: View) -> tuple[Running, ...]:
    return tuple(clock for clocks in _OF_ALL.values() for clock in clocks(view))


def _of_project(view: View, project: str) -> tuple[Running, ...]:
    agreement = of(view, project)
    return tuple(clock for clocks in _kinds(agreement).values() for clock in clocks(view, agreement))


_Kinds = Mapping[str, Callable[[View, InForce], Iterator[Running]]]


def _kinds(agreement: InForce) -> _Kinds:
    return {**_OF_EACH, **_WHILE_ALIVE} if _alive(agreement) else _OF_EACH


def _alive(agreement: InForce) -> bool:
    return agreement.destroyed_on is None and agreement.effective_on is not None


def _owed(view: View, agreement: InForce) -> Iterator[Running]:
    """Find what is destroyed or certified by a day."""
    for due in destruction.due(view, view.today, agreement.project):
        yield Running(due.project, due.what, due.project, due.clause, due.due_on, due, due.unit)


def _copies(view: View, agreement: InForce) -> Iterator[Running]:
    for each in view.find(Publication, agreement.project, state=publication.State.DONE, final_copy=None):
        if each.final_copy_due_on is not None:
            due_on = each.final_copy_due_on
            yield Running(
                each.project, FINAL_COPY.name, each.request_id, FINAL_COPY.clause, due_on, unit=FINAL_COPY.unit
            )  # fmt: skip


def _open_match(view: View, agreement: InForce) -> Iterator[Running]:
    """Find identifiers that are held while no clock runs on them: not matched, or a party has not agreed.

    The documents set no day for a match; it is asked for within the days for which its data may be kept after it.
    """
    project, held = agreement.project, destruction.identifiers(view, agreement.project)
    if held is None:
        return
    if not held.matched:
        what, since, about = "a match of the identifiers that are held", held.came_on, project
    else:
        newest = matching.latest(view, project)
        if newest.completed_on is not None:
            return
        what, since, about = matching.AGREEMENT, newest.ran_on, newest.key
    yield Running(project, what, about, MATCH_DATA.clause, MATCH_DATA.due(since), unit=MATCH_DATA.unit)


def _exhibits(view: View, agreement: InForce) -> Iterator[Running]:
    for listing in view.find(Listing, agreement.project):
        until = people.exhibit_c_until(view, listing)
        if until is not None and until < agreement.ends_on:
            yield Running(
                listing.project, EXHIBIT_C.name, listing.key, EXHIBIT_C.clause, until, unit=EXHIBIT_C.unit
            )  # fmt: skip


def _papers(view: View, agreement: InForce) -> Iterator[Running]:
    """Find papers of the project that run out while it is alive; signed exhibits have their own clock."""
    for paper in papers.latest(view, agreement.project):
        if paper.kind not in people.SIGNED.values():
            yield from _runs_out(paper, agreement.ends_on)


def _papers_of_all(view: View) -> Iterator[Running]:
    """Find papers of the programme that run out, and of persons while a project needs them."""
    alive = {agreement.project: agreement.ends_on for agreement in view.find(InForce) if _alive(agreement)}
    last: dict[str, date] = {}
    for listing in view.find(Listing):
        if listing.project in alive:
            last[listing.person] = max(last.get(listing.person, date.min), alive[listing.project])
    for paper in papers.latest(view, ""):
        yield from _runs_out(paper, last.get(paper.about) if paper.of.about == "person" else date.max)


def _runs_out(paper: Paper, needed: date | None) -> Iterator[Running]:
    if needed and paper.until and paper.until < needed and not paper.withdrawn:
        yield Running(paper.project, paper.of.title, paper.series, paper.of.clause, paper.until)


def _people(view: View, agreement: InForce) -> Iterator[Running]:
    """Find parties for which nobody speaks, whose need of access is to be looked at, and whose purpose ends."""
    assert agreement.effective_on is not None  # noqa: S101 - it is alive
    signed = {signature.party: signature.signed_on for signature in agreement.signatures}
    for party in people.without_representative(view, agreement.project):
        about, since = f"{agreement.project}/{party}", signed.get(party, agreement.effective_on)
        due_on = max(since, agreement.effective_on)
        yield Running(agreement.project, "a current Representative", about, "DSA XII", due_on)
    for listing in view.find(Listing, agreement.project):
        due = people.review_due_on(listing)
        if due is not None and due <= agreement.ends_on:
            unit = ACCESS_REVIEW.unit
            yield Running(listing.project, ACCESS_REVIEW.name, listing.key, ACCESS_REVIEW.clause, due, unit=unit)
        if listing.until is not None and listing.until < agreement.ends_on and not listing.suspension:
            what = f"purpose {listing.purpose} of an agency's person"
            yield Running(listing.project, what, listing.key, "ExA 2.h", listing.until)


def _files(view: View, agreement: InForce) -> Iterator[Running]:
    if view.find(Transmission, agreement.project):
        for file in intake.expected(view, agreement.policy):
            if file.due_on is not None and file.received_on is None:
                about = f"{agreement.project}/{file.source}/{file.contents}"
                yield Running(agreement.project, "transmission of a file", about, "EM XII", file.due_on)


def _members(view: View) -> Iterator[Running]:
    for member in view.find(Membership):
        yield Running(
            "", MEMBERSHIP.name, member.agency, MEMBERSHIP.clause, member.until, unit=MEMBERSHIP.unit
        )  # fmt: skip
    for each in exceptions(view):
        yield Running("", f"exception from {each.standard}", each.agency, "EM XV.E", each.until)


def _cases(view: View) -> Iterator[Running]:
    for case in incidents.cases(view):
        for each in incidents.owed(case):
            day = each.due_at.astimezone(STATE_TIME).date()
            moment = each.due_at if each.unit in (Unit.HOURS, Unit.BUSINESS_HOURS) else None
            yield Running(
                case.project, each.what, case.key, each.clause, day, unit=each.unit, due_at=moment
            )  # fmt: skip


def _proposals(view: View) -> Iterator[Running]:
    for proposal in board.proposals(view):
        for period in board.periods(proposal):
            yield Running("", period.what, proposal.key, period.clause, period.due_on, unit=period.unit)


_OF_ALL: Mapping[str, Callable[[View], Iterator[Running]]] = {
    "memberships": _members, "papers": _papers_of_all, "cases": _cases, "proposals": _proposals,
}  # fmt: skip
_OF_EACH: _Kinds = {"destruction": _owed, "published work": _copies}
_WHILE_ALIVE: _Kinds = {
    "matches": _open_match, "exhibits": _exhibits, "papers": _papers, "people": _people, "files": _files,
}  # fmt: skip


def _said(count: int, unit: Unit) -> str:
    if count == 1:
        return f"1 {unit.value[:-1]} is left"
    return f"{count} {unit} are left" if count else f"the last {unit.value[:-1]} runs"
