"""The page on which a party asks something of all: a later end, other terms, match data kept longer.

Source: ExA 1.a; DSA VI.H; DSA VII; DSA III.F.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from starlette.exceptions import HTTPException

from enclave import board, matching
from enclave.agreement import Change, Policy, asked_anew, compile_agreement, diff
from enclave.board import MotionKind, State
from enclave.calendar import CONTINUATION
from enclave.errors import EnclaveError, Finding, Refused, invalid
from enclave.people import reasons_against
from enclave.store import View
from enclave.terms import Action
from enclave.web.access import Place, look
from enclave.web.visit import Done, Page, Visit


@dataclass(frozen=True)
class Askable:
    """What can be asked on a project today.

    Parameters
    ----------
    against : tuple of str
        Why nothing can be asked; empty while the term of the agreement runs.
    waiting : tuple of MotionKind
        What was asked and waits for answers; it is not asked twice.
    ask_by : date
        Last day on which a later end than `ends_on` can be asked for.
    changes : tuple of Change
        Where what would be asked for differs from what is in force; `policy` is its hash.
    confirming : mapping of agency to tuple of str
        Who would confirm that its data exist and may be shared before it answers, and what it is asked for.
    refused, again : tuple of str
        What agencies refused to share, and which of that this page would ask for again (EM VIII).
    findings : tuple of Finding
        Why the file says nothing that could be asked.
    match, kept_until : str, date or None
        The match whose data could be kept longer, and their last day.
    """

    against: tuple[str, ...]
    waiting: tuple[MotionKind, ...]
    today: date
    ends_on: date
    ask_by: date
    changes: tuple[Change, ...]
    policy: str
    confirming: dict[str, tuple[str, ...]]
    refused: tuple[str, ...]
    again: tuple[str, ...]
    findings: tuple[Finding, ...]
    match: str
    kept_until: date | None


def show(visit: Visit) -> Page[Askable]:
    """Show what a party can ask of all parties, and what would change."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.DECISIONS)
        if findings := reasons_against(view, visit.me.name, Action.DECIDE, visit.project):
            raise Refused(f"asking on {visit.project}", findings)
        agreement, today = standing.agreement, view.today
        waiting = tuple(motion.asks for motion in board.motions(view, visit.project) if motion.state is State.OPEN)
        runs = matching.runs(view, visit.project)
        again = _names(visit.asked("again"))
        policy, wrong = _in_file(visit, view, again)
    due = runs[-1].delete_by if runs else None
    kept = due if due is not None and due > today else None
    model = Askable(
        against=tuple(what for _, _, what in agreement.reasons_not_running(today)),
        waiting=waiting,
        today=today,
        ends_on=agreement.ends_on,
        ask_by=agreement.ends_on - timedelta(days=CONTINUATION.length),
        changes=diff(agreement.policy, policy) if policy else (),
        policy=policy.hash if policy else "",
        confirming=_confirming(agreement.policy, policy) if policy else {},
        refused=agreement.not_shared,
        again=again,
        findings=wrong,
        match=runs[-1].id if kept else "",
        kept_until=kept,
    )
    return Page("asking", f"{standing.project}: ask the parties", model, standing)


def _confirming(now: Policy, then: Policy) -> dict[str, tuple[str, ...]]:
    return {agency: more for agency in then.agencies if (more := asked_anew(now, then, agency))}


def _names(text: str) -> tuple[str, ...]:
    """Read what is asked for again, with commas between."""
    return tuple(name for name in text.split(",") if name)


def _in_file(visit: Visit, view: View, again: tuple[str, ...]) -> tuple[Policy | None, tuple[Finding, ...]]:
    """Give what would be asked for, now that the agreement's file says what it does, or why nothing could be."""
    try:
        policy = compile_agreement(visit.enclave.settings.policies, visit.project)
        return board.terms_asked(view, visit.project, policy, again), ()
    except EnclaveError as error:
        return None, error.findings


def ask(visit: Visit) -> Done:
    """Ask all parties; each answers in writing, and it holds when the last has agreed."""
    admission = visit.admitted(Action.DECIDE)
    try:
        kind = MotionKind(visit.path["kind"])
    except ValueError:
        raise HTTPException(404) from None
    reason, store = visit.text("reason"), visit.enclave.store
    if kind is MotionKind.CONTINUATION:
        until = visit.day("until", kind.clause)
        with store.transaction() as tx:
            motion = board.continue_until(tx, admission, until, reason)
    elif kind is MotionKind.MODIFICATION:
        policy, again = compile_agreement(visit.enclave.settings.policies, visit.project), _names(visit.text("again"))
        with store.transaction() as tx:
            if board.terms_asked(tx, visit.project, policy, again).hash != visit.text("policy"):
                what = "the agreement's file, or the law, has changed since this page was opened"
                raise invalid(visit.project, "policy", kind.clause, what, "Read what would change, then ask.")
            motion = board.amend(tx, admission, policy, reason, again)
    elif kind is MotionKind.MATCH_DATA:
        until = visit.day("until", kind.clause)
        with store.transaction() as tx:
            motion = board.keep_match_data(tx, admission, until, reason)
    else:
        raise HTTPException(404)
    return Done(
        f"projects/{visit.project}/decisions", f"Asked as no. {motion.number}. Every party answers in writing."
    )
