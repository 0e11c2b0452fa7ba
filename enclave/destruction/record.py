"""One destruction, from the entry that announces it to the signed certificate.

Source: DSA VI.H; DSA III.F.3; DSA II.H.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from enclave.calendar import CERTIFICATE
from enclave.destruction.certificate import Proof, Swept


class Scope(StrEnum):
    """What is destroyed."""

    PROJECT = "project"
    MATCH = "match"
    TRANSMITTAL = "transmittal"

    @property
    def clause(self) -> str:
        """Where the agreement asks for it."""
        return _CLAUSES[self]

    @property
    def words(self) -> str:
        """What it covers, for the certificate."""
        return _WORDS[self]

    def stems(self, project: str) -> tuple[str, ...]:
        """Give the keys of what is made at the hub; those of a transmittal have one of them and its id for a name."""
        return tuple(f"{kind}-{project}" for kind in _KINDS[self])


_CLAUSES = {Scope.PROJECT: "DSA VI.H", Scope.MATCH: "DSA III.F.3", Scope.TRANSMITTAL: "DSA II.H"}
_WORDS = {
    Scope.PROJECT: "Resultant Data, derived data and data used for matching",
    Scope.MATCH: "Data used for matching",
    Scope.TRANSMITTAL: "A file that an agency sent, taken back",
}
_KINDS = {Scope.PROJECT: ("project", "match"), Scope.MATCH: ("match",), Scope.TRANSMITTAL: ()}


KEY_LOST = (
    "The key-encrypting key of {keys} was lost before it could be destroyed, so it was not shredded: whoever finds "
    "it must destroy it. The encrypted files were deleted, and the data key, in encrypted form, was overwritten and "
    "unlinked."
)
"""Method of destruction where a key is gone for good, for field 5 of Exhibit F."""


class State(StrEnum):
    """How far a destruction has come; it is never taken back."""

    BEGUN = "begun"
    PROVEN = "proven"
    DONE = "done"


@dataclass(frozen=True)
class Destruction:
    """What is destroyed, how, by whom, and what proves it.

    Parameters
    ----------
    number : int
        Counts the destructions of a project and scope; match data may come and go more than once.
    keys : tuple of str
        Ids of the keys whose destruction it is, as they were when it began.
    transmittal, file : str
        Id and name of the file that is taken back; empty for other scopes.
    fingerprints : tuple of str
        Of the keys there were: they are known again by them.
    lost : tuple of str
        Ids of keys that were gone for good before they could be destroyed; `why_lost` is what a person said of it.
    files : int
        Files it covers: sealed, transmittals, leftovers of sessions, cleared results that were never published.
    swept : tuple of Swept
        The same place by place, after the keys.
    issued : mapping of form -> SHA-256 (hex)
        Of the certificate in each form, once it is issued.
    signed_by : str
        Title of who signed the certificate; never a name.
    """

    KIND: ClassVar[str] = "destruction"
    project: str
    scope: Scope
    number: int
    method: str
    by: str
    begun_on: date
    keys: tuple[str, ...]
    transmittal: str = ""
    file: str = ""
    state: State = State.BEGUN
    fingerprints: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    why_lost: str = ""
    files: int = 0
    swept: tuple[Swept, ...] = ()
    proofs: tuple[Proof, ...] = ()
    done_on: date | None = None
    issued: dict[str, str] = field(default_factory=dict)
    signed_by: str = ""
    signed_on: date | None = None

    @property
    def words(self) -> str:
        """What it covers, for the certificate."""
        return f"{self.scope.words} ({self.file})" if self.file else self.scope.words

    @property
    def what(self) -> str:
        """Project and scope."""
        return f"{self.project}/{self.scope}"

    @property
    def key(self) -> str:
        """Project, scope and number."""
        return f"{self.what}/{self.number}"

    @property
    def name(self) -> str:
        """The same, as the name of a file."""
        return self.key.replace("/", "-")

    @property
    def certificate_due_on(self) -> date | None:
        """Last day for the signed certificate (ExF: 3 working days); of a file taken back none is asked for."""
        return CERTIFICATE.due(self.done_on) if self.done_on and self.scope is not Scope.TRANSMITTAL else None
