"""What is put before the boards: an agency that asks to join, a change of the data sharing services.

The boards meet outside; what they did is entered by the Operating Group with the day on which it was done, in the one
order the documents leave, and every period they set runs from the step before. Whether an agency joins is asked of
all members, one voice each; the day all have signed the revised E-MOU, its membership begins.

Source: EM A1.1; EM A4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import ClassVar

from enclave import papers, people
from enclave.board.asking import ask_members
from enclave.board.deciding import give
from enclave.board.motion import Decision, MotionKind, State, digest, open_motion
from enclave.calendar import (
    APPLICATION_ANSWER,
    APPLICATION_REVIEW,
    CHANGE_DECISION,
    CHANGE_FINDINGS,
    CHANGE_FORWARDED,
    Clock,
    Unit,
)
from enclave.errors import Refused, invalid, refuse
from enclave.ledger import Details, Entry
from enclave.store import Transaction, View
from enclave.terms import Role


class ProposalKind(StrEnum):
    """What is asked for; the three kinds of change are those of the documents."""

    APPLICATION = "application"
    PROCESS = "process-change"
    COMPLIANCE = "compliance-change"
    CONSULTATION = "consultation"

    @property
    def clause(self) -> str:
        """Where the documents say how it goes on."""
        return "EM A1.1" if self is ProposalKind.APPLICATION else "EM A4"


class Move(StrEnum):
    """What is done with a proposal.

    `FORWARDED` is to the Operating Group of an application, to the Data Governing Board of a change; `RECOMMENDED` is
    to the Executive Board of both.
    """

    RETURNED = "returned"
    EXPLAINED = "explained"
    FORWARDED = "forwarded"
    RESPONDED = "responded"
    RECOMMENDED = "recommended"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SIGNED = "signed"


Turns = dict[Move, frozenset[Move | None]]
"""What must have been the last move; None is the proposal itself."""
_BEFORE_BOARD: frozenset[Move | None] = frozenset({None, Move.EXPLAINED, Move.RESPONDED})
_JOINING: Turns = {
    Move.RETURNED: _BEFORE_BOARD,
    Move.EXPLAINED: frozenset({Move.RETURNED}),
    Move.FORWARDED: frozenset({None, Move.EXPLAINED}),
    Move.RESPONDED: frozenset({Move.FORWARDED}),
    Move.RECOMMENDED: _BEFORE_BOARD,
    Move.DECLINED: _BEFORE_BOARD | {Move.RETURNED},
    Move.SIGNED: frozenset({Move.ACCEPTED}),
}
_CHANGING: Turns = {
    Move.FORWARDED: frozenset({None}),
    Move.RECOMMENDED: frozenset({Move.FORWARDED}),
    Move.ACCEPTED: frozenset({Move.RECOMMENDED}),
    Move.DECLINED: frozenset({Move.RECOMMENDED}),
}
_REVIEWED = frozenset({Move.RETURNED, Move.FORWARDED, Move.RECOMMENDED, Move.DECLINED})
Runs = tuple[tuple[Move | None, Clock, frozenset[Move]], ...]
_FORWARDING: Runs = ((None, CHANGE_FORWARDED, frozenset({Move.FORWARDED})),)
CLOCKS: dict[ProposalKind, Runs] = {
    ProposalKind.APPLICATION: (
        (None, APPLICATION_REVIEW, _REVIEWED),
        (Move.EXPLAINED, APPLICATION_REVIEW, _REVIEWED),  # it is before the board again
        (Move.FORWARDED, APPLICATION_ANSWER, frozenset({Move.RESPONDED})),
    ),
    ProposalKind.PROCESS: _FORWARDING,
    ProposalKind.COMPLIANCE: (
        *_FORWARDING,
        (Move.FORWARDED, CHANGE_FINDINGS, frozenset({Move.RECOMMENDED})),
        (Move.RECOMMENDED, CHANGE_DECISION, frozenset({Move.ACCEPTED, Move.DECLINED})),
    ),
    ProposalKind.CONSULTATION: _FORWARDING,
}
"""What starts a clock, the clock, and what stops it."""


@dataclass(frozen=True)
class Done:
    """One thing that was done.

    Parameters
    ----------
    on : date
        The day on which it was done; it may be entered later.
    due_on : date, optional
        The day by which it had to be done.
    """

    what: Move
    text: str
    on: date
    by: str
    due_on: date | None = None

    @property
    def late(self) -> bool:
        """Tell whether it was done after its day."""
        return self.due_on is not None and self.on > self.due_on


@dataclass(frozen=True)
class Proposal:
    """An application or a request for a change, and what was done with it.

    Parameters
    ----------
    about : str
        Code of the agency that applies; subject of the paper `change-request` of a change.
    came_on : date
        When it was received.
    """

    KIND: ClassVar[str] = "proposal"
    kind: ProposalKind
    number: int
    about: str
    text: str
    came_on: date
    by: str
    done: tuple[Done, ...] = ()
    project: str = ""

    @property
    def key(self) -> str:
        """Kind and number."""
        return f"{self.kind}-{self.number:03}"

    @property
    def last(self) -> Move | None:
        """The last thing that was done."""
        return self.done[-1].what if self.done else None

    @property
    def closed(self) -> bool:
        """Tell whether nothing can follow."""
        return not any(self.last in after for after in _turns(self.kind).values()) and not self.voted_on

    @property
    def voted_on(self) -> bool:
        """Tell whether the members are asked."""
        return self.kind is ProposalKind.APPLICATION and self.last is Move.RECOMMENDED


@dataclass(frozen=True)
class Period:
    """A day by which something must have been done with a proposal."""

    what: str
    clause: str
    due_on: date
    unit: Unit


def propose(tx: Transaction, kind: ProposalKind, about: str, text: str, came_on: date, actor: str) -> Proposal:
    """Enter an application to join, or a request for a change, with the day it was received.

    Source: EM A1.1; EM A4.

    Raises
    ------
    Refused
        If who enters it is not of the Operating Group, one about the same is open, or who applies is a member.
    Invalid
        If it says nothing, or came after today.
    """
    people.hold_to_party(tx, about, actor, kind.clause, role=Role.OPM)
    known = [each for each in proposals(tx) if each.kind is kind]
    if any(each.about == about and not each.closed for each in known):
        raise refuse(about, "proposed", kind.clause, "one about it is before the boards", "Go on with that one.")
    if kind is ProposalKind.APPLICATION and about in people.members(tx):
        raise refuse(about, "membership", kind.clause, "it is a member already", "A member signs again: agency join.")
    text = _said(about, kind, text)
    _hold_day(about, kind, came_on, tx.today)
    proposal = Proposal(kind, len(known) + 1, about, text, came_on, actor)
    details: Details = {
        "about": about, "came_on": came_on.isoformat(), "text_sha256": digest(text), "told": _told(tx),
    }  # fmt: skip
    tx.write(proposal, Entry(actor, "proposal.open", proposal.key, "", kind.clause, "opened", details))
    return proposal


def join(tx: Transaction, agency: str, signed_on: date, actor: str) -> people.Membership:
    """Record that an agency signed the Enterprise MOU with nothing of it before the boards: at its start, or again.

    Source: EM XVIII.B; EM A1.1.

    Raises
    ------
    Refused
        If its application is open: then its membership begins when all have signed, and not before; or who records
        it is not of the Operating Group, though somebody of it is listed.
    Invalid
        If it is dated in the future.
    """
    for each in proposals(tx):
        if each.kind is ProposalKind.APPLICATION and each.about == agency and not each.closed:
            what = f"its application {each.key} is before the boards"
            raise refuse(agency, "proposed", each.kind.clause, what, f"Go on with it: `proposal move {each.key}`.")
    return people.join(tx, agency, signed_on, actor)


def move(tx: Transaction, key: str, what: Move, text: str, on: date, actor: str) -> Proposal:
    """Enter the next thing that was done with a proposal.

    What is recommended of an application is asked of the members; a change is forwarded once its paper stands, with
    all eight items; `SIGNED` begins the agency's membership on the day given.

    Source: EM A1.1; EM A4.

    Raises
    ------
    Refused
        If it is not the turn of that, the person is not of the Operating Group, or the paper is not complete.
    Invalid
        If it says nothing, or its day is before the last one or after today.
    """
    proposal = _open(tx, key)
    people.hold_to_party(tx, key, actor, proposal.kind.clause, role=Role.OPM)
    turns = _turns(proposal.kind)
    if proposal.last not in turns.get(what, ()):
        now = ", ".join(each for each, after in turns.items() if proposal.last in after) or "the members vote"
        raise _no(proposal, "turn", f"{what} does not follow on {proposal.last or 'what came in'}", f"Now: {now}.")
    if what is Move.FORWARDED and proposal.kind is not ProposalKind.APPLICATION:
        _hold_catalogued(tx, proposal)
    proposal = _moved(tx, proposal, what, _said(key, proposal.kind, text), on, actor)
    if proposal.voted_on:
        ask_members(tx, MotionKind.JOINING, key, proposal.about, actor)
    if what is Move.SIGNED:
        people.join(tx, proposal.about, on, actor)
    return proposal


def vote(tx: Transaction, key: str, party: str, decision: Decision, reason: str, actor: str) -> Proposal:
    """Answer for a member whether an agency joins; all must agree, and one denies it.

    Source: EM A1.1.

    Raises
    ------
    Refused
        If it is not asked, the person does not speak for the member, or a disapproval has no reason.
    """
    proposal = _open(tx, key)
    people.hold_to_party(tx, key, actor, proposal.kind.clause, party=party)
    motion = give(tx, open_motion(tx, "", MotionKind.JOINING, key), party, actor, decision, reason)
    follows = {State.CARRIED: Move.ACCEPTED, State.DECLINED: Move.DECLINED}.get(motion.state)
    if follows is None:
        return proposal
    return _moved(tx, proposal, follows, f"{len(motion.answers)} answers", tx.today, actor)


def proposals(view: View) -> list[Proposal]:
    """Give all that was put before the boards, by kind and number."""
    return view.find(Proposal)


def periods(proposal: Proposal) -> list[Period]:
    """Give the days by which the next things must be done, soonest first.

    Source: EM A1.1; EM A4.
    """
    found = [Period(clock.name, clock.clause, due_on, clock.unit) for clock, due_on, _ in _running(proposal)]
    return sorted(found, key=lambda each: each.due_on)


def _running(proposal: Proposal) -> Iterator[tuple[Clock, date, frozenset[Move]]]:
    begun = proposal.done[-1].on if proposal.done else proposal.came_on
    for since, clock, met_by in CLOCKS[proposal.kind]:
        if since == proposal.last:
            yield clock, clock.due(begun), met_by


def _moved(tx: Transaction, proposal: Proposal, what: Move, text: str, on: date, actor: str) -> Proposal:
    _hold_day(proposal.key, proposal.kind, on, tx.today, proposal.done[-1].on if proposal.done else proposal.came_on)
    due_on = next((due for _, due, met_by in _running(proposal) if what in met_by), None)
    step = Done(what, text, on, actor, due_on)
    proposal = replace(proposal, done=(*proposal.done, step))
    details: Details = {
        "about": proposal.about, "on": on.isoformat(), "due_on": str(due_on or ""), "late": step.late,
        "text_sha256": digest(text), "told": _told(tx),
    }  # fmt: skip
    tx.write(proposal, Entry(actor, "proposal.move", proposal.key, "", proposal.kind.clause, what, details))
    return proposal


def _turns(kind: ProposalKind) -> Turns:
    return _JOINING if kind is ProposalKind.APPLICATION else _CHANGING


def _told(view: View) -> list[str]:
    return ["Operating Group", *people.members(view)]


def _open(view: View, key: str) -> Proposal:
    proposal = view.get(Proposal, key)
    if proposal is None or proposal.closed:
        raise refuse(key, "proposal", "EM A4", "there is no such open proposal", "Look at `enclave proposal list`.")
    return proposal


def _hold_catalogued(view: View, proposal: Proposal) -> None:
    if papers.standing(view, "change-request", about=proposal.about) is None:
        what = f"no paper change-request about {proposal.about} stands with its eight items"
        raise _no(proposal, "catalogue", what, "Add it: `papers add change-request`; then `papers tick`.")


def _hold_day(subject: str, kind: ProposalKind, day: date, today: date, after: date = date.min) -> None:
    if not after <= day <= today:
        what = f"{day} is after today" if day > today else f"{day} is before {after}, when the last thing was done"
        raise invalid(subject, "day", kind.clause, what, "Give the day on which it was done.")


def _said(subject: str, kind: ProposalKind, text: str) -> str:
    if not text.strip():
        raise invalid(subject, "text", kind.clause, "it says nothing", "Say what is asked for, or what was done.")
    return text.strip()


def _no(proposal: Proposal, rule: str, what: str, next: str) -> Refused:
    return refuse(proposal.key, rule, proposal.kind.clause, what, next)
