"""Home: on each project what I am, what I may do today or every reason why not, and which clocks run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from enclave import destruction, incidents
from enclave.agreement import InForce
from enclave.calendar import QUESTIONS, business_days_between
from enclave.errors import Finding
from enclave.matching import Review
from enclave.messages import inbox_of
from enclave.people import Listing, Person, exhibit_c_until, reasons_against, signs_exhibits, unsigned
from enclave.people.access import PERMITTED
from enclave.review import Case, State
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role
from enclave.web import programme
from enclave.web.access import Place, Standing
from enclave.web.visit import Page, Visit

ROLES = {
    Role.RESEARCHER: "Researcher",
    Role.AGENCY_ANALYST: "Agency analyst",
    Role.HUB_STAFF: "Data Integration Hub staff",
    Role.STEWARD: "Data steward",
    Role.OPM: "OPM output checker",
    Role.AUDITOR: "Auditor",
}
ACTIONS = {
    Action.ANALYSE: "work with the Resultant Data in the lab",
    Action.REQUEST: "ask for a release",
    Action.RECEIVE: "receive transmittals",
    Action.MATCH: "run a match",
    Action.AGREE: "agree that a match is optimal",
    Action.CUT: "cut and deliver Resultant Data",
    Action.CHECK: "check and clear release requests",
    Action.CONFIRM: "confirm releases for the agency",
    Action.PUBLISH: "publish what is approved",
    Action.DESTROY: "destroy data that is due",
    Action.DECIDE: "answer for a party what is asked of it",
    Action.AUDIT: "read registers and ledger",
}

AT_LENGTH = 8
"""Most projects that a page shows at length; more are shown a line each."""
SOONEST = 60
"""Most clocks on a page, those that run out first."""


@dataclass(frozen=True)
class Running:
    """A clock: what ends, when, by which clause, and how much is left in its own unit."""

    name: str
    clause: str
    on: date
    left: int
    unit: str = "days"


@dataclass(frozen=True)
class Reason:
    """A reason against, and all that it keeps the person from."""

    finding: Finding
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One of many projects, in short; its own page says the rest."""

    project: str
    title: str
    role: str
    agency: str
    state: str
    ends_on: date
    left: int


