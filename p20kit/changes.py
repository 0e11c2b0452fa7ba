"""Changes of the true table: the witnesses that a hidden cell is safe, and the cheapest way to make one possible.

A change adds up to nothing along every relation, leaves displayed cells alone and takes no hidden cell below what
a reader knows it to be. A cell is safe when some change raises it by its gap: the reader cannot tell the changed
table from the true one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from p20kit.nullspace import narrowest, tied
from p20kit.raising import Raising, wanted
from p20kit.solver import INFINITE, TOLERANCE, is_whole, program, solution, whole_solution
from p20kit.system import BoolArray, FloatArray, IntArray, System

NODES = 200
LEVERAGE = 1e-7
ITERATIONS = 4_000
SWEEPS = 30
CONVERGED = 1e-24
SLOPES = 2
"""Solutions of which the cheapest is taken, each priced by how far the one before moved."""
SHORTEST = 0.1
FAR = 1e3
"""How far a cell may move for one that is only to be kept from recovery: a change of more is one in name only."""
THRIFT = 1e-4
"""What it costs to move a hidden cell that has a price: enough that what need not move does not."""


def exposed(system: System, hidden: BoolArray, targets: IntArray) -> IntArray:
    """List the targets that no change of the hidden cells raises by their gap.

    Parameters
    ----------
    system : System
        Of some hundred cells.
    hidden : ndarray of bool, shape (n_cells,)
    targets : ndarray of int64
        Hidden cells.
    """
    if not len(targets):
        return targets
    if system.recovery:
        return targets[recoverable(system, hidden)[targets]]
    moves = Moves(system, np.flatnonzero(hidden))
    unproven, bare = targets, []
    while len(unproven):
        change = moves.force(int(unproven[0]))
        if change is None:
            bare.append(int(unproven[0]))
        unproven = np.setdiff1d(unproven[1:], reached(system, change, unproven) if change is not None else ())
    return np.array(bare, dtype=np.int64)


def reach(system: System, hidden: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Bound how far each cell can fall and rise at most, by propagating intervals through the relations.

    Returns
    -------
    (ndarray of float64, ndarray of float64), shape (n_cells,)
        Outer bounds, equal where the cell follows exactly. A rise below the gap proves a cell exposed; what is within
        them proves nothing.
    """
    entries = system.matrix.tocoo()
    count = system.matrix.shape[0]
    rows = np.concatenate([entries.row, entries.row + count])
    cells = np.concatenate([entries.col, entries.col])
    up = np.concatenate([entries.data > 0, entries.data < 0])
    count *= 2
    low, high = np.where(hidden, -system.drop, 0.0), np.where(hidden, np.inf, 0.0)
    for _ in range(SWEEPS):
        least = np.where(up, low[cells], -high[cells])
        endless = np.bincount(rows, weights=np.isinf(least), minlength=count)
        known = np.where(np.isinf(least), 0.0, least)
        total = np.bincount(rows, weights=known, minlength=count)
        others = endless[rows] - np.isinf(least)
        limit = np.where(others > 0, np.inf, known - total[rows])
        before = high.sum(where=np.isfinite(high)), np.isfinite(high).sum(), low.sum(where=np.isfinite(low))
        np.minimum.at(high, cells[up], limit[up])
        np.maximum.at(low, cells[~up], -limit[~up])
        if before == (high.sum(where=np.isfinite(high)), np.isfinite(high).sum(), low.sum(where=np.isfinite(low))):
            break
    return low, high


def recoverable(system: System, hidden: BoolArray) -> BoolArray:
    """Tell which hidden cells follow exactly from what is displayed.

    A cell follows exactly when no vector of the null space of the relations, restricted to the hidden cells, moves
    it; a random vector of that space moves every cell that any does.

    Returns
    -------
    ndarray of bool, shape (n_cells,)
    """
    unknown = _peeled(system.matrix, hidden)
    core = np.flatnonzero(unknown)
    if not len(core):
        return hidden.copy()
    moved = _projected(system.matrix[:, core], np.random.default_rng(0).standard_normal(len(core)))
    found = hidden.copy()
    found[core] = np.abs(moved) < LEVERAGE
    return found


