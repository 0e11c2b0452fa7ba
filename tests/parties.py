"""Bring an agreement into force as its parties do: members of the programme approve it, then everybody signs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from functools import cache

from enclave import agreement, board, papers, people
from enclave.agreement import PartyKind, Policy, Signature, compile_agreement
from enclave.board import Decision, MotionKind
from enclave.papers import Kept
from enclave.people import Listing, Person
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Transaction
from enclave.terms import Action, Role

JOINED = date(2021, 7, 1)
SIGNED = date(2022, 4, 1)
FAR = date(2099, 12, 31)
"""Until when papers hold where a test is not about their end."""
Keep = Callable[[], Kept]


@cache
def packaged(project: str) -> Policy:
    """Compile an agreement as it comes with the program, once for all tests of a process."""
    return compile_agreement(PACKAGED_POLICIES, project)


def pretend() -> Kept:
    """Say where a document rests that nobody will open."""
    return Kept("0123456789abcdef.sealed", "0" * 64, "0" * 64)


def representative(party: str) -> str:
    """Give the login of who speaks for a party."""
    return f"for-{party.lower()}"


def listed(login: str, project: str, role: Role) -> Listing:
    """Give a person's place on a list: of SDE where the role is of a party."""
    agency = "SDE" if role in (Role.STEWARD, Role.AGENCY_ANALYST) else ""
    purpose = ("c", "An invented explanation.") if role is Role.AGENCY_ANALYST else ()
    until = FAR if purpose else None
    return Listing(login, project, role, people.BASES[role], *purpose, agency=agency, until=until)


def bring_into_force(
    tx: Transaction, policy: Policy, *, signed_on: date = SIGNED, actor: str = "opm", keep: Keep = pretend
) -> None:
    """Have the agencies join and approve, attach the exhibits, and everybody sign and designate who speaks for it."""
    ask(tx, policy, actor=actor)
    for agency in policy.agencies:
        say_yes(tx, policy.project, agency)
    attach(tx, policy, actor=actor, keep=keep)
    for party in policy.signatories:
        agreement.sign(tx, policy.project, Signature(party, "Representative", signed_on), actor)
        people.designate(tx, policy.project, party, representative(party), keep(), signed_on, actor)


def attach(tx: Transaction, policy: Policy, *, actor: str = "opm", keep: Keep = pretend) -> None:
    """Attach the exhibits, every statement signed; with a review board's approval where one is due."""
    for name, kind in papers.kinds().items():
        if kind.attached:
            exhibit = papers.add(tx, name, keep(), actor, project=policy.project, since=JOINED)
            for item in kind.items:
                papers.tick(tx, exhibit.key, item, actor)
    if policy.needs_review_board:
        papers.add(
            tx, agreement.REVIEW_BOARD, keep(), actor, project=policy.project, since=JOINED, until=FAR,
            names="IRB-2021-17", status="approved",
        )  # fmt: skip


def let_in(
    tx: Transaction, project: str, person: str, *, government: bool = False, signed_on: date = SIGNED,
    actor: str = "opm", keep: Keep = pretend,
) -> None:  # fmt: skip
    """Give a listed person what access asks for beside approvals: both exhibits, training, a verified status."""
    if people.signs_exhibits(people.listing_of(tx, project, person)):
        record(tx, project, person, "BC", signed_on=signed_on, keep=keep)
    papers.add(tx, "training", keep(), actor, about=person, since=JOINED, until=FAR)
    if government:
        attested = papers.add(tx, "government-status", keep(), "the-employer", about=person, since=JOINED)
        papers.look_at(tx, attested.key, actor)


def record(
    tx: Transaction, project: str, person: str, exhibits: str, *, signed_on: date = SIGNED, keep: Keep = pretend
) -> None:
    """Have the Operating Group record which exhibits a person signed on paper."""
    for letter in people.LETTERS:
        if letter in exhibits:
            people.record_exhibit(tx, project, person, letter, signed_on, keep(), keeper(tx, project))


