"""Linear and whole-number programs over changes of a table that no reader can tell from the truth, on HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from p20kit.attack import NEAR
from p20kit.errors import P20KitError

FloatArray = NDArray[np.float64]

NODES = 500
LARGE = 5_000
"""Columns from which an interior point beats the simplex method; its answers are rarely of whole persons."""

_STATUS = highspy.HighsModelStatus


@dataclass(frozen=True, eq=False)
class Solution:
    """What a program came to.

    Parameters
    ----------
    change : ndarray of float64 or None
        None where there is none, where nothing bounds it, or where a search found none within its budget.
    unbounded : bool
    decided : bool
        Whether the optimum is proven; False where a search in whole persons ran out of its budget.
    """

    change: FloatArray | None
    unbounded: bool = False
    decided: bool = True


def solve(
    rows: sparse.csr_array, down: FloatArray, up: FloatArray, cost: FloatArray, *, whole: bool = False
) -> Solution:
    """Find the cheapest change.

    Parameters
    ----------
    rows : csr_array, shape (m, n)
        Changes add up to nothing along each.
    down, up : ndarray of float64, shape (n,)
    cost : ndarray of float64, shape (n,)
    whole : bool, default False
        In whole persons.

    Raises
    ------
    P20KitError
        If the solver refuses the program or gives up on it.
    """
    model = _highs(_program(rows, down, up, cost, whole=whole))
    if len(cost) > LARGE and not whole:
        model.setOptionValue("solver", "ipm")
        model.setOptionValue("run_crossover", "off")
    return _solution(model)


def _highs(program: highspy.HighsLp) -> highspy.Highs:
    model = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("mip_max_nodes", NODES)):
        model.setOptionValue(option, value)
    # a solver that refuses a program would solve an empty one
    if model.passModel(program) == highspy.HighsStatus.kError:
        raise P20KitError("the audit could not decide a bound: the solver refuses the program")
    return model


def _solution(model: highspy.Highs) -> Solution:
    model.run()
    if model.getModelStatus() == _STATUS.kUnknown:
        # an interior point may lose its way: begin anew, by the simplex method
        model.clearSolver()
        model.setOptionValue("solver", "choose")
        model.run()
    status = model.getModelStatus()
    if status in (_STATUS.kUnbounded, _STATUS.kUnboundedOrInfeasible):
        return Solution(None, unbounded=True)
    if status == _STATUS.kInfeasible:
        return Solution(None)
    found = model.getSolution()
    change = np.array(found.col_value)
    if status == _STATUS.kSolutionLimit:
        return Solution(np.round(change) if found.value_valid else None, decided=False)
    if status != _STATUS.kOptimal:
        raise P20KitError(f"the audit could not decide a bound: solver status {status.name}")
    return Solution(np.round(change) if is_whole(change) else change)


def is_whole(change: FloatArray) -> bool:
    """Tell whether a change is one of whole persons."""
    return bool(np.abs(change - np.round(change)).max(initial=0.0) < NEAR)


def _program(
    rows: sparse.csr_array, down: FloatArray, up: FloatArray, cost: FloatArray, *, whole: bool
) -> highspy.HighsLp:
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = rows.shape
    program.col_cost_ = cost
    program.col_lower_, program.col_upper_ = down, up
    program.row_lower_ = program.row_upper_ = np.zeros(rows.shape[0])
    matrix = program.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.num_row_, matrix.num_col_ = rows.shape
    matrix.start_, matrix.index_ = rows.indptr.astype(np.int32), rows.indices.astype(np.int32)
    matrix.value_ = rows.data
    if whole:
        program.integrality_ = [highspy.HighsVarType.kInteger] * rows.shape[1]
    return program
