"""Whether everyone on a list still needs access: looked at again and again, and taken away at once where not.

Source: EM XVII.C.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from enclave.agreement import of
from enclave.calendar import ACCESS_REVIEW
from enclave.errors import refuse
from enclave.ledger import Entry
from enclave.people.register import Listing, hold_to_party, listing_of, suspend
from enclave.store import Transaction
from enclave.terms import ANALYSTS, HUB, Role

TOUCHES_RECORDS = ANALYSTS | {Role.HUB_STAFF}
"""Roles that have access to data."""


def review_due_on(listing: Listing) -> date | None:
    """Give the day by which a person's need is looked at; None for who has no access to data.

    Source: EM XVII.C.
    """
    began = listing.reviewed_on or listing.listed_on
    if listing.role not in TOUCHES_RECORDS or listing.suspension or began is None:
        return None
    return ACCESS_REVIEW.due(began)


def review_access(tx: Transaction, project: str, person: str, *, needed: bool, actor: str) -> Listing:
    """Record that a person's work still requires access, or take access away at once where it does not.

    Source: EM XVII.C.

    Raises
    ------
    Refused
        If who looks does not speak for the hub there, or is the person.
    """
    of(tx, project)
    listing = listing_of(tx, project, person)
    if actor == person:
        raise refuse(
            person, "self-review", "EM XVII.C", "nobody reviews their own access", "Another of the hub does."
        )
    hold_to_party(tx, person, actor, "EM XVII.C", party=HUB, project=project)
    if not needed:
        return suspend(tx, project, person, "EM XVII.C", actor)
    listing = replace(listing, reviewed_on=tx.today)
    tx.write(listing, Entry(actor, "people.review-access", person, project, "EM XVII.C", "needed"))
    return listing