def _projected(matrix: sparse.csr_matrix, direction: FloatArray) -> FloatArray:
    """Project a direction onto the null space of a matrix, by conjugate gradients on the least squares problem."""
    rows = matrix[np.diff(matrix.indptr) > 0].tocsr()
    transposed = rows.T.tocsr()
    residual = direction.copy()
    slope = rows @ residual
    step, square = slope.copy(), _dot(slope, slope)
    end = square * CONVERGED
    for _ in range(ITERATIONS):
        if square <= end:
            break
        moved = transposed @ step
        residual -= moved * (square / _dot(moved, moved))
        slope = rows @ residual
        before, square = square, _dot(slope, slope)
        step = slope + step * (square / before)
    return residual


def _dot(a: FloatArray, b: FloatArray) -> float:
    # not numpy's dot: its threads cost more than they give on vectors of this length
    return float(np.einsum("i,i->", a, b))


def _peeled(matrix: sparse.csr_matrix, hidden: BoolArray) -> BoolArray:
    """Take away, again and again, what stands alone in a line; return what is left unknown."""
    incidence = abs(matrix)
    by_cell = incidence.T.tocsr()
    unknown = hidden.copy()
    while True:
        alone = incidence @ unknown.astype(np.float64) == 1
        if not alone.any():
            return unknown
        unknown &= by_cell @ alone.astype(np.float64) == 0


class Moves:
    """Changes of some cells of a system, by linear programming; the model keeps its basis between solves.

    Parameters
    ----------
    system : System
    cells : ndarray of int64
        The cells that may move freely; every relation they stand in is kept, so a change of them is one of the whole.
    costly : ndarray of int64, optional
        Further cells, that move at a price: to move one at all costs about its weight where it is displayed, and
        next to nothing where it is hidden.
    hidden : ndarray of bool, shape (n_cells,), optional
        Which of the costly cells are hidden; none where it is not given.
    """

    def __init__(
        self, system: System, cells: IntArray, costly: IntArray | None = None, hidden: BoolArray | None = None
    ) -> None:
        extra = np.zeros(0, dtype=np.int64) if costly is None else costly
        self.system = system
        self.cells = np.concatenate([cells, extra])
        self.free = len(cells)
        self.column = {int(cell): i for i, cell in enumerate(self.cells)}
        concealed = np.zeros(len(extra), dtype=bool) if hidden is None else hidden[extra]
        self.weight = np.where(concealed, THRIFT, system.weight[extra])
        rows = system.matrix[:, self.cells]
        rows = rows[np.diff(rows.indptr) > 0].tocsr()
        self.most = FAR if system.recovery else INFINITE
        drop = np.minimum(system.drop[self.cells], self.most)
        self.lower = np.concatenate([-drop[: self.free], np.zeros(2 * len(extra))])
        self.upper = np.concatenate([np.full(len(self.cells), self.most), drop[self.free :]])
        zero = np.zeros(rows.shape[0])
        both = sparse.hstack([rows, -rows[:, self.free :]]).tocsr()
        self.model = program(both, np.zeros(both.shape[1]), self.lower, self.upper, zero, zero)

    def raise_group(self, targets: IntArray) -> FloatArray | None:
        """Raise cells as far as they will go together, each at most by its gap; nothing displayed may move.

        Parameters
        ----------
        targets : ndarray of int64
            Cells of which no two stand in one relation, so that raising one need not lower another.

        Returns
        -------
        ndarray of float64, shape (n_cells,), or None
        """
        columns = [self.column[cell] for cell in targets.tolist()]
        for column, gap in zip(columns, self.system.gap[targets].tolist(), strict=True):
            self.model.changeColCost(column, -1.0)
            self.model.changeColBounds(column, self.lower[column], gap)
        found = self._change(solution(self.model))
        for column in columns:
            self.model.changeColCost(column, 0.0)
            self.model.changeColBounds(column, self.lower[column], self.upper[column])
        return found

    def force(self, target: int, *, slopes: int = SLOPES, whole: bool = False) -> FloatArray | None:
        """Raise a cell by its gap, moving displayed cells of as little weight as can be; None where no change does.

        What it costs to move a cell at all is spread over how far it would move; after a first solution, over how
        far it did move there.

        Parameters
        ----------
        target : int
        slopes : int
            Solutions at most, of which the cheapest is taken.
        whole : bool, default False
            In whole persons; then None also where none was found within the limit of the search.

        Returns
        -------
        ndarray of float64, shape (n_cells,), or None
        """
        column, gap = self.column[target], float(self.system.gap[target])
        extra = self.cells[self.free :]
        self._hold_at(column, gap)
        prices = self.weight / gap, self.weight / np.clip(self.system.drop[extra], TOLERANCE, gap)
        best, least = None, np.inf
        for _ in range(slopes):
            self._price(np.concatenate(prices))
            change = self._change(self._solve(whole=whole))
            if change is None:
                break
            moved = np.abs(change[extra])
            paid = float(self.weight[moved > TOLERANCE].sum())
            if paid < least:
                best, least = change, paid
            if not (self.weight[moved > TOLERANCE] > THRIFT).any():
                break
            steep = self.weight / np.maximum(moved, SHORTEST)
            prices = np.where(moved > TOLERANCE, steep, prices[0]), np.where(moved > TOLERANCE, steep, prices[1])
        self._price(np.zeros(2 * len(extra)))
        self._release(column)
        return best

    def hide(self, cell: int) -> None:
        """Let a displayed cell move freely from now on."""
        column = self.column[cell]
        if column >= self.free:
            self.weight[column - self.free] = THRIFT
        else:
            self._bound(column, -min(self.system.drop[cell], self.most), self.most)

    def hold(self, cell: int) -> None:
        """Keep a free cell as it is, as if it were displayed."""
        self._bound(self.column[cell], 0.0, 0.0)

    def _bound(self, column: int, lower: float, upper: float) -> None:
        self.lower[column], self.upper[column] = lower, upper
        self.model.changeColBounds(column, lower, upper)

    def _hold_at(self, column: int, gap: float) -> None:
        self.model.changeColBounds(column, gap, gap)
        if column >= self.free:
            self.model.changeColBounds(column + len(self.cells) - self.free, 0.0, 0.0)

    def _release(self, column: int) -> None:
        for each in (column, column + len(self.cells) - self.free)[: 1 + (column >= self.free)]:
            self.model.changeColBounds(each, self.lower[each], self.upper[each])

    def _price(self, cost: FloatArray) -> None:
        if len(cost):
            columns = np.arange(self.free, self.free + len(cost), dtype=np.int32)
            self.model.changeColsCost(len(cost), columns, cost)

    def _solve(self, *, whole: bool) -> FloatArray | None:
        found = solution(self.model)
        if found is not None and whole and not is_whole(found):
            return whole_solution(self.model, NODES)
        return found

    def _change(self, found: FloatArray | None) -> FloatArray | None:
        if found is None:
            return None
        change = np.zeros(self.system.size)
        change[self.cells] = found[: len(self.cells)]
        change[self.cells[self.free :]] -= found[len(self.cells) :]
        return change


