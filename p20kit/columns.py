"""Columns of persons as a request carries them: each stands once, however many tables and models use it.

A column of text is its distinct values, and for each person which of them it is; so 500,000 persons in twenty tables
are a few numbers each, and whoever reads a request never makes the same column twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PARTS = ("basis", "values", "contributions")
"""Where tables and models name columns."""
NOTHING = -1


@dataclass(frozen=True, eq=False)
class Texts:
    """A column of text.

    Parameters
    ----------
    values : list of str
        Distinct.
    at : ndarray of int32, shape (persons,)
        Position in `values`, -1 where a value is missing.
    """

    values: list[str]
    at: NDArray[np.int32]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.at)

    @property
    def complete(self) -> bool:
        """Whether no value is missing."""
        return bool((self.at != NOTHING).all())

    @cached_property
    def persons(self) -> Counter[str]:
        """How many rows hold each value; those that none holds are left out."""
        held = np.bincount(self.at[self.at != NOTHING], minlength=len(self.values))
        return Counter({self.values[n]: int(held[n]) for n in np.flatnonzero(held).tolist()})

    @cached_property
    def _text(self) -> pd.Series[Any]:
        return pd.Series(pd.array(self.values, dtype="str").take(self.at, allow_fill=True))

    def series(self) -> pd.Series[Any]:
        """Give the column; null where a value is missing."""
        return self._text.copy(deep=False)


@dataclass(frozen=True, eq=False)
class Amounts:
    """A column of numbers.

    Parameters
    ----------
    values : ndarray of float64, shape (persons,)
        NaN where a value is missing.
    """

    values: NDArray[np.float64]

    def __len__(self) -> int:
        """How many rows."""
        return len(self.values)

    @property
    def complete(self) -> bool:
        """Whether no value is missing."""
        return not np.isnan(self.values).any()

    def series(self) -> pd.Series[Any]:
        """Give the column; null where a value is missing."""
        return pd.Series(pd.array(self.values, dtype="Float64"))


def shared(body: Mapping[str, Any]) -> dict[str, Any]:
    """Write a request's columns, spelled out where they are used, as columns that stand once.

    Parameters
    ----------
    body : mapping
        The request as plain values; `basis`, `values` and `contributions` of its tables and models hold lists.

    Returns
    -------
    dict
        The same, with `columns`, and in place of each list its position there. The same for the same request.
    """
    positions: dict[tuple[Any, ...], int] = {}

    def position(column: Sequence[Any]) -> int:
        return positions.setdefault(tuple(column), len(positions))

    def placed(part: Mapping[str, Any]) -> dict[str, Any]:
        used = {name: part[name] for name in PARTS if name in part}
        return {
            **part,
            **{name: {c: position(values) for c, values in columns.items()} for name, columns in used.items()},
        }

    tables, models = ([placed(part) for part in body.get(kind, ())] for kind in ("tables", "models"))
    written = [_written(column) for column in positions]
    return {**body, "tables": tables, "models": models, "columns": written}


def _written(column: tuple[Any, ...]) -> dict[str, Any]:
    """Write one column: as amounts where it holds a number, as text otherwise."""
    if any(value is not None and not isinstance(value, str) for value in column):
        return {"amounts": list(column)}
    values = sorted({value for value in column if value is not None})
    place = {value: n for n, value in enumerate(values)} | {None: NOTHING}
    return {"texts": values, "at": [place[value] for value in column]}
