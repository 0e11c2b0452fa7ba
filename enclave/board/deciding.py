"""A party answers; when the last has agreed, what was asked holds, in the same transaction.

Source: EM XI.B; DSA VI.H; DSA VII; DSA III.F.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from enclave import matching
from enclave.agreement import Extension, Version, of
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
    if findings := [*_of_project(tx, motion), *_against(motion, party, person, asked, decision, reason)]:
        raise Refused(f"answer of {person} to {motion.key}", findings)
    given = Answer(decision, tx.today, person, reason.strip())
    motion = replace(motion, answers={**motion.answers, party: given})
    if decision in _ENDS:
        motion = replace(motion, state=_ENDS[decision])
    elif all(voter in motion.answers for voter in asked):
        motion = replace(motion, state=State.CARRIED)
    details: Details = {
        "kind": motion.asks, "party": party, "decision": decision, "reason_sha256": digest(given.reason),
        "told": ["Operating Group", *asked],
    }  # fmt: skip
    action = "board.answer" if motion.project else "board.answer-members"
    entry = Entry(person, action, motion.key, motion.project, motion.asks.clause, motion.state, details)
    tx.write(motion, entry)
    return motion


def voters(view: View, motion: Motion) -> tuple[str, ...]:
    """Give who must answer: of other terms also a party that only the new ones name; of an agency all other members.

    Source: EM XI.B; DSA VII; EM A1.2.B.
    """
    if motion.about:
        return tuple(agency for agency in members(view) if agency != motion.about)
    policies = (of(view, motion.project).policy, motion.policy)
    return tuple(dict.fromkeys(code for policy in policies if policy for code in motion.asks.answered_by(policy)))


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
        for rule, clause, what in of(tx, motion.project).reasons_not_in_force(tx.today)
    ]


def _against(
    motion: Motion, party: str, person: str, asked: tuple[str, ...], decision: Decision, reason: str
) -> list[Finding]:
    clause = motion.asks.clause
    findings = []
    if party not in asked:
        what = f"{person} speaks for nobody who must answer"
        findings.append(Finding("voter", clause, motion.key, what, f"Asked are {', '.join(asked)}."))
    needs = motion.asks is MotionKind.INITIAL and decision is not Decision.DISAPPROVAL
    if party in asked and needs and party not in motion.available:
        what = f"{party} has not confirmed that its data are available and may be shared"
        findings.append(Finding("available", "EM XI.B.1", motion.key, what, "Confirm it: `agreement available`."))
    if motion.about and decision is Decision.CONDITIONAL:
        what = "the agencies decide of one of them without conditions"
        findings.append(Finding("conditional", clause, motion.key, what, "Approve or disapprove."))
    if decision is not Decision.APPROVAL and not reason.strip():
        findings.append(Finding("reason", clause, motion.key, f"a {decision} has no reason", "Give the reason."))
    return findings


def _approve(tx: Transaction, motion: Motion, actor: str) -> None:
    """The agencies approve the request, less what they do not share."""
    assert motion.policy is not None  # noqa: S101 - an initial request asks for a policy
    refused = {agency: tuple(sorted(elements)) for agency, elements in motion.refused.items()}
    policy = under_law(tx, motion.policy.without(refused))
    agreement = replace(of(tx, motion.project), policy=policy, refused=refused, approved_on=tx.today)
    details: Details = {"policy": policy.hash, "refused": sum(map(len, refused.values()))}
    project = motion.project
    tx.write(agreement, Entry(actor, "agreement.approved", project, project, "EM XI.B", details=details))


def _extend(tx: Transaction, motion: Motion, actor: str) -> None:
    assert motion.until is not None  # noqa: S101 - it asks for a day
    agreement = of(tx, motion.project)
    agreement = replace(agreement, extensions=(*agreement.extensions, Extension(motion.until, tx.today)))
    details, project = {"until": motion.until.isoformat()}, motion.project
    tx.write(agreement, Entry(actor, "agreement.extend", project, project, "DSA VI.H", details=details))


def _amend(tx: Transaction, motion: Motion, actor: str) -> None:
    """The new policy takes the place of the old, which is kept."""
    assert motion.policy is not None  # noqa: S101 - it asks for a policy
    project, agreement = motion.project, of(tx, motion.project)
    details: Details = {"version": agreement.version, "policy": agreement.policy.hash}
    old = Version(project, agreement.version, agreement.policy, tx.today)
    tx.write(old, Entry(actor, "agreement.keep-version", old.key, project, "DSA VII", details=details))
    agreement = replace(agreement, policy=under_law(tx, motion.policy), version=agreement.version + 1, refused={})
    details = {"version": agreement.version, "policy": agreement.policy.hash}
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
