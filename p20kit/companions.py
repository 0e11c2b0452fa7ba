"""Companions: the counts that the figures of a table give away.

A rate and its base give a numerator and a complement; a mean beside a total gives how many have no value. So each
column that is measured makes a table of counts of the same people, with its categories as one more by-column, and
that table is protected together with all others. A figure is displayed only where its companion's cells are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.dimensions import TOTAL, Dimension
from p20kit.figures import KNOWN, compute, leaf_positions
from p20kit.measures import Count, Figures, FloatArray, Measure, Rate
from p20kit.needs import terms_of
from p20kit.policy import CellPolicy
from p20kit.primary import few_employers, small_bases, small_parts
from p20kit.tables import MISSING, Table, add_margins, check_size

BoolArray = NDArray[np.bool_]
OTHERS = "other values"
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

    def displayed(self, measure: Measure, shown: BoolArray, policy: CellPolicy) -> BoolArray:
        """Say where a figure may be displayed, given which of the counts are.

        Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2.
        """
        terms = terms_of(self.source, policy)
        figures = self.source.figures[measure.label]
        allowed = self.source.published.reshape(figures.base.shape) & ~small_bases(figures.base, terms)
        for position in self._behind(measure):
            allowed &= shown[..., position]
        if figures.part is not None:
            allowed &= ~small_parts(figures.part, figures.base, terms)
        if figures.employers is not None:
            allowed &= ~few_employers(figures.employers, figures.base, terms)
        return allowed

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
            if isinstance(measure, Rate):
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
        """Positions of the base and, for a rate, of the numerator and what it leaves."""
        if not isinstance(measure, Rate):
            return (self._base,)
        codes = self.table.dimensions[-1].codes
        others = [i for i, code in enumerate(self._categories) if code != measure.value]
        rest = others[0] if len(others) == 1 else codes.index(_not(measure.value))
        return (self._base, codes.index(measure.value), rest)

    @property
    def _categories(self) -> tuple[str, ...]:
        dimension = self.table.dimensions[-1]
        return tuple(code for code in dimension.codes[: dimension.leaves] if code != MISSING)


def companions(table: Table) -> tuple[Companion, ...]:
    """Make the companions of a table: one per column of a rate, and per column that some individuals lack.

    Source: DSA III.G.2.b; DSA III.G.2.d.
    """
    columns = dict.fromkeys(measure.of for measure in table.measures if not isinstance(measure, Count))
    basis = table.basis
    if basis is None:
        return ()
    made = []
    for of in columns:
        values = dict.fromkeys(m.value for m in table.measures if isinstance(m, Rate) and m.of == of)
        if values or basis[of].isna().any():
            made.append(Companion(table, _counts(table, basis, of, list(values)), of))
    return tuple(made)


def _counts(table: Table, basis: pd.DataFrame, of: str, values: list[str]) -> Table:
    coded = _coded(basis[of], values)
    dimension = _dimension(of, values, set(coded))
    dimensions = (*table.dimensions, dimension)
    check_size(dimensions, table.name)
    basis = basis[[table.unit, *table.by]].assign(**{of: coded})
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
    )
    if table.contributions is None:
        return counted
    behind = table.contributions[[table.unit, table.employer]].merge(basis, on=table.unit)
    return replace(counted, figures=compute(counted, behind))


def _coded(column: pd.Series[str], values: Sequence[str]) -> pd.Series[str]:
    other = _not(values[0]) if len(values) == 1 else OTHERS if values else KNOWN
    text = column.astype("str")
    return text.where(text.isin(values), other).where(column.notna(), MISSING)


def _dimension(of: str, values: list[str], seen: set[str]) -> Dimension:
    """Build the last by-column: the categories named, the rest of each, who has any value, everybody."""
    if len(values) == 1:
        categories = [values[0], _not(values[0])]
    else:
        categories = [*values, *sorted(seen & {OTHERS, KNOWN})]
    missing = [MISSING] if MISSING in seen else []
    leaves = [*categories, *missing]
    rests = [value for value in values if len(categories) > 2]
    whole = [KNOWN] if missing and values else []
    codes = [*leaves, *(_not(value) for value in rests), *whole, TOTAL]
    known = tuple(range(len(categories)))
    groups = [(len(leaves) + i, tuple(c for c in known if categories[c] != value)) for i, value in enumerate(rests)]
    if whole:
        groups.append((len(codes) - 2, known))
    parts = (len(categories), len(codes) - 2) if whole else tuple(range(len(leaves)))
    return Dimension(of, tuple(codes), (*groups, (len(codes) - 1, parts)), len(leaves))


def _not(value: str) -> str:
    return f"not {value}"


def _numerators(rate: Rate, figures: Figures) -> tuple[FloatArray, FloatArray]:
    """Give the smallest and largest numerator that round to the displayed rate."""
    half, base = 0.5 * 10.0**-rate.decimals, figures.base.astype(np.float64)
    shown = np.round(figures.value, rate.decimals)
    low = np.ceil(base * (shown - half) / 100 - _EXACT)
    high = np.floor(base * (shown + half) / 100 + _EXACT)
    return np.maximum(low, 0), np.minimum(high, base)
