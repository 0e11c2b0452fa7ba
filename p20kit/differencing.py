"""Differences of groups of people: two groups a reader knows, one inside the other, that differ by a few.

Known are displayed cells, and what a line's hidden cells come to together: its total less what is displayed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations_with_replacement, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
from p20kit.policy import CellPolicy
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_NOWHERE = -1


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


@dataclass(frozen=True, eq=False)
class _Grouping:
    """Per person the group they are in, `_NOWHERE` where a reader knows nothing of it; per group its size."""

    table: int
    of: IntArray
    sizes: IntArray
    axis: int | None

    @cached_property
    def members(self) -> tuple[IntArray, IntArray]:
        """The groups somebody is in, and one person of each, by position in `of`."""
        groups, first = np.unique(self.of, return_index=True)
        return groups[groups != _NOWHERE], first[groups != _NOWHERE]

    def group(self, flat: np.int64) -> Group:
        return Group(self.table, int(flat), int(self.sizes[flat]), self.axis)


def small_differences(
    tables: Sequence[tuple[Table, BoolArray]], before: Sequence[BoolArray], policy: CellPolicy
) -> list[Difference]:
    """Find pairs of known groups, one inside the other, that differ by fewer than the threshold.

    Source: DSA III.G.2.d; DSA VI.D.2 ("any combination of dissemination materials").

    Parameters
    ----------
    tables : sequence of (Table, ndarray of bool)
        With the cells a reader knows; those that are being judged first, then what has been released before. Tables
        without a basis are left out: who is in them is not known.
    before : sequence of ndarray of bool
        Of each table that has been released: the cells a reader knew without those that are being judged.
    policy : CellPolicy

    Returns
    -------
    list of Difference
        Of 1 to `policy.minimum_count` - 1 persons, each pair of cells once; without those that were known before.
    """
    new = len(tables) - len(before)
    then = [*tables[:new], *((table, known) for (table, _), known in zip(tables[new:], before, strict=True))]
    told = [i < new or bool((tables[i][1] != then[i][1]).any()) for i in range(len(tables))]
    found: dict[Difference, None] = {}
    for a, b in combinations_with_replacement(range(len(tables)), 2):
        if told[a] or told[b]:
            old = set(_between(then, a, b, policy)) if a >= new else ()
            found.update(dict.fromkeys(each for each in _between(tables, a, b, policy) if each not in old))
    return list(found)


def _between(tables: Sequence[tuple[Table, BoolArray]], a: int, b: int, policy: CellPolicy) -> Iterator[Difference]:
    (first, known_first), (second, known_second) = tables[a], tables[b]
    if first.basis is None or second.basis is None or first.unit != second.unit:
        return
    both = _positions(first, first.basis, "first").join(_positions(second, second.basis, "second"), how="inner")
    # people alike in every column of both tables are in the same groups: they are compared together
    alike = both.groupby(list(both.columns)).size().reset_index().to_numpy(dtype=np.int64)
    codes, persons = alike[:, :-1], alike[:, -1]
    width = len(first.by)
    others = list(_groupings(b, second, known_second, codes[:, width:]))
    for one in _groupings(a, first, known_first, codes[:, :width]):
        for other in others:
            yield from _nested(other, one, persons, policy)
            if a != b:
                yield from _nested(one, other, persons, policy)


def _nested(larger: _Grouping, smaller: _Grouping, persons: IntArray, policy: CellPolicy) -> Iterator[Difference]:
    """Find the smaller groups whose people are all in one of the larger, which holds few more."""
    inner, someone = smaller.members
    # what holds all people of a group holds any one of them: few pairs are left to be compared person by person
    outer = larger.of[someone]
    more = larger.sizes[outer] - smaller.sizes[inner]
    close = np.flatnonzero((outer != _NOWHERE) & (more >= 1) & (more < policy.minimum_count))
    if not len(close):
        return
    around = np.full(len(smaller.sizes), _NOWHERE)
    around[inner[close]] = outer[close]
    together = (smaller.of != _NOWHERE) & (larger.of != _NOWHERE) & (around[smaller.of] == larger.of)
    shared = np.bincount(smaller.of[together], weights=persons[together], minlength=len(smaller.sizes))
    for k in close[shared[inner[close]] == smaller.sizes[inner[close]]]:
        yield Difference(larger.group(outer[k]), smaller.group(inner[k]))


def _positions(table: Table, basis: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """Place each person: one row per unit id, one column per by-column with the position of the code."""
    columns = {f"{prefix}.{axis}": table.places(axis) for axis in range(len(table.dimensions))}
    return pd.DataFrame(columns, index=pd.Index(basis[table.unit].to_numpy()))


def _groupings(position: int, table: Table, known: BoolArray, codes: IntArray) -> Iterator[_Grouping]:
    """Yield everybody's cell for every choice of levels; and the line whose hidden cells they are among."""
    shape, seen = table.counts.shape, known.ravel()
    levels = [_levels(dimension) for dimension in table.dimensions]
    for choice in product(*levels):
        cell = _flat(codes, [level.codes for level in choice], shape)
        displayed = (cell != _NOWHERE) & seen[cell]
        yield _Grouping(position, np.where(displayed, cell, _NOWHERE), table.counts.ravel(), None)
    for axis, dimension in enumerate(table.dimensions):
        for step in _steps(dimension):
            rest = _rest(table, known, axis, step)
            for choice in product(*levels[:axis], [step], *levels[axis + 1 :]):
                line = _flat(codes, [level.codes for level in choice], shape)
                cell = _flat(codes, [level.parts if level is step else level.codes for level in choice], shape)
                inside = (line != _NOWHERE) & seen[line] & ~seen[cell]
                if inside.any():
                    yield _Grouping(position, np.where(inside, line, _NOWHERE), rest, axis)


