"""`tabulate`: count distinct individuals with DuckDB, and keep the evidence of who was counted where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from p20kit.amounts import measured, take_values
from p20kit.dimensions import TOTAL, Dimension
from p20kit.figures import compute
from p20kit.measures import Count, Measure
from p20kit.sql import connection, quoted, scalar, text
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
LARGEST_WHOLE = 2**53

# column names are the only thing put into SQL text, always quoted (hence the noqa marks)


def tabulate(
    frame: Any,
    by: Sequence[str],
    measures: Sequence[Measure] = (Count(),),
    *,
    unit: str = "P20ID",
    name: str = "table",
    title: str = "",
    sources: Mapping[str, str] | None = None,
    margins: bool | Sequence[Sequence[str]] = True,
    hierarchies: Mapping[str, Any] | None = None,
    codes: Mapping[str, Sequence[str]] | None = None,
    impossible: Any = None,
    employer: str | None = None,
) -> Table:
    """Count distinct individuals, however many rows each has, in every combination of the by-columns.

    Source: DSA III.G.2.a; DSA VI.D.2.

    Parameters
    ----------
    frame : any DataFrame narwhals reads (pandas, polars, DuckDB relation, arrow)
    by : sequence of str
        One to eight columns. A missing value is counted under the code "Missing".
    measures : sequence of Measure
        Beside the count; one value per person, or per person and employer.
    unit : str, default "P20ID"
    sources : mapping of str to str, optional
        Any column the table uses to "table.Column" of the project, where it is a source column as delivered.
    margins : bool or sequence of sets of by-columns, default True
        Which are displayed: `[("town",), ()]` displays towns and the total, and nothing finer.
    hierarchies : mapping of column to hierarchy or sequence of hierarchies, optional
        Each a mapping of code to parent, or a frame of the two; a code without parent is in `Total` alone.
    codes : mapping of column to sequence of str, optional
        The code set of a column: each code has a cell though nobody is in it.
    impossible : DataFrame, optional
        Combinations of codes of some by-columns that the code set rules out (structural zeros).
    employer : str, optional
        Column that names the employer behind each amount.

    Returns
    -------
    Table
        With its basis: one row per person, the unit, the by-columns and what is measured.

    Raises
    ------
    TableInvalid
        If a column is missing, a person has no id or two categories of a by-column, or a value is not of its codes.
    """
    by, measures = tuple(by), tuple(dict.fromkeys([Count(), *measures]))
    refuse_strange([*(hierarchies or ()), *(codes or ())], by, "hierarchies or codes", name)
    _refuse_unused(sources or {}, by, measures, employer, name)
    persons, values = _counted(frame, by, unit, measures, employer, name)
    dimensions = _dimensions(persons, by, hierarchies or {}, codes or {}, name)
    basis = _placed(persons, dimensions)
    counts = add_margins(_inner(basis, dimensions), dimensions)
    empty, chosen = impossible_cells(impossible, dimensions, counts, name), choose_margins(margins, by, name)
    table = Table(name, title or name, unit, dimensions, counts, empty, basis, dict(sources or {}), chosen, measures)
    return table if values is None else _measured(table, values, employer)


def _refuse_unused(
    sources: Mapping[str, str], by: Sequence[str], measures: Sequence[Measure], employer: str | None, name: str
) -> None:
    used = {*by, *(m.of for m in measures if not isinstance(m, Count)), employer}
    if set(sources) - used:
        raise invalid(name, "sources name columns that the table does not use", "Leave them out.")


def _measured(table: Table, values: pd.DataFrame, employer: str | None) -> Table:
    """Add what is measured: to the basis, each person's own over all employers; and the figures of every cell."""
    categories, numbers = measured(table.measures)
    each = values.groupby(table.unit, sort=False)
    told = pd.concat([each[categories].first(), each[numbers].sum(min_count=1)], axis=1)
    basis = None if table.basis is None else table.basis.join(told, on=table.unit)
    amounts = None
    if employer is not None:
        amounts = values.loc[values[employer].notna(), [table.unit, employer, *numbers]].reset_index(drop=True)
    complete = replace(table, basis=basis, employer=employer, contributions=amounts)
    return replace(complete, figures=compute(complete, values))


def _check_columns(
    by: tuple[str, ...], unit: str, measures: Sequence[Measure], employer: str | None, name: str
) -> None:
    if not 1 <= len(by) <= MAX_BY:
        raise invalid(name, f"there are {len(by)} by-columns", f"Name 1 to {MAX_BY} distinct columns.")
    categories, numbers = measured(measures)
    named = [*by, *categories, *numbers, *([employer] if employer is not None else [])]
    # SQL knows no capitals: columns that differ in nothing else would be taken for one another
    distinct = {column.casefold() for column in named}
    if len(distinct) != len(named):
        what = f"of {len(by)} by-columns and the columns measured two are the same"
        raise invalid(name, what, "Name distinct columns; a rate is of categories, the other measures of numbers.")
    if distinct & {unit.casefold(), *RESERVED}:
        raise invalid(name, "a column is the unit or is called count or status", "Rename it.")
    if len({measure.label for measure in measures}) != len(measures):
        raise invalid(name, "two measures have one label", "Name each measure once.")


