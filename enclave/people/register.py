"""The lists 2.g and 2.h of Exhibit A, written approvals, suspensions.

Source: DSA VI.E; ExA 2.g; ExA 2.h; DSA III.F.1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Literal

from enclave import papers
from enclave.agreement import Policy, of
from enclave.errors import Finding, Invalid, refuse
from enclave.ledger import Entry
from enclave.people.members import members
from enclave.store import Transaction, View
from enclave.terms import Role

BASES: dict[Role, str] = {
    Role.RESEARCHER: "2.g", Role.AGENCY_ANALYST: "2.h", Role.HUB_STAFF: "III.F.1",
    Role.STEWARD: "office", Role.OPM: "office", Role.AUDITOR: "office",
}  # fmt: skip
"""Why a person of a role stands on a project's list."""
GOVERNMENT = "government-status"
"""The paper by which an employer attests that a person is a state government employee or official."""
CLOCK = "clock"
"""Who stands in the ledger where nobody acted but time; no person's login."""
Letter = Literal["B", "C"]
SIGNED: dict[Letter, str] = {"B": "exhibit-b-signed", "C": "exhibit-c-signed"}
"""The kind of paper that a person's signature under each exhibit is."""

_CONTACT = ("name", "position", "organization", "email", "telephone")
_APPROVED = frozenset({"position", "organization"})
"""As what a person is approved: who comes to be something else is a change that the agencies approve."""
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
    agency : str
        Code of the party a steward or an agency's analyst is of; empty otherwise.
    approvals : mapping of agency -> Approval
        Written approvals (DSA VI.E).
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
    suspension: Suspension | None = None
    until: date | None = None
    listed_on: date | None = None
    reviewed_on: date | None = None

    @property
    def key(self) -> str:
        """Project and person."""
        return f"{self.project}/{self.person}"


def enlist(tx: Transaction, person: Person, listing: Listing, actor: str, joining: Collection[str] = ()) -> Listing:
    """Put a person on a project's list; approvals and exhibits come after.

    Who has another position or organization than is known is approved, signs and is attested anew, on every project.

    Parameters
    ----------
    joining : codes of parties, optional
        Parties that are asked about terms by which they would join the agreement: somebody must answer for them.

    Raises
    ------
    Invalid
        If one of the five contact fields is missing, the login is not of the known form, a person is to be the clock,
        or role, basis, purpose and agency do not belong together.
    Refused
        If the project is unknown, the person is suspended on it (to list them anew would open it again), or the login
        is known under another name.
    """
    findings = []
    if not _LOGIN.fullmatch(person.id) or person.id != listing.person:
        next = "Lower-case letters, digits and . _ @ + - only."
        findings.append(Finding("login", "DSA VI.E", "", "not a login", next))
    if CLOCK in (person.id, listing.role):
        next = "Choose another login, and one of the other roles."
        findings.append(Finding("clock", "DSA VI.E", person.id, "the clock is no person", next))
    findings += [
        Finding("contact-field", "DSA VI.E", person.id, f"{field} is missing", "Give all five contact fields.")
        for field in _CONTACT
        if not getattr(person, field).strip()
    ]
    findings += _of_place(listing, of(tx, listing.project).policy, {*members(tx), *joining})
    if findings:
        raise Invalid(f"listing of {person.id}", findings)
    before = tx.get(Listing, listing.key)
    if before is not None and before.suspension is not None:
        raise refuse(
            person.id, "suspended", before.suspension.clause, f"access is suspended since {before.suspension.since}",
            f"The Operating Group reinstates them first: `enclave incident reinstate {listing.project} {person.id}`.",
        )  # fmt: skip
    entry = Entry(actor, "people.enlist", person.id, listing.project, "DSA VI.E", details={
        "role": listing.role, "basis": listing.basis, "purpose": listing.purpose, "government": person.government,
        "until": str(listing.until or ""),
    })  # fmt: skip
    _enter(tx, person, actor)
    listing = replace(listing, listed_on=tx.today)
    tx.write(listing, entry)
    return listing


