"""An agency that does not yet meet a standard of the E-MOU's Section XV: its plan, and the day on which it must.

Source: EM XV.E.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from enclave.clauses import clauses
from enclave.errors import Finding, Refused
from enclave.ledger import Details, Entry
from enclave.people.members import Membership
from enclave.people.register import hold_to_party
from enclave.store import Transaction, View
from enclave.terms import Role


@dataclass(frozen=True)
class Deviation:
    """An exception that was granted, in place of one before of the same standard.

    Parameters
    ----------
    standard : str
        Clause that is not fully met.
    plan : str
        How the agency comes to meet it.
    until : date
        Last day.
    """

    KIND: ClassVar[str] = "exception"
    agency: str
    standard: str
    plan: str
    since: date
    until: date
    by: str
    project: str = ""

    @property
    def key(self) -> str:
        """Agency and standard."""
        return f"{self.agency}/{self.standard}"


def standards() -> list[str]:
    """Give the clauses of the Enterprise MOU's Section XV: what an agency can be excepted from.

    Source: EM XV.E.
    """
    return [clause for clause in clauses() if clause.partition(".")[0] == "EM XV"]


def except_from(tx: Transaction, agency: str, standard: str, plan: str, until: date, actor: str) -> Deviation:
    """Record that the board takes an agency's plan to come into compliance, with an end.

    Source: EM XV.E.

    Raises
    ------
    Refused
        If the agency is no member, it is no standard of Section XV, the plan is empty, the end is not in the future,
        or who records it is not of the Operating Group.
    """
    hold_to_party(tx, agency, actor, "EM XV.E", role=Role.OPM)
    wrong = {
        "membership": ("it is no member of the Enterprise MOU", tx.get(Membership, agency) is None),
        "standard": ("it is no clause of Section XV", standard not in standards()),
        "plan": ("there is no plan", not plan.strip()),
        "until": (f"{until} is not in the future", until <= tx.today),
    }
    if found := [
        Finding(rule, "EM XV.E", agency, what, "Give agency, clause, plan and a later day.")
        for rule, (what, is_so) in wrong.items()
        if is_so
    ]:
        raise Refused(f"exception of {agency}", found)
    known = Deviation(agency, standard, plan.strip(), tx.today, until, actor)
    details: Details = {
        "agency": agency, "standard": standard, "until": until.isoformat(),
        "plan_sha256": hashlib.sha256(known.plan.encode()).hexdigest(),
    }  # fmt: skip
    tx.write(known, Entry(actor, "agency.except", agency, "", "EM XV.E", details=details))
    return known


def meet(tx: Transaction, agency: str, standard: str, actor: str) -> None:
    """Record that the agency meets the standard: the exception is over.

    Source: EM XV.E.

    Raises
    ------
    Refused
        If there is none, or who records it is not of the Operating Group.
    """
    hold_to_party(tx, agency, actor, "EM XV.E", role=Role.OPM)
    known = tx.get(Deviation, f"{agency}/{standard}")
    if known is None:
        next = "Look at `enclave agency exceptions`."
        raise Refused(agency, [Finding("exception", "EM XV.E", standard, "there is no such exception", next)])
    details = {"agency": agency, "standard": standard}
    tx.delete(known, Entry(actor, "agency.meets", agency, "", "EM XV.E", details=details))


def exceptions(view: View) -> list[Deviation]:
    """Give the exceptions that are not over, by agency; one past its end is overdue."""
    return view.find(Deviation)
