"""What the parties were asked and what they answered in writing: requests, later ends, other terms, match data kept.

Source: EM XI.B; DSA VI.H; DSA VII; DSA III.F.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from starlette.exceptions import HTTPException

from enclave import board
from enclave.agreement import Change, diff
from enclave.board import Answer, Decision, Motion, MotionKind, State
from enclave.people import reasons_against
from enclave.store import View
from enclave.terms import Action
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Done, Page, Visit

ASKS = {
    MotionKind.INITIAL: "may the data asked for be shared",
    MotionKind.CONTINUATION: "a later end of the project",
    MotionKind.MODIFICATION: "other terms of the agreement",
    MotionKind.MATCH_DATA: "that match data are kept longer",
}


@dataclass(frozen=True)
class Asked:
    """One thing that was asked.

    Parameters
    ----------
    answers : mapping of party to Answer or None
        Of every party that must answer.
    available : tuple of str
        Agencies that have confirmed that their data exist and may be shared (EM XI.B.1).
    confirming : mapping of agency to tuple of str
        Those that have still to, and what they are asked for.
    refused : mapping of agency to element to reason
    again : tuple of str
        What was refused before, and is asked for again.
    changes : tuple of Change
        Where the terms asked for differ from those in force.
    mine : str
        What the person at the browser is asked for: ``available``, ``answer`` or nothing.
    elements : tuple of str
        Their agency's elements that are asked for; empty where it is not theirs to answer.
    """

    number: int
    kind: MotionKind
    what: str
    clause: str
    asked_on: date
    by: str
    reason: str
    until: date | None
    state: State
    answers: dict[str, Answer | None]
    available: tuple[str, ...]
    confirming: dict[str, tuple[str, ...]]
    refused: dict[str, dict[str, str]]
    again: tuple[str, ...]
    changes: tuple[Change, ...]
    mine: str
    elements: tuple[str, ...]


@dataclass(frozen=True)
class Decisions:
    """What was asked on a project, newest first, the answers there are, and whether this person may ask."""

    asked: list[Asked]
    decisions: tuple[Decision, ...]
    asks: bool


def show(visit: Visit) -> Page[Decisions]:
    """Show what was asked on a project, the newest first."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.DECISIONS)
        asked = [_asked(view, motion, standing) for motion in board.motions(view, visit.project)]
        asks = not reasons_against(view, visit.me.name, Action.DECIDE, visit.project)
    return Page("decisions", f"{standing.project} decisions", Decisions(asked[::-1], tuple(Decision), asks), standing)


def _asked(view: View, motion: Motion, standing: Standing) -> Asked:
    waits = motion.state is State.OPEN
    changed = board.terms_carried(view, motion) if waits and motion.asks is MotionKind.MODIFICATION else None
    mine, voters = _mine(view, motion, standing) if waits else "", board.voters(view, motion)
    return Asked(
        number=motion.number,
        kind=motion.asks,
        what=ASKS[motion.asks],
        clause=motion.asks.clause,
        asked_on=motion.asked_on,
        by=motion.by,
        reason=motion.reason,
        until=motion.until,
        state=motion.state,
        answers={party: motion.answers.get(party) for party in voters},
        available=tuple(motion.available),
        confirming=board.confirming(view, motion),
        refused=motion.refused,
        again=motion.again,
        changes=diff(standing.agreement.policy, changed) if changed else (),
        mine=mine,
        elements=_elements(motion, standing.listing.agency) if mine else (),
    )


def _elements(motion: Motion, agency: str) -> tuple[str, ...]:
    """Give what a request, or other terms, ask of an agency, and it has not refused to share."""
    if motion.policy is None:
        return ()
    asked = motion.policy.agreement.elements.get(agency, ())
    return tuple(element.name for element in asked if element.name not in motion.refused.get(agency, {}))


def _mine(view: View, motion: Motion, standing: Standing) -> str:
    party, person = standing.listing.agency, standing.listing.person
    if party not in board.voters(view, motion) or party in motion.answers:
        return ""
    if reasons_against(view, person, Action.DECIDE, standing.project):
        return ""
    return "available" if board.confirms(view, motion, party) else "answer"


def waiting_for(view: View, standing: Standing) -> list[Asked]:
    """Give what a party is asked on a project and has not answered."""
    asked = [_asked(view, motion, standing) for motion in board.motions(view, standing.project)]
    return [each for each in asked if each.mine]


def confirm_available(visit: Visit) -> Done:
    """Confirm that one's agency's data exist and may be shared."""
    admission = visit.admitted(Action.DECIDE)
    with visit.enclave.store.transaction() as tx:
        board.confirm_available(tx, admission)
    return _back(visit, f"{admission.agency} confirms that its data exist and may be shared. Now answer the request.")


def refuse_element(visit: Visit) -> Done:
    """Refuse to share one element, with the reason; it leaves the policy when the request is approved (EM VIII)."""
    admission, element = visit.admitted(Action.DECIDE), visit.text("element")
    with visit.enclave.store.transaction() as tx:
        board.refuse_element(tx, admission, element, visit.text("reason"))
    return _back(visit, f"{admission.agency} does not share {element}; your reason is recorded.")


def answer(visit: Visit) -> Done:
    """Record a party's written answer."""
    admission = visit.admitted(Action.DECIDE)
    try:
        kind, decision = MotionKind(visit.path["kind"]), Decision(visit.text("decision"))
    except ValueError:
        raise HTTPException(404) from None
    with visit.enclave.store.transaction() as tx:
        motion = board.answer(tx, admission, kind, decision, visit.text("reason"))
    ends = "" if motion.state is State.OPEN else f" It is {motion.state}."
    return _back(visit, f"Recorded for {admission.agency}: {decision}.{ends}")


def _back(visit: Visit, said: str) -> Done:
    return Done(f"projects/{visit.project}/decisions", said)
