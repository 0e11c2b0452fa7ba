"""Generic identifiers are of one project only: a keyed digest of each is kept, never the identifier.

A digest is the first 64 bits of HMAC-SHA-256 under a secret of the hub; it outlives the project's keys and tells
only whether the same agency sends the same identifier for another project. Two different identifiers share one
with a chance below 1 in a million for a million against ten million.

Source: EM XII.B.
"""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enclave.errors import Finding
from enclave.intake.sheet import Sheet, quoted
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.terms import GENERIC_ID
from enclave.vault.once import read_or_make

_BATCH = 100_000
Digests = NDArray[np.uint64]


def digests_of(sheet: Sheet, settings: Settings) -> Digests:
    """Give the sorted digests of the generic identifiers of a file."""
    secret = read_or_make(settings.keys / "generic-ids.key", lambda: secrets.token_bytes(32))
    known = sheet.connection.execute(f"select {quoted(GENERIC_ID)} from sheet")  # noqa: S608
    found = bytearray()
    while batch := known.fetchmany(_BATCH):
        found += b"".join(hmac.digest(secret, value.encode(), "sha256")[:8] for (value,) in batch if value)
    return _distinct(np.frombuffer(found, dtype="<u8"))


def reuse_findings(sheet: Sheet, digests: Digests, settings: Settings, source: str, project: str) -> list[Finding]:
    """Compare with the identifiers the agency sent for other projects."""
    findings = []
    for path in sorted(_folder(settings, source).glob("*.ids")):
        if path.stem == project:
            continue
        shared = int(np.isin(digests, np.fromfile(path, dtype="<u8"), assume_unique=True).sum())
        if shared:
            what = f"{shared} generic identifiers were used for {path.stem}"
            next = "Draw new identifiers for each Data Request."
            findings.append(Finding("generic-id-reused", "EM XII.B", sheet.name, what, next))
    return findings


def keep_digests(digests: Digests, settings: Settings, source: str, project: str) -> None:
    """Remember the identifiers of a file that passed its checks; safe to repeat."""
    path = _folder(settings, source) / f"{project}.ids"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone(settings.runtime, "generic-ids"):  # two files of a party at once add to the same digests
        before = np.fromfile(path, dtype="<u8") if path.exists() else np.empty(0, dtype="<u8")
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            file.write(_distinct(np.concatenate([before, digests])).astype("<u8").tobytes())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def _distinct(digests: Digests) -> Digests:
    """Sort digests and give each once; `np.unique` hashes them, which takes a hundred times as long."""
    ordered: Digests = np.sort(digests)
    distinct: Digests = ordered[np.diff(ordered, prepend=~ordered[:1]) != 0]
    return distinct


def _folder(settings: Settings, source: str) -> Path:
    return settings.home / "generic-ids" / source
