"""Who may work on a project: by which list, approved by whom, on which papers, until when.

Source: DSA VI.E; ExA 2.g; ExA 2.h; ExC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from starlette.exceptions import HTTPException

from enclave import incidents, people
from enclave.errors import refuse
from enclave.people import Letter, Listing, Person
from enclave.store import View
from enclave.terms import ANALYSTS, HUB, Role
from enclave.web.access import Place, Standing, look
from enclave.web.home import ROLES
from enclave.web.visit import Done, Page, Visit

BASES = {
    "2.g": "the requestor's organization (ExA 2.g)",
    "2.h": "a Participating Agency (ExA 2.h)",
    "III.F.1": "the hub's staff (DSA III.F.1)",
    "office": "an office under the agreement",
}


LISTS = {"2.g": Role.RESEARCHER, "2.h": Role.AGENCY_ANALYST, "III.F.1": Role.HUB_STAFF}
"""The lists kept here, and what a person of each is; for an office its party designates somebody in writing."""


@dataclass(frozen=True)
class Signed:
    """When somebody signed an exhibit, and how: in the browser or on paper."""

    on: date
    how: str


@dataclass(frozen=True)
class Listed:
    """One person of the list.

    Parameters
    ----------
    approvals : mapping of agency to date or None
        Of every Participating Agency; empty for who needs none.
    words : mapping of agency to str
        Who approved in which words.
    would_say : str
        The sentence by which the person at the browser would approve.
    until : date or None
        Last day of the purpose.
    lacks : list of str
        What they lack to be let near records.
    signed : mapping of letter -> Signed or None
        When and how Exhibits B and C were signed; None where not.
    unsigned : tuple of str
        Those that wait for their signature.
    exhibit_c_until : date or None
    days_left : int or None
        Of Exhibit C.
    records : bool
        Whether the person at the browser can record that they signed on paper.
    mine : str
        What the person at the browser may do: ``approve``, ``withdraw`` or nothing.
    review_due_on : date or None
        Last day for the person at the browser to look whether access is still needed; None where others do.
    reinstates : bool
        Whether the person at the browser can give a suspended one's access back.
    """

    id: str
    name: str
    position: str
    organization: str
    role: str
    basis: str
    purpose: str
    government: bool
    approvals: dict[str, date | None]
    words: dict[str, str]
    would_say: str
    until: date | None
    lacks: list[str]
    touches_records: bool
    signed: dict[str, Signed | None]
    unsigned: tuple[str, ...]
    exhibit_c_until: date | None
    days_left: int | None
    suspended_since: date | None
    mine: str
    review_due_on: date | None
    reinstates: bool
    records: bool


@dataclass(frozen=True)
class People:
    """The list of a project, and the agencies whose approval is needed.

    Parameters
    ----------
    enlists : bool
        Whether the person at the browser keeps this list.
    lists : mapping of what a form sends -> its words
    parties : list of str
        Codes of the agencies somebody of the list 2.h is of.
    unsigned : mapping of letter -> list of str
        Whose signature Exhibits B and C wait for.
    today : date
    """

    rows: list[Listed]
    agencies: tuple[str, ...]
    enlists: bool
    lists: dict[str, str]
    parties: list[str]
    unsigned: dict[str, list[str]]
    today: date


def show(visit: Visit) -> Page[People]:
    """Show the list of a project, those who still wait for an approval first."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.PEOPLE)
        agencies = standing.agreement.policy.agencies
        rows = [listed(view, listing, standing) for listing in view.find(Listing, visit.project)]
        model = People(
            rows=sorted(rows, key=lambda row: (all(row.approvals.values()), row.name)),
            agencies=agencies,
            enlists=standing.role is Role.OPM,
            lists={basis: BASES[basis] for basis in LISTS},
            parties=list(agencies),
            unsigned={letter: [row.name for row in rows if letter in row.unsigned] for letter in people.LETTERS},
            today=view.today,
        )
    return Page("people", f"{standing.project} people", model, standing)


def listed(view: View, listing: Listing, seen_by: Standing) -> Listed:
    """Say how a person stands on the list."""
    person, until = view.get(Person, listing.person), people.exhibit_c_until(view, listing)
    agencies = seen_by.agreement.policy.agencies if listing.role in ANALYSTS else ()
    given, mine = listing.approvals or {}, _mine(listing, seen_by)
    return Listed(
        id=listing.person,
        name=person.name if person else listing.person,
        position=person.position if person else "",
        organization=person.organization if person else "",
        role=ROLES[listing.role],
        basis=BASES[listing.basis],
        purpose=listing.purpose,
        until=listing.until,
        government=people.is_government(view, listing.person),
        approvals={agency: given[agency].on if agency in given else None for agency in agencies},
        words={agency: f"{each.by}: {each.text}" for agency, each in given.items() if agency in agencies},
        would_say=people.approval_text(listing.project, listing.person, seen_by.listing.agency) if mine else "",
        lacks=[finding.what for finding in people.lacks(view, listing, seen_by.agreement)],
        touches_records=listing.role in ANALYSTS or listing.role is Role.HUB_STAFF,
        signed={letter: _signed(view, listing, letter) for letter in people.LETTERS},
        unsigned=people.unsigned(view, listing),
        exhibit_c_until=until,
        days_left=(until - view.today).days if until else None,
        suspended_since=listing.suspension.since if listing.suspension else None,
        mine=mine,
        review_due_on=_review_due_on(listing, seen_by),
        reinstates=bool(listing.suspension) and seen_by.role is Role.OPM and listing.person != seen_by.listing.person,
        records=seen_by.role is Role.OPM and listing.person != seen_by.listing.person,
    )


