"""Everything published about the same people as one system: cells, how they add up, what is hidden.

A cell that stands in two tables is one unknown here. The auditor builds its own system (attack.py) and uses nothing
of this module; what both start from is `linked.link`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from p20kit.linked import Linked

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class System:
    """Cells of linked tables.

    Parameters
    ----------
    gap : ndarray of float64, shape (n_cells,)
        How much more than the truth a reader must think possible when the cell is hidden; 0 = no requirement.
    drop : ndarray of float64, shape (n_cells,)
        How much less than the truth a reader may think possible when the cell is hidden; infinite where only
        exact recovery is to be prevented.
    hidden : ndarray of bool, shape (n_cells,)
        Hidden from the start.
    fixed : ndarray of bool, shape (n_cells,)
        Known to the reader whatever is done: already public, known to be zero, or not to be hidden.
    weight : ndarray of float64, shape (n_cells,)
        What it costs to hide the cell, above 0.
    matrix : csr_matrix, shape (n_relations, n_cells)
        1 for the parent, -1 for the cells it is the sum of.
    along : ndarray of int64, shape (n_relations,)
        The column (numbered) over which the relation sums.
    whole : bool
        Whether the figures are whole persons, and so are their changes.
    recovery : bool
        Whether only exact recovery is to be prevented; then `drop` is infinite and `gap` 1 where needed.
    """

    gap: FloatArray
    drop: FloatArray
    hidden: BoolArray
    fixed: BoolArray
    weight: FloatArray
    matrix: sparse.csr_matrix
    along: IntArray
    whole: bool = True
    recovery: bool = False

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.gap)

    @cached_property
    def in_need(self) -> IntArray:
        """Hidden cells that must not be worked out, in order."""
        return np.flatnonzero(self.hidden & (self.gap > 0))

    @cached_property
    def open(self) -> IntArray:
        """Cells that may be displayed or hidden, in order."""
        return np.flatnonzero(~self.fixed & ~self.hidden)

    @cached_property
    def by_cell(self) -> sparse.csr_matrix:
        """The relations of each cell: the transposed matrix."""
        return self.matrix.T.tocsr()

    def part(self, cells: IntArray, rows: IntArray) -> System:
        """Take some cells and relations as a system of its own."""
        return System(
            self.gap[cells],
            self.drop[cells],
            self.hidden[cells],
            self.fixed[cells],
            self.weight[cells],
            self.matrix[rows][:, cells],
            self.along[rows],
            self.whole,
            self.recovery,
        )

    def slices(self) -> tuple[IntArray, BoolArray]:
        """Cut the system where it falls into the smallest pieces: by the relations over one column.

        Returns
        -------
        (ndarray of int64, ndarray of bool)
            Per cell the slice it is in; per relation whether it runs across slices.
        """
        best: tuple[int, IntArray, BoolArray] | None = None
        for column in np.unique(self.along):
            across = self.along == column
            slices = self._components(~across)
            largest = int(np.bincount(slices).max())
            if best is None or largest < best[0]:
                best = (largest, slices, across)
        if best is None:
            return np.zeros(self.size, dtype=np.int64), np.zeros(0, dtype=bool)
        return best[1], best[2]

    def components(self) -> IntArray:
        """Number the cells so that those which a chain of relations connects have one number."""
        return self._components(np.ones(self.matrix.shape[0], dtype=bool))

    def _components(self, kept: BoolArray) -> IntArray:
        rows = abs(self.matrix[kept])
        links = sparse.bmat([[None, rows], [rows.T, None]])
        labels = connected_components(links, directed=False)[1]
        return np.unique(labels[rows.shape[0] :], return_inverse=True)[1].astype(np.int64)


def relations(linked: Linked) -> tuple[sparse.csr_matrix, IntArray]:
    """Write every sum of linked tables as a row: 1 at the parent, -1 at its parts; and the column it sums over."""
    rows, columns, signs, count = [], [], [], 0
    for parents, parts in linked.sums:
        number = np.arange(count, count + len(parents))
        rows += [number, np.repeat(number, parts.shape[1])]
        columns += [parents, parts.ravel()]
        signs += [np.ones(len(parents)), -np.ones(parts.size)]
        count += len(parents)
    if not count:
        return sparse.csr_matrix((0, linked.size)), np.zeros(0, dtype=np.int64)
    entries = np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(entries, shape=(count, linked.size)), np.concatenate(linked.over)


def spread(places: Sequence[IntArray], masks: Sequence[BoolArray], size: int) -> BoolArray:
    """Mark the unknowns of which some table marks a cell."""
    marked = np.zeros(size, dtype=bool)
    for place, mask in zip(places, masks, strict=True):
        marked[place[mask.ravel()]] = True
    return marked
