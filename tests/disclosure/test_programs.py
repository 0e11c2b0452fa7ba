"""Programs over changes, on cases whose cheapest change is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from p20kit.errors import P20KitError
from p20kit.programs import LARGE, Solution, is_whole, solve
from tests.disclosure.changes import changes, undecided

Floats = NDArray[np.float64]
INF = np.inf


def found(
    rows: Sequence[Sequence[float]],
    down: Sequence[float],
    up: Sequence[float],
    cost: Sequence[float],
    *,
    whole: bool = False,
) -> Solution:
    matrix = sparse.csr_array(np.array(rows, dtype=float).reshape(-1, len(cost)))
    low, high, price = (np.array(each, dtype=float) for each in (down, up, cost))
    return solve(matrix, low, high, price, whole=whole)


def cheapest(rows: sparse.csr_array, down: Floats, up: Floats, cost: Floats) -> float:
    """Try every whole change."""
    return float(min(np.array(change) @ cost for change in changes(rows, down, up)))


PAIRS = [[1, 1, 0, -1, 0, 0], [0, 1, 1, 0, -1, 0], [1, 0, 1, 0, 0, -1]]
"""Three cells of which each two may rise by one together: by halves in all three, or by one whole."""


def test_the_cheapest_change_moves_what_costs_least() -> None:
    # one more in the first needs one less in the second or the third
    solution = found([[1, 1, 1]], [-4, -4, -4], [6, 4, 4], [-5, 1, 2])
    assert solution.change is not None and solution.change.tolist() == [6, -2, -4]
    assert solution.decided and not solution.unbounded


def test_halves_of_persons_are_cheaper_than_whole_ones() -> None:
    bounds = [0] * 6, [1] * 6, [-1, -1, -1, 0, 0, 0]
    halves, whole = found(PAIRS, *bounds), found(PAIRS, *bounds, whole=True)
    assert halves.change is not None and halves.change[:3].tolist() == [0.5, 0.5, 0.5]
    assert whole.change is not None and sorted(whole.change[:3].tolist()) == [0, 0, 1]
    assert whole.decided and not is_whole(halves.change) and is_whole(whole.change)


@pytest.mark.parametrize("whole", [False, True])
def test_what_nothing_bounds_is_unbounded(whole: bool) -> None:
    solution = found([[1, -1]], [0, 0], [INF, INF], [-1, 0], whole=whole)
    assert solution.change is None and solution.unbounded


@pytest.mark.parametrize("whole", [False, True])
def test_what_cannot_be_has_no_change(whole: bool) -> None:
    solution = found([[1, 1]], [1, 1], [5, 5], [-1, 0], whole=whole)
    assert solution.change is None and solution.decided and not solution.unbounded


def test_answers_that_are_whole_but_for_rounding_are_whole() -> None:
    thirds = found([[3, -1]], [0, 0], [9, 1], [-1, 0])
    assert thirds.change is not None and thirds.change[0] == pytest.approx(1 / 3)
    nearly = found([[1, -1]], [0, 0], [2 - 1e-9, 9], [-1, 0])
    assert nearly.change is not None and nearly.change.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("change", "whole"), [([2, -3.0], True), ([1 + 9e-7], True), ([1, 0.99999], False), ([1e-6], False)]
)
def test_a_millionth_of_a_person_is_nobody(change: list[float], whole: bool) -> None:
    assert is_whole(np.array(change)) is whole


def test_a_program_that_the_solver_refuses_is_an_error() -> None:
    with pytest.raises(P20KitError, match="refuses the program"):
        found([[1, -1]], [0], [1], [-1, 0])


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    found(PAIRS, [0] * 6, [1] * 6, [-1, -1, -1, 0, 0, 0], whole=True)
    assert capfd.readouterr().out == ""


def test_no_change_at_all_is_whole() -> None:
    assert is_whole(np.zeros(0))


def split(seed: int) -> sparse.csr_array:
    """Weights to be divided in two halves by three measures at once: few searches find a way."""
    weights = np.random.default_rng(seed).integers(0, 100, (3, 20))
    return sparse.csr_array(np.column_stack([weights, -(weights.sum(axis=1) // 2)]).astype(float))


def test_a_search_that_runs_out_of_its_budget_says_so() -> None:
    rows, nothing, one = split(1), np.zeros(21), np.ones(21)
    solution = solve(rows, nothing, one, -np.eye(21)[20], whole=True)
    assert not solution.decided and not solution.unbounded
    # that nothing moves is a change it knew
    assert solution.change is not None and solution.change.tolist() == nothing.tolist()
    must = solve(rows, np.eye(21)[20], one, nothing, whole=True)
    assert must.change is None and not must.decided and not must.unbounded


@pytest.mark.parametrize("seed", range(20))
def test_whole_answers_are_the_cheapest_of_all_changes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    lines = generator.choice([-1, 0, 1], size=(seed % 10, 6)).tolist()
    system = undecided(lines, -generator.integers(0, 3, 6), generator.integers(0, 3, 6))
    cost = generator.normal(size=6)
    solution = solve(system.rows, system.down, system.up, cost, whole=True)
    assert solution.change is not None
    assert solution.change @ cost == pytest.approx(cheapest(system.rows, system.down, system.up, cost))


def between(columns: int) -> int:
    """Raise one of many cells; count those that the answer leaves between their bounds."""
    generator = np.random.default_rng(0)
    signs, line = generator.choice([-1.0, 1.0], size=8000), np.repeat(np.arange(1000), 8)
    rows = sparse.csr_array((signs, (line, generator.integers(0, columns, 8000))), shape=(1000, columns))
    solution = solve(
        rows, np.full(columns, -1.0), np.full(columns, 1.0), -np.eye(1, columns, rows.indices[0]).ravel()
    )
    assert solution.change is not None and solution.change[rows.indices[0]] == pytest.approx(1)
    return int((np.abs(solution.change) < 1).sum())


def test_answers_to_small_programs_are_corners() -> None:
    # a corner leaves at most one cell of each sum between its bounds
    assert between(LARGE) <= 1000 < between(LARGE + 1)


def least(signs: Floats, down: Floats, up: Floats, cost: Floats) -> float:
    """Cheapest change of cells of one sum: the best price of a person moved (a dual bound is reached at a kink)."""
    prices = (cost / signs)[:, None]
    reduced = cost[None, :] - prices * signs[None, :]
    return float(np.minimum(reduced * down, reduced * up).sum(axis=1).max())


@pytest.mark.parametrize("columns", [46, LARGE + 1])
def test_a_solver_that_loses_its_way_begins_anew(columns: int) -> None:
    generator = np.random.default_rng(53)
    free, padding = 46, columns - 46
    signs = generator.choice([-1.0, 1.0], size=free)
    down, up = -generator.integers(0, 10, free) * 1e6, generator.integers(0, 10, free) * 1e6
    cost = generator.normal(size=free) * 1e12
    row = sparse.csr_array(np.pad(signs, (0, padding))[None, :])
    solution = solve(row, *(np.pad(each, (0, padding)) for each in (down, up, cost)))
    assert solution.change is not None
    assert solution.change[:free] @ cost == pytest.approx(least(signs, down, up, cost))
