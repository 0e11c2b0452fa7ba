"""Sandboxes made by bubblewrap: no network, no capabilities, nothing of the host but what is mounted.

Run by an ordinary user, bubblewrap is started directly. Run by root, it never sees root: sources are
bound to a staging place inside a private mount namespace (so that a checkout under somebody's 0700
home still works), every privilege is dropped to a uid of the session's own, then bubblewrap starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from enclave.errors import Fault
from enclave.sandbox import filesystem, seccomp
from enclave.sandbox.records import Record, Records
from enclave.sandbox.spec import Mount, SandboxSpec

Stream = int | IO[bytes] | None

# A range that neither Debian nor systemd gives to anybody.
SESSION_UIDS = range(1_900_000_000, 1_901_000_000)

_ISOLATION = [
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-net"),
    *("--unshare-cgroup-try", "--disable-userns", "--assert-userns-disabled", "--cap-drop", "ALL"),
    *("--new-session", "--clearenv", "--hostname", "enclave", "--uid", "1000", "--gid", "1000"),
]

# $1 = staging place, $2 = uid, then sources up to "--", then the command.
_STAGE = """
stage=$1 uid=$2; shift 2; n=0
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev stage "$stage"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$stage/$n"; else : > "$stage/$n"; fi
  mount --bind "$1" "$stage/$n"; n=$((n+1)); shift
done
shift
set -- --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
exec /usr/bin/env -i setpriv --reuid="$uid" --regid="$uid" "$@"
"""


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


class Bubblewrap:
    """Start, find and reap sandboxes.

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

    def start(
        self, spec: SandboxSpec, *, pass_fds: Sequence[int] = (), stdout: Stream = None, stderr: Stream = None
    ) -> Sandboxed:
        """Start `spec` and return when its first process exists.

        Parameters
        ----------
        pass_fds : sequence of int
            Descriptors handed in under the same numbers; no other is.
        stdout, stderr : file, descriptor or None
            Where its output goes; None discards it. Never the supervisor's own.

        Raises
        ------
        SandboxFault
            If a mount's source is missing, the name is taken, or bubblewrap does not start.
        """
        if self.find(spec.name) is not None:
            raise SandboxFault(f"sandbox {spec.name} already runs")
        mounts = (*filesystem.program_mounts(), *spec.mounts)
        if absent := [mount.target for mount in mounts if not mount.source.exists()]:
            raise SandboxFault(f"sandbox {spec.name}: nothing to mount at {', '.join(absent)}")
        uid = self._prepare(spec)
        with _Descriptors() as fds:
            command = self._command(spec, mounts, uid, fds)
            child = subprocess.Popen(
                command,
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if stdout is None else stdout,
                stderr=subprocess.DEVNULL if stderr is None else stderr,
                pass_fds=(*fds.inherited, *pass_fds),
                start_new_session=True,
            )
            pid = fds.read_child_pid()
        if pid is None:
            raise SandboxFault(
                f"sandbox {spec.name} did not start (bubblewrap exit {child.wait()}); it needs user namespaces: "
                "allowed by the kernel, and not from inside a chroot"
            )
        record = self._records.remember(spec.name, pid, uid)
        return Sandboxed(spec.name, pid, uid, record, self._records, child)

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

    def _prepare(self, spec: SandboxSpec) -> int:
        """Make the runtime directory and give writable sources to the session's uid (root only)."""
        privileged = os.geteuid() == 0
        self._runtime_dir.mkdir(mode=0o711 if privileged else 0o700, parents=True, exist_ok=True)
        if not privileged:
            return os.geteuid()
        (self._runtime_dir / "stage").mkdir(mode=0o711, exist_ok=True)
        uid = spec.uid if spec.uid is not None else self._fresh_uid()
        for mount in spec.mounts:
            if mount.writable:
                _give(mount.source, uid)
        return uid

    def _fresh_uid(self) -> int:
        taken = {found.uid for found in self.running()}
        while (uid := SESSION_UIDS[secrets.randbelow(len(SESSION_UIDS))]) in taken:
            pass
        return uid

    def _command(self, spec: SandboxSpec, mounts: tuple[Mount, ...], uid: int, fds: _Descriptors) -> list[str]:
        """Write the command line: everything that says something goes through descriptors instead."""
        privileged = os.geteuid() == 0
        stage = self._runtime_dir / "stage"
        sources = {mount: str(stage / str(n)) if privileged else str(mount.source) for n, mount in enumerate(mounts)}
        etc = {path: fds.holding(text.encode()) for path, text in filesystem.ETC.items()}
        args = [*_ISOLATION, "--info-fd", str(fds.info), "--seccomp", str(fds.holding(seccomp.program()))]
        args += ["--die-with-parent"] if spec.tethered else []
        args += filesystem.arguments(spec, sources, etc)
        for name, value in filesystem.environment(spec).items():
            args += ["--setenv", name, value]
        args_fd = fds.holding(b"".join(os.fsencode(argument) + b"\0" for argument in args))
        command = [_tool("bwrap"), "--args", str(args_fd), "--", *_limited(spec)]
        if not privileged:
            return command
        staged = [str(mount.source) for mount in mounts]
        stage_args = ["stage", str(stage), str(uid), *staged, "--", *command]
        return [_tool("unshare"), "--mount", "--propagation", "private", "/bin/sh", "-ec", _STAGE, *stage_args]


class _Descriptors:
    """The descriptors one start hands over, closed on this side when it is done."""

    def __init__(self) -> None:
        self._read_end, self.info = os.pipe2(os.O_CLOEXEC)
        self.inherited = [self.info]

    def __enter__(self) -> _Descriptors:
        return self

    def __exit__(self, *exc: object) -> None:
        for fd in (*self.inherited, self._read_end):
            with contextlib.suppress(OSError):
                os.close(fd)

    def holding(self, content: bytes) -> int:
        """Return an inherited in-memory file with `content`."""
        fd = os.memfd_create("sandbox", os.MFD_CLOEXEC)
        with os.fdopen(fd, "wb", closefd=False) as memory:
            memory.write(content)
        os.lseek(fd, 0, os.SEEK_SET)
        self.inherited.append(fd)
        return fd

    def read_child_pid(self) -> int | None:
        """Wait for bubblewrap to tell the first process, or for its end."""
        os.close(self.info)
        self.inherited.remove(self.info)
        with os.fdopen(self._read_end, "rb", closefd=False) as told:
            text = told.read()
        return int(json.loads(text)["child-pid"]) if text.strip() else None


def _limited(spec: SandboxSpec) -> list[str]:
    limits = spec.limits
    return [
        "/usr/bin/prlimit",
        # data, not address space: engines and V8 reserve far more than they touch
        f"--data={limits.memory_bytes}",
        f"--nproc={limits.processes}",
        f"--fsize={limits.file_bytes}",
        "--nofile=4096",
        "--core=0",
        "--",
        *spec.command,
    ]


def _give(root: Path, uid: int) -> None:
    """Make `root` and what is in it the session's, following no link out of it."""
    os.chown(root, uid, uid, follow_symlinks=False)
    for _, folders, files, fd in os.fwalk(root, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, uid, uid, dir_fd=fd, follow_symlinks=False)


def _tool(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        raise SandboxFault(f"{name} is not installed")
    return found
