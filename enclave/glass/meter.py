"""How many bytes of each server have been shown today, and how many may still be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date

MIB = 1024**2
DAILY_BYTES = 64 * MIB


@dataclass(frozen=True, slots=True)
class Shown:
    """Bytes shown of one server since its last entry.

    Attributes
    ----------
    on : date
    server : str
        Person and project, e.g. 'ana/dr-0034'.
    shown_bytes : int
        Since the last entry.
    total_bytes : int
        Since the start of the day.
    limit_bytes : int
        What may be shown in a day.
    """

    on: date
    server: str
    shown_bytes: int
    total_bytes: int
    limit_bytes: int

    def line(self) -> str:
        """Return the entry as one line of JSON."""
        return json.dumps({**asdict(self), "on": self.on.isoformat()}, separators=(",", ":"))


class Meter:
    """Count bytes per server and day against a limit.

    Parameters
    ----------
    limit_bytes : int
        What one server may show in a day.
    today : callable
        Returns the date; doors own the clock.
    record : callable
        Takes each `Shown` entry, at every `flush`.
    earlier : mapping of str to int, optional
        Bytes already shown today, from before a restart.
    """

    def __init__(
        self,
        limit_bytes: int,
        today: Callable[[], date],
        record: Callable[[Shown], None],
        earlier: Mapping[str, int] | None = None,
    ) -> None:
        """Store the parts; nothing has been counted."""
        self._limit = limit_bytes
        self._today = today
        self._record = record
        self._totals = dict(earlier or {})
        self._pending: dict[str, int] = {}
        self._on = today()

    def left(self, server: str) -> int:
        """Return how many bytes the server may still show today."""
        self._turn_page()
        return max(0, self._limit - self._totals.get(server, 0))

    def spend(self, server: str, count: int) -> None:
        """Count bytes that were shown."""
        self._turn_page()
        self._totals[server] = self._totals.get(server, 0) + count
        self._pending[server] = self._pending.get(server, 0) + count

    def notice(self, server: str) -> str:
        """Return what the researcher reads when nothing more is shown today."""
        return (
            f"The enclave has shown {self._totals.get(server, 0) / MIB:.1f} MB from this project today; "
            f"the limit is {self._limit / MIB:.0f} MB a day. Your code keeps running and its files are kept. "
            "Show less at a time (head, aggregates), or continue tomorrow."
        )

    def summary(self, server: str) -> str:
        """Return in a few words how much has been shown today."""
        return f"{self._totals.get(server, 0) / MIB:.1f} of {self._limit / MIB:.0f} MB shown today"

    def flush(self) -> None:
        """Hand what has been counted since the last flush to `record`."""
        self._turn_page()
        self._write()

    def _turn_page(self) -> None:
        if (today := self._today()) != self._on:
            self._write()
            self._on = today
            self._totals.clear()

    def _write(self) -> None:
        for server, count in sorted(self._pending.items()):
            self._record(Shown(self._on, server, count, self._totals.get(server, 0), self._limit))
        self._pending.clear()


def earlier_today(lines: Iterable[str], today: date) -> dict[str, int]:
    """Read back, from `Shown.line` lines, how many bytes each server has shown today.

    A line cut short by a crash is passed over: what it counted is lost, what stands before is not.
    """
    totals: dict[str, int] = {}
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if entry["on"] == today.isoformat():
            totals[entry["server"]] = entry["total_bytes"]
    return totals
