"""What must be destroyed, certified or filed, and by when.

Source: DSA VI.H; DSA III.F.3; DSA XI; ExF.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from enclave.agreement import InForce
from enclave.calendar import MATCH_DATA
from enclave.destruction.record import Destruction, Scope, State
from enclave.store import View


@dataclass(frozen=True)
class Due:
    """One thing that has a last day.

    Parameters
    ----------
    what : str
        ``match data``, ``project data`` or ``certificate``.
    days_left : int
        Calendar days; negative when it is overdue.
    """

    project: str
    what: str
    clause: str
    due_on: date
    days_left: int

    @property
    def overdue(self) -> bool:
        """Tell whether the last day has passed."""
        return self.days_left < 0


def due(view: View, today: date) -> list[Due]:
    """Give everything that must be destroyed or certified, soonest first; nobody has to ask for it.

    Source: DSA VI.H; DSA III.F.3; ExF.
    """
    found = [*_match_data(view), *_project_data(view), *_certificates(view)]
    dated = [Due(project, what, clause, day, (day - today).days) for project, what, clause, day in found]
    return sorted(dated, key=lambda d: (d.due_on, d.project, d.what))


def _match_data(view: View) -> Iterator[tuple[str, str, str, date]]:
    """Find matches agreed in writing whose data have not been destroyed since."""
    agreed: dict[str, date] = {}
    for entry in view.entries():
        project = entry["project"]
        if entry["action"] == "match.complete":
            agreed.setdefault(project, date.fromisoformat(entry["day"]))
        elif entry["action"] == "destruction.done" and f"match-{project}" in entry["details"].get("keys", ()):
            agreed.pop(project, None)
    for project, day in agreed.items():
        agreement = view.get(InForce, project)
        length = agreement.policy.retention.match_data_business_days if agreement else MATCH_DATA.length
        yield project, "match data", MATCH_DATA.clause, replace(MATCH_DATA, length=length).due(day)


def _project_data(view: View) -> Iterator[tuple[str, str, str, date]]:
    for agreement in view.find(InForce):
        if agreement.destroyed_on is None and agreement.effective_on is not None:
            yield agreement.project, "project data", Scope.PROJECT.clause, agreement.ends_on


def _certificates(view: View) -> Iterator[tuple[str, str, str, date]]:
    for destruction in view.find(Destruction, state=State.DONE, signed_on=None):
        if destruction.certificate_due_on is not None:
            yield destruction.project, "certificate", "ExF", destruction.certificate_due_on
