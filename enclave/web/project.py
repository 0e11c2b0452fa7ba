"""A project: what I may use and what is masked for me, who else is on the list, what the agreement says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from enclave import intake
from enclave.agreement import InForce, exhibits
from enclave.incidents import Case, CaseKind
from enclave.papers import kind_of
from enclave.people import Listing, Person, Sight, lacks, representative, sight_of
from enclave.people.sight import CLAUSE
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
    """A column, who owns it, and the clause that masks it for the person who looks and why; empty where none does."""

    table: str
    name: str
    definition: str
    owner: str
    kind: str
    codes: tuple[str, ...]
    questions: tuple[str, ...]
    as_of: date | None
    masked: str
    why: str


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
        sight = sight_of(view, standing.listing) if standing.role in ANALYSTS else Sight(government=True)
        model: dict[str, Any] = {
            "card": card(view, visit, standing.listing),
            "delivered_on": delivery.delivered_on if delivery else None,
            "persons": delivery.persons if delivery else None,
            "columns": _delivered(delivery, sight) if delivery else _approved(standing.agreement, sight),
            "limitations": _limitations(view, visit.project, delivery),
            "tells": TELLS,
            "told": [case for case in view.find(Case, visit.project) if case.by == visit.me.name],
            "people": _people(view, standing),
            "agreement": _facts(view, standing.agreement),
        }
    return Page("project", f"{standing.project} {model['agreement']['title']}", model, standing)


def _limitations(view: View, project: str, delivery: Delivery | None) -> list[Limitation]:
    """Give what the agencies state of the data: of those delivered, else of those received (DSA II.H)."""
    if delivery is not None:
        return list(delivery.limitations)
    held = intake.holdings(view, project)
    return [Limitation(h.source, h.contents, h.limitations) for h in held if h.limitations]


def _delivered(delivery: Delivery, sight: Sight) -> list[Usable]:
    """Give the delivered columns, masked as a session masks them (`analysis.open_session`)."""
    found = []
    for table in delivery.tables:
        hidden = table.hidden_from(sight)
        if table.wholly(hidden):
            hidden[UNIT] = next(iter(hidden.values()))
        for c in table.columns:
            why = hidden.get(c.name, "")
            row = (table.name, c.name, c.definition, c.owner, c.kind, c.codes, c.questions, c.as_of)
            found.append(Usable(*row, CLAUSE if why else "", why))
    return found


def _approved(agreement: InForce, sight: Sight) -> list[Usable]:
    """Give the approved elements while nothing has been delivered; matching identifiers never are (DSA III.G.1)."""
    return [
        Usable(
            agency.lower(), e.name, e.definition, agency, e.kind, e.codes, e.questions, None,
            CLAUSE if why else "", why,
        )
        for agency, elements in agreement.policy.agreement.elements.items()
        for e in elements
        if not e.matching
        for why in [sight.hides(agency, e.uc)]
    ]  # fmt: skip


def _people(view: View, standing: Standing) -> list[Listed]:
    found = []
    for listing in view.find(Listing, standing.project):
        known = view.get(Person, listing.person)
        if known is not None:
            found.append(_listed(view, standing, listing, known))
    return sorted(found, key=lambda person: (person.role, person.name))


def _listed(view: View, standing: Standing, listing: Listing, known: Person) -> Listed:
    lacking = [finding.what for finding in lacks(view, listing, standing.agreement)]
    state = "suspended" if listing.suspension else "; ".join(lacking) or "in order"
    role = ROLES[listing.role]
    return Listed(known.id, known.name, known.organization, role, listing.agency, listing.exhibit_c_until, state)


def _facts(view: View, agreement: InForce) -> dict[str, Any]:
    policy, terms = agreement.policy, agreement.policy.agreement
    signed = {signature.party: signature.signed_on for signature in agreement.signatures}
    return {
        "title": terms.title,
        "purpose": terms.purpose,
        "parties": [
            {"code": p.code, "name": p.name, "kind": str(p.kind), "representative": p.representative,
             "signed_on": signed.get(p.code), "signs": p.code in policy.signatories,
             "speaks": representative(view, policy.project, p.code), "legal_basis": p.legal_basis,
             "dissemination": p.dissemination}
            for p in terms.parties
        ],
        "exhibits": [
            {"title": kind_of(name).title, "clause": kind_of(name).clause,
             "sha256": paper.kept.sha256 if paper else ""}
            for name, paper in exhibits(view, policy).items()
        ],
        "plans": [
            ("Method", "ExA 3.d", terms.method), ("Against re-identification", "EM II", terms.security_plan),
            ("Benefit", "ExA 3.c", terms.benefit.text if terms.benefit else ""),
            ("Research agenda", "EM XI.A", terms.agenda.place if terms.agenda else ""),
            ("Review board", "DSA VI.A", terms.review_board.why if terms.review_board else ""),
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
