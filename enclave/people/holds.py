"""Holds: a project, an agency's data or a recipient stopped at once; `incidents` places and lifts them.

Source: DSA VI.F.2; EM A1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from enclave.agreement import of
from enclave.ledger import Entry
from enclave.store import Transaction, View


@dataclass(frozen=True)
class Hold:
    """Everything on a project stopped, by whom and under which clause.

    `scope` says in words what is held: ``project DR-0034``, ``agency SDE``.
    """

    KIND: ClassVar[str] = "hold"
    project: str
    scope: str
    since: date
    clause: str
    by: str

    @property
    def key(self) -> str:
        """Project and scope."""
        return f"{self.project}/{self.scope}"


def place(tx: Transaction, hold: Hold) -> None:
    """Stop a project; sessions end within seconds, for the hub asks again (DSA VI.F.2)."""
    of(tx, hold.project)
    entry = Entry(hold.by, "incident.hold", hold.project, hold.project, hold.clause, details={"scope": hold.scope})
    tx.write(hold, entry)


def lift(tx: Transaction, hold: Hold, actor: str) -> None:
    """Let a project go on (EM A1.2)."""
    details = {"scope": hold.scope}
    tx.delete(hold, Entry(actor, "incident.lift", hold.project, hold.project, "EM A1.2", details=details))


def holds(view: View, project: str) -> list[Hold]:
    """Give the holds on a project."""
    return view.find(Hold, project)
