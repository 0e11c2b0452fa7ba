"""Proofs of the ledger, for those who oversee it: it is held to itself and to what they kept.

Source: EM XVII.B; EM XV.B.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException

from enclave import reports
from enclave.ledger import Details, Entry
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Document, Page, Visit

_NUMBER = re.compile(r"\d{1,12}")


@dataclass(frozen=True)
class Proven:
    """What a verification found: entries read, the root (hex) they give, and how many checkpoints it was held to."""

    origin: str
    size: int
    root: str
    held: int


def verify(visit: Visit) -> Page[Proven]:
    """Read every entry again and hold the ledger to its signed root, and to a checkpoint that was kept elsewhere."""
    enclave, note = visit.enclave, visit.text("held").replace("\r\n", "\n")  # as browsers send lines
    held = [f"{note}\n"] if note else []
    standing = _overseer(visit)
    found = reports.verify_ledger(enclave.store, enclave.ledger_key, held)
    details: Details = {"entries": found.size, "root": found.root, "held": len(held)}
    enclave.store.enter(Entry(visit.me.name, "ledger.verify", "ledger", visit.project, "EM XVII.B", details=details))
    model = Proven(found.origin, found.size, found.root, len(held))
    return Page("proven", "The ledger is whole", model, standing)


def checkpoint(visit: Visit) -> Document:
    """Give a signed checkpoint to keep elsewhere: it fixes every entry made so far."""
    _overseer(visit)
    note = visit.enclave.checkpoint()
    return Document(note.encode(), "text/plain; charset=utf-8", f"checkpoint-{note.splitlines()[1]}.txt")


def receipt(visit: Visit) -> Document:
    """Give the proof that the ledger holds an entry of this project."""
    _overseer(visit)
    number = int(visit.path["name"]) if _NUMBER.fullmatch(visit.path["name"]) else -1
    with visit.view() as view:
        entry = next(view.entries(project=visit.project, since=number), None) if number >= 0 else None
        if entry is None or entry["seq"] != number:
            raise HTTPException(404)
        proof = reports.receipt(view, visit.enclave.ledger_key, number)
    content = proof.model_dump_json(indent=1).encode() + b"\n"
    return Document(content, "application/json", f"{visit.project}-entry-{number}.json")


def _overseer(visit: Visit) -> Standing:
    with visit.view() as view:
        return look(view, visit.me.name, visit.project, Place.LEDGER)
