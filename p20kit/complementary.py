"""Complementary suppression: hide further cells until nothing under the threshold can be worked out.

The definition is the attacker's: a hidden cell is safe when some table of whole or fractional persons,
consistent with every displayed cell, gives it the threshold or more. Such a table is a *witness*: the
true counts plus a change that adds up to nothing along every relation and leaves displayed cells alone.
`Search` looks for witnesses by linear programming (carrier.py), many cells at a time; where there is
none, it finds the cheapest change that would also move displayed cells, and hides those. At the end it
takes back what turned out not to be needed. Nothing here is random, so equal input gives equal output.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from p20kit.carrier import Carrier
from p20kit.system import BoolArray, IntArray, System

REVEAL_WORK = 400_000
WHOLE_WORK = 600


@dataclass
class Outcome:
    """What the search came to.

    Parameters
    ----------
    hidden : ndarray of bool, shape (n_cells,)
    unprotected : ndarray of int64
        Cells that no choice protects; empty when all is well.
    """

    hidden: BoolArray
    unprotected: IntArray


def complementary(system: System) -> Outcome:
    """Choose further cells to hide so that no cell under the threshold can be recovered or bounded below it.

    Source: DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    system : System
        Cells of all tables that count the same people, with what is hidden and what is already public.

    Returns
    -------
    Outcome
        `hidden` contains `system.hidden`.
    """
    search = Search(system)
    search.protect_all()
    search.reveal_needless()
    return Outcome(search.hidden, np.array(sorted(search.hopeless), dtype=np.int64))


class Search:
    """State of one search: what is hidden, and for each cell in need the witness that shows it safe.

    Parameters
    ----------
    system : System
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.hidden = system.hidden.copy()
        self.gap = np.maximum(system.need - system.value, 0)
        self.in_need = np.flatnonzero(self.hidden & (system.need > system.value))
        self.hopeless: set[int] = set()
        self.carrier = Carrier(system, whole=len(system.value) <= WHOLE_WORK)
        self.witness: dict[int, int] = {}
        self.changes: list[BoolArray] = []

    def protect_all(self) -> None:
        """Prove what is safe as it stands; hide partners for the rest."""
        doubtful = self._prove([int(i) for i in self.in_need])
        for cell in sorted(doubtful, key=lambda i: (self.system.value[i], i)):
            if cell in self.witness:
                continue
            if not (self._hide_partners(cell, doubtful, whole=False) and self._alone(cell)):
                self._hide_partners(cell, doubtful, whole=True)
            if cell not in self.witness:
                self.hopeless.add(cell)

    def _hide_partners(self, cell: int, doubtful: list[int], *, whole: bool) -> bool:
        """Hide what the cheapest change of the cell moves; False where there is no such change."""
        change = self.carrier.cheapest(cell, int(self.gap[cell]), whole=whole)
        if change is None:
            return False
        for partner in np.flatnonzero((np.abs(change) > 1e-6) & ~self.hidden):
            self.hidden[partner] = True
            self.carrier.hide(int(partner))
        if not self.carrier.whole or np.abs(change - np.round(change)).max() < 1e-6:
            self._note(change, doubtful)
        return True

    def reveal_needless(self) -> None:
        """Show again each partner without which everything stays safe, largest first, within a budget."""
        partners = np.flatnonzero(self.hidden & ~self.system.hidden)
        solves = REVEAL_WORK // max(len(self.system.value), 1)
        for partner in sorted(partners, key=lambda i: (-self.system.weight[i], -self.system.value[i], i)):
            affected = [c for c, w in self.witness.items() if self.changes[w][partner]]
            before = dict(self.witness)
            self.carrier.hold(int(partner))
            for cell in affected:
                del self.witness[cell]
            spent = self.carrier.solves
            failed = self._prove(affected, give_up=True)
            solves -= self.carrier.solves - spent
            if failed:
                self.witness = before
                self.carrier.hide(int(partner))
            else:
                self.hidden[partner] = False
                self.carrier.show(int(partner))
            if solves <= 0:
                return

    def _prove(self, cells: list[int], *, give_up: bool = False) -> list[int]:
        """Find witnesses among the hidden cells alone; return the cells for which none was found."""
        doubtful: list[int] = []
        waiting = sorted(cells, key=lambda i: (self.system.value[i], i))
        while waiting:
            group = self.carrier.apart(waiting)
            change = self.carrier.raise_together(group, self.gap)
            self._note(change, waiting)
            failed = [cell for cell in group if cell not in self.witness]
            if len(group) > 1 and len(failed) == len(group):
                failed = failed[1:]
                self._alone(group[0])
            doubtful += [cell for cell in group if cell not in self.witness]
            if give_up and [cell for cell in doubtful if not self._alone(cell)]:
                return doubtful
            doubtful = [cell for cell in doubtful if cell not in self.witness]
            waiting = [cell for cell in waiting if cell not in self.witness and cell not in doubtful]
        return doubtful

    def _alone(self, cell: int) -> bool:
        if cell not in self.witness:
            self._note(self.carrier.raise_together([cell], self.gap), [cell])
        return cell in self.witness

    def _note(self, change: np.ndarray[tuple[int], np.dtype[np.float64]] | None, cells: list[int]) -> None:
        if change is None:
            return
        proven = [c for c in cells if c not in self.witness and change[c] >= self.gap[c] - 1e-6]
        if proven:
            self.changes.append(np.abs(change) > 1e-6)
            self.witness.update(dict.fromkeys(proven, len(self.changes) - 1))
