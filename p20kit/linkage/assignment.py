"""One record for one record: the pairs of greatest total weight, ties reported and never guessed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

UNIT = 1e-6
"""Weights are compared in whole units of this: equal means equal."""


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which candidate pairs were accepted, and how often two answers were equally good."""

    accepted: Bools
    tied_pairs: int
    tied_left: int
    tied_right: int


def assign(pairs: pd.DataFrame, sure: Bools | None = None) -> Assignment:
    """Assign one to one, so that the sum of the match weights is greatest.

    Only pairs that are likelier a match than not (weight above 0) make the sum; among the records these leave free,
    lighter pairs follow, heaviest first. A pair that stands in some of the best answers and not in all of them is a
    tie: it is not accepted, and its records take no other, since a lighter pair would be a guess too.

    Parameters
    ----------
    pairs : DataFrame
        `left`, `right` (int64 row numbers) and `match_weight` (float64).
    sure : ndarray of bool, optional
        Pairs that go before all others, by a deterministic rule, where neither record has a second one.

    Returns
    -------
    Assignment
        `accepted` is in the order of `pairs`, whatever that order is.
    """
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    weight = np.rint(pairs["match_weight"].to_numpy() / UNIT).astype(np.int64)
    accepted, tied = np.zeros(len(pairs), dtype=bool), np.zeros(len(pairs), dtype=bool)
    free = np.ones(len(pairs), dtype=bool)
    for chosen in (_alone(left, right, sure), None):
        if chosen is None:
            chosen, tied = _best(left, right, weight, free & (weight > 0))
        accepted |= chosen
        free = _free(left, right, accepted | tied)
    light, again = _heaviest_first(left, right, weight, free)
    return Assignment(accepted | light, *_count(left, right, tied | again))


def _count(left: Ints, right: Ints, tied: Bools) -> tuple[int, int, int]:
    return int(tied.sum()), len(np.unique(left[tied])), len(np.unique(right[tied]))


def _free(left: Ints, right: Ints, taken: Bools) -> Bools:
    return ~(np.isin(left, left[taken]) | np.isin(right, right[taken]))


def _alone(left: Ints, right: Ints, among: Bools | None) -> Bools:
    """Pairs whose two records have no other pair among these."""
    found = np.zeros(len(left), dtype=bool)
    if among is not None and among.any():
        edges = np.flatnonzero(among)
        found[edges] = (np.bincount(left[edges])[left[edges]] == 1) & (np.bincount(right[edges])[right[edges]] == 1)
    return found


def _best(left: Ints, right: Ints, weight: Ints, among: Bools) -> tuple[Bools, Bools]:
    """Pairs in every answer of greatest weight, and pairs in some of them only."""
    accepted, open_ = _undisputed(left, right, weight, among)
    tied = np.zeros(len(left), dtype=bool)
    for edges in _entangled(left, right, open_):
        sure, contested = _solve(left[edges], right[edges], weight[edges])
        accepted[edges[sure]] = True
        tied[edges[contested]] = True
    return accepted, tied


def _undisputed(left: Ints, right: Ints, weight: Ints, among: Bools) -> tuple[Bools, Bools]:
    """Pairs that every answer of greatest weight holds at sight, and pairs that are open after these.

    Such a pair outweighs the heaviest others of both its records together: an answer without it would give up less
    by taking it.
    """
    accepted, edges = np.zeros(len(left), dtype=bool), np.flatnonzero(among)
    while len(edges):
        others = [_heaviest_other(side[edges], weight[edges]) for side in (left, right)]
        sure = edges[weight[edges] > others[0] + others[1]]
        if not len(sure):
            break
        accepted[sure] = True
        edges = edges[~(np.isin(left[edges], left[sure]) | np.isin(right[edges], right[sure]))]
    open_ = np.zeros(len(left), dtype=bool)
    open_[edges] = True
    return accepted, open_


