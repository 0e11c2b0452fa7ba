"""How DuckDB is asked: through a connection of one's own, in SQL text with names of columns always quoted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import duckdb


@contextmanager
def connection(*, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection of one's own: nobody else sees what is registered or made in it, and it is gone afterwards.

    To open an engine takes 15 ms of computing, a connection to an open one nothing: a process keeps its engines.

    Parameters
    ----------
    threads : int, optional
        As many as there are processors if absent. One thread adds in one order: a sum has the same last digit always.
    """
    opened = _engine(os.getpid(), threads).cursor()
    try:
        yield opened
    finally:
        opened.close()


@cache
def _engine(process: int, threads: int | None) -> duckdb.DuckDBPyConnection:
    """Open the engine of this process, for one that was forked has none of the threads of its parent's.

    What does not fit in memory fails: rows of persons are never spilled to a disk. Nor are files kept in memory.
    """
    config: dict[str, str | bool | int] = {
        "temp_directory": "",
        "autoinstall_known_extensions": False,
        "enable_external_file_cache": False,
    }
    return duckdb.connect(config=config if threads is None else {**config, "threads": threads})


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
