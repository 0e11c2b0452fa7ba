"""What a reader can deduce about each hidden cell: bounds that hold, and figures shown to be possible."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from p20kit.attack import Attack, BoolArray, FloatArray, IntArray
from p20kit.disclosed import COUNT, Disclosed
from p20kit.progress import Step, unheard
from p20kit.witnesses import Witnesses, ranges

EXACT_PART = 150
EXACT_CELLS = 600
"""Connected cells, and cells in all, up to which both bounds of every hidden cell are exact."""


@dataclass(frozen=True)
class Bound:
    """What a reader can deduce about one hidden cell: persons, or the unit of the measure whose sum it is.

    Parameters
    ----------
    where : str
    lower : float
        At least this; whole for persons.
    upper : float or None
        At most this; None where nothing bounds the cell.
    reaches : float or None
        A figure shown to be possible by a table that fits all releases; None where none was looked for or nothing
        bounds the cell.
    how : {"interval", "linear", "whole"}
        What decided: propagation of intervals, tables in fractions of persons, or tables of whole persons.
    need : float
        What a reader must still think possible; 0 where nothing is asked.
    layer : str
        `count`, or the label of the measure.
    """

    where: str
    lower: float
    upper: float | None
    reaches: float | None
    how: str
    need: float = 0
    layer: str = COUNT

    @property
    def falls_short(self) -> bool:
        """Whether a reader knows that the figure is less than what must be possible."""
        return self.upper is not None and self.upper < self.need


class Deduced:
    """Everything that follows about the cells of one layer.

    Parameters
    ----------
    attack : Attack
    disclosed : sequence of Disclosed
        The releases whose cells are asked for: the first of those that are attacked.
    step : Step
        Told how far the search is.

    Attributes
    ----------
    lower, upper : ndarray of float64, shape (n_unknowns,)
        The narrowest bounds found.
    reaches : ndarray of float64, shape (n_unknowns,)
        NaN where no witness was looked for.
    how : ndarray of str, shape (n_unknowns,)
    """

    def __init__(self, attack: Attack, disclosed: Sequence[Disclosed], step: Step = unheard) -> None:
        self.attack, self.disclosed = attack, disclosed
        self.lower, self.upper = attack.lower.copy(), attack.upper.copy()
        self.reaches = np.where(attack.known, attack.truth, np.nan)
        self.how = np.full(len(self.lower), "interval", dtype=object)
        self.how[attack.solved] = "whole" if attack.whole else "linear"
        self._witnessed(step)
        self._exact()

    def _witnessed(self, step: Step) -> None:
        attack, system = self.attack, self.attack.undecided
        cells, need = system.cells, attack.need[system.cells]
        gap = np.maximum(need - attack.truth[cells], 0.0)
        found = Witnesses(system, gap, whole=attack.whole, step=step)
        short, narrower = found.most < gap - attack.near, found.most < system.up
        upper = attack.truth[cells] + found.most
        upper = np.floor(upper + attack.near) if attack.whole else upper
        self.upper[cells[narrower]] = upper[narrower]
        self.reaches[cells[found.proven & ~short]] = need[found.proven & ~short]
        self.how[cells[found.proven | narrower]] = "linear"
        # what fractions of persons can reach, and persons cannot
        self.how[cells[found.in_whole | (found.proven & short)]] = "whole"

    def _exact(self) -> None:
        """Where few cells hang together, find the least and the most each of them can be."""
        attack, system = self.attack, self.attack.undecided
        sizes = np.bincount(system.part)
        released = np.isin(system.cells, np.concatenate(attack.cell[: len(self.disclosed)]))
        small = np.flatnonzero(released & (sizes[system.part] <= EXACT_PART))
        if len(small) > EXACT_CELLS:
            return
        for column in small:
            cell = system.cells[column]
            fall, rise, decided = ranges(system, int(column), whole=attack.whole)
            low, high = attack.truth[cell] + fall, attack.truth[cell] + rise
            if attack.whole:
                low, high = np.ceil(low - attack.near), np.floor(high + attack.near)
            self.lower[cell], self.upper[cell] = max(low, self.lower[cell]), min(high, self.upper[cell])
            self.reaches[cell] = self.upper[cell] if np.isfinite(self.upper[cell]) else np.nan
            self.how[cell] = "whole" if decided else "linear"

    def bounds(self) -> Iterator[Bound]:
        """Give one bound for each hidden cell, under the name it has in the first table that has it."""
        seen = np.zeros(len(self.lower), dtype=bool)
        for each, cell in zip(self.disclosed, self.attack.cell, strict=False):
            hidden = (~np.equal(each.lower, each.upper)).ravel()
            fresh = np.flatnonzero(hidden & ~seen[cell])
            fresh = fresh[np.unique(cell[fresh], return_index=True)[1]]
            seen[cell[fresh]] = True
            for flat in np.sort(fresh).tolist():
                yield self._bound(each, flat, int(cell[flat]))

    def _bound(self, each: Disclosed, flat: int, cell: int) -> Bound:
        where = each.table.where(flat) if each.layer == COUNT else f"{each.table.where(flat)} {each.layer}"
        reaches, how = _figure(self.reaches[cell]), str(self.how[cell])
        upper, need = _figure(self.upper[cell]), _figure(self.attack.need[cell]) or 0
        return Bound(where, _figure(self.lower[cell]) or 0, upper, reaches, how, need, each.layer)


def lines(attack: Attack, minimum: float) -> Iterator[tuple[int, IntArray, float]]:
    """Yield sums of which the total and some parts are known, and the rest comes to too few.

    Every hidden cell of such a rest is bounded by it, so the bounds find it too; this says by which sum.

    Yields
    ------
    (int, ndarray of int64, float)
        The total's unknown, the hidden parts, and what they come to together.
    """
    known: BoolArray = attack.known
    for parents, parts in attack.sums:
        hidden = ~known[parts]
        rest: FloatArray = np.where(hidden, attack.truth[parts], 0.0).sum(axis=1)
        for at in np.flatnonzero(known[parents] & hidden.any(axis=1) & (rest < minimum)):
            yield int(parents[at]), parts[at][hidden[at]], float(rest[at])


def _figure(value: float) -> float | None:
    """Write whole figures as whole; nothing where there is no bound."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() else float(value)