def keeper(tx: Transaction, project: str) -> str:
    """Give the login of who keeps the papers of a project; somebody of the Operating Group is listed if nobody is."""
    if known := of_group(tx, project):
        return known
    keeper = Person("keeper", "Invented Keeper", "Staff", "OPM", "keeper@example.org", "555-0100", True)
    return people.enlist(tx, keeper, Listing("keeper", project, Role.OPM, "office"), "keeper").person


def of_group(tx: Transaction, project: str | None = None) -> str:
    """Give the login of somebody of the Operating Group, on a project or any; empty where nobody is listed."""
    return next((each.person for each in tx.find(Listing, project, role=Role.OPM, suspension=None)), "")


def staff(tx: Transaction, project: str, person: str) -> None:
    """List a person as the hub's staff of a project, with everything that access asks for."""
    known = Person(person, f"Invented {person}", "Staff", "DOL", f"{person}@example.org", "555-0100", True)
    people.enlist(tx, known, Listing(person, project, Role.HUB_STAFF, "III.F.1"), "opm")
    let_in(tx, project, person, government=True)


def ask(tx: Transaction, policy: Policy, *, actor: str = "opm") -> None:
    """Have the agencies join, ask them, and list who speaks for each party."""
    for agency in policy.agencies:
        people.join(tx, agency, JOINED, of_group(tx) or actor)
    board.request(tx, policy, actor)
    for party in policy.signatories:
        login = representative(party)
        person = Person(login, f"Invented {login}", "Staff", party, f"{login}@example.org", "555-0100", True)
        people.enlist(tx, person, Listing(login, policy.project, Role.STEWARD, "office", agency=party), actor)


def say_yes(tx: Transaction, project: str, agency: str) -> None:
    """Confirm that an agency's data are available, and approve."""
    admission = people.may(tx, representative(agency), Action.DECIDE, project)
    board.confirm_available(tx, admission)
    board.answer(tx, admission, MotionKind.INITIAL, Decision.APPROVAL)


NEWCOMER = "CSCU"


def with_newcomer(policy: Policy) -> Policy:
    """Give a policy with one agency more, of which nothing is asked."""
    first = next(party for party in policy.agreement.parties if party.kind is PartyKind.AGENCY)
    third = first.model_copy(update={"code": NEWCOMER, "name": "Colleges", "representative": "Director"})
    agreement = policy.agreement.model_copy(update={"parties": (*policy.agreement.parties, third)})
    return Policy(agreement=agreement, cells=policy.cells, columns=policy.columns, retention=policy.retention)


def let_join(tx: Transaction, policy: Policy, *, joined: date = JOINED, actor: str = "opm") -> None:
    """Amend an agreement in force so that one agency more is a party; it has not signed."""
    people.join(tx, NEWCOMER, joined, of_group(tx) or actor)
    login = representative(NEWCOMER)
    person = Person(login, f"Invented {login}", "Staff", NEWCOMER, f"{login}@example.org", "555-0100", True)
    people.enlist(tx, person, Listing(login, policy.project, Role.STEWARD, "office", agency=NEWCOMER), actor)
    change_terms(tx, with_newcomer(policy))


def change_terms(tx: Transaction, policy: Policy, *, but: Collection[str] = ()) -> None:
    """Ask for other terms in the name of the first agency, and have all who are asked agree, `but` some."""
    admission = people.may(tx, representative(policy.agencies[0]), Action.DECIDE, policy.project)
    motion = board.amend(tx, admission, policy, "A reason.")
    for party in board.voters(tx, motion):
        if party not in but:
            vote(tx, policy.project, party, MotionKind.MODIFICATION)


def vote(
    tx: Transaction,
    project: str,
    party: str,
    on: MotionKind,
    decision: Decision = Decision.APPROVAL,
    reason: str = "",
) -> board.Motion:
    """Answer for a party."""
    admission = people.may(tx, representative(party), Action.DECIDE, project)
    return board.answer(tx, admission, on, decision, reason)
