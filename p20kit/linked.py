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
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p20kit.categories import Within, categorise, divided
from p20kit.tables import Table

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
    """

    populations: tuple[int, ...]
    unknowns: tuple[IntArray, ...]
    size: int
    sums: tuple[tuple[IntArray, IntArray], ...]


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
        same = (n for n, group in enumerate(members) if all(_same_people(table, other) for other in group))
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
    further = list(divided(tables, categories, levels))
    width = max((len(table.by) for table in tables), default=0)
    cells = [_cells(n, axes, width) for n, axes in zip(numbers, categories, strict=True)]
    whole = [_cells(numbers[each.table], _merged(categories[each.table], each), width) for each in further]
    alike = _alike([*cells, *whole])
    names, places = np.unique(np.concatenate(alike[: len(tables)]), return_inverse=True)
    unknowns = np.split(places, np.cumsum([len(mine) for mine in cells])[:-1])
    sums = [
        (unknown[parents], unknown[parts])
        for table, unknown in zip(tables, unknowns, strict=True)
        for parents, parts in table.relations()
    ]
    for each, merged in zip(further, alike[len(tables) :], strict=True):
        at = np.minimum(np.searchsorted(names, merged), len(names) - 1)
        exists = names[at] == merged
        parts = unknowns[each.table][_lines(tables[each.table], each)]
        sums.append((at[exists], parts[exists]))
    return Linked(tuple(numbers), tuple(unknowns), len(names), _distinct(sums))


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


def _distinct(sums: Sequence[tuple[IntArray, IntArray]]) -> tuple[tuple[IntArray, IntArray], ...]:
    """Gather sums by their length, each once, without those that say that a cell is itself."""
    by_length: dict[int, list[IntArray]] = {}
    for parents, parts in sums:
        by_length.setdefault(parts.shape[1], []).append(np.column_stack([parents, np.sort(parts, axis=1)]))
    found = []
    for length in sorted(by_length):
        rows = np.concatenate(by_length[length])
        rows = rows[rows[:, 0] != rows[:, 1]] if length == 1 else rows
        rows = rows[_first(rows)]
        if len(rows):
            found.append((rows[:, 0], rows[:, 1:]))
    return tuple(found)


def _first(rows: IntArray) -> BoolArray:
    """Mark the first of equal rows."""
    mix = np.random.default_rng(0).integers(2**63, size=rows.shape[1], dtype=np.int64)
    with np.errstate(over="ignore"):
        marks = rows @ mix
    _, first, same = np.unique(marks, return_index=True, return_inverse=True)
    before = first[same]
    again = before < np.arange(len(rows))
    again[again] = (rows[again] == rows[before[again]]).all(axis=1)
    return ~again


def cell_keys(table: Table, population: int) -> list[CellKey]:
    """Name every cell by the people in it: the population and the codes that are not `Total`."""
    by = table.by
    return [
        (population, tuple(sorted((c, code) for c, code in zip(by, codes, strict=True) if code != "Total")))
        for codes in table.labels
    ]


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
