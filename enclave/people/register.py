"""The lists 2.g and 2.h of Exhibit A, written approvals, signed exhibits, suspensions.

Source: DSA VI.E; ExA 2.g; ExA 2.h; ExC; DSA III.F.1.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Literal

from enclave.agreement import of
from enclave.calendar import EXHIBIT_C
from enclave.errors import Finding, Invalid, invalid, refuse
from enclave.ledger import Entry
from enclave.store import Transaction, View
from enclave.terms import Role

BASES = ("2.g", "2.h", "III.F.1", "office")
"""Why a person may stand on a project's list."""
CLOCK = "clock"
"""Who stands in the ledger where nobody acted but time; no person's login."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
"""A login names the folder of a session, and the hub writes every login in lower case."""


@dataclass(frozen=True)
class Person:
    """A named person, with the five contact fields of DSA VI.E.

    `government` is what is said of their employment; it counts once attested and verified (`status.is_government`).
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
class Approval:
    """An agency's written approval of a person: when, by whom, in which words (DSA VI.E)."""

    on: date
    by: str
    text: str


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
    approvals : mapping of agency -> Approval
        Written approvals (DSA VI.E).
    exhibit_c_on : date or None
        Signature under Exhibit C; valid for one year.
    until : date, optional
        Last day of the purpose an agency's person is listed for (ExA 2.h).
    listed_on, reviewed_on : date, optional
        When the person came onto the list, and when their need of access was last looked at (EM XVII.C).
    """

    KIND: ClassVar[str] = "listing"
    person: str
    project: str
    role: Role
    basis: str
    purpose: str = ""
    justification: str = ""
    agency: str = ""
    approvals: dict[str, Approval] | None = None
    exhibit_b_on: date | None = None
    exhibit_c_on: date | None = None
    suspension: Suspension | None = None
    until: date | None = None
    listed_on: date | None = None
    reviewed_on: date | None = None

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
        If one of the five contact fields is missing, an agency's person has no purpose with explanation and end, or
        no agency, login or basis are not of the known form, or a person is to be the clock.
    Refused
        If the project is unknown.
    """
    findings = []
    if not _LOGIN.fullmatch(person.id) or person.id != listing.person:
        next = "Lower-case letters, digits and . _ @ + - only."
        findings.append(Finding("login", "DSA VI.E", "", "not a login", next))
    if CLOCK in (person.id, listing.role):
        next = "Choose another login, and one of the other roles."
        findings.append(Finding("clock", "DSA VI.E", person.id, "the clock is no person", next))
    if listing.basis not in BASES:
        what = "the basis of the listing is unknown"
        findings.append(Finding("basis", "DSA VI.E", person.id, what, f"One of {', '.join(BASES)}."))
    findings += [
        Finding("contact-field", "DSA VI.E", person.id, f"{field} is missing", "Give all five contact fields.")
        for field in ("name", "position", "organization", "email", "telephone")
        if not getattr(person, field).strip()
    ]
    policy = of(tx, listing.project).policy
    if listing.basis == "2.h":
        if listing.purpose not in {"a", "b", "c"} or not listing.justification.strip() or listing.until is None:
            what = "an agency's person needs purpose a, b or c, an explanation, and a last day"
            findings.append(Finding("purpose", "ExA 2.h", person.id, what, "Give all three."))
        if policy.party(listing.agency) is None:
            what = "an agency's person is of a party to the agreement"
            findings.append(Finding("purpose", "ExA 2.h", person.id, what, "Name the agency."))
    if findings:
        raise Invalid(f"listing of {person.id}", findings)
    entry = Entry(actor, "people.enlist", person.id, listing.project, "DSA VI.E", details={
        "role": listing.role, "basis": listing.basis, "purpose": listing.purpose, "government": person.government,
        "until": str(listing.until or ""),
    })  # fmt: skip
    listing = replace(listing, listed_on=tx.today)
    tx.write(person, Entry(actor, "people.person", person.id, "", "DSA VI.E"))
    tx.write(listing, entry)
    return listing


def approval_text(project: str, person: str, agency: str) -> str:
    """Give the sentence by which an agency approves a person, where its steward writes no other.

    Source: DSA VI.E.
    """
    return f"{agency} approves that {person} has access to the Resultant Data of {project} (DSA VI.E)."


