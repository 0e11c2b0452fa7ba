"""Cells that can only change together, as one: what is left to a search for witnesses once sums of two are used up.

A sum with two unknown cells ties them: what one gains the other gains, or loses. Cells tied so, directly or by a
chain, are one column of a smaller system, in which further sums may come to be of two cells; and a cell tied to its
own negative cannot change at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from p20kit.attack import FloatArray, IntArray, Undecided
from p20kit.nullspace import components, narrowest, tied


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
    moves, rows = tied(system.rows)
    down, up = narrowest(moves, system.down, system.up)
    return Tied(moves, rows, down, up, components(rows))
