"""The lists 2.g and 2.h of Exhibit A, written approvals, signed exhibits, suspensions.

Source: DSA VI.E; ExA 2.g; ExA 2.h; ExC; DSA III.F.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Literal

from enclave.calendar import EXHIBIT_C
from enclave.errors import Finding, Invalid, refuse
from enclave.ledger import Entry
from enclave.store import Transaction
from enclave.terms import Role


@dataclass(frozen=True)
class Person:
    """A named person, with the five contact fields of DSA VI.E.

    `government` is the attested and verified employment status: only state government employees or officials may
    see unit records of UC data (ExA 2.h).
    """

    KIND: ClassVar[str] = "person"
    id: str
    name: str
    position: str
    organization: str
    email: str
    telephone: str
    government: bool
    project: str = ""

    @property
    def key(self) -> str:
        """The person's login."""
        return self.id


@dataclass(frozen=True)
class Suspension:
    """Access taken away, by whom and why (DSA VI.F.2; EM A1.2)."""

    since: date
    clause: str
    by: str


@dataclass(frozen=True)
class Listing:
    """A person on a project's list, with everything that must be true before they may do anything.

    Parameters
    ----------
    basis : str
        ``2.g`` (requestor's organization), ``2.h`` (agency), ``III.F.1`` (hub staff), ``office`` (OPM, stewards).
    purpose : str
        ``a``, ``b`` or ``c`` of 2.h; empty otherwise.
    approvals : mapping of agency -> date
        Written approvals (DSA VI.E).
    exhibit_c_on : date or None
        Signature under Exhibit C; valid for one year.
    """

    KIND: ClassVar[str] = "listing"
    person: str
    project: str
    role: Role
    basis: str
    purpose: str = ""
    justification: str = ""
    agency: str = ""
    approvals: dict[str, date] | None = None
    exhibit_b_on: date | None = None
    exhibit_c_on: date | None = None
    suspension: Suspension | None = None

    @property
    def key(self) -> str:
        """Project and person."""
        return f"{self.project}/{self.person}"

    @property
    def exhibit_c_until(self) -> date | None:
        """Last day on which Exhibit C is valid."""
        return EXHIBIT_C.due(self.exhibit_c_on) if self.exhibit_c_on else None


def enlist(tx: Transaction, person: Person, listing: Listing, actor: str) -> Listing:
    """Put a person on a project's list; approvals and exhibits come after.

    Raises
    ------
    Invalid
        If one of the five contact fields is missing, or an agency's person has no purpose and justification.
    """
    findings = [
        Finding("contact-field", "DSA VI.E", person.id, f"{field} is missing", "Give all five contact fields.")
        for field in ("name", "position", "organization", "email", "telephone")
        if not getattr(person, field).strip()
    ]
    if listing.basis == "2.h" and not (listing.purpose in {"a", "b", "c"} and listing.justification.strip()):
        what = "an agency's person needs purpose a, b or c and an explanation"
        findings.append(Finding("purpose", "ExA 2.h", person.id, what, "Give both."))
    if findings:
        raise Invalid(f"listing of {person.id}", findings)
    entry = Entry(actor, "people.enlist", person.id, listing.project, "DSA VI.E", details={
        "role": listing.role, "basis": listing.basis, "purpose": listing.purpose, "government": person.government,
    })  # fmt: skip
    tx.write(person, Entry(actor, "people.person", person.id, "", "DSA VI.E"))
    tx.write(listing, entry)
    return listing


def approve(tx: Transaction, project: str, person: str, agency: str, actor: str) -> Listing:
    """Record an agency's written approval of a person (DSA VI.E); nobody approves themselves."""
    listing = _listing(tx, project, person)
    if actor == person:
        raise refuse(
            person, "self-approval", "DSA VI.E", "nobody approves their own access",
            "Another representative of the agency approves.",
        )  # fmt: skip
    listing = replace(listing, approvals={**(listing.approvals or {}), agency: tx.today})
    details = {"agency": agency}
    tx.write(listing, Entry(actor, "people.approve", person, project, "DSA VI.E", details=details))
    return listing


def sign_exhibit(
    tx: Transaction, project: str, person: str, exhibit: Literal["B", "C"], signed_on: date, actor: str
) -> Listing:
    """Record a signature under Exhibit B or C (DSA VI.E; ExB; ExC: valid for one year)."""
    listing = _listing(tx, project, person)
    if exhibit == "B":
        listing = replace(listing, exhibit_b_on=signed_on)
    else:
        listing = replace(listing, exhibit_c_on=signed_on)
    details = {"signed_on": signed_on.isoformat()}
    action = f"people.exhibit-{exhibit.lower()}"
    tx.write(listing, Entry(actor, action, person, project, f"Ex{exhibit}", details=details))
    return listing


def suspend(tx: Transaction, project: str, person: str, clause: str, actor: str) -> Listing:
    """Take a person's access away at once (DSA VI.F.2)."""
    listing = replace(_listing(tx, project, person), suspension=Suspension(tx.today, clause, actor))
    tx.write(listing, Entry(actor, "people.suspend", person, project, clause))
    return listing


def unsuspend(tx: Transaction, project: str, person: str, actor: str) -> Listing:
    """Give a suspended person's access back (EM A1.2)."""
    listing = replace(_listing(tx, project, person), suspension=None)
    tx.write(listing, Entry(actor, "people.unsuspend", person, project, "EM A1.2"))
    return listing


def _listing(tx: Transaction, project: str, person: str) -> Listing:
    listing = tx.get(Listing, f"{project}/{person}")
    if listing is None:
        raise refuse(
            person, "not-listed", "DSA VI.E", f"not on the list of {project}",
            "The Data Recipient notifies the Operating Group of the person first.",
        )  # fmt: skip
    return listing
