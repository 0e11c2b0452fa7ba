"""Short-lived plaintext: private folders on the runtime tmpfs, gone when the step is over.

What a crash leaves behind is wiped at the next start; the runtime folder is never on a disk. What another may write
into is a tmpfs of its own, where this process may mount one.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from enclave.errors import Fault

_MARK = "scratch-"
# Lies under a mount: who can see it does not see what was mounted.
_UNDERNEATH = ".underneath"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be written into one folder.

    Parameters
    ----------
    size_bytes : int
        All files together; 0 for no bound.
    files : int
        Files and folders; 0 for no bound.
    executable : bool
        False keeps programs in it from being run.
    """

    size_bytes: int
    files: int
    executable: bool = True

    def exceeded_by(self, folder: Path) -> bool:
        """Tell whether a folder holds more, or hides what it holds."""
        hidden: list[OSError] = []
        files = size_bytes = 0
        for _, folders, names, descriptor in os.fwalk(folder, onerror=hidden.append, follow_symlinks=False):
            for name in (*folders, *names):
                files += 1
                with suppress(FileNotFoundError):
                    size_bytes += os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_blocks * 512
                if files > self.files or size_bytes > self.size_bytes:
                    return True
        return any(not isinstance(error, FileNotFoundError) for error in hidden)


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
        wipe(folder)
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


def bound(folder: Path, bounds: Bounds) -> bool:
    """Mount a tmpfs on an empty folder, without devices and set-user-id programs; tell whether it could be done.

    Only root may, and not in every container. Swap is left out where the kernel can (6.4).
    """
    if os.geteuid() != 0:
        return False
    (folder / _UNDERNEATH).touch(mode=0o600)
    options = f"size={bounds.size_bytes},nr_inodes={bounds.files},mode=0700,nosuid,nodev"
    options += "" if bounds.executable else ",noexec"
    for more in (",noswap", ""):
        command = ("mount", "-t", "tmpfs", "-o", options + more, "enclave", str(folder))
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return True
    (folder / _UNDERNEATH).unlink()
    return False


def is_bound(folder: Path) -> bool:
    """Tell whether a folder is a file system of its own."""
    return folder.is_mount()


def within_reach(folder: Path) -> bool:
    """Tell whether a folder holds what was mounted on it: a process in another mount namespace sees it empty."""
    try:
        return (folder / _UNDERNEATH).lstat().st_uid != os.geteuid() or is_bound(folder)
    except FileNotFoundError:
        return True


def wipe(folder: Path) -> None:
    """Remove a folder with what was mounted in it.

    Files go first: another mount namespace may hold on to a file system, and then it holds nothing.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for mounted in reversed(_mounted_below(folder)):
        subprocess.run(("umount", "--lazy", mounted), capture_output=True, check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _mounted_below(folder: Path) -> list[str]:
    """Give the mounts below a folder, outer ones first."""
    places = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    decoded = (re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place) for place in places)
    return [place for place in decoded if Path(place).is_relative_to(folder.resolve())]


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
            wipe(folder)
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