@dataclass(frozen=True)
class Card:
    """One project as the person at the browser stands on it.

    Parameters
    ----------
    exhibits : bool
        Whether Exhibits B and C are asked of the person.
    unsigned : tuple of str
        Those that wait for their signature.
    """

    project: str
    title: str
    purpose: str
    role: str
    agency: str
    may: tuple[str, ...]
    reasons: tuple[Reason, ...]
    clocks: tuple[Running, ...]
    lab: str
    desk: str
    exhibits: bool
    unsigned: tuple[str, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Home:
    """The projects of a person.

    Parameters
    ----------
    offices : list of (title, path)
        Pages over all projects.
    new : int
        Messages that are not read.
    """

    name: str
    today: date
    cards: list[Card]
    lines: list[Line]
    offices: list[tuple[str, str]]
    notices: list[incidents.Interruption]
    new: int


_PROGRAMME = [("What concerns the programme", "programme")]


def show(visit: Visit) -> Page[Home]:
    """Show the projects of the person at the browser."""
    me = visit.me.name
    with visit.view() as view:
        person = view.get(Person, me)
        listings = view.find(Listing, person=me)
        few = len(listings) <= AT_LENGTH
        model = Home(
            name=person.name if person else me,
            today=view.today,
            cards=[made for listing in listings if (made := card(view, visit, listing))] if few else [],
            lines=[] if few else _lines(view, listings),
            offices=offices(listings) + (_PROGRAMME if programme.offices_of(view, me) else []),
            notices=incidents.interruptions(view),
            new=len(inbox_of(view, me).new),
        )
    return Page("home", "Your projects", model)


def _lines(view: View, listings: Sequence[Listing]) -> list[Line]:
    known = [(listing, view.get(InForce, listing.project)) for listing in listings]
    return [
        Line(
            agreement.project, agreement.policy.agreement.title, ROLES[listing.role], listing.agency,
            "suspended" if listing.suspension else agreement.state(view.today), agreement.ends_on,
            (agreement.ends_on - view.today).days,
        )
        for listing, agreement in known
        if agreement is not None
    ]  # fmt: skip


def offices(listings: Sequence[Listing]) -> list[tuple[str, str]]:
    """Give the pages over all projects this person has: title and address."""
    roles = {listing.role for listing in listings if listing.suspension is None}
    found = [("Everything that concerns your agency", "agency")] if Role.STEWARD in roles else []
    governing = [
        ("All projects at a glance", "overview"), ("Incidents", "incidents"), ("Agreements", "agreements"),
        ("Open data", "open-data"), ("Security controls", "controls"),
    ]  # fmt: skip
    ledger = [("Ledger of the programme", "ledger")] if any(Action.AUDIT in PERMITTED[role] for role in roles) else []
    return found + (governing if roles & {Role.OPM, Role.AUDITOR} else []) + ledger


def card(view: View, visit: Visit, listing: Listing) -> Card | None:
    """Say how a person stands on a project; None when its agreement is not registered."""
    agreement = view.get(InForce, listing.project)
    if agreement is None:
        return None
    against = {a: reasons_against(view, listing.person, a, listing.project) for a in _in_order(listing.role)}
    stops: dict[Finding, list[str]] = {}
    for action, findings in against.items():
        for finding in findings:
            stops.setdefault(finding, []).append(ACTIONS[action])
    spawn = f"{visit.hub}spawn/{listing.person}/{listing.project.lower()}"
    at_desk = (
        Action.MATCH in against and not against[Action.MATCH] and view.find(Review, listing.project, closed_on=None)
    )
    open_lab = listing.role in ANALYSTS and not against[Action.ANALYSE] and agreement.delivered_on
    return Card(
        listing.project,
        agreement.policy.agreement.title,
        agreement.policy.agreement.purpose,
        ROLES[listing.role],
        listing.agency,
        tuple(ACTIONS[action] for action, findings in against.items() if not findings),
        tuple(Reason(finding, tuple(actions)) for finding, actions in stops.items()),
        tuple(sorted(clocks(view, agreement, listing), key=lambda c: (c.on, c.name))),
        spawn if open_lab else "",
        spawn if at_desk else "",
        signs_exhibits(listing),
        unsigned(view, listing),
        () if listing.suspension else Standing(agreement, listing).places,
    )


def clocks(view: View, agreement: InForce, listing: Listing) -> list[Running]:
    """Give the clocks that concern this person: only those that still run."""
    found = [_days(view, "access ends", "DSA XI", agreement.ends_on)] if not agreement.destroyed_on else []
    if until := exhibit_c_until(view, listing):
        found.append(_days(view, "Exhibit C is valid until", "ExC", until))
    if listing.role in ANALYSTS and agreement.delivered_on:
        last = QUESTIONS.due(agreement.delivered_on)
        if view.today <= last:
            found.append(_business(view, "questions on completeness and matching", QUESTIONS.clause, last))
    if listing.role is not Role.HUB_STAFF:
        found += [
            _business(view, f"review of {case.request_id}", "DSA VI.G.1", case.due_on)
            for case in view.find(Case, agreement.project, state=State.OPEN)
            if view.today <= case.due_on and (listing.role not in ANALYSTS or case.requester == listing.person)
        ]
    if listing.role not in ANALYSTS:
        found += _destructions(view, agreement)
    return found


def _destructions(view: View, agreement: InForce) -> list[Running]:
    named = {"match data": "match data destroyed by", "certificate": "certificate of destruction due"}
    return [
        Running(named[due.what], due.clause, due.due_on, due.days_left)
        for due in destruction.due(view, view.today, agreement.project)
        if due.what in named
    ]


def _days(view: View, name: str, clause: str, on: date) -> Running:
    return Running(name, clause, on, (on - view.today).days)


def _business(view: View, name: str, clause: str, on: date) -> Running:
    return Running(name, clause, on, business_days_between(view.today, on), "business days")


def _in_order(role: Role) -> list[Action]:
    return [action for action in Action if action in PERMITTED[role]]


__all__ = [
    "ACTIONS", "AT_LENGTH", "ROLES", "SOONEST", "Card", "Reason", "Running", "card", "clocks", "show",
]  # fmt: skip
