"""Overlapping groups: what follows from three or more populations together, by inclusion and exclusion.

A and B lie in U, apart from each other: U less A less B is a group nobody displayed. The persons of all releases
fall into atoms, by the populations they are in; a known count is a sum of atoms. An atom's count follows exactly
when its indicator is a combination of the known rows, that is when its leverage is 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.linked import populations
from p20kit.policy import CellPolicy
from p20kit.tables import Table

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
    for unit in dict.fromkeys(table.unit for table, _ in tables):
        alike = [
            (table, known, table.basis) for table, known in tables if table.unit == unit and table.basis is not None
        ]
        numbers = populations([table for table, *_ in alike])
        for columns in _choices([table for table, *_ in alike]):
            within = [i for i, (table, *_) in enumerate(alike) if set(columns) <= set(table.by)]
            if len({numbers[i] for i in within}) >= _FEWEST:
                known = pd.concat([_known(*alike[i], columns).assign(population=numbers[i]) for i in within])
                yield from _within(known.drop_duplicates(), columns, policy)


def _choices(tables: Sequence[Table]) -> list[tuple[str, ...]]:
    return sorted({
        choice for table in tables for k in range(len(table.by) + 1) for choice in combinations(sorted(table.by), k)
    })  # fmt: skip


def _known(table: Table, known: BoolArray, basis: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Give the persons of the known cells by some columns, the others at `Total`: `unit` and a column per code."""
    at = [
        table.places(axis) if column in columns else np.full(len(basis), -1) for axis, column in enumerate(table.by)
    ]
    rows = basis.loc[known[tuple(at)]]
    codes = {f"code {n}": rows[column].to_numpy() for n, column in enumerate(columns)}
    return pd.DataFrame({"unit": rows[table.unit].to_numpy(), **codes})


def _within(known: pd.DataFrame, columns: tuple[str, ...], policy: CellPolicy) -> Iterator[Implied]:
    codes = [f"code {n}" for n in range(len(columns))]
    blocks = known.groupby(codes) if codes else [((), known)]
    for block_codes, block in blocks:
        number = block["population"].nunique()
        if number < _FEWEST:
            continue
        members = pd.crosstab(block["unit"], block["population"]).to_numpy(dtype=np.float64)
        atoms, sizes = np.unique(members, axis=0, return_counts=True)
        leverage = np.einsum("ij,ji->i", np.linalg.pinv(atoms.T), atoms.T)
        for size in sizes[(leverage > _EXACT) & (sizes < policy.minimum_count)]:
            yield Implied(tuple(zip(columns, map(str, block_codes), strict=True)), int(size), number)
