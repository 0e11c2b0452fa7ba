"""What the hub holds of a project: verified files, re-encoded and sealed at rest.

Source: EM XII; EM XVII.B; DSA VI.H.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.agreement import Policy
from enclave.errors import Finding, Refused, invalid
from enclave.intake.names import WITHDRAWN, flags_of
from enclave.ledger import Details, Entry
from enclave.settings import Settings
from enclave.store import Transaction, View
from enclave.terms import HUB
from enclave.vault import Consent, Keystore, Seal

_ANALYTICAL = "analytical"


@dataclass(frozen=True)
class Holding:
    """One accepted file.

    Parameters
    ----------
    id : str
        The transmittal's UUID.
    elements : tuple of str
        Columns without the generic identifier, in order; for a finder file SASID and its flag.
    sealed : str
        Place of the sealed Parquet below ``settings.sealed``.
    sha256 : str
        Of the ciphertext (hex).
    key_id : str
        Key that opens it and nothing else, as `key_of` names it.
    header_sha256 : str
        Digest of the manifest the agency signed; of what its manifest and its file say, where it has another seal.
    limitations : str
        Known limitations the agency states (DSA II.H).
    channel : str
        How the file came to the hub.
    consent : str
        What the agency says of the consent of those in it (EM XIII.C).
    key_check : str
        Check value of the secret its encodings were made with; empty for a file that holds none.
    sent_as, came : str
        Name of the sealed file, and since when it stood in the inbox; empty for one that was handed over.
    entry : int
        Number of the ledger's entry.
    destroyed_on : date, optional
        When its data were destroyed; from then on it is held no more.
    """

    KIND: ClassVar[str] = "holding"
    id: str
    project: str
    source: str
    contents: str
    name: str
    rows: int
    elements: tuple[str, ...]
    as_of: date
    received_on: date
    sealed: str
    sha256: str
    key_id: str
    header_sha256: str
    limitations: str = ""
    key_check: str = ""
    channel: str = ""
    consent: str = Consent.NOT_REQUIRED
    sent_as: str = ""
    came: str = ""
    entry: int = 0
    destroyed_on: date | None = None

    @property
    def key(self) -> str:
        """The transmittal's id."""
        return self.id

    @property
    def flag(self) -> str:
        """The flag of a school's table; empty for other files."""
        return self.elements[-1] if self.contents == "finder" else ""

    @property
    def of_match(self) -> bool:
        """Tell whether it goes with the data used for matching (DSA III.F.3)."""
        return self.contents != _ANALYTICAL

    @property
    def context(self) -> str:
        """What is bound into the seal, so that no other file can stand in this one's place."""
        return seal_context(self.source, self.project, self.id)


def seal_context(source: str, project: str, id: str) -> str:
    """Give the context under which a holding is sealed and signed: from whom, for whom, and which it is (EM XV.D)."""
    return f"holding|{source}|{HUB}|{project}|{id}|1"


def key_of(project: str, contents: str, id: str) -> str:
    """Name the key of a transmittal: ``match-<project>.<id>`` for what goes with the match, else ``project-…``.

    Source: DSA III.F.3; DSA VI.H.
    """
    return f"{'project' if contents == _ANALYTICAL else 'match'}-{project}.{id}"


def place_of(project: str, id: str) -> str:
    """Give the place of a transmittal's sealed Parquet, below ``settings.sealed``."""
    return f"holdings/{project}/{id}.parquet.sealed"


def held_one(view: View, project: str, id: str) -> Holding:
    """Give a file that is held of a project.

    Raises
    ------
    Invalid
        If no such file of the project is held.
    """
    holding = view.get(Holding, id)
    if holding is None or holding.project != project or holding.destroyed_on is not None:
        what = f"no such file is held of {project}"
        raise invalid("holding", "no-holding", "DSA II.H", what, "`enclave intake board` gives their ids.")
    return holding


def holdings(view: View, project: str) -> list[Holding]:
    """Give what is held of a project, by source, contents and flag; lists of withdrawals are apart."""
    found = (held for held in view.find(Holding, project, destroyed_on=None) if held.contents != WITHDRAWN)
    return sorted(found, key=lambda held: (held.source, held.contents, held.flag))


def missing(view: View, policy: Policy) -> list[tuple[str, str]]:
    """Give (source, contents) of what is expected and not here; a school's file is here when all its tables are.

    Source: EM XII.
    """
    held = holdings(view, policy.project)
    here = {(h.source, h.contents) for h in held}
    flags = {(h.source, h.flag) for h in held}
    return [
        (source, contents)
        for source, contents in policy.expected()
        if (source, contents) not in here
        or (contents == "finder" and any((source, flag) not in flags for flag in flags_of(policy, source)))
    ]


def open_holding(keystore: Keystore, settings: Settings, holding: Holding, target: Path) -> None:
    """Write a holding's Parquet (all text, missing is null, rows as sent) to `target`, which must be private.

    Raises
    ------
    Refused
        If its key is shredded, or the file is not the one in the record.
    """
    keystore.unseal(_seal(settings, holding), target)


def seals(view: View, settings: Settings) -> Iterator[Seal]:
    """Give what is sealed of every file that is held."""
    yield from (_seal(settings, held) for held in view.find(Holding, destroyed_on=None))


def _seal(settings: Settings, held: Holding) -> Seal:
    return Seal(settings.sealed / held.sealed, held.key_id, held.context, held.sha256)


def hold_to_held(view: View, files: Sequence[Holding]) -> None:
    """See that no file that was opened was taken back meanwhile: what is made of one is not kept.

    Source: DSA II.H.

    Raises
    ------
    Refused
        If one was.
    """
    what, next = "it was taken back meanwhile, and nothing was kept", "Begin anew, with what is held now."
    gone = [file for file in files if view.get(Holding, file.id) is None]
    if gone:
        found = [Finding("taken-back", "DSA II.H", f"{file.source} {file.contents}", what, next) for file in gone]
        raise Refused("files that were opened", found)


def withdraw(tx: Transaction, id: str, actor: str) -> None:
    """Say of a file whose key and sealed file are destroyed that it is taken back, and strike its record.

    Does nothing where it went with all of its project before.

    Source: DSA II.H.
    """
    holding = tx.get(Holding, id)
    if holding is None or holding.destroyed_on is not None:
        return
    details: Details = {
        "source": holding.source, "contents": holding.contents, "name": holding.name, "sha256": holding.sha256,
        "told": [holding.source],
    }  # fmt: skip
    tx.delete(holding, Entry(actor, "intake.withdraw", id, holding.project, "DSA II.H", details=details))


def mark_destroyed(tx: Transaction, settings: Settings, project: str, key_ids: Collection[str], actor: str) -> None:
    """Say of the holdings whose key and file are destroyed that they are held no more.

    Source: DSA VI.H; DSA III.F.3.
    """
    for holding in tx.find(Holding, project, destroyed_on=None):
        if holding.key_id in key_ids and not (settings.sealed / holding.sealed).exists():
            clause = "DSA III.F.3" if holding.of_match else "DSA VI.H"
            details: Details = {"source": holding.source, "contents": holding.contents, "sha256": holding.sha256}
            entry = Entry(actor, "intake.destroyed", holding.id, project, clause, details=details)
            tx.write(replace(holding, destroyed_on=tx.today), entry)
