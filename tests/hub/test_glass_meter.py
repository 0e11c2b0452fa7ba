"""Bytes shown: counted per server and day, written down, read back after a restart."""

from __future__ import annotations

import json
from datetime import date

from enclave.glass import Meter, Shown, earlier_today

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


class Clock:
    """A day that turns when it is told to."""

    def __init__(self) -> None:
        self.today = MONDAY

    def __call__(self) -> date:
        return self.today


def test_bytes_are_counted_per_server_until_none_is_left() -> None:
    meter = Meter(100, Clock(), lambda _: None)
    meter.spend("ana/dr-0034", 60)
    assert (meter.left("ana/dr-0034"), meter.left("ana/dr-0035")) == (40, 100)
    meter.spend("ana/dr-0034", 60)
    assert meter.left("ana/dr-0034") == 0


def test_every_byte_is_in_one_entry() -> None:
    entries: list[Shown] = []
    meter = Meter(100, Clock(), entries.append)
    meter.spend("ana/dr-0034", 60)
    meter.flush()
    meter.spend("ana/dr-0034", 5)
    meter.flush()
    meter.flush()
    assert [(entry.shown_bytes, entry.total_bytes) for entry in entries] == [(60, 60), (5, 65)]


def test_a_new_day_has_its_own_bytes_and_the_old_day_keeps_its_entry() -> None:
    clock, entries = Clock(), list[Shown]()
    meter = Meter(100, clock, entries.append)
    meter.spend("ana/dr-0034", 100)
    clock.today = TUESDAY
    assert meter.left("ana/dr-0034") == 100
    assert [(entry.on, entry.total_bytes) for entry in entries] == [(MONDAY, 100)]


def test_a_restart_does_not_give_the_day_anew() -> None:
    lines = [Shown(day, "ana/dr-0034", 30, total, 100).line() for day, total in ((MONDAY, 90), (TUESDAY, 70))]
    earlier = earlier_today([*lines, '{"on": "2026-11-24", "ser'], TUESDAY)
    assert earlier == {"ana/dr-0034": 70}
    clock = Clock()
    clock.today = TUESDAY
    assert Meter(100, clock, lambda _: None, earlier).left("ana/dr-0034") == 30


def test_an_entry_is_one_line_of_json() -> None:
    line = Shown(MONDAY, "ana/dr-0034", 1, 2, 3).line()
    assert json.loads(line)["on"] == "2026-11-23" and "\n" not in line
