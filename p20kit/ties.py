"""Cells that can only change together, as one: what is left to a search for witnesses once sums of two are used up.

A sum with two unknown cells ties them: what one gains the other gains, or loses. Cells tied so, directly or by a
chain, are one column of a smaller system, in which further sums may come to be of two cells; and a cell tied to its
own negative cannot change at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from p20kit.attack import FloatArray, IntArray, Undecided, components
from p20kit.nullspace import independent


@dataclass(frozen=True, eq=False)
class Tied:
    """Changes of a system in fewer columns.

    Parameters
    ----------
    moves : csr_array of float64, shape (n, k)
        What one more in each of k columns makes of the n cells: 1, -1 or nothing. No cell is in two columns.
    rows : csr_array of float64, shape (m, k)
        Along every row the changes add up to nothing; as few as say what all sums of the system say.
    down, up : ndarray of float64, shape (k,)
        How far each column may fall (at most 0) and rise (at least 0).
    part : ndarray of int64, shape (k,)
        Connected component.
    """

    moves: sparse.csr_array
    rows: sparse.csr_array
    down: FloatArray
    up: FloatArray
    part: IntArray

    @property
    def rise(self) -> FloatArray:
        """How far the bounds of all cells tied to it let each of the n cells rise; shape (n,)."""
        forward, backward = self.moves.maximum(0), (-self.moves).maximum(0)
        return np.asarray(forward @ self.up - backward @ self.down)


def tie(system: Undecided) -> Tied:
    """Put cells that can only change together into one column.

    Parameters
    ----------
    system : Undecided

    Returns
    -------
    Tied
    """
    moves = sparse.csr_array(sparse.eye_array(len(system.cells)))
    while (further := _further(_without_zeros(system.rows @ moves))) is not None:
        moves = sparse.csr_array(moves @ further)
    rows = _without_zeros(system.rows @ moves)
    rows = rows[independent(rows)]
    cell, column = moves.nonzero()
    ahead = moves.data > 0
    down, up = np.full(moves.shape[1], -np.inf), np.full(moves.shape[1], np.inf)
    np.maximum.at(down, column, np.where(ahead, system.down[cell], -system.up[cell]))
    np.minimum.at(up, column, np.where(ahead, system.up[cell], -system.down[cell]))
    return Tied(moves, rows, down, up, components(rows, len(up)))


def _further(rows: sparse.csr_array) -> sparse.csr_array | None:
    """Tie columns by the rows of one and of two entries; None where there are no such rows."""
    size, length = rows.shape[1], np.diff(rows.indptr)
    first = rows.indptr[:-1]
    lone = rows.indices[first[length == 1]]
    pair = first[length == 2]
    pair = pair[np.abs(rows.data[pair]) == np.abs(rows.data[pair + 1])]
    if not len(lone) + len(pair):
        return None
    one, other = rows.indices[pair], rows.indices[pair + 1]
    opposed = np.where(rows.data[pair] == rows.data[pair + 1], size, 0)
    # each column stands there twice, as itself and as its negative
    ends = (
        np.concatenate([lone, one, one + size]),
        np.concatenate([lone + size, other + opposed, other + size - opposed]),
    )
    graph = sparse.coo_array((np.ones(len(ends[0])), ends), shape=(2 * size, 2 * size))
    label = connected_components(graph)[1]
    itself, negative = label[:size], label[size:]
    free = np.flatnonzero(itself != negative)
    bundles, column = np.unique(np.minimum(itself, negative)[free], return_inverse=True)
    signs = np.where(itself[free] < negative[free], 1.0, -1.0)
    return sparse.csr_array((signs, (free, column)), shape=(size, len(bundles)))


def _without_zeros(matrix: sparse.csr_array) -> sparse.csr_array:
    matrix = sparse.csr_array(matrix)
    matrix.eliminate_zeros()
    return matrix
