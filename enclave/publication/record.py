"""One package, from the entry that announces it to the copy of the published work.

Source: DSA VI.G; DSA VI.G.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from enclave.calendar import FINAL_COPY
from enclave.errors import Refused, refuse
from enclave.ledger import Details, Entry
from enclave.settings import Settings

STEP = "publication"
"""The step that one process at a time is in."""


class State(StrEnum):
    """How far a publication has come."""

    BEGUN = "begun"
    DONE = "done"
    VOID = "void"


@dataclass(frozen=True)
class FinalCopy:
    """The electronic copy of the published work, as filed with the Operating Group."""

    name: str
    sha256: str
    filed_on: date


@dataclass(frozen=True)
class Publication:
    """One package, from the entry that announces it to the copy of the published work.

    Parameters
    ----------
    signer : str
        The hub's public keys (JSON), with which a package half published is proven after a crash.
    elements : tuple of str
        Columns used, as the disclosure record names them.
    folder : str
        Name below ``published/``; the zip beside it has the same name.
    """

    KIND: ClassVar[str] = "publication"
    request_id: str
    project: str
    digest: str
    folder: str
    signer: str
    elements: tuple[str, ...]
    begun_on: date
    state: State = State.BEGUN
    published_on: date | None = None
    manifest_sha256: str = ""
    archive_sha256: str = ""
    final_copy: FinalCopy | None = None

    @property
    def key(self) -> str:
        """The request's id."""
        return self.request_id

    @property
    def final_copy_due_on(self) -> date | None:
        """Last day for the copy of the published work (DSA VI.G)."""
        return FINAL_COPY.due(self.published_on) if self.published_on else None

    @property
    def late(self) -> bool:
        """Whether the copy was filed after that day."""
        due, copy = self.final_copy_due_on, self.final_copy
        return due is not None and copy is not None and copy.filed_on > due


@dataclass(frozen=True)
class Package:
    """A published package: where it lies and what it hashes to."""

    request_id: str
    project: str
    folder: Path
    archive: Path
    manifest_sha256: str
    archive_sha256: str
    published_on: date
    final_copy_due_on: date


def folder_of(settings: Settings, publication: Publication) -> Path:
    """Give the folder of a published package."""
    return settings.home / "published" / publication.folder


def building_of(settings: Settings, publication: Publication) -> Path:
    """Give the folder in which a package is built before it is put out."""
    return settings.home / "published" / f".building-{publication.folder}"


def entry_of(publication: Publication, actor: str, action: str, details: Details, outcome: str = "done") -> Entry:
    """Make the entry of a step."""
    return Entry(actor, action, publication.request_id, publication.project, "DSA VI.G.1", outcome, details)


def barred(request_id: str, rule: str, clause: str, what: str, next: str) -> Refused:
    """Make the refusal of a step."""
    return refuse(f"publication of {request_id}", rule, clause, what, next)
