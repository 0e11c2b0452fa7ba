"""The cells of linked tables as one system of sums, and linear programs over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from p20kit.dimensions import TOTAL
from p20kit.linked import link
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

NODES = 50
GAP = 0.5


@dataclass(frozen=True, eq=False)
class Cells:
    """Every cell once, however many tables it stands in.

    Parameters
    ----------
    counts : ndarray of int64, shape (n_cells,)
        Persons.
    names : list of str
        By-columns and codes, without `Total`: the same for the same cell in any table of any people.
    places : tuple of ndarray of int64
        Per table: the cell behind each flat position.
    sums : csr_array, shape (n_sums, n_cells)
        +1 for a parent, -1 for its parts; each row comes to zero.
    """

    counts: IntArray
    names: list[str]
    places: tuple[IntArray, ...]
    sums: csr_array


def join(tables: Sequence[Table]) -> Cells:
    """Put tables into one system; a cell two tables of the same people share is one unknown."""
    linked = link(tables)
    counts, names = np.zeros(linked.size, dtype=np.int64), [""] * linked.size
    for table, place in zip(reversed(tables), reversed(linked.unknowns), strict=True):
        counts[place] = table.counts.ravel()
        for cell, codes in zip(place.tolist(), table.labels, strict=True):
            names[cell] = repr(sorted(pair for pair in zip(table.by, codes, strict=True) if pair[1] != TOTAL))
    rows, columns, signs, height = [], [], [], 0
    for parents, parts in linked.sums:
        row = np.arange(height, height + len(parents))
        height += len(parents)
        rows += [row, np.repeat(row, parts.shape[1])]
        columns += [parents, parts.ravel()]
        signs += [np.ones(len(parents)), -np.ones(parts.size)]
    entries = (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns)))
    return Cells(counts, names, linked.unknowns, csr_array(coo_array(entries, shape=(height, linked.size))))


def solve(
    sums: csr_array, right: FloatArray, lower: FloatArray, upper: FloatArray, cost: FloatArray, *, whole: bool = False
) -> FloatArray | None:
    """Minimise a cost subject to sums, by HiGHS; the same for the same input.

    Parameters
    ----------
    sums : csr_array, shape (m, n)
    right : ndarray, shape (m,)
    lower, upper, cost : ndarray, shape (n,)
    whole : bool, default False
        Whether the solution must be whole; it is then within a tenth of the best, found among few nodes.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        None where there is no solution, or none was found within the nodes.
    """
    model = highspy.Highs()
    settings = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_max_nodes": NODES, "mip_rel_gap": GAP}
    for option, value in settings.items():
        model.setOptionValue(option, value)
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = sums.shape
    program.col_cost_, program.col_lower_, program.col_upper_ = cost, lower, upper
    program.row_lower_ = program.row_upper_ = right
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = sums.indptr.astype(np.int32)
    program.a_matrix_.index_ = sums.indices.astype(np.int32)
    program.a_matrix_.value_ = sums.data.astype(np.float64)
    model.passModel(program)
    model.run()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    found = np.array(model.getSolution().col_value)
    if not whole or np.abs(found - np.round(found)).max(initial=0.0) < 1e-6:
        return np.round(found) if whole else found
    columns = np.arange(sums.shape[1], dtype=np.int32)
    model.changeColsIntegrality(len(columns), columns, np.ones(len(columns), dtype=np.uint8))
    model.run()
    feasible = model.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    return np.round(np.array(model.getSolution().col_value)) if feasible else None
