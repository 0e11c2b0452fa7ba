"""Programs: the answer is the same whichever method finds it, and where there is none that is said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

from p20kit import solver
from p20kit.solver import INFINITE, program, solution, whole_solution


@pytest.mark.parametrize(("warm", "patience"), [(0, 0), (0, 3), (1, 5_000), (300, 5_000)])
def test_a_program_on_which_the_simplex_method_takes_long_is_solved_all_the_same(
    warm: int, patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver, "WARM", warm)
    monkeypatch.setattr(solver, "PATIENCE", patience)
    random = np.random.default_rng(5)
    rows = random.integers(-1, 3, (20, 40)).astype(float)
    most = rows @ random.random(40)
    model = program(
        sparse.csr_matrix(rows), np.zeros(40), np.zeros(40), np.full(40, 9.0), np.full(20, -INFINITE), most
    )
    for _ in range(3):
        cost = random.random(40) - 0.2
        model.changeColsCost(40, np.arange(40, dtype=np.int32), cost)
        expected = linprog(cost, A_ub=rows, b_ub=most, bounds=(0, 9))
        found = solution(model)
        assert found is not None and cost @ found == pytest.approx(expected.fun, abs=1e-6)
        assert (rows @ found <= most + 1e-6).all()
    whole = whole_solution(model, 500)
    assert whole is not None and (rows @ whole <= most + 1e-6).all() and (whole == np.round(whole)).all()
    assert cost @ whole >= expected.fun - 1e-6


@pytest.mark.parametrize("patience", [0, 5_000])
def test_what_cannot_be_met_has_no_solution(patience: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "PATIENCE", patience)
    rows, zero = sparse.csr_matrix(np.array([[1.0, 1.0, 1.0], [1.0, -1.0, 2.0]])), np.zeros(3)
    model = program(rows, zero, zero, np.ones(3), np.array([2.5, 2.9]), np.array([2.6, 3.0]))
    assert solution(model) is None
