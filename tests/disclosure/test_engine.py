"""Many count at once in one process, and a forked process counts by itself: nobody sees persons of another."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pandas as pd

from p20kit import Mean, tabulate

COUNTS = range(20, 60)


def counted(persons: int) -> tuple[int, float]:
    """Count so many persons of one town, each of whom earns as many dollars as there are persons."""
    frame = pd.DataFrame({"P20ID": [f"P{i}" for i in range(persons)], "Town": "Hartford", "Wage": float(persons)})
    table = tabulate(frame, ["Town"], [Mean("Wage")], margins=False)
    (shown,) = table.figures["mean Wage"].value[:1]
    return int(table.counts[0]), float(shown)


def test_who_counts_at_the_same_time_counts_their_own() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(counted, COUNTS)) == [(n, float(n)) for n in COUNTS]


def test_a_forked_process_counts_though_its_parent_has_counted_before() -> None:
    assert counted(7) == (7, 7.0)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        assert [pool.submit(counted, n).result(60) for n in COUNTS] == [(n, float(n)) for n in COUNTS]
