"""A party answers; when the last has agreed, what was asked holds, in the same transaction.

Source: EM XI.B; DSA VI.H; DSA VII; DSA III.F.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from enclave import matching
from enclave.agreement import Extension, Policy, Version, asked_anew, of
from enclave.board.law import under_law
from enclave.board.motion import Answer, Decision, Motion, MotionKind, State, digest, open_motion
from enclave.errors import Finding, Refused
from enclave.ledger import Details, Entry
from enclave.people import Admission, members
from enclave.store import Transaction, View
from enclave.terms import Action

_ENDS = {Decision.CONDITIONAL: State.RETURNED, Decision.DISAPPROVAL: State.DECLINED}


def answer(tx: Transaction, admission: Admission, kind: MotionKind, decision: Decision, reason: str = "") -> Motion:
    """Record a party's written answer to what is asked.

    The agreement of all is needed: a disapproval declines it, a condition returns it to be asked anew.

    Source: EM XI.B; DSA VI.H; DSA VII; DSA III.F.3.

    Raises
    ------
    Refused
        If nothing is asked, the person speaks for nobody who must answer, the agency has not confirmed that its data
        are available, or a condition or disapproval has no reason.
    """
    admission.hold_to(Action.DECIDE, admission.project)
    motion = open_motion(tx, admission.project, kind)
    motion = give(tx, motion, admission.party, admission.person, decision, reason)
    if motion.state is State.CARRIED:
        _CARRIED[kind](tx, motion, admission.person)
    return motion


def give(tx: Transaction, motion: Motion, party: str, person: str, decision: Decision, reason: str) -> Motion:
    """Record the answer of a party for which a person speaks; what follows from it is the caller's.

    Source: EM XI.B; EM A1.2.B.

    Raises
    ------
    Refused
        As `answer` does; an agency about which the others are asked has no voice.
    """
    asked = voters(tx, motion)
    against = [*_of_project(tx, motion), *_against(motion, party, person, asked, decision, reason)]
    if decision is not Decision.DISAPPROVAL and (more := confirms(tx, motion, party)):
        asks = f"{party} is asked for {' and '.join(more)}"
        what = f"{asks}, and has not confirmed that its data for that are available and may be shared"
        against.append(Finding("available", "EM XI.B.1", motion.key, what, "Confirm it: `agreement available`."))
    if against:
        raise Refused(f"answer of {person} to {motion.key}", against)
    given = Answer(decision, tx.today, person, reason.strip())
    motion = replace(motion, answers={**motion.answers, party: given})
    if decision in _ENDS:
        motion = replace(motion, state=_ENDS[decision])
    elif all(voter in motion.answers for voter in asked):
        motion = replace(motion, state=State.CARRIED)
    told = ["Operating Group", *asked]
    if motion.project and motion.state is not State.OPEN:
        told.append(of(tx, motion.project).policy.recipient)
    details: Details = {
        "kind": motion.asks, "party": party, "decision": decision, "reason_sha256": digest(given.reason),
        "told": list(dict.fromkeys(told)),
    }  # fmt: skip
    action = "board.answer" if motion.project else "board.answer-members"
    entry = Entry(person, action, motion.key, motion.project, motion.asks.clause, motion.state, details)
    tx.write(motion, entry)
    return motion


def voters(view: View, motion: Motion) -> tuple[str, ...]:
    """Give who must answer: of other terms also a party that only the new ones name; of an agency all other members.

    Who joined by an amendment and has not signed is no party yet: terms that do without it need no word of it.

    Source: EM XI.B; DSA VII; EM A1.2.B.
    """
    if motion.about:
        return tuple(agency for agency in members(view) if agency != motion.about)
    agreement = of(view, motion.project)
    bound = motion.asks.answered_by(agreement.policy)
    if motion.asks is MotionKind.MODIFICATION:
        bound = tuple(code for code in bound if code not in agreement.unsigned)
    return tuple(dict.fromkeys((*bound, *(motion.asks.answered_by(motion.policy) if motion.policy else ()))))


def confirms(view: View, motion: Motion, party: str) -> tuple[str, ...]:
    """Give what a party is asked for and has still to confirm: that the data are available and may be shared for it.

    Of a first request every agency confirms it, of other terms each that is asked for something new: more elements,
    more persons, or another purpose of its data.

    Source: EM XI.B.1; EM VIII.
    """
    if motion.policy is None or party in motion.available or party not in motion.policy.agencies:
        return ()
    if motion.asks is MotionKind.INITIAL:
        return ("data",)
    then = motion.policy.without(motion.refused) if motion.refused else motion.policy
    return asked_anew(of(view, motion.project).policy, then, party)


def confirming(view: View, motion: Motion) -> dict[str, tuple[str, ...]]:
    """Give who has still to confirm, before it agrees, that data are available and may be shared, and for what.

    Source: EM XI.B.1.
    """
    if motion.state is not State.OPEN or motion.policy is None:
        return {}
    return {party: more for party in motion.policy.agencies if (more := confirms(view, motion, party))}


def terms_carried(view: View, motion: Motion) -> Policy | None:
    """Give the terms that hold when what is asked is carried: less what is not shared, as strict as the law.

    Source: EM VIII; EM XIII.B.
    """
    if motion.policy is None:
        return None
    return under_law(view, motion.policy.without(motion.refused) if motion.refused else motion.policy)


def joining(view: View, project: str) -> frozenset[str]:
    """Give the parties of terms that wait for answers: who would join by them answers too.

    Source: DSA VII.
    """
    asked = view.find(Motion, project, asks=MotionKind.MODIFICATION, state=State.OPEN)
    return frozenset(code for motion in asked if motion.policy for code in motion.policy.signatories)


def _of_project(tx: Transaction, motion: Motion) -> list[Finding]:
    """An agreement that has ended is not extended or changed any more."""
    if motion.asks is MotionKind.INITIAL or not motion.project:
        return []
    return [
        Finding(rule, clause, motion.key, what, "What has ended is asked for anew.")
        for rule, clause, what in of(tx, motion.project).reasons_not_running(tx.today)
    ]


def _against(
    motion: Motion, party: str, person: str, asked: tuple[str, ...], decision: Decision, reason: str
) -> list[Finding]:
    clause = motion.asks.clause
    findings = []
    if party not in asked:
        what = f"{person} speaks for nobody who must answer"
        findings.append(Finding("voter", clause, motion.key, what, f"Asked are {', '.join(asked)}."))
    if motion.about and decision is Decision.CONDITIONAL:
        what = "the agencies decide of one of them without conditions"
        findings.append(Finding("conditional", clause, motion.key, what, "Approve or disapprove."))
    if decision is not Decision.APPROVAL and not reason.strip():
        findings.append(Finding("reason", clause, motion.key, f"a {decision} has no reason", "Give the reason."))
    return findings


def _approve(tx: Transaction, motion: Motion, actor: str) -> None:
    """The agencies approve the request, less what they do not share."""
    policy, refused = terms_carried(tx, motion), _not_shared(motion)
    assert policy is not None  # noqa: S101 - an initial request asks for a policy
    agreement = replace(of(tx, motion.project), policy=policy, refused=refused, approved_on=tx.today)
    details: Details = {"policy": policy.hash, "refused": sum(map(len, refused.values()))}
    project = motion.project
    tx.write(agreement, Entry(actor, "agreement.approved", project, project, "EM XI.B", details=details))


def _not_shared(motion: Motion) -> dict[str, tuple[str, ...]]:
    return {agency: tuple(sorted(elements)) for agency, elements in motion.refused.items()}


def _extend(tx: Transaction, motion: Motion, actor: str) -> None:
    assert motion.until is not None  # noqa: S101 - it asks for a day
    agreement = of(tx, motion.project)
    agreement = replace(agreement, extensions=(*agreement.extensions, Extension(motion.until, tx.today)))
    details, project = {"until": motion.until.isoformat()}, motion.project
    tx.write(agreement, Entry(actor, "agreement.extend", project, project, "DSA VI.H", details=details))


def _amend(tx: Transaction, motion: Motion, actor: str) -> None:
    """The new policy takes the place of the old, which is kept; who leaves would sign again, who joins signs."""
    policy = terms_carried(tx, motion)
    assert policy is not None  # noqa: S101 - it asks for a policy
    project, agreement = motion.project, of(tx, motion.project)
    details: Details = {"version": agreement.version, "policy": agreement.policy.hash}
    old = Version(project, agreement.version, agreement.policy, tx.today)
    tx.write(old, Entry(actor, "agreement.keep-version", old.key, project, "DSA VII", details=details))
    earlier, now = agreement.still_refused(motion.again), _not_shared(motion)
    refused = {agency: (*earlier.get(agency, ()), *now.get(agency, ())) for agency in (earlier | now)}
    signed = tuple(each for each in agreement.signatures if each.party in policy.signatories)
    agreement = replace(agreement, policy=policy, version=agreement.version + 1, refused=refused, signatures=signed)
    details = {"version": agreement.version, "policy": policy.hash, "unsigned": list(agreement.unsigned)}
    tx.write(agreement, Entry(actor, "agreement.amend", project, project, "DSA VII", details=details))


def _keep(tx: Transaction, motion: Motion, actor: str) -> None:
    assert motion.until is not None  # noqa: S101 - it asks for a day
    matching.keep_until(tx, matching.latest(tx, motion.project), motion.until, actor)


_CARRIED: dict[MotionKind, Callable[[Transaction, Motion, str], None]] = {
    MotionKind.INITIAL: _approve,
    MotionKind.CONTINUATION: _extend,
    MotionKind.MODIFICATION: _amend,
    MotionKind.MATCH_DATA: _keep,
}
