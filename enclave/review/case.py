"""A case of the review: whose statements it needs, what has been confirmed, how it ended.

Source: DSA VI.G.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from enclave.errors import Refused, refuse
from enclave.store import View

CLAUSE = "DSA VI.G.1"


class Statement(StrEnum):
    """What an agency confirms in writing, each on its own."""

    AGGREGATED = "aggregated"
    LABELED = "labeled"
    CONFIDENTIAL = "confidential"
    CONSISTENT = "consistent"

    @property
    def text(self) -> str:
        """The statement in the agreement's words."""
        return _TEXT[self]


_TEXT = {
    Statement.AGGREGATED: "Data are properly aggregated for release",
    Statement.LABELED: "Data are labeled correctly",
    Statement.CONFIDENTIAL: "confidential Data are not disclosed",
    Statement.CONSISTENT: "Data are consistent with the requirements in Section VI.D.2",
}

ALL_STATEMENTS = frozenset(Statement)


class State(StrEnum):
    """Where a case stands; all but `OPEN` are final."""

    OPEN = "open"
    RETURNED = "returned"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Confirmation:
    """Statements a steward confirmed for their agency, of what had this digest."""

    agency: str
    person: str
    digest: str
    statements: frozenset[Statement]
    confirmed_on: date


@dataclass(frozen=True)
class Waiver:
    """The ten business days waived by the Operating Group, with the reason it recorded."""

    by: str
    reason: str
    waived_on: date


@dataclass(frozen=True)
class Remark:
    """Why an agency returned or refused, or a requester withdrew."""

    by: str
    agency: str
    text: str
    made_on: date


@dataclass(frozen=True)
class Case:
    """One cleared request before the agencies.

    Parameters
    ----------
    requester : str
        Never confirms and never waives.
    agencies : tuple of str
        Whose four statements are needed.
    digest : str
        Of the artefacts, as cleared.
    due_on : date
        First day on which it may leave, unless waived.
    """

    KIND: ClassVar[str] = "review"
    request_id: str
    project: str
    requester: str
    agencies: tuple[str, ...]
    digest: str
    policy_hash: str
    opened_on: date
    due_on: date
    state: State = State.OPEN
    confirmations: tuple[Confirmation, ...] = ()
    waiver: Waiver | None = None
    remark: Remark | None = None

    @property
    def key(self) -> str:
        """The request's id."""
        return self.request_id

    def missing(self, agency: str) -> tuple[Statement, ...]:
        """Give the statements an agency has not confirmed, of the digest this case is about."""
        mine = [c.statements for c in self.confirmations if (c.agency, c.digest) == (agency, self.digest)]
        return tuple(s for s in Statement if not any(s in statements for statements in mine))


@dataclass(frozen=True)
class Approval:
    """Leave to publish one clearance; the token `publication` demands."""

    request_id: str
    project: str
    digest: str
    policy_hash: str
    confirmations: tuple[Confirmation, ...]
    waived: bool
    approved_on: date


def open_one(view: View, request_id: str) -> Case:
    """Give the case of a request while it is open.

    Raises
    ------
    Refused
        If there is none, or it has ended.
    """
    case = view.get(Case, request_id)
    if case is None:
        raise barred(request_id, "no-case", "it has not been shared with the Operating Group", "Open a case.")
    if case.state is not State.OPEN:
        raise barred(request_id, "state", f"the case is {case.state}", "Send a changed request.")
    return case


def barred(request_id: str, rule: str, what: str, next: str) -> Refused:
    """Make the refusal of a step of the review."""
    return refuse(f"review of {request_id}", rule, CLAUSE, what, next)
