"""Random tables, protected by ours, against an attacker that shares no code with it; and the attacker itself.

A sample of what `make attack` runs ten thousand of.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, protect, tabulate
from p20kit.protection import Protected
from tests.disclosure.adversary import Published, Reader
from tests.disclosure.attack import KINDS, attack, case, judge, judge_all, small_cohorts, small_rests
from tests.disclosure.spelled import counts, people

STRICT, ZEROS_SHOWN = CellPolicy(), CellPolicy(zeros="shown")
SAMPLE, BLOCK = 100, 25


def spelled(text: str) -> Published:
    """Read a two-way table as published, margins written out; "s" = hidden."""
    heads, *lines = (line.replace("|", " ").split() for line in text.strip().splitlines())
    cells = [
        (line[0], head, pd.NA if n == "s" else int(n))
        for line in lines
        for head, n in zip(heads, line[1:], strict=True)
    ]
    frame = pd.DataFrame(cells, columns=["row", "col", "count"])
    return Published(frame.assign(status="shown"))


def reach(table: Published, row: str, col: str, least_hidden: int = 0) -> float:
    """Give what one cell may hold, up to a hundred."""
    reader = Reader([table], {}, least_hidden)
    at = table.codes.index((row, col))
    return float(reader.most(reader.sums[0][at : at + 1], 100)[0])


@pytest.mark.parametrize("seed", [434, 702, 886, 2094, 3954])
def test_a_later_table_may_name_a_group_of_an_earlier_one_again(seed: int) -> None:
    """In these cases an earlier table has two groups by different columns, one of them but for a few in the other."""
    verdict = judge(case(seed))
    assert verdict.seeds == () and verdict.tally["hidden"]


@pytest.mark.parametrize("first", range(0, SAMPLE, BLOCK))
def test_nothing_can_be_worked_out_and_a_cell_shown_again_is_missed(first: int) -> None:
    verdict = judge_all(range(first, first + BLOCK))
    assert verdict.seeds == (), "seeds of cases in which the adversary or the audit found something"
    tally = verdict.tally
    assert tally["cases"] == BLOCK and tally["refused"] <= BLOCK // 5
    assert all(tally[kind] >= BLOCK // len(KINDS) for kind in KINDS)
    assert tally["hidden"] > 4 * BLOCK
    assert tally["found again"] >= 0.8 * tally["shown again"] > 0.5 * BLOCK * 0.8
    assert tally["audit missed"] == 0


def test_every_whole_table_that_fits_leaves_six_possible() -> None:
    """On small tables nothing is left to linear programs: every table a reader could think of is written out."""
    looked = 0
    for seed in range(0, 1200, len(KINDS)):
        one = case(seed)
        if one.releases[0][0].counts.size > 30 or one.releases[0][0].total > 150:
            continue
        protected = protect(one.releases[0], one.policy)
        table = Published(protected.to_published())
        reader = Reader([table], one.parents, int(not one.policy.hides_zeros))
        fits = reader.whole_tables() if not table.shown.all() else None
        if fits is None:
            continue
        truth = protected.tables[0].counts.ravel()
        small = ~table.shown & (truth < 6) & ((truth > 0) | one.policy.hides_zeros)
        sums = reader.sums[0][small]
        most = (sums[:, reader.alive].astype(float) @ fits.T).max(axis=1)
        assert (most >= 6).all(), seed
        assert (np.minimum(most, 6) == np.minimum(reader.most(sums, 6), 6)).all(), seed
        looked += len(sums)
    assert looked > 60


def test_the_adversary_works_out_what_a_line_leaves() -> None:
    table = spelled("  | a | b | Total \n N | s | 40 | 44 \n S | 31 | 29 | 60 \n Total | s | 69 | 104")
    assert reach(table, "N", "a") == 4
    assert small_rests(table, {}, STRICT) == 1


def test_the_adversary_works_out_a_square_with_a_known_zero() -> None:
    square = "  | a | b | c | Total \n N | s | s | 40 | 47 \n S | s | {} | 9 | {} \n Total | 20 | 30 | 49 | 99"
    assert reach(spelled(square.format("s", 52)), "N", "a") == 7
    assert reach(spelled(square.format(27, 52)), "N", "a") == 4


def test_the_adversary_uses_what_a_hidden_cell_holds_at_least() -> None:
    table = spelled("  | a | b | c | Total \n N | s | s | 40 | 46 \n S | s | s | 30 | 50 \n Total | 9 | 17 | 70 | 96")
    assert reach(table, "N", "a") == 6
    assert reach(table, "N", "a", least_hidden=1) == 5


def test_the_adversary_thinks_in_whole_persons() -> None:
    half = spelled("  | a | Total \n N | s | s \n Total | 11 | 11")
    reader = Reader([half], {})
    assert reader.most(reader.sums[0][:1], 6).tolist() == [11]


def test_the_adversary_puts_tables_of_the_same_people_together() -> None:
    inner = Published(pd.DataFrame({"a": ["x", "y"], "b": ["p", "p"], "count": [pd.NA, 40], "status": "hidden"}))
    margin = Published(pd.DataFrame({"b": ["p", "Total"], "count": [43, 43], "status": "shown"}))
    together, alone = Reader([inner, margin], {}), Reader([inner], {})
    assert together.most(together.sums[0][:1], 6).tolist() == [3]
    assert together.exactly(together.sums[0][0]) == 3
    assert alone.exactly(alone.sums[0][0]) is None


def test_the_adversary_knows_the_people_of_a_parent() -> None:
    frame = pd.DataFrame({"a": ["x", "y", "z", "east"], "count": [pd.NA, 40, 9, 43], "status": "shown"})
    parents = {"a": {"x": "east", "y": "east"}}
    reader = Reader([Published(frame)], parents)
    assert reader.most(reader.sums[0][:1], 6).tolist() == [3]
    assert small_rests(Published(frame), parents, STRICT) == 1


def test_the_adversary_finds_groups_of_people_that_differ_by_three() -> None:
    frame = people({("A",): 30, ("B",): 40}, ["group"])
    releases = []
    for rows, name in ((0, "everyone"), (3, "most")):
        table = tabulate(frame.iloc[rows:], ["group"], name=name)
        releases.append(Protected((table,), (np.ones(table.counts.shape, dtype=bool),), STRICT))
    assert small_cohorts(releases, STRICT) == 2
    assert small_cohorts(releases[:1], STRICT) == 0


def test_the_adversary_finds_what_only_small_cells_are_hidden_from() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    shown = table.counts >= 6
    assert attack([Protected((table,), (shown,), ZEROS_SHOWN)], {}, ZEROS_SHOWN).bounded == 1
