"""What is remembered of a running sandbox, so that another supervisor can find and end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from enclave.sandbox.groups import Groups


@dataclass(frozen=True, slots=True)
class Record:
    """Process 1 of a sandbox, told apart from a later process with the same number by its start time.

    Attributes
    ----------
    pid : int
    started : int
        Clock ticks since boot.
    uid : int
        Host uid the sandbox runs as.
    groups : tuple of str
        Folders of its control groups.
    """

    pid: int
    started: int
    uid: int
    groups: tuple[str, ...] = ()

    def alive(self) -> bool:
        """Say whether that very process still runs."""
        return not self.wait(0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to that very process, or to nobody."""
        with self._pidfd() as fd:
            if fd is not None:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(fd, number)

    def wait(self, timeout: float | None) -> bool:
        """Wait for its end; say whether it came within `timeout` seconds."""
        with self._pidfd() as fd:
            if fd is None:
                return True
            poller = select.poll()
            poller.register(fd, select.POLLIN)
            return bool(poller.poll(None if timeout is None else timeout * 1000))

    @contextlib.contextmanager
    def _pidfd(self) -> Iterator[int | None]:
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            # Compared after opening: the descriptor pins whichever process had the number.
            yield fd if start_time(self.pid) == self.started else None
        finally:
            os.close(fd)


class Records:
    """One small file per running sandbox.

    Parameters
    ----------
    folder : Path
        Made on first use.
    """

    def __init__(self, folder: Path) -> None:
        """Store the folder."""
        self._folder = folder

    def remember(self, name: str, pid: int, uid: int, groups: Groups) -> Record:
        """Write down that `name` runs as process `pid`."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        record = Record(pid, start_time(pid) or 0, uid, tuple(map(str, groups.folders)))
        draft = self._folder / f".{name}"
        draft.write_text(json.dumps(asdict(record)))
        draft.rename(self._folder / f"{name}.json")
        return record

    def read(self, name: str) -> Record | None:
        """Return what is known of `name`."""
        with contextlib.suppress(FileNotFoundError):
            told = json.loads((self._folder / f"{name}.json").read_text())
            return Record(**{**told, "groups": tuple(told["groups"])})
        return None

    def forget(self, name: str, record: Record) -> None:
        """Remove its control groups and the file, unless a later sandbox has taken the name."""
        Groups(tuple(map(Path, record.groups))).remove()
        if self.read(name) == record:
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names on file, running or not."""
        return sorted(path.stem for path in self._folder.glob("*.json"))


def start_time(pid: int) -> int | None:
    """Return when a process started, in clock ticks since boot; None when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(stat.rpartition(")")[2].split()[19])
