"""Differences of groups of people: two groups a reader knows, one inside the other, that differ by a few.

Known are displayed cells, and what a line's hidden cells come to together: its total less what is displayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
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
    # people alike in every column of both tables are in the same groups: they are compared together
    codes, persons = np.unique(both.to_numpy(dtype=np.int64), axis=0, return_counts=True)
    width = len(first.by)
    others = list(_groupings(b, second, known_second, codes[:, width:]))
    for one in _groupings(a, first, known_first, codes[:, :width]):
        for other in others:
            usable = _comparable(one, other, policy)
            if usable.any():
                size = second.counts.size
                pairs, at = np.unique(one.of[usable] * size + other.of[usable], return_inverse=True)
                shared = np.bincount(at, weights=persons[usable]).astype(np.int64)
                i, j = np.divmod(pairs, size)
                yield from _nested(other, j, one, i, shared, policy)
                yield from _nested(one, i, other, j, shared, policy)


def _comparable(one: _Grouping, other: _Grouping, policy: CellPolicy) -> BoolArray:
    """Mark who is in groups of both whose sizes differ by fewer than the threshold, but do differ."""
    usable = (one.of >= 0) & (other.of >= 0)
    for mine, theirs in ((one, other), (other, one)):
        sizes = np.unique(theirs.sizes[theirs.of[usable]])
        wanted = mine.sizes[np.where(usable, mine.of, 0)]
        near: BoolArray = np.zeros(len(usable), dtype=bool)
        for low, high in ((1 - policy.minimum_count, -1), (1, policy.minimum_count - 1)):
            near |= np.searchsorted(sizes, wanted + low) < np.searchsorted(sizes, wanted + high, side="right")
        usable &= near
    return usable


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
    """Yield everybody's cell for every choice of levels; and the line whose hidden cells they are among."""
    shape, seen = table.counts.shape, known.ravel()
    steps = [list(_steps(dimension)) for dimension in table.dimensions]
    levels = [_levels(dimension, mine) for dimension, mine in zip(table.dimensions, steps, strict=True)]
    for choice in product(*levels):
        cell = _flat(codes, choice, shape)
        yield _Grouping(position, np.where((cell >= 0) & seen[cell], cell, -1), table.counts.ravel(), None)
    for axis, mine in enumerate(steps):
        for step in mine:
            rest = _rest(table, known, axis, step)
            for choice in product(*levels[:axis], [step], *levels[axis + 1 :]):
                below = [level.parts if level is step else level.codes for level in choice]
                cell = _flat(codes, [replace(level, codes=c) for level, c in zip(choice, below, strict=True)], shape)
                line = _flat(codes, choice, shape)
                inside = (line >= 0) & (cell >= 0) & ~seen[cell] & (rest[line] > 0)
                if inside.any():
                    yield _Grouping(position, np.where(inside, line, -1), rest, axis)


@dataclass(frozen=True, eq=False)
class _Level:
    """One level of a by-column: for each leaf the code above it, -1 for none, and that code's part it is in."""

    codes: IntArray
    parts: IntArray
    groups: tuple[tuple[int, tuple[int, ...]], ...] = ()


def _steps(dimension: Dimension) -> Iterator[_Level]:
    """Put the sums of a by-column together, as long as no leaf is in two of one level."""
    members: dict[int, list[int]] = {leaf: [leaf] for leaf in range(dimension.leaves)}
    steps: list[_Level] = []
    for parent, children in dimension.groups:
        members[parent] = sorted({leaf for child in children for leaf in members[child]})
        free = (step for step in steps if (step.codes[members[parent]] < 0).all())
        step = next(free, None)
        if step is None:
            step = _Level(np.full(dimension.leaves, -1), np.full(dimension.leaves, -1))
        else:
            steps.remove(step)
        steps.append(replace(step, groups=(*step.groups, (parent, children))))
        for child in children:
            step.parts[members[child]] = child
        step.codes[members[parent]] = parent
    yield from steps


def _levels(dimension: Dimension, steps: Sequence[_Level]) -> list[_Level]:
    """List the levels of a by-column, each once: the leaves, and what is above them."""
    leaves = np.arange(dimension.leaves, dtype=np.int64)
    every = [_Level(leaves, leaves), *steps]
    return list({level.codes.tobytes(): level for level in every}.values())


def _flat(codes: IntArray, choice: Sequence[_Level], shape: tuple[int, ...]) -> IntArray:
    """Give the flat cell of each person at the chosen levels; -1 where one has no code for them."""
    at = [level.codes[codes[:, axis]] for axis, level in enumerate(choice)]
    nowhere = np.any([column < 0 for column in at], axis=0)
    flat = np.ravel_multi_index(tuple(np.maximum(column, 0) for column in at), shape)
    return np.where(nowhere, -1, flat).astype(np.int64)


def _rest(table: Table, known: BoolArray, axis: int, step: _Level) -> IntArray:
    """Give, at the parent of each line along an axis, how many its hidden cells hold; 0 where that is not known."""
    hidden = np.moveaxis(np.where(known, 0, table.counts), axis, -1)
    rest = np.zeros_like(table.counts)
    lines = np.moveaxis(rest, axis, -1)
    for parent, children in step.groups:
        total = hidden[..., list(children)].sum(axis=-1)
        lines[..., parent] = np.where(np.moveaxis(known, axis, -1)[..., parent], total, 0)
    return rest.ravel()
