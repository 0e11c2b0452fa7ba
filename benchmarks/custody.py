"""What is kept beside what it costs elsewhere: the ledger beside bare commits and a checksum, seals beside a copy,
a file taken in with every check beside its values being read.

    make bench-custody                 # everything
    make bench-custody ONLY=append     # some of it

What is set beside one another takes turns in one run, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from statistics import median
from threading import Barrier

from benchmarks.measuring import SCRATCH, Parts, Row, measure, peak_mib, python, run
from enclave.ledger import Entry, Frontier, checkpoint, encode, leaf_hash, verify_export
from enclave.store import Store
from enclave.vault import LedgerKey

PACKAGES = ("sqlalchemy", "cryptography", "rfc8785", "duckdb")
WRITERS, EACH = 32, 200
DAY = date(2022, 4, 11)


def append(repeats: int) -> list[Row]:
    """Durable entries a second with many writers, and the longest wait of one."""
    ours, theirs, waits = [], [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
            with closing(Store(f"sqlite:///{folder}/enclave.db", lambda: DAY)) as store:
                rate, wait = writers(into(store))
            ours.append(rate)
            waits.append(wait)
            theirs.append(writers(bare(Path(folder) / "bare.db"))[0])
    work, command = (
        f"{WRITERS} writers, {EACH} entries each, SQLite, median of {repeats}",
        "make bench-custody ONLY=append",
    )
    peer = "rows without a tree, a commit each (sqlite3, WAL, synchronous=FULL, same disk)"
    return [
        Row(work, "durable entries", "1/s", round(median(ours)), round(median(theirs)), peer, command),
        Row(work, "longest wait of a writer", "s", round(max(waits), 3), None, "", command),
    ]


def writers(write: Callable[[int], object]) -> tuple[float, float]:
    """Let many write at once; give writes a second and the longest wait, seconds."""
    start = Barrier(WRITERS)

    def one(writer: int) -> float:
        start.wait()
        longest = 0.0
        for n in range(EACH):
            begun = time.perf_counter()
            write(writer * EACH + n)
            longest = max(longest, time.perf_counter() - begun)
        return longest

    begun = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        longest = max(pool.map(one, range(WRITERS)))
    return WRITERS * EACH / (time.perf_counter() - begun), longest


def into(store: Store) -> Callable[[int], object]:
    """Give a writer of entries."""
    return lambda n: store.enter(entry(n))


def bare(file: Path) -> Callable[[int], object]:
    """Give a writer of rows of the same size, each with a commit of its own."""
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("create table ledger (body text)")

    def write(n: int) -> None:
        connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("insert into ledger values (?)", (encode(entry(n), n, datetime.now(UTC), DAY).decode(),))
        connection.close()

    return write


def entry(n: int) -> Entry:
    """Give an entry of the usual size."""
    return Entry("olga", "people.approve", f"DR-0034/person-{n}", "DR-0034", "DSA VI.E", details={"agency": "SDE"})


def verify(entries: int) -> list[Row]:
    """Verify an exported ledger offline, beside the checksum of the same file."""
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        key, file = LedgerKey.open(Path(folder), "bench/ledger"), Path(folder) / "ledger.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            frontier = Frontier().extend(leaf_hash(body) for body in written(lines.write, entries))
            note = checkpoint(key.name, frontier, key.key_id, key.sign)
            lines.write(json.dumps({"checkpoint": note}) + "\n")
        theirs = _timed(lambda: subprocess.run(["sha256sum", file], check=True, capture_output=True))
        with file.open(encoding="utf-8") as lines:
            ours = _timed(lambda: verify_export(lines, key.verifier, [note]))
        work = f"{entries:,} entries, {file.stat().st_size / 2**30:.1f} GiB"
    command = "make bench-custody ONLY=verify"
    return [
        Row(work, "verified offline", "s", ours, theirs, "sha256sum of the file", command),
        Row(work, "memory", "MiB", round(peak_mib()), None, "", command),
    ]


def written(write: Callable[[str], object], entries: int) -> Iterator[bytes]:
    """Write entries one a line; give their canonical bytes."""
    for n in range(entries):
        body = encode(entry(n), n, datetime.now(UTC), DAY)
        write(body.decode() + "\n")
        yield body


def seal(gib: int) -> list[Row]:
    """Seal a file to the hub and open it there, beside a copy that is as safely on the disk."""
    command = "make bench-custody ONLY=seal"
    found = run([python(), "-m", "benchmarks.custody_seal", str(gib)], 3_000)
    work, peer = f"a file of {gib} GiB", "cp and sync of the same file"
    return [
        Row(work, "sealed and signed", "s", found["seal"], found["copy"], peer, command),
        Row(work, "verified and opened", "s", found["unseal"], found["copy"], peer, command),
        Row(work, "memory that sealing and opening took", "MiB", found["mib"], None, "", command),
    ]


def take_in(rows: int, contents: str) -> list[Row]:
    """Take a large transmittal in, beside DuckDB that reads every value of the same file and looks at nothing."""
    peer, command = "DuckDB reads and counts the same values", f"make bench-custody ONLY=intake-{contents}"
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        step, place = [python(), "-m", "benchmarks.custody_intake"], [str(Path(folder) / "hub"), contents]
        written = run([*step, "prepare", *place, str(rows)], 3_600)
        theirs = run([*step, "read", *place], 3_600)
        ours = run([*step, "receive", *place], 3_600)
    size = f"{written['bytes'] / 2**30:.1f} GiB"
    work = f"a {contents} file of {ours['rows']:,} rows and 30 columns, {size}, with every check"
    return [
        Row(work, "opened, checked, kept", "s", ours["wall"], theirs["wall"], peer, command),
        Row(work, "CPU time", "s", ours["cpu"], theirs["cpu"], peer, command),
        Row(work, "memory", "MiB", ours["mib"], theirs["mib"], peer, command),
        Row(work, "memory with what lies open on the tmpfs", "MiB", ours["together"], None, "", command),
    ]


PARTS: Parts = {
    "append": (append, 5),
    "verify": (verify, 10_000_000),
    "seal": (seal, 10),
    "intake-matching": (partial(take_in, contents="matching"), 5_000_000),
    "intake-analytical": (partial(take_in, contents="analytical"), 5_000_000),
}
"""What is measured, and how many times, entries, GiB or rows."""


def _timed(step: Callable[[], object]) -> float:
    begun = time.perf_counter()
    step()
    return round(time.perf_counter() - begun, 2)


if __name__ == "__main__":
    measure("custody", "What is kept", PARTS, PACKAGES)
