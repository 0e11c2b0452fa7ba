"""Complementary suppression: hide further cells until nothing under the threshold can be worked out.

A system of some hundred cells is solved by cut generation (cover.py). A larger one is cut into slices, by leaving out
the relations over one column; each slice is solved the same way. To know fewer relations only helps who publishes, so
what the slices must hide at least is a proven bound for the whole. Then the slices are joined (joining.py): cells
that are exposed by what was left out are given the cheapest change that protects them. Nothing here is random.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from p20kit.changes import SLOPES
from p20kit.cover import Covered, cover, line_bound
from p20kit.joining import Joining
from p20kit.progress import Step
from p20kit.system import BoolArray, FloatArray, IntArray, System

EXACT = 500
"""Cells that may be displayed or hidden, in a system that is solved as one."""
LARGE = 50_000
"""Cells that may be displayed or hidden, above which haste is made unless somebody asks for the least."""
LONELY = 3.0
"""How much dearer a cell is of which no other slice hides anything in the same line."""
SMALL, MANY = 0.2, 30.0
"""How much cheaper a cell of nobody is than one of `MANY` or more: small cells are hidden in the same lines."""


@dataclass(frozen=True)
class Outcome:
    """What the search came to.

    Parameters
    ----------
    hidden : ndarray of bool, shape (n_cells,)
    weight : float
        Of the cells hidden for others.
    bound : float
        No choice that protects every cell weighs less.
    unprotected : ndarray of int64
        Cells that no choice protects; empty when all is well.
    """

    hidden: BoolArray
    weight: float
    bound: float
    unprotected: IntArray


def complementary(system: System, step: Step, *, fast: bool | None = None, seconds: float | None = None) -> Outcome:
    """Choose further cells to hide so that no cell in need is exposed.

    Source: DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    system : System
    step : Step
        Told how far the search is.
    fast : bool, optional
        Mend what is exposed at once, without looking for the least. By default so where more than `LARGE` cells
        are open.
    seconds : float, optional
        After so much time what is left is done fast. Without it equal input gives equal output.
    """
    in_haste = len(system.open) > LARGE if fast is None else fast
    until = None if seconds is None else time.monotonic() + seconds
    search = _Search(step, lambda: in_haste or (until is not None and time.monotonic() > until))
    hidden, bound, hopeless = search.solve(system)
    if system.whole and not system.recovery:
        joining = Joining(system, hidden, np.zeros(system.size, dtype=np.int64), hopeless)
        joining.certify()
        hidden, hopeless = joining.hidden, joining.hopeless
    weight = float(system.weight[hidden & ~system.hidden].sum())
    return Outcome(hidden, weight, min(bound, weight), hopeless)


@dataclass(frozen=True)
class _Search:
    """How to search: whom to tell, and whether to make haste."""

    step: Step
    hasty: Callable[[], bool]

    def solve(self, system: System) -> tuple[BoolArray, float, IntArray]:
        """Give what to hide, a bound of its weight, and the cells that no choice protects."""
        slices, across = system.slices()
        if len(system.open) <= EXACT or not slices.any():
            return self._as_one(system)
        hidden, bound = system.hidden.copy(), 0.0
        hopeless = [np.zeros(0, dtype=np.int64)]
        cross = system.matrix[across]
        pieces = list(_pieces(system, slices, across))
        for done, (cells, rows) in enumerate(pieces):
            self.step(done, len(pieces), "slices")
            part = system.part(cells, rows)
            price = part.weight if system.recovery else part.weight * _favour(system, cross, hidden)[cells]
            part_hidden, part_bound, part_hopeless = self.solve(replace(part, weight=price))
            # what is proven at other prices says nothing of the weights
            bound += part_bound if system.recovery or self.hasty() else line_bound(part)
            hidden[cells] |= part_hidden
            hopeless.append(cells[part_hopeless])
        joining = Joining(system, hidden, slices, np.concatenate(hopeless), self._slopes)
        joining.protect(self.step)
        if system.recovery:
            joining.reveal()
        return joining.hidden, bound, joining.hopeless

    @property
    def _slopes(self) -> int:
        return 1 if self.hasty() else SLOPES

    def _as_one(self, system: System) -> tuple[BoolArray, float, IntArray]:
        hasty = self.hasty()
        covered = Covered(system.hidden, 0.0, np.zeros(0, dtype=np.int64), False) if hasty else cover(system)
        if covered.finished:
            return covered.hidden, covered.bound, covered.hopeless
        one = np.zeros(system.size, dtype=np.int64)
        joining = Joining(system, covered.hidden, one, covered.hopeless, self._slopes)
        joining.protect(self.step)
        joining.touched = {0}
        if not hasty:
            joining.reveal()
        return joining.hidden, covered.bound, joining.hopeless


def _favour(system: System, cross: sparse.csr_matrix, hidden: BoolArray) -> FloatArray:
    """Price cells so that slices hide in the same lines, and rather small cells."""
    concealed = abs(cross) @ hidden.astype(np.float64)
    lonely = abs(cross).T @ (concealed == 0).astype(np.float64) > 0
    many = np.minimum(system.drop / MANY, 1.0)
    favour: FloatArray = (1.0 + LONELY * lonely) * (1.0 - SMALL * (1.0 - many))
    return favour


def _pieces(system: System, slices: IntArray, across: BoolArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the cells and the relations of each slice."""
    inner = np.flatnonzero(~across)
    first = system.matrix.indices[system.matrix.indptr[inner]]
    row_order = np.argsort(slices[first], kind="stable")
    rows = np.split(inner[row_order], np.searchsorted(slices[first][row_order], np.arange(1, slices.max() + 1)))
    cell_order = np.argsort(slices, kind="stable")
    cells = np.split(cell_order, np.searchsorted(slices[cell_order], np.arange(1, slices.max() + 1)))
    yield from zip(cells, rows, strict=True)
