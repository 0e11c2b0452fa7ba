"""An attacker of the tests' own: what a reader of published tables can work out, and nothing of ours in it.

The reader has the published copies (codes, counts or nothing, `structural`), knows which codes a parent
holds, and which tables are of the same people. The unknowns are the *atoms*: the combinations of the
innermost codes of all columns of all tables together. Every displayed cell is a sum of atoms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

TOTAL = "Total"
CAP = 10_000.0
PARTIAL_TABLES = 200_000

Codes = tuple[str, ...]
Parents = Mapping[str, Mapping[str, str]]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Published:
    """One table as it was published.

    Parameters
    ----------
    frame : DataFrame
        By-columns, `count` (null where hidden), `status` (shown, hidden or structural).
    """

    frame: pd.DataFrame

    @cached_property
    def by(self) -> list[str]:
        return list(self.frame.columns[:-2])

    @cached_property
    def codes(self) -> list[Codes]:
        return list(self.frame[self.by].itertuples(index=False, name=None))

    @cached_property
    def shown(self) -> Bools:
        return self.frame["count"].notna().to_numpy()

    @cached_property
    def counts(self) -> Floats:
        return self.frame["count"].fillna(-1).to_numpy(dtype=np.float64)


class Reader:
    """Everything published about the same people, as sums of atoms.

    Parameters
    ----------
    tables : sequence of Published
    parents : mapping of column to mapping of code to parent code
    least_hidden : int
        What a hidden cell is known to hold at least: 1 where zeros are displayed.
    """

    def __init__(self, tables: Sequence[Published], parents: Parents, least_hidden: int = 0) -> None:
        self.tables = tables
        self._levels = {column: _levels(column, tables, parents) for table in tables for column in table.by}
        self.sums = [self._sums(table) for table in tables]
        known = np.vstack([sums[table.shown] for sums, table in zip(self.sums, tables, strict=True)])
        counts = np.concatenate([table.counts[table.shown] for table in tables])
        # atoms of a displayed zero are zero and need no unknown
        self.alive = ~known[counts == 0].any(axis=0)
        rows, first = np.unique(known[counts > 0][:, self.alive], axis=0, return_index=True)
        self.rows, self.counts = rows, counts[counts > 0][first]
        hidden = np.vstack([sums[~table.shown] for sums, table in zip(self.sums, tables, strict=True)])
        self.hidden = np.unique(hidden[:, self.alive], axis=0)
        self.least_hidden = least_hidden if len(self.hidden) else 0
        self._program: highspy.Highs | None = None

    def most(self, groups: Bools, enough: int) -> Floats:
        """Find how many whole persons each group may hold, as far as `enough`.

        Parameters
        ----------
        groups : ndarray of bool, shape (n_groups, n_atoms)
        enough : int

        Returns
        -------
        ndarray of float64, shape (n_groups,)
            At least `enough` where that is possible, else the most there can be.
        """
        sums = groups[:, self.alive].astype(np.float64)
        reached = np.zeros(len(sums))
        for i in range(len(sums)):
            if reached[i] >= enough:
                continue
            found = self._extreme(sums[i], whole=False)
            if np.abs(found - np.round(found)).max(initial=0.0) > 1e-6:
                if sums[i] @ found < enough - 1e-6:
                    reached[i] = np.floor(sums[i] @ found + 1e-6)
                    continue
                found = self._extreme(sums[i], whole=True)
            reached = np.maximum(reached, sums @ np.round(found))
        return reached

    def exactly(self, group: Bools) -> int | None:
        """Give the count of a group of atoms where it follows exactly from what is displayed, else None."""
        sums = group[self.alive].astype(np.float64)
        most = sums @ self._extreme(sums, whole=False)
        least = sums @ self._extreme(-sums, whole=False)
        return round(most) if most - least < 0.5 else None

    def whole_tables(self) -> Floats | None:
        """Enumerate every whole table that fits what is displayed; None where there are too many.

        Returns
        -------
        ndarray of float64, shape (n_tables, n_living_atoms), or None
        """
        rows, counts = self.rows.astype(np.float64), self.counts
        reach = np.where(rows > 0, counts[:, None], np.inf).min(axis=0, initial=np.inf)
        if not np.isfinite(reach).all():
            return None
        found = np.zeros((1, 0))
        for atom in range(rows.shape[1]):
            choices = np.arange(reach[atom] + 1)
            if len(found) * len(choices) > PARTIAL_TABLES:
                return None
            found = np.column_stack([np.repeat(found, len(choices), axis=0), np.tile(choices, len(found))])
            left = counts - found @ rows[:, : atom + 1].T
            done = ~rows[:, atom + 1 :].any(axis=1)
            found = found[(left >= 0).all(axis=1) & (left[:, done] == 0).all(axis=1)]
        return found[(found @ self.hidden.T.astype(np.float64) >= self.least_hidden).all(axis=1)]

    def _sums(self, table: Published) -> Bools:
        """Give for each cell of a table the atoms it is the sum of."""
        per_column = [self._levels[c] if c in table.by else {TOTAL: self._levels[c][TOTAL]} for c in self._levels]
        matrices = [np.array(list(level.values())) for level in per_column]
        every = reduce(np.kron, matrices)
        at = [
            pd.Categorical(table.frame[column], categories=list(level)).codes.astype(np.int64)
            if column in table.by
            else np.zeros(len(table.frame), dtype=np.int64)
            for column, level in zip(self._levels, per_column, strict=True)
        ]
        return np.asarray(every[np.ravel_multi_index(at, tuple(len(level) for level in per_column))], dtype=bool)

    def _extreme(self, gain: Floats, *, whole: bool) -> Floats:
        """Find the atoms of a table that fits and makes `gain` largest; HiGHS starts from the last one."""
        program = self.program
        columns = np.arange(len(gain), dtype=np.int32)
        program.changeColsCost(len(gain), columns, -gain)
        kind = np.full(len(gain), int(whole), dtype=np.uint8)
        if whole:
            program.changeColsIntegrality(len(gain), columns, kind)
        program.run()
        assert program.getModelStatus() == highspy.HighsModelStatus.kOptimal, program.getModelStatus()
        found = np.array(program.getSolution().col_value)
        if whole:
            program.changeColsIntegrality(len(gain), columns, np.zeros_like(kind))
        return found

    @property
    def program(self) -> highspy.Highs:
        if self._program is None:
            model = highspy.Highs()
            model.setOptionValue("output_flag", False)
            model.setOptionValue("threads", 1)
            width = self.rows.shape[1]
            model.addVars(width, np.zeros(width), np.full(width, CAP))
            for row, count in zip(self.rows, self.counts, strict=True):
                atoms = np.flatnonzero(row).astype(np.int32)
                model.addRow(count, count, len(atoms), atoms, np.ones(len(atoms)))
            for row in self.hidden if self.least_hidden else ():
                atoms = np.flatnonzero(row).astype(np.int32)
                model.addRow(float(self.least_hidden), highspy.kHighsInf, len(atoms), atoms, np.ones(len(atoms)))
            self._program = model
        return self._program


def _levels(column: str, tables: Sequence[Published], parents: Parents) -> dict[str, Bools]:
    """Give code -> which innermost codes it holds, for one column of all tables."""
    up = parents.get(column, {})
    seen = dict.fromkeys(code for table in tables if column in table.by for code in table.frame[column])
    leaves = [code for code in seen if code != TOTAL and code not in up.values()]

    def holds(code: str, leaf: str) -> bool:
        return code in (leaf, TOTAL) or (leaf in up and holds(code, up[leaf]))

    return {code: np.array([holds(code, leaf) for leaf in leaves]) for code in dict.fromkeys([*seen, TOTAL])}


def from_shares(frame: pd.DataFrame, of: str, points: Sequence[str], never: str) -> tuple[Published, Parents]:
    """Read a published table of cumulative shares as counts of who has come to which point.

    A share and its base give the persons it counts, where one number alone rounds to it; the base is everybody.

    Parameters
    ----------
    frame : DataFrame
        By-columns, `count`, `status` and shares of one decimal, as published.
    of : str
    points : sequence of str
        In order; shares up to some of them are in the frame.
    never : str
        What those are called who have come to none.

    Returns
    -------
    (Published, mapping of str to mapping of str to str)
        Counts up to each point, and which point holds which.
    """
    by = list(frame.columns[: list(frame.columns).index("count")])
    up_to = {point: f"up to {point}" for point in points}
    parents = {point: up_to[point] for point in points} | {
        up_to[one]: up_to[then] for one, then in pairwise(points)
    }  # fmt: skip
    rows = []
    for row in frame.to_dict("records"):
        cell, base = [row[column] for column in by], row["count"]
        rows += [(*cell, code, pd.NA) for code in (*points, never)] + [(*cell, TOTAL, base)]
        for point, code in up_to.items():
            share = row.get(f"share {of} up to {point}", pd.NA)
            fits = [] if pd.isna(share) or pd.isna(base) else _rounding_to(float(share), int(base))
            rows.append((*cell, code, fits[0] if len(fits) == 1 else pd.NA))
    return Published(pd.DataFrame(rows, columns=[*by, of, "count"]).assign(status="")), {of: parents}


def _rounding_to(share: float, base: int) -> list[int]:
    return [n for n in range(base + 1) if abs(100 * n / base - share) <= 0.05 + 1e-9]
