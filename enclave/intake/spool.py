"""A private folder in memory for what is opened, gone when the step ends or the machine starts again.

Source: DSA III.B; EM XV.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from enclave.errors import EnclaveError, refuse
from enclave.intake.holdings import Holding
from enclave.intake.settling import clear
from enclave.scratch import prepare
from enclave.settings import Settings
from enclave.store import Store
from enclave.vault import Keystore

MIB = 1024**2
OPENED = 2
"""How many times as large as the sealed file what lies open of it may be."""


@contextmanager
def spool(settings: Settings, id: str) -> Iterator[Path]:
    """Give a private folder (0700) below ``settings.runtime``; everything in it goes, whatever happens.

    Raises
    ------
    Refused
        If the same transmittal is being received already.
    """
    folder = _root(settings) / id
    lock = _locked(folder)
    if lock is None:
        raise refuse(
            f"transmittal {id}", "being-received", "EM XVII.B", "it is being received by another process",
            "Wait for that one to end.",
        )  # fmt: skip
    try:
        _empty(folder)
        inner = folder / "open"
        inner.mkdir(mode=0o700)
        yield inner
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def hold_to_room(settings: Settings, sealed: Path, subject: str) -> None:
    """See, before a file is opened, that what is opened of it has room on the runtime tmpfs.

    The plain file is no longer than the sealed one, and its canonical form, or what openssl makes on the way, no
    longer than the plain one.

    Source: DSA III.B; EM XV.

    Raises
    ------
    Refused
        If it has not.
    """
    needed = OPENED * sealed.stat().st_size
    free = shutil.disk_usage(_root(settings)).free
    if free < needed:
        what = f"it needs {needed / MIB:,.1f} MiB in memory to be opened, and {free / MIB:,.1f} are free"
        next = "Nothing was opened. Whoever runs the hub makes the runtime tmpfs larger; receive the file then."
        raise refuse(subject, "room", "EM XV", what, next)


def recover(settings: Settings, store: Store, keystore: Keystore) -> int:
    """Remove what a crash left: opened files, sealed files and keys without a record, settled ones in an inbox.

    Gives their number.

    What another process is receiving at this moment is left alone.
    """
    removed = clear(settings, store)
    # Listed before the locks are tried and the records read: what is sealed meanwhile is another process's own.
    listed = sorted((settings.sealed / "holdings").glob("*/*"))
    keys = [key_id for key_id in keystore.named() if key_id.partition(".")[2]]
    busy = set()
    for folder in sorted(_root(settings).iterdir()):
        lock = _locked(folder)
        if lock is None:
            busy.add(folder.name)
            continue
        shutil.rmtree(folder)
        os.close(lock)
        removed += 1
    with store.view() as view:
        known = {held.id for held in view.find(Holding)}
    for key_id in keys:
        if key_id.partition(".")[2] not in known | busy:
            with suppress(EnclaveError):  # the place of the keys does not answer: at another start
                keystore.shred(key_id)
                removed += 1
    for sealed in listed:
        if sealed.name.partition(".")[0] not in known | busy:
            sealed.unlink(missing_ok=True)
            removed += 1
    return removed


def _root(settings: Settings) -> Path:
    prepare(settings.runtime)
    root = settings.runtime / "spool"
    root.mkdir(exist_ok=True, mode=0o700)
    return root


def _locked(folder: Path) -> int | None:
    """Lock a spool folder; the kernel frees it when the process dies. None when someone holds it."""
    folder.mkdir(exist_ok=True, mode=0o700)
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _empty(folder: Path) -> None:
    shutil.rmtree(folder / "open", ignore_errors=True)
