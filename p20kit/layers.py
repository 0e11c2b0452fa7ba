"""The layers of a table: counts, the counts behind its rates and shares, the totals behind its totals and means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from p20kit.companions import Companion, companions
from p20kit.disclosed import Disclosed
from p20kit.measures import (
    Count,
    CumulativeShare,
    FloatArray,
    Mean,
    Measure,
    Median,
    Quantile,
    Rate,
    Share,
    Total,
)
from p20kit.needs import count_needs, least_hidden, terms_of, total_needs
from p20kit.policy import CellPolicy
from p20kit.primary import few_employers, small_bases, small_parts
from p20kit.progress import Step
from p20kit.quantiles import rounded_quantiles
from p20kit.tables import Table
from p20kit.totals import Totals, suppress_totals

BoolArray = NDArray[np.bool_]
Measured = Mapping[str, BoolArray]


def suppress_figures(
    new: Sequence[Table],
    shown: Sequence[BoolArray],
    behind: Sequence[tuple[Companion, BoolArray]],
    earlier: Sequence[tuple[Table, BoolArray, Measured]],
    policy: CellPolicy,
    step: Step,
) -> tuple[dict[str, BoolArray], ...]:
    """Choose the figures that are displayed, once the counts are chosen.

    Source: DSA III.G.2.b; DSA III.G.2.d; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    new : sequence of Table
    shown : sequence of ndarray of bool
        Per table: the counts that are displayed.
    behind : sequence of (Companion, ndarray of bool)
        The tables' companions, with their counts that may be known.
    earlier : sequence of (Table, ndarray of bool, mapping of str to ndarray of bool)
        What has been released, with where its counts and its figures were displayed.
    policy : CellPolicy
    step : Step
        Told how far the search is.

    Returns
    -------
    tuple of dict of str to ndarray of bool
        Per table and label of a measure other than the count: True = displayed.
    """
    measured = [
        {measure.label: _allowed(table, measure, counts, behind, policy) for measure in _figured(table)}
        for table, counts in zip(new, shown, strict=True)
    ]
    for of in dict.fromkeys(measure.of for table in new for measure in _summed(table)):
        mine = [i for i, table in enumerate(new) if _summed(table, of)]
        before = [_totals(table, of, counts, figures) for table, counts, figures in earlier if _summed(table, of)]
        decided = suppress_totals([_totals(new[i], of, shown[i], measured[i]) for i in mine], before, policy, step)
        for i, displayed in zip(mine, decided, strict=True):
            measured[i].update({measure.label: displayed for measure in _summed(new[i], of)})
    return tuple(measured)


def displayed_figures(table: Table, label: str, policy: CellPolicy) -> FloatArray:
    """Give a measure as it is displayed: rounded to its places, quantiles off every observed value.

    Source: DSA III.G.2.b.
    """
    figures = table.figures[label]
    match figures.measure:
        case Rate() | CumulativeShare() | Total() | Mean():
            return np.round(figures.value, figures.measure.decimals)
        case Quantile() | Median():
            return rounded_quantiles(table, figures, terms_of(table, policy))
        case Count():
            return figures.value


def barred_figures(table: Table, label: str, policy: CellPolicy) -> BoolArray:
    """Find where a figure may not be displayed by itself, whatever else is: the primary rules.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    table : Table
    label : str
        Of a measure other than the count.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, shape of the counts
        True = must be hidden: base, employers, numerator and complement, dominance, p percent, extremes.
    """
    figures, terms = table.figures[label], terms_of(table, policy)
    barred = small_bases(figures.base, terms)
    if figures.employers is not None:
        barred |= few_employers(figures.employers, figures.base, terms)
    if figures.part is not None:
        barred |= small_parts(figures.part, figures.base, terms)
    if figures.total is not None:
        barred |= total_needs(table, figures, policy) > figures.total
    return barred | np.isnan(displayed_figures(table, label, policy))


def measured_in_full(table: Table) -> dict[str, BoolArray]:
    """Mark every figure of a table as displayed, where there is one."""
    published = table.published.reshape(table.counts.shape)
    return {m.label: published & ~np.isnan(table.figures[m.label].value) for m in _figured(table)}


def known_counts(
    tables: Sequence[Table], shown: Sequence[BoolArray], measured: Sequence[Measured]
) -> Iterator[tuple[Table, BoolArray]]:
    """List released tables with the counts a reader knows, companions included; rounding is not relied upon."""
    yield from zip(tables, shown, strict=True)
    for table, figures in zip(tables, measured, strict=False):
        for companion in companions(table):
            yield companion.table, np.isfinite(companion.told(figures)[1])


def disclosed_layers(table: Table, shown: BoolArray, measured: Measured, policy: CellPolicy) -> Iterator[Disclosed]:
    """Say what one table tells a reader, layer by layer.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA III.G.2.d.
    """
    yield _layer(table, *_exactly(table, shown, policy), count_needs(table, policy))
    if not measured:
        return
    for companion in companions(table):
        counts = companion.table
        yield _layer(counts, *companion.told(measured), count_needs(counts, policy))
    for of in dict.fromkeys(measure.of for measure in _summed(table)):
        yield _total_layer(table, of, shown, measured, policy)


def _figured(table: Table) -> list[Share | Total | Mean | Quantile | Median]:
    return [measure for measure in table.measures if not isinstance(measure, Count)]


def _summed(table: Table, of: str | None = None) -> list[Total | Mean]:
    return [m for m in table.measures if isinstance(m, Total | Mean) and of in (None, m.of)]


def _allowed(
    table: Table,
    measure: Measure,
    counts: BoolArray,
    behind: Sequence[tuple[Companion, BoolArray]],
    policy: CellPolicy,
) -> BoolArray:
    """Say where a figure may be displayed as far as its own rules and the counts go."""
    allowed = table.published.reshape(counts.shape) & ~barred_figures(table, measure.label, policy)
    for companion, known in behind:
        if companion.source is table and measure in companion.measures:
            allowed &= companion.gives(measure, known)
    return allowed if isinstance(measure, Share) else allowed & counts


def _totals(table: Table, of: str, counts: BoolArray, displayed: Measured) -> Totals:
    """Give a table's totals of a column, and where a total or a mean says them."""
    labels = [measure.label for measure in _summed(table, of)]
    said: BoolArray = np.any([displayed[label] for label in labels], axis=0)
    return Totals(table, table.figures[labels[0]], said, _nobody(table, counts))


