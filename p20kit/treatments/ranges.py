"""Ranges in place of hidden cells, and top coding.

A range tells more than a hidden cell, so it must leave open what protects its neighbours. For each small count a
*witness* is found: a change of the hidden cells alone that keeps every sum and lifts the count to the threshold. A
range reaches from its cell's count over every witness, outward to whole steps; so all witnesses fit what is
displayed, and each small count can still be as large as the policy asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from p20kit.errors import Finding, TableInvalid
from p20kit.needs import count_needs, least_hidden
from p20kit.policy import COUNT_CLAUSE, CellPolicy
from p20kit.protection import Protected, protect
from p20kit.tables import Table
from p20kit.treatments.cells import Cells, FloatArray, join, solve
from p20kit.treatments.treated import Display, Treated, displayed, given, read, strictest

BoolArray = NDArray[np.bool_]

MOST_HIDDEN = 4_000
LIFTED = 1_000.0
"""What lifting a small count by one person is worth, in persons moved."""
TINY = 1e-6


def ranges(
    tables: Protected | Table | Sequence[Table],
    policy: CellPolicy,
    earlier: Sequence[Protected | Table] = (),
    *,
    width: int = 10,
    top: int | None = None,
) -> Treated:
    """Display a range in place of each cell that suppression hides.

    Source: ExA 3.f (use of ranges; top and bottom categories); DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    tables : Protected, Table or sequence of Table
        What is protected already is taken as it is.
    policy : CellPolicy
    earlier : sequence of Protected or Table
    width : int, default 10
        Ranges start and end at its multiples; the lowest, `under 10`, is the bottom code. It must be larger than
        `policy.minimum_count`: a range of 0 to 5 says that a count is under 6.
    top : int, optional
        Counts from here on are displayed as `500 or more`.

    Returns
    -------
    Treated
        Cells that no witness could do without stay hidden.

    Raises
    ------
    TableInvalid
        If the width tells that a count is under the threshold, or over 4,000 cells are hidden.
    Unprotectable
        If earlier releases make some cell recoverable.
    """
    protected = tables if isinstance(tables, Protected) else protect(given(tables), policy, earlier)
    smallest = strictest(protected.tables, policy).minimum_count
    if width <= smallest or (top is not None and top < width):
        what = f"ranges of {width} tell that a count is under {smallest}, or the top code lies in the first"
        finding = Finding("ranges", COUNT_CLAUSE, "width", what, f"Use {smallest + 1} or more, or 10.")
        raise TableInvalid("ranges cannot be displayed", [finding])
    cells = join(protected.tables)
    hidden, need, least = _masks(cells, protected, policy)
    if hidden.sum() > MOST_HIDDEN:
        what = f"{int(hidden.sum())} cells are hidden, over the limit of {MOST_HIDDEN}"
        finding = Finding("ranges", "ExA 3.f", protected.tables[0].name, what, "Merge categories first: collapse().")
        raise TableInvalid("ranges cannot be displayed", [finding])
    lower, upper = _over_witnesses(cells, hidden, need, least)
    lower = np.where(hidden, np.maximum(np.floor(lower / width) * width, least), cells.counts)
    upper = np.where(hidden, np.floor(upper / width) * width + width - 1, cells.counts)
    displays = tuple(
        _display(table, lower[place], upper[place], top)
        for table, place in zip(protected.tables, cells.places, strict=True)
    )
    stated = {"in steps of": str(width)} | ({"top coded from": str(top)} if top is not None else {})
    return Treated("ranges", stated, policy, displays, tuple(read(display) for display in displays))


def _masks(cells: Cells, protected: Protected, policy: CellPolicy) -> tuple[BoolArray, FloatArray, FloatArray]:
    """Give which cells are hidden, the persons each must still be able to hold, and those it is known to hold."""
    hidden, need, least = (
        np.ones(len(cells.counts), dtype=bool),
        np.zeros(len(cells.counts)),
        np.zeros(len(cells.counts)),
    )
    for table, shown, place in zip(protected.tables, protected.shown, cells.places, strict=True):
        hidden[place[(shown | table.impossible).ravel()]] = False
        need[place] = np.maximum(need[place], count_needs(table, policy).ravel())
        least[place] = np.maximum(least[place], least_hidden(table, policy).ravel())
    return hidden, need, np.minimum(least, cells.counts)


def _over_witnesses(
    cells: Cells, hidden: BoolArray, need: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Give the least and the most persons of each cell in the true table and in a witness for each small count.

    A count for which there is no witness leaves its neighbours without a range.
    """
    columns = np.flatnonzero(hidden)
    sums = csr_array(cells.sums[:, columns])
    counts = cells.counts[columns].astype(np.float64)
    gap = np.maximum(need[columns] - counts, 0.0)
    lowest, highest = counts.copy(), counts.copy()
    stuck = np.zeros(len(columns))
    lines = [frozenset(rows.tolist()) for rows in np.split(sums.tocsc().indices, sums.tocsc().indptr[1:-1])]
    waiting = [int(c) for c in np.lexsort((columns, counts)) if gap[c] > 0]
    while waiting:
        group = _apart(waiting, lines)
        for together in (group, group[:1]):
            change = _lift(sums, counts, counts - floor[columns], gap, together)
            lowest = np.minimum(lowest, np.floor(counts + change + TINY))
            highest = np.maximum(highest, np.ceil(counts + change - TINY))
            lifted = {c for c in waiting if change[c] >= gap[c] - TINY}
            if not lifted.isdisjoint(together):
                break
        else:
            stuck[group[0]], lifted = 1.0, {group[0]}
        waiting = [c for c in waiting if c not in lifted]
    near = (abs(sums).T @ (abs(sums) @ stuck) > 0) | (stuck > 0)
    least, greatest = cells.counts.astype(np.float64), cells.counts.astype(np.float64)
    least[columns], greatest[columns] = np.where(near, 0.0, lowest), np.where(near, np.inf, highest)
    return least, greatest


def _apart(waiting: Sequence[int], lines: Sequence[frozenset[int]]) -> list[int]:
    """Pick cells of which no two stand in one sum, so that lifting one need not lower another."""
    taken: set[int] = set()
    group = []
    for cell in waiting:
        if taken.isdisjoint(lines[cell]):
            taken |= lines[cell]
            group.append(cell)
    return group


def _lift(
    sums: csr_array, counts: FloatArray, spare: FloatArray, gap: FloatArray, group: Sequence[int]
) -> FloatArray:
    """Lift the cells of a group by their gaps as far as can be, moving as few persons as can be."""
    up, down = np.full(len(counts), np.inf), spare.copy()
    cost = np.ones(len(counts))
    up[list(group)], down[list(group)] = gap[list(group)], 0.0
    cost[list(group)] -= LIFTED
    both = hstack([sums, -sums], format="csr")
    found = solve(
        csr_array(both),
        np.zeros(sums.shape[0]),
        np.zeros(2 * len(counts)),
        np.concatenate([up, down]),
        np.concatenate([cost, np.ones(len(counts))]),
    )
    return np.zeros(len(counts)) if found is None else found[: len(counts)] - found[len(counts) :]


def _display(table: Table, lower: FloatArray, upper: FloatArray, top: int | None) -> Display:
    shape = table.counts.shape
    least, greatest = lower.reshape(shape), upper.reshape(shape)
    if top is not None:
        coded = greatest >= top
        least, greatest = np.where(coded, np.minimum(least, top), least), np.where(coded, np.inf, greatest)
    number = np.where(least == greatest, table.counts, np.nan)
    return displayed(table, number, least, greatest)
