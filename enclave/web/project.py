"""A project: what I may use and what is masked for me, who else is on the list, what the agreement says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from enclave import intake
from enclave.agreement import InForce
from enclave.incidents import Case, CaseKind
from enclave.people import Listing, Person
from enclave.resultant import Delivery, Limitation
from enclave.store import View
from enclave.terms import UNIT
from enclave.web.access import Place, Standing, look
from enclave.web.home import ANALYSTS, ROLES, card
from enclave.web.visit import Page, Visit

TELLS = {
    CaseKind.PROBLEM: "A problem or a complaint, which is told at once",
    CaseKind.QUESTION: "A question on completeness or matching, within ten business days of the delivery",
    CaseKind.PROTOCOL: "A change of the protocol, which is not made before it is approved",
    CaseKind.CLOSING: "The data are no longer needed and are to be destroyed",
}


@dataclass(frozen=True)
class Usable:
    """A column, who owns it, and the clause that masks it for the person who looks; empty when nothing does."""

    table: str
    name: str
    definition: str
    owner: str
    kind: str
    codes: tuple[str, ...]
    questions: tuple[str, ...]
    as_of: date | None
    masked: str


@dataclass(frozen=True)
class Listed:
    """A person on the project's list."""

    id: str
    name: str
    organization: str
    role: str
    agency: str
    exhibit_c_until: date | None
    state: str


def show(visit: Visit) -> Page:
    """Show a project to a person on its list.

    Source: DSA VI.A; DSA VI.E; ExA 2.h.
    """
    with visit.enclave.store.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.PROJECT)
        delivery = view.get(Delivery, visit.project)
        person = view.get(Person, visit.me.name)
        unit_rows = standing.role not in ANALYSTS or (person is not None and person.government)
        model: dict[str, Any] = {
            "card": card(view, visit, standing.listing),
            "delivered_on": delivery.delivered_on if delivery else None,
            "persons": delivery.persons if delivery else None,
            "columns": _delivered(delivery, unit_rows) if delivery else _approved(standing.agreement, unit_rows),
            "limitations": _limitations(view, visit.project, delivery),
            "tells": TELLS,
            "told": [case for case in view.find(Case, visit.project) if case.by == visit.me.name],
            "people": _people(view, standing),
            "agreement": _facts(standing.agreement),
        }
    return Page("project", f"{standing.project} {model['agreement']['title']}", model, standing)


def _limitations(view: View, project: str, delivery: Delivery | None) -> list[Limitation]:
    """Give what the agencies state of the data: of those delivered, else of those received (DSA II.H)."""
    if delivery is not None:
        return list(delivery.limitations)
    held = intake.holdings(view, project)
    return [Limitation(h.source, h.contents, h.limitations) for h in held if h.limitations]


def _delivered(delivery: Delivery, unit_rows: bool) -> list[Usable]:
    """Give the delivered columns, masked as a session masks them (`analysis.open_session`)."""
    found = []
    for table in delivery.tables:
        whole = table.column_is_unit_uc(UNIT)
        for c in table.columns:
            masked = "" if unit_rows or not (c.uc or whole) else "ExA 2.h"
            row = (table.name, c.name, c.definition, c.owner, c.kind, c.codes, c.questions, c.as_of, masked)
            found.append(Usable(*row))
    return found


def _approved(agreement: InForce, unit_rows: bool) -> list[Usable]:
    """Give the approved elements while nothing has been delivered; matching identifiers never are (DSA III.G.1)."""
    return [
        Usable(
            agency.lower(), e.name, e.definition, agency, e.kind, e.codes, e.questions, None,
            "ExA 2.h" if e.uc and not unit_rows else "",
        )
        for agency, elements in agreement.policy.agreement.elements.items()
        for e in elements
        if not e.matching
    ]  # fmt: skip


def _people(view: View, standing: Standing) -> list[Listed]:
    found = []
    for listing in view.find(Listing, standing.project):
        known = view.get(Person, listing.person)
        if known is not None:
            found.append(_listed(view, standing, listing, known))
    return sorted(found, key=lambda person: (person.role, person.name))


def _listed(view: View, standing: Standing, listing: Listing, known: Person) -> Listed:
    missing = [a for a in standing.agreement.policy.agencies if a not in (listing.approvals or {})]
    until = listing.exhibit_c_until
    if listing.suspension:
        state = "suspended"
    elif until is None or view.today > until:
        state = "Exhibit C missing"
    elif listing.role in ANALYSTS and missing:
        state = f"awaits {', '.join(missing)}"
    else:
        state = "in order"
    role = ROLES[listing.role]
    return Listed(known.id, known.name, known.organization, role, listing.agency, until, state)


def _facts(agreement: InForce) -> dict[str, Any]:
    policy, terms = agreement.policy, agreement.policy.agreement
    signed = {signature.party: signature.signed_on for signature in agreement.signatures}
    return {
        "title": terms.title,
        "purpose": terms.purpose,
        "parties": [
            {"code": p.code, "name": p.name, "kind": str(p.kind), "representative": p.representative,
             "signed_on": signed.get(p.code), "signs": p.code in policy.signatories}
            for p in terms.parties
        ],
        "dates": [
            ("Approved", "EM II", terms.approved_on), ("Effective", "DSA preamble", agreement.effective_on),
            ("Delivered", "DSA VI.C", agreement.delivered_on), ("Access ends", "DSA XI", agreement.ends_on),
            ("Destroy by", "DSA VI.H", policy.retention.destroy_by),
            ("Destroyed", "DSA VI.H", agreement.destroyed_on),
        ],
        "policy_hash": policy.hash,
        "cells": policy.cells,
        "reports": terms.reports,
        "questions": terms.questions,
        "methods": terms.methods,
        "assumptions": terms.assumed,
    }  # fmt: skip
