"""Which cells can rise as far as they must, against every change of small systems and programs of the tests' own."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from p20kit.attack import Undecided, components
from p20kit.witnesses import AROUND, WHOLE_LIMIT, Witnesses, ranges
from tests.disclosure.changes import changes, undecided

Floats = NDArray[np.float64]
INF = np.inf


def drawn(seed: int, rows: int, cells: int = 7) -> Undecided:
    """Draw a system in which people move one by one, and sometimes only in halves."""
    generator = np.random.default_rng(seed)
    lines = generator.choice([-1, 0, 0, 1], size=(rows, cells)).tolist()
    return undecided(lines, -generator.integers(0, 3, cells), generator.integers(0, 3, cells))


def most(system: Undecided, cell: int) -> float:
    """How far a cell can rise in fractions of persons."""
    cost = -np.eye(1, len(system.up), cell).ravel()
    limits = np.column_stack([system.down, system.up])
    found = linprog(cost, A_eq=system.rows, b_eq=np.zeros(system.rows.shape[0]), bounds=limits, method="highs-ds")
    return -float(found.fun) if found.status == 0 else INF


@pytest.mark.parametrize("seed", range(60))
def test_a_cell_has_a_witness_when_some_change_raises_it_as_far(seed: int) -> None:
    system = drawn(seed, 1 + seed % 4)
    gap = np.random.default_rng(seed).integers(0, 4, 7).astype(float)
    every = np.array(list(changes(system.rows, system.down, system.up)))
    found, asked = Witnesses(system, gap, whole=True), gap > 0
    can = every.max(axis=0) >= gap
    assert (found.in_whole == (can & asked)).all()
    assert (found.most >= every.max(axis=0)).all()
    assert (found.most[asked & ~can] < gap[asked & ~can]).all()
    fractions = np.array([most(system, cell) for cell in range(7)])
    assert (found.proven | ~(asked & can)).all()
    assert (found.proven <= (asked & (fractions >= gap - 1e-9))).all()


@pytest.mark.parametrize("seed", range(40))
def test_money_has_a_witness_when_some_fraction_raises_it_as_far(seed: int) -> None:
    system = drawn(seed, 1 + seed % 4)
    gap = np.random.default_rng(seed).integers(0, 5, 7) / 2
    found, asked = Witnesses(system, gap, whole=False), gap > 0
    fractions = np.array([most(system, cell) for cell in range(7)])
    can = fractions >= gap - 1e-9
    assert (found.proven == (can & asked)).all() and not found.in_whole.any()
    assert (found.most >= fractions - 1e-6).all()
    assert (found.most[asked & ~can] < gap[asked & ~can]).all()


def halves(padding: int) -> Undecided:
    """Two cells that could each be larger by half a person, and their sum, which others give way to."""
    rows = np.zeros((8, 9 + padding))
    for row, at in ((0, 0), (3, 4)):
        rows[row, [at, at + 1, at + 3]] = 1, 1, -1
        rows[row + 1, [at, at + 2]] = 1
        rows[row + 2, [at + 1, at + 2]] = 1
    rows[6, [0, 4, 8]] = 1, 1, -1
    rows[7, 8:] = 1
    low, high = np.full(9 + padding, -5.0), np.full(9 + padding, 5.0)
    low[[3, 7]], high[[3, 7]] = 0, 1
    return undecided(rows.astype(int).tolist(), low.tolist(), high.tolist())


@pytest.mark.parametrize(("cells", "in_persons"), [(12, True), (WHOLE_LIMIT, True), (WHOLE_LIMIT + 1, False)])
def test_a_witness_in_halves_of_persons_is_refuted_while_the_part_is_small(cells: int, in_persons: bool) -> None:
    gap = np.zeros(cells)
    gap[8] = 1
    found = Witnesses(halves(cells - 9), gap, whole=True)
    assert found.proven[8] and not found.in_whole[8]
    assert found.most[8] == (0 if in_persons else 5)
    money = Witnesses(halves(cells - 9), gap, whole=False)
    assert money.proven[8] and money.most[8] == 5


def test_a_cell_that_can_rise_by_two_but_not_by_one_has_a_witness() -> None:
    # the first is twice the second
    system = undecided([[1, -1, -1, 0], [0, 1, -1, 0], [0, 0, 1, -1]], [-4] * 4, [4] * 4)
    found = Witnesses(system, np.array([1.0, 0, 0, 0]), whole=True)
    assert found.in_whole[0] and found.most[0] == 4
    assert Witnesses(system, np.array([1.0, 0, 0, 3]), whole=True).most[3] < 3


def test_a_cell_that_is_not_asked_for_has_no_witness() -> None:
    found = Witnesses(undecided([[1, -1, -1]], [-5] * 3, [5] * 3), np.array([0.0, 3, 9]), whole=True)
    assert found.proven.tolist() == [False, True, False]
    # nothing but its own bound is known of a cell that cannot rise as far
    assert found.most.tolist() == [5, 5, 5]


def test_a_system_of_no_cells_has_no_witnesses() -> None:
    found = Witnesses(undecided([], [], []), np.zeros(0), whole=True)
    assert len(found.proven) == len(found.most) == 0


def wide(seed: int, cells: int = 660, reach: int = 3) -> Undecided:
    """Draw a part too large for whole persons: rows of five cells, and bounds so narrow that they bind."""
    generator = np.random.default_rng(seed)
    lines = cells // 3
    column = np.concatenate([np.arange(cells), generator.integers(0, cells, 2 * cells)])
    row = np.concatenate([np.arange(cells) % lines, generator.integers(0, lines, 2 * cells)])
    rows = sparse.csr_array((generator.choice([-1.0, 1.0], 3 * cells), (row, column)), shape=(lines, cells))
    rows.data = np.sign(rows.data)
    rows.eliminate_zeros()
    down, up = -generator.integers(0, 2, cells).astype(float), generator.integers(0, reach, cells).astype(float)
    return Undecided(np.arange(cells), rows, down, up, components(rows))


@pytest.mark.parametrize(("seed", "whole"), [(0, False), (1, True)])
def test_cells_of_a_large_part_have_a_witness_when_a_program_finds_one(seed: int, whole: bool) -> None:
    system, generator = wide(seed), np.random.default_rng(seed)
    gap = np.where(generator.random(660) < 0.04, generator.integers(1, 3, 660), 0).astype(float)
    assert np.bincount(system.part).max() > WHOLE_LIMIT
    found = Witnesses(system, gap, whole=whole)
    asked = np.flatnonzero(gap)
    can = np.array([most(system, int(cell)) >= gap[cell] - 1e-6 for cell in asked])
    assert can.any() and not can.all()
    assert found.proven[asked].tolist() == can.tolist()
    assert (found.most[asked] < gap[asked] - 1e-6).tolist() == (~can).tolist()
    assert not found.proven[gap == 0].any() and (found.most <= system.up).all()


def hung(rows: list[list[int]], down: list[float], up: list[float]) -> Undecided:
    """Hang cells on so many that the part is large: the last is the total of these, which have room."""
    many, cells = WHOLE_LIMIT, len(down)
    below = np.zeros((len(rows) + 1, cells + many), dtype=int)
    below[:-1, :cells] = rows
    below[-1, cells - 1], below[-1, cells:] = 1, -1
    return undecided(below.tolist(), [*down, *[-9.0] * many], [*up, *[9.0] * many])


def told(system: Undecided, gaps: dict[int, float], *, whole: bool = True) -> list[tuple[int, int, str]]:
    """Look for witnesses, and give what the search tells of itself."""
    heard: list[tuple[int, int, str]] = []
    gap = np.zeros(len(system.up))
    gap[list(gaps)] = list(gaps.values())
    found = Witnesses(system, gap, whole=whole, step=lambda *said: heard.append(said))
    assert np.flatnonzero(found.proven).tolist() == [cell for cell in sorted(gaps) if gaps[cell] <= found.most[cell]]
    return heard


def test_small_parts_are_searched_cell_by_cell_and_it_is_told_how_far() -> None:
    apart = undecided([[1, -1, 0, 0, 0], [0, 0, 1, -1, 0]], [-2] * 5, [2] * 5)
    assert told(apart, {0: 1, 3: 2, 4: 1}) == [(0, 3, "hidden cells"), (1, 3, "hidden cells"), (2, 3, "hidden cells")]
    # the first's witness may be another's too: it is told of, and not looked for
    assert told(undecided([[1, -1]], [-2] * 2, [2] * 2), {0: 2, 1: 1}) == [
        (0, 2, "hidden cells"),
        (2, 2, "hidden cells"),
    ]


def test_a_large_part_is_searched_for_all_that_is_asked_at_once_and_for_nothing_else() -> None:
    system = hung([[1, -1, -1, 0], [0, 0, 1, -1]], [-5] * 4, [5] * 4)
    for whole in (True, False):
        assert told(system, {0: 3, 1: 4, 2: 2}, whole=whole) == [(3, 3, "hidden cells")]
    # the third and fourth rise together: one can do what the other cannot
    assert told(system, {2: 2, 3: 9}) == [(1, 1, "hidden cells")]


def test_whole_persons_are_looked_for_in_small_parts_only() -> None:
    # three cells by themselves, and three that hang together with many
    system = hung([[1, -1, -1, 0, 0, 0], [0, 0, 0, 1, -1, -1]], [-5] * 6, [5] * 6)
    for asked, in_whole in (([3], []), ([0, 3], [0])):
        gap = np.zeros(len(system.up))
        gap[asked] = 2.0
        found = Witnesses(system, gap, whole=True)
        assert np.flatnonzero(found.proven).tolist() == asked
        assert np.flatnonzero(found.in_whole).tolist() == in_whole


@pytest.mark.parametrize("whole", [True, False])
def test_what_nothing_bounds_has_a_witness_whichever_way_its_column_goes(whole: bool) -> None:
    # the last is the negative of the first
    system = undecided([[1, -1, -1, 0], [1, 0, 0, 1]], [-INF] * 4, [INF] * 4)
    for gap in np.eye(4) * 3:
        found = Witnesses(system, gap, whole=whole)
        assert found.proven.tolist() == (gap > 0).tolist() and (found.most == INF).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("size", "most"), [(AROUND, 2 * AROUND - 2), (AROUND + 1, 2 * AROUND - 2)])
def test_what_the_sums_around_a_cell_forbid_is_not_looked_into_further(sign: int, size: int, most: int) -> None:
    """A total that falls or rises by two for each of its parts, of which one cannot for another sum's sake."""
    parts = size - 1
    rows = np.zeros((3, 2 + parts + 2), dtype=int)
    rows[0, :2] = 1, -sign
    rows[1, 0], rows[1, 2 : 2 + parts] = 1, -1
    rows[2, 1 + parts :] = 1, -1, -1
    down, up = [-2.0] * (4 + parts), [2.0] * (4 + parts)
    down[:2], up[:2] = [-1e4] * 2, [1e4] * 2
    down[-2:], up[-2:] = [0.0] * 2, [0.0] * 2
    gap = np.zeros(4 + parts + WHOLE_LIMIT)
    gap[1] = 1e3
    found = Witnesses(hung(rows.tolist(), down, up), gap, whole=True)
    assert not found.proven[1]
    assert found.most[1] == pytest.approx(2 * parts if size == AROUND else 2 * parts - 2)


