"""Companions: the counts that the figures of a table give away.

A rate and its base give a numerator and a complement; a mean beside a total gives how many have no value. So each
column that is measured makes a table of counts of the same people, with its categories as one more by-column, and
that table is protected together with all others. A figure is displayed only where its companion's cells are.

Two cumulative shares give the group between their points. So every point of an order is a category of its own, asked
for or not: shares up to other points, released before or later, are of the same categories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.dimensions import TOTAL, Dimension
from p20kit.figures import KNOWN, OTHERS, compute, leaf_positions
from p20kit.measures import COUNT, Count, CumulativeShare, Figures, FloatArray, Measure, Share
from p20kit.needs import terms_of
from p20kit.policy import CellPolicy
from p20kit.primary import small_bases
from p20kit.tables import MISSING, Table, add_margins, check_size

BoolArray = NDArray[np.bool_]
_EXACT = 1e-9


@dataclass(frozen=True, eq=False)
class Companion:
    """Counts of the categories of one measured column, within the cells of a table.

    Parameters
    ----------
    source : Table
        Whose figures these counts are behind.
    table : Table
        The counts: the by-columns of `source` and the measured column last.
    of : str
        The measured column.
    """

    source: Table
    table: Table
    of: str

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The measures these counts are behind."""
        return tuple(m for m in self.source.measures if not isinstance(m, Count) and m.of == self.of)

    def wanted(self, policy: CellPolicy) -> BoolArray:
        """Mark the cells that figures would give away: where a base is large enough for them to be displayed."""
        terms = terms_of(self.source, policy)
        large = ~small_bases(self.table.counts[..., self._base], terms)
        large &= self.source.published.reshape(large.shape)
        wanted = np.zeros(self.table.counts.shape, dtype=bool)
        for measure in self.measures:
            for position in self._behind(measure):
                wanted[..., position] |= large
        return wanted

    def gives(self, measure: Measure, shown: BoolArray) -> BoolArray:
        """Say where all that a figure would give away may be known, given which of the counts may."""
        return np.asarray(shown[..., list(self._behind(measure))].all(axis=-1), dtype=bool)

    def told(self, displayed: Mapping[str, BoolArray]) -> tuple[FloatArray, FloatArray]:
        """Say what displayed figures tell of the counts: lowest and highest, (0, inf) where nothing.

        A base is taken as known wherever a figure stands on it, a numerator as far as rounding leaves it open.
        """
        counts = self.table.counts.astype(np.float64)
        lower, upper = np.zeros(counts.shape), np.full(counts.shape, np.inf)
        for measure in self.measures:
            at = displayed[measure.label]
            base = counts[..., self._base]
            lower[at, self._base] = upper[at, self._base] = base[at]
            if isinstance(measure, Share):
                low, high = _numerators(measure, self.source.figures[measure.label])
                part, rest = self._behind(measure)[1:]
                lower[at, part], upper[at, part] = low[at], high[at]
                lower[at, rest], upper[at, rest] = (base - high)[at], (base - low)[at]
        return lower, upper

    @property
    def _base(self) -> int:
        codes = self.table.dimensions[-1].codes
        return codes.index(KNOWN if KNOWN in codes else TOTAL)

    def _behind(self, measure: Measure) -> tuple[int, ...]:
        """Positions of the base and, for a share, of the numerator and what it leaves."""
        if not isinstance(measure, Share):
            return (self._base,)
        dimension = self.table.dimensions[-1]
        categories = frozenset(i for i in range(dimension.leaves) if dimension.codes[i] != MISSING)
        part = frozenset(dimension.codes.index(category) for category in measure.numerator)
        held = {members: parent for parent, members in _held(dimension).items()}
        return (self._base, held[part], held[categories - part])


def companions(table: Table) -> tuple[Companion, ...]:
    """Make the companions of a table: one per column of shares, and per column that some individuals lack.

    Source: DSA III.G.2.b; DSA III.G.2.d.
    """
    columns = dict.fromkeys(measure.of for measure in table.measures if not isinstance(measure, Count))
    basis = table.basis
    if basis is None:
        return ()
    made = []
    for of in columns:
        shares = [measure for measure in table.measures if isinstance(measure, Share) and measure.of == of]
        if shares or basis[of].isna().any():
            made.append(Companion(table, _counts(table, basis, of, shares), of))
    return tuple(made)


