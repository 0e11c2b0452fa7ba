"""What is put into DuckDB's SQL text: names of columns, always quoted."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb


def quoted(column: str) -> str:
    """Quote a column's name."""
    return '"' + column.replace('"', '""') + '"'


def listed(columns: Sequence[str]) -> str:
    """Quote names and join them."""
    return ", ".join(quoted(column) for column in columns)


def text(column: str) -> str:
    """Read a column as text."""
    return f"CAST({quoted(column)} AS VARCHAR)"


def number(column: str) -> str:
    """Read a column as a number; null where it is none."""
    return f"TRY_CAST({text(column)} AS DOUBLE)"


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Run a query that gives one whole number."""
    return int(connection.execute(query).fetchall()[0][0])
