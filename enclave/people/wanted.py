"""The papers that access to records asks for, each with the one that stands or why none does.

Source: DSA III.B; DSA VI.A; DSA VI.E.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from enclave import papers
from enclave.agreement import REVIEW_BOARD, InForce, Policy
from enclave.papers import Paper
from enclave.people.register import Listing, Person
from enclave.store import View


@dataclass(frozen=True)
class Wanted:
    """A paper that access asks for; `paper` is None where none stands today."""

    rule: str
    clause: str
    what: str
    next: str
    paper: Paper | None


def wanted(view: View, listing: Listing, agreement: InForce) -> Iterator[Wanted]:
    """Give the papers that a person's access asks for.

    Everybody who is let near data is trained (DSA III.B); whose organization signs no agreement is bound by a
    contract (DSA VI.E); and where a review board must approve, it has (DSA VI.A).

    Source: DSA III.B; DSA VI.A; DSA VI.E.
    """
    policy, person = agreement.policy, view.get(Person, listing.person)
    yield Wanted(
        "training", "DSA III.B", "no record of training stands", "Be trained, and hand in the record.",
        papers.standing(view, "training", about=listing.person),
    )  # fmt: skip
    if person is not None and not _signs(policy, person.organization):
        yield Wanted(
            "contract", "DSA VI.E", "the person's organization signs no agreement, and no contract with it stands",
            "The party that engages it hands in the contract.",
            papers.standing(view, "contract", policy.project, person.organization),
        )  # fmt: skip
    if policy.needs_review_board:
        yield Wanted(
            "review-board", "DSA VI.A", "no approval of a review board stands",
            "The Data Recipient hands in the approval.",
            papers.standing(view, REVIEW_BOARD, policy.project, status="approved"),
        )  # fmt: skip


def _signs(policy: Policy, organization: str) -> bool:
    """Tell whether an organization is a party to the agreement, by its name or its code."""
    named = {name.casefold() for party in policy.agreement.parties for name in (party.code, party.name)}
    return organization.strip().casefold() in named
