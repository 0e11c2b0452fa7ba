"""How an agency joins the programme, and how it leaves.

Source: EM XVIII.B.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from enclave.calendar import LEAVING, MEMBERSHIP
from enclave.errors import invalid, refuse
from enclave.ledger import Entry
from enclave.people.members import Membership
from enclave.people.register import hold_to_group, hold_to_party
from enclave.store import Transaction
from enclave.terms import Role


def join(tx: Transaction, agency: str, signed_on: date, actor: str) -> Membership:
    """Record, as the Operating Group, that an agency signed the Enterprise MOU, for the first time or again.

    Source: EM XVIII.B.

    Raises
    ------
    Refused
        If who records it is not of the Operating Group, though somebody of it is listed; or the agency has left, or
        was made to, and this signature is no later than its last day.
    Invalid
        If it is dated in the future.
    """
    hold_to_group(tx, agency, actor, MEMBERSHIP.clause)
    if signed_on > tx.today:
        raise invalid(
            agency, "signed-on", MEMBERSHIP.clause, f"{signed_on} has not come yet", "Give the day of the signature.",
        )  # fmt: skip
    known = tx.get(Membership, agency)
    if known is not None and known.left and signed_on <= known.until:
        raise refuse(
            agency, "membership", MEMBERSHIP.clause,
            f"it left, and {signed_on} is not after its last day, {known.until}",
            "Give the day of a signature after it: `enclave agency join`.",
        )  # fmt: skip
    membership = Membership(agency, signed_on, MEMBERSHIP.due(signed_on))
    return _write(tx, membership, "agency.join", actor)


def leave(tx: Transaction, agency: str, actor: str, *, breach: bool = False) -> Membership:
    """Record, as the Operating Group, an agency's notice that it leaves, or that it ends at once after a breach.

    Source: EM XVIII.B.

    Raises
    ------
    Refused
        If it is no member, or who records it is not of the Operating Group.
    """
    hold_to_party(tx, agency, actor, MEMBERSHIP.clause, role=Role.OPM)
    known = tx.get(Membership, agency)
    if known is None or known.until < tx.today:
        raise refuse(
            agency, "membership", MEMBERSHIP.clause, "it is no member of the Enterprise MOU", "Nothing is to end.",
        )  # fmt: skip
    last = tx.today - timedelta(days=1) if breach else LEAVING.due(tx.today)
    return _write(tx, replace(known, until=min(known.until, last)), "agency.leave", actor)


def _write(tx: Transaction, membership: Membership, action: str, actor: str) -> Membership:
    details = {"since": membership.since.isoformat(), "until": membership.until.isoformat()}
    tx.write(membership, Entry(actor, action, membership.agency, "", MEMBERSHIP.clause, details=details))
    return membership
