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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p20kit.tables import Table

IntArray = NDArray[np.int64]


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
        return set(a.basis[a.unit]) == set(b.basis[b.unit])
    counts = dict(zip(cell_keys(a, 0), a.counts.ravel().tolist(), strict=True))
    return all(
        counts.get(key, count) == count for key, count in zip(cell_keys(b, 0), b.counts.ravel().tolist(), strict=True)
    )
