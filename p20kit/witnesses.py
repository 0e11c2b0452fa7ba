"""Witnesses: tables that nobody could tell from the true one, in which a hidden cell is as large as it must be able
to be. A cell without one is shown to have none.

In a large system a search finds changes for nearly all cells (raising.py). What is left is decided cell by cell
with programs, first by the sums around it: a change of few cells that breaks no sum they stand in is a change of all.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from p20kit.attack import NEAR, BoolArray, FloatArray, IntArray, Undecided
from p20kit.nullspace import components, crossing
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
    """

    def __init__(self, system: Undecided, gap: FloatArray, *, whole: bool, step: Step = unheard) -> None:
        self.system, self.gap, self.whole, self._step = system, gap, whole, step
        self.near = NEAR * float(gap.max(initial=1.0))
        self.tied = tie(system)
        self.most = self.tied.rise
        self.proven = np.zeros(len(gap), dtype=bool)
        self.in_whole = np.zeros(len(gap), dtype=bool)
        self._columns, self._of_cells = self.tied.rows.tocsc(), system.rows.tocsc()
        # each cell is in one column at most, as it is or as its negative
        self._column = (abs(self.tied.moves) @ np.arange(len(self.tied.up))).astype(np.int64)
        self._sign = self.tied.moves.sum(axis=1)
        self._small = np.bincount(system.part)[system.part] <= WHOLE_LIMIT
        self._enough = gap - self.near
        self._asked = (gap > 0) & self._possible
        self._together()
        self._alone()

    @property
    def _open(self) -> BoolArray:
        """Cells neither proven nor shown to have no witness."""
        return self._without(self.proven)

    @property
    def _waiting(self) -> BoolArray:
        """Cells not decided, in whole persons where their part of the system is small enough for that."""
        return self._without(np.where(self._small & self.whole, self.in_whole, self.proven))

    def _without(self, witness: BoolArray) -> BoolArray:
        return np.asarray(self._asked & ~witness & self._possible)

    @property
    def _possible(self) -> BoolArray:
        return np.asarray(self.most >= self._enough)

    def _tell(self) -> None:
        asked = int(self._asked.sum())
        self._step(asked - int(self._open.sum()), asked, "hidden cells")

    def _together(self) -> None:
        """Look for witnesses in large parts, for many cells at a time."""
        large = np.where(self._open & ~self._small, self.gap, 0.0)
        goal = wanted(self.tied.moves, large)
        for moved in Raising(self.tied.rows, self.tied.down, self.tied.up, goal, near=self.near).changes():
            self._note(moved)
            self._tell()

    def _alone(self) -> None:
        """Decide what is left, one cell after the other."""
        for cell in np.flatnonzero(self._waiting).tolist():
            self._tell()
            if self._waiting[cell] and not self._small[cell]:
                self._around(cell)
            if self._waiting[cell]:
                self._decide(cell)

    def _around(self, cell: int) -> None:
        """Decide a cell by the sums around it, and by further ones where a change breaks them, while these are few.

        What a few sums forbid, all of them forbid; a change that breaks none of the rest is a witness.
        """
        rows = self._columns[:, [self._column[cell]]].indices
        while len(there := np.unique(self.tied.rows[rows].indices)) <= AROUND:
            change = self._nearby(cell, there, rows)
            if change is None:
                return
            moved = self._moved(there, change)
            broken = np.flatnonzero(np.abs(self.tied.rows @ moved) > self.near)
            if not len(broken):
                self._note(moved)
                return
            rows = np.union1d(rows, broken)

    def _nearby(self, cell: int, there: IntArray, rows: IntArray) -> FloatArray | None:
        """Raise a cell with as little change as can be; None when these rows forbid it."""
        cost, down, up = self._program(there, cell)
        few, pull = self.tied.rows[rows][:, there], PULL * cost
        twice = sparse.csr_array(sparse.hstack([few, -few]))
        double = solve(
            twice, np.zeros(twice.shape[1]), np.concatenate([up, -down]), np.concatenate([1.0 + pull, 1.0 - pull])
        ).change
        change = None if double is None else double[: len(there)] - double[len(there) :]
        if change is None or self._rise(cell, there, change) < self._enough[cell]:
            change = solve(few, down, up, cost).change
        if change is not None and (rise := self._rise(cell, there, change)) < self._enough[cell]:
            self.most[cell] = rise
            return None
        return change

    def _decide(self, cell: int) -> None:
        """Raise a cell by all that hangs together with it, in fractions and then in whole persons."""
        part = int(self.tied.part[self._column[cell]])
        there = np.flatnonzero(self.tied.part == part)
        rows, (cost, down, up) = crossing(self._columns, there), self._program(there, cell)
        self._settle(cell, there, solve(rows, down, up, cost))
        if self._waiting[cell]:
            # whole persons may rise further where they cannot rise exactly as far
            down, up = self.tied.down[there], self.tied.up[there]
            self._settle(cell, there, solve(rows, down, up, cost, whole=True))

    def _settle(self, cell: int, there: IntArray, solution: Solution) -> None:
        if solution.change is None:
            return
        rise = self._rise(cell, there, solution.change)
        if rise < self._enough[cell] and solution.decided:
            self.most[cell] = rise
        self._note(self._moved(there, solution.change))

    def _moved(self, there: IntArray, change: FloatArray) -> FloatArray:
        """Write a change of some columns as one of all."""
        moved = np.zeros((len(self.tied.up), 1))
        moved[there, 0] = change
        return moved

    def _rise(self, cell: int, there: IntArray, change: FloatArray) -> float:
        at = int(np.searchsorted(there, self._column[cell]))
        return float(self._sign[cell] * change[at])

    def _program(self, there: IntArray, cell: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Say what raising a cell asks of columns: the cost of each, and how far it may fall and rise."""
        at, gap = int(np.searchsorted(there, self._column[cell])), self.gap[cell]
        down, up, cost = self.tied.down[there], self.tied.up[there], np.zeros(len(there))
        cost[at] = -self._sign[cell]
        down[at], up[at] = max(down[at], -gap), min(up[at], gap)
        return cost, down, up

    def _note(self, moved: FloatArray) -> None:
        """Enter which cells changes of the columns, shape (k, j), are the witnesses of."""
        moving: BoolArray = np.asarray(moved.any(axis=1))
        cells = np.flatnonzero(moving[self._column])
        moves = self.tied.moves[cells]
        of_cells = moves @ moved
        self._verify(cells, of_cells)
        hits = self._asked[cells, None] & (of_cells >= self._enough[cells, None])
        self.proven[cells] |= hits.any(axis=1)
        small = hits & (~self.in_whole & self._small)[cells, None]
        for at in np.flatnonzero(small.any(axis=0)) if self.whole else ():
            self.in_whole[cells] |= hits[:, at] & (moves @ self._moves_whole(moved[:, at]) != 0)

    def _verify(self, cells: IntArray, changes: FloatArray) -> None:
        """A witness is believed when it breaks no sum and no bound, whoever found it."""
        broken = crossing(self._of_cells, cells) @ changes
        outside = changes - np.clip(changes, self.system.down[cells, None], self.system.up[cells, None])
        if max(np.abs(off).max(initial=0.0) for off in (broken, outside)) > self.near:
            raise ArithmeticError("a witness does not add up")

    def _moves_whole(self, moved: FloatArray) -> FloatArray:
        """Mark columns in pieces of a change that stand by themselves and move whole persons only."""
        whole = np.zeros_like(moved)
        there = np.flatnonzero(np.abs(moved) > NEAR)
        fractional = np.abs(moved[there] - np.round(moved[there])) > NEAR
        piece = components(crossing(self._columns, there)) if fractional.any() else there
        whole[there] = ~np.isin(piece, piece[fractional])
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
    rows = crossing(system.rows, there)
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
