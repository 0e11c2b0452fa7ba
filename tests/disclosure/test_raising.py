"""A search for changes that raise many cells: what it yields can be done, and it finds nearly all that can be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from p20kit.nullspace import tied
from p20kit.raising import BATCH, FEWEST, NEIGHBOURS, Raising, wanted

Floats = NDArray[np.float64]
NEAR = 1e-6


def system(seed: int, size: int) -> tuple[sparse.csr_array, Floats, Floats, Floats]:
    """Draw sums of a total and three parts, bounds, and how far some columns must fall or rise."""
    random = np.random.default_rng(seed)
    many = size // 2
    column = random.permutation(np.arange(4 * many) % size)
    row = np.repeat(np.arange(many), 4)
    rows = sparse.csr_array((np.tile([1.0, -1.0, -1.0, -1.0], many), (row, column)), shape=(many, size))
    down, up = -random.integers(0, 4, size).astype(float), random.integers(0, 6, size).astype(float)
    goal = np.where(random.random((2, size)) < 0.3, random.integers(1, 5, (2, size)), 0).astype(float)
    return rows, down, up, goal


def within_reach(rows: sparse.csr_array, down: Floats, up: Floats, goal: Floats) -> NDArray[np.bool_]:
    """Tell which goals some change meets, by a program each."""
    can = np.zeros(goal.shape, dtype=bool)
    for side, column in np.argwhere(goal > 0).tolist():
        bounds = np.column_stack([down, up])
        bounds[column] = goal[side, column] * (1 if side else -1)
        possible = down[column] <= bounds[column, 0] <= up[column]
        found = possible and linprog(np.zeros(len(up)), A_eq=rows, b_eq=np.zeros(rows.shape[0]), bounds=bounds)
        can[side, column] = bool(found) and found.status == 0
    return can


def met(rows: sparse.csr_array, down: Floats, up: Floats, goal: Floats) -> NDArray[np.bool_]:
    """Give the goals that the changes meet, each of which must break nothing and be the first to meet some."""
    done = np.zeros(goal.shape, dtype=bool)
    for moved in Raising(rows, down, up, goal, near=NEAR).changes():
        assert np.abs(rows @ moved).max() < 10 * NEAR
        assert (moved >= down[:, None] - 10 * NEAR).all() and (moved <= up[:, None] + 10 * NEAR).all()
        far = np.array([-moved.min(axis=1), moved.max(axis=1)])
        done |= (goal > 0) & (far >= goal - 10 * NEAR)
    return done


@pytest.mark.parametrize("seed", range(12))
def test_what_is_met_is_within_reach_and_most_within_reach_is_met(seed: int) -> None:
    drawn = system(seed, 60)
    can, done = within_reach(*drawn), met(*drawn)
    assert not (done & ~can).any()
    assert done.sum() >= 0.75 * can.sum() > 0


def test_a_part_with_more_columns_is_raised_by_programs() -> None:
    """One long part beside a short one: each column stands in two sums of three, its neighbours in both."""
    size = NEIGHBOURS + 1
    at = np.arange(size - 2)
    entries = np.concatenate([at, at, at]), np.concatenate([at, at + 1, at + 2])
    long = sparse.csr_array((np.repeat([1.0, -1.0, -1.0], size - 2), entries), shape=(size - 2, size))
    short = sparse.csr_array(np.array([[1.0, -1.0, -1.0]]))
    rows = sparse.csr_array(sparse.block_diag([long, short]))
    room, goal = np.full(size + 3, 5.0), np.zeros((2, size + 3))
    goal[0, :200:9], goal[1, :200:7], goal[1, -1], goal[0, -2] = 0.5, 0.5, 2.0, 6.0
    done = met(rows, -room, room, goal)
    assert done[1, -1] and not done[0, -2]
    # far along the part changes grow as Fibonacci's numbers do, and leave their bounds
    assert done[:, :200].sum() >= 1 and not done[goal == 0].any()


def test_nothing_is_looked_for_where_nothing_is_asked_or_bounds_forbid_it() -> None:
    rows, room = sparse.csr_array(np.array([[1.0, -1.0, -1.0]])), np.full(3, 2.0)
    beyond = np.array([[0.0, 0.0, 3.0], [2.5, 0.0, 0.0]])
    assert list(Raising(rows, -room, room, np.zeros((2, 3)), near=NEAR).changes()) == []
    assert list(Raising(rows, -room, room, beyond, near=NEAR).changes()) == []


def test_a_goal_met_on_the_way_is_not_looked_for_again() -> None:
    # all three move together: one change raises them all, and one lowers them
    rows = sparse.csr_array(np.array([[1.0, -1.0, 0.0], [0.0, 1.0, -1.0]]))
    room, goal = np.full(3, 5.0), np.full((2, 3), 4.0)
    found = np.hstack(list(Raising(rows, -room, room, goal, near=NEAR).changes()))
    assert found.shape[0] == 3 and sorted(set(found[0].round(6).tolist())) == [-4.0, 4.0]


def together(size: int, sign: float = 1.0) -> sparse.csr_array:
    """Write rows by which all columns change by the same, or each by the opposite of the one before."""
    return sparse.csr_array(sparse.diags_array([1.0, -sign], offsets=[0, 1], shape=(size - 1, size)))


def test_goals_met_are_not_looked_for_in_later_batches() -> None:
    size, room = BATCH + 6, np.full(BATCH + 6, 5.0)
    found = list(Raising(together(size), -room, room, np.full((2, size), 4.0), near=NEAR).changes())
    # the first batch takes all down, the second all up, and nothing is left for a third
    assert [each.shape for each in found] == [(size, BATCH), (size, BATCH - 6)]
    assert found[0] == pytest.approx(-4.0) and found[1] == pytest.approx(4.0)


def test_changes_that_take_columns_down_count_for_those_they_take_up() -> None:
    size, room = BATCH + 6, np.full(BATCH + 6, 5.0)
    found = list(Raising(together(size, -1.0), -room, room, np.full((2, size), 4.0), near=NEAR).changes())
    assert [each.shape for each in found] == [(size, BATCH)]


def test_a_goal_just_missed_is_looked_for_and_one_met_by_a_hair_is_not() -> None:
    size, room = BATCH + 6, np.full(BATCH + 6, 5.0)
    for last, columns in ((4.0 + NEAR / 2, [BATCH]), (4.0 + 10 * NEAR, [BATCH, 1])):
        goal = np.zeros((2, size))
        goal[1], goal[1, -1] = 4.0, last
        found = Raising(together(size), -room, room, goal, near=NEAR).changes()
        assert [each.shape[1] for each in found] == columns


def test_a_column_goes_as_far_as_its_bounds_and_no_further() -> None:
    rows, room = sparse.csr_array(np.array([[1.0, -1.0, -1.0]])), np.array([4.0, 2.0, 2.0])
    goal = np.array([[4.0, 0.0, 0.0], [0.0, 2.0, 0.0]])
    assert (met(rows, -room, room, goal) == (goal > 0)).all()
    assert not met(rows, -room, room, goal * 1.1).any()


def test_a_column_that_a_row_holds_stays_where_it_is() -> None:
    rows = sparse.csr_array(np.array([[1.0, 0.0, 0.0], [1.0, -1.0, -1.0]]))
    goal = np.array([[0.0, 0.0, 0.0], [2.0, 3.0, 0.0]])
    assert met(rows, np.full(3, -5.0), np.full(3, 5.0), goal).tolist() == [[False] * 3, [False, True, False]]


def test_what_a_change_takes_is_shared_by_all_that_have_room() -> None:
    size = 25
    rows = sparse.csr_array(np.array([[1.0] + [-1.0] * (size - 1)]))
    room, goal = np.full(size, 9.0), np.zeros((2, size))
    goal[1, 0] = 6.0
    (found,) = Raising(rows, -room, room, goal, near=NEAR).changes()
    assert found[:, 0].tolist() == pytest.approx([6.0] + [0.25] * (size - 1))


def test_smallest_changes_are_looked_for_in_a_part_of_just_as_many_columns() -> None:
    goal = np.zeros((2, NEIGHBOURS))
    goal[:, 0] = 4.0
    (found,) = Raising(
        together(NEIGHBOURS), np.full(NEIGHBOURS, -5.0), np.full(NEIGHBOURS, 5.0), goal, near=NEAR
    ).changes()
    assert found.shape == (NEIGHBOURS, 2)


def star() -> tuple[sparse.csr_array, Floats]:
    """Write the row of a total of more parts than smallest changes are looked for in, and what room each has."""
    return sparse.csr_array(np.array([[1.0] + [-1.0] * NEIGHBOURS])), np.full(NEIGHBOURS + 1, 5.0)


def test_a_program_raises_about_a_tenth_of_what_is_asked_in_a_large_part() -> None:
    rows, room = star()
    goal = np.zeros((2, len(room)))
    goal[0, 1:1001], goal[1, 1001:2001] = 2.0, 3.0
    found = next(Raising(rows, -room, room, goal, near=NEAR).changes())
    assert found.shape == (len(room), 1) and np.abs(rows @ found).max() < 10 * NEAR
    # what is not raised by the program may end elsewhere, but not just there
    fallen, risen = np.isclose(found[1:1001], -2.0).sum(), np.isclose(found[1001:2001], 3.0).sum()
    assert 70 < fallen < 130 and 70 < risen < 130


def test_the_last_few_are_raised_together_and_goals_out_of_bounds_take_no_turn() -> None:
    rows, room = star()
    goal = np.zeros((2, len(room)))
    goal[1, 1 : FEWEST + 1], goal[0, 100:200] = 2.0, 6.0
    (found,) = Raising(rows, -room, room, goal, near=NEAR).changes()
    assert found[1 : FEWEST + 1, 0] == pytest.approx(2.0)


def test_a_column_of_a_large_part_that_must_fall_and_rise_does_one_of_them_at_a_time() -> None:
    rows, room = star()
    goal = np.zeros((2, len(room)))
    # it falls more easily, and rises first
    goal[:, 7] = 1.0, 3.0
    (found,) = Raising(rows, -room, room, goal, near=NEAR).changes()
    assert found[7] == pytest.approx(3.0)


@pytest.mark.parametrize("at_once", [FEWEST - 1, FEWEST])
def test_programs_end_with_one_that_takes_few(at_once: int) -> None:
    # nothing falls, and the total rises as far as some parts must: no change takes more of them
    rows, room = star()
    goal = np.zeros((2, len(room)))
    room[0], goal[1, 1:51] = 2.0 * at_once, 2.0
    found = list(Raising(rows, np.zeros(len(room)), room, goal, near=NEAR).changes())
    assert [int(np.isclose(each[1:51], 2.0).sum()) for each in found[:-1]] == [FEWEST] * (len(found) - 1)
    assert (len(found) > 1) == (at_once == FEWEST)


def test_a_cell_tied_to_the_negative_of_another_rises_when_their_column_falls() -> None:
    moves, _ = tied(sparse.csr_array(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])))
    goal = wanted(moves, np.array([2.0, 3.0, 4.0, 1.0]))
    sign = moves.toarray()
    opposed = int(np.flatnonzero(sign[0])[0])
    alike = int(np.flatnonzero(sign[2])[0])
    assert sign[0, opposed] == -sign[1, opposed] and sign[2, alike] == sign[3, alike]
    assert sorted(goal[:, opposed].tolist()) == [2.0, 3.0]
    assert goal[int(sign[0, opposed] > 0), opposed] == 2.0
    # the furthest of those that rise together
    assert sorted(goal[:, alike].tolist()) == [0.0, 4.0]
    assert wanted(moves, np.zeros(4)).tolist() == np.zeros((2, 2)).tolist()
