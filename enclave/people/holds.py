"""Holds: a project, an agency's data in all projects, or a recipient stopped; `incidents` places and lifts them.

Source: DSA VI.F; DSA VI.F.2; EM A1.2.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from enclave.agreement import of
from enclave.ledger import Details, Entry
from enclave.people.members import members
from enclave.store import Transaction, View

ANNOUNCED = "announced"
"""What the entry of a stop says whose first day is still to come."""


@dataclass(frozen=True)
class Hold:
    """Everything on a project, or on all projects of a party, stopped: by whom, under which clause, how long.

    Parameters
    ----------
    project : str
        Empty where a party is stopped in all its projects.
    scope : str
        In words what is held: ``project DR-0034``, ``agency SDE for cause (complaint-001)``.
    since : date
        First day; of a notice given in advance it is still to come.
    party : str
        Code of the agency or recipient that is stopped; empty where it is one project.
    until : date, optional
        Last day; None until it is lifted.
    asked_by : str
        Agency whose notice it is; empty where the Operating Group or the hub stopped it.
    reason : str
        What an agency's notice gives as its reason.
    announced : bool
        Its first day was still to come when it was placed, and nobody was told since that it came.
    """

    KIND: ClassVar[str] = "hold"
    project: str
    scope: str
    since: date
    clause: str
    by: str
    party: str = ""
    until: date | None = None
    asked_by: str = ""
    reason: str = ""
    announced: bool = False

    @property
    def key(self) -> str:
        """Project and scope."""
        return f"{self.project}/{self.scope}"

    def stands(self, today: date) -> bool:
        """Tell whether it holds on a day."""
        return self.since <= today and not self.over(today)

    def over(self, today: date) -> bool:
        """Tell whether its last day has passed."""
        return self.until is not None and self.until < today


def place(tx: Transaction, hold: Hold) -> None:
    """Stop a project or a party; sessions end within seconds, for the hub asks again (DSA VI.F.2)."""
    if hold.project:
        of(tx, hold.project)
    hold = replace(hold, announced=hold.since > tx.today)
    _write(tx, hold, "incident.hold", hold.clause, hold.by, ANNOUNCED if hold.announced else "done")


def begin(tx: Transaction, hold: Hold, actor: str) -> None:
    """Enter that the first day of an announced suspension has come, so that all are told once more (EM A1.2.A)."""
    _write(tx, replace(hold, announced=False), "incident.begin", hold.clause, actor)


def extend(tx: Transaction, hold: Hold) -> None:
    """Let a suspension that stands, or is announced, last longer (EM A1.3)."""
    _write(tx, hold, "incident.extend", "EM A1.3", hold.by)


def lift(tx: Transaction, hold: Hold, actor: str) -> None:
    """Let a project or a party go on (EM A1.2)."""
    details = {"scope": hold.scope}
    entry = Entry(actor, "incident.lift", hold.party or hold.project, hold.project, "EM A1.2", details=details)
    tx.delete(hold, entry)


def holds(view: View, project: str) -> list[Hold]:
    """Give the holds that stand on a project today: its own, and those on a party to it."""
    policy = of(view, project).policy
    placed = [*view.find(Hold, project), *(h for h in view.find(Hold, "") if policy.party(h.party))]
    return [hold for hold in placed if hold.stands(view.today)]


def _write(tx: Transaction, hold: Hold, action: str, clause: str, actor: str, outcome: str = "done") -> None:
    details: Details = {
        "scope": hold.scope, "since": hold.since.isoformat(), "until": str(hold.until or ""),
        "told": ["Operating Group", *members(tx)] if hold.party else [],  # all members at once
        "reason_sha256": hashlib.sha256(hold.reason.encode()).hexdigest() if hold.reason else "",
    }  # fmt: skip
    about = hold.party or hold.project
    tx.write(hold, Entry(actor, action, about, hold.project, clause, outcome, details))
