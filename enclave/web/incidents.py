"""What has gone wrong or come in, and by which hour something must be done; the log of all suspensions.

Source: EM A2.1.A; EM A2.1.B; EM X; EM XVIII.M; EM A1.2.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from enclave import incidents
from enclave.agreement import InForce, of
from enclave.errors import refuse
from enclave.incidents import Case, CaseKind, Determination, Notice, Suspended
from enclave.people import Hold
from enclave.store import View
from enclave.terms import Role
from enclave.web.access import governing
from enclave.web.responding import CAME_IN, STOPS
from enclave.web.visit import Done, Page, Visit


@dataclass(frozen=True)
class OneCase:
    """A case, with the hours left to its first step; None where none are set, or it was taken."""

    key: str
    case: Case
    hours_left: int | None
    late: bool


@dataclass(frozen=True)
class OneNotice:
    """A breach notice, whether it came after its 24 hours, and whether it is this person's to go on with.

    `confirms` are the parties for which the person has yet to say that their systems are secure again, `others` those
    of the project that are not named in it.
    """

    key: str
    notice: Notice
    late: bool
    mine: bool
    confirms: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stop:
    """A suspension of the log, and how often there was cause for this party (EM A1.3)."""

    stop: Suspended
    with_cause: int


@dataclass(frozen=True)
class Incidents:
    """What a person of the Operating Group, or an auditor, sees of the projects they are on.

    `acts_on` are the keys of the cases of which the person says what was done.

    Parameters
    ----------
    governs : list of str
        Projects for which the person acts, of which `stopped` stand still by the Operating Group's word.
    parties : list of str
        Codes of all parties of those projects.
    came_in, stops_by : mapping of what a form sends -> its words
    determinations : list of str
        What a notice can turn out to be.
    """

    cases: list[OneCase]
    notices: list[OneNotice]
    stops: list[Stop]
    acts_on: list[str]
    governs: list[str]
    stopped: list[str]
    parties: list[str]
    came_in: dict[str, str]
    stops_by: dict[str, str]
    determinations: list[str]


def show(visit: Visit) -> Page[Incidents]:
    """Show what is open first, the shortest hours before the others."""
    now = datetime.now(UTC)
    with visit.view() as view:
        projects, governed = _theirs(view, visit.me.name)
        count = incidents.with_cause(view)
        cases = [one_case(case, now) for case in _incoming(view) if case.project in projects]
        notices = [_one_notice(view, n, governed) for n in view.find(Notice) if n.project in projects]
        log = [Stop(stop, count.get(stop.counted_as, 0)) for stop in incidents.suspensions(view)[::-1]]
        view.load(InForce)
        known = [each.policy for each in view.find(InForce) if each.project in governed]
        held = {hold.project for hold in view.find(Hold) if hold.scope == f"project {hold.project}"}
    cases.sort(key=lambda one: (one.case.closed, one.hours_left is None, one.hours_left or 0, one.key))
    model = Incidents(
        cases=cases,
        notices=notices[::-1],
        stops=log,
        acts_on=[one.key for one in cases if one.case.project in governed and not one.case.closed],
        governs=[policy.project for policy in known],
        stopped=sorted(held & governed),
        parties=sorted({party.code for policy in known for party in policy.agreement.parties}),
        came_in=dict(CAME_IN),
        stops_by=dict(STOPS),
        determinations=[str(each) for each in Determination],
    )
    return Page("incidents", "Incidents", model)


def _one_notice(view: View, notice: Notice, governed: Container[str]) -> OneNotice:
    """Say how a breach notice stands."""
    mine = notice.project in governed and notice.determination is None
    parties = (party.code for party in of(view, notice.project).policy.agreement.parties)
    others = tuple(code for code in parties if code not in notice.parties)
    return OneNotice(notice.key, notice, notice.late, mine, others=others)


def told_to(view: View, agencies: Iterable[str], now: datetime) -> list[OneCase]:
    """Give what was reported and told to agencies, newest last."""
    return [one_case(case, now) for case in _incoming(view) if {*case.told} & {*agencies}]


def _incoming(view: View) -> list[Case]:
    """Give the cases but complaints, which stand on the page of the programme."""
    return [case for case in incidents.cases(view) if case.kind is not CaseKind.COMPLAINT]


def one_case(case: Case, now: datetime) -> OneCase:
    """Say how a case stands by the hour."""
    if case.due_at is None or case.steps or case.closed:
        return OneCase(case.key, case, None, case.late)
    left = int((case.due_at - now) / timedelta(hours=1))
    return OneCase(case.key, case, left, case.due_at < now)


def take_step(visit: Visit) -> Done:
    """Enter what was done about a case; close it where that was all."""
    key = visit.path["case"]
    with visit.enclave.store.transaction() as tx:
        _, governed = _theirs(tx, visit.me.name)
        if not any(case.key == key and case.project in governed for case in incidents.cases(tx)):
            what = "it is no case of a project that you govern"
            raise refuse(key, "case", "EM A2.1.A", what, "The Operating Group of its project acts.")
        close = visit.text("close") == "yes"
        case = incidents.take_step(tx, key, visit.text("text"), datetime.now(UTC), visit.me.name, close=close)
    ends = "; it is closed" if case.closed else ""
    return Done("incidents", f"Entered as step {len(case.steps)} of {case.key}{ends}.")


def _theirs(view: View, person: str) -> tuple[set[str], set[str]]:
    """Give the projects whose incidents a person may read, and those they govern; the programme is among them."""
    on = governing(view, person, "incidents", "EM A2.1.A")
    governed = {*on[Role.OPM], ""} if on[Role.OPM] else set[str]()
    return governed | on[Role.AUDITOR] | {""}, governed
