"""The cells of linked tables as one system of sums, and linear programs over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from p20kit.dimensions import TOTAL
from p20kit.linked import link
from p20kit.solver import is_whole, program, solution, whole_solution
from p20kit.system import relations
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

NODES = 50
GAP = 0.5
"""What of the cost of a whole solution may be more than the least: rounding needs a good one soon, not the best."""


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
    sums : csr_matrix, shape (n_sums, n_cells)
        +1 for a parent, -1 for its parts; each row comes to zero.
    """

    counts: IntArray
    names: list[str]
    places: tuple[IntArray, ...]
    sums: csr_matrix


def join(tables: Sequence[Table]) -> Cells:
    """Put tables into one system; a cell two tables of the same people share is one unknown."""
    linked = link(tables)
    counts, names = np.zeros(linked.size, dtype=np.int64), [""] * linked.size
    for table, place in zip(reversed(tables), reversed(linked.unknowns), strict=True):
        counts[place] = table.counts.ravel()
        for cell, codes in zip(place.tolist(), table.labels, strict=True):
            names[cell] = repr(sorted(pair for pair in zip(table.by, codes, strict=True) if pair[1] != TOTAL))
    return Cells(counts, names, linked.unknowns, relations(linked)[0])


def solve(
    sums: csr_matrix,
    right: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    cost: FloatArray,
    *,
    whole: bool = False,
) -> FloatArray | None:
    """Minimise a cost subject to sums, by HiGHS; the same for the same input.

    Parameters
    ----------
    sums : csr_matrix, shape (m, n)
    right : ndarray, shape (m,)
    lower, upper, cost : ndarray, shape (n,)
    whole : bool, default False
        Whether the solution must be whole; it then costs at most twice what the best does, as far as
        few nodes tell.

    Returns
    -------
    ndarray of float64, shape (n,), or None
        None where there is no solution, or none was found within the nodes.
    """
    model = program(sums, cost, lower, upper, right, right)
    found = solution(model)
    if found is None or not whole:
        return found
    model.setOptionValue("mip_rel_gap", GAP)
    return np.round(found) if is_whole(found) else whole_solution(model, NODES)
