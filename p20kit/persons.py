"""Persons by number: one numbering across tables, so that who is in two of them is a comparison of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from p20kit.tables import Table

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbered:
    """The persons of a table.

    Parameters
    ----------
    numbers : ndarray of int64, shape (persons,)
        In the order of the basis.
    everybody : int
        How many numbers there are.
    """

    numbers: IntArray
    everybody: int


def number_persons(tables: Sequence[Table]) -> list[Numbered]:
    """Number the persons of tables.

    Parameters
    ----------
    tables : sequence of Table
        One or more, each with a basis.

    Returns
    -------
    list of Numbered
        One per table. Persons of one unit id have one number; tables of the same people in the same order share
        their numbers.
    """
    distinct: list[NDArray[np.uint64]] = []
    which: list[int] = []
    for table in tables:
        at = next((n for n, known in enumerate(distinct) if np.array_equal(known, table.people)), len(distinct))
        if at == len(distinct):
            distinct.append(table.people)
        which.append(at)
    everybody = np.unique(np.concatenate(distinct))
    found = [Numbered(np.searchsorted(everybody, people), len(everybody)) for people in distinct]
    return [found[at] for at in which]
