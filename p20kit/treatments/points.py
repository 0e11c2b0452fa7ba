"""Fewer points of a cumulative share: coarser steps, so that nobody is told apart in a group that is too small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from p20kit.errors import Finding, TableInvalid
from p20kit.measures import CumulativeShare, IntArray
from p20kit.needs import terms_of
from p20kit.policy import FORMULA_CLAUSE, CellPolicy
from p20kit.primary import small_bases, small_counts
from p20kit.tables import Table

Ways = tuple[int, int, tuple[CumulativeShare, ...]]
"""Groups that are too small, less points (so that the least is the best), and the points."""


def fewer_points(table: Table, policy: CellPolicy) -> Table:
    """Keep the most points of cumulative shares of which no two come with a group between them that is too small.

    Looked at are the cells with a base that a share may stand on; before the first point and after the last there is
    a group too. Where every choice leaves groups that are too small, one that leaves the fewest is kept, and
    `protect` hides what is left.

    Source: ExA 3.f (aggregation of groups); DSA III.G.2.a; DSA III.G.2.b.

    Parameters
    ----------
    table : Table
        With cumulative shares.
    policy : CellPolicy

    Returns
    -------
    Table
        The same without the shares up to the other points.

    Raises
    ------
    TableInvalid
        If it has no cumulative shares.
    """
    shares = [measure for measure in table.measures if isinstance(measure, CumulativeShare)]
    if not shares:
        what, advice = "it has no cumulative shares", "Make them with CumulativeShare.along()."
        raise TableInvalid("no points to leave out", [Finding("points", FORMULA_CLAUSE, table.name, what, advice)])
    curves = dict.fromkeys((share.of, share.order) for share in shares)
    kept = {share for curve in curves for share in _kept(table, _of(shares, *curve), policy)}
    measures = tuple(m for m in table.measures if not isinstance(m, CumulativeShare) or m in kept)
    dropped = {share.label for share in shares if share not in kept}
    figures = {label: found for label, found in table.figures.items() if label not in dropped}
    return replace(table, measures=measures, figures=figures)


def _of(shares: Sequence[CumulativeShare], of: str, order: tuple[str, ...]) -> list[CumulativeShare]:
    """Give the shares of one curve, from its first point to its last."""
    mine = [share for share in shares if (share.of, share.order) == (of, order)]
    return sorted(mine, key=lambda share: len(share.numerator))


def _kept(table: Table, curve: Sequence[CumulativeShare], policy: CellPolicy) -> tuple[CumulativeShare, ...]:
    """Choose the points of one curve: the best way to each of them, one after the other."""
    terms = terms_of(table, policy)
    base = table.figures[curve[0].label].base
    parts = [np.zeros_like(base), *(_part(table, share) for share in curve), base]
    looked_at = table.published.reshape(base.shape) & ~small_bases(base, terms)
    never = np.zeros(base.shape, dtype=bool)
    best: list[Ways] = [(0, 0, ())]
    for at, reached in enumerate(parts[1:], start=1):
        ways = []
        # the end is reached from a point: a curve of none is no answer
        for start in range(1 if at == len(parts) - 1 else 0, at):
            small = int((small_counts(reached - parts[start], never, terms) & looked_at).sum())
            few, points, chosen = best[start]
            step = curve[at - 1 : at]
            ways.append((few + small, points - len(step), (*chosen, *step)))
        best.append(min(ways, key=lambda way: way[:2]))
    return best[-1][2]


def _part(table: Table, share: CumulativeShare) -> IntArray:
    part = table.figures[share.label].part
    return part if part is not None else np.zeros_like(table.counts)
