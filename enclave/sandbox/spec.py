"""What a sandbox is made of, as frozen values; every backend reads the same ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

GIB = 1024**3
MIB = 1024**2
ANALYST_HOME = "/home/analyst"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class Mount:
    """One file or folder of the host as it appears inside.

    Parameters
    ----------
    source : Path
        Absolute path on the host; it must exist when the sandbox starts.
    target : str
        Absolute path inside.
    writable : bool
        False mounts it read-only. A writable source becomes the property of the session's uid.
    """

    source: Path
    target: str
    writable: bool = False

    def __post_init__(self) -> None:
        """Refuse relative paths and paths that climb."""
        target = PurePosixPath(self.target)
        if not self.source.is_absolute() or not target.is_absolute() or ".." in target.parts:
            raise ValueError(f"a mount needs absolute paths without '..': {self.target}")


@dataclass(frozen=True, slots=True)
class Limits:
    """Ceilings of one sandbox.

    Where there are control groups (a Docker engine; bubblewrap run by root, where it may make them) memory and
    processors are those of the whole sandbox; memory is one process's besides.

    Parameters
    ----------
    memory_bytes : int
        Writable memory; what a process only reserves does not count.
    processes : int
        Processes and threads.
    file_bytes : int
        Largest file that can be written.
    cpus : float
        Processors' worth of time.
    tmp_bytes : int
        Size of /tmp; half of it for /dev/shm, and as much again for a home that is not mounted.
    """

    memory_bytes: int = 12 * GIB
    processes: int = 512
    file_bytes: int = 2 * GIB
    cpus: float = 4.0
    tmp_bytes: int = 512 * MIB


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """One sandbox: a command, what it sees, and how much it may use.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and hyphens; unique among running sandboxes.
    command : tuple of str
        Program and arguments, paths as seen inside.
    mounts : tuple of Mount
        In addition to the interpreter, the libraries and `p20kit`, which are always there.
    environment : mapping of str to str
        The whole environment, apart from PATH, HOME, TZ, LANG and PYTHONPATH which have defaults.
    uid : int, optional
        Host uid the sandbox runs as when the supervisor is root; None takes a fresh one.
    workdir : str
        Working directory inside.
    tethered : bool
        It ends with the process that started it: a job nobody waits for would keep what it has open.
    """

    name: str
    command: tuple[str, ...]
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    uid: int | None = None
    workdir: str = ANALYST_HOME
    tethered: bool = False

    def __post_init__(self) -> None:
        """Refuse names that could leave the folder of pid files, and an empty command."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a sandbox name is lower-case letters, digits and hyphens: {self.name!r}")
        if not self.command:
            raise ValueError(f"sandbox {self.name} has no command")
