"""The memory of the institution: entries in an RFC 9162 Merkle tree with signed checkpoints.

Pure functions over bytes; `store` keeps the rows in the same transaction as the change they tell of.
An auditor verifies an export with nothing but the file and the ledger's public key.

Source: EM XVII.B; EM XV.B.2.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict

from enclave.errors import EnclaveError, Refused, refuse

Detail = str | int | bool | Sequence[str] | Sequence[int] | None
Details = Mapping[str, Detail]


@dataclass(frozen=True)
class Entry:
    """One event: who did what to which object, under which clause, and how it ended.

    `details` holds ids, counts, dates and digests; never a value of a person.
    """

    actor: str
    action: str
    object: str
    project: str = ""
    clause: str = ""
    outcome: str = "done"
    details: Details = field(default_factory=dict)


def refusal(error: EnclaveError, actor: str, action: str, object: str, project: str = "") -> Entry:
    """Give the entry of a refusal: its rules and first clause, in the order of the findings."""
    clause = error.findings[0].clause if error.findings else ""
    rules = list(dict.fromkeys(finding.rule for finding in error.findings))
    details: Details = {"rules": rules, "findings": len(error.findings)}
    return Entry(actor, action, object, project, clause, "refused", details)


def encode(entry: Entry, seq: int, at: datetime, day: date) -> bytes:
    """Give the canonical bytes (RFC 8785) of an entry at its place in the ledger."""
    body: dict[str, Any] = {
        "v": 1,
        "seq": seq,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "day": day.isoformat(),
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "project": entry.project,
        "clause": entry.clause,
        "outcome": entry.outcome,
        "details": dict(entry.details),
    }
    return rfc8785.dumps(body)


def leaf_hash(body: bytes) -> bytes:
    """Hash a leaf (RFC 9162 2.1.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash an inner node (RFC 9162 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """The right edge of the tree: all that is needed to append and to know the root.

    `peaks` are the roots of the perfect subtrees, largest first.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> Frontier:
        """Add one leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> Frontier:
        """Add leaf hashes, however many there are: none is kept."""
        peaks, size = list(self.peaks), self.size
        for leaf in leaves:
            peaks.append(leaf)
            size += 1
            carry = size
            while carry % 2 == 0:
                right, left = peaks.pop(), peaks.pop()
                peaks.append(node_hash(left, right))
                carry //= 2
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Give the root of the tree; the hash of nothing when it is empty."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Give the root over leaf hashes."""
    return Frontier().extend(leaves).root()


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Give the audit path of the leaf at `index` (RFC 9162 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), root_of(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), root_of(leaves[:k])]


def inclusion_root(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Compute the root that an audit path leads to (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        raise ValueError("index outside the tree")
    fn, sn, root = index, size - 1, leaf
    for step in proof:
        if sn == 0:
            raise ValueError("proof too long")
        if fn % 2 == 1 or fn == sn:
            root = node_hash(step, root)
            while fn % 2 == 0 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, step)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:
        raise ValueError("proof too short")
    return root


Sign = Callable[[bytes], bytes]
Verify = Callable[[bytes, bytes], bool]


def checkpoint(origin: str, frontier: Frontier, key_id: bytes, sign: Sign) -> str:
    """Give a signed checkpoint (C2SP tlog-checkpoint as a signed note).

    Parameters
    ----------
    origin : str
        Name of this ledger, also the key's name.
    key_id : bytes
        Four bytes that name the key (C2SP signed-note).
    """
    root = base64.b64encode(frontier.root()).decode()
    text = f"{origin}\n{frontier.size}\n{root}\n"
    signature = base64.b64encode(key_id + sign(text.encode())).decode()
    return f"{text}\n— {origin} {signature}\n"


def open_checkpoint(note: str, verify: Verify) -> tuple[str, int, bytes]:
    """Give origin, size and root of a checkpoint whose signature holds.

    Raises
    ------
    Refused
        If the note is malformed or its signature does not hold.
    """
    try:
        text, signatures = note.split("\n\n", 1)
        origin, size, root = text.split("\n")
        text += "\n"
        line, end = signatures.split("\n")
        mark, name, signature = line.split(" ")
        keyed = base64.b64decode(signature, validate=True)
        canonical = base64.b64encode(keyed).decode() == signature
        held = (mark, name, end) == ("—", origin, "") and canonical and verify(keyed, text.encode())
        if held:
            return origin, int(size), base64.b64decode(root, validate=True)
    except ValueError:
        pass
    raise refuse(
        "ledger", "checkpoint-signature", "EM XVII.B", "the checkpoint's signature does not hold",
        "Ask the Operating Group for the ledger's public key and a fresh export.",
    )  # fmt: skip


@dataclass(frozen=True)
class Verified:
    """What an export proved: its size and root (hex), and the origin that signed it."""

    origin: str
    size: int
    root: str


def verify_export(lines: Iterable[str], verify: Verify, held: Iterable[str] = ()) -> Verified:
    """Verify an exported ledger: every entry in its place, the root as signed, and nothing behind what others hold.

    The ledger's own signature finds whoever has not its key. Checkpoints that agencies hold find the hub itself: an
    earlier entry rewritten, taken out or put in, a ledger cut back, or one shown to some and another to others.

    Source: EM XVII.B; EM XV.B.2.

    Parameters
    ----------
    lines : iterable of str
        One canonical entry a line, in order; the last line is ``{"checkpoint": note}``.
    verify : callable
        ``verify(key id and signature, message) -> bool`` with the ledger's public key.
    held : iterable of str
        Checkpoints of this ledger, kept by anybody since.

    Raises
    ------
    Refused
        If an entry was changed, cut, added or moved, the checkpoint is not the ledger's, or the ledger is not
        the one that gave a checkpoint held.
    """
    notes: list[str] = []
    leaves = _leaves(lines, notes)
    frontier = Frontier()
    kept = sorted(open_checkpoint(note, verify) for note in held)
    behind = []
    for _, size, root in kept:
        frontier = frontier.extend(islice(leaves, size - frontier.size))
        behind += [size] * ((frontier.size, frontier.root()) != (size, root))
    frontier = frontier.extend(leaves)
    origin, size, root = open_checkpoint("".join(notes), verify)
    if (size, root) != (frontier.size, frontier.root()):
        raise _broken(f"{frontier.size} entries do not give the signed root of {size}", frontier.size)
    if behind or {each[0] for each in kept} - {origin}:
        raise _broken("it is not the ledger that gave a checkpoint held", min(behind, default=size))
    return Verified(origin, size, root.hex())


def _leaves(lines: Iterable[str], notes: list[str]) -> Iterator[bytes]:
    """Give the leaf hash of each entry that stands in its place; the checkpoint that ends them goes to `notes`."""
    for seq, line in enumerate(lines):
        if notes:
            raise _broken("entries follow the checkpoint", seq - 1)
        body = line.rstrip("\n").encode()
        try:
            entry = json.loads(body)
        except ValueError as error:
            raise _broken("an entry is not JSON", seq) from error
        if isinstance(entry, dict) and entry.keys() == {"checkpoint"}:
            notes.append(str(entry["checkpoint"]))
            continue
        if not isinstance(entry, dict) or entry.get("seq") != seq:
            raise _broken("an entry is missing, moved or added", seq)
        yield leaf_hash(body)


class Receipt(BaseModel):
    """One entry and the way to a signed root: proof, for whoever keeps it, that the ledger holds the entry.

    Parameters
    ----------
    entry : str
        Its canonical text.
    proof : tuple of str
        The audit path (RFC 9162 2.1.3), hex.
    checkpoint : str
        The signed checkpoint it leads to.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    entry: str
    proof: tuple[str, ...]
    checkpoint: str


def verify_receipt(receipt: Receipt, verify: Verify) -> dict[str, Any]:
    """Give the entry that a receipt proves.

    Source: EM XVII.B; EM XV.B.2.

    Raises
    ------
    Refused
        If it proves nothing.
    """
    origin, size, root = open_checkpoint(receipt.checkpoint, verify)
    body = receipt.entry.encode()
    try:
        entry: dict[str, Any] = json.loads(body)
        path = [bytes.fromhex(step) for step in receipt.proof]
        if inclusion_root(leaf_hash(body), entry["seq"], size, path) == root:
            return entry
    except (ValueError, TypeError, LookupError):
        pass
    raise _broken(f"the receipt does not lead to the root that {origin} signed", size)


def _broken(what: str, seq: int) -> Refused:
    return refuse(
        "ledger", "ledger-proof", "EM XVII.B", what,
        "Compare with the checkpoints the agencies hold, and open an incident.", f"entry {seq}",
    )  # fmt: skip
