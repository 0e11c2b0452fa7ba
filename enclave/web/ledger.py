"""The ledger on pages: a project's entries, those of no project, and the proofs by which it is held to what it said.

Source: EM XVII.B; EM XV.B.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from starlette.exceptions import HTTPException

from enclave import reports
from enclave.errors import invalid
from enclave.ledger import Details, Entry
from enclave.store import View
from enclave.web.access import Place, Standing, audits, look
from enclave.web.visit import Document, Page, Visit

_PROGRAMME = "Ledger of the programme"
"""The page of what is entered of no project."""
_AT_ONCE = 50
"""Entries on one page."""
SEARCHED = {"who": "actor", "what": "action", "object": "object"}
"""What the page can be asked for, and the field of an entry that is read for it."""
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Part:
    """The part of the ledger that a person reads: a project's, or of no project what concerns their parties.

    Parameters
    ----------
    project : str
        Empty for what is of no project.
    standing : Standing or None
        The person's place on the project.
    parties : frozenset of str or None
        Whose entries these are; None for all.
    """

    project: str
    standing: Standing | None = None
    parties: frozenset[str] | None = None

    @property
    def at(self) -> str:
        """Where its page stands."""
        return f"projects/{self.project}/ledger" if self.project else "ledger"

    def newest(
        self, view: View, most: int, parts: Mapping[str, str] = MappingProxyType({}), before: int | None = None
    ) -> tuple[list[dict[str, Any]], int]:
        """Give the newest of its entries, and how many there are."""
        return view.newest(
            most, project=self.project, parts=parts, naming=self.parties, or_of=reports.OF_ALL, before=before
        )


def part_of(view: View, visit: Visit) -> Part:
    """Give the part of the ledger that is asked for, if it is this person's to read.

    Source: EM XVII.B; EM XV.B.2.

    Raises
    ------
    Refused
        If it is not.
    """
    if "project" not in visit.path:
        return Part("", parties=audits(view, visit.me.name))
    standing = look(view, visit.me.name, visit.project, Place.LEDGER)
    return Part(standing.project, standing)


@dataclass(frozen=True)
class Register:
    """One of the four registers of EM XVII.B."""

    name: str
    rows: list[reports.Row]


@dataclass(frozen=True)
class Entries:
    """Entries as they stand in the ledger, newest first.

    Parameters
    ----------
    at : str
        Where the page stands.
    parties : list of str or None
        Whose entries these are, on the page of those of no project; None for all.
    found, of : int
        Entries that have all that was asked for, of all that the person reads here.
    before, older : int or None
        Shown are entries from before the first, on the next page those from before the second; None on the first
        and on the last page.
    size : int
        Entries of the whole ledger, with its root (hex) and the line of its public key.
    """

    at: str
    parties: list[str] | None
    entries: list[dict[str, Any]]
    before: int | None
    older: int | None
    found: int
    asked: dict[str, str]
    of: int
    size: int
    root: str
    key: str
    registers: list[Register]


def show(visit: Visit) -> Page[Entries]:
    """Show the entries that were asked for, the newest first, and of a project the four registers of EM XVII.B.

    Asked for are parts of who acted (``who``), what was done (``what``) and on what (``object``), and those that came
    before an entry (``before``).
    """
    before = _before(visit)
    wanted = {field: visit.asked(name) for name, field in SEARCHED.items()}
    with visit.view() as view:
        part = part_of(view, visit)
        entries, found = part.newest(view, _AT_ONCE + 1, wanted, before)
        _, of = part.newest(view, 0)
        frontier = view.frontier()
        registers = reports.registers(view, part.project) if part.project else {}
        model = Entries(
            at=part.at,
            parties=None if part.parties is None else sorted(part.parties),
            entries=entries[:_AT_ONCE],
            before=before,
            older=entries[_AT_ONCE - 1]["seq"] if len(entries) > _AT_ONCE else None,
            found=found,
            asked={name: wanted[field] for name, field in SEARCHED.items()},
            of=of,
            size=frontier.size,
            root=frontier.root().hex(),
            key=visit.enclave.ledger_key.verifier.line,
            registers=[Register(str(name), rows) for name, rows in registers.items()],
        )
    return Page("ledger", f"{part.project} ledger" if part.project else _PROGRAMME, model, part.standing)


@dataclass(frozen=True)
class Proven:
    """What a verification found: entries read, the root (hex) they give, and how many checkpoints it was held to."""

    at: str
    origin: str
    size: int
    root: str
    held: int


def verify(visit: Visit) -> Page[Proven]:
    """Read every entry again and hold the ledger to its signed root, and to a checkpoint that was kept elsewhere."""
    enclave, note = visit.enclave, visit.text("held").replace("\r\n", "\n")  # as browsers send lines
    held = [f"{note}\n"] if note else []
    part = _read_by(visit)
    found = reports.verify_ledger(enclave.store, enclave.ledger_key, held)
    details: Details = {"entries": found.size, "root": found.root, "held": len(held)}
    enclave.store.enter(Entry(visit.me.name, "ledger.verify", "ledger", part.project, "EM XVII.B", details=details))
    model = Proven(part.at, found.origin, found.size, found.root, len(held))
    return Page("proven", "The ledger is whole", model, part.standing)


def checkpoint(visit: Visit) -> Document:
    """Give a signed checkpoint to keep elsewhere: it fixes every entry made so far."""
    _read_by(visit)
    note = visit.enclave.checkpoint()
    return Document(note.encode(), "text/plain; charset=utf-8", f"checkpoint-{note.splitlines()[1]}.txt")


def receipt(visit: Visit) -> Document:
    """Give the proof that the ledger holds an entry that the person reads here."""
    number = int(visit.path["name"]) if _NUMBER.fullmatch(visit.path["name"]) else -1
    with visit.view() as view:
        part = part_of(view, visit)
        newest, _ = part.newest(view, 1, before=number + 1)
        if [entry["seq"] for entry in newest] != [number]:
            raise HTTPException(404)
        proof = reports.receipt(view, visit.enclave.ledger_key, number)
    content = proof.model_dump_json(indent=1).encode() + b"\n"
    return Document(content, "application/json", f"{part.project or 'programme'}-entry-{number}.json")


def _read_by(visit: Visit) -> Part:
    with visit.view() as view:
        return part_of(view, visit)


def _before(visit: Visit) -> int | None:
    """Give the number of the entry before which the address asks; None where it asks for none."""
    text = visit.asked("before")
    if text and not _NUMBER.fullmatch(text):
        what = "it is no number of an entry"
        raise invalid("ledger", "entry-number", "EM XVII.B", what, "Open the page again.", "before")
    return int(text) if text else None