@pytest.mark.parametrize("cell", [0, 1])
def test_further_sums_are_looked_into_where_the_least_change_breaks_them(cell: int) -> None:
    """Twice a cell is the sum of two others, each half of one that a sum holds to two.

    A sum further on holds one of these to one; the sums of a large part could move without moving the cell.
    """
    sums = "+t+u", "+l-L", "+r-R", "+t-l-L+f-g", "+t-r-R-f+g", "+l-a-b", "+r-c-d", "+a-n-o"
    rows = [[line.count(f"+{each}") - line.count(f"-{each}") for each in "tulLrRabcdnofg"] for line in sums]
    room = [9.0] * 6 + [1.0] * 4 + [0.0] * 2 + [5.0] * 2
    gap = np.zeros(len(room) + WHOLE_LIMIT)
    gap[cell] = 5.0
    found = Witnesses(hung(rows, [-each for each in room], room), gap, whole=False)
    assert not found.proven[cell] and found.most[cell] == pytest.approx(4.0)


def test_near_is_measured_by_the_furthest_that_is_asked() -> None:
    for far in (1.0, 1e6):
        for short, near in ((2e-6, False), (5e-7, True)):
            system = undecided([[1, -1, -1]], [-9e6] * 3, [far * (1 - short), 9e6, 9e6])
            gap = np.array([far, 0.0, far / 1e6])
            assert Witnesses(system, gap, whole=False).proven.tolist() == [near, False, True]


