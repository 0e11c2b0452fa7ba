"""Which tables count the same people, so that their cells are the same unknowns or add up to one another.

`link` says it once for everybody: who chooses cells to hide and who attacks them start from the same definition.

- Two tables are of one *population* when they count the same people (`populations`).
- A *category* is a code of a by-column. In two tables of one population it is the same one when it has the same
  name and holds the same people, or when both columns, by any name, divide the people into the same groups
  (a column `county`, and the counties as parents in a column `town`). Codes nobody is in are the same by name only;
  columns with one category that holds people are linked by name only.
- A cell is named by its population and its categories, `Total` left out: cells named alike are one *unknown*.
- *Sums* are those of the tables, and those between tables where one column divides the groups of another
  (town within county, narrow within wide age bands): cell(county=x, rest) = sum of cell(town=y, rest), y in x.
- *Joint cells* are those of everything that tables divide people by: nobody displays them, and they are not negative
  all the same. They tell nothing more where tables hang together as a tree does (any two do), because then every
  choice of tables that agree on what they share comes from one choice of joint cells. Where they run in a circle
  (ab, bc, ac), `joint` gives the table that says it.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.categories import Within, categorise, divided
from p20kit.dimensions import Dimension
from p20kit.tables import Table, add_margins

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Linked:
    """Tables as one system; made by `link(tables)`.

    Parameters
    ----------
    populations : tuple of int
        One number per table.
    unknowns : tuple of ndarray of int64
        Per table, shape (table.counts.size,): the unknown behind each flat cell.
    size : int
        How many unknowns there are; two populations share none.
    sums : tuple of (ndarray of int64, ndarray of int64)
        Parents, shape (m,), and their parts, shape (m, k): unknowns. Each k once, ascending; each sum once;
        a sum of k = 1 says that two unknowns are equal.
    over : tuple of ndarray of int64
        Beside `sums`, shape (m,) each: the by-column, numbered by its name, whose codes the parts differ in.
    """

    populations: tuple[int, ...]
    unknowns: tuple[IntArray, ...]
    size: int
    sums: tuple[tuple[IntArray, IntArray], ...]
    over: tuple[IntArray, ...]


JOINT_CELLS = 60_000
"""Cells of the largest joint table that is made."""

_SOME = 2_000
CellKey = tuple[int, tuple[tuple[str, str], ...]]


def populations(tables: Sequence[Table]) -> list[int]:
    """Number the populations behind the tables.

    Two tables with a basis count the same people when their unit ids are the same set. Where a basis is
    missing, they are taken to when their totals and every cell they share agree: linking two tables that
    are not linked only hides more.

    Returns
    -------
    list of int
        One number per table.
    """
    members: list[list[Table]] = []
    numbers = []
    for table in tables:
        same = (
            n for n, group in enumerate(members) if all(_same_people(table, other) for other in _told_apart(group))
        )
        number = next(same, len(members))
        if number == len(members):
            members.append([])
        members[number].append(table)
        numbers.append(number)
    return numbers


def link(tables: Sequence[Table]) -> Linked:
    """Put tables into one system.

    Parameters
    ----------
    tables : sequence of Table
        Of any populations.

    Returns
    -------
    Linked
        The same for the same input.
    """
    numbers = populations(tables)
    categories, levels = categorise(tables, numbers)
    splits = list(divided(tables, categories, levels))
    width = max((len(table.by) for table in tables), default=0)
    cells = [_cells(n, axes, width) for n, axes in zip(numbers, categories, strict=True)]
    whole = [_cells(numbers[each.table], _merged(categories[each.table], each), width) for each in splits]
    alike = _alike([*cells, *whole])
    names, places = np.unique(np.concatenate(alike[: len(tables)]), return_inverse=True)
    unknowns = np.split(places, np.cumsum([len(mine) for mine in cells])[:-1])
    columns = list(dict.fromkeys(column for table in tables for column in table.by))
    sums = [
        (unknown[parents], unknown[parts], columns.index(table.by[axis]))
        for table, unknown in zip(tables, unknowns, strict=True)
        for axis, parents, parts in table.lines()
    ]
    for each, merged in zip(splits, alike[len(tables) :], strict=True):
        at = np.minimum(np.searchsorted(names, merged), len(names) - 1)
        exists = names[at] == merged
        parts = unknowns[each.table][_lines(tables[each.table], each)]
        sums.append((at[exists], parts[exists], columns.index(tables[each.table].by[each.axis])))
    distinct, over = _distinct(sums)
    return Linked(tuple(numbers), tuple(unknowns), len(names), distinct, over)


def _cells(population: int, axes: Sequence[IntArray], width: int) -> IntArray:
    """Name every cell of a cross product: the population, and the categories in order, shape (n, width + 1)."""
    rows = np.zeros((math.prod(len(codes) for codes in axes), width), dtype=np.int64)
    for column, grid in enumerate(np.meshgrid(*axes, indexing="ij")):
        rows[:, column] = grid.ravel()
    rows.sort(axis=1)
    return np.column_stack([np.full(len(rows), population), rows])


def _merged(axes: Sequence[IntArray], within: Within) -> list[IntArray]:
    return [np.array([within.category]) if axis == within.axis else codes for axis, codes in enumerate(axes)]


def _lines(table: Table, within: Within) -> IntArray:
    """Give the flat cells that add up, one line for each combination of the other by-columns."""
    flat = np.arange(table.counts.size, dtype=np.int64).reshape(table.counts.shape)
    return np.moveaxis(flat.take(within.codes, axis=within.axis), within.axis, -1).reshape(-1, len(within.codes))


def _alike(rows: Sequence[IntArray]) -> list[IntArray]:
    """Number rows so that equal rows have one number."""
    every = np.concatenate(rows)
    number = every[:, 0]
    for column in every.T[1:]:
        number = np.unique(number * (every.max() + 1) + column, return_inverse=True)[1]
    return np.split(number, np.cumsum([len(mine) for mine in rows])[:-1])


def _distinct(
    sums: Sequence[tuple[IntArray, IntArray, int]],
) -> tuple[tuple[tuple[IntArray, IntArray], ...], tuple[IntArray, ...]]:
    """Gather sums by their length, each once, without those that say that a cell is itself; and their columns."""
    by_length: dict[int, list[IntArray]] = {}
    for parents, parts, column in sums:
        line = np.column_stack([parents, np.sort(parts, axis=1), np.full(len(parents), column)])
        by_length.setdefault(parts.shape[1], []).append(line)
    found, over = [], []
    for length in sorted(by_length):
        rows = np.concatenate(by_length[length])
        rows = rows[rows[:, 0] != rows[:, 1]] if length == 1 else rows
        rows = rows[_first(rows[:, :-1])]
        if len(rows):
            found.append((rows[:, 0], rows[:, 1:-1]))
            over.append(rows[:, -1])
    return tuple(found), tuple(over)


def _first(rows: IntArray) -> BoolArray:
    """Mark the first of equal rows."""
    mix = np.random.default_rng(0).integers(2**63, size=rows.shape[1], dtype=np.int64)
    marks = rows @ mix
    _, first, same = np.unique(marks, return_index=True, return_inverse=True)
    before = first[same]
    again: BoolArray = before < np.arange(len(rows))
    again[again] = (rows[again] == rows[before[again]]).all(axis=1)
    return ~again


def cell_keys(table: Table, population: int) -> list[CellKey]:
    """Name every cell by the people in it: the population and the codes that are not `Total`."""
    by = table.by
    return [
        (population, tuple(sorted((c, code) for c, code in zip(by, codes, strict=True) if code != "Total")))
        for codes in table.labels
    ]


def _told_apart(group: Sequence[Table]) -> list[Table]:
    """Give those of a population whom a further table is held against: of those that know their people, the first."""
    known = [table for table in group if table.basis is not None]
    return [*known[:1], *(table for table in group if table.basis is None)]


def _same_people(a: Table, b: Table) -> bool:
    if a.total != b.total or a.unit != b.unit:
        return False
    if a.basis is not None and b.basis is not None:
        return np.array_equal(a.people, b.people) or np.array_equal(np.sort(a.people), np.sort(b.people))
    axes, _ = categorise([a, b], [0, 0])
    width = max(len(a.by), len(b.by))
    names = np.concatenate(_alike([_cells(0, mine, width) for mine in axes]))
    persons = np.concatenate([a.counts.ravel(), b.counts.ravel()])
    first = np.unique(names, return_index=True, return_inverse=True)
    return bool((persons == persons[first[1]][first[2]]).all())


@dataclass(frozen=True, eq=False)
class _Column:
    """One way tables divide people: the tables that do, and the place of each person, in the order of hashes."""

    name: str
    dimension: Dimension
    places: IntArray | None
    tables: set[int]

    def determines(self, other: _Column) -> bool:
        """Tell whether who is where in this column says where they are in the other."""
        if self is other or self.places is None or other.places is None:
            return self is other
        # some persons show mostly that it does not
        for step in (len(self.places) // _SOME + 1, 1):
            mine, theirs = self.places[::step], other.places[::step]
            holder = np.zeros(len(self.dimension.codes), dtype=np.int64)
            holder[mine] = theirs
            if (holder[mine] != theirs).any():
                return False
        return bool((other.places != other.places[0]).any())


def joint_dimensions(tables: Sequence[Table]) -> tuple[Dimension, ...]:
    """Give the by-columns of the joint cells that bind tables of one population.

    Parameters
    ----------
    tables : sequence of Table
        Of one population.

    Returns
    -------
    tuple of Dimension
        Empty where joint cells tell nothing that the tables do not.
    """
    return tuple(column.dimension for column in _joined(tables))


def joint(tables: Sequence[Table]) -> Table | None:
    """Count people by everything that binds tables of one population, as what nobody displays.

    Parameters
    ----------
    tables : sequence of Table
        Of one population.

    Returns
    -------
    Table or None
        With its basis; none of it is published. None where it would tell nothing, where it would have more than
        `JOINT_CELLS` cells, or where some table does not know its people.
    """
    columns = _joined(tables)
    dimensions = tuple(column.dimension for column in columns)
    shape = tuple(len(dimension.codes) for dimension in dimensions)
    basis = tables[0].basis if columns else None
    if basis is None or math.prod(shape) > JOINT_CELLS or any(table.basis is None for table in tables):
        return None
    unit = tables[0].unit
    places = [column.places for column in columns if column.places is not None]
    people = pd.DataFrame({unit: basis[unit].to_numpy()[_orders(tables)[0]]})
    for dimension, place in zip(dimensions, places, strict=True):
        leaves = pd.Index(dimension.codes[: dimension.leaves])
        people[dimension.column] = pd.Categorical.from_codes(place, categories=leaves)
    inner = np.bincount(np.ravel_multi_index(places, shape), minlength=math.prod(shape)).astype(np.int64)
    counts = add_margins(inner.reshape(shape), dimensions)
    name = " x ".join(dict.fromkeys(table.name for table in tables))
    return Table(name, name, unit, dimensions, counts, np.zeros(shape, dtype=bool), people, margins=())


def _joined(tables: Sequence[Table]) -> list[_Column]:
    """Choose the finest columns of the tables that run in circles."""
    if len(tables) < 3:
        return []
    columns = _columns(tables)
    below = {
        n: {m for m, other in enumerate(columns) if column.determines(other)} for n, column in enumerate(columns)
    }
    of = [{n for n, column in enumerate(columns) if t in column.tables} for t in range(len(tables))]
    circle = _circle({t: frozenset[int]().union(*(below[n] for n in mine)) for t, mine in enumerate(of)})
    shared = frozenset[int]().union(*circle.values())
    bound = [n for n in below if below[n] & shared and any(n in of[t] for t in circle)]
    return [columns[n] for n in bound if not any(n in below[m] for m in bound if m != n)]


def _columns(tables: Sequence[Table]) -> list[_Column]:
    """List the ways tables divide people, by any name; where some people are not known, by name."""
    found: dict[str | bytes, _Column] = {}
    known = all(table.basis is not None for table in tables)
    orders = _orders(tables)
    for t, table in enumerate(tables):
        for axis, dimension in enumerate(table.dimensions):
            places = table.places(axis)[orders[t]] if known else None
            key = dimension.column if places is None else _division(places) or dimension.column
            found.setdefault(key, _Column(dimension.column, dimension, places, set())).tables.add(t)
    for t, table in enumerate(tables if known else ()):
        for axis, dimension in enumerate(table.dimensions):
            for level in dimension.levels:
                places = dimension.within(level)[table.places(axis)[orders[t]]]
                key = _division(places)
                if key:
                    found.setdefault(key, _Column(dimension.column, dimension, places, set())).tables.add(t)
    return _named(list(found.values()))


def _orders(tables: Sequence[Table]) -> list[IntArray | slice]:
    """Put the same people in the same order: as they stand, or by their hashes."""
    if all(np.array_equal(table.people, tables[0].people) for table in tables):
        return [slice(None)] * len(tables)
    return [np.argsort(table.people) for table in tables]


def _division(places: IntArray) -> bytes:
    """Spell who is with whom; empty where all are together."""
    codes = places - places.min()  # who has no code above them is together too
    first = np.zeros(int(codes.max()) + 1, dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    group = first[codes]
    return hashlib.sha256(group.data).digest() if group.any() else b""


def _named(columns: Sequence[_Column]) -> list[_Column]:
    """Give columns of one name that divide people otherwise names of their own."""
    taken: Counter[str] = Counter()
    named = []
    for column in columns:
        taken[column.name] += 1
        name = column.name if taken[column.name] == 1 else f"{column.name} ({taken[column.name]})"
        named.append(replace(column, name=name, dimension=replace(column.dimension, column=name)))
    return named


def _circle(schemes: Mapping[int, frozenset[int]]) -> dict[int, frozenset[int]]:
    """Cut off what hangs on by one end, until only circles are left (Graham's reduction of a hypergraph)."""
    left = dict(schemes)
    while True:
        held = Counter(column for scheme in left.values() for column in scheme)
        shared = {t: frozenset(column for column in scheme if held[column] > 1) for t, scheme in left.items()}
        fewer = {
            t: scheme
            for t, scheme in shared.items()
            if not any(scheme < other or (scheme == other and u < t) for u, other in shared.items())
        }
        if fewer == left:
            return left
        left = fewer
