"""Differences of groups of people: two groups a reader knows, one inside the other, that differ by a few.

Known are displayed cells, and what a line's hidden cells come to together: its total less what is displayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.policy import CellPolicy
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Group:
    """A group whose size a reader knows.

    Parameters
    ----------
    table : int
        Position of the table in the list that was given.
    flat : int
        Flat position of the cell; of the line's total for the hidden cells of a line.
    persons : int
    axis : int or None
        Along which the line runs when it is the hidden cells of a line, taken together; None for a cell.
    """

    table: int
    flat: int
    persons: int
    axis: int | None

    def where(self, table: Table) -> str:
        """Name the group, for findings."""
        return f"the hidden cells of {table.where(self.flat)}" if self.axis is not None else table.where(self.flat)


@dataclass(frozen=True)
class Difference:
    """Two groups of which the larger contains the smaller."""

    larger: Group
    smaller: Group

    @property
    def persons(self) -> int:
        """How many more the larger group holds."""
        return self.larger.persons - self.smaller.persons


@dataclass(frozen=True)
class _Grouping:
    """Per person the group they are in, -1 where a reader knows nothing of it; per group its size."""

    table: int
    of: IntArray
    sizes: IntArray
    axis: int | None

    def group(self, flat: np.int64) -> Group:
        return Group(self.table, int(flat), int(self.sizes[flat]), self.axis)


def small_differences(tables: Sequence[tuple[Table, BoolArray]], new: int, policy: CellPolicy) -> list[Difference]:
    """Find pairs of known groups, one inside the other, that differ by fewer than the threshold.

    Source: DSA III.G.2.d; DSA VI.D.2 ("any combination of dissemination materials").

    Parameters
    ----------
    tables : sequence of (Table, ndarray of bool)
        With the cells a reader knows. Tables without a basis are left out: who is in them is not known.
    new : int
        The first `new` tables are being judged; pairs of earlier tables are not looked at again.
    policy : CellPolicy

    Returns
    -------
    list of Difference
        Of 1 to `policy.minimum_count` - 1 persons, each pair of cells once.
    """
    found: dict[Difference, None] = {}
    for a in range(new):
        for b in range(a + 1, len(tables)):
            found.update(dict.fromkeys(_between(tables, a, b, policy)))
    return list(found)


def _between(tables: Sequence[tuple[Table, BoolArray]], a: int, b: int, policy: CellPolicy) -> Iterator[Difference]:
    (first, known_first), (second, known_second) = tables[a], tables[b]
    if first.basis is None or second.basis is None or first.unit != second.unit:
        return
    both = _positions(first, "first").join(_positions(second, "second"), how="inner")
    codes = both.to_numpy(dtype=np.int64)
    width = len(first.by)
    others = list(_groupings(b, second, known_second, codes[:, width:]))
    for one in _groupings(a, first, known_first, codes[:, :width]):
        for other in others:
            usable = (one.of >= 0) & (other.of >= 0)
            size = second.counts.size
            pairs, shared = np.unique(one.of[usable] * size + other.of[usable], return_counts=True)
            i, j = np.divmod(pairs, size)
            yield from _nested(other, j, one, i, shared, policy)
            yield from _nested(one, i, other, j, shared, policy)


def _nested(
    larger: _Grouping, i: IntArray, smaller: _Grouping, j: IntArray, shared: IntArray, policy: CellPolicy
) -> Iterator[Difference]:
    more = larger.sizes[i] - smaller.sizes[j]
    hits = (shared == smaller.sizes[j]) & (more >= 1) & (more < policy.minimum_count)
    for k in np.flatnonzero(hits):
        yield Difference(larger.group(i[k]), smaller.group(j[k]))


def _positions(table: Table, prefix: str) -> pd.DataFrame:
    """Place each person: one row per unit id, one column per by-column with the position of the code."""
    basis = table.basis
    if basis is None:
        return pd.DataFrame()
    columns = {
        f"{prefix}.{column}": pd.Categorical(basis[column], categories=list(dimension.codes)).codes
        for column, dimension in zip(table.by, table.dimensions, strict=True)
    }
    return pd.DataFrame(columns, index=pd.Index(basis[table.unit].to_numpy()))


def _groupings(position: int, table: Table, known: BoolArray, codes: IntArray) -> Iterator[_Grouping]:
    """Yield each person's cell for every choice of by-columns, the others at `Total`; and lines' hidden cells."""
    axes = range(len(table.by))
    shape, seen = table.counts.shape, known.ravel()
    rests = [_rests(table, known, axis) for axis in axes]
    for kept in chain.from_iterable(combinations(axes, k) for k in range(len(axes) + 1)):
        cell = _flat(codes, kept, shape)
        yield _Grouping(position, np.where(seen[cell], cell, -1), table.counts.ravel(), None)
        for axis in kept:
            line = _flat(codes, [a for a in kept if a != axis], shape)
            inside = ~seen[cell] & (rests[axis][line] > 0)
            if inside.any():
                yield _Grouping(position, np.where(inside, line, -1), rests[axis], axis)


def _flat(codes: IntArray, kept: Sequence[int], shape: tuple[int, ...]) -> IntArray:
    at = [codes[:, axis] if axis in kept else np.full(len(codes), shape[axis] - 1) for axis in range(len(shape))]
    return np.ravel_multi_index(tuple(at), shape).astype(np.int64)


def _rests(table: Table, known: BoolArray, axis: int) -> IntArray:
    """Give, at the total of each line along an axis, how many its hidden cells hold; 0 where that is not known."""
    leaves = np.moveaxis(np.where(known, 0, table.counts), axis, -1)[..., : table.dimensions[axis].leaves]
    rest = np.zeros_like(table.counts)
    total = np.moveaxis(rest, axis, -1)[..., -1:]
    total[...] = np.where(np.moveaxis(known, axis, -1)[..., -1:], leaves.sum(axis=-1, keepdims=True), 0)
    return rest.ravel()
