"""The steps of a case: shared, confirmed, returned, refused, withdrawn, its waiting time waived.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from enclave.agreement import of
from enclave.calendar import REVIEW, business_days_between
from enclave.egress import Clearance, digest_of
from enclave.errors import invalid
from enclave.ledger import Details, Entry
from enclave.people import Admission
from enclave.review.case import CLAUSE, Case, Confirmation, Remark, State, Statement, Waiver, barred, open_one
from enclave.store import Transaction
from enclave.terms import Action, Role


def open_case(tx: Transaction, clearance: Clearance, actor: str) -> Case:
    """Share a clearance with the Operating Group and start the clock today.

    A request cleared again with another digest starts anew: what was confirmed of the old one is void.

    Source: DSA VI.G.1.

    Raises
    ------
    Refused
        If the digest is not that of the artefacts, or a case of this digest has been opened before.
    """
    policy = of(tx, clearance.project).policy
    if clearance.digest != digest_of(clearance.artefacts) or not clearance.artefacts:
        raise barred(
            clearance.request_id, "digest", "the clearance does not hold over its artefacts", "Clear it again."
        )
    known = tx.get(Case, clearance.request_id)
    if known is not None and known.digest == clearance.digest:
        raise barred(
            clearance.request_id, "case-open", f"a case of this digest is {known.state} since {known.opened_on}",
            "Follow that case, or send a changed request.",
        )  # fmt: skip
    clock = replace(REVIEW, length=policy.retention.review_business_days)
    agencies = clearance.agencies or policy.agencies
    case = Case(
        clearance.request_id, clearance.project, clearance.person, agencies, clearance.digest,
        clearance.policy_hash, tx.today, clock.due(tx.today),
    )  # fmt: skip
    details = {
        "due_on": case.due_on.isoformat(),
        "agencies": list(agencies),
        "voids": known.digest if known else None,
    }
    tx.write(case, _entry(case, actor, "review.open", details))
    return case


def confirm(
    tx: Transaction, request_id: str, admission: Admission, digest: str, statements: frozenset[Statement]
) -> Case:
    """Record what a steward confirms in writing for their own agency.

    Source: DSA VI.G.1.

    Parameters
    ----------
    digest : str
        Of what the steward has looked at.
    statements : frozenset of Statement
        Those confirmed now; others may follow.

    Raises
    ------
    Refused
        If the person is the requester or not a steward of a contributing agency, or looked at something else.
    Invalid
        If no statement is given.
    """
    case = _as_steward(tx, request_id, admission)
    if not statements:
        raise invalid(
            request_id, "statements", CLAUSE, "no statement is confirmed",
            f"Confirm one or more of {', '.join(Statement)}.",
        )  # fmt: skip
    if digest != case.digest:
        raise barred(
            request_id, "digest", "the confirmation is of another digest than the case",
            "Look at the case as it is now, then confirm.",
        )  # fmt: skip
    confirmation = Confirmation(admission.agency, admission.person, digest, frozenset(statements), tx.today)
    case = replace(case, confirmations=(*case.confirmations, confirmation))
    details = {"agency": admission.agency, "statements": sorted(statements)}
    tx.write(case, _entry(case, admission.person, "review.confirm", details))
    return case


def return_with_comment(tx: Transaction, request_id: str, admission: Admission, comment: str) -> Case:
    """Give a request back to be changed; a changed one is cleared and reviewed anew (DSA VI.G.1)."""
    return _decline(tx, request_id, admission, comment, State.RETURNED, "review.return")


def refuse_case(tx: Transaction, request_id: str, admission: Admission, comment: str) -> Case:
    """Refuse a release for an agency, with the reason (DSA VI.G.1)."""
    return _decline(tx, request_id, admission, comment, State.REFUSED, "review.refuse")


def withdraw(tx: Transaction, request_id: str, actor: str) -> Case:
    """Take a request back; only the requester does."""
    case = open_one(tx, request_id)
    if actor != case.requester:
        raise barred(request_id, "requester", "only the requester withdraws", "Return it with a comment instead.")
    case = replace(case, state=State.WITHDRAWN, remark=Remark(actor, "", "withdrawn by the requester", tx.today))
    tx.write(case, _entry(case, actor, "review.withdraw", {}))
    return case


def waive(tx: Transaction, request_id: str, admission: Admission, reason: str) -> Case:
    """Waive what is left of the ten business days; the agencies' statements are never waived.

    The ledger keeps the digest of the reason, the case its words.

    Source: DSA VI.G.1.

    Raises
    ------
    Refused
        If the person is not of the Operating Group, or is the requester.
    Invalid
        If no reason is given.
    """
    case = open_one(tx, request_id)
    _of_project(case, admission, Action.PUBLISH)
    if admission.role is not Role.OPM:
        raise barred(request_id, "waiver", "only the Operating Group waives", "Ask OPM.")
    reason = _worded(request_id, reason)
    case = replace(case, waiver=Waiver(admission.person, reason, tx.today))
    left = business_days_between(tx.today, case.due_on)
    details: Details = {"reason_sha256": _sha256(reason), "days_left": left}
    tx.write(case, _entry(case, admission.person, "review.waive", details))
    return case


def _decline(tx: Transaction, request_id: str, admission: Admission, comment: str, state: State, action: str) -> Case:
    case = _as_steward(tx, request_id, admission)
    comment = _worded(request_id, comment)
    remark = Remark(admission.person, admission.agency, comment, tx.today)
    case = replace(case, state=state, remark=remark)
    details = {"agency": admission.agency, "comment_sha256": _sha256(comment)}
    tx.write(case, _entry(case, admission.person, action, details))
    return case


def _as_steward(tx: Transaction, request_id: str, admission: Admission) -> Case:
    case = open_one(tx, request_id)
    _of_project(case, admission, Action.CONFIRM)
    if admission.agency not in case.agencies:
        raise barred(
            request_id, "other-agency", "the steward's agency did not contribute to it",
            f"Stewards of {', '.join(case.agencies)} confirm.",
        )  # fmt: skip
    return case


def _of_project(case: Case, admission: Admission, action: Action) -> None:
    if (admission.project, admission.action) != (case.project, action):
        raise barred(case.request_id, "admission", "the admission is not for this", f"Ask for leave to {action}.")
    if admission.person == case.requester:
        raise barred(case.request_id, "own-request", "nobody reviews their own request", "Another person reviews it.")


def _worded(request_id: str, text: str) -> str:
    if not text.strip():
        raise invalid(request_id, "reason", CLAUSE, "no reason is given", "Say why, in a sentence.")
    return text.strip()


def _entry(case: Case, actor: str, action: str, details: Details) -> Entry:
    return Entry(actor, action, case.request_id, case.project, CLAUSE, details={"digest": case.digest, **details})


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
