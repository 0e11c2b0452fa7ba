"""Cells that change together, on systems small enough to know every change."""

from __future__ import annotations

import numpy as np
import pytest

from p20kit.ties import Tied, tie
from tests.disclosure.changes import changes, undecided


def far(n: int) -> tuple[list[float], list[float]]:
    return [-9.0] * n, [9.0] * n


def moves(tied: Tied) -> list[list[float]]:
    """What one more in each column makes of the cells."""
    return [[float(n) for n in column] for column in tied.moves.toarray().T]


def rows(tied: Tied) -> list[list[float]]:
    return [[float(n) for n in row] for row in tied.rows.toarray()]


def test_two_cells_of_one_sum_are_one_and_its_negative() -> None:
    tied = tie(undecided([[0, -1, -1]], *far(3)))
    assert moves(tied) == [[1, 0, 0], [0, 1, -1]]
    assert rows(tied) == []
    assert tied.part[0] != tied.part[1]


def test_a_total_with_one_unknown_part_changes_as_the_part_does() -> None:
    assert moves(tie(undecided([[1, 0, -1], [0, 1, 0]], *far(3)))) == [[1, 0, 1]]


def test_a_chain_of_ties_is_one_column() -> None:
    tied = tie(undecided([[1, -1, 0, 0], [0, 1, 1, 0], [0, 0, -1, -1]], *far(4)))
    assert moves(tied) == [[1, 1, -1, 1]]


def test_a_cell_tied_to_its_own_negative_does_not_change() -> None:
    # a cell and its partner are equal by one sum and opposed by another
    tied = tie(undecided([[1, -1, 0, 0], [1, 1, 0, 0], [0, 1, -1, -1]], *far(4)))
    assert moves(tied) == [[0, 0, 1, -1]]
    assert tied.rise.tolist() == [0, 0, 9, 9]


def test_three_cells_that_are_opposed_in_pairs_do_not_change() -> None:
    assert moves(tie(undecided([[1, 1, 0], [0, 1, 1], [1, 0, 1]], *far(3)))) == []


def test_ties_make_further_ties() -> None:
    # the first two cells are opposed, so the long sum is one of the other two
    tied = tie(undecided([[1, 1, 0, 0], [-1, -1, 1, -1]], *far(4)))
    assert moves(tied) == [[1, -1, 0, 0], [0, 0, 1, 1]]


def test_ties_may_leave_a_sum_of_one_cell() -> None:
    # where two cells are equal, a third that is their difference is nothing
    assert moves(tie(undecided([[1, -1, 0], [1, -1, -1]], *far(3)))) == [[1, 1, 0]]


def test_a_sum_that_counts_a_tie_twice_ties_nothing_further() -> None:
    tied = tie(undecided([[1, -1, 0], [-1, -1, 1]], *far(3)))
    assert moves(tied) == [[1, 1, 0], [0, 0, 1]]
    assert rows(tied) == [[-2, 1]]
    assert tied.part[0] == tied.part[1]


def test_sums_that_count_ties_twice_are_no_ties_wherever_they_stand() -> None:
    # the middle two are one; the sums beside each other say that it is half of the first and half of the last
    tied = tie(undecided([[0, 1, -1, 0], [1, -1, -1, 0], [0, 1, 1, -1]], *far(4)))
    assert moves(tied) == [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    assert rows(tied) == [[1, -2, 0], [0, 2, -1]]


def test_sums_of_three_stay_and_say_what_hangs_together() -> None:
    system = [[1, -1, -1, 0, 0, 0], [0, 0, 0, 1, -1, 0], [0, 0, 0, 0, 1, -1]]
    tied = tie(undecided(system, *far(6)))
    assert rows(tied) == [[1, -1, -1, 0]]
    assert moves(tied)[3] == [0, 0, 0, 1, 1, 1]
    assert len(set(tied.part[:3].tolist())) == 1 and tied.part[3] not in tied.part[:3]


def test_the_narrowest_bound_of_a_tie_holds_for_all_of_it() -> None:
    # equal, equal, opposed
    tied = tie(undecided([[1, -1, 0], [0, 1, 1]], [-5, -3, -7], [6, 8, 2]))
    assert (tied.down.tolist(), tied.up.tolist()) == ([-2], [6])
    assert tied.rise.tolist() == [6, 6, 2]
    tied = tie(undecided([[1, -1, 0], [0, 1, 1]], [-5, -3, -4], [6, 8, 9]))
    assert (tied.down.tolist(), tied.up.tolist()) == ([-3], [4])
    assert tied.rise.tolist() == [4, 4, 3]


def test_a_tie_that_nothing_bounds_is_open() -> None:
    tied = tie(undecided([[1, 1]], [-np.inf, -2], [np.inf, np.inf]))
    assert (tied.down.tolist(), tied.up.tolist()) == ([-np.inf], [2])
    assert tied.rise.tolist() == [2, np.inf]


def test_a_system_of_no_cells_has_no_ties() -> None:
    tied = tie(undecided([], [], []))
    assert tied.moves.shape == (0, 0) and tied.rise.tolist() == []


@pytest.mark.parametrize("seed", range(40))
def test_ties_leave_every_change_and_add_none(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lines = generator.choice([-1, 0, 0, 1], size=(int(generator.integers(1, 5)), 6))
    system = undecided(lines.tolist(), -generator.integers(0, 3, 6), generator.integers(0, 3, 6))
    tied = tie(system)
    of_tied = [tuple(int(n) for n in tied.moves @ np.array(t)) for t in changes(tied.rows, tied.down, tied.up)]
    assert len(of_tied) == len(set(of_tied))
    every = changes(system.rows, system.down, system.up)
    assert set(of_tied) == every
    assert (tied.rise >= np.max(list(every), axis=0)).all()
    assert all(len(set(tied.part[np.flatnonzero(row)])) == 1 for row in tied.rows.toarray())
