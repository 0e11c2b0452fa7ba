"""A file as a table: values read by DuckDB as text, written once as canonical Parquet, asked in SQL.

Source: EM XII.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from enclave.errors import Fault, Finding
from enclave.intake.textfile import SHOWN, line_finding
from enclave.scratch import engine


def quoted(name: str) -> str:
    """Write a column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Write a text in SQL."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True)
class Sheet:
    """One opened file: the view ``sheet`` with its columns (all text, empty is null) and ``_line``.

    Parameters
    ----------
    name : str
        File name, for findings.
    columns : tuple of str
        In the order of the file.
    parquet : Path
        The canonical form: rows as sent, zstd.
    """

    connection: duckdb.DuckDBPyConnection
    name: str
    columns: tuple[str, ...]
    parquet: Path

    def row(self, sql: str) -> tuple[Any, ...]:
        """Give the first row of a query."""
        return self.rows(sql)[0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Give all rows of a query; an error holds no value of the file."""
        try:
            found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
        except duckdb.Error as error:
            raise _fault(self.name, error) from None
        return found

    def count_each(self, conditions: list[str], rows: str = "sheet") -> list[int]:
        """Count the rows (of the sheet, or of a view of it) for which each condition holds, in one pass."""
        if not conditions:
            return []
        counts = ", ".join(f"count(*) filter (where {condition})" for condition in conditions)
        return [int(count) for count in self.row(f"select {counts} from {rows}")]  # noqa: S608 - names of the policy

    def finding(self, rule: str, clause: str, what: str, next: str, condition: str, count: int) -> Finding:
        """Make a finding with the first lines for which `condition` holds."""
        sql = f"select _line from sheet where {condition} order by _line limit {SHOWN}"  # noqa: S608
        lines = [int(line) for (line,) in self.rows(sql)]
        return line_finding(self.name, rule, clause, what, next, lines, count)


@contextmanager
def open_sheet(
    plain: Path,
    name: str,
    columns: tuple[str, ...],
    spool: Path,
    without: Collection[int] = (),
) -> Iterator[Sheet]:
    """Read a tab-delimited file and give it as a table.

    Parameters
    ----------
    plain : Path
        A file whose lines all have `len(columns)` fields.
    spool : Path
        Private folder for the Parquet file and for what DuckDB spills.
    without : collection of int
        Numbers of lines to leave out of the view.

    Raises
    ------
    Fault
        If the engine cannot read it; its own message is dropped, for it may hold values.
    """
    parquet = spool / "canonical.parquet"
    types = ", ".join(f"{text(column)}: 'VARCHAR'" for column in columns)
    left_out = f"where file_row_number + 2 not in ({', '.join(map(str, sorted(without)))})" if without else ""
    with engine(spool) as connection:
        try:
            connection.execute("set memory_limit = '1500MB'")
            connection.execute(
                f"copy (select * from read_csv({text(str(plain))}, delim = '\t', header = false, skip = 1,"  # noqa: S608
                f" auto_detect = false, columns = {{{types}}}, quote = '', escape = '', comment = '', nullstr = '',"
                f" null_padding = false, new_line = '\\n'))"
                f" to {text(str(parquet))} (format parquet, compression zstd)"
            ).fetchall()
            connection.execute(
                "create view sheet as select * exclude (file_row_number), file_row_number + 2 as _line"  # noqa: S608
                f" from read_parquet({text(str(parquet))}, file_row_number = true) {left_out}"
            )
        except duckdb.Error as error:
            raise _fault(name, error) from None
        yield Sheet(connection, name, columns, parquet)


def _fault(name: str, error: duckdb.Error) -> Fault:
    what = f"the file could not be examined ({type(error).__name__})"
    finding = Finding("file-engine", "EM XII", name, what, "Report it to the hub's operators; nothing was kept.")
    return Fault("intake", [finding])