def _counted(
    frame: Any, by: tuple[str, ...], unit: str, measures: Sequence[Measure], employer: str | None, name: str
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """Give one row per person, ordered by unit, the by-columns as categoricals; and what is measured, if anything."""
    _check_columns(by, unit, measures, employer, name)
    categories, numbers = measured(measures)
    further = [*categories, *numbers, *([employer] if employer is not None else [])]
    delivered = _arrow(frame, (unit, *by, *further), name)
    placed = None if further else _in_order(delivered, unit, by)
    if placed is not None:
        return placed, None
    with connection() as con:
        con.register("delivered", delivered)
        con.execute(_basis_sql(unit, by))
        _refuse_rows_without_person(con, name)
        _refuse_divided_persons(con, by, name)
        rows: pa.Table = con.sql("SELECT * FROM basis ORDER BY 1").to_arrow_table()
        values = take_values(con, unit, measures, employer, name) if further else None
    persons: pd.DataFrame = rows.to_pandas(categories=list(by))
    return persons, values


def _in_order(delivered: pa.Table, unit: str, by: tuple[str, ...]) -> pd.DataFrame | None:
    """Take rows of text that stand in the order of their persons, each once, as they are; None where they do not."""
    columns = [delivered.column(column) for column in (unit, *by)]
    if not len(delivered) or not all(pa.types.is_large_string(c.type) or pa.types.is_string(c.type) for c in columns):
        return None
    persons = columns[0]
    # None where an id is missing
    if not pc.all(pc.less(persons[:-1], persons[1:]), skip_nulls=False).as_py() or not persons[0].as_py():
        return None
    codes = {column: pc.fill_null(delivered.column(column), MISSING).dictionary_encode() for column in by}
    placed: pd.DataFrame = pa.table({unit: persons, **codes}).to_pandas()
    return placed


def _arrow(frame: Any, columns: tuple[str, ...], name: str) -> pa.Table:
    """Take only the columns needed; years that a missing value turned into floats become whole again."""
    lazy = nw.from_native(frame).lazy()
    absent = [column for column in columns if column not in lazy.collect_schema().names()]
    if absent:
        raise invalid(name, f"columns are missing: {', '.join(absent)}", "Name columns of the frame.")
    chosen = lazy.select(*columns).collect(backend="pyarrow").to_arrow()
    for i, column in enumerate(chosen.schema.names):
        if pa.types.is_floating(chosen.schema.field(i).type):
            chosen = chosen.set_column(i, column, _whole_numbers(chosen.column(i)))
        elif pa.types.is_dictionary(chosen.schema.field(i).type):
            chosen = chosen.set_column(i, column, chosen.column(i).cast(pa.string()))
    return chosen


def _whole_numbers(column: pa.ChunkedArray) -> pa.Array:
    """Write years that a missing value turned into floats as whole numbers again; what is no number is missing."""
    floats = column.to_pandas().astype("float64")
    missing = floats.isna()
    whole = (floats == np.floor(floats)) & (floats.abs() < LARGEST_WHOLE)
    values = floats.where(~missing, 0).astype("int64") if (whole | missing).all() else floats
    return pa.array(values.to_numpy(), mask=missing.to_numpy())


def _basis_sql(unit: str, by: Sequence[str]) -> str:
    codes = ", ".join(f"coalesce({text(column)}, '{MISSING}') AS {quoted(column)}" for column in by)
    who = f"{text(unit)} AS {quoted(unit)}"
    return f"CREATE TEMP TABLE basis AS SELECT DISTINCT {who}, {codes} FROM delivered"  # noqa: S608


def _refuse_rows_without_person(con: duckdb.DuckDBPyConnection, name: str) -> None:
    column = quoted(con.sql("SELECT * FROM basis").columns[0])
    nobody = scalar(con, f"SELECT count(*) FROM basis WHERE {column} IS NULL OR {column} = ''")  # noqa: S608
    if nobody:
        raise invalid(name, f"{nobody} combinations have rows without a person's id", "Drop or complete them.")
    if not scalar(con, "SELECT count(*) FROM basis"):
        raise invalid(name, "there are no persons", "Widen the filter.")


def _refuse_divided_persons(con: duckdb.DuckDBPyConnection, by: Sequence[str], name: str) -> None:
    """Margins add up only if each person is in one category of each by-column."""
    unit = quoted(con.sql("SELECT * FROM basis").columns[0])
    persons = scalar(con, f"SELECT count(DISTINCT {unit}) FROM basis")  # noqa: S608
    if persons == scalar(con, "SELECT count(*) FROM basis"):
        return
    divided = []
    for column in by:
        several = f"SELECT {unit} FROM basis GROUP BY 1 HAVING count(DISTINCT {quoted(column)}) > 1"  # noqa: S608
        count = scalar(con, f"SELECT count(*) FROM ({several})")  # noqa: S608
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


def _placed(persons: pd.DataFrame, dimensions: Sequence[Dimension]) -> pd.DataFrame:
    leaves = {d.column: list(d.codes[: d.leaves]) for d in dimensions}
    return persons.assign(**{column: persons[column].cat.set_categories(codes) for column, codes in leaves.items()})


def _inner(basis: pd.DataFrame, dimensions: tuple[Dimension, ...]) -> np.ndarray[Any, np.dtype[np.int64]]:
    shape = tuple(len(dimension.codes) for dimension in dimensions)
    places = tuple(basis[d.column].cat.codes.to_numpy(dtype=np.int64) for d in dimensions)
    flat = np.ravel_multi_index(places, shape)
    return np.bincount(flat, minlength=math.prod(shape)).astype(np.int64).reshape(shape)
