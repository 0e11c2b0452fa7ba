"""What must be destroyed, certified or filed, and by when.

Source: DSA VI.H; DSA III.F.3; DSA XI; ExF.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from enclave.agreement import InForce
from enclave.calendar import CERTIFICATE, MATCH_DATA, Unit
from enclave.destruction.record import Destruction, Scope, State
from enclave.intake import Holding
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
    scope : Scope, optional
        What is to be destroyed; None where a person has to act.
    """

    project: str
    what: str
    clause: str
    due_on: date
    days_left: int
    scope: Scope | None = None

    @property
    def unit(self) -> Unit:
        """What its clause counts in."""
        return _UNITS.get(self.what, Unit.DAYS)

    @property
    def overdue(self) -> bool:
        """Tell whether the last day has passed."""
        return self.days_left < 0

    @property
    def falls(self) -> bool:
        """Tell whether the time to destroy has come.

        Match data may be kept no later than their last day, so they go on it; a project's last day is one of access,
        so its data go when it is over (DSA III.F.3; DSA VI.H).
        """
        return self.scope is not None and self.days_left < (1 if self.scope is Scope.MATCH else 0)


_UNITS = {"match data": MATCH_DATA.unit, "certificate": CERTIFICATE.unit}


@dataclass(frozen=True)
class Identifiers:
    """Data for matching that are held of a project.

    Parameters
    ----------
    came_on : date
        When the last of them was received.
    matched : bool
        Whether a match was run since any of them are held.
    """

    came_on: date
    matched: bool


def due(view: View, today: date, project: str | None = None) -> list[Due]:
    """Give everything that must be destroyed or certified, of one project or of all, soonest first.

    Source: DSA VI.H; DSA III.F.3; ExF.
    """
    return [*view.derive(_due, today, project)]


def _due(view: View, today: date, of: str | None) -> tuple[Due, ...]:
    found = [*_match_data(view, of), *_project_data(view, of), *_certificates(view, of)]
    dated = [
        Due(project, what, clause, day, (day - today).days, scope) for project, what, clause, day, scope in found
    ]
    return tuple(sorted(dated, key=lambda d: (d.due_on, d.project, d.what)))


_Found = Iterator[tuple[str, str, str, date, Scope | None]]


def identifiers(view: View, project: str) -> Identifiers | None:
    """Give what is held of a project for matching since such data were last destroyed; None where nothing is.

    Files that agencies sent, and what a run made of them: its links stay where the files were taken back.

    Source: DSA III.F.3.
    """
    return view.derive(_identifiers, project)


def _identifiers(view: View, project: str) -> Identifiers | None:
    gone = _gone(view, project).get(project, -1)
    here = {held.id for held in view.find(Holding, project) if held.of_match}
    came = [entry for entry in view.entries(project=project, action="intake.receive") if entry["seq"] > gone]
    came = [entry for entry in came if entry["object"] in here]
    ran = [entry for entry in view.entries(project=project, action="match.run") if entry["seq"] > gone]
    days = [date.fromisoformat(entry["day"]) for entry in (came or ran)]
    return Identifiers(max(days), bool(ran)) if days else None


def _match_data(view: View, of: str | None) -> _Found:
    """Find matches agreed in writing whose data have not been destroyed; one that was run before starts no clock."""
    gone = _gone(view, of)
    before = {
        entry["object"]
        for entry in view.entries(project=of, action="match.run")
        if entry["seq"] < gone.get(entry["project"], -1)
    }
    agreed: dict[str, date] = {}
    for entry in view.entries(project=of, action="match.complete"):
        if entry["seq"] > gone.get(entry["project"], -1) and entry["object"] not in before:
            agreed.setdefault(entry["project"], date.fromisoformat(entry["day"]))
    kept = {
        entry["project"]: date.fromisoformat(entry["details"]["until"])
        for entry in view.entries(project=of, action="match.keep")
        if entry["seq"] > gone.get(entry["project"], -1)
    }
    agreements = {agreement.project: agreement for agreement in view.find(InForce, of)}
    for project, day in agreed.items():
        agreement = agreements.get(project)
        length = agreement.policy.retention.match_data_business_days if agreement else MATCH_DATA.length
        due_on = kept.get(project) or replace(MATCH_DATA, length=length).due(day)
        yield project, "match data", MATCH_DATA.clause, due_on, Scope.MATCH


def _gone(view: View, of: str | None) -> dict[str, int]:
    """Give the entry by which each project's match data were last destroyed."""
    return {
        entry["project"]: entry["seq"]
        for entry in view.entries(project=of, action="destruction.done")
        if f"match-{entry['project']}" in entry["details"].get("keys", ())
    }


def _project_data(view: View, of: str | None) -> _Found:
    for agreement in view.find(InForce, of):
        if agreement.destroyed_on is None and agreement.effective_on is not None:
            yield agreement.project, "project data", Scope.PROJECT.clause, agreement.ends_on, Scope.PROJECT


def _certificates(view: View, of: str | None) -> _Found:
    for destruction in view.find(Destruction, of, state=State.DONE, signed_on=None):
        if destruction.certificate_due_on is not None:
            yield destruction.project, "certificate", "ExF", destruction.certificate_due_on, None
