"""A motion: something asked in writing that holds once everybody who must has agreed to it in writing.

A request for data, its continuation and its modification (ExA 1.a), data of a match kept longer, what agencies decide
of one of them that is to be suspended, or of one that asks to join: who must answer, and what follows, is all that
differs.

Source: EM XI.B; ExA 1.a; DSA VI.H; DSA VII; DSA III.F.3; EM A1.1; EM A1.2.B; EM A1.3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from enclave.agreement import Policy
from enclave.errors import refuse
from enclave.store import View


class MotionKind(StrEnum):
    """What is asked."""

    INITIAL = "initial"
    CONTINUATION = "continuation"
    MODIFICATION = "modification"
    MATCH_DATA = "match-data"
    SUSPENSION = "suspension"
    CORRECTION = "correction"
    REINSTATEMENT = "reinstatement"
    JOINING = "joining"

    @property
    def clause(self) -> str:
        """Where the agreement asks for the answers."""
        return _CLAUSES[self]

    def answered_by(self, policy: Policy) -> tuple[str, ...]:
        """Give who must agree: the agencies asked, and once there is an agreement all its parties."""
        return policy.agencies if self is MotionKind.INITIAL else policy.signatories


_CLAUSES = {
    MotionKind.INITIAL: "EM XI.B",
    MotionKind.CONTINUATION: "DSA VI.H",
    MotionKind.MODIFICATION: "DSA VII",
    MotionKind.MATCH_DATA: "DSA III.F.3",
    MotionKind.SUSPENSION: "EM A1.2.B",
    MotionKind.CORRECTION: "EM A1.2.B",
    MotionKind.REINSTATEMENT: "EM A1.3",
    MotionKind.JOINING: "EM A1.1",
}


class Decision(StrEnum):
    """What a party answers."""

    APPROVAL = "approval"
    CONDITIONAL = "conditional approval"
    DISAPPROVAL = "disapproval"


class State(StrEnum):
    """How far a motion has come."""

    OPEN = "open"
    CARRIED = "carried"
    RETURNED = "returned with conditions"
    DECLINED = "declined"
    REPLACED = "replaced"


@dataclass(frozen=True)
class Answer:
    """A party's written answer; the reason is kept here, and its hash in the ledger."""

    decision: Decision
    on: date
    by: str
    reason: str = ""


@dataclass(frozen=True)
class Motion:
    """Something asked, and what has been answered.

    Parameters
    ----------
    number : int
        Counts the motions of a project, or of a case.
    case, about : str
        Case in which the agencies are asked about one of them, and its code; empty where it is of a project.
    until : date, optional
        The later day asked for.
    policy : Policy, optional
        What is asked to be in force.
    available : mapping of agency -> date
        Who has confirmed that the data are there and may be shared (EM XI.B.1).
    refused : mapping of agency -> element -> reason
        What an agency does not share though it approves the rest (EM VIII).
    again : tuple of str
        What agencies refused before, as ``agency.element``, and other terms expressly ask for once more.
    """

    KIND: ClassVar[str] = "motion"
    project: str
    number: int
    asks: MotionKind
    asked_on: date
    by: str
    reason: str = ""
    until: date | None = None
    policy: Policy | None = None
    available: dict[str, date] = field(default_factory=dict)
    refused: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    state: State = State.OPEN
    case: str = ""
    about: str = ""
    again: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Project or case, and number; the number stands in the order of asking."""
        return f"{self.project or self.case}/{self.number:03}"


def motions(view: View, project: str) -> list[Motion]:
    """Give a project's motions, oldest first."""
    return view.find(Motion, project)


def asked_in(view: View, case: str) -> list[Motion]:
    """Give what the members were asked in a case, oldest first."""
    return view.find(Motion, "", case=case)


def open_motion(view: View, project: str, kind: MotionKind, case: str = "") -> Motion:
    """Give the motion of a kind that waits for answers.

    Source: EM XI.B.

    Raises
    ------
    Refused
        If nothing of the kind is asked.
    """
    found = view.find(Motion, project, asks=kind, state=State.OPEN, case=case)
    if not found:
        raise refuse(
            project or case, "no-motion", kind.clause, f"no {kind} request waits for an answer",
            f"Look at `enclave {'agency case' if case else 'agreement motions'}`.",
        )  # fmt: skip
    return found[-1]


def digest(text: str) -> str:
    """Give the SHA-256 (hex) under which the ledger knows a text."""
    return hashlib.sha256(text.encode()).hexdigest()
