"""Cell-key noise: each cell moves by a whole number that its persons determine.

Every person has a record key; the keys of a cell's persons, added up, give the cell key; the cell key and the
count choose the noise from a table of chances. The same persons so get the same noise in every table, now and
later, and asking again averages nothing away (Fraser and Wooton 2005).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from p20kit.errors import Finding, TableInvalid
from p20kit.policy import CellPolicy
from p20kit.tables import Table, add_margins
from p20kit.treatments.keys import ONE, draw
from p20kit.treatments.treated import Display, FloatArray, Treated, displayed, given, read, strictest

IntArray = NDArray[np.int64]
STEEPEST = 50.0


def noise(
    tables: Table | Sequence[Table],
    policy: CellPolicy,
    *,
    seed: bytes,
    most: int = 8,
    variance: float = 4.0,
) -> Treated:
    """Add bounded noise by cell key.

    Source: ExA 3.f (perturbation: adding noise).

    Parameters
    ----------
    tables : Table or sequence of Table
        With their bases: the noise follows from the persons.
    policy : CellPolicy
        Nothing from 1 to `policy.minimum_count` - 1 is displayed.
    seed : bytes
        The project's, at least 16; the same for all its tables.
    most : int, default 8
        The largest noise, either way.
    variance : float, default 4.0
        Of the noise of large counts, about; small counts have more, for want of results.

    Returns
    -------
    Treated
        Zeros stay zeros, and small counts become zeros too. Cells need not add up.

    Raises
    ------
    TableInvalid
        If a table has no basis, the seed is short, or `most` or `variance` is not positive.
    """
    if most < 1 or variance <= 0:
        finding = Finding("noise", "ExA 3.f", "noise", "most or variance is not positive", "Use 8 and 4.")
        raise TableInvalid("no noise was added", [finding])
    several = given(tables)
    smallest = strictest(several, policy).minimum_count
    chances = perturbation(smallest, most, variance)
    displays = tuple(_perturbed(table, chances, smallest, seed) for table in several)
    stated = {
        "at most": str(most),
        "variance": f"{variance:g}",
        "zeros": "stay zeros",
        "never displayed": f"1 to {smallest - 1}",
        "cells": "need not add up",
    }
    return Treated("noise", stated, policy, displays, tuple(read(display) for display in displays))


def perturbation(smallest: int, most: int, variance: float) -> FloatArray:
    """Make the table of chances: a discrete normal, cut to what may be displayed and tilted to a mean of zero.

    Parameters
    ----------
    smallest : int
        Smallest positive result.
    most : int
    variance : float

    Returns
    -------
    ndarray of float64, shape (smallest + most + 1, 2 * most + 1)
        Row: the count, the last for all larger ones too. Column: the noise, from -`most`. Rows add up to 1.
    """
    moves = np.arange(-most, most + 1)
    rows = []
    for count in range(smallest + most + 1):
        results = count + moves
        allowed = (results == 0) | (results >= smallest) if count else moves == 0
        rows.append(_tilted(moves.astype(np.float64), allowed, variance))
    return np.array(rows)


def _tilted(moves: FloatArray, allowed: NDArray[np.bool_], variance: float) -> FloatArray:
    def chances(tilt: float) -> FloatArray:
        logarithm = np.where(allowed, tilt * moves - moves**2 / (2 * variance), -np.inf)
        weights = np.exp(logarithm - logarithm.max())
        return np.asarray(weights / weights.sum())

    if moves[allowed].min() >= 0 or moves[allowed].max() <= 0:
        return chances(0.0)
    return chances(brentq(lambda tilt: float(chances(tilt) @ moves), -STEEPEST, STEEPEST))


def cell_keys(table: Table, seed: bytes) -> IntArray:
    """Add up the record keys of each cell's persons.

    Returns
    -------
    ndarray of int64, shape of the table's counts
        0 to `ONE` - 1.

    Raises
    ------
    TableInvalid
        If the table has no basis.
    """
    if table.basis is None:
        finding = Finding("noise", "ExA 3.f", table.name, "its persons are not known", "Make it with tabulate().")
        raise TableInvalid("no noise was added", [finding])
    place = tuple(table.places(axis) for axis in range(len(table.by)))
    keys = np.zeros(table.counts.shape, dtype=np.int64)
    np.add.at(keys, place, draw(table.basis[table.unit].astype(str), seed, "noise"))
    return np.asarray(add_margins(keys, table.dimensions) % ONE)


def _perturbed(table: Table, chances: FloatArray, smallest: int, seed: bytes) -> Display:
    most = chances.shape[1] // 2
    row = np.minimum(table.counts, len(chances) - 1)
    edges = np.round(np.cumsum(chances, axis=1) * ONE).astype(np.int64)
    edges[:, -1] = ONE
    column = (edges[row] <= cell_keys(table, seed)[..., None]).sum(axis=-1)
    number = table.counts + column - most
    lower, upper = _sources(edges, smallest + most)
    place = np.minimum(number, len(lower) - 1)
    beyond = number - place
    return displayed(table, number.astype(np.float64), lower[place] + beyond, upper[place] + beyond)


def _sources(edges: IntArray, largest: int) -> tuple[FloatArray, FloatArray]:
    """Give the smallest and largest count behind each result; the last result stands for all larger ones."""
    most = edges.shape[1] // 2
    results = np.arange(largest + most + 1)
    lower, upper = np.full(len(results), np.inf), np.zeros(len(results))
    for count in range(largest + 2 * most + 1):
        drawn = np.diff(edges[min(count, len(edges) - 1)], prepend=0) > 0
        reached = count + np.flatnonzero(drawn) - most
        reached = reached[reached < len(results)]
        lower[reached] = np.minimum(lower[reached], count)
        upper[reached] = np.maximum(upper[reached], count)
    return lower, upper
