"""A project: what I may use and what is masked for me, who else is on the list, what the agreement says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from enclave import intake
from enclave.agreement import InForce, exhibits, flow_of
from enclave.agreement.model import Assumption, CellTerms, Question, Report
from enclave.controls import Deviating, last_seen
from enclave.incidents import Case, CaseKind
from enclave.papers import kind_of
from enclave.people import PERMITTED, Listing, Person, Sight, exhibit_c_until, lacks, representative, sight_of
from enclave.people.sight import clause_of
from enclave.resultant import Delivery, Limitation, delivered
from enclave.store import View
from enclave.terms import ANALYSTS, UNIT, Action, Role
from enclave.web.access import MAY_LOOK, Place, Standing, look
from enclave.web.home import ROLES, Card, card
from enclave.web.visit import Page, Visit

TELLS = {
    CaseKind.PROBLEM: "A problem or a complaint, which is told at once",
    CaseKind.QUESTION: "A question on completeness or matching, within ten business days of the delivery",
    CaseKind.PROTOCOL: "A change of the protocol, which is not made before it is approved",
    CaseKind.CLOSING: "The data are no longer needed and are to be destroyed",
}


@dataclass(frozen=True)
class Usable:
    """A column, who owns it, and the clause that masks it for the person who looks and why; empty where none does.

    `standard` is what it goes with in an adopted standard; empty where nobody has said.
    """

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
    standard: str


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


@dataclass(frozen=True)
class Party:
    """A party to the agreement, and when it signed."""

    code: str
    name: str
    kind: str
    representative: str
    signed_on: date | None
    signs: bool
    speaks: str
    legal_basis: str
    dissemination: str


@dataclass(frozen=True)
class Exhibit:
    """What is attached to the agreement, and the digest of the paper that is kept; empty where there is none."""

    title: str
    clause: str
    sha256: str


@dataclass(frozen=True)
class Facts:
    """What the agreement says; `dates` are its name, clause and day, `picture` is the flow of its data as SVG."""

    title: str
    purpose: str
    parties: list[Party]
    exhibits: list[Exhibit]
    plans: list[tuple[str, str, str]]
    dates: list[tuple[str, str, date | None]]
    policy_hash: str
    cells: CellTerms
    reports: tuple[Report, ...]
    questions: tuple[Question, ...]
    methods: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    flow: tuple[str, ...]
    picture: str


@dataclass(frozen=True)
class Controls:
    """How the controls stood at the last look; what deviates is `named` to who answers for the project."""

    looked_on: date
    held: int
    tested: int
    deviating: int
    named: tuple[Deviating, ...]


@dataclass(frozen=True)
class Allowed:
    """What a role may do, and the pages it may look at."""

    does: tuple[Action, ...]
    looks_at: tuple[Place, ...]


@dataclass(frozen=True)
class Project:
    """A project as the person at the browser stands on it; `persons` are those of the Resultant Data.

    Parameters
    ----------
    controls : Controls, optional
        How they stood at the last look; None where nobody has looked.
    allowed : mapping of Role to Allowed
        The table by which the program answers, whoever asks.
    """

    card: Card | None
    delivered_on: date | None
    persons: int | None
    columns: list[Usable]
    limitations: list[Limitation]
    tells: dict[CaseKind, str]
    told: list[Case]
    people: list[Listed]
    agreement: Facts
    controls: Controls | None
    allowed: dict[Role, Allowed]


def show(visit: Visit) -> Page[Project]:
    """Show a project to a person on its list.

    Source: DSA VI.A; DSA VI.E; ExA 2.h.
    """
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.PROJECT)
        delivery = delivered(view, visit.project)
        sight = sight_of(view, standing.listing) if standing.role in ANALYSTS else Sight(government=True)
        model = Project(
            card=card(view, visit, standing.listing),
            delivered_on=delivery.delivered_on if delivery else None,
            persons=delivery.persons if delivery else None,
            columns=_delivered(standing.agreement, delivery, sight)
            if delivery
            else _approved(standing.agreement, sight),
            limitations=_limitations(view, visit.project, delivery),
            tells=TELLS,
            told=[case for case in view.find(Case, visit.project) if case.by == visit.me.name],
            people=_people(view, standing),
            agreement=_facts(view, standing.agreement),
            controls=_controls(view, standing),
            allowed={role: _allowed(role) for role in Role if role is not Role.CLOCK},
        )
    return Page("project", f"{standing.project} {model.agreement.title}", model, standing)


def _controls(view: View, standing: Standing) -> Controls | None:
    seen = last_seen(view)
    if seen is None:
        return None
    named = () if standing.role in ANALYSTS else seen.deviating
    return Controls(seen.looked_on, seen.held, seen.tested, len(seen.deviating), named)


def _allowed(role: Role) -> Allowed:
    """Give a role's row of the tables that `people.may` and `look` answer by (DSA III.F.2)."""
    does = tuple(action for action in Action if action in PERMITTED[role])
    return Allowed(does, tuple(place for place in Place if role in MAY_LOOK[place]))


