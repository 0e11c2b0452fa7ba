"""Hold a request's evidence against the Resultant Data itself, person by person.

Invented or duplicated people cannot inflate a count; a by-column that claims to be a source column is compared with
that column. What is derived in the notebook goes to a person.

Source: DSA III.G.2; DSA VI.G.1; DSA II.F.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from enclave.errors import Finding
from enclave.resultant import Column, Delivery
from enclave.terms import UNIT
from p20kit.request import TableRequested
from p20kit.tables import MISSING


@dataclass
class Evidence:
    """What was found out about a request: findings, what a person must look at, and whose columns contributed."""

    findings: list[Finding] = field(default_factory=list)
    look_at: list[Finding] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)
    columns: dict[str, Column] = field(default_factory=dict)


def examine(tables: list[TableRequested], delivery: Delivery, folder: Path) -> Evidence:
    """Examine the basis of every table.

    Parameters
    ----------
    tables : list of TableRequested
    delivery : Delivery
    folder : Path
        Holds each table of the delivery opened as ``<name>.parquet``.
    """
    evidence = Evidence()
    with duckdb.connect() as con:
        con.execute("set enable_progress_bar = false")
        for table in tables:
            con.register("basis", pd.DataFrame(table.basis, dtype="str"))
            _people(con, table, folder, evidence)
            for column in table.by:
                _column(con, table, column, delivery, folder, evidence)
            con.unregister("basis")
    return evidence


def _people(con: duckdb.DuckDBPyConnection, table: TableRequested, folder: Path, evidence: Evidence) -> None:
    """Each person stands once, and is one of the project's."""
    if table.unit != UNIT:
        what = f"its units are {table.unit}, not persons"
        evidence.findings.append(_no("unit", table.name, what, f"Count {UNIT}."))
        return
    rows, persons, known = con.execute(
        f"""
        select count(*), count(distinct {UNIT}),
               count(distinct {UNIT}) filter ({UNIT} in (select {UNIT} from '{folder}/crosswalk.parquet'))
        from basis
        """  # noqa: S608
    ).fetchall()[0]
    if rows != persons:
        evidence.findings.append(
            _no("duplicate-persons", table.name, f"{rows - persons} persons are counted more than once",
                "A unit is a person: use p20kit.tabulate, which counts distinct persons.")
        )  # fmt: skip
    if persons != known:
        evidence.findings.append(
            _no("unknown-persons", table.name, f"{persons - known} persons are not of this project",
                "Use the persons of the Resultant Data as they are mounted.")
        )  # fmt: skip


def _column(
    con: duckdb.DuckDBPyConnection,
    table: TableRequested,
    name: str,
    delivery: Delivery,
    folder: Path,
    evidence: Evidence,
) -> None:
    where = f"{table.name}.{name}"
    source = table.sources.get(name)
    if source is None:
        evidence.owners |= {c.owner for t in delivery.tables for c in t.columns if c.name != UNIT}
        labels = len(set(table.basis[name]))
        evidence.look_at.append(
            _no("derived-column", where, f"it is derived in the notebook and has {labels} labels",
                "A person looks at the code and the labels, or it is asked with source columns.", "DSA VI.G.1")
        )  # fmt: skip
        return
    origin, _, column = source.partition(".")
    found = delivery.column(origin, column)
    if found is None or column == UNIT:
        evidence.findings.append(
            _no("unknown-source", where, "its source is no column of the Resultant Data",
                "Name it as table.Column, as open_project() lists it.", "DSA VI.A")
        )  # fmt: skip
        return
    evidence.owners.add(found.owner)
    evidence.columns[where] = found
    if found.uc:
        evidence.findings.append(
            _no("uc-column", where, "tables by UC columns need proof of at least 3 employers in each cell, "
                "which this gate does not give yet", "Ask with education columns.", "DSA II.F")
        )  # fmt: skip
        return
    if table.unit == UNIT and (differing := _differing(con, name, f"{folder}/{origin}.parquet", column)):
        evidence.findings.append(
            _no("source-mismatch", where, f"{differing} persons have another value in {source}",
                "Use the column as it is mounted, or leave its source out and have a person look at it.")
        )  # fmt: skip


def _differing(con: duckdb.DuckDBPyConnection, name: str, path: str, column: str) -> int:
    """Count the persons whose value in the basis is not theirs in the Resultant Data."""
    quoted, origin = name.replace('"', '""'), column.replace('"', '""')
    return int(
        con.execute(
            f"""
            select count(*) from basis b
            where not exists (
              select 1 from '{path}' r where r.{UNIT} = b.{UNIT}
              and coalesce(cast(r."{origin}" as varchar), ?) = b."{quoted}"
            )
            """,  # noqa: S608 - column and path come from the delivery, the by-column is quoted
            [MISSING],
        ).fetchall()[0][0]
    )


def _no(rule: str, where: str, what: str, next: str, clause: str = "DSA III.G.2.a") -> Finding:
    return Finding(rule, clause, where, what, next)