def _nobody(table: Table, shown: BoolArray) -> BoolArray:
    nobody: BoolArray = (shown & (table.counts == 0)) | table.impossible
    return nobody


def _exactly(table: Table, shown: BoolArray, policy: CellPolicy) -> tuple[FloatArray, FloatArray]:
    known = shown | table.impossible
    counts = table.counts.astype(np.float64)
    return np.where(known, counts, least_hidden(table, policy)), np.where(known, counts, np.inf)


def _layer(table: Table, lower: FloatArray, upper: FloatArray, need: NDArray[np.int64]) -> Disclosed:
    none = table.impossible
    return Disclosed(
        table,
        truth=table.counts.astype(np.float64),
        lower=np.where(none, 0.0, lower),
        upper=np.where(none, 0.0, upper),
        need=np.where(none, 0.0, need),
    )


def _total_layer(table: Table, of: str, shown: BoolArray, displayed: Measured, policy: CellPolicy) -> Disclosed:
    """Say what totals and means of a column tell of its sums: up to rounding, the base taken as known."""
    lower, upper = np.zeros(table.counts.shape), np.full(table.counts.shape, np.inf)
    for measure in _summed(table, of):
        figures, at = table.figures[measure.label], displayed[measure.label]
        half = 0.5 * 10.0**-measure.decimals
        scale = figures.base if isinstance(measure, Mean) else np.ones_like(figures.base)
        said = np.round(figures.value, measure.decimals)
        lower[at] = np.maximum(lower, (said - half) * scale)[at]
        upper[at] = np.minimum(upper, (said + half) * scale)[at]
    figures = table.figures[_summed(table, of)[0].label]
    nobody = _nobody(table, shown)
    truth = figures.total if figures.total is not None else np.zeros(table.counts.shape)
    return Disclosed(
        table,
        truth=truth,
        lower=np.where(nobody, 0.0, np.maximum(lower, 0.0)),
        upper=np.where(nobody, 0.0, upper),
        need=np.where(nobody, 0.0, total_needs(table, figures, policy)),
        layer=Total(of).label,
        whole=False,
    )