def _limitations(view: View, project: str, delivery: Delivery | None) -> list[Limitation]:
    """Give what the agencies state of the data: of those delivered, else of those received (DSA II.H)."""
    if delivery is not None:
        return list(delivery.limitations)
    held = intake.holdings(view, project)
    return [Limitation(h.source, h.contents, h.limitations) for h in held if h.limitations]


def _delivered(agreement: InForce, delivery: Delivery, sight: Sight) -> list[Usable]:
    """Give the delivered columns, masked as a session masks them (`analysis.open_session`)."""
    found = []
    for table in delivery.tables:
        hidden = table.hidden_from(sight)
        if table.wholly(hidden):
            hidden[UNIT] = next(iter(hidden.values()))
        for c in table.columns:
            why = hidden.get(c.name, "")
            row = (table.name, c.name, c.definition, c.owner, c.kind, c.codes, c.questions, c.as_of)
            known = agreement.policy.element(c.owner, c.name)
            found.append(Usable(*row, clause_of(why) if why else "", why, str((known and known.standard) or "")))
    return found


def _approved(agreement: InForce, sight: Sight) -> list[Usable]:
    """Give the approved elements while nothing has been delivered; matching identifiers never are (DSA III.G.1)."""
    return [
        Usable(
            agency.lower(), e.name, e.definition, agency, e.kind, e.codes, e.questions, None,
            clause_of(why) if why else "", why, str(e.standard or ""),
        )
        for agency, elements in agreement.policy.agreement.elements.items()
        for e in elements
        if not e.matching
        for why in [sight.hides(agency, e.name, e.uc)]
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
    until = exhibit_c_until(view, listing)
    return Listed(known.id, known.name, known.organization, role, listing.agency, until, state)


def _facts(view: View, agreement: InForce) -> Facts:
    policy, terms, way = agreement.policy, agreement.policy.agreement, flow_of(agreement.policy)
    signed = {signature.party: signature.signed_on for signature in agreement.signatures}
    return Facts(
        title=terms.title,
        purpose=terms.purpose,
        parties=[
            Party(
                p.code, p.name, str(p.kind), p.representative, signed.get(p.code), p.code in policy.signatories,
                representative(view, policy.project, p.code), p.legal_basis, p.dissemination,
            )
            for p in terms.parties
        ],
        exhibits=[
            Exhibit(kind_of(name).title, kind_of(name).clause, paper.kept.sha256 if paper else "")
            for name, paper in exhibits(view, policy).items()
        ],
        plans=[
            ("Method", "ExA 3.d", terms.method), ("Against re-identification", "EM II", terms.security_plan),
            ("Benefit", "ExA 3.c", terms.benefit.text if terms.benefit else ""),
            ("Research agenda", "EM XI.A", terms.agenda.place if terms.agenda else ""),
            ("Review board", "DSA VI.A", terms.review_board.why if terms.review_board else ""),
        ],
        dates=[
            ("Approved", "EM II", terms.approved_on), ("Effective", "DSA preamble", agreement.effective_on),
            ("Delivered", "DSA VI.C", agreement.delivered_on), ("Access ends", "DSA XI", agreement.ends_on),
            ("Destroy by", "DSA VI.H", policy.retention.destroy_by),
            ("Destroyed", "DSA VI.H", agreement.destroyed_on),
        ],
        policy_hash=policy.hash,
        cells=policy.cells,
        reports=terms.reports,
        questions=terms.questions,
        methods=terms.methods,
        assumptions=terms.assumed,
        flow=way.words,
        picture=way.svg,
    )  # fmt: skip