def _enter(tx: Transaction, person: Person, actor: str) -> None:
    """Keep what is said of a person; their login stays theirs, and what was said of another office counts no more."""
    known = tx.get(Person, person.id)
    fields = (*_CONTACT, "government") if known else ()
    changed = [field for field in fields if getattr(known, field) != getattr(person, field)]
    if "name" in changed:
        raise refuse(
            person.id, "name", "DSA VI.E", "the login is known under another name",
            "Choose another login: approvals, exhibits and training stay with the one they were given to.",
        )  # fmt: skip
    if known is None or changed:
        tx.write(person, Entry(actor, "people.person", person.id, "", "DSA VI.E", details={"changed": changed}))
    if _APPROVED.isdisjoint(changed):
        return
    for each in tx.find(Listing, person=person.id):
        signed = [paper for kind in SIGNED.values() for paper in _stands(tx, kind, each.project, person.id)]
        if each.approvals or signed:
            entry = Entry(actor, "people.lapse", person.id, each.project, "DSA VI.E", details={"role": each.role})
            tx.write(replace(each, approvals=None), entry)
        for paper in signed:
            papers.withdraw(tx, paper.key, actor)
    for paper in _stands(tx, GOVERNMENT, "", person.id):
        papers.withdraw(tx, paper.key, actor)


def _stands(view: View, kind: str, project: str, person: str) -> list[papers.Paper]:
    """Give the newest paper of a kind about a person, if it was not withdrawn."""
    return [paper for paper in papers.versions(view, kind, project, person)[-1:] if paper.withdrawn is None]


def _of_place(listing: Listing, policy: Policy, outside: Collection[str]) -> Iterator[Finding]:
    """Basis, purpose and agency are those of the role; who is of an agency is listed as its own, nobody else is.

    An agency that takes no part in this project has a steward all the same: as a member it has a voice about others.
    """
    person, basis = listing.person, BASES.get(listing.role, listing.basis)
    if listing.basis != basis:
        what = f"the role {listing.role} stands on the list {basis}, not {listing.basis}"
        yield Finding("basis", "DSA VI.E", person, what, f"Give the list {basis}, or another role.")
    if listing.role is Role.AGENCY_ANALYST:
        if listing.purpose not in {"a", "b", "c"} or not listing.justification.strip() or listing.until is None:
            what = "an agency's person needs purpose a, b or c, an explanation, and a last day"
            yield Finding("purpose", "ExA 2.h", person, what, "Give all three.")
        if listing.agency not in policy.agencies:
            what, next = "an agency's person is of a Participating Agency", f"One of {', '.join(policy.agencies)}."
            yield Finding("agency", "ExA 2.h", person, what, next)
    elif listing.role is Role.STEWARD:
        if listing.agency not in {*policy.signatories, *outside}:
            next = f"One of {', '.join(policy.signatories)}, or a member of the Enterprise MOU."
            yield Finding("agency", "DSA XII", person, "a steward speaks for a party, and names none", next)
    elif listing.agency:
        what = f"who is listed as {listing.role} speaks for no party, and {listing.agency} is named"
        yield Finding("agency", "DSA XII", person, what, "Leave the agency empty, or list a steward.")


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


def suspend(tx: Transaction, project: str, person: str, clause: str, actor: str) -> Listing:
    """Take a person's access away at once (DSA VI.F.2)."""
    listing = replace(listing_of(tx, project, person), suspension=Suspension(tx.today, clause, actor))
    tx.write(listing, Entry(actor, "people.suspend", person, project, clause))
    return listing


def unsuspend(tx: Transaction, project: str, person: str, actor: str) -> Listing:
    """Give a suspended person's access back (EM A1.3)."""
    listing = replace(listing_of(tx, project, person), suspension=None)
    tx.write(listing, Entry(actor, "people.unsuspend", person, project, "EM A1.3"))
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


def hold_to_group(view: View, subject: str, actor: str, clause: str) -> None:
    """Refuse whoever is not of the Operating Group on any project.

    Where nobody of it is listed yet, or all are suspended, who sets the installation up does it.

    Source: DSA XII.

    Raises
    ------
    Refused
        With what would be needed.
    """
    if view.find(Listing, role=Role.OPM, suspension=None):
        hold_to_party(view, subject, actor, clause, role=Role.OPM)
