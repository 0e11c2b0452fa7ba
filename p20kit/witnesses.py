"""Witnesses: tables that nobody could tell from the true one, in which a hidden cell is as large as it must be able
to be. A cell without one is shown to have none.

In a large system a search finds changes for nearly all cells (raising.py). What is left is decided cell by cell
with programs, first by the sums around it: a change of few cells that breaks no sum they stand in is a change of all.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from p20kit.attack import NEAR, BoolArray, FloatArray, IntArray, Undecided
from p20kit.nullspace import components
from p20kit.programs import Solution, is_whole, solve
from p20kit.progress import Step, unheard
from p20kit.raising import Raising, wanted
from p20kit.ties import tie

WHOLE_LIMIT = 600
AROUND = 300
"""Columns up to which the sums around a cell are tried before all of them."""
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
    step : Step
        Told how far the search is.

    Attributes
    ----------
    proven, in_whole : ndarray of bool, shape (n,)
        Cells with a witness, and with one of whole persons.
    most : ndarray of float64, shape (n,)
        Upper bounds of the rise, from propagation or from a program.
    exhausted : ndarray of bool, shape (n,)
        Cells whose bound in whole persons comes from a search that ended.
    """

    def __init__(self, system: Undecided, gap: FloatArray, *, whole: bool, step: Step = unheard) -> None:
        self.system, self.gap, self.whole, self._step = system, gap, whole, step
        self.near = NEAR * max(1.0, float(np.abs(gap).max(initial=0.0)))
        self.tied = tie(system)
        self.most = np.minimum(system.up, self.tied.rise)
        self.proven = np.zeros(len(gap), dtype=bool)
        self.in_whole = np.zeros(len(gap), dtype=bool)
        self.exhausted = np.zeros(len(gap), dtype=bool)
        self._columns = self.tied.rows.tocsc()
        self._column, self._sign = _places(self.tied.moves)
        self._size = np.bincount(system.part)[system.part] if len(gap) else np.zeros(0, dtype=np.int64)
        self._asked = (gap > 0) & (self.most >= gap - self.near)
        self._together()
        self._alone()

    @property
    def _open(self) -> BoolArray:
        """Cells neither proven nor shown to have no witness."""
        return np.asarray(self._asked & ~self.proven & (self.most >= self.gap - self.near))

    @property
    def _waiting(self) -> BoolArray:
        """Cells not decided, in whole persons where their part of the system is small enough for that."""
        enough = self.proven & (self.in_whole | (self._size > WHOLE_LIMIT) | (not self.whole))
        return np.asarray(self._asked & ~enough & (self.most >= self.gap - self.near) & ~self.exhausted)

    def _tell(self) -> None:
        asked = int(self._asked.sum())
        self._step(asked - int(self._open.sum()), asked, "hidden cells")

    def _together(self) -> None:
        """Look for witnesses in large parts, for many cells at a time."""
        large = np.where(self._open & (self._size > WHOLE_LIMIT), self.gap, 0.0)
        goal = wanted(self.tied.moves, large)
        for moved in Raising(self.tied.rows, self.tied.down, self.tied.up, goal, near=self.near).changes():
            self._note(moved)
            self._tell()

    def _alone(self) -> None:
        """Decide what is left, one cell after the other."""
        for cell in np.flatnonzero(self._waiting).tolist():
            self._tell()
            if self._waiting[cell] and (self._size[cell] <= WHOLE_LIMIT or not self._around(cell)):
                self._decide(cell)

    def _around(self, cell: int) -> bool:
        """Decide a cell by the sums around it, and by further ones where a change breaks them, while these are few.

        What a few sums forbid, all of them forbid; a change that breaks none of the rest is a witness.
        """
        rows = self._columns[:, [self._column[cell]]].indices
        while len(there := np.unique(self.tied.rows[rows].indices)) <= AROUND:
            solution = self._nearby(cell, there, rows)
            if solution is None:
                return True
            moved = np.zeros((len(self.tied.up), 1))
            moved[there, 0] = solution.change
            broken = np.flatnonzero(np.abs(self.tied.rows @ moved) > self.near)
            if not len(broken):
                self._note(moved)
                return True
            rows = np.union1d(rows, broken)
        return False

    def _nearby(self, cell: int, there: IntArray, rows: IntArray) -> Solution | None:
        """Raise a cell with as little change as can be; None when these rows forbid it."""
        cost, down, up = self._program(there, cell)
        at = int(np.flatnonzero(cost)[0])
        few = self.tied.rows[rows][:, there]
        each = np.ones(len(there))
        each[at] = 0.0
        pull = PULL * cost
        twice = sparse.csr_array(sparse.hstack([few, -few]))
        double = solve(
            twice, np.zeros(2 * len(there)), np.concatenate([up, -down]), np.concatenate([each + pull, each - pull])
        )
        if double.change is None:
            return None
        solution = Solution(double.change[: len(there)] - double.change[len(there) :])
        if self._rise(cell, there, solution) >= self.gap[cell] - self.near:
            return solution
        most = solve(few, down, up, cost)
        rise = self._rise(cell, there, most)
        if rise < self.gap[cell] - self.near:
            self.most[cell] = rise
            return None
        return most

    def _decide(self, cell: int) -> None:
        """Raise a cell by all that hangs together with it, in fractions and then in whole persons."""
        part = int(self.tied.part[self._column[cell]])
        there = np.flatnonzero(self.tied.part == part)
        rows, (cost, down, up) = self._rows_of(there), self._program(there, cell)
        self._settle(cell, there, solve(rows, down, up, cost))
        if self._waiting[cell] and self._size[cell] <= WHOLE_LIMIT and self.whole:
            # whole persons may rise further where they cannot rise exactly as far
            down, up = self.tied.down[there], self.tied.up[there]
            self._settle(cell, there, solve(rows, down, up, cost, whole=True))
        self.exhausted[cell] = True

    def _settle(self, cell: int, there: IntArray, solution: Solution) -> None:
        if solution.change is None:
            return
        rise = self._rise(cell, there, solution)
        if rise < self.gap[cell] - self.near and solution.decided:
            self.most[cell] = rise
        moved = np.zeros((len(self.tied.up), 1))
        moved[there, 0] = solution.change
        self._note(moved)

    def _rise(self, cell: int, there: IntArray, solution: Solution) -> float:
        at = int(np.searchsorted(there, self._column[cell]))
        return float(self._sign[cell] * solution.change[at]) if solution.change is not None else 0.0

    def _program(self, there: IntArray, cell: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Say what raising a cell asks of columns: the cost of each, and how far it may fall and rise."""
        at, sign, gap = int(np.searchsorted(there, self._column[cell])), self._sign[cell], self.gap[cell]
        down, up, cost = self.tied.down[there], self.tied.up[there], np.zeros(len(there))
        cost[at] = -sign
        down[at], up[at] = (down[at], min(up[at], gap)) if sign > 0 else (max(down[at], -gap), up[at])
        return cost, down, up

    def _rows_of(self, there: IntArray) -> sparse.csr_array:
        rows = sparse.csr_array(self._columns[:, there])
        return rows[np.diff(rows.indptr) > 0]

    def _note(self, moved: FloatArray) -> None:
        """Enter which cells changes of the columns, shape (k, j), are the witnesses of."""
        of_cells = self.tied.moves @ moved
        self._verify(of_cells)
        hits = self._asked[:, None] & (of_cells >= (self.gap - self.near)[:, None])
        self.proven |= hits.any(axis=1)
        small = hits & (~self.in_whole & (self._size <= WHOLE_LIMIT))[:, None]
        for at in np.flatnonzero(small.any(axis=0)) if self.whole else ():
            self.in_whole |= hits[:, at] & (self.tied.moves @ self._moves_whole(moved[:, at]) != 0)

    def _verify(self, changes: FloatArray) -> None:
        """A witness is believed when it breaks no sum and no bound, whoever found it."""
        system = self.system
        broken = np.abs(system.rows @ changes).max(initial=0.0)
        outside = np.maximum(system.down[:, None] - changes, changes - system.up[:, None]).max(initial=0.0)
        if max(broken, outside) > self.near:
            raise ArithmeticError("a witness does not add up")

    def _moves_whole(self, moved: FloatArray) -> FloatArray:
        """Mark columns in pieces of a change that stand by themselves and move whole persons only."""
        whole = np.zeros(len(moved))
        there = np.flatnonzero(np.abs(moved) > NEAR)
        fractional = np.abs(moved[there] - np.round(moved[there])) > NEAR
        piece = components(self._rows_of(there), len(there)) if fractional.any() else there
        whole[there] = ~np.isin(piece, piece[fractional])
        return whole


def _places(moves: sparse.csr_array) -> tuple[IntArray, FloatArray]:
    """Give the column and the sign of each cell; -1 for a cell that does not move."""
    column, sign = np.full(moves.shape[0], -1, dtype=np.int64), np.zeros(moves.shape[0])
    cell, of = moves.nonzero()
    column[cell], sign[cell] = of, moves.data
    return column, sign


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