def _signed(view: View, listing: Listing, letter: Letter) -> Signed | None:
    paper = people.signature(view, listing.project, listing.person, letter)
    return Signed(paper.since, "in the browser" if paper.status == "browser" else "on paper") if paper else None


def _review_due_on(listing: Listing, seen_by: Standing) -> date | None:
    speaks = seen_by.role is Role.STEWARD and seen_by.listing.agency == HUB
    return people.review_due_on(listing) if speaks and listing.person != seen_by.listing.person else None


def _mine(listing: Listing, seen_by: Standing) -> str:
    agency = seen_by.listing.agency
    concerned = seen_by.role is Role.STEWARD and agency in seen_by.agreement.policy.agencies
    if not concerned or listing.role not in ANALYSTS or listing.person == seen_by.listing.person:
        return ""
    return "withdraw" if agency in (listing.approvals or {}) else "approve"


def waiting_for(view: View, standing: Standing) -> list[Listed]:
    """Give the persons of a project whom a steward's agency has not approved."""
    waiting = [each for each in view.find(Listing, standing.project) if _mine(each, standing) == "approve"]
    return [listed(view, listing, standing) for listing in waiting]


def approve(visit: Visit) -> Done:
    """Record one's agency's written approval of a person."""
    agency = _agency(visit)
    with visit.enclave.store.transaction() as tx:
        people.approve(tx, visit.project, visit.path["person"], agency, visit.me.name, visit.text("text"))
    return Done(f"projects/{visit.project}/people", f"{agency} approves {visit.path['person']}.")


def withdraw(visit: Visit) -> Done:
    """Take one's agency's approval of a person back; a running session ends."""
    agency = _agency(visit)
    with visit.enclave.store.transaction() as tx:
        people.withdraw(tx, visit.project, visit.path["person"], agency, visit.me.name)
    said = f"{agency}'s approval of {visit.path['person']} is withdrawn; a running session ends."
    return Done(f"projects/{visit.project}/people", said)


def review(visit: Visit) -> Done:
    """Say for the hub whether a person still needs access; who needs none is stopped at once (EM XVII.C)."""
    found, login = visit.text("found"), visit.path["person"]
    if found not in {"needed", "not-needed"}:
        raise HTTPException(404)
    with visit.enclave.store.transaction() as tx:
        people.review_access(tx, visit.project, login, needed=found == "needed", actor=visit.me.name)
    said = "still needs access" if found == "needed" else "has no access any more; a running session ends"
    return Done(f"projects/{visit.project}/people", f"{login} {said}.")


def reinstate(visit: Visit) -> Done:
    """Give a suspended person's access back, as another of the Operating Group (EM A1.3)."""
    login = visit.path["person"]
    with visit.enclave.store.transaction() as tx:
        incidents.reinstate_person(tx, visit.project, login, visit.me.name)
    return Done(f"projects/{visit.project}/people", f"{login} is no longer suspended.")


def enlist(visit: Visit) -> Done:
    """Put a person on the list of a project, as the Operating Group; approvals and exhibits come after."""
    login, basis = visit.text("login"), visit.text("basis")
    if basis not in LISTS:
        raise HTTPException(404)
    person = Person(
        login, visit.text("name"), visit.text("position"), visit.text("organization"), visit.text("email"),
        visit.text("telephone"), visit.text("government") == "yes",
    )  # fmt: skip
    listing = Listing(
        login, visit.project, LISTS[basis], basis, visit.text("purpose"), visit.text("justification"),
        visit.text("agency"), until=visit.day("until", "ExA 2.h") if visit.text("until") else None,
    )  # fmt: skip
    with visit.enclave.store.transaction() as tx:
        people.hold_to_party(tx, login, visit.me.name, "DSA VI.E", role=Role.OPM, project=visit.project)
        _hold_new(tx, person, listing)
        people.enlist(tx, person, listing, visit.me.name)
    return Done(f"projects/{visit.project}/people", f"{person.name} is on the list {basis}.")


def _hold_new(view: View, person: Person, listing: Listing) -> None:
    """Refuse to write over what is known: approvals, a suspension, where somebody's mail goes."""
    what = ""
    if view.get(Listing, listing.key):
        what = f"{person.id} is on the list of {listing.project} already"
    elif view.get(Person, person.id) not in (None, person):
        what = f"{person.id} is known with other contact fields"
    if what:
        next = "Enter them as they are known, or choose another login; `enclave people enlist` changes all but names."
        raise refuse(person.id, "known", "DSA VI.E", what, next)


def _agency(visit: Visit) -> str:
    with visit.view() as view:
        return look(view, visit.me.name, visit.project, Place.PEOPLE).listing.agency
