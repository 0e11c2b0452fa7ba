"""Bring an agreement into force as its parties do: members of the programme approve it, then everybody signs."""

from __future__ import annotations

from datetime import date

from enclave import agreement, board, people
from enclave.agreement import Policy, Signature
from enclave.board import Decision, MotionKind
from enclave.people import Listing, Person
from enclave.store import Transaction
from enclave.terms import Action, Role

JOINED = date(2021, 7, 1)
SIGNED = date(2022, 4, 1)


def representative(party: str) -> str:
    """Give the login of who speaks for a party."""
    return f"for-{party.lower()}"


def bring_into_force(tx: Transaction, policy: Policy, *, signed_on: date = SIGNED, actor: str = "opm") -> None:
    """Have the agencies join and approve, and everybody sign."""
    ask(tx, policy, actor=actor)
    for agency in policy.agencies:
        say_yes(tx, policy.project, agency)
    for party in policy.signatories:
        agreement.sign(tx, policy.project, Signature(party, "Representative", signed_on), actor)


def ask(tx: Transaction, policy: Policy, *, actor: str = "opm") -> None:
    """Have the agencies join, ask them, and list who speaks for each party."""
    for agency in policy.agencies:
        people.join(tx, agency, JOINED, actor)
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
