"""Take requests out of an outbox that another has in hand: once, beneath it, regular files of known names only.

What was read is what is judged; the outbox is never looked at again. Everything else found there is a finding
with the way to make it verifiable.

Source: DSA I (everything in a session is Resultant Data until released); DSA III.G.2.c.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from enclave.errors import Finding

REQUEST_FILE = "request.json"
LARGEST = 64 * 1024**2
_NAME = re.compile(r"out-[0-9a-f]{12}")
_MOST = 50
_WAYS = {
    ".csv": "Make the table with p20kit.tabulate and ask with p20kit.request_release.",
    ".png": "Ask for the table behind the picture; the gate draws charts itself.",
    ".svg": "Ask for the table behind the picture; the gate draws charts itself.",
    ".pkl": "Objects cannot be verified. Ask for the counts they were made from.",
    ".pickle": "Objects cannot be verified. Ask for the counts they were made from.",
    ".xlsx": "Make the table with p20kit.tabulate; the gate writes its own files.",
    ".ipynb": "Ask for it with p20kit.request_release(code=...): it leaves without outputs, written anew.",
    ".py": "Ask for it with p20kit.request_release(code=...): it leaves written anew.",
}


@dataclass(frozen=True)
class Taken:
    """The bytes of one request, as read once; its id is made of them, whatever the folder was called."""

    id: str
    content: bytes


@dataclass(frozen=True)
class Collected:
    """What an outbox held: requests, and findings on everything else."""

    taken: tuple[Taken, ...]
    findings: tuple[Finding, ...]


def collect(outbox: Path) -> Collected:
    """Read every request in an outbox, and say of everything else why it does not leave.

    Source: DSA I; DSA III.G.2.c.
    """
    taken: list[Taken] = []
    findings: list[Finding] = []
    with _folder(outbox, None) as folder:
        if folder is None:
            return Collected((), ())
        for name in sorted(os.listdir(folder))[: _MOST + 1]:  # noqa: PTH208 - a descriptor
            if len(taken) + len(findings) == _MOST:
                findings.append(_stray(f"more than {_MOST} entries", "", "too many entries"))
            elif _NAME.fullmatch(name):
                _take(folder, name, taken, findings)
            else:
                findings.append(_stray(_safe(name), Path(name).suffix.lower(), "a loose file"))
    return Collected(tuple(taken), tuple(findings))


def _take(outbox: int, name: str, taken: list[Taken], findings: list[Finding]) -> None:
    with _folder(Path(name), outbox) as folder:
        if folder is None:
            findings.append(_stray(name, "", "not a folder of its own"))
            return
        for inner in sorted(os.listdir(folder))[:_MOST]:  # noqa: PTH208 - a descriptor
            if inner != REQUEST_FILE:
                findings.append(_stray(f"{name}/{_safe(inner)}", Path(inner).suffix.lower(), "a loose file"))
        content, why = _read(folder)
        if content is None:
            findings.append(_stray(f"{name}/{REQUEST_FILE}", "", why))
        else:
            taken.append(Taken(f"out-{hashlib.sha256(content).hexdigest()[:12]}", content))


def _read(folder: int) -> tuple[bytes | None, str]:
    try:
        handle = os.open(REQUEST_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return None, "missing, or not a file of its own"
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
        os.close(handle)
        return None, "not a regular file with one name"
    with os.fdopen(handle, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        return None, f"larger than {LARGEST >> 20} MiB"
    return content, ""


@contextmanager
def _folder(path: Path, beneath: int | None) -> Iterator[int | None]:
    """Open a folder without following a link in its last part; None when it is not one."""
    try:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(path, flags, dir_fd=beneath)
    except OSError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _stray(where: str, suffix: str, what: str) -> Finding:
    way = _WAYS.get(suffix, "Only requests written by p20kit.request_release are collected.")
    return Finding("loose-file", "DSA III.G.2.c", where, f"{what} cannot be verified and does not leave", way)


def _safe(name: str) -> str:
    """Give a name that cannot play tricks on who reads it: another's process chose it."""
    return ascii(name)[1:-1][:60]
