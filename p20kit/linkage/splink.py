"""The saved model in Splink itself: its charts, and its own scores to hold ours against."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from splink import DuckDBAPI, Linker

from p20kit.linkage.codes import arrow_table
from p20kit.linkage.elements import usable_roles
from p20kit.linkage.nicknames import formal_names
from p20kit.linkage.standardise import standardise


def open_linker(
    model: Mapping[str, Any], left: pd.DataFrame, right: pd.DataFrame, *, roles: Mapping[str, str]
) -> Any:
    """Open a saved model in Splink 5, over the two files it is of.

    Parameters
    ----------
    model : mapping
        As `Linked.model` or the saved JSON has it.
    left, right : DataFrame of text
    roles : mapping of str to str
        As in `link_pair`.

    Returns
    -------
    splink.Linker
        Its `unique_id` is the row number; it keeps no identifier in its output.
    """
    used, _ = usable_roles(roles, left.columns, right.columns)
    con = duckdb.connect()
    con.execute("set temp_directory=''; set enable_progress_bar=false")
    database = DuckDBAPI(connection=con)
    tables = []
    for name, file in (("a_left", left), ("b_right", right)):
        frame = standardise(file, used).frame
        given = frame["fn"].astype("object")
        formal = pa.array([None if v != v else list(formal_names(v)) for v in given], type=pa.list_(pa.string()))
        con.register("incoming", arrow_table(frame).append_column("formal", formal))
        con.execute(f"create table {name} as select * from incoming")  # noqa: S608
        con.unregister("incoming")
        tables.append(database.register(name, dataset_display_name=name))
    return Linker(tables, dict(model), log_level=None)
