"""The schools' tables, one flag each, merged to one row per student.

Source: ExA memo; ExA 3.a.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from enclave.intake.names import SASID


def merge_finders(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Merge finder tables: a student may stand in several, and comes out once with all flags.

    Source: ExA memo; EM XII.A.

    Parameters
    ----------
    frames : iterable of DataFrame
        Each with the columns SASID and one FLAG_ column.

    Returns
    -------
    DataFrame
        SASID (text, sorted, unique) and every FLAG_ column in alphabetical order: ``1`` or null.
    """
    merged = pd.DataFrame({SASID: pd.Series(dtype="str")})
    tables = [frame.melt(id_vars=[SASID], var_name="flag", value_name="value") for frame in frames]
    if not tables:
        return merged
    long = pd.concat(tables, ignore_index=True).dropna().drop_duplicates([SASID, "flag"])
    wide = long.pivot(index=SASID, columns="flag", values="value")
    return wide.sort_index(axis=0).sort_index(axis=1).rename_axis(columns=None).reset_index()
