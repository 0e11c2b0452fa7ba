"""Which tables count the same people, so that their cells are the same unknowns."""

from __future__ import annotations

from collections.abc import Sequence

from p20kit.tables import Table

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
