"""Changes that break no sum: all of them are found, and the smallest that does a job is one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from p20kit.nullspace import Smallest, components, crossing, independent, moving, neighbours, null_space

Floats = NDArray[np.float64]
INF = np.inf
INF = np.inf


def sums(seed: int) -> Floats:
    """Draw rows of a total and its parts; some of them follow from others, one says nothing."""
    random = np.random.default_rng(seed)
    rows = np.zeros((12, 15))
    for row in rows[:8]:
        columns = random.permutation(15)[: random.integers(2, 6)]
        row[columns] = -1.0
        row[columns[0]] = 1.0
    rows[8] = rows[0] - rows[1]
    rows[9] = rows[2] + 2 * rows[3] - rows[4]
    rows[10] = rows[5]
    return rows


@pytest.mark.parametrize("seed", range(20))
def test_every_change_is_a_combination_of_the_basis(seed: int) -> None:
    rows = sums(seed)
    changes = null_space(sparse.csr_array(rows))
    basis = changes.toarray()
    rank = int(np.linalg.matrix_rank(rows))
    assert basis.shape == (15, 15 - rank)
    assert np.linalg.matrix_rank(basis) == 15 - rank
    assert np.abs(rows @ basis).max() < 1e-9
    # what cancels is left out
    assert changes.nnz == (np.abs(basis) > 1e-9).sum()


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_follow_from_others_are_left_out(seed: int) -> None:
    rows = sums(seed)
    kept = independent(sparse.csr_array(rows))
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert len(kept) == np.linalg.matrix_rank(rows) == np.linalg.matrix_rank(rows[kept])


def test_rows_cross_columns_in_which_they_have_anything() -> None:
    rows = sparse.csr_array(np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, -1.0, -1.0]]))
    for either in (rows, rows.tocsc()):
        assert crossing(either, np.array([0, 2])).toarray().tolist() == [[1.0, -1.0], [1.0, -1.0]]
        assert crossing(either, np.array([1])).toarray().tolist() == [[1.0], [-1.0]]


def test_short_rows_are_kept_before_a_long_one_that_follows() -> None:
    one, other = [1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]
    together = [1.0, -1.0, 1.0, -1.0]
    assert independent(sparse.csr_array(np.array([together, one, other]))).tolist() == [1, 2]


def test_without_rows_every_column_moves_by_itself() -> None:
    nothing = sparse.csr_array((0, 3))
    assert independent(nothing).tolist() == []
    assert null_space(nothing).toarray().tolist() == np.eye(3).tolist()


def test_where_every_column_is_determined_nothing_moves() -> None:
    assert null_space(sparse.csr_array(np.array([[1.0, -1.0], [1.0, 1.0]]))).shape == (2, 0)


def smallest(rows: Floats, down: Floats, up: Floats) -> Smallest:
    return Smallest(null_space(sparse.csr_array(rows)), down, up, furthest=5.0, near=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_a_change_breaks_nothing_and_is_found_only_where_there_is_one(seed: int) -> None:
    random, rows = np.random.default_rng(seed), sums(seed)
    down, up = -random.integers(0, 5, 15).astype(float), random.integers(0, 7, 15).astype(float)
    search, found = smallest(rows, down, up), 0
    for column in range(15):
        for by in (3.0, -2.0):
            change = search.change(column, by)
            bounds = [(by, by) if each == column else (down[each], up[each]) for each in range(15)]
            possible = down[column] <= by <= up[column]
            possible = possible and linprog(np.zeros(15), A_eq=rows, b_eq=np.zeros(12), bounds=bounds).status == 0
            if change is None:
                continue
            found += 1
            assert possible
            assert np.abs(rows @ change).max() < 1e-6
            assert change[column] == pytest.approx(by, abs=1e-6)
            assert (change <= up + 1e-6).all()
            assert (change >= down - 1e-6).all()
    assert found or seed % 3


def test_what_has_no_room_is_held_and_the_others_do_its_part() -> None:
    rows = np.array([[1.0, -1.0, -1.0, -1.0]])
    change = smallest(rows, np.array([-5.0, -3.0, 0.0, -1.0]), np.array([5.0, 3.0, 0.0, 1.0])).change(0, 4.0)
    assert change is not None
    assert change.tolist() == pytest.approx([4.0, 3.0, 0.0, 1.0], abs=1e-6)


def test_a_column_with_more_room_does_more() -> None:
    rows = np.array([[1.0, -1.0, -1.0]])
    change = smallest(rows, np.array([-5.0, -1.0, -4.0]), np.array([5.0, 1.0, 4.0])).change(0, 1.0)
    assert change is not None
    assert change[2] > 10 * change[1] > 0


def test_what_each_does_goes_with_the_square_of_its_narrower_room() -> None:
    rows = np.array([[1.0, -1.0, -1.0, -1.0]])
    down, up = np.array([-9.0, -1.0, -4.0, -2.0]), np.array([9.0, 3.0, 2.0, 9.0])
    change = smallest(rows, down, up).change(0, 1.8)
    assert change is not None
    assert change.tolist() == pytest.approx([1.8, 0.2, 0.8, 0.8], abs=1e-6)


def test_room_beyond_the_furthest_is_as_good_as_more() -> None:
    change = smallest(np.array([[1.0, -1.0, -1.0]]), np.full(3, -INF), np.array([9.0, 500.0, INF])).change(0, 3.0)
    assert change is not None
    assert change.tolist() == pytest.approx([3.0, 1.5, 1.5], abs=1e-6)


def test_the_most_broken_bound_is_kept_first_and_relieves_what_breaks_with_it() -> None:
    """A total of two parts, of which one is five times a sum of two: it is these ten that break after it."""
    rows = np.zeros((6, 13))
    rows[0, :3] = 1.0, -1.0, -1.0
    for each in range(5):
        rows[1 + each, [2, 3 + each, 8 + each]] = 1.0, -1.0, -1.0
    down, up = np.array([-20.0, -1.0, -2.0] + [-2.5] * 10), np.array([20.0, 20.0, 2.0] + [2.5] * 10)
    change = Smallest(null_space(sparse.csr_array(rows)), down, up, furthest=20.0, near=1e-6).change(0, 10.0)
    assert change is not None
    assert change[:3].tolist() == pytest.approx([10.0, 8.0, 2.0], abs=1e-6)
    assert (change <= up + 1e-6).all()


def test_two_that_can_only_move_against_each_other_do_not_rise_together() -> None:
    rows = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, -1.0]])
    room = np.full(3, 5.0)
    search = smallest(rows, -room, np.array([5.0, 5.0, 1.0]))
    assert search.change(0, 2.0) is not None
    assert search.change(0, -2.0) is None


def chains(lengths: list[int]) -> sparse.csr_array:
    """Write rows of two within each chain of columns, then one row across all chains."""
    ends = np.cumsum(lengths)
    inside = [at for at in range(ends[-1] - 1) if at + 1 not in ends]
    rows = np.zeros((len(inside) + 1, ends[-1]))
    for row, at in enumerate(inside):
        rows[row, [at, at + 1]] = 1.0, -1.0
    rows[-1, ends - 1] = 1.0
    return sparse.csr_array(rows)


@pytest.mark.parametrize(("most", "groups"), [(12, [12]), (11, [3, 4, 5]), (5, [3, 4, 5]), (4, [1, 3, 4, 4])])
def test_neighbours_stay_together_and_long_rows_are_cut_first(most: int, groups: list[int]) -> None:
    rows = chains([3, 4, 5])
    found = neighbours(rows, most)
    assert sorted(np.unique(found, return_counts=True)[1].tolist()) == groups
    assert found.tolist() == neighbours(rows, most).tolist()
    assert len(set(found[:3].tolist())) == 1


@pytest.mark.parametrize("seed", range(10))
def test_with_room_for_all_neighbours_are_what_rows_connect(seed: int) -> None:
    rows = sparse.csr_array(sums(seed)[:4])
    part, found = components(rows), neighbours(rows, 15)
    assert (
        len(set(zip(part.tolist(), found.tolist(), strict=True)))
        == len(set(found.tolist()))
        == len(set(part.tolist()))
    )
    assert np.unique(neighbours(rows, 4), return_counts=True)[1].max() <= 4


@pytest.mark.parametrize("seed", range(20))
def test_columns_that_no_change_moves_follow_and_only_they(seed: int) -> None:
    rows = sums(seed)
    basis = null_space(sparse.csr_array(rows)).toarray()
    assert moving(sparse.csr_array(rows)).tolist() == (np.abs(basis).max(axis=1, initial=0.0) > 1e-9).tolist()
    circle = sparse.csr_array(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0]]))
    assert moving(circle).tolist() == [False, False, False, True]
