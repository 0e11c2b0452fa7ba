"""A search for changes that raise many cells: what it yields can be done, and it finds nearly all that can be."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from p20kit.nullspace import tied
from p20kit.raising import NEIGHBOURS, Raising, wanted

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