@pytest.mark.parametrize("whole", [True, False])
def test_a_witness_that_does_not_add_up_is_refused(whole: bool) -> None:
    # a factor so small that the solver leaves it out, of a figure so large that it counts
    rows = sparse.csr_array(np.array([[1.0, -1.0, 1e-10, 0.0], [0.0, 0.0, 1.0, -1e9]]))
    room = np.array([1.0, 1.0, 1e9, 1.0])
    system = Undecided(np.arange(4), rows, -room, room, components(rows))
    with pytest.raises(ArithmeticError):
        Witnesses(system, np.array([0.0, 0.0, 0.0, 1.0]), whole=whole)


@pytest.mark.parametrize("seed", range(40))
def test_ranges_are_those_of_every_change(seed: int) -> None:
    system = drawn(seed, 1 + seed % 4)
    every = np.array(list(changes(system.rows, system.down, system.up)))
    for cell in range(7):
        fall, rise, decided = ranges(system, cell, whole=True)
        assert (fall, rise, decided) == (every[:, cell].min(), every[:, cell].max(), True)
        _, rise, decided = ranges(system, cell, whole=False)
        assert rise == pytest.approx(most(system, cell)) and not decided


def test_ranges_in_halves_of_persons_are_those_of_whole_ones() -> None:
    system = halves(3)
    assert ranges(system, 0, whole=True) == (0, 0, True)
    assert ranges(system, 0, whole=False) == (0, 0.5, False)
    assert ranges(system, 8, whole=True) == (0, 0, True)
    assert ranges(system, 8, whole=False) == (0, 1, False)


def test_what_nothing_bounds_ranges_without_end() -> None:
    system = undecided([[1, -1, 0], [0, 0, 1]], [-2, -INF, 0], [INF, INF, INF])
    assert ranges(system, 0, whole=True) == (-2, INF, True)
    assert ranges(system, 2, whole=True) == (0, 0, True)
    open_ = undecided([[1, 1]], [-INF, -INF], [INF, 4])
    assert ranges(open_, 0, whole=False) == (-4, INF, False)
    assert ranges(open_, 1, whole=True) == (-INF, 4, True)


def test_a_search_for_a_range_that_runs_out_of_its_budget_keeps_the_fractions() -> None:
    # weights that divide in halves by three measures at once, or not at all: nobody finds out in time
    weights = np.random.default_rng(1).integers(0, 100, (3, 20))
    rows = sparse.csr_array(np.column_stack([weights, -(weights.sum(axis=1) // 2)]).astype(float))
    system = Undecided(np.arange(21), rows, np.zeros(21), np.ones(21), components(rows))
    assert ranges(system, 20, whole=True) == (0, 1, False)
