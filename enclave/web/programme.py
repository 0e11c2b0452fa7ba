"""What concerns the whole programme: interruptions, complaints, what is before the boards, exceptions, match
quality, how open data are used.

Source: EM A1.1; EM A4; EM A1.2.A.1; EM A1.2.B; EM XV.E; EM V.A.12; SDP 10.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from starlette.exceptions import HTTPException

from enclave import board, incidents, matching, people, publication
from enclave.board import Decision, Motion, MotionKind, Period, Proposal, State
from enclave.errors import refuse
from enclave.incidents import Act, Case, CaseKind, Interruption, Owed
from enclave.matching import Quality
from enclave.people import Deviation, Listing
from enclave.publication import Uptake
from enclave.store import View
from enclave.terms import HUB, Role
from enclave.web.governing import TURNS
from enclave.web.visit import Done, Page, Visit

_OFFICES = frozenset({Role.STEWARD, Role.OPM, Role.AUDITOR, Role.HUB_STAFF})
ASKS = {
    MotionKind.SUSPENSION: "that it is suspended, or stays so",
    MotionKind.CORRECTION: "that its plan of correction is accepted",
    MotionKind.REINSTATEMENT: "that the evidence suffices, and it is reinstated",
    MotionKind.JOINING: "that it joins the Enterprise MOU",
}


@dataclass(frozen=True)
class Asked:
    """What the members are asked in a case.

    Parameters
    ----------
    mine : tuple of str
        Agencies for which the person at the browser has yet to answer.
    """

    kind: MotionKind
    what: str
    state: State
    answers: dict[str, str]
    mine: tuple[str, ...]


@dataclass(frozen=True)
class Complaint:
    """A complaint, what is owed in it by when, what is asked; `turns` is what the person who looks may do next."""

    case: Case
    owed: tuple[Owed, ...]
    asked: tuple[Asked, ...]
    turns: dict[Act, str]


@dataclass(frozen=True)
class Proposed:
    """What was put before the boards, the days that run, and what is asked of the members."""

    proposal: Proposal
    periods: tuple[Period, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Programme:
    """What concerns all members; `decisions` are what can be answered.

    Parameters
    ----------
    governs : bool
        Whether the person at the browser is of the Operating Group.
    speaks_for : list of str
        Parties whose service they say is interrupted, and back.
    members : list of str
        Agencies that are members today.
    standards : list of str
        Clauses an agency can be excepted from.
    """

    notices: list[Interruption]
    complaints: list[Complaint]
    proposals: list[Proposed]
    exceptions: list[Deviation]
    quality: list[Quality]
    uptakes: list[Uptake]
    today: date
    decisions: tuple[Decision, ...]
    governs: bool
    speaks_for: list[str]
    members: list[str]
    standards: list[str]


def show(visit: Visit) -> Page[Programme]:
    """Show what concerns all members to those who answer for one, for all, or for the hub."""
    with visit.view() as view:
        mine = offices_of(view, visit.me.name)
        if not mine:
            raise refuse(
                "programme", "role", "EM XVII.B", "you answer for no agency, nor for the programme or the hub",
                "A steward, the Operating Group, an auditor or the hub's staff opens this page.",
            )  # fmt: skip
        model = Programme(
            notices=incidents.interruptions(view),
            complaints=[
                _complaint(view, case, mine, visit.me.name) for case in incidents.cases(view) if _told(case, mine)
            ],
            proposals=[_proposed(view, each, mine) for each in board.proposals(view)],
            exceptions=people.exceptions(view),
            quality=matching.quality(view, visit.enclave.settings),
            uptakes=publication.uptakes(view),
            today=view.today,
            decisions=(Decision.APPROVAL, Decision.DISAPPROVAL),
            governs=any(each.role is Role.OPM for each in mine),
            speaks_for=sorted({HUB if each.role is Role.HUB_STAFF else each.agency for each in mine} - {""}),
            members=sorted(people.members(view)),
            standards=people.standards(),
        )
    return Page("programme", "What concerns the programme", model)


def offices_of(view: View, person: str) -> list[Listing]:
    """Give where a person answers for a member, the programme or the hub, and is not suspended."""
    parties = {*people.members(view), HUB}
    listings = view.find(Listing, person=person, suspension=None)
    speaks = (each for each in listings if each.role is not Role.STEWARD or each.agency in parties)
    return [each for each in speaks if each.role in _OFFICES]


def answer(visit: Visit) -> Done:
    """Record an agency's answer to what is asked about another."""
    try:
        on, decision = MotionKind(visit.path["kind"]), Decision(visit.text("decision"))
    except ValueError:
        raise HTTPException(404) from None
    party, reason, case = visit.text("party"), visit.text("reason"), visit.path["case"]
    with visit.enclave.store.transaction() as tx:
        if on is MotionKind.JOINING:
            last = str(board.vote(tx, case, party, decision, reason, visit.me.name).last)
        else:
            steps = incidents.vote(tx, case, on, party, decision, reason, datetime.now(UTC), visit.me.name).steps
            last = steps[-1].act if steps else ""
    ends = f" The case: {last}." if last else ""
    return Done("programme", f"Recorded for {party}: {decision}.{ends}")


def _told(case: Case, mine: Sequence[Listing]) -> bool:
    """Tell whether a complaint is for this person: the Operating Group, auditors, and the agencies that were told."""
    if case.kind is not CaseKind.COMPLAINT:
        return False
    return any(each.role in {Role.OPM, Role.AUDITOR} or each.agency in case.told for each in mine)


def _complaint(view: View, case: Case, mine: Sequence[Listing], person: str) -> Complaint:
    turns = {what: TURNS[what] for what in incidents.turns(view, case, person)}
    return Complaint(case, tuple(incidents.owed(case)), _all_asked(view, case.key, mine), turns)


def _proposed(view: View, proposal: Proposal, mine: Sequence[Listing]) -> Proposed:
    return Proposed(proposal, tuple(board.periods(proposal)), _all_asked(view, proposal.key, mine))


def _all_asked(view: View, case: str, mine: Sequence[Listing]) -> tuple[Asked, ...]:
    agencies = {each.agency for each in mine if each.role is Role.STEWARD}
    return tuple(_asked(view, motion, agencies) for motion in board.asked_in(view, case))


def _asked(view: View, motion: Motion, agencies: set[str]) -> Asked:
    voters = board.voters(view, motion)
    answers = {party: str(motion.answers[party].decision) if party in motion.answers else "" for party in voters}
    open_ones = motion.state is State.OPEN and motion.about not in agencies
    mine = tuple(party for party in voters if open_ones and party in agencies and party not in motion.answers)
    return Asked(motion.asks, ASKS[motion.asks], motion.state, answers, mine)
