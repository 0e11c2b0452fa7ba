"""Witnesses: tables that nobody could tell from the true one, in which a hidden cell is as large as it must be able
to be. A cell without one is shown to have none.

Programs raise as many cells together as they can, so that one table is the witness of many cells. What is left is
decided cell by cell on the sums around it, and on further ones only as far as a change breaks them: what these few
sums forbid, all of them forbid, and a change that breaks none of the rest is a witness.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from p20kit.attack import NEAR, BoolArray, FloatArray, IntArray, Undecided, components
from p20kit.programs import Solution, is_whole, solve

WHOLE_LIMIT = 600
FEWEST = 4
"""Cells a common program must prove for another one to be worth its time."""
PULL = 1e4
"""How much more raising the cell counts than moving one person elsewhere."""


class Witnesses:
    """How far cells can rise above the truth.

    Parameters
    ----------
    system : Undecided
    gap : ndarray of float64, shape (n,)
        How far each must be able to rise; 0 where nothing is asked.
    whole : bool
        Whether figures are whole.

    Attributes
    ----------
    proven, in_whole : ndarray of bool, shape (n,)
        Cells with a witness, and with one of whole persons.
    most : ndarray of float64, shape (n,)
        Upper bounds of the rise, from propagation or from a program.
    exhausted : ndarray of bool, shape (n,)
        Cells whose bound in whole persons comes from a search that ended.
    """

    def __init__(self, system: Undecided, gap: FloatArray, *, whole: bool) -> None:
        self.system, self.gap, self.whole = system, gap, whole
        self.near = NEAR * max(1.0, float(np.abs(gap).max(initial=0.0)))
        self.most = system.up.copy()
        self.proven = np.zeros(len(gap), dtype=bool)
        self.in_whole = np.zeros(len(gap), dtype=bool)
        self.exhausted = np.zeros(len(gap), dtype=bool)
        self._columns = system.rows.tocsc()
        self._size = np.bincount(system.part)[system.part] if len(gap) else np.zeros(0, dtype=np.int64)
        self._asked = (gap > 0) & (system.up >= gap - self.near)
        self._weight = 1.0 + np.random.default_rng(0).random(len(gap))
        self._together()
        for column in np.flatnonzero(self._waiting):
            if self._waiting[column]:
                self._alone(int(column))

    @property
    def _waiting(self) -> BoolArray:
        """Cells not decided, in whole persons where their part of the system is small enough for that."""
        enough = self.proven & (self.in_whole | (self._size > WHOLE_LIMIT) | (not self.whole))
        return np.asarray(self._asked & ~enough & (self.most >= self.gap - self.near) & ~self.exhausted)

    def _together(self) -> None:
        found = FEWEST
        while found >= FEWEST:
            waiting = self._asked & ~self.proven
            if not waiting.any():
                return
            there = np.flatnonzero(np.isin(self.system.part, self.system.part[waiting]))
            cost = np.where(waiting, -self._weight / np.maximum(self.gap, self.near), 0.0)
            up = np.where(waiting, np.minimum(self.system.up, self.gap), self.system.up)
            rows, _ = self._rows_of(there)
            found = self._note(there, solve(rows, self.system.down[there], up[there], cost[there]))

    def _alone(self, column: int) -> None:
        if self._size[column] <= WHOLE_LIMIT:
            self._decide(column, np.flatnonzero(self.system.part == self.system.part[column]))
            return
        rows = self._columns[:, [column]].indices
        while True:
            there = np.unique(self.system.rows[rows].indices)
            solution = self._nearby(column, there, self.system.rows[rows][:, there])
            if solution.change is None:
                return
            change = np.zeros(len(self.gap))
            change[there] = solution.change
            broken = np.flatnonzero(np.abs(self.system.rows @ change) > self.near)
            if not len(broken):
                self._note(there, solution)
                return
            rows = np.union1d(rows, broken)

    def _nearby(self, column: int, there: IntArray, rows: sparse.csr_array) -> Solution:
        """Raise a cell with as little change as can be; no change when these rows forbid it."""
        at = int(np.searchsorted(there, column))
        down, up = self.system.down[there], self.system.up[there].copy()
        up[at] = min(up[at], self.gap[column])
        # to take persons from cells that have few is dear: the same cells would be short for their own sums
        rise, fall = np.ones(len(there)), 1.0 + 3.0 / np.maximum(-down, 1.0)
        rise[at] = -PULL
        twice = sparse.csr_array(sparse.hstack([rows, -rows]))
        double = solve(twice, np.zeros(2 * len(there)), np.concatenate([up, -down]), np.concatenate([rise, fall]))
        if double.change is not None:
            change = double.change[: len(there)] - double.change[len(there) :]
            if change[at] >= self.gap[column] - self.near:
                return Solution(change)
        cost = np.zeros(len(there))
        cost[at] = -1.0
        single = solve(rows, down, up, cost)
        if single.change is not None and single.change[at] < self.gap[column] - self.near:
            self.most[column] = single.change[at]
            return Solution(None)
        return single

    def _decide(self, column: int, there: IntArray) -> None:
        """Raise a cell of a small part, in fractions and then in whole persons."""
        rows, at = self._rows_of(there)[0], int(np.searchsorted(there, column))
        up, cost = self.system.up[there].copy(), np.zeros(len(there))
        up[at], cost[at] = min(up[at], self.gap[column]), -1.0
        for whole in (False, True):
            solution = solve(rows, self.system.down[there], up, cost, whole=whole)
            if solution.change is None or not self._waiting[column]:
                return
            rise = solution.change[at]
            if rise < self.gap[column] - self.near and solution.decided:
                self.most[column] = rise
            self._note(there, solution)
        self.exhausted[column] = True

    def _rows_of(self, there: IntArray) -> tuple[sparse.csr_array, IntArray]:
        rows = sparse.csr_array(self._columns[:, there])
        used = np.flatnonzero(np.diff(rows.indptr) > 0)
        return rows[used], used

    def _note(self, there: IntArray, solution: Solution) -> int:
        """Enter which cells a change is the witness of, and return of how many new ones."""
        if solution.change is None:
            return 0
        change = np.zeros(len(self.gap))
        change[there] = solution.change
        self._verify(change)
        hits = self._asked & (change >= self.gap - self.near)
        new = int((hits & ~self.proven).sum())
        self.proven |= hits
        self.in_whole |= hits & self._moves_whole(change)
        return new

    def _verify(self, change: FloatArray) -> None:
        """A witness is believed when it breaks no sum and no bound, whoever found it."""
        system = self.system
        broken = np.abs(system.rows @ change).max(initial=0.0)
        outside = np.maximum(system.down - change, change - system.up).max(initial=0.0)
        if max(broken, outside) > self.near:
            raise ArithmeticError("a witness does not add up")

    def _moves_whole(self, change: FloatArray) -> BoolArray:
        """Mark cells in pieces of a change that stand by themselves and move whole persons only."""
        whole = np.zeros(len(change), dtype=bool)
        if not self.whole:
            return whole
        moved = np.flatnonzero(np.abs(change) > NEAR)
        if is_whole(change):
            whole[moved] = True
            return whole
        rows, _ = self._rows_of(moved)
        piece = components(rows, len(moved))
        fractional = np.abs(change[moved] - np.round(change[moved])) > NEAR
        whole[moved] = ~np.isin(piece, piece[fractional])
        return whole


def ranges(system: Undecided, column: int, *, whole: bool) -> tuple[float, float, bool]:
    """Find how far one cell can fall and rise.

    Parameters
    ----------
    system : Undecided
    column : int
    whole : bool
        Whether figures are whole.

    Returns
    -------
    (float, float, bool)
        The fall (at most 0), the rise (infinite where nothing bounds it), and whether both hold for whole persons.
    """
    there = np.flatnonzero(system.part == system.part[column])
    rows = sparse.csr_array(system.rows[:, there])
    rows = rows[np.diff(rows.indptr) > 0]
    at = int(np.searchsorted(there, column))
    ends, decided = [], whole
    for sign in (1.0, -1.0):
        cost = np.zeros(len(there))
        cost[at] = sign
        solution = solve(rows, system.down[there], system.up[there], cost)
        if whole and solution.change is not None and not is_whole(solution.change):
            exact = solve(rows, system.down[there], system.up[there], cost, whole=True)
            decided &= exact.decided
            solution = exact if exact.decided else solution
        ends.append(-sign * np.inf if solution.change is None else float(solution.change[at]))
    return ends[0], ends[1], decided
