"""Whether the machine's clock can be believed: a wrong one must not destroy anything, nor spare it unnoticed.

Two things know better than a clock that was set: the ledger, whose entries bear times that only grow, and the
machine's own count of the time since it started, which nobody sets.

Source: DSA VI.H; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import ClassVar

from enclave.errors import Finding
from enclave.ledger import Entry
from enclave.store import Transaction, View

TOLERANCE = timedelta(minutes=10)
"""What keeping time over a network may correct without being noticed."""
WATCH = "watch"


@dataclass(frozen=True)
class Reading:
    """What a door read off the machine.

    Parameters
    ----------
    at : datetime
        With time zone.
    boot : str
        Names the time since the machine was last started.
    up_seconds : float
        Length of that time, asleep or awake.
    """

    at: datetime
    boot: str
    up_seconds: float

    @property
    def started_at(self) -> datetime:
        """When the machine was started, as its clock now has it."""
        return self.at - timedelta(seconds=self.up_seconds)


@dataclass(frozen=True)
class Watch:
    """The last reading that was believed, once a day, and how far the ledger had come.

    Parameters
    ----------
    day : date
        The enclave's calendar day.
    entries : int
        Of the ledger, when it was read.
    doubted_on : date, optional
        When the machine's clock was last found wrong; it is entered once a day. While it stands, a start of the
        machine takes no doubt away.
    """

    KIND: ClassVar[str] = "clocks"
    day: date
    at: datetime
    started_at: datetime
    boot: str
    entries: int
    doubted_on: date | None = None
    project: str = ""

    @property
    def key(self) -> str:
        """There is one."""
        return WATCH


def look(tx: Transaction, reading: Reading, actor: str) -> list[Finding]:
    """Give the reasons not to believe the machine's clock; keep a reading that is believed, once a day.

    Source: EM XVII.B.
    """
    watch = tx.get(Watch, WATCH)
    doubts = _doubts(tx, watch, reading)
    if watch is not None and doubts:
        if watch.doubted_on != tx.today:
            doubted = Watch(watch.day, watch.at, watch.started_at, watch.boot, watch.entries, tx.today)
            rules = {"rules": [finding.rule for finding in doubts]}
            tx.write(doubted, Entry(actor, "clocks.doubt", WATCH, "", "DSA VI.H", "refused", rules))
    elif watch is None or watch.doubted_on or (watch.day, watch.boot) != (tx.today, reading.boot):
        tx.write(_watch(tx, reading), Entry(actor, "clocks.watch", WATCH, "", "EM XVII.B"))
    return doubts


def accept(tx: Transaction, reading: Reading, actor: str) -> Watch:
    """Believe the machine's clock from now on, after a person has compared it with another.

    Source: EM XVII.B.
    """
    watch = _watch(tx, reading)
    tx.write(watch, Entry(actor, "clocks.accept", WATCH, "", "EM XVII.B"))
    return watch


def _watch(tx: Transaction, reading: Reading) -> Watch:
    # the entry that is made with it may bear a time a little later
    return Watch(tx.today, reading.at, reading.started_at, reading.boot, tx.frontier().size + 1)


def _doubts(view: View, watch: Watch | None, reading: Reading) -> list[Finding]:
    if watch is None:
        return []
    next = "Compare the machine's clock with another, set it if it is wrong, then run `enclave clocks accept`."
    doubts = []
    day, at = watch.day, watch.at
    for entry in view.entries(since=watch.entries):
        day, at = max(day, date.fromisoformat(entry["day"])), max(at, datetime.fromisoformat(entry["at"]))
    if view.today < day or reading.at < at - TOLERANCE:
        what = f"it says {reading.at:%Y-%m-%d %H:%M} and day {view.today}, the ledger {at:%Y-%m-%d %H:%M} and {day}"
        doubts.append(Finding("clock-back", "DSA VI.H", "machine", what, next))
    if watch.doubted_on is not None and watch.boot != reading.boot:
        what = f"it was not believed on {watch.doubted_on}, and the machine was started since"
        doubts.append(Finding("clock-doubted", "DSA VI.H", "machine", what, next))
    if watch.boot == reading.boot and abs(reading.started_at - watch.started_at) > TOLERANCE:
        step = round((reading.started_at - watch.started_at) / timedelta(minutes=1))
        what = f"the clock was set by {step:+d} minutes while the machine ran"
        doubts.append(Finding("clock-set", "DSA VI.H", "machine", what, next))
    return doubts
