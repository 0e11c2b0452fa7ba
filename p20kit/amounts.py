"""What the measures of a table are taken from: one value per person, or per person and employer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pandas as pd

from p20kit.errors import Finding, TableInvalid
from p20kit.measures import Count, Measure, Share
from p20kit.sql import listed, number, quoted, scalar, text

# column names are the only thing put into SQL text, always quoted (hence the noqa marks)


def measured(measures: Sequence[Measure]) -> tuple[list[str], list[str]]:
    """Name the columns measured: categories (of rates and cumulative shares), and numbers."""
    others = [measure for measure in measures if not isinstance(measure, Count)]
    categories = dict.fromkeys(measure.of for measure in others if isinstance(measure, Share))
    numbers = dict.fromkeys(measure.of for measure in others if not isinstance(measure, Share))
    return list(categories), list(numbers)


def take_values(
    connection: duckdb.DuckDBPyConnection, unit: str, measures: Sequence[Measure], employer: str | None, name: str
) -> pd.DataFrame:
    """Take the values that are measured, beside the by-columns.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With `delivered`, the rows, and `basis`, each person with the by-columns.
    unit : str
    measures : sequence of Measure
    employer : str or None
    name : str
        Of the table, for errors.

    Returns
    -------
    DataFrame
        One row per person, or per person and employer where it is named, ordered by them: the columns of `basis`,
        categories as text, the employer, and numbers as float64. What is missing is null.

    Raises
    ------
    TableInvalid
        If an amount is no number or has no employer, or a person has two values where one is measured.
    """
    categories, numbers = measured(measures)
    keys = [unit, *([employer] if employer else [])]
    findings = [
        *_unreadable(connection, unit, numbers, name),
        *_several(connection, [unit], {column: text(column) for column in categories}, name),
        *_several(connection, keys, {column: number(column) for column in numbers}, name),
        *(_without_employer(connection, employer, numbers, name) if employer else ()),
    ]
    if findings:
        raise TableInvalid(f"table {name!r} cannot be made", findings)
    _gather(connection, "categories", [unit], {column: text(column) for column in categories})
    _gather(connection, "amounts", keys, {column: number(column) for column in numbers})
    who = quoted(unit)
    joined = f"basis LEFT JOIN categories USING ({who}) LEFT JOIN amounts USING ({who})"
    rows = connection.sql(f"SELECT * FROM {joined} ORDER BY {listed(keys)}").to_arrow_table()  # noqa: S608
    values: pd.DataFrame = rows.to_pandas()
    return values


def _gather(connection: duckdb.DuckDBPyConnection, name: str, keys: Sequence[str], columns: dict[str, str]) -> None:
    chosen = [
        *(f"{text(key)} AS {quoted(key)}" for key in keys),
        *(f"max({value}) AS {quoted(column)}" for column, value in columns.items()),
    ]
    known = " AND ".join(f"{quoted(key)} IS NOT NULL" for key in keys)
    query = f"SELECT {', '.join(chosen)} FROM delivered WHERE {known} GROUP BY ALL"  # noqa: S608
    connection.execute(f"CREATE TEMP TABLE {name} AS {query}")


def _unreadable(
    connection: duckdb.DuckDBPyConnection, unit: str, numbers: Sequence[str], name: str
) -> Iterator[Finding]:
    for column in numbers:
        bad = f"{quoted(column)} IS NOT NULL AND NOT coalesce(isfinite({number(column)}), false)"
        count = scalar(connection, f"SELECT count(DISTINCT {quoted(unit)}) FROM delivered WHERE {bad}")  # noqa: S608
        if count:
            what = f"{count} persons have a value that is no number"
            yield Finding("measure", "", f"{name}.{column}", what, "Correct or empty it.")


def _several(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[str], columns: dict[str, str], name: str
) -> Iterator[Finding]:
    """Find persons with two values of one column: which of them would be measured?"""
    for column, value in columns.items():
        divided = f"GROUP BY {listed(keys)} HAVING min({value}) < max({value})"
        who = f"SELECT {quoted(keys[0])} AS who FROM delivered {divided}"  # noqa: S608
        count = scalar(connection, f"SELECT count(DISTINCT who) FROM ({who})")  # noqa: S608
        if count:
            each = "person" if len(keys) == 1 else "person and employer"
            what = f"{count} persons have more than one value"
            yield Finding("measure", "", f"{name}.{column}", what, f"Choose one value per {each} first.")


def _without_employer(
    connection: duckdb.DuckDBPyConnection, employer: str, numbers: Sequence[str], name: str
) -> Iterator[Finding]:
    amounts = " OR ".join(f"{quoted(column)} IS NOT NULL" for column in numbers) or "false"
    count = scalar(connection, f"SELECT count(*) FROM delivered WHERE {quoted(employer)} IS NULL AND ({amounts})")  # noqa: S608
    if count:
        what = f"{count} rows have an amount and no employer"
        yield Finding("measure", "DSA II.F", f"{name}.{employer}", what, "Name the employer, or leave the rows out.")
