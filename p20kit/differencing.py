"""Differences of groups of people: two groups a reader knows, one inside the other, that differ by a few.

Known are displayed cells, and what a line's hidden cells come to together: its total less what is displayed.

What holds all people of a group holds any one of them. So one person of each group is looked up in every way each
table divides people, and only groups that hold that person and a few more are compared person by person: the cost
grows with the known groups times the tables, and not with the square of the groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
from p20kit.persons import Numbered, number_persons
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
    """Per kind of person the group they are in, `_NOWHERE` where a reader knows nothing of it; per group its size."""

    table: int
    of: IntArray
    sizes: IntArray
    axis: int | None

    @cached_property
    def members(self) -> tuple[IntArray, IntArray]:
        """The groups somebody is in, and a kind of person of each, by position in `of`."""
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
    found = dict.fromkeys(_told(tables, told, policy))
    if any(told[new:]):
        known = [*((table, np.zeros_like(mask)) for table, mask in then[:new]), *then[new:]]
        for each in _told(known, told, policy):
            found.pop(each, None)
    return sorted(found, key=lambda each: [(g.table, g.flat, g.axis or 0) for g in (each.smaller, each.larger)])


def _told(
    tables: Sequence[tuple[Table, BoolArray]], told: Sequence[bool], policy: CellPolicy
) -> Iterator[Difference]:
    """Find the differences of any two tables of which one tells something."""
    for unit in dict.fromkeys(table.unit for table, _ in tables if table.basis is not None):
        of = [i for i, (table, _) in enumerate(tables) if table.basis is not None and table.unit == unit]
        numbers = number_persons([tables[i][0] for i in of])
        mine = [_Kinds(i, *tables[i], persons) for i, persons in zip(of, numbers, strict=True)]
        inner = [(each, grouping) for each in mine for grouping in each.groupings]
        someone = _Someone.of(inner)
        for larger in mine:
            close = someone.looked_up(larger, inner, told, policy)
            yield from (found for pair in close for found in _compared(larger, *pair, policy))


@dataclass(frozen=True, eq=False)
class _Someone:
    """One person of each known group of all tables.

    Parameters
    ----------
    grouping : ndarray of int64
        Which of the groupings the group is of.
    person : ndarray of int64
        By number.
    size : ndarray of int64
        Of the group.
    """

    grouping: IntArray
    person: IntArray
    size: IntArray

    @classmethod
    def of(cls, inner: Sequence[tuple[_Kinds, _Grouping]]) -> _Someone:
        """Take one person of each group."""
        found = [
            (np.full(len(groups), n), kinds.person[first], grouping.sizes[groups])
            for n, (kinds, grouping) in enumerate(inner)
            for groups, first in [grouping.members]
        ]
        grouping, person, size = (np.concatenate([each[k] for each in found]).astype(np.int64) for k in range(3))
        return cls(grouping, person, size)

    def looked_up(
        self, larger: _Kinds, inner: Sequence[tuple[_Kinds, _Grouping]], told: Sequence[bool], policy: CellPolicy
    ) -> Iterator[tuple[_Grouping, _Kinds, _Grouping]]:
        """Find the groupings with a group that may lie within one of a table, and come to a few less."""
        tells = np.array([told[kinds.position] or told[larger.position] for kinds, _ in inner])[self.grouping]
        kind = larger.kind[self.person]
        for grouping in larger.groupings:
            outer = np.append(grouping.of, _NOWHERE)[kind]
            more = grouping.sizes[outer] - self.size
            close = tells & (outer != _NOWHERE) & (more >= 1) & (more < policy.minimum_count)
            for n in np.unique(self.grouping[close]):
                yield grouping, *inner[n]


class _Kinds:
    """The people of a table, by the inner cell they are in.

    Attributes
    ----------
    codes : ndarray of int64, shape (kinds, by-columns)
    person : ndarray of int64, shape (kinds,)
        Number of one person of each kind.
    kind : ndarray of int32, shape (everybody,)
        By number of the person; -1 for who is not in the table.
    groupings : list of _Grouping
        Every way in which known groups divide them.
    """

    def __init__(self, position: int, table: Table, known: BoolArray, persons: Numbered) -> None:
        self.position = position
        places = [table.places(axis) for axis in range(len(table.dimensions))]
        flat = np.ravel_multi_index(places, table.counts.shape)
        cells, first, kind = np.unique(flat, return_index=True, return_inverse=True)
        self.codes = np.column_stack(np.unravel_index(cells, table.counts.shape)).astype(np.int64)
        self.person = persons.numbers[first]
        self.kind = np.full(persons.everybody, _NOWHERE, dtype=np.int32)
        self.kind[persons.numbers] = kind
        self.groupings = list(_groupings(position, table, known, self.codes))

    def alike(self, other: _Kinds) -> tuple[IntArray, IntArray, IntArray]:
        """Put people who are of one kind in both tables together: kind here, kind there, how many."""
        both = (self.kind != _NOWHERE) & (other.kind != _NOWHERE)
        pairs = self.kind[both].astype(np.int64) * len(other.codes) + other.kind[both]
        found, persons = np.unique(pairs, return_counts=True)
        return found // len(other.codes), found % len(other.codes), persons


def _compared(
    kinds: _Kinds, larger: _Grouping, others: _Kinds, smaller: _Grouping, policy: CellPolicy
) -> Iterator[Difference]:
    mine, theirs, persons = kinds.alike(others)
    yield from _nested(replace(larger, of=larger.of[mine]), replace(smaller, of=smaller.of[theirs]), persons, policy)


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


def _groupings(position: int, table: Table, known: BoolArray, codes: IntArray) -> Iterator[_Grouping]:
    """Yield the cell of each kind of person for every choice of levels; and the line of whose hidden cells it is."""
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
