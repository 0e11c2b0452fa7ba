"""Linear and mixed programs on HiGHS from sparse rows; one thread and fixed seeds: equal input, equal output."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float64]
INFINITE = highspy.kHighsInf
TOLERANCE = 1e-6
"""How far from a whole number, or from a bound, a solution of HiGHS may stand and still be taken as on it."""
WARM, PATIENCE = 300, 5_000
"""Iterations of the simplex method from where it ended before, and from a fresh start, until another way is taken."""


def program(
    rows: sparse.csr_matrix,
    cost: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    row_lower: FloatArray,
    row_upper: FloatArray,
) -> highspy.Highs:
    """Pass a program `min cost x` with `row_lower <= rows x <= row_upper`, `lower <= x <= upper` to HiGHS.

    Parameters
    ----------
    rows : csr_matrix, shape (m, n)
    cost, lower, upper : ndarray of float64, shape (n,)
    row_lower, row_upper : ndarray of float64, shape (m,)
    """
    model = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 1e-6)):
        model.setOptionValue(option, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_, lp.row_upper_ = row_lower, row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = rows.indptr.astype(np.int32)
    lp.a_matrix_.index_ = rows.indices.astype(np.int32)
    lp.a_matrix_.value_ = rows.data.astype(np.float64)
    model.passModel(lp)
    return model


def solution(model: highspy.Highs) -> FloatArray | None:
    """Run a program; None where it has no optimal solution."""
    # from an old solution the simplex method may wander for seconds where presolve and a fresh start take a part of
    # one; among many equal prices it may wander for minutes where an interior point takes seconds
    for limit in (WARM, PATIENCE) if model.getBasis().valid else (PATIENCE,):
        model.setOptionValue("simplex_iteration_limit", limit)
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kIterationLimit:
            break
        model.clearSolver()
    model.setOptionValue("simplex_iteration_limit", highspy.kHighsIInf)
    if model.getModelStatus() == highspy.HighsModelStatus.kNotset:
        model.setOptionValue("solver", "ipm")
        model.run()
        model.setOptionValue("solver", "choose")
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return np.array(model.getSolution().col_value)


def whole_solution(model: highspy.Highs, nodes: int) -> FloatArray | None:
    """Run a program with every column whole, and make the columns fractional again.

    Parameters
    ----------
    model : Highs
    nodes : int
        Branch-and-bound nodes at most: the limit that keeps this deterministic and short.

    Returns
    -------
    ndarray of float64 or None
        The best whole solution found; None where none was.
    """
    columns = np.arange(model.getNumCol(), dtype=np.int32)
    model.setOptionValue("mip_max_nodes", nodes)
    model.changeColsIntegrality(len(columns), columns, np.ones(len(columns), dtype=np.uint8))
    model.run()
    found = np.round(np.array(model.getSolution().col_value)) if has_solution(model) else None
    model.changeColsIntegrality(len(columns), columns, np.zeros(len(columns), dtype=np.uint8))
    return found


def is_whole(values: FloatArray) -> bool:
    """Tell whether every value is whole, within the solver's tolerance."""
    return bool(np.abs(values - np.round(values)).max(initial=0.0) < TOLERANCE)


def has_solution(model: highspy.Highs) -> bool:
    """Tell whether a run came to a solution, be it the best or not."""
    return bool(model.getInfo().primal_solution_status == 2)
