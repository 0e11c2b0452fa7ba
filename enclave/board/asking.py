"""Ask for data, for a later end, for other terms; say what is available and what is not shared; give notice.

Source: ExA 1.a; EM XI.B.1; EM VIII; DSA VI.H; DSA VII; DSA XI.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from enclave import matching
from enclave.agreement import InForce, Policy, Termination, diff, hold_complete, of, register
from enclave.board.deciding import confirming, confirms, voters
from enclave.board.law import under_law
from enclave.board.motion import Motion, MotionKind, State, asked_in, digest, motions, open_motion
from enclave.calendar import CONTINUATION, TERMINATION
from enclave.errors import invalid, refuse
from enclave.ledger import Details, Entry
from enclave.people import Admission
from enclave.store import Transaction, View
from enclave.terms import Action


def ask_members(tx: Transaction, kind: MotionKind, case: str, about: str, actor: str) -> Motion:
    """Ask all members but the one concerned what is to be done about it.

    Source: EM A1.2.B; EM A1.3.

    Raises
    ------
    Refused
        If there is no other member to ask.
    """
    motion = Motion("", len(asked_in(tx, case)) + 1, kind, tx.today, actor, case=case, about=about)
    asked = voters(tx, motion)
    if not asked:
        raise refuse(case, "voter", kind.clause, "there is no other member to ask", "Record the members' signatures.")
    details: Details = {"kind": kind, "about": about, "asked": list(asked)}
    tx.write(motion, Entry(actor, "board.ask-members", motion.key, "", kind.clause, "asked", details))
    return motion


def withdraw_questions(tx: Transaction, case: str, actor: str) -> None:
    """Take back what the members are asked in a case and have not decided.

    Source: EM A1.2.B.
    """
    for motion in tx.find(Motion, "", case=case, state=State.OPEN):
        entry = Entry(actor, "board.replace", motion.key, "", motion.asks.clause)
        tx.write(replace(motion, state=State.REPLACED), entry)


def request(tx: Transaction, policy: Policy, actor: str) -> Motion:
    """Register an initial request and ask its agencies; one asked before is replaced, and answered anew.

    Source: ExA 1.a; EM XI.A; EM XI.B.

    Raises
    ------
    Invalid
        If it does not say everything that the documents want of a request.
    """
    hold_complete(policy.agreement)
    policy = under_law(tx, policy)
    register(tx, policy, actor)
    for earlier in tx.find(Motion, policy.project, asks=MotionKind.INITIAL):
        if earlier.state is not State.REPLACED:
            entry = Entry(actor, "board.replace", earlier.key, policy.project, MotionKind.INITIAL.clause)
            tx.write(replace(earlier, state=State.REPLACED), entry)
    return _ask(tx, policy.project, MotionKind.INITIAL, actor, policy=policy)


def continue_until(tx: Transaction, admission: Admission, until: date, reason: str) -> Motion:
    """Ask for a later end, in writing, with a justification, thirty days before the end at the latest.

    Source: DSA VI.H; ExA 1.a.

    Raises
    ------
    Refused
        If it is too late, or the day asked for is no later than the end.
    """
    agreement = _running(tx, admission)
    last = agreement.ends_on - timedelta(days=CONTINUATION.length)
    if tx.today > last:
        raise refuse(
            admission.project, "too-late", CONTINUATION.clause,
            f"a later end is asked for by {last}, {CONTINUATION.length} days before {agreement.ends_on}",
            "The project ends on its day; ask for data anew.",
        )  # fmt: skip
    _hold_later(admission.project, MotionKind.CONTINUATION, until, agreement.ends_on)
    if agreement.termination is not None:
        raise refuse(
            admission.project, "terminated", "DSA XI", f"{agreement.termination.party} has given notice",
            "The project ends on its day; ask for data anew.",
        )  # fmt: skip
    return _ask(tx, admission.project, MotionKind.CONTINUATION, admission.person, reason=_given(reason), until=until)


def terms_asked(view: View, project: str, policy: Policy, again: Collection[str] = ()) -> Policy:
    """Give what would be asked for where the agreement's file says `policy`, as strict as the law asks by now.

    What agencies refused to share is not asked for because it stands in the file.

    Source: DSA VII; EM VIII; EM XIII.B.

    Parameters
    ----------
    again : collection of str
        What was refused, as ``agency.element``, and is asked for again.

    Raises
    ------
    Refused
        If what is asked for again was not refused, or does not stand in the file.
    Invalid
        If nothing could be asked for without what was refused.
    """
    agreement = of(view, project)
    in_file = {f"{agency}.{e.name}" for agency, asked in policy.agreement.elements.items() for e in asked}
    if wrong := [name for name in again if name not in {*agreement.not_shared} & in_file]:
        raise refuse(
            project, "not-refused", "EM VIII", f"{', '.join(wrong)} was not refused, or does not stand in the file",
            "`enclave agreement show` names what is not shared.",
        )  # fmt: skip
    refused = agreement.still_refused(again)
    return under_law(view, policy.without(refused) if refused else policy)


def amend(
    tx: Transaction, admission: Admission, policy: Policy, reason: str, again: Collection[str] = ()
) -> Motion:  # fmt: skip
    """Ask for other terms; they are in force when all parties have agreed in writing.

    What an agency refused to share is asked for again where `again` names it, and not because it stands in the file.

    Source: DSA VII; ExA 1.a; EM VIII.

    Raises
    ------
    Refused
        If nothing differs, or its end does: that is a continuation.
    Invalid
        If the new terms no longer say everything that the documents want of a request.
    """
    hold_complete(policy.agreement)
    agreement, policy = _running(tx, admission), terms_asked(tx, admission.project, policy, again)
    changes = diff(agreement.policy, policy)
    if policy.project != admission.project or not changes:
        raise refuse(
            admission.project,
            "no-change",
            "DSA VII",
            "it says what is in force already",
            "Change the agreement's file, or ask again for what was refused: `enclave agreement amend --again`.",
        )
    ends = ("project_end", "destroy_by", "months_after_delivery")
    if any(getattr(policy.retention, name) != getattr(agreement.policy.retention, name) for name in ends):
        raise refuse(
            admission.project, "continuation", "ExA 1.a", "a modification changes no end",
            "Ask for a later end with `enclave agreement extend`.",
        )  # fmt: skip
    return _ask(
        tx,
        admission.project,
        MotionKind.MODIFICATION,
        admission.person,
        reason=_given(reason),
        policy=policy,
        again=tuple(again),
    )


def keep_match_data(tx: Transaction, admission: Admission, until: date, reason: str) -> Motion:
    """Ask that the data of the newest match are kept longer than ten business days.

    Source: DSA III.F.3.

    Raises
    ------
    Refused
        If the match is not complete, its data are due, or the day is no later.
    """
    _running(tx, admission)
    run = matching.latest(tx, admission.project)
    if run.delete_by is None or run.delete_by <= tx.today:
        raise refuse(
            run.key, "match-clock", "DSA III.F.3", "its clock has not started, or has run out",
            "Agree with the match first, and ask before its data are due.",
        )  # fmt: skip
    _hold_later(run.key, MotionKind.MATCH_DATA, until, run.delete_by)
    return _ask(tx, admission.project, MotionKind.MATCH_DATA, admission.person, reason=_given(reason), until=until)


def confirm_available(tx: Transaction, admission: Admission) -> Motion:
    """Confirm that the agency's data exist and may be shared; without it the agency cannot approve.

    Source: EM XI.B.1.
    """
    motion = _of_agency(tx, admission)
    details: Details = {"agency": admission.party, "asked": list(confirms(tx, motion, admission.party))}
    motion = replace(motion, available={**motion.available, admission.party: tx.today})
    entry = Entry(admission.person, "board.available", motion.key, motion.project, "EM XI.B.1", details=details)
    tx.write(motion, entry)
    return motion


def refuse_element(tx: Transaction, admission: Admission, element: str, reason: str) -> Motion:
    """Refuse to share one element, with the reason; it leaves the policy when the request is approved.

    What parties have answered to other terms was to terms with it: they answer anew.

    Source: EM VIII; DSA VII.

    Raises
    ------
    Refused
        If the agency is not asked for it.
    Invalid
        If the request could not be answered without it.
    """
    motion = _of_agency(tx, admission)
    agency, policy = admission.party, motion.policy
    if policy is None or policy.element(agency, element) is None:
        what = f"{agency} is not asked for {element}"
        raise refuse(motion.project, "element", "EM VIII", what, "Name it as the request does.")
    refused = {**motion.refused, agency: {**motion.refused.get(agency, {}), element: _given(reason)}}
    policy.without(refused)
    kept = motion.answers if motion.asks is MotionKind.INITIAL else {}
    anew = [party for party in motion.answers if party not in kept]
    details: Details = {"agency": agency, "element": element, "reason_sha256": digest(reason), "anew": anew}
    entry = Entry(admission.person, "board.refuse-element", motion.key, motion.project, "EM VIII", details=details)
    motion = replace(motion, refused=refused, answers=kept)
    tx.write(motion, entry)
    return motion


def terminate(tx: Transaction, admission: Admission, reason: str) -> InForce:
    """Give a party's written notice; the project ends sixty days later, if it does not end before.

    Source: DSA XI.

    Raises
    ------
    Refused
        If the person speaks for no party, or notice has been given.
    """
    agreement = _running(tx, admission)
    if admission.party not in agreement.policy.signatories or agreement.termination is not None:
        what = "notice has been given" if agreement.termination else f"{admission.person} speaks for no party"
        raise refuse(admission.project, "termination", "DSA XI", what, "A party's Representative gives notice, once.")
    given = Termination(admission.party, tx.today, TERMINATION.due(tx.today))
    agreement = replace(agreement, termination=given)
    details: Details = {
        "party": given.party, "ends_on": agreement.ends_on.isoformat(), "reason_sha256": digest(_given(reason)),
    }  # fmt: skip
    project = admission.project
    tx.write(agreement, Entry(admission.person, "agreement.terminate", project, project, "DSA XI", details=details))
    return agreement


def _ask(
    tx: Transaction, project: str, kind: MotionKind, by: str, *, reason: str = "", until: date | None = None,
    policy: Policy | None = None, again: tuple[str, ...] = (),
) -> Motion:  # fmt: skip
    if tx.find(Motion, project, asks=kind, state=State.OPEN):
        raise refuse(
            project, "asked-already", kind.clause, f"a {kind} request waits for answers", "Let the parties answer it."
        )
    motion = Motion(project, len(motions(tx, project)) + 1, kind, tx.today, by, reason, until, policy, again=again)
    details: Details = {
        "kind": kind, "until": str(until or ""), "policy": policy.hash if policy else "", "again": list(again),
        "reason_sha256": digest(reason), "asked": list(voters(tx, motion)),
        "confirming": list(confirming(tx, motion)),
    }  # fmt: skip
    tx.write(motion, Entry(by, "board.ask", motion.key, project, kind.clause, "asked", details))
    return motion


def _running(tx: Transaction, admission: Admission) -> InForce:
    """Give the agreement whose term runs, though a party that joined since may not have signed."""
    admission.hold_to(Action.DECIDE, admission.project)
    agreement = of(tx, admission.project)
    for rule, clause, what in agreement.reasons_not_running(tx.today):
        begun = agreement.effective_on is not None
        next = "What has ended is asked for anew." if begun else "Other terms: `enclave agreement register`, anew."
        raise refuse(admission.project, rule, clause, what, next)
    return agreement


def _of_agency(tx: Transaction, admission: Admission) -> Motion:
    """Give the initial request, or the modification, that waits for this person's agency."""
    admission.hold_to(Action.DECIDE, admission.project)
    modification = tx.find(Motion, admission.project, asks=MotionKind.MODIFICATION, state=State.OPEN)
    motion = modification[0] if modification else open_motion(tx, admission.project, MotionKind.INITIAL)
    if motion.policy is None or admission.party not in motion.policy.agencies:
        what = f"{admission.person} speaks for no agency whose data are requested"
        raise refuse(admission.project, "agency", "EM XI.B", what, "A steward of the agency does it.")
    return motion


def _hold_later(subject: str, kind: MotionKind, until: date, now: date) -> None:
    if until <= now:
        raise refuse(subject, "not-later", kind.clause, f"{until} is no later than {now}", "Ask for a later day.")


def _given(reason: str) -> str:
    if not reason.strip():
        raise invalid("reason", "reason", "EM XI.B", "it is empty", "Say why.")
    return reason.strip()
