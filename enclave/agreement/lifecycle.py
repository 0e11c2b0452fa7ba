"""From a compiled policy to an agreement in force: approval, signatures, effective date, end.

Source: EM II; EM XI.B; DSA preamble; DSA XI.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import date
from typing import ClassVar

from enclave.agreement.exhibits import exhibits, not_attached
from enclave.agreement.policy import Policy
from enclave.errors import Refused, invalid, refuse
from enclave.ledger import Details, Entry
from enclave.store import Transaction, View


@dataclass(frozen=True)
class Signature:
    """A party's signature: by title, never by name."""

    party: str
    title: str
    signed_on: date


@dataclass(frozen=True)
class Extension:
    """A later end, granted by all parties on a day (DSA VI.H)."""

    until: date
    granted_on: date


@dataclass(frozen=True)
class Termination:
    """A party's written notice, and the end it leads to (DSA XI: sixty days)."""

    party: str
    given_on: date
    ends_on: date


@dataclass(frozen=True)
class InForce:
    """An agreement as registered: its policy, who has approved and signed, and when it ends.

    Parameters
    ----------
    effective_on : date, optional
        Last date of the signatures (DSA preamble): set when all parties have first signed, never typed, and moved by
        no amendment.
    approved_on : date, optional
        When the last of the agencies whose data are requested approved (EM XI.B).
    refused : mapping of agency -> names
        Elements that agencies do not share; they stand no longer in the policy (EM VIII).
    version : int
        Counts the policies that have been in force (DSA VII).
    """

    KIND: ClassVar[str] = "agreement"
    project: str
    policy: Policy
    signatures: tuple[Signature, ...] = ()
    effective_on: date | None = None
    delivered_on: date | None = None
    destroyed_on: date | None = None
    approved_on: date | None = None
    refused: dict[str, tuple[str, ...]] = field(default_factory=dict)
    version: int = 1
    extensions: tuple[Extension, ...] = ()
    termination: Termination | None = None

    @property
    def key(self) -> str:
        """The Data Request number."""
        return self.project

    @property
    def unsigned(self) -> tuple[str, ...]:
        """Parties whose signature is missing."""
        signed = {s.party for s in self.signatures}
        return tuple(party for party in self.policy.signatories if party not in signed)

    @property
    def not_shared(self) -> tuple[str, ...]:
        """What agencies refused to share, as ``agency.element`` (EM VIII)."""
        return tuple(f"{agency}.{name}" for agency, names in self.refused.items() for name in names)

    def still_refused(self, again: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Give what agencies refused to share, less what they are asked for again, as ``agency.element``."""
        left = {
            agency: tuple(name for name in names if f"{agency}.{name}" not in again)
            for agency, names in self.refused.items()
        }
        return {agency: names for agency, names in left.items() if names}

    @property
    def ends_on(self) -> date:
        """Last day of access: as agreed or as last extended, earlier where a party has given notice."""
        agreed = self.extensions[-1].until if self.extensions else self.policy.ends_on(self.delivered_on)
        return min(agreed, self.termination.ends_on) if self.termination else agreed

    def state(self, today: date) -> str:
        """Give ``in force``, or the rule of the newest reason why not."""
        reasons = self.reasons_not_in_force(today)
        return reasons[-1][0] if reasons else "in force"

    def reasons_not_in_force(self, today: date) -> list[tuple[str, str, str]]:
        """Give (rule, clause, what) for each reason why the agreement does not carry anything today."""
        newcomers = self.unsigned if self.effective_on else ()
        what = f"{', '.join(newcomers)} joined by an amendment and must sign the agreement first"
        return [*([("signatures", "EM II", what)] if newcomers else []), *self.reasons_not_running(today)]

    def reasons_not_running(self, today: date) -> list[tuple[str, str, str]]:
        """Give (rule, clause, what) for each reason why its term does not run today: not begun, or over.

        A party that an amendment added and that has not signed stops the work, and no clock: what the others signed
        binds them, and may be changed, extended and ended.

        Source: DSA preamble; DSA VII; DSA XI.
        """
        reasons = []
        if self.effective_on is None:
            what = f"the agreement lacks the signatures of {', '.join(self.unsigned)}"
            reasons.append(("signatures", "EM II", what))
        elif today < self.effective_on:
            reasons.append(("effective", "DSA preamble", f"the agreement is effective on {self.effective_on}"))
        if today > self.ends_on:
            reasons.append(("project-end", "DSA XI", f"the project ended on {self.ends_on}"))
        if self.destroyed_on:
            reasons.append(("destroyed", "DSA VI.H", f"its data were destroyed on {self.destroyed_on}"))
        return reasons


def register(tx: Transaction, policy: Policy, actor: str) -> InForce:
    """Register a compiled agreement; a registered one is replaced only before all have signed it.

    Signatures given to what is replaced are void: its entry names whose.

    Source: EM II; DSA VII.
    """
    known = tx.get(InForce, policy.project)
    if known is not None and known.effective_on is not None:
        raise refuse(
            policy.project, "modification", "DSA VII", "a signed agreement may not be replaced",
            "Propose an amendment that all parties agree to: `enclave agreement amend`.",
        )  # fmt: skip
    void = [signature.party for signature in known.signatures] if known else []
    agreement = InForce(policy.project, policy)
    entry = Entry(
        actor, "agreement.register", policy.project, policy.project, "EM II",
        details={"policy": policy.hash, "assumed": len(policy.agreement.assumed), "void": void},
    )  # fmt: skip
    tx.write(agreement, entry)
    return agreement


def sign(tx: Transaction, project: str, signature: Signature, actor: str) -> InForce:
    """Record a party's signature; the last one sets the effective date, once.

    Its entry has the digests of the exhibits: what was signed is known to the byte.

    Source: EM II; EM XI.B; DSA preamble; ExA 4.b; ExB; ExC; ExF.

    Raises
    ------
    Refused
        If it is no party that signs, the agencies have not approved what it would sign, an exhibit is missing, or
        it has signed and the agreement has come into force.
    Invalid
        If it is dated in the future.
    """
    agreement = of(tx, project)
    if agreement.approved_on is None:
        raise refuse(
            project, "not-approved", "EM XI.B", "the agencies whose data are requested have not approved it",
            "Each confirms and votes: `enclave agreement available`, `enclave agreement vote`.",
        )  # fmt: skip
    if signature.party not in agreement.policy.signatories:
        raise refuse(
            project, "signatory", "EM II", f"{signature.party} is not a party that signs",
            f"Parties: {', '.join(agreement.policy.signatories)}.",
        )  # fmt: skip
    if agreement.effective_on is not None and signature.party not in agreement.unsigned:
        raise refuse(
            project, "signed", "EM II", f"{signature.party} has signed; it holds from {agreement.effective_on}",
            "Other terms are asked for: `enclave agreement amend`.",
        )  # fmt: skip
    if findings := not_attached(tx, agreement.policy):
        raise Refused(project, findings)
    if signature.signed_on > tx.today:
        what = f"{signature.signed_on} has not come yet"
        raise invalid(project, "signed-on", "EM II", what, "Give the day of the signature.", "signed_on")
    kept = tuple(s for s in agreement.signatures if s.party != signature.party)
    agreement = replace(agreement, signatures=(*kept, signature))
    if agreement.effective_on is None and not agreement.unsigned:
        agreement = replace(agreement, effective_on=max(s.signed_on for s in agreement.signatures))
    effective = agreement.effective_on
    attached = exhibits(tx, agreement.policy)
    details: Details = {
        "exhibits": [f"{name} {paper.kept.sha256}" for name, paper in attached.items() if paper],
        "party": signature.party,
        "title": signature.title,
        "signed_on": signature.signed_on.isoformat(),
        "policy": agreement.policy.hash,
        "effective_on": effective.isoformat() if effective else None,
    }
    tx.write(agreement, Entry(actor, "agreement.sign", project, project, "EM II", details=details))
    return agreement


def of(view: View, project: str) -> InForce:
    """Give the registered agreement of a project.

    Raises
    ------
    Refused
        If no such Data Request is registered.
    """
    agreement = view.get(InForce, project)
    if agreement is None:
        raise _unknown(project)
    return agreement


def _unknown(project: str) -> Refused:
    return refuse(
        project, "unknown-project", "ExA 1.c", "no agreement of this number is registered",
        "Register it with `enclave agreement register`.",
    )  # fmt: skip
