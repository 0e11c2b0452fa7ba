"""The attacker: what can be worked out from displayed cells and from how cells add up.

It knows which cells are hidden, not why; that counts are whole and not negative; and every release it is
given. It builds its equations from the tables' labels and shares no code with complementary suppression.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import highspy
import numpy as np
from numpy.typing import NDArray

from p20kit.errors import P20KitError
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

UNBOUNDED = 10**9
WHOLE_LIMIT = 600
NODES = 500
UNLIMITED = (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible)


class Attack:
    """One population's releases as a system of equations, and the bounds that follow.

    Parameters
    ----------
    releases : sequence of (Table, ndarray of bool)
        Tables that count the same people, with the cells displayed.

    Attributes
    ----------
    cell : list of ndarray of int64
        Per release: the unknown behind each flat cell.
    lower, upper : ndarray of int64, shape (n_unknowns,)
        Outer bounds by interval propagation; `UNBOUNDED` where nothing bounds a cell.
    """

    def __init__(self, releases: Sequence[tuple[Table, BoolArray]]) -> None:
        self._number: dict[frozenset[tuple[str, str]], int] = {}
        self.cell = [self._unknowns(table) for table, _ in releases]
        self.lower = np.zeros(len(self._number), dtype=np.int64)
        self.upper = np.full(len(self._number), UNBOUNDED, dtype=np.int64)
        for (table, shown), cell in zip(releases, self.cell, strict=True):
            known = shown.ravel() | table.impossible.ravel()
            self.lower[cell[known]] = self.upper[cell[known]] = table.counts.ravel()[known]
        self.sums = self._sums([table for table, _ in releases])
        self._propagate()
        self._program: _Program | None = None
        self._seen: FloatArray | None = None

    @property
    def known(self) -> BoolArray:
        """Unknowns that follow exactly, displayed ones included."""
        return np.equal(self.lower, self.upper)

    @property
    def program(self) -> _Program:
        """The linear program over what propagation left open."""
        if self._program is None:
            self._program = _Program(self.lower, self.upper, self.sums)
        return self._program

    def reach(self, unknown: int, enough: int) -> tuple[int, str]:
        """Find whether an unknown can be `enough`, from solutions already seen where possible.

        Returns
        -------
        (int, str)
            The count it can be, at most `enough`; and "linear" or "whole".
        """
        program = self.program
        column = program.column[unknown]
        if self._seen is None:
            self._seen = np.full(len(program.open), -1.0)
        if self._seen[column] >= enough:
            return enough, "whole" if program.whole else "linear"
        value, solution, decided = program.extreme(unknown, 1.0, enough)
        if len(solution) and (decided or not program.whole):
            np.maximum(self._seen, solution + 1e-6, out=self._seen)
        reached = enough if value == np.inf else int(value + 1e-6)
        return reached, "whole" if decided else "linear"

    def _unknowns(self, table: Table) -> IntArray:
        names = []
        for codes in table.labels:
            group = frozenset(pair for pair in zip(table.by, codes, strict=True) if pair[1] != "Total")
            names.append(self._number.setdefault(group, len(self._number)))
        return np.array(names, dtype=np.int64)

    def _sums(self, tables: Sequence[Table]) -> list[tuple[IntArray, IntArray]]:
        """Collect sums by their length: parents, shape (m,), and parts, shape (m, k)."""
        by_length: dict[int, set[tuple[int, tuple[int, ...]]]] = defaultdict(set)
        for table, cell in zip(tables, self.cell, strict=True):
            at = {codes: int(n) for codes, n in zip(table.labels, cell, strict=True)}
            for axis, dimension in enumerate(table.dimensions):
                parts_of = {dimension.codes[p]: [dimension.codes[c] for c in cs] for p, cs in dimension.groups}
                for codes, number in at.items():
                    if codes[axis] in parts_of:
                        swap = [(*codes[:axis], part, *codes[axis + 1 :]) for part in parts_of[codes[axis]]]
                        parts = tuple(sorted(at[s] for s in swap))
                        by_length[len(parts)].add((number, parts))
        return [
            (np.array([p for p, _ in sums], dtype=np.int64), np.array([c for _, c in sums], dtype=np.int64))
            for sums in (sorted(by_length[k]) for k in sorted(by_length))
        ]

    def _propagate(self) -> None:
        """Tighten each part by its sum and the other parts, until nothing changes."""
        while True:
            before = (self.lower.copy(), self.upper.copy())
            for parent, parts in self.sums:
                low, high = self.lower[parts], self.upper[parts]
                np.maximum.at(self.lower, parent, low.sum(axis=1))
                np.minimum.at(self.upper, parent, high.sum(axis=1))
                rest_low = low.sum(axis=1, keepdims=True) - low
                rest_high = high.sum(axis=1, keepdims=True) - high
                np.minimum.at(self.upper, parts, self.upper[parent][:, None] - rest_low)
                np.maximum.at(self.lower, parts, self.lower[parent][:, None] - rest_high)
            self.upper[self.upper > UNBOUNDED // 2] = UNBOUNDED
            if np.array_equal(before[0], self.lower) and np.array_equal(before[1], self.upper):
                return


class _Program:
    """Largest and smallest values of single unknowns, by HiGHS."""

    def __init__(self, lower: IntArray, upper: IntArray, sums: Sequence[tuple[IntArray, IntArray]]) -> None:
        self.open = np.flatnonzero(lower < upper)
        self.column = np.full(len(lower), -1, dtype=np.int64)
        self.column[self.open] = np.arange(len(self.open))
        self.whole = len(self.open) <= WHOLE_LIMIT
        self.model = highspy.Highs()
        for option, value in (("output_flag", False), ("threads", 1), ("simplex_strategy", 4)):
            self.model.setOptionValue(option, value)
        self.model.setOptionValue("mip_max_nodes", NODES)
        infinite = highspy.kHighsInf
        highest = np.where(upper >= UNBOUNDED, infinite, upper.astype(np.float64))
        self.lower, self.upper = lower[self.open].astype(np.float64), highest[self.open]
        for low, high in zip(self.lower, self.upper, strict=True):
            self.model.addVar(low, high)
        for parents, parts in sums:
            for parent, row in zip(parents.tolist(), parts.tolist(), strict=True):
                self._add_sum(parent, row, lower)

    def _add_sum(self, parent: int, parts: list[int], lower: IntArray) -> None:
        terms = [(parent, 1.0), *((part, -1.0) for part in parts)]
        known = sum(sign * float(lower[u]) for u, sign in terms if self.column[u] < 0)
        unknown = [(int(self.column[u]), sign) for u, sign in terms if self.column[u] >= 0]
        if unknown:
            columns = np.array([c for c, _ in unknown], dtype=np.int32)
            self.model.addRow(-known, -known, len(unknown), columns, np.array([s for _, s in unknown]))

    def extreme(self, unknown: int, sign: float, stop: int | None = None) -> tuple[float, FloatArray, bool]:
        """Find the largest (sign +1) or smallest (-1) value of one unknown.

        Parameters
        ----------
        unknown : int
        sign : {1.0, -1.0}
        stop : int, optional
            A value that is enough: the unknown is not raised above it.

        Returns
        -------
        (float, ndarray of float64, bool)
            The value (infinite where nothing bounds it), every open unknown's value in that solution, and
            whether it is decided in whole persons.
        """
        column = int(self.column[unknown])
        low, high = self.lower[column], self.upper[column]
        if stop is not None:
            self.model.changeColBounds(column, low, min(high, float(stop)))
        self.model.changeColCost(column, -sign)
        self.model.run()
        value, solution, decided = self._read(column)
        self.model.changeColCost(column, 0.0)
        self.model.changeColBounds(column, low, high)
        return value, solution, decided

    def _read(self, column: int) -> tuple[float, FloatArray, bool]:
        status = self.model.getModelStatus()
        if status in UNLIMITED:
            return np.inf, np.zeros(0), True
        if status != highspy.HighsModelStatus.kOptimal:
            raise P20KitError(f"the audit could not decide a bound: solver status {status.name}")
        solution = np.array(self.model.getSolution().col_value)
        value = float(solution[column])
        if np.abs(solution - np.round(solution)).max(initial=0.0) < 1e-6:
            return float(np.round(value)), np.round(solution), True
        if not self.whole:
            return value, solution, False
        columns = np.arange(len(self.open), dtype=np.int32)
        self.model.changeColsIntegrality(len(columns), columns, np.ones(len(columns), dtype=np.uint8))
        self.model.run()
        decided = self.model.getModelStatus() == highspy.HighsModelStatus.kOptimal
        whole = np.round(np.array(self.model.getSolution().col_value))
        self.model.changeColsIntegrality(len(columns), columns, np.zeros(len(columns), dtype=np.uint8))
        return (float(whole[column]), whole, True) if decided else (value, solution, False)
