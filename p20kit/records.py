"""Records of one table beside everybody delivered: who has one, and the amounts in it.

What is chosen of the records is part of every name, ``QuarterlyWages 2021 2``: amounts of two quarters are two
columns, and nobody adds or compares them by mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from p20kit.delivered import UNIT

RECORDED, YES, NO = "Recorded", "Y", "N"


@dataclass(frozen=True)
class Records:
    """Which records are meant.

    Parameters
    ----------
    table : str
        For example ``"dol"``.
    where : mapping of str to str
        Columns and the one value that each has, so that a person has one record with each employer.
    """

    table: str
    where: Mapping[str, str]

    def named(self, column: str) -> str:
        """Name a column of these records: itself, and what was chosen."""
        return " ".join([column, *self.where.values()])

    @property
    def recorded(self) -> str:
        """The column that says who has such a record: Y or N."""
        return self.named(RECORDED)

    def apart_from(self, other: Mapping[str, str]) -> bool:
        """Tell whether no record is both among these and among those of another choice."""
        return any(other.get(column, value) != value for column, value in self.where.items())


def beside(people: pd.DataFrame, rows: pd.DataFrame, records: Records, employer: str) -> pd.DataFrame:
    """Put the chosen records beside people; who has none keeps one row without amounts.

    Parameters
    ----------
    people : DataFrame
        One row per person.
    rows : DataFrame
        The whole table of records.
    records : Records
    employer : str
        The column that identifies employers, which keeps its name.

    Returns
    -------
    DataFrame
        The columns of `people`, `records.recorded`, and those of the records by `records.named`.
    """
    chosen = np.logical_and.reduce([rows[column].astype("str") == value for column, value in records.where.items()])
    kept = rows.loc[chosen].drop(columns=[column for column in records.where if column in rows])
    kept = kept.rename(columns=lambda name: name if name in (UNIT, employer) else records.named(name))
    joined = people.merge(kept, on=UNIT, how="left")
    joined[records.recorded] = np.where(joined[UNIT].isin(kept[UNIT]), YES, NO)
    return joined
