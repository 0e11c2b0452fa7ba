"""Changes that raise many cells: candidates for witnesses, for the optimiser and for the auditor, who check them.

Among some thousand neighbouring columns, with all others left as they are, the smallest change that takes a column
where it is asked to be is looked for, for one after the other, while most have one. Of what is left, programs take a
tenth at a time as far as they will go together: all at once would take from each, along the rows they share, what
another needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from p20kit.nullspace import (
    BoolArray,
    FloatArray,
    IntArray,
    Smallest,
    components,
    crossing,
    neighbours,
    null_space,
)
from p20kit.programs import solve

NEIGHBOURS = 6_000
"""Columns among which smallest changes are looked for: that takes memory for each two of them."""
BATCH = 64
"""Smallest changes that are handed on together."""
MOST = 0.25
"""Of the columns tried, those that must have one for more to be worth the time: where bounds are narrow, few do."""
SHARE, LEAST = 0.1, 4
"""Of the columns that are left, those that one program raises, and at least how many."""
FEWEST = 2
"""Columns a program must take where they are asked to be for another to be worth its time."""


def wanted(moves: sparse.csr_array, gap: FloatArray) -> FloatArray:
    """Say how far columns of tied cells must fall and rise so that each cell rises by its gap.

    Parameters
    ----------
    moves : csr_array of float64, shape (n, k)
        From `tied`.
    gap : ndarray of float64, shape (n,)
        0 where nothing is asked.

    Returns
    -------
    ndarray of float64, shape (2, k)
    """
    cell, column = moves.nonzero()
    goal = np.zeros((2, moves.shape[1]))
    np.maximum.at(goal, ((moves.data > 0).astype(np.int64), column), gap[cell])
    return goal


class Raising:
    """A search for changes that take columns where they are asked to be.

    Parameters
    ----------
    rows : csr_array of float64, shape (m, k)
        Along every row changes add up to nothing.
    down, up : ndarray of float64, shape (k,)
        How far each column may fall (at most 0) and rise (at least 0).
    goal : ndarray of float64, shape (2, k)
        How far each must be able to fall, and to rise; 0 where nothing is asked.
    near : float
        Closer than this is equal.
    """

    def __init__(
        self, rows: sparse.csr_array, down: FloatArray, up: FloatArray, goal: FloatArray, *, near: float
    ) -> None:
        self._columns, self._down, self._up, self._goal, self._near = rows.tocsc(), down, up, goal, near
        self._part, self._near_by = components(rows), neighbours(rows, NEIGHBOURS)
        self._open: BoolArray = (goal > 0) & (goal <= np.array([-down, up]) + near)

    def changes(self) -> Iterator[FloatArray]:
        """Yield changes, shape (k, j), that take some column where none before did."""
        for label, search in ((self._near_by, self._smallest), (self._part, self._together)):
            for each in np.unique(label[self._open.any(axis=0)]).tolist():
                there = np.flatnonzero(label == each)
                for found in search(there):
                    far = np.array([-found.min(axis=1), found.max(axis=1)])
                    self._open[:, there] &= far < self._goal[:, there] - self._near
                    whole = np.zeros((len(self._up), found.shape[1]))
                    whole[there] = found
                    yield whole

    def _smallest(self, there: IntArray) -> Iterator[FloatArray]:
        down, up, goal = self._down[there], self._up[there], self._goal[:, there]
        smallest = Smallest(
            null_space(crossing(self._columns, there)), down, up, furthest=float(goal.max()), near=self._near
        )
        asked = np.argwhere(self._open[:, there]).tolist()
        tried = had = 0
        for begin in range(0, len(asked), BATCH):
            batch = [(side, at) for side, at in asked[begin : begin + BATCH] if self._open[side, there[at]]]
            changes = [smallest.change(at, goal[side, at] if side else -goal[side, at]) for side, at in batch]
            found = [change for change in changes if change is not None]
            if found:
                yield np.transpose(found)
            tried, had = tried + len(batch), had + len(found)
            if had < MOST * tried:
                return

    def _together(self, there: IntArray) -> Iterator[FloatArray]:
        rows, random = crossing(self._columns, there), np.random.default_rng(0)
        found = FEWEST
        while found >= FEWEST and (left := int(self._open[:, there].sum())):
            chosen = self._open[:, there] & (random.random((2, len(there))) < max(SHARE, LEAST / left))
            # a column cannot rise and fall at once
            chosen[0] &= ~chosen[1]
            goal = np.where(chosen, self._goal[:, there], np.inf)
            fall, rise = (1.0 + random.random(len(there))) / goal
            down, up = np.maximum(self._down[there], -goal[0]), np.minimum(self._up[there], goal[1])
            change = solve(rows, down, up, fall - rise).change
            if change is None:
                return
            yield change[:, None]
            found = left - int(self._open[:, there].sum())
