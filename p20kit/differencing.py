"""Differences of groups of people: two displayed groups, one inside the other, that differ by a few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.policy import CellPolicy
from p20kit.tables import Table

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """Two groups of which one contains the other.

    Parameters
    ----------
    larger, smaller : (int, int)
        Position of the table in the list that was given, and the flat position of the cell.
    persons : int
        How many more the larger group holds.
    """

    larger: tuple[int, int]
    smaller: tuple[int, int]
    persons: int


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
    found: dict[tuple[int, int, int, int], Difference] = {}
    for a in range(new):
        for b in range(a + 1, len(tables)):
            for difference in _between(tables, a, b, policy):
                key = (*difference.larger, *difference.smaller)
                found.setdefault(key, difference)
    return list(found.values())


def _between(tables: Sequence[tuple[Table, BoolArray]], a: int, b: int, policy: CellPolicy) -> Iterator[Difference]:
    (first, known_first), (second, known_second) = tables[a], tables[b]
    if first.basis is None or second.basis is None or first.unit != second.unit:
        return
    both = _positions(first, "first").join(_positions(second, "second"), how="inner")
    codes = both.to_numpy(dtype=np.int64)
    width = len(first.by)
    for flat_first in _groupings(first, codes[:, :width]):
        for flat_second in _groupings(second, codes[:, width:]):
            pairs, shared = np.unique(flat_first * second.counts.size + flat_second, return_counts=True)
            i, j = np.divmod(pairs, second.counts.size)
            usable = known_first.ravel()[i] & known_second.ravel()[j]
            i, j, shared = i[usable], j[usable], shared[usable]
            n_i, n_j = first.counts.ravel()[i], second.counts.ravel()[j]
            yield from _nested((b, j, n_j), (a, i, n_i), shared, policy)
            yield from _nested((a, i, n_i), (b, j, n_j), shared, policy)


def _nested(
    larger: tuple[int, IntArray, IntArray],
    smaller: tuple[int, IntArray, IntArray],
    shared: IntArray,
    policy: CellPolicy,
) -> Iterator[Difference]:
    more = larger[2] - smaller[2]
    hits = (shared == smaller[2]) & (more >= 1) & (more < policy.minimum_count)
    for k in np.flatnonzero(hits):
        yield Difference((larger[0], int(larger[1][k])), (smaller[0], int(smaller[1][k])), int(more[k]))


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


def _groupings(table: Table, codes: IntArray) -> Iterator[IntArray]:
    """Yield each person's cell for every choice of by-columns, the others at `Total`."""
    axes = range(len(table.by))
    last = np.array(table.counts.shape) - 1
    for kept in chain.from_iterable(combinations(axes, k) for k in range(len(axes) + 1)):
        at = [codes[:, axis] if axis in kept else np.full(len(codes), last[axis]) for axis in axes]
        yield np.ravel_multi_index(tuple(at), table.counts.shape).astype(np.int64)
