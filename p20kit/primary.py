"""Primary rules: which figures may not be displayed by themselves. Arrays in, arrays out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
from p20kit.policy import CellPolicy

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]


def small_counts(counts: IntArray, impossible: BoolArray, policy: CellPolicy) -> BoolArray:
    """Find counts under the threshold.

    Source: DSA III.G.2.a; DSA VI.D.2.

    Parameters
    ----------
    counts : ndarray of int64
        Persons.
    impossible : ndarray of bool, same shape
        Structural zeros, which say nothing about anybody.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
        True = must be hidden.
    """
    lowest_hidden = 0 if policy.hides_zeros else 1
    return (counts >= lowest_hidden) & (counts < policy.minimum_count) & ~impossible


def small_bases(bases: IntArray, policy: CellPolicy) -> BoolArray:
    """Find bases on which no percentage, mean or other formula may stand.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    bases : ndarray of int64
        Persons in the denominator.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
        True = the formula must be hidden.
    """
    return bases < policy.minimum_base


def small_parts(parts: IntArray, bases: IntArray, policy: CellPolicy) -> BoolArray:
    """Find rates whose numerator, or what it leaves of the base, is under the threshold.

    A rate and its base give both, and rounding to a place hides neither.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    parts, bases : ndarray of int64
        Persons in the numerator and in the denominator.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
        True = the rate must be hidden.
    """
    never = np.zeros(parts.shape, dtype=bool)
    return small_counts(parts, never, policy) | small_counts(bases - parts, never, policy)


def near_extremes(bases: IntArray, q: float, policy: CellPolicy) -> BoolArray:
    """Find quantiles with fewer individuals beyond them than the threshold: nearly a minimum or a maximum.

    Source: DSA III.G.2.b; DSA VI.D.2.

    Parameters
    ----------
    bases : ndarray of int64
        Persons with a value.
    q : float
        Strictly between 0 and 1.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
        True = the quantile must be hidden.
    """
    return np.asarray(bases * min(q, 1 - q) < policy.minimum_count, dtype=bool)


def few_employers(employers: IntArray, counts: IntArray, policy: CellPolicy) -> BoolArray:
    """Find cells that hold individuals of too few employers.

    Source: DSA II.F; DSA III.G.2.

    Parameters
    ----------
    employers, counts : ndarray of int64
        Distinct employers, and persons.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
        True = nothing of the cell may be displayed. Cells of nobody are left to the threshold.
    """
    return (employers < policy.minimum_employers) & (counts > 0)


def dominated(totals: FloatArray, largest: FloatArray, policy: CellPolicy) -> BoolArray:
    """Find totals of which one contributor holds too much: the (n, k) rule with n = 1.

    Source: DSA II.F; DSA III.G.2.b.

    Parameters
    ----------
    totals, largest : ndarray of float64
        Sum, and the amount of its largest contributor.
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
    """
    return largest > policy.dominance_share * totals


def p_percent(totals: FloatArray, largest: FloatArray, second: FloatArray, policy: CellPolicy) -> BoolArray:
    """Find totals from which the second contributor can work out the largest to within p percent.

    Source: DSA II.F; DSA III.G.2.b.

    Parameters
    ----------
    totals, largest, second : ndarray of float64
    policy : CellPolicy

    Returns
    -------
    ndarray of bool, same shape
    """
    return totals - largest - second < policy.p_percent / 100 * largest


def safe_totals(
    totals: FloatArray, largest: FloatArray, second: FloatArray, least: float, policy: CellPolicy
) -> FloatArray:
    """Say how large a reader must still think a hidden total could be: its upper protection level.

    p percent of the total, and of its largest contributor, and so much that the largest contributor would no longer
    dominate.

    Source: DSA II.F; DSA III.G.2.b; DSA III.G.2.d.

    Parameters
    ----------
    totals, largest, second : ndarray of float64
    least : float
        The smallest protection, for totals of zero.
    policy : CellPolicy

    Returns
    -------
    ndarray of float64, same shape
    """
    share = policy.p_percent / 100
    by_size = totals * (1 + share)
    by_p_percent = largest * (1 + share) + second
    by_dominance = largest / policy.dominance_share
    return np.maximum(np.maximum(by_size, by_p_percent), np.maximum(by_dominance, totals + least))


def tell_tale_zeros(counts: IntArray, impossible: BoolArray, axis: int, dimension: Dimension) -> BoolArray:
    """Find the zeros that say everybody of a group is in the one category left: attribute disclosure.

    Source: DSA III.G.2; DSA VI.D.2.

    Parameters
    ----------
    counts : ndarray of int64
        Persons, one axis per by-column.
    impossible : ndarray of bool, same shape
        Structural zeros: that nobody can be there is no news.
    axis : int
        Of the sensitive column.
    dimension : Dimension
        Of the sensitive column.

    Returns
    -------
    ndarray of bool, same shape
        True = the zero must be hidden, so that the category next to it is not known to be everybody's.
    """
    leaves = np.moveaxis(counts, axis, -1)[..., : dimension.leaves]
    wholly = np.expand_dims((leaves > 0).sum(axis=-1) == 1, axis)
    zeros: BoolArray = wholly & (counts == 0) & ~impossible
    return zeros