def witnesses(system: System, cells: IntArray, targets: IntArray) -> Iterator[IntArray]:
    """Look for changes of hidden cells that raise many targets at a time.

    Parameters
    ----------
    system : System
    cells : ndarray of int64
        Hidden cells, which may move.
    targets : ndarray of int64
        Some of them.

    Yields
    ------
    ndarray of int64
        Targets that a change raises by their gap.
    """
    sums = sparse.csr_array(system.matrix[:, cells])
    moves, rows = tied(sums)
    down, up = narrowest(moves, -system.drop[cells], np.full(len(cells), np.inf))
    gap = np.zeros(system.size)
    gap[targets] = system.gap[targets]
    near = TOLERANCE / 2 * max(1.0, float(gap.max()))
    for moved in Raising(rows, down, up, wanted(moves, gap[cells]), near=near).changes():
        risen = moves @ moved
        if np.abs(sums @ risen).max(initial=0.0) > TOLERANCE * max(1.0, float(gap.max())):
            raise ArithmeticError("a witness does not add up")
        change = np.zeros(system.size)
        change[cells] = risen.max(axis=1)
        yield reached(system, change, targets)


def apart(system: System, cells: IntArray) -> IntArray:
    """Pick cells, in their order, of which no two stand in one relation."""
    taken = np.zeros(system.matrix.shape[0], dtype=bool)
    picked = []
    for cell in cells.tolist():
        lines = system.by_cell.indices[system.by_cell.indptr[cell] : system.by_cell.indptr[cell + 1]]
        if not taken[lines].any():
            taken[lines] = True
            picked.append(cell)
    return np.array(picked, dtype=np.int64)


def reached(system: System, change: FloatArray, cells: IntArray) -> IntArray:
    """List the cells that a change raises by their gap."""
    return cells[change[cells] >= system.gap[cells] * (1 - TOLERANCE)]