@dataclass(frozen=True, eq=False)
class _Level:
    """A level of a by-column: for each leaf the code above it, or `_NOWHERE`, and that code's part with the leaf."""

    codes: IntArray
    parts: IntArray
    groups: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)


def _steps(dimension: Dimension) -> list[_Level]:
    """Put the sums of a by-column together, as long as no leaf is in two of one level."""
    members: dict[int, list[int]] = {leaf: [leaf] for leaf in range(dimension.leaves)}
    steps: list[_Level] = []
    for parent, children in dimension.groups:
        members[parent] = sorted({leaf for child in children for leaf in members[child]})
        free = (step for step in steps if (step.codes[members[parent]] == _NOWHERE).all())
        step = next(free, None)
        if step is None:
            nowhere = np.full(dimension.leaves, _NOWHERE)
            step = _Level(nowhere, nowhere.copy())
            steps.append(step)
        step.groups.append((parent, children))
        for child in children:
            step.parts[members[child]] = child
        step.codes[members[parent]] = parent
    return steps


def _levels(dimension: Dimension) -> list[_Level]:
    """List the levels of a by-column, each once: the leaves, and what is above them."""
    leaves = np.arange(dimension.leaves, dtype=np.int64)
    every = [_Level(leaves, leaves), *_steps(dimension)]
    return list({level.codes.tobytes(): level for level in every}.values())


def _flat(codes: IntArray, choice: Sequence[IntArray], shape: tuple[int, ...]) -> IntArray:
    """Give the flat cell of each person at the chosen levels; `_NOWHERE` where one has no code for them."""
    at = [level[codes[:, axis]] for axis, level in enumerate(choice)]
    nowhere = np.any([column == _NOWHERE for column in at], axis=0)
    flat = np.ravel_multi_index(tuple(np.where(nowhere, 0, column) for column in at), shape)
    return np.where(nowhere, _NOWHERE, flat).astype(np.int64)


def _rest(table: Table, known: BoolArray, axis: int, step: _Level) -> IntArray:
    """Give, at the parent of each line along an axis, how many its hidden cells hold."""
    hidden = np.moveaxis(np.where(known, 0, table.counts), axis, -1)
    rest = np.zeros_like(table.counts)
    lines = np.moveaxis(rest, axis, -1)
    for parent, children in step.groups:
        lines[..., parent] = hidden[..., list(children)].sum(axis=-1)
    return rest.ravel()
