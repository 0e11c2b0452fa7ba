"""A complaint about an agency: suspension for cause, plan of correction, reinstatement, each by its clock.

What the boards decide is asked of all member agencies but the one concerned, one voice each, and holds if all agree:
without that the complaint is dismissed and its suspension ends; with it the agency is back the same moment, unless
another case still holds it.

Source: EM A1.2.B; EM A1.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from enclave import board
from enclave.board import Decision, Motion, MotionKind, State
from enclave.calendar import (
    BOARD_MEETS,
    CORRECTION,
    CORRECTION_REVIEW,
    DEFICIENCIES,
    ESCALATION,
    REASONS,
    Clock,
    Unit,
)
from enclave.errors import Refused, refuse
from enclave.incidents.case import Case, CaseKind, Step, hold_times
from enclave.incidents.stops import FOR_CAUSE, hold_known_agency
from enclave.incidents.words import digest, hold_clean
from enclave.ledger import Details, Entry
from enclave.people import Hold, Listing, hold_to_party, lift, members, place
from enclave.store import Transaction, View
from enclave.terms import Role


class Act(StrEnum):
    """What is done in the case of a complaint."""

    MET = "met"
    PUT = "put-to-the-board"
    PROLONGED = "prolonged"
    SUSPENDED = "suspended"
    REASONS = "reasons"
    AFFIRMED = "affirmed"
    PLAN = "plan"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EVIDENCE = "evidence"
    WANTING = "found-wanting"
    DEFICIENCIES = "deficiencies"
    REINSTATED = "reinstated"
    DISMISSED = "dismissed"


@dataclass(frozen=True)
class Rule:
    """Who may do something, and after what.

    Parameters
    ----------
    by : Role
        The Operating Group for the boards, or the steward of the agency concerned.
    after : frozenset of Act or None, optional
        What must have been the last turn of the case; None is the complaint itself. Without it, at any time.
    asks : MotionKind, optional
        What is asked of the other agencies with it.
    """

    by: Role
    after: frozenset[Act | None] | None = None
    asks: MotionKind | None = None


RULES = {
    Act.MET: Rule(Role.OPM),
    Act.PROLONGED: Rule(Role.STEWARD),
    Act.PUT: Rule(Role.OPM, frozenset({None}), MotionKind.SUSPENSION),
    Act.SUSPENDED: Rule(Role.OPM, frozenset({None, Act.PUT}), MotionKind.SUSPENSION),
    Act.DISMISSED: Rule(Role.OPM, frozenset({None})),
    Act.REASONS: Rule(Role.OPM, frozenset({Act.SUSPENDED})),
    Act.PLAN: Rule(Role.STEWARD, frozenset({Act.REASONS, Act.REJECTED}), MotionKind.CORRECTION),
    Act.EVIDENCE: Rule(Role.STEWARD, frozenset({Act.ACCEPTED, Act.DEFICIENCIES}), MotionKind.REINSTATEMENT),
    Act.DEFICIENCIES: Rule(Role.OPM, frozenset({Act.WANTING})),
}
"""What a person may do; everything else follows from a vote."""

DECIDED = {
    (MotionKind.SUSPENSION, State.CARRIED): Act.AFFIRMED,
    (MotionKind.SUSPENSION, State.DECLINED): Act.DISMISSED,
    (MotionKind.CORRECTION, State.CARRIED): Act.ACCEPTED,
    (MotionKind.CORRECTION, State.DECLINED): Act.REJECTED,
    (MotionKind.REINSTATEMENT, State.CARRIED): Act.REINSTATED,
    (MotionKind.REINSTATEMENT, State.DECLINED): Act.WANTING,
}
"""What follows from the answers."""

_BESIDE = frozenset({Act.MET, Act.PROLONGED, Act.AFFIRMED})  # change nothing of what comes next
_ENDS = frozenset({Act.DISMISSED, Act.REINSTATED})

CLOCKS: tuple[tuple[Act | None, Clock, frozenset[Act]], ...] = (
    (None, BOARD_MEETS, frozenset({Act.MET})),
    (None, ESCALATION, frozenset({Act.PUT, Act.SUSPENDED})),
    (Act.SUSPENDED, REASONS, frozenset({Act.REASONS})),
    (Act.REASONS, CORRECTION, frozenset({Act.PLAN})),
    (Act.PLAN, CORRECTION_REVIEW, frozenset({Act.ACCEPTED, Act.REJECTED})),
    (Act.WANTING, DEFICIENCIES, frozenset({Act.DEFICIENCIES})),
)
"""What starts a clock, the clock, and what stops it."""


@dataclass(frozen=True)
class Owed:
    """Something that must be done by its moment."""

    what: str
    clause: str
    due_at: datetime
    unit: Unit


def complain(tx: Transaction, agency: str, text: str, came_at: datetime, entered_at: datetime, actor: str) -> Case:
    """Take in a complaint about an agency, and tell the agency of the investigation at once.

    Source: EM A1.2.B.

    Parameters
    ----------
    came_at, entered_at : datetime
        With time zone; the first no later than the second.

    Raises
    ------
    Refused
        If no project has its data, or who enters it is not of the Operating Group or is concerned.
    Invalid
        If the text holds what looks like data of a person, or a time is malformed.
    """
    hold_known_agency(tx, agency)
    _hold_to(tx, agency, agency, Role.OPM, actor)
    kind = CaseKind.COMPLAINT
    text = hold_clean(f"complaint about {agency}", "text", text)
    hold_times(kind, came_at, entered_at)
    number = sum(each.kind is kind for each in tx.find(Case)) + 1
    told = ("Operating Group", agency)
    case = Case("", number, kind, text, actor, came_at, BOARD_MEETS.due_at(came_at), told, about=agency)
    details: Details = {
        "about": agency, "came_at": came_at.isoformat(), "entered_at": entered_at.isoformat(),
        "told": list(told), "text_sha256": digest(text),
    }  # fmt: skip
    tx.write(case, Entry(actor, "incident.complaint", case.key, "", kind.clause, "opened", details))
    return case


def act(
    tx: Transaction, key: str, what: Act, text: str, at: datetime, actor: str, until: datetime | None = None
) -> Case:
    """Do the next thing in the case of a complaint.

    Source: EM A1.2.B; EM A1.3.

    Parameters
    ----------
    until : datetime, optional
        With `Act.PROLONGED`: until when the agency concerned agrees that the board looks into it.

    Raises
    ------
    Refused
        If it is not the turn of that, or not this person's to do.
    """
    case, rule = _open(tx, key), RULES.get(what)
    if rule is None or not _follows(case, rule):
        allowed = ", ".join(each for each, r in RULES.items() if _follows(case, r))
        raise _no(key, "turn", f"{what} does not follow on {_turn(case) or 'a complaint'}", f"Now: {allowed}.")
    if (what is Act.PROLONGED) != (until is not None):
        raise _no(
            key, "until", "a later day is given with a longer period, and only there", "Give `--until` with it."
        )
    _hold_to(tx, key, case.about, rule.by, actor)
    case = _stepped(tx, case, what, hold_clean(key, "text", text), at, actor, until)
    if what is Act.SUSPENDED:
        place(tx, _hold(case, tx.today, actor))
    if rule.asks and not tx.find(Motion, "", case=key, asks=rule.asks, state=State.OPEN):
        board.ask_members(tx, rule.asks, key, case.about, actor)
    return case


def turns(view: View, case: Case, person: str) -> list[Act]:
    """Give what a person may do next in the case of a complaint.

    Source: EM A1.2.B; EM A1.3.
    """
    found = []
    for what, rule in RULES.items():
        if not case.closed and _follows(case, rule):
            with suppress(Refused):
                _hold_to(view, case.key, case.about, rule.by, person)
                found.append(what)
    return found


def vote(
    tx: Transaction, key: str, on: MotionKind, party: str, decision: Decision, reason: str, at: datetime, actor: str
) -> Case:
    """Answer for an agency what is asked of it about another; what all agree to, or one denies, takes effect at once.

    Source: EM A1.2.B; EM A1.3.

    Raises
    ------
    Refused
        If nothing of the kind is asked, the person does not speak for the agency, or speaks also for the one
        concerned.
    """
    case = _open(tx, key)
    _hold_to(tx, key, case.about, Role.STEWARD, actor, party)
    motion = board.give(tx, board.open_motion(tx, "", on, key), party, actor, decision, reason)
    what = DECIDED.get((on, motion.state))
    if what is None:
        return case
    case = _stepped(tx, case, what, f"{len(motion.answers)} answers", at, actor)
    if what is Act.AFFIRMED and _standing(tx, case) is None:
        case = _stepped(tx, case, Act.SUSPENDED, "as decided", at, actor)
        place(tx, _hold(case, tx.today, actor))
    return case


def owed(case: Case) -> list[Owed]:
    """Give what a case must still have done by its moment, soonest first.

    Source: EM A1.2.B; EM A1.3; EM A2.1.A; EM X; EM XVIII.M.
    """
    if case.closed:
        return []
    if case.kind is not CaseKind.COMPLAINT:
        if case.due_at is None or case.steps:
            return []
        return [Owed(f"first step on a {case.kind}", case.kind.clause, case.due_at, Unit.HOURS)]
    found = [Owed(clock.name, clock.clause, due_at, clock.unit) for clock, due_at, _ in _running(case)]
    return sorted(found, key=lambda each: each.due_at)


def _running(case: Case) -> Iterator[tuple[Clock, datetime, frozenset[Act]]]:
    for since, clock, met_by in CLOCKS:
        started = [n for n, step in enumerate(case.steps) if step.act == since] if since else [-1]
        if started and not any(step.act in met_by for step in case.steps[started[-1] + 1 :]):
            begun = case.steps[started[-1]].at if since else case.came_at
            later = [step.until for step in case.steps if step.until] if clock is ESCALATION else []
            yield clock, later[-1] if later else clock.due_at(begun), met_by


def _follows(case: Case, rule: Rule) -> bool:
    return rule.after is None or _turn(case) in rule.after


def _turn(case: Case) -> Act | None:
    turns = [Act(step.act) for step in case.steps if step.act]
    return next((turn for turn in reversed(turns) if turn not in _BESIDE), None)


def _stepped(
    tx: Transaction, case: Case, what: Act, text: str, at: datetime, actor: str, until: datetime | None = None
) -> Case:
    due_at = next((due for _, due, met_by in _running(case) if what in met_by), None)
    step = Step(text, actor, at, what, due_at, until)
    told = tuple(dict.fromkeys((*case.told, *(members(tx) if what is not Act.MET else ()))))
    case = replace(case, steps=(*case.steps, step), told=told, closed=what in _ENDS)
    details: Details = {
        "act": what, "at": at.isoformat(), "late": step.late, "told": list(told), "text_sha256": digest(text),
    }  # fmt: skip
    tx.write(case, Entry(actor, "incident.act", case.key, "", case.kind.clause, what, details))
    if case.closed:
        board.withdraw_questions(tx, case.key, actor)
        if hold := _standing(tx, case):
            lift(tx, hold, actor)
    return case


def _standing(view: View, case: Case) -> Hold | None:
    return view.get(Hold, f"/{_scope(case)}")


def _hold(case: Case, since: date, actor: str) -> Hold:
    return Hold("", _scope(case), since, FOR_CAUSE, actor, case.about)


def _scope(case: Case) -> str:
    # each case has its own: the end of one, or an agency's notice, takes nothing of another's away
    return f"agency {case.about} for cause ({case.key})"


def _open(view: View, key: str) -> Case:
    found = [c for c in view.find(Case, closed=False) if c.key == key and c.kind is CaseKind.COMPLAINT]
    if not found:
        raise _no(key, "case", "there is no such open complaint", "Look at `enclave incident cases`.")
    return found[0]


def _hold_to(view: View, key: str, about: str, role: Role, actor: str, party: str = "") -> None:
    """Hold a person to the role; who is of the agency concerned takes no part but for that agency (recusal)."""
    concerned = {listing.agency for listing in view.find(Listing, person=actor)} & {about}
    if concerned and (role is Role.OPM or party):
        raise _no(key, "recused", f"{actor} is of {about}, which it is about", "Somebody of another agency does it.")
    of = party or (about if role is Role.STEWARD else "")
    hold_to_party(view, key, actor, CaseKind.COMPLAINT.clause, party=of, role=role)


def _no(key: str, rule: str, what: str, next: str) -> Refused:
    return refuse(key, rule, CaseKind.COMPLAINT.clause, what, next)
