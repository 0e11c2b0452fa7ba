"""Sandboxes that run, whichever backend started them: found, ended, reaped."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from enclave.errors import Fault
from enclave.sandbox.groups import NONE, Groups
from enclave.sandbox.records import Record, Records
from enclave.sandbox.spec import SandboxSpec

# A range that neither Debian nor systemd gives to anybody.
SESSION_UIDS = range(1_900_000_000, 1_901_000_000)


class SandboxFault(Fault):
    """A sandbox could not be made; nothing runs."""


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """A running sandbox, also one that an earlier supervisor started.

    Attributes
    ----------
    name : str
    pid : int
        Process 1 of the sandbox as the host sees it; its end is the end of every process inside.
    uid : int
        Host uid the sandbox runs as.
    """

    name: str
    pid: int
    uid: int
    _record: Record
    _records: Records
    _child: subprocess.Popen[bytes] | None = None

    def poll(self) -> int | None:
        """Return None while it runs, then its exit code (-1 when another supervisor started it)."""
        if self._child is not None:
            code = self._child.poll()
        else:
            code = None if self._record.alive() else -1
        if code is not None:
            self._records.forget(self.name, self._record)
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code.

        Raises
        ------
        TimeoutError
            After `timeout` seconds; it still runs.
        """
        if not self._record.wait(timeout):
            raise TimeoutError(f"sandbox {self.name} still runs")
        if self._child is not None:
            self._child.wait()
        code = self.poll()
        return -1 if code is None else code

    def kill(self) -> None:
        """End every process of the sandbox at once; return when none is left."""
        self._record.signal(signal.SIGKILL)
        self.wait()


class Sandboxes:
    """What runs, as the records of one runtime directory tell.

    Parameters
    ----------
    runtime_dir : Path
        Private to this supervisor, on a path that every uid can traverse when run by root. Holds one
        record per running sandbox.
    """

    def __init__(self, runtime_dir: Path) -> None:
        """Store where the records are kept."""
        self._runtime_dir = runtime_dir
        self._records = Records(runtime_dir / "sandboxes")

    def find(self, name: str) -> Sandboxed | None:
        """Return the running sandbox of that name, whoever started it."""
        record = self._records.read(name)
        if record is None or not record.alive():
            return None
        return Sandboxed(name, record.pid, record.uid, record, self._records)

    def running(self) -> Iterator[Sandboxed]:
        """Yield every running sandbox of this runtime directory."""
        for name in self._records.names():
            if found := self.find(name):
                yield found

    def reap(self, known: Collection[str]) -> list[str]:
        """Kill every sandbox whose name is not among `known`, and return their names."""
        unknown = [found for found in self.running() if found.name not in known]
        for found in unknown:
            found.kill()
        return [found.name for found in unknown]

    def prepare(self, spec: SandboxSpec) -> int:
        """Make the runtime directory, give writable sources to the session's uid (root only), and return that uid.

        Raises
        ------
        SandboxFault
            If a mount's source is missing or the name is taken.
        """
        if self.find(spec.name) is not None:
            raise SandboxFault(f"sandbox {spec.name} already runs")
        if absent := [mount.target for mount in spec.mounts if not mount.source.exists()]:
            raise SandboxFault(f"sandbox {spec.name}: nothing to mount at {', '.join(absent)}")
        privileged = os.geteuid() == 0
        self._runtime_dir.mkdir(mode=0o711 if privileged else 0o700, parents=True, exist_ok=True)
        if not privileged:
            return os.geteuid()
        uid = spec.uid if spec.uid is not None else self._fresh_uid()
        for mount in spec.mounts:
            if mount.writable:
                _give(mount.source, uid)
        return uid

    def remember(
        self,
        name: str,
        pid: int,
        uid: int,
        groups: Groups = NONE,
        child: subprocess.Popen[bytes] | None = None,
    ) -> Sandboxed:
        """Write down that `name` runs as process `pid`, so that any supervisor can find and end it."""
        record = self._records.remember(name, pid, uid, groups)
        return Sandboxed(name, pid, uid, record, self._records, child)

    def _fresh_uid(self) -> int:
        taken = {found.uid for found in self.running()}
        while (uid := SESSION_UIDS[secrets.randbelow(len(SESSION_UIDS))]) in taken:
            pass
        return uid


def _give(root: Path, uid: int) -> None:
    """Make `root` and what is in it the session's, following no link out of it."""
    os.chown(root, uid, uid, follow_symlinks=False)
    for _, folders, files, fd in os.fwalk(root, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=fd, follow_symlinks=False)
