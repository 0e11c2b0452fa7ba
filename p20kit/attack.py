"""What a reader can work out: everything released as one system of equations, narrowed by interval propagation.

It knows what each release tells of each cell (`Disclosed`), how cells add up (`linked.link`), and that counts are
whole and not negative; not why a cell is hidden. It shares no code with complementary suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from p20kit.disclosed import Disclosed
from p20kit.errors import Finding, TableInvalid
from p20kit.linked import Linked
from p20kit.nullspace import components, crossing, moving

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

NEAR = 1e-6
"""Persons, or units of a measure relative to its size: closer than this is equal."""
SWEEPS = 500


@dataclass(frozen=True, eq=False)
class Undecided:
    """What propagation left open, as changes of the true figures that nobody could tell from the truth.

    Parameters
    ----------
    cells : ndarray of int64, shape (n,)
        The unknown behind each column.
    rows : csr_array of float64, shape (m, n)
        1 and -1: along every row the changes add up to nothing.
    down, up : ndarray of float64, shape (n,)
        How far each may fall (at most 0) and rise (at least 0).
    part : ndarray of int64, shape (n,)
        Connected component; no row runs through two of them.
    """

    cells: IntArray
    rows: sparse.csr_array
    down: FloatArray
    up: FloatArray
    part: IntArray


class Attack:
    """One layer of everything released, of any populations.

    Parameters
    ----------
    disclosed : sequence of Disclosed
        Of one layer.
    linked : Linked
        Of their tables, in the same order.

    Attributes
    ----------
    truth, need : ndarray of float64, shape (n_unknowns,)
        The figure, and what a reader must still think possible.
    lower, upper : ndarray of float64, shape (n_unknowns,)
        Outer bounds by interval propagation; equal where the figure follows exactly.
    solved : ndarray of int64
        Unknowns that the sums determine together, though none does by itself.

    Raises
    ------
    TableInvalid
        If what is disclosed of a cell does not hold its figure.
    """

    def __init__(self, disclosed: Sequence[Disclosed], linked: Linked) -> None:
        self.cell, self.sums = linked.unknowns, linked.sums
        self.whole = all(each.whole for each in disclosed)
        self.truth, self.need, self.lower = np.zeros((3, linked.size))
        self.upper = np.full(linked.size, np.inf)
        for each, cell in zip(disclosed, self.cell, strict=True):
            self.truth[cell] = each.truth.ravel()
            np.maximum.at(self.need, cell, each.need.ravel())
            np.maximum.at(self.lower, cell, each.lower.ravel())
            np.minimum.at(self.upper, cell, each.upper.ravel())
        self.near = NEAR if self.whole else NEAR * float(self.truth.max(initial=1.0))
        _refuse_untrue(self, disclosed)
        self._rows = _rows(linked.sums, linked.size)
        self._propagate()
        self._solve()

    @property
    def known(self) -> BoolArray:
        """Unknowns that follow exactly, displayed ones included."""
        return self.upper - self.lower <= self.near

    @cached_property
    def undecided(self) -> Undecided:
        """What propagation left open."""
        cells = np.flatnonzero(~self.known)
        rows = crossing(self._rows, cells)
        part = components(rows)
        truth = self.truth[cells]
        down, up = np.minimum(self.lower[cells] - truth, 0.0), np.maximum(self.upper[cells] - truth, 0.0)
        return Undecided(cells, rows, down, up, part)

    def _solve(self) -> None:
        """Enter what the sums determine together, though none does by itself."""
        open_yet = self.undecided
        self.solved = open_yet.cells[~moving(open_yet.rows)]
        if len(self.solved):
            self.lower[self.solved] = self.upper[self.solved] = self.truth[self.solved]
            del self.undecided
            self._propagate()

    def _propagate(self) -> None:
        """Tighten each cell by the other cells of each of its sums, until nothing changes."""
        cells = np.flatnonzero(~self.known)
        rows = self._rows[:, cells]
        kept = np.diff(rows.indptr) > 0
        if not kept.any():
            return
        rest = np.where(self.known, self.truth, 0.0)
        sweep = _Sweep(rows[kept], -(self._rows[kept] @ rest))
        low, high = self.lower[cells], self.upper[cells]
        for _ in range(SWEEPS):
            before = low, high
            low, high = sweep.tighten(low, high)
            if self.whole:
                low, high = np.ceil(low - NEAR), np.floor(high + NEAR)
            if np.array_equal(before, (low, high)):
                break
        self.lower[cells], self.upper[cells] = low, high


class _Sweep:
    """One pass over all rows at once.

    Parameters
    ----------
    rows : csr_array, shape (m, n)
        No row is empty.
    total : ndarray of float64, shape (m,)
        What each row comes to.
    """

    def __init__(self, rows: sparse.csr_array, total: FloatArray) -> None:
        self.first, self.column, self.positive = rows.indptr[:-1], rows.indices, rows.data > 0
        self.row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        self.total = total[self.row]
        self.order = np.argsort(self.column, kind="stable")
        self.touched, self.begin = np.unique(self.column[self.order], return_index=True)

    def tighten(self, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return narrower bounds of the n cells."""
        least = np.where(self.positive, low[self.column], -high[self.column])
        most = np.where(self.positive, high[self.column], -low[self.column])
        upper, lower = self.total - self._others(least, -np.inf), self.total - self._others(most, np.inf)
        above = np.where(self.positive, upper, -lower)[self.order]
        below = np.where(self.positive, lower, -upper)[self.order]
        low, high = low.copy(), high.copy()
        low[self.touched] = np.maximum(low[self.touched], np.maximum.reduceat(below, self.begin))
        high[self.touched] = np.minimum(high[self.touched], np.minimum.reduceat(above, self.begin))
        return low, high

    def _others(self, terms: FloatArray, endless: float) -> FloatArray:
        """Give for every term what the others of its row come to; `endless` where one of them is."""
        infinite = np.isinf(terms)
        finite = np.where(infinite, 0.0, terms)
        rest = np.add.reduceat(finite, self.first)[self.row] - finite
        others = np.add.reduceat(infinite.astype(np.int64), self.first)[self.row] - infinite
        return np.where(others > 0, endless, rest)


def _refuse_untrue(attack: Attack, disclosed: Sequence[Disclosed]) -> None:
    untrue = (attack.truth < attack.lower - attack.near) | (attack.truth > attack.upper + attack.near)
    if untrue.any():
        what = f"what is disclosed of {int(untrue.sum())} cells does not hold their figures"
        advice = "Make the tables again from one and the same basis."
        finding = Finding("untrue", "DSA VI.G.1", disclosed[0].table.name, what, advice)
        raise TableInvalid("the tables cannot be audited", [finding])


def _rows(sums: Sequence[tuple[IntArray, IntArray]], size: int) -> sparse.csr_array:
    """Write every sum as a row: 1 at the parent, -1 at its parts."""
    rows, columns, signs, count = [], [], [], 0
    for parents, parts in sums:
        number = np.arange(count, count + len(parents))
        rows += [number, np.repeat(number, parts.shape[1])]
        columns += [parents, parts.ravel()]
        signs += [np.ones(len(parents)), -np.ones(parts.size)]
        count += len(parents)
    entries = np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array(entries, shape=(count, size))
