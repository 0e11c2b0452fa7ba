"""Short-lived plaintext: private folders on the runtime tmpfs, gone when the step is over.

What a crash leaves behind is wiped at the next start; the runtime folder is never on a disk.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from enclave.errors import Fault

_MARK = "scratch-"


@contextmanager
def scratch(runtime: Path, step: str) -> Iterator[Path]:
    """Give a private folder (mode 0700) below `runtime`, wiped at the end whatever happens.

    It is locked while in use, so that another process's start leaves it alone; the kernel frees the lock of a
    process that died.
    """
    prepare(runtime)
    folder = Path(tempfile.mkdtemp(prefix=f"{_MARK}{step}-", dir=runtime))
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def prepare(runtime: Path) -> None:
    """Make the runtime folder: all may pass through to what is theirs, nobody may list it.

    Raises
    ------
    Fault
        If another account has made it: /dev/shm is open to all, and its owner could put other folders in place.
    """
    runtime.mkdir(parents=True, exist_ok=True)
    found = runtime.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Fault("the runtime folder belongs to another account; nothing was opened")
    runtime.chmod(0o711)


def engine(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database in memory; what does not fit is spilled into `folder`, never into the working directory."""
    connection = duckdb.connect(
        config={"temp_directory": str(folder / "spill"), "autoinstall_known_extensions": False}
    )
    connection.execute("set enable_progress_bar = false")
    return connection


def wipe_leftovers(runtime: Path) -> int:
    """Wipe what crashed processes left; give the number of folders."""
    wiped = 0
    for folder in runtime.glob(f"{_MARK}*"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue  # its step ended meanwhile
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            wiped += 1
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
    return wiped


def in_use(runtime: Path, step: str) -> bool:
    """Tell whether some process does this step; ask after the leftovers were wiped."""
    return any(runtime.glob(f"{_MARK}{step}-*"))


@contextmanager
def alone(runtime: Path, step: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a step that no two processes may be in at once; the kernel frees it when the process dies.

    Gives False, at once, when `wait` is false and another process is in it: then there is nothing to recover.
    """
    prepare(runtime)
    # 0600: who can open it can hold it, and keep everybody from the step
    lock = os.open(runtime / f"{step}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(lock)
