"""Join slices that were protected apart: find what is exposed by the relations between them, and mend it.

Mending is local: a slice, those it is a part of and those that hide the same combinations take up each other's
changes. A change of these cells alone that keeps every relation they stand in is a change of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from scipy import sparse

from p20kit.changes import SLOPES, Moves, apart, reach, reached, recoverable, witnesses
from p20kit.progress import Step
from p20kit.solver import TOLERANCE
from p20kit.system import BoolArray, FloatArray, IntArray, System

NEAR = 60
"""Displayed cells that may be hidden, per slice looked at: the lightest."""
BESIDE, BESIDE_CELLS = 16, 10_000
"""Slices looked at beside a cell's own, and cells in them, at most."""
DEAR = 0.005
"""Share of the weight hidden so far from which a cheaper change is looked for everywhere."""
FAMILY = 12_000
"""Cells of the slices in which witnesses are looked for together."""
WHOLE = 600
"""Hidden cells that hang together, up to which their witnesses must be of whole persons."""


class Joining:
    """State of one join: what is hidden, and for each cell in need the change that shows it safe.

    Parameters
    ----------
    system : System
    hidden : ndarray of bool, shape (n_cells,)
        What the slices hide.
    slices : ndarray of int64, shape (n_cells,)
    hopeless : ndarray of int64
        Cells that cannot be protected, as known so far.
    slopes : int
        How often a change is looked for, each time at better prices.
    """

    def __init__(
        self, system: System, hidden: BoolArray, slices: IntArray, hopeless: IntArray, slopes: int = SLOPES
    ) -> None:
        self.system = system
        self.hidden = hidden.copy()
        self.slices = slices
        self.slopes = slopes
        self.hopeless = hopeless
        self.targets = np.setdiff1d(system.in_need, hopeless)
        self.touched: set[int] = set()
        # the first is of whatever shows a cell safe where nothing will be revealed
        self.supports: list[frozenset[int]] = [frozenset()]
        self.witness = np.full(system.size, -1, dtype=np.int64)

    def protect(self, step: Step) -> None:
        """Prove what is safe as it stands, and hide further cells for the rest."""
        if self.system.recovery:
            while len(bare := self._recoverable()):
                # what was revealed since may have been what a change of these moved
                self.witness[bare] = -1
                self._mend(bare)
            return
        short = reach(self.system, self.hidden)[1] < self.system.gap - TOLERANCE
        self._mend(self.targets[short[self.targets]])
        if self.slices.any():
            unproven = self.targets[self.witness[self.targets] < 0]
            for found in witnesses(self.system, np.flatnonzero(self.hidden), unproven):
                self.witness[found] = 0
                step(int((self.witness[unproven] >= 0).sum()), len(unproven), "proofs")
        for _, slices in self._families():
            self._prove(np.isin(self.slices, slices))
        self._mend(self.targets[self.witness[self.targets] < 0])

    def reveal(self) -> None:
        """Show again what nothing needs, the heaviest first, where mending gave more than was asked for."""
        if self.system.recovery:
            self.hidden &= self.system.hidden | ~recoverable(self.system, self.hidden)
        partners = np.flatnonzero(self.hidden & ~self.system.hidden & np.isin(self.slices, sorted(self.touched)))
        for members, slices in self._families():
            mine = partners[np.isin(self.slices[partners], members)]
            order = mine[np.lexsort((mine, -self.system.weight[mine]))]
            cells = np.flatnonzero(np.isin(self.slices, slices))
            if not len(mine):
                continue
            if self.system.recovery:
                self._reveal_unrecoverable(order, cells)
            else:
                self._reveal_bounded(order, cells)

    def _recoverable(self) -> IntArray:
        return self.targets[recoverable(self.system, self.hidden)[self.targets]]

    def certify(self) -> None:
        """Give cells of small groups of hidden cells witnesses of whole persons; hide more where there are none."""
        system = self.system
        unknown = np.flatnonzero(self.hidden)
        part = system.part(unknown, np.arange(system.matrix.shape[0])).components()
        small = np.bincount(part)[part] <= WHOLE
        for group in np.unique(part[small]).tolist():
            cells = unknown[part == group]
            waiting = np.intersect1d(self.targets, cells)
            moves = Moves(system, cells[:0], cells, self.hidden)
            while len(waiting):
                change = moves.force(int(waiting[0]), whole=True)
                if change is None:
                    change = self._mend_in_whole(int(waiting[0]))
                found = waiting[:1] if change is None else reached(system, change, waiting)
                waiting = np.setdiff1d(waiting[1:], found)

    def _mend_in_whole(self, cell: int) -> FloatArray | None:
        movable = np.flatnonzero(self.hidden | ~self.system.fixed)
        change = Moves(self.system, movable[:0], movable, self.hidden).force(cell, whole=True)
        if change is None:
            self.hopeless = np.union1d(self.hopeless, [cell])
        else:
            self.hidden[np.abs(change) > TOLERANCE] = True
        return change

    def _reveal_unrecoverable(self, partners: IntArray, cells: IntArray) -> None:
        """Try each partner against what these cells alone keep from being recovered."""
        part = self.system.part(cells, np.unique(self.system.by_cell[cells].indices))
        hidden = self.hidden[cells]
        mine = part.in_need[np.isin(cells[part.in_need], self.targets)]
        # what is safe only by way of other cells must not lose what it leans on here
        if recoverable(part, hidden)[mine].any():
            return
        for cell in partners.tolist():
            column = int(np.searchsorted(cells, cell))
            hidden[column] = False
            if recoverable(part, hidden)[mine].any():
                hidden[column] = True
            else:
                self.hidden[cell] = False
        self._check(partners[~self.hidden[partners]])

    def _check(self, revealed: IntArray) -> None:
        """See whether cells beyond a family leaned on what was revealed; if so, reveal only what they do not need."""
        if not len(self._recoverable()):
            return
        self.hidden[revealed] = True
        for cell in revealed.tolist():
            self.hidden[cell] = False
            self.hidden[cell] = len(self._recoverable()) > 0

    def _reveal_bounded(self, partners: IntArray, cells: IntArray) -> None:
        """Try each partner against the cells whose witness moves it: each of them must find another."""
        moves = Moves(self.system, self._hidden(cells))
        for cell in partners.tolist():
            used = np.array([cell in support for support in self.supports], dtype=bool)
            affected = self.targets[used[self.witness[self.targets]]]
            if not np.isin(affected, moves.cells).all():
                continue
            before = self.witness.copy()
            self.witness[affected] = -1
            moves.hold(cell)
            if self._all_proven(moves, affected):
                self.hidden[cell] = False
            else:
                self.witness = before
                moves.hide(cell)

    def _all_proven(self, moves: Moves, targets: IntArray) -> bool:
        """Tell whether each target finds a witness; stop at the first that does not."""
        waiting = targets
        while len(waiting):
            group = apart(self.system, waiting)
            self._note(moves.raise_group(group), waiting)
            for cell in group[self.witness[group] < 0].tolist():
                if not self._note(moves.force(cell), waiting):
                    return False
            waiting = waiting[self.witness[waiting] < 0]
        return True

    def _prove(self, within: BoolArray) -> None:
        """Look for a witness of each target of some slices that has none; hide more where there is none."""
        cells = np.flatnonzero(within)
        waiting = self.targets[within[self.targets] & (self.witness[self.targets] < 0)]
        moves = Moves(self.system, self._hidden(cells), self._displayed(cells, NEAR))
        self._mend_with(moves, waiting)

    def _note(self, change: FloatArray | None, cells: IntArray) -> bool:
        """Keep a change as the witness of the cells it raises far enough, if there are any."""
        if change is None:
            return False
        found = reached(self.system, change, cells)
        found = found[self.witness[found] < 0]
        if len(found):
            self.witness[found] = len(self.supports)
            self.supports.append(frozenset(np.flatnonzero(np.abs(change) > TOLERANCE).tolist()))
        return len(found) > 0

    def _mend(self, bare: IntArray) -> None:
        """Hide what the cheapest changes of the cells move; look further afield where near cells do not do."""
        failed = bare[:0] if self.system.recovery else bare
        for members, slices in self._families() if self.system.recovery else ():
            mine = bare[np.isin(self.slices[bare], members)]
            cells = np.flatnonzero(np.isin(self.slices, slices))
            if len(mine):
                moves = Moves(self.system, self._hidden(cells), self._displayed(cells, NEAR))
                order = mine[np.lexsort((mine, self.system.weight[mine]))]
                failed = np.concatenate([failed, self._mend_with(moves, order)])
        for near, lightest in ((self._around, NEAR), (self._towards, None), (self._everything, None)):
            waiting, failed = failed, failed[:0]
            for mine in self._by_slice(waiting):
                cells = near(mine)
                moves = Moves(self.system, self._hidden(cells), self._displayed(cells, lightest))
                failed = np.concatenate([failed, self._mend_with(moves, mine)])
        self.hopeless = np.union1d(self.hopeless, failed)
        self.targets = np.setdiff1d(self.targets, failed)

    def _mend_with(self, moves: Moves, bare: IntArray) -> IntArray:
        """Mend cells with one model; return those it cannot mend."""
        moved: set[int] = set()
        failed = []
        for cell in bare.tolist():
            if self.witness[cell] >= 0 or (self.system.recovery and cell in moved):
                continue
            change = self._cheapest(moves, cell)
            if change is None:
                failed.append(cell)
                continue
            moving = np.flatnonzero(np.abs(change) > TOLERANCE)
            moved.update(moving.tolist())
            for other in moving[~self.hidden[moving]].tolist():
                self.hidden[other] = True
                self.touched.add(int(self.slices[other]))
                moves.hide(other)
            self._note(change, self.targets)
        return np.array(failed, dtype=np.int64)

    def _cheapest(self, moves: Moves, cell: int) -> FloatArray | None:
        """Find a change near the cell; where that is dear, everywhere."""
        change = moves.force(cell, slopes=self.slopes)
        dear = DEAR * self.system.weight[self.hidden & ~self.system.hidden].sum()
        if change is None or not self.system.recovery or self._price(change) <= dear:
            return change
        everything = np.arange(self.system.size)
        anywhere = Moves(self.system, self._hidden(everything), self._displayed(everything, NEAR)).force(cell)
        return min((each for each in (anywhere, change) if each is not None), key=self._price)

    def _price(self, change: FloatArray) -> float:
        return float(self.system.weight[(np.abs(change) > TOLERANCE) & ~self.hidden].sum())

    def _by_slice(self, cells: IntArray) -> Iterator[IntArray]:
        """Yield the cells of one slice after the other, light cells first."""
        order = cells[np.lexsort((cells, self.system.weight[cells]))]
        for slice_ in np.unique(self.slices[cells]).tolist():
            yield order[self.slices[order] == slice_]

    def _hidden(self, cells: IntArray) -> IntArray:
        return cells[self.hidden[cells]]

    def _displayed(self, cells: IntArray, lightest: int | None) -> IntArray:
        """List the displayed cells that may be hidden: of each slice the lightest, or all."""
        shown = cells[~self.hidden[cells] & ~self.system.fixed[cells]]
        order = shown[np.lexsort((self.system.weight[shown], self.slices[shown]))]
        rank = np.arange(len(order)) - np.searchsorted(self.slices[order], self.slices[order])
        return order if lightest is None else order[rank < lightest]

    def _around(self, mine: IntArray) -> IntArray:
        """List the cells of a slice, of those it is a part of, and of those that hide most in the same relations."""
        return self._with_most(mine, self._shared[[int(self.slices[mine[0]])]].toarray().ravel())

    def _towards(self, mine: IntArray) -> IntArray:
        """List the cells of a slice, of those it is a part of, and of those that can best take up what these need."""
        system, own = self.system, self.slices[mine[0]]
        near = self._in_lines_of(mine)
        near = near[self.hidden[near] & (self.slices[near] == own)]
        others = self._in_lines_of(near)
        others = others[~system.fixed[others] & (self.slices[others] != own)]
        room = np.minimum(system.drop[others], system.gap.max())
        score = np.bincount(self.slices[others], weights=room, minlength=int(self.slices.max()) + 1)
        return self._with_most(mine, score.astype(np.float64))

    def _in_lines_of(self, cells: IntArray) -> IntArray:
        return np.unique(self.system.matrix[np.unique(self.system.by_cell[cells].indices)].indices)

    def _everything(self, _: IntArray) -> IntArray:
        return np.arange(self.system.size)

    def _with_most(self, mine: IntArray, score: FloatArray) -> IntArray:
        above = self._above((int(self.slices[mine[0]]),))
        score[above] = np.inf
        sizes = np.bincount(self.slices)
        beside = min(BESIDE, BESIDE_CELLS // int(sizes.max()))
        chosen = np.argsort(-score, kind="stable")[: beside + len(above)]
        return np.flatnonzero(np.isin(self.slices, chosen))

    def _families(self) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield slices that are parts of the same, some at a time, and those with what they are parts of.

        Yields
        ------
        (ndarray of int64, ndarray of int64)
            The members, and all slices whose cells take up changes of theirs; heads first.
        """
        sizes = np.bincount(self.slices)
        siblings: dict[tuple[int, ...], list[int]] = {}
        for slice_, heads in enumerate(self._heads):
            siblings.setdefault(tuple(heads), []).append(slice_)
        for parents, members in sorted(siblings.items(), key=lambda each: len(self._above(each[0]))):
            above = self._above(parents)
            beside = [other for head in above for other in siblings[tuple(self._heads[head])]]
            with_them = np.union1d(above, beside).astype(np.int64)
            room = max(FAMILY - int(sizes[with_them].sum()), FAMILY // 2)
            turn = np.cumsum(sizes[members]) // room
            for number in np.unique(turn).tolist():
                chosen = np.array(members)[turn == number]
                yield chosen, np.union1d(chosen, with_them)

    def _above(self, slices: tuple[int, ...]) -> list[int]:
        """List slices and what they are parts of, directly or by way of others."""
        above = list(slices)
        for each in above:
            above += [head for head in self._heads[each] if head not in above]
        return above

    @cached_property
    def _heads(self) -> list[list[int]]:
        """Per slice the slices that hold the sums its cells are parts of."""
        entries = self.system.matrix.tocoo()
        head = np.zeros(self.system.matrix.shape[0], dtype=np.int64)
        head[entries.row[entries.data > 0]] = self.slices[entries.col[entries.data > 0]]
        pairs = np.unique(np.column_stack([self.slices[entries.col], head[entries.row]]), axis=0)
        heads: list[list[int]] = [[] for _ in range(int(self.slices.max(initial=0)) + 1)]
        for below, above in pairs[pairs[:, 0] != pairs[:, 1]].tolist():
            heads[below].append(above)
        return heads

    @cached_property
    def _shared(self) -> sparse.csr_matrix:
        """Count, for each two slices, the relations in which both hide cells."""
        entries = self.system.matrix.tocoo()
        kept = self.hidden[entries.col]
        shape = self.system.matrix.shape[0], int(self.slices.max(initial=0)) + 1
        hides = sparse.csr_matrix((np.ones(kept.sum()), (entries.row[kept], self.slices[entries.col[kept]])), shape)
        hides.data[:] = 1.0
        return (hides.T @ hides).tocsr()