def _counts(table: Table, basis: pd.DataFrame, of: str, shares: Sequence[Share]) -> Table:
    named = list(dict.fromkeys(category for share in shares for category in share.categories))
    other = shares[0].sides[1] if len(named) == 1 else OTHERS if named else KNOWN
    text = basis[of].astype("str")
    coded = text.where(text.isin(named), other).where(basis[of].notna(), MISSING)
    dimension = _dimension(of, shares, named, other, set(coded))
    dimensions = (*table.dimensions, dimension)
    check_size(dimensions, table.name)
    leaves = list(dimension.codes[: dimension.leaves])
    basis = basis[[table.unit, *table.by]].assign(**{of: pd.Categorical(coded, categories=leaves)})
    shape = tuple(len(d.codes) for d in dimensions)
    inner = np.zeros(shape, dtype=np.int64)
    np.add.at(inner, tuple(leaf_positions(dimensions, basis).T), 1)
    counted = Table(
        name=f"{table.name} by {of}",
        title=table.title,
        unit=table.unit,
        dimensions=dimensions,
        counts=add_margins(inner, dimensions),
        impossible=np.repeat(table.impossible[..., None], shape[-1], axis=-1),
        basis=basis,
        sources=table.sources,
        employer=table.employer,
        by_hub=table.by_hub,
    )
    if table.contributions is None:
        return counted
    behind = table.contributions[[table.unit, table.employer]].merge(basis, on=table.unit)
    made = replace(counted, figures=compute(counted, behind))
    if not table.by_hub:
        return made
    have = {*(named or [KNOWN])}
    return _without_employers(made, np.array([code not in have for code in dimension.codes]))


def of_everybody(table: Table) -> Table:
    """Give a table that the hub made of everybody delivered, as it is protected.

    The counts of its cells are no figures of employers: who is in them has an amount or none. How many have one is
    counted by the companions, and held to the employers there.

    Source: DSA II.F.
    """
    every = np.ones(len(table.dimensions[-1].codes), dtype=bool)
    return _without_employers(replace(table, by_hub=True), every)


def _without_employers(table: Table, codes: BoolArray) -> Table:
    """Take from the rule of employers the counts of cells with these codes of the last by-column."""
    counted = table.figures[COUNT]
    employers = counted.employers
    if employers is not None:
        employers = np.where(codes, np.iinfo(np.int64).max, employers)
    return replace(table, figures={**table.figures, COUNT: replace(counted, employers=employers)})


def _dimension(of: str, shares: Sequence[Share], named: list[str], other: str, seen: set[str]) -> Dimension:
    """Build the last by-column: the categories named, what each share counts and leaves, who has any value, all."""
    # somebody could always be after the last point of an order
    left = len(named) == 1 or any(isinstance(share, CumulativeShare) for share in shares)
    categories = [*named, *([other] if left or other in seen else [])]
    missing = [MISSING] if MISSING in seen else []
    known = frozenset(range(len(categories)))
    sides: dict[frozenset[int], str] = {}
    for share in shares:
        part = frozenset(categories.index(category) for category in share.numerator)
        for members, name in zip((part, known - part), share.sides, strict=True):
            if len(members) > 1:
                sides.setdefault(members, name)
    codes, groups = [*categories, *missing], list[tuple[int, tuple[int, ...]]]()
    made: dict[frozenset[int], int] = {}
    for members in sorted(sides, key=len):
        # the next smaller one within it, so that what lies between two points is a part of a sum
        inner = max((other for other in made if other < members), key=len, default=frozenset[int]())
        parts = (*([made[inner]] if inner else ()), *sorted(members - inner))
        made[members] = len(codes)
        groups.append((len(codes), parts))
        codes.append(_unlike(sides[members], codes))
    leaves = len(categories) + len(missing)
    whole = [KNOWN] if missing and named else []
    if whole:
        groups.append((len(codes), tuple(sorted(known))))
    parts = (len(categories), len(codes)) if whole else tuple(range(leaves))
    codes += [*whole, TOTAL]
    return Dimension(of, tuple(codes), (*groups, (len(codes) - 1, parts)), leaves)


def _unlike(name: str, taken: Sequence[str]) -> str:
    """Give a name that no category has, if need be by a mark."""
    return name if name not in taken else _unlike(f"{name}'", taken)


def _held(dimension: Dimension) -> dict[int, frozenset[int]]:
    """Give the leaves of every code."""
    held = {leaf: frozenset({leaf}) for leaf in range(dimension.leaves)}
    for parent, children in dimension.groups:
        held[parent] = frozenset[int]().union(*(held[child] for child in children))
    return held


def _numerators(share: Share, figures: Figures) -> tuple[FloatArray, FloatArray]:
    """Give the smallest and largest numerator that round to the displayed share."""
    half, base = 0.5 * 10.0**-share.decimals, figures.base.astype(np.float64)
    shown = np.round(figures.value, share.decimals)
    low = np.ceil(base * (shown - half) / 100 - _EXACT)
    high = np.floor(base * (shown + half) / 100 + _EXACT)
    return np.maximum(low, 0), np.minimum(high, base)
