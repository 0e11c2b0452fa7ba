"""The linear programs behind complementary suppression, on HiGHS.

The unknown is a *change* of the true table: it adds up to nothing along every relation and takes no cell
below zero. `inside` moves hidden cells only and proves cells safe; `outside` may move displayed cells at
a cost and finds which of them to hide. Both keep their basis between solves.
"""

from __future__ import annotations

from collections.abc import Sequence

import highspy
import numpy as np
from numpy.typing import NDArray

from p20kit.system import IntArray, System

FloatArray = NDArray[np.float64]
INFINITE = highspy.kHighsInf
NODES = 200


class Carrier:
    """Searches for changes that raise cells to what they need.

    Parameters
    ----------
    system : System
    whole : bool
        Whether changes must be whole persons (small systems); otherwise fractions of a person may stand.

    Notes
    -----
    `solves` counts linear programs solved: the budget of the search, in place of a clock.
    """

    def __init__(self, system: System, *, whole: bool) -> None:
        self.system = system
        self.whole = whole
        self.solves = 0
        self.free = np.flatnonzero(~system.fixed)
        self.column = np.full(len(system.value), -1, dtype=np.int64)
        self.column[self.free] = np.arange(len(self.free))
        self.lines: list[list[int]] = [[] for _ in system.value]
        for number, (parent, parts) in enumerate(system.relations):
            for cell in (parent, *parts.tolist()):
                self.lines[cell].append(number)
        rows = self._rows()
        hidden = system.hidden[self.free]
        room = system.room[self.free].astype(np.float64)
        floor, ceiling = np.where(hidden, -room, 0.0), np.where(hidden, INFINITE, 0.0)
        self.inside = _model(rows, 1, floor, ceiling, np.zeros(len(self.free)))
        up_down = (np.where(hidden, -room, 0.0), np.where(hidden, 0.0, room))
        cost = np.where(hidden, 0.0, system.weight[self.free])
        self.outside = _model(
            rows,
            2,
            np.concatenate([up_down[0], np.zeros(len(self.free))]),
            np.concatenate([np.full(len(self.free), INFINITE), up_down[1]]),
            np.concatenate([cost, cost]),
        )

    def apart(self, cells: Sequence[int]) -> list[int]:
        """Pick cells of which no two stand in one relation, so that raising one need not lower another."""
        taken: set[int] = set()
        group = []
        for cell in cells:
            if not taken.intersection(self.lines[cell]):
                taken.update(self.lines[cell])
                group.append(cell)
        return group

    def raise_together(self, cells: Sequence[int], gap: IntArray) -> FloatArray | None:
        """Raise the cells as far as hidden cells alone allow, each at most by its gap."""
        movable = [int(self.column[cell]) for cell in cells if self.column[cell] >= 0]
        for column, cell in zip(movable, [c for c in cells if self.column[c] >= 0], strict=True):
            self.inside.changeColCost(column, -1.0)
            self.inside.changeColBounds(column, -float(self.system.room[cell]), float(gap[cell]))
        found = self._solve(self.inside, whole=self.whole)
        for column in movable:
            self.inside.changeColCost(column, 0.0)
            self.inside.changeColBounds(column, -float(self.system.room[self.free[column]]), INFINITE)
        return None if found is None else self._spread(found)

    def cheapest(self, cell: int, gap: int, *, whole: bool = False) -> FloatArray | None:
        """Find the cheapest change that raises the cell by its gap, displayed cells included.

        Parameters
        ----------
        cell, gap : int
        whole : bool
            Whether the change must be whole persons.

        Returns
        -------
        ndarray of float64, shape (n_cells,), or None
            None where no change does.
        """
        column = int(self.column[cell])
        if column < 0:
            return None
        self.outside.changeColBounds(column, float(gap), INFINITE)
        found = self._solve(self.outside, whole=whole)
        self.outside.changeColBounds(column, -float(self.system.room[cell]), INFINITE)
        if found is None:
            return None
        half = len(self.free)
        return self._spread(found[:half] - found[half:])

    def hide(self, cell: int) -> None:
        """Let the cell move freely."""
        column, room = int(self.column[cell]), float(self.system.room[cell])
        self.inside.changeColBounds(column, -room, INFINITE)
        self._outside(column, (-room, INFINITE), 0.0, 0.0)

    def hold(self, cell: int) -> None:
        """Keep the cell as it is while it is tried whether it can be shown."""
        self.inside.changeColBounds(int(self.column[cell]), 0.0, 0.0)

    def show(self, cell: int) -> None:
        """Make the cell a displayed one, which may move at a cost only."""
        column = int(self.column[cell])
        self.inside.changeColBounds(column, 0.0, 0.0)
        weight = float(self.system.weight[cell])
        self._outside(column, (0.0, INFINITE), float(self.system.room[cell]), weight)

    def _outside(self, column: int, up: tuple[float, float], down: float, cost: float) -> None:
        half = len(self.free)
        self.outside.changeColBounds(column, *up)
        self.outside.changeColBounds(half + column, 0.0, down)
        self.outside.changeColCost(column, cost)
        self.outside.changeColCost(half + column, cost)

    def _rows(self) -> list[tuple[IntArray, FloatArray]]:
        rows = []
        for parent, parts in self.system.relations:
            members = self.column[np.concatenate([[parent], parts])]
            signs = np.concatenate([[1.0], -np.ones(len(parts))])
            if (members >= 0).any():
                rows.append((members[members >= 0], signs[members >= 0]))
        return rows

    def _solve(self, model: highspy.Highs, *, whole: bool) -> FloatArray | None:
        self.solves += 1
        model.run()
        if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found = np.array(model.getSolution().col_value)
        if whole and np.abs(found - np.round(found)).max(initial=0.0) > 1e-6:
            return self._solve_whole(model)
        return found

    def _solve_whole(self, model: highspy.Highs) -> FloatArray | None:
        """Solve again in whole persons; the node limit keeps this deterministic and short."""
        columns = np.arange(model.getNumCol(), dtype=np.int32)
        model.changeColsIntegrality(len(columns), columns, np.ones(len(columns), dtype=np.uint8))
        model.run()
        status = model.getInfo().primal_solution_status
        found = np.round(np.array(model.getSolution().col_value)) if status == 2 else None
        model.changeColsIntegrality(len(columns), columns, np.zeros(len(columns), dtype=np.uint8))
        return found

    def _spread(self, found: FloatArray) -> FloatArray:
        change = np.zeros(len(self.system.value))
        change[self.free] = found
        return change


def _model(
    rows: list[tuple[IntArray, FloatArray]], copies: int, lower: FloatArray, upper: FloatArray, cost: FloatArray
) -> highspy.Highs:
    """Build rows that sum to zero; with two copies, the second is what is taken away."""
    width = len(cost) // copies
    model = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_max_nodes", NODES)):
        model.setOptionValue(option, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(rows)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
    lp.row_lower_ = lp.row_upper_ = np.zeros(len(rows))
    index = [np.concatenate([members + width * i for i in range(copies)]) for members, _ in rows]
    entry = [np.concatenate([signs * (-1.0) ** i for i in range(copies)]) for _, signs in rows]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum([len(i) for i in index])]).astype(np.int32)
    lp.a_matrix_.index_ = np.concatenate(index or [np.zeros(0)]).astype(np.int32)
    lp.a_matrix_.value_ = np.concatenate(entry or [np.zeros(0)])
    model.passModel(lp)
    return model
