"""Control groups: what all processes of one sandbox together may use of memory, processors and process numbers.

Files in memory (its /tmp, its scratch) count as memory of the sandbox that wrote them. Where the control groups
cannot be written (an ordinary user, a container), the limits of single processes remain.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from enclave.sandbox.spec import Limits

_ROOT = Path("/sys/fs/cgroup")
_PARENT = "enclave"
_CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000
# A group younger than this may be about to be entered.
_SECONDS_TO_ENTER = 60


@dataclass(frozen=True, slots=True)
class Groups:
    """The control groups of one sandbox: one of version 2, or one for each controller of version 1.

    Attributes
    ----------
    folders : tuple of Path
        Empty where they cannot be made.
    """

    folders: tuple[Path, ...]

    @property
    def doors(self) -> tuple[Path, ...]:
        """Return the files into which a process writes its number to be in."""
        return tuple(folder / "cgroup.procs" for folder in self.folders)

    def remove(self) -> None:
        """Remove them when nobody is in; a later `make` removes them otherwise."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


NONE = Groups(())


def make(name: str, limits: Limits, root: Path = _ROOT) -> Groups:
    """Make the groups of a sandbox and write its limits; remove those that earlier ones left.

    Parameters
    ----------
    name : str
        Unique on this machine.
    limits : Limits
    root : Path
        Where the control groups are mounted.
    """
    try:
        parents = _parents(root)
        folders = {parent / name: settings for parent, settings in _settings(parents, limits).items()}
        for folder, settings in folders.items():
            folder.mkdir(exist_ok=True)
            _sweep_before(folder)
            for file, text in settings.items():
                # swap is not counted on every machine
                if (folder / file).exists():
                    (folder / file).write_text(text)
    except OSError:
        return NONE
    return Groups(tuple(folders))


def _parents(root: Path) -> dict[str, Path]:
    """Return the folder in which to make groups, for each controller; in version 2 it is the same one."""
    if (root / "cgroup.controllers").exists():
        parent = root / _PARENT
        for folder in (root, parent):
            folder.mkdir(exist_ok=True)
            (folder / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in _CONTROLLERS))
        return dict.fromkeys(_CONTROLLERS, parent)
    parents = {name: root / name / _PARENT for name in _CONTROLLERS}
    for parent in parents.values():
        parent.mkdir(exist_ok=True)
    return parents


def _settings(parents: dict[str, Path], limits: Limits) -> dict[Path, dict[str, str]]:
    """Return what to write into which file of a group, by the folder the group is made in."""
    memory, quota = str(limits.memory_bytes), str(int(limits.cpus * _PERIOD))
    first = {"pids.max": str(limits.processes)}
    if len(set(parents.values())) == 1:
        second = {"memory.max": memory, "memory.swap.max": "0", "cpu.max": f"{quota} {_PERIOD}"}
        return {parents["memory"]: {**first, **second}}
    return {
        # in this order: memory with swap may not be less than memory
        parents["memory"]: {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
        parents["pids"]: first,
        parents["cpu"]: {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": quota},
    }


def _sweep_before(new: Path) -> None:
    """Remove the groups beside `new` that are older; one that somebody is in cannot be removed."""
    for folder in new.parent.iterdir():
        with contextlib.suppress(OSError):
            if folder.is_dir() and folder.stat().st_mtime < new.stat().st_mtime - _SECONDS_TO_ENTER:
                folder.rmdir()