def _heaviest_other(record: Ints, weight: Ints) -> Ints:
    """Weight of the heaviest other pair of each pair's record; 0 where there is none."""
    order = np.lexsort((-weight, record))
    starts = np.flatnonzero(np.diff(record[order], prepend=-1))
    first = np.repeat(starts, np.diff(starts, append=len(order)))
    ranked = np.append(weight[order], 0)
    second = np.where(np.append(record[order], -1)[first + 1] == record[order], ranked[first + 1], 0)
    found = np.empty_like(weight)
    found[order] = np.where(np.arange(len(order)) == first, second, ranked[first])
    return found


def _entangled(left: Ints, right: Ints, among: Bools) -> Iterator[Ints]:
    """Give the pairs that compete with one another, one group at a time."""
    edges = np.flatnonzero(among)
    if not len(edges):
        return
    (lefts, rows), (rights, columns) = (np.unique(side[edges], return_inverse=True) for side in (left, right))
    nodes = len(lefts) + len(rights)
    graph = coo_array((np.ones(len(edges)), (rows, len(lefts) + columns)), shape=(nodes, nodes))
    group = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(group, kind="stable")
    yield from np.split(edges[order], np.flatnonzero(np.diff(group[order])) + 1)


def _solve(left: Ints, right: Ints, weight: Ints) -> tuple[Bools, Bools]:
    (lefts, rows), (rights, columns) = (np.unique(side, return_inverse=True) for side in (left, right))
    heaviest = weight == weight.max()
    if min(len(lefts), len(rights)) == 1:
        alone = heaviest.sum() == 1
        return heaviest & alone, heaviest & ~alone
    shape = (len(lefts), len(rights))
    first = _assigned(rows, columns, weight, shape)
    some, every = first.copy(), first.copy()
    # Of the answers of this weight, one with pairs that were in none, or without pairs that were in all, until there
    # is none such. Weights are scaled so that no answer of less weight can be preferred.
    scaled = weight * (2 * len(weight) + 1)
    while True:
        other = _assigned(rows, columns, scaled + ~some - every, shape)
        if (other <= some).all() and (every <= other).all():
            return every, some & ~every
        some |= other
        every &= other


def _assigned(rows: Ints, columns: Ints, weight: Ints, shape: tuple[int, int]) -> Bools:
    # A column of its own leaves a row free. Every edge weighs one more, since none may weigh nothing.
    free = np.arange(shape[0], dtype=np.int32)
    edges = np.append(rows, free).astype(np.int32), np.append(columns, shape[1] + free).astype(np.int32)
    weights = np.append(weight, np.zeros(shape[0])) + 1.0
    table = coo_array((weights, edges), shape=(shape[0], sum(shape))).tocsr()
    _, taken = min_weight_full_bipartite_matching(table, maximize=True)
    return np.asarray(taken[rows] == columns)


def _heaviest_first(left: Ints, right: Ints, weight: Ints, among: Bools) -> tuple[Bools, Bools]:
    accepted, tied = np.zeros(len(left), dtype=bool), np.zeros(len(left), dtype=bool)
    order = np.flatnonzero(among)
    order = order[np.lexsort((right[order], left[order], -weight[order]))]
    taken: tuple[set[int], set[int]] = (set(), set())
    for group in np.split(order, np.flatnonzero(np.diff(weight[order])) + 1):
        free = [i for i in group if left[i] not in taken[0] and right[i] not in taken[1]]
        contested = _contested([int(left[i]) for i in free]), _contested([int(right[i]) for i in free])
        for i in free:
            taken[0].add(int(left[i]))
            taken[1].add(int(right[i]))
            either = left[i] in contested[0] or right[i] in contested[1]
            (tied if either else accepted)[i] = True
    return accepted, tied


def _contested(records: Sequence[int]) -> set[int]:
    seen, twice = set[int](), set[int]()
    for record in records:
        (twice if record in seen else seen).add(record)
    return twice
