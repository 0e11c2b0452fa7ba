"""Categories of by-columns as groups of people: which are the same, and which lie within which.

A *level* is one way a column divides the people of a population: its codes, or the parents of one hierarchy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from p20kit.tables import Table

IntArray = NDArray[np.int64]
Group = tuple[int, int]
"""How many people, and the sum of their hashes: in one population the same for the same people only."""
Division = tuple[int, frozenset[Group], int]
"""A population, the groups of people it is divided into, and how many codes nobody is in."""
Numbers = list[list[IntArray]]
"""Per table and axis the category of each code; 0 = `Total`."""

NOBODY: Group = (0, 0)


@dataclass(frozen=True, eq=False)
class Level:
    """Codes of one axis that together hold everybody.

    Parameters
    ----------
    table, axis, population : int
    codes : ndarray of int64
        Positions of the codes.
    groups : tuple of Group
        The people of each code.
    """

    table: int
    axis: int
    population: int
    codes: IntArray
    groups: tuple[Group, ...]

    @cached_property
    def division(self) -> Division:
        """What it divides people into, by any name."""
        people = frozenset(self.groups) - {NOBODY}
        return self.population, people, self.groups.count(NOBODY)


@dataclass(frozen=True, eq=False)
class Within:
    """Codes of one axis that are together one category of another column.

    Parameters
    ----------
    table, axis : int
    codes : ndarray of int64
        Positions of the codes.
    category : int
        What they add up to.
    """

    table: int
    axis: int
    codes: IntArray
    category: int


def categorise(tables: Sequence[Table], populations: Sequence[int]) -> tuple[Numbers, list[Level]]:
    """Number the categories of tables.

    Parameters
    ----------
    tables : sequence of Table
    populations : sequence of int
        One number per table.

    Returns
    -------
    (list of list of ndarray of int64, list of Level)
        The category of each code, and the levels of tables with a basis that divide people at all.
    """
    names = _Names()
    numbers, levels = [], []
    for t, (table, population) in enumerate(zip(tables, populations, strict=True)):
        mine = []
        for axis, dimension in enumerate(table.dimensions):
            groups = _groups(table, axis)
            labels = ((population, dimension.column, code) for code in dimension.codes[:-1])
            mine.append([*(names.number(label, g) for label, g in zip(labels, groups, strict=False)), 0])
            if table.basis is not None:
                found = (
                    Level(t, axis, population, codes, tuple(groups[code] or NOBODY for code in codes))
                    for codes in dimension.levels
                )
                levels += [level for level in found if len(level.division[1]) > 1]
        numbers.append(mine)
    same: dict[tuple[Division, Group], int] = {}
    for level in levels:
        for code, group in zip(level.codes.tolist(), level.groups, strict=True):
            if group != NOBODY:
                number = numbers[level.table][level.axis][code]
                names.unite(number, same.setdefault((level.division, group), number))
    return [[np.array([names.root(n) for n in axis]) for axis in table] for table in numbers], levels


def divided(tables: Sequence[Table], numbers: Numbers, levels: Sequence[Level]) -> Iterator[Within]:
    """Yield the categories that another column divides further, where no hierarchy of its table says so.

    Codes nobody is in have a place only where a hierarchy over the same column gives them one.
    """
    by_division: dict[Division, list[Level]] = {}
    by_axis: dict[tuple[int, int], list[Level]] = {}
    for level in sorted(levels, key=lambda level: len(level.codes)):
        by_division.setdefault(level.division, []).append(level)
        by_axis.setdefault((level.table, level.axis), []).append(level)
    finer = _Finer(tables, by_division)
    for (table, axis), mine in by_axis.items():
        own = {level.division for level in mine}
        column = tables[table].by[axis]
        for division, found in by_division.items():
            fine = next((level for level in mine if finer.holders(level.division, division)), None)
            if fine is None or division in own:
                continue
            coarse = next((level for level in found if tables[level.table].by[level.axis] == column), found[0])
            yield from _parts(tables, numbers, fine, coarse, finer.holders(fine.division, division))


def _parts(
    tables: Sequence[Table], numbers: Numbers, fine: Level, coarse: Level, holders: dict[Group, Group]
) -> Iterator[Within]:
    below, above = tables[fine.table].dimensions[fine.axis], tables[coarse.table].dimensions[coarse.axis]
    place = dict(zip(coarse.groups, coarse.codes.tolist(), strict=True))
    named: dict[str, int] = {}
    if below.column == above.column:
        named = dict(zip(above.codes, above.within(coarse.codes).tolist(), strict=True))
    parts: dict[int, list[int]] = {}
    for code, group in zip(fine.codes.tolist(), fine.groups, strict=True):
        holder = named.get(below.codes[code], -1) if group == NOBODY else place[holders[group]]
        parts.setdefault(holder, []).append(code)
    for holder, codes in parts.items():
        if holder >= 0:
            category = int(numbers[coarse.table][coarse.axis][holder])
            yield Within(fine.table, fine.axis, np.array(codes, dtype=np.int64), category)


def _groups(table: Table, axis: int) -> list[Group | None]:
    """Fingerprint the people of each code; None where they are not known."""
    dimension = table.dimensions[axis]
    if table.basis is None:
        return [None] * len(dimension.codes)
    places = table.places(axis)
    persons = np.bincount(places, minlength=len(dimension.codes))
    hashes = np.zeros(len(dimension.codes), dtype=np.uint64)
    np.add.at(hashes, places, table.people)
    for parent, children in dimension.groups:
        persons[parent], hashes[parent] = persons[list(children)].sum(), hashes[list(children)].sum()
    return list(zip(persons.tolist(), hashes.tolist(), strict=True))


class _Names:
    """Numbers of categories by name; a name that stands for different people has several."""

    def __init__(self) -> None:
        self._variants: dict[tuple[int, str, str], dict[Group | None, int]] = {}
        self._same = [0]

    def number(self, label: tuple[int, str, str], group: Group | None) -> int:
        variants = self._variants.setdefault(label, {})
        if group not in variants:
            # where people are not known the name decides
            spare = variants.values() if group is None or set(variants) == {None} else ()
            variants[group] = next(iter(spare), 0) or self._new()
        return variants[group]

    def _new(self) -> int:
        self._same.append(len(self._same))
        return len(self._same) - 1

    def root(self, number: int) -> int:
        while self._same[number] != number:
            number = self._same[number]
        return number

    def unite(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        self._same[second] = first


class _Finer:
    """Which divisions lie within which, person by person; each pair looked at once."""

    def __init__(self, tables: Sequence[Table], by_division: dict[Division, list[Level]]) -> None:
        self._tables = tables
        self._levels = {division: levels[0] for division, levels in by_division.items()}
        self._order = {division: n for n, division in enumerate(by_division)}
        self._placed: dict[Division, IntArray] = {}
        self._orders: dict[int, IntArray] = {}
        self._found: dict[tuple[Division, Division], dict[Group, Group]] = {}

    def holders(self, fine: Division, coarse: Division) -> dict[Group, Group]:
        """Give the group of `coarse` that holds each group of `fine`; empty where some group is divided."""
        pair = fine, coarse
        if pair not in self._found:
            self._found[pair] = self._compare(fine, coarse) if self._possible(fine, coarse) else {}
        return self._found[pair]

    def _possible(self, fine: Division, coarse: Division) -> bool:
        more = len(fine[1]) - len(coarse[1])
        # the same groups beside other empty codes: they are equal, which is said once
        return fine[0] == coarse[0] and (
            more > 0 or (fine[1] == coarse[1] and self._order[fine] > self._order[coarse])
        )

    def _compare(self, fine: Division, coarse: Division) -> dict[Group, Group]:
        below, above = self._of(fine), self._of(coarse)
        holder = np.full(len(self._levels[fine].codes), -1, dtype=np.int64)
        holder[below] = above
        if not np.array_equal(holder[below], above):
            return {}
        groups = self._levels[coarse].groups
        pairs = zip(self._levels[fine].groups, holder.tolist(), strict=True)
        return {group: groups[n] for group, n in pairs if group != NOBODY}

    def _of(self, division: Division) -> IntArray:
        """Place each person of the population, in the order of their hashes."""
        if division not in self._placed:
            level = self._levels[division]
            table = self._tables[level.table]
            within = table.dimensions[level.axis].within(level.codes)
            number = np.zeros(len(within), dtype=np.int64)
            number[level.codes] = np.arange(len(level.codes))
            if level.table not in self._orders:
                self._orders[level.table] = np.argsort(table.people)
            self._placed[division] = number[within[table.places(level.axis)]][self._orders[level.table]]
        return self._placed[division]
