"""Sandboxes made by bubblewrap: no network, no capabilities, nothing of the host but what is mounted.

Run by an ordinary user, bubblewrap is started directly. Run by root, it never sees root: sources are
bound to a staging place inside a private mount namespace (so that a checkout under somebody's 0700
home still works), every privilege is dropped to a uid of the session's own, then bubblewrap starts.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from enclave.sandbox import filesystem, groups, seccomp
from enclave.sandbox.running import Sandboxed, Sandboxes, SandboxFault
from enclave.sandbox.spec import Mount, SandboxSpec

Stream = int | IO[bytes] | None

_ISOLATION = [
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-net"),
    *("--unshare-cgroup-try", "--disable-userns", "--assert-userns-disabled", "--cap-drop", "ALL"),
    *("--new-session", "--clearenv", "--hostname", "enclave", "--uid", "1000", "--gid", "1000"),
]

# $1 = staging place, $2 = uid, then doors of control groups up to "--", then sources up to "--", then the command.
_STAGE = """
stage=$1 uid=$2; shift 2; n=0
while [ "$1" != -- ]; do echo 0 > "$1"; shift; done
shift
mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev stage "$stage"
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir "$stage/$n"; else : > "$stage/$n"; fi
  mount --bind "$1" "$stage/$n"; n=$((n+1)); shift
done
shift
set -- --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
exec /usr/bin/env -i setpriv --reuid="$uid" --regid="$uid" "$@"
"""


class Bubblewrap(Sandboxes):
    """Start sandboxes, besides finding and reaping them.

    Parameters
    ----------
    runtime_dir : Path
        As `Sandboxes` has it.
    """

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
        mounts = (*filesystem.program_mounts(), *spec.mounts)
        uid = self.prepare(spec)
        made = groups.make(f"{spec.name}-{uid}", spec.limits) if os.geteuid() == 0 else groups.NONE
        with _Descriptors() as fds:
            command = self._command(spec, mounts, uid, made.doors, fds)
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
            code = child.wait()
            made.remove()
            raise SandboxFault(
                f"sandbox {spec.name} did not start (bubblewrap exit {code}); it needs user namespaces: "
                "allowed by the kernel, and not from inside a chroot"
            )
        return self.remember(spec.name, pid, uid, made, child)

    def _command(
        self, spec: SandboxSpec, mounts: tuple[Mount, ...], uid: int, doors: Sequence[Path], fds: _Descriptors
    ) -> list[str]:
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
        stage.mkdir(mode=0o711, exist_ok=True)
        staged = [str(mount.source) for mount in mounts]
        stage_args = ["stage", str(stage), str(uid), *map(str, doors), "--", *staged, "--", *command]
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


def _tool(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        raise SandboxFault(f"{name} is not installed")
    return found
