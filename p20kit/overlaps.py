"""Overlapping groups: what follows from three or more populations together, by inclusion and exclusion.

A and B lie in U, apart from each other: U less A less B is a group nobody displayed. The persons of all releases
fall into atoms, by the populations they are in; a known count is a sum of atoms. An atom's count follows exactly
when its indicator is a combination of the known rows, that is when its leverage is 1.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from p20kit.linked import populations
from p20kit.persons import Numbered, number_persons
from p20kit.policy import CellPolicy
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
_FEWEST = 3
"""Populations; two of them are compared as pairs of groups (differencing)."""
_EXACT = 1 - 1e-9


@dataclass(frozen=True)
class Implied:
    """A group nobody displayed, whose count follows.

    Parameters
    ----------
    codes : tuple of (str, str)
        By-column and category it is within; empty for whole populations.
    persons : int
    populations : int
        How many of them it follows from.
    """

    codes: tuple[tuple[str, str], ...]
    persons: int
    populations: int

    @property
    def where(self) -> str:
        """Name the group, for findings."""
        return f"overlap[{', '.join(f'{column}={code}' for column, code in self.codes) or 'Total'}]"


def implied_groups(
    tables: Sequence[tuple[Table, BoolArray]], before: Sequence[BoolArray], policy: CellPolicy
) -> list[Implied]:
    """Find groups under the threshold that follow from populations which overlap.

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
    list of Implied
        Without those that followed before.
    """
    released = [table for table, _ in tables[len(tables) - len(before) :]]
    then = Counter(_implied(list(zip(released, before, strict=True)), policy))
    return list((Counter(_implied(tables, policy)) - then).elements())


def _implied(tables: Sequence[tuple[Table, BoolArray]], policy: CellPolicy) -> Iterator[Implied]:
    known_people = [(table, known) for table, known in tables if table.basis is not None]
    for unit in dict.fromkeys(table.unit for table, _ in known_people):
        alike = [(table, known) for table, known in known_people if table.unit == unit]
        of = populations([table for table, _ in alike])
        if len(set(of)) < _FEWEST:
            continue
        persons = number_persons([table for table, _ in alike])
        for columns in _choices([table for table, _ in alike]):
            within = [i for i, (table, _) in enumerate(alike) if set(columns) <= set(table.by)]
            if len({of[i] for i in within}) >= _FEWEST:
                yield from _within([(of[i], *alike[i], persons[i]) for i in within], columns, policy)


def _choices(tables: Sequence[Table]) -> list[tuple[str, ...]]:
    return sorted({
        choice for table in tables for k in range(len(table.by) + 1) for choice in combinations(sorted(table.by), k)
    })  # fmt: skip


def _within(
    known: Sequence[tuple[int, Table, BoolArray, Numbered]], columns: tuple[str, ...], policy: CellPolicy
) -> Iterator[Implied]:
    """Find what follows within each category of some columns, the others being at `Total`."""
    labels = _Labels(columns)
    told: dict[int, list[IntArray]] = {}
    for population, table, mask, persons in known:
        rows, before = _told(table, mask, persons, labels), told.setdefault(population, [])
        if not any(np.array_equal(rows, other) for other in before):
            before.append(rows)
    each = [np.unique(np.concatenate(rows)) for rows in told.values()]
    rows = np.unique(np.concatenate(each))
    members = np.zeros((len(rows), len(each)), dtype=bool)
    for n, mine in enumerate(each):
        members[np.searchsorted(rows, mine), n] = True
    kinds, sizes = _alike(rows // known[0][3].everybody, np.packbits(members, axis=1))
    bounds = np.flatnonzero(np.diff(kinds[:, 0], prepend=-1))
    for atoms, persons_of in zip(np.split(kinds, bounds[1:]), np.split(sizes, bounds[1:]), strict=True):
        inside = np.unpackbits(atoms[:, 1:].astype(np.uint8), axis=1)[:, : len(each)].astype(np.float64)
        inside = inside[:, inside.any(axis=0)]
        if inside.shape[1] < _FEWEST:
            continue
        leverage = np.einsum("ij,ji->i", np.linalg.pinv(inside.T), inside.T)
        for size in persons_of[(leverage > _EXACT) & (persons_of < policy.minimum_count)]:
            yield Implied(labels.of(int(atoms[0, 0])), int(size), inside.shape[1])


def _alike(block: IntArray, members: NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Put persons of one block and the same populations together: block and packed populations, and how many."""
    number = block
    for column in members.T:
        number = np.unique(number * 256 + column, return_inverse=True)[1]
    _, first, sizes = np.unique(number, return_index=True, return_counts=True)
    kinds = np.column_stack([block, members])[first].astype(np.int64)
    order = np.argsort(kinds[:, 0], kind="stable")
    return kinds[order], sizes[order]


class _Labels:
    """Numbers of the combinations of codes of some columns, in whatever table they stand."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._numbers: dict[tuple[str, ...], int] = {}

    def number(self, codes: tuple[str, ...]) -> int:
        """Give the number of a combination."""
        return self._numbers.setdefault(codes, len(self._numbers))

    def of(self, number: int) -> tuple[tuple[str, str], ...]:
        """Give the combination of a number."""
        return tuple(zip(self.columns, list(self._numbers)[number], strict=True))


def _told(table: Table, known: BoolArray, persons: Numbered, labels: _Labels) -> IntArray:
    """Name the persons of the known cells by some columns: the combination of codes, and the number of the person."""
    at = [table.places(axis) if column in labels.columns else -1 for axis, column in enumerate(table.by)]
    inside = known[tuple(np.broadcast_arrays(*at, np.zeros(len(persons.numbers), dtype=np.int64))[:-1])]
    axes = [table.by.index(column) for column in labels.columns]
    shape = tuple(len(table.dimensions[axis].codes) for axis in axes)
    places = [table.places(axis)[inside] for axis in axes]
    flat = np.ravel_multi_index(places, shape) if axes else np.zeros(int(inside.sum()), dtype=np.int64)
    numbers = np.zeros(math.prod(shape), dtype=np.int64)
    for cell in np.unique(flat).tolist():
        place = np.unravel_index(cell, shape) if axes else ()
        codes = tuple(table.dimensions[axis].codes[int(n)] for axis, n in zip(axes, place, strict=True))
        numbers[cell] = labels.number(codes)
    named: IntArray = numbers[flat] * persons.everybody + persons.numbers[inside]
    return named
