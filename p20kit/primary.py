"""Primary rules: which cells may not be displayed by themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from p20kit.policy import CellPolicy


def small_counts(counts: NDArray[np.int64], impossible: NDArray[np.bool_], policy: CellPolicy) -> NDArray[np.bool_]:
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


def small_bases(bases: NDArray[np.int64], policy: CellPolicy) -> NDArray[np.bool_]:
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