def approve(tx: Transaction, project: str, person: str, agency: str, actor: str, text: str = "") -> Listing:
    """Record an agency's written approval of a person, by that agency's own steward; nobody approves themselves.

    Its words are kept with the listing, and their digest in the ledger.

    Source: DSA VI.E.

    Parameters
    ----------
    text : str
        What the steward writes; the standing sentence (`approval_text`) when empty.

    Raises
    ------
    Refused
        If the agency takes no part in the project, or who records it is not its steward there.
    """
    listing = listing_of(tx, project, person)
    agencies = of(tx, project).policy.agencies
    if agency not in agencies:
        raise refuse(
            person, "approval-agency", "DSA VI.E", f"{agency} is not a Participating Agency of {project}",
            f"One of {', '.join(agencies)} approves.",
        )  # fmt: skip
    if actor == person:
        raise refuse(
            person, "self-approval", "DSA VI.E", "nobody approves their own access",
            "Another representative of the agency approves.",
        )  # fmt: skip
    hold_to_party(tx, person, actor, "DSA VI.E", party=agency, project=project)
    approval = Approval(tx.today, actor, text.strip() or approval_text(project, person, agency))
    listing = replace(listing, approvals={**(listing.approvals or {}), agency: approval})
    details = {"agency": agency, "text_sha256": hashlib.sha256(approval.text.encode()).hexdigest()}
    tx.write(listing, Entry(actor, "people.approve", person, project, "DSA VI.E", details=details))
    return listing


def withdraw(tx: Transaction, project: str, person: str, agency: str, actor: str) -> Listing:
    """Record that an agency takes its approval of a person back (DSA VI.E); a running session ends.

    Raises
    ------
    Refused
        If the agency's approval does not stand, or who records it is not its steward there.
    """
    listing = listing_of(tx, project, person)
    if agency not in (listing.approvals or {}):
        raise refuse(
            person, "approval-agency", "DSA VI.E", f"no approval of {agency} stands", "There is nothing to withdraw.",
        )  # fmt: skip
    hold_to_party(tx, person, actor, "DSA VI.E", party=agency, project=project)
    left = {code: given for code, given in (listing.approvals or {}).items() if code != agency}
    listing = replace(listing, approvals=left)
    tx.write(listing, Entry(actor, "people.withdraw", person, project, "DSA VI.E", details={"agency": agency}))
    return listing


def sign_exhibit(
    tx: Transaction, project: str, person: str, exhibit: Literal["B", "C"], signed_on: date, actor: str
) -> Listing:
    """Record a signature under Exhibit B or C (DSA VI.E; ExB; ExC: valid for one year).

    Raises
    ------
    Invalid
        If it is dated in the future: its year would end later than one from today.
    """
    listing = listing_of(tx, project, person)
    if signed_on > tx.today:
        raise invalid(
            person, "signed-on", f"Ex{exhibit}", f"{signed_on} has not come yet", "Give the day of the signature.",
        )  # fmt: skip
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
    listing = replace(listing_of(tx, project, person), suspension=Suspension(tx.today, clause, actor))
    tx.write(listing, Entry(actor, "people.suspend", person, project, clause))
    return listing


def unsuspend(tx: Transaction, project: str, person: str, actor: str) -> Listing:
    """Give a suspended person's access back (EM A1.2)."""
    listing = replace(listing_of(tx, project, person), suspension=None)
    tx.write(listing, Entry(actor, "people.unsuspend", person, project, "EM A1.2"))
    return listing


def listing_of(view: View, project: str, person: str) -> Listing:
    """Give a person's place on a project's list.

    Raises
    ------
    Refused
        If the person is not on it.
    """
    listing = view.get(Listing, f"{project}/{person}")
    if listing is None:
        raise refuse(
            person, "not-listed", "DSA VI.E", f"not on the list of {project}",
            "The Data Recipient notifies the Operating Group of the person first.",
        )  # fmt: skip
    return listing


def hold_to_party(
    view: View, subject: str, actor: str, clause: str, *, party: str = "", role: Role = Role.STEWARD,
    project: str | None = None,
) -> None:  # fmt: skip
    """Refuse whoever is not listed as speaking for a party, on one project or on any, or is suspended.

    Source: DSA XII.

    Raises
    ------
    Refused
        With what would be needed.
    """
    listed = view.find(Listing, project, person=actor, role=role, suspension=None)
    if not any(party in ("", each.agency) for each in listed):
        group = "the hub" if role is Role.HUB_STAFF else "the Operating Group"
        whom, where = party or group, project or "any project"
        raise refuse(
            subject, "spokesman", clause, f"{actor} does not speak for {whom} on {where}",
            f"Who is listed as {role} of {whom} does it.",
        )  # fmt: skip
