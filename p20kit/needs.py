"""What each cell of a table needs: the figure a reader must still think possible once it is hidden.

The primary rules of primary.py, put together for one table under the strictest terms of its columns.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from p20kit.errors import Finding, TableInvalid
from p20kit.measures import COUNT, Count, Figures, FloatArray, IntArray
from p20kit.policy import DERIVED, EMPLOYER_CLAUSE, CellPolicy
from p20kit.primary import (
    dominated,
    few_employers,
    p_percent,
    safe_totals,
    small_bases,
    small_counts,
    tell_tale_zeros,
)
from p20kit.tables import Table

BoolArray = NDArray[np.bool_]


def terms_of(table: Table, policy: CellPolicy) -> CellPolicy:
    """Give the strictest terms among the columns of a table: by-columns, their sources, measures, the employer.

    Source: DSA III.G.2; DSA VI.D.2.
    """
    measured = [measure.of for measure in table.measures if not isinstance(measure, Count)]
    employer = [table.employer] if table.employer is not None else []
    named = [*table.by, *measured, *employer]
    derived = [DERIVED for column in named if column not in table.sources and column not in policy.columns]
    return policy.over([*named, *table.sources.values(), *derived])


def count_needs(table: Table, policy: CellPolicy) -> IntArray:
    """Say for each count how large it must still be able to be; 0 where it may be displayed.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    table : Table
    policy : CellPolicy

    Returns
    -------
    ndarray of int64, shape of the counts
        The threshold for counts under it and for zeros that say where everybody is; that much more than the count
        for cells of too few employers.

    Raises
    ------
    TableInvalid
        If the table names employers whose number was not counted.
    """
    terms = terms_of(table, policy)
    small = small_counts(table.counts, table.impossible, terms)
    for axis, dimension in enumerate(table.dimensions):
        if _is_sensitive(table, dimension.column, terms):
            small |= tell_tale_zeros(table.counts, table.impossible, axis, table.dimensions, terms)
    need = np.where(small, terms.minimum_count, 0).astype(np.int64)
    if table.employer is not None:
        barred = few_employers(_employers(table), table.counts, terms)
        need[barred] = table.counts[barred] + terms.minimum_count
    return need


def least_hidden(table: Table, policy: CellPolicy) -> IntArray:
    """Say how small each cell can be, as a reader knows, when it is hidden.

    Where zeros are displayed, to be hidden says that somebody is there. Cells that the display leaves out say
    nothing, nor do those of a sensitive column, whose zeros may be hidden.

    Source: DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    table : Table
    policy : CellPolicy

    Returns
    -------
    ndarray of int64, shape of the counts
        0 or 1; never above the count.
    """
    terms = terms_of(table, policy)
    if terms.hides_zeros or any(_is_sensitive(table, column, terms) for column in table.by):
        return np.zeros_like(table.counts)
    published = table.published.reshape(table.counts.shape)
    return np.where(published, np.minimum(table.counts, 1), 0)


def total_needs(table: Table, figures: Figures, policy: CellPolicy) -> FloatArray:
    """Say for each total how large it must still be able to be; 0 where it may be displayed.

    Source: DSA III.G.2.b; DSA III.G.2.d; DSA II.F; DSA VI.D.2.

    Parameters
    ----------
    table : Table
    figures : Figures
        Of a Total or Mean.
    policy : CellPolicy

    Returns
    -------
    ndarray of float64, shape of the counts
        In the column's own unit. More than the total wherever the base, the employers, dominance or the p-percent
        rule forbid to display it, and where it is zero: that would be everybody's amount.
    """
    total, largest, second = figures.total, figures.largest, figures.second
    if total is None or largest is None or second is None:
        raise TypeError("figures of a Total or Mean are needed")
    terms = terms_of(table, policy)
    unsafe = small_bases(figures.base, terms) | dominated(total, largest, terms)
    unsafe |= p_percent(total, largest, second, terms)
    if figures.employers is not None:
        unsafe |= few_employers(figures.employers, figures.base, terms)
    unsafe |= (total == 0) & (figures.base > 0)
    # a total of zero is protected by a share of what one contributor holds on average
    least = terms.p_percent / 100 * (float(total.ravel()[-1]) or 1.0) / max(int(figures.base.ravel()[-1]), 1)
    return np.where(unsafe & ~table.impossible, safe_totals(total, largest, second, least, terms), 0.0)


def _is_sensitive(table: Table, column: str, terms: CellPolicy) -> bool:
    return column in terms.sensitive or table.sources.get(column, DERIVED) in terms.sensitive


def _employers(table: Table) -> IntArray:
    counted = table.figures.get(COUNT)
    if counted is None or counted.employers is None:
        what = "the table names employers, but their number was not counted"
        raise TableInvalid(
            "employers were not counted",
            [Finding("employers", EMPLOYER_CLAUSE, table.name, what, "Make the table with tabulate().")],
        )
    return counted.employers
