"""`tabulate`: count distinct individuals with DuckDB, and keep the evidence of who was counted where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa

from p20kit.dimensions import TOTAL, Dimension
from p20kit.measures import Count
from p20kit.tables import (
    MISSING,
    RESERVED,
    Table,
    add_margins,
    check_size,
    choose_margins,
    impossible_cells,
    invalid,
    refuse_strange,
)

MAX_BY = 8

# column names are the only thing put into SQL text, always quoted by _quoted (hence the noqa marks)


def tabulate(
    frame: Any,
    by: Sequence[str],
    measures: Sequence[Count] = (Count(),),
    *,
    unit: str = "P20ID",
    name: str = "table",
    title: str = "",
    sources: Mapping[str, str] | None = None,
    margins: bool | Sequence[Sequence[str]] = True,
    hierarchies: Mapping[str, Any] | None = None,
    codes: Mapping[str, Sequence[str]] | None = None,
    impossible: Any = None,
) -> Table:
    """Count distinct individuals in every combination of the by-columns.

    Source: DSA III.G.2.a; DSA VI.D.2.

    Parameters
    ----------
    frame : any DataFrame narwhals reads (pandas, polars, DuckDB relation, arrow)
        Any number of rows per person; a person counts once.
    by : sequence of str
        One to eight columns. A missing value is counted under the code "Missing".
    measures : sequence of Count
    unit : str, default "P20ID"
        Column that identifies a person.
    name, title : str
    sources : mapping of str to str, optional
        By-column to "table.Column" of the project, where it is a source column as delivered.
    margins : bool or sequence of sets of by-columns, default True
        Which margins are displayed: `[("town",), ()]` displays towns and the total, and nothing finer.
    hierarchies : mapping of column to hierarchy or sequence of hierarchies, optional
        Each a mapping of code to parent code, or a frame of the two columns; a code without parent is in no group
        but `Total`.
    codes : mapping of column to sequence of str, optional
        The code set of a column: each code has a cell though nobody is in it.
    impossible : DataFrame, optional
        Combinations of codes of some by-columns that the code set rules out (structural zeros).

    Returns
    -------
    Table
        With its basis: one row per person, the unit and the by-columns.

    Raises
    ------
    TableInvalid
        If a column is missing, a person has no id, a value is outside its code set, or one person falls into two
        categories of a by-column (the margins would not add up).
    """
    by = tuple(by)
    _check_columns(by, unit, measures, name)
    for what, named in (("sources", sources), ("hierarchies", hierarchies), ("codes", codes)):
        refuse_strange(named or {}, by, what, name)
    persons = _persons(frame, by, unit, name)
    dimensions = _dimensions(persons, by, hierarchies or {}, codes or {}, name)
    basis = persons.assign(**{d.column: _placed(persons[d.column], d) for d in dimensions})
    counts = add_margins(_inner(basis, dimensions), dimensions)
    return Table(
        name,
        title or name,
        unit,
        dimensions,
        counts,
        impossible_cells(impossible, dimensions, counts, name),
        basis,
        dict(sources or {}),
        choose_margins(margins, by, name),
        tuple(measures),
    )


def _check_columns(by: tuple[str, ...], unit: str, measures: Sequence[Count], name: str) -> None:
    # SQL knows no capitals: columns that differ in nothing else would be taken for one another
    names = {column.casefold() for column in by}
    if not 1 <= len(by) <= MAX_BY or len(names) != len(by):
        raise invalid(name, f"there are {len(by)} by-columns", f"Name 1 to {MAX_BY} distinct columns.")
    if names & {unit.casefold(), *RESERVED}:
        raise invalid(name, "a by-column is the unit or is called count or status", "Rename it.")
    if list(measures) != [Count()]:
        raise invalid(name, "the measures are not exactly one Count()", "Use measures=(Count(),).")


def _persons(frame: Any, by: tuple[str, ...], unit: str, name: str) -> pd.DataFrame:
    """Give one row per person, ordered by unit: the unit as text, the by-columns as categoricals."""
    # what does not fit in memory fails: rows of persons are never spilled to a disk
    with duckdb.connect(config={"temp_directory": ""}) as connection:
        connection.register("delivered", _arrow(frame, (unit, *by), name))
        connection.execute(_basis_sql(unit, by))
        _refuse_rows_without_person(connection, name)
        _refuse_divided_persons(connection, by, name)
        rows: pa.Table = connection.sql("SELECT * FROM basis ORDER BY 1").to_arrow_table()
    persons: pd.DataFrame = rows.to_pandas(categories=list(by))
    return persons


def _arrow(frame: Any, columns: tuple[str, ...], name: str) -> pa.Table:
    """Take only the columns needed; years that a missing value turned into floats become whole again."""
    lazy = nw.from_native(frame).lazy()
    absent = [column for column in columns if column not in lazy.collect_schema().names()]
    if absent:
        raise invalid(name, f"columns are missing: {', '.join(absent)}", "Name columns of the frame.")
    chosen = lazy.select(*columns).collect(backend="pyarrow").to_arrow()
    for i, column in enumerate(chosen.schema.names):
        if pa.types.is_floating(chosen.schema.field(i).type):
            chosen = _whole_numbers(chosen, i, column)
        elif pa.types.is_dictionary(chosen.schema.field(i).type):
            chosen = chosen.set_column(i, column, chosen.column(i).cast(pa.string()))
    return chosen


def _whole_numbers(table: pa.Table, position: int, column: str) -> pa.Table:
    values = table.column(position).to_pandas().dropna()
    if not np.all(values == np.floor(values)):
        return table
    return table.set_column(position, column, table.column(position).cast(pa.int64(), safe=True))


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_quoted(column) for column in columns)


def _basis_sql(unit: str, by: Sequence[str]) -> str:
    codes = ", ".join(
        f"coalesce(CAST({_quoted(column)} AS VARCHAR), '{MISSING}') AS {_quoted(column)}" for column in by
    )
    who = f"CAST({_quoted(unit)} AS VARCHAR) AS {_quoted(unit)}"
    return f"CREATE TEMP TABLE basis AS SELECT DISTINCT {who}, {codes} FROM delivered"  # noqa: S608


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _refuse_rows_without_person(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    column = _quoted(connection.sql("SELECT * FROM basis").columns[0])
    nobody = _scalar(connection, f"SELECT count(*) FROM basis WHERE {column} IS NULL OR {column} = ''")  # noqa: S608
    if nobody:
        raise invalid(name, f"{nobody} combinations have rows without a person's id", "Drop or complete them.")
    if not _scalar(connection, "SELECT count(*) FROM basis"):
        raise invalid(name, "there are no persons", "Widen the filter.")


def _refuse_divided_persons(connection: duckdb.DuckDBPyConnection, by: Sequence[str], name: str) -> None:
    """Margins add up only if each person is in one category of each by-column."""
    unit = _quoted(connection.sql("SELECT * FROM basis").columns[0])
    persons = _scalar(connection, f"SELECT count(DISTINCT {unit}) FROM basis")  # noqa: S608
    if persons == _scalar(connection, "SELECT count(*) FROM basis"):
        return
    divided = []
    for column in by:
        several = f"SELECT {unit} FROM basis GROUP BY 1 HAVING count(DISTINCT {_quoted(column)}) > 1"  # noqa: S608
        count = _scalar(connection, f"SELECT count(*) FROM ({several})")  # noqa: S608
        if count:
            divided.append(f"{column} ({count} persons)")
    what = f"persons fall into more than one category of {', '.join(divided)}, so margins would not add up"
    raise invalid(name, what, "Choose one category per person first (the first, last or highest).")


def _dimensions(
    persons: pd.DataFrame,
    by: Sequence[str],
    hierarchies: Mapping[str, Any],
    codes: Mapping[str, Sequence[str]],
    name: str,
) -> tuple[Dimension, ...]:
    dimensions = []
    for column in by:
        seen = persons[column].cat.categories.tolist()
        if TOTAL in seen:
            raise invalid(name, f"a category of {column} is called {TOTAL}", "Rename the category.")
        if column in codes:
            _refuse_other_codes(persons[column], {*map(str, codes[column]), MISSING}, name)
        dimension = Dimension.of(column, seen, hierarchies.get(column, ()), codes.get(column))
        called = len(set(seen) - set(dimension.codes[: dimension.leaves]))
        if called:
            what = f"{called} categories of {column} are called like parents of its hierarchies"
            raise invalid(name, what, "Give each group a name of its own.")
        dimensions.append(dimension)
    check_size(dimensions, name)
    return tuple(dimensions)


def _refuse_other_codes(column: pd.Series[Any], code_set: set[str], name: str) -> None:
    outside = int((~column.isin(code_set)).sum())
    if outside:
        what = f"{outside} persons have a value of {column.name} outside its code set"
        raise invalid(name, what, "Complete the code set, or correct the values.")


def _placed(column: pd.Series[Any], dimension: Dimension) -> pd.Series[Any]:
    return column.cat.set_categories(list(dimension.codes[: dimension.leaves]))


def _inner(basis: pd.DataFrame, dimensions: tuple[Dimension, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    shape = tuple(len(dimension.codes) for dimension in dimensions)
    places = tuple(basis[d.column].cat.codes.to_numpy(dtype=np.int64) for d in dimensions)
    flat = np.ravel_multi_index(places, shape)
    return np.bincount(flat, minlength=math.prod(shape)).astype(np.int64).reshape(shape)
