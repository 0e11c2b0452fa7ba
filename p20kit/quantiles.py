"""Medians and quantiles as they may be displayed: rounded, and never a value that somebody in the cell has."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from p20kit.figures import cells_of, leaf_positions
from p20kit.measures import Figures, FloatArray, Median, Quantile
from p20kit.policy import CellPolicy
from p20kit.primary import few_employers, near_extremes, small_bases
from p20kit.tables import Table

_STEPS = np.array([1.0, 2.0, 5.0, 10.0])
_HALVINGS = 12
_SAME = 1e-9


def rounded_quantiles(table: Table, figures: Figures, terms: CellPolicy) -> FloatArray:
    """Round a quantile in every cell where one may stand.

    The step is the smallest of 1, 2, 5 times a power of ten that is at least `terms.quantile_rounding` of the value.
    Where the rounded value is one that was observed in the cell, half a step is added, or a quarter, and so on.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    table : Table
        With its basis, which holds the measured column.
    figures : Figures
        Of a Median or Quantile.
    terms : CellPolicy
        What holds for the columns of the table.

    Returns
    -------
    ndarray of float64, shape of the counts
        NaN where the base or the employers are too few, too few individuals lie beyond the quantile, or no rounding
        helps (a quantile of zero).
    """
    measure, basis = figures.measure, table.basis
    if not isinstance(measure, Quantile | Median) or basis is None:
        raise TypeError("figures of a Quantile or Median, and the basis, are needed")
    barred = small_bases(figures.base, terms) | near_extremes(figures.base, measure.q, terms)
    if figures.employers is not None:
        barred |= few_employers(figures.employers, figures.base, terms)
    value = np.where(barred | (figures.value == 0), np.nan, figures.value).ravel()
    step = _step(np.abs(value) * terms.quantile_rounding)
    rounded = np.round(value / step) * step
    observed = pd.to_numeric(basis[measure.of]).to_numpy(dtype=np.float64, na_value=np.nan)
    for cells in cells_of(table.dimensions, leaf_positions(table.dimensions, basis)):
        _move_off(rounded, step, cells, observed)
    return rounded.reshape(table.counts.shape)


def _step(least: FloatArray) -> FloatArray:
    power = 10.0 ** np.floor(np.log10(least))
    choices = power[:, None] * _STEPS
    return np.take_along_axis(
        choices, np.argmax(choices >= least[:, None] * (1 - _SAME), axis=1)[:, None], axis=1
    ).ravel()


def _move_off(rounded: FloatArray, step: FloatArray, cells: NDArray[np.int64], observed: FloatArray) -> None:
    """Move the rounded values of some cells off the values observed in them; those that cannot be moved are lost."""
    start = rounded.copy()
    for halving in range(_HALVINGS):
        hit = np.unique(cells[np.isclose(rounded[cells], observed, rtol=_SAME, atol=0)])
        if not len(hit):
            return
        rounded[hit] = start[hit] + step[hit] / 2.0 ** (halving + 1)
    rounded[hit] = np.nan
