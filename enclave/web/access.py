"""Which page is whose: one table; what is not yours is refused with the reason, and entered.

What a person may *do* is asked of `people.may` each time; this table is about looking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.exceptions import HTTPException

from enclave.agreement import InForce
from enclave.errors import Finding, Refused, refuse
from enclave.people import Listing
from enclave.people.access import PERMITTED
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role


class Place(StrEnum):
    """A page of a project, in the order in which the data flow."""

    PROJECT = "project"
    DECISIONS = "decisions"
    PEOPLE = "people"
    PAPERS = "papers"
    INTAKE = "intake"
    MATCHING = "matching"
    REQUESTS = "requests"
    REQUEST = "request"
    DESTRUCTION = "destruction"
    LEDGER = "ledger"


_EVERYONE = frozenset(Role) - {Role.CLOCK}
_OFFICES = frozenset({Role.STEWARD, Role.OPM})
MAY_LOOK: dict[Place, frozenset[Role]] = {
    Place.PROJECT: _EVERYONE,
    Place.DECISIONS: _OFFICES | {Role.AUDITOR},
    Place.PEOPLE: _OFFICES | {Role.AUDITOR},
    Place.PAPERS: frozenset({Role.OPM, Role.AUDITOR}),
    Place.INTAKE: frozenset({Role.HUB_STAFF, Role.OPM}),
    Place.MATCHING: _OFFICES | {Role.HUB_STAFF},
    Place.REQUESTS: _EVERYONE - {Role.HUB_STAFF},
    Place.REQUEST: _OFFICES | ANALYSTS,
    Place.DESTRUCTION: _OFFICES | {Role.HUB_STAFF, Role.AUDITOR},
    Place.LEDGER: _OFFICES | {Role.AUDITOR},
}
"""Who may look at what; the matrix of the tests is made from this table."""


@dataclass(frozen=True)
class Standing:
    """A person's place on a project: the agreement, and how they are listed."""

    agreement: InForce
    listing: Listing

    @property
    def project(self) -> str:
        """The Data Request number."""
        return self.agreement.project

    @property
    def role(self) -> Role:
        """What the person is on this project."""
        return self.listing.role

    @property
    def places(self) -> tuple[Place, ...]:
        """Pages with an address of their own that this person may look at."""
        return tuple(p for p in Place if p is not Place.REQUEST and self.role in MAY_LOOK[p])


def look(view: View, person: str, project: str, place: Place) -> Standing:
    """Let a person look at a page of a project.

    Source: DSA VI.E; DSA III.F.2.

    Raises
    ------
    HTTPException
        404 when no agreement of this number is registered.
    Refused
        When the person is not on the list, suspended, or of a role this page is not for.
    """
    agreement = view.get(InForce, project)
    if agreement is None:
        raise HTTPException(404)
    listing = view.get(Listing, f"{project}/{person}")
    if listing is None:
        raise _no(project, place, "not-listed", "DSA VI.E", f"not on the list of {project}", "Ask to be added.")
    if listing.suspension:
        what = f"access is suspended since {listing.suspension.since}"
        raise _no(project, place, "suspended", listing.suspension.clause, what, "Wait for reinstatement.")
    if listing.role not in MAY_LOOK[place]:
        what = f"this page is not for the role {listing.role}"
        raise _no(project, place, "role", "DSA III.F.2", what, "Ask someone whose role it is.")
    return Standing(agreement, listing)


def governing(view: View, person: str, page: str, clause: str) -> Mapping[Role, frozenset[str]]:
    """Give the projects a person governs, and those they audit: who may look at a page over all of them.

    Source: EM XVII.B.

    Raises
    ------
    Refused
        When there is none, or the person is suspended on each.
    """
    found = {
        role: frozenset(each.project for each in view.find(Listing, person=person, role=role, suspension=None))
        for role in (Role.OPM, Role.AUDITOR)
    }
    if not any(found.values()):
        what, next = "you govern or audit no project", "The Operating Group and the auditors open this page."
        raise refuse(page, "role", clause, what, next)
    return found


def audits(view: View, person: str) -> frozenset[str] | None:
    """Give the parties for which a person reads what is entered of no project; None: for all, as the programme does.

    Source: EM XVII.B; EM XV.B.2.

    Raises
    ------
    Refused
        When the person reads the ledger of no project, or is suspended on each.
    """
    listed = view.find(Listing, person=person, suspension=None)
    reading = [each for each in listed if Action.AUDIT in PERMITTED[each.role]]
    if not reading:
        what, next = "you read the ledger of no project", "A steward, the Operating Group or an auditor opens it."
        raise refuse("ledger of the programme", "role", "EM XVII.B", what, next)
    everything = any(each.role is not Role.STEWARD for each in reading)
    return None if everything else frozenset(each.agency for each in reading)


def _no(project: str, place: Place, rule: str, clause: str, what: str, next: str) -> Refused:
    return Refused(f"{place} of {project}", [Finding(rule, clause, "", what, next)])
