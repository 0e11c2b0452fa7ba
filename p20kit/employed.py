"""Hold the employers behind UC data against the record: a group of two employers must not pass for one of three.

Source: DSA II.F; DSA III.G.2.
"""

from __future__ import annotations

import duckdb

from p20kit.amounts import measured
from p20kit.delivered import UNIT, Delivered
from p20kit.errors import Finding
from p20kit.policy import EMPLOYER_CLAUSE
from p20kit.requested import TableRequested, frame_of
from p20kit.sql import quoted
from p20kit.tables import MISSING

# names of columns are the only thing put into SQL text, always quoted (hence the noqa marks)


def employer_findings(
    con: duckdb.DuckDBPyConnection, table: TableRequested, delivered: Delivered
) -> tuple[list[Finding], list[Finding]]:
    """Say why the employers a table names prove nothing, and what a person must look at.

    Source: DSA II.F; DSA III.G.2.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        With `basis`, the persons of the table.
    table : TableRequested
    delivered : Delivered

    Returns
    -------
    findings, look_at : list of Finding
        Findings: columns of UC data without employers, employers that are not as delivered, and contributions that
        are in nobody's record. To be looked at: amounts or employers of a record that were left out.
    """
    confidential = [column for column in table.used if _is_uc(table, column, delivered)]
    if table.employer is None:
        what = "tables of UC columns need proof of at least 3 employers in each cell, and this one names none"
        advice = "Name it: tabulate(..., employer=...), with its source."
        return [_no("uc-column", f"{table.name}.{column}", what, advice) for column in confidential], []
    where = f"{table.name}.{table.employer}"
    source = table.sources.get(table.employer, "")
    found = delivered.source(source)
    if found is None or not found.employer:
        what = "it is not the column of the Resultant Data that identifies employers"
        return [_no("employer-source", where, what, "Use that column as it is mounted, and name its source.")], []
    file, _ = delivered.file(source)
    elsewhere = [c for c in confidential if delivered.file(table.sources[c])[0] != file]
    if elsewhere:
        what = f"{len(elsewhere)} columns of UC data are of other records than the employer"
        return [_no("uc-column", where, what, "Ask with columns of one record.")], []
    return _held(con, table, delivered, source)


def _held(
    con: duckdb.DuckDBPyConnection, table: TableRequested, delivered: Delivered, source: str
) -> tuple[list[Finding], list[Finding]]:
    """Look for every contribution in the record of that person and employer, with all that is said of it at once."""
    assert table.employer is not None  # noqa: S101 - the caller has looked
    file, column = delivered.file(source)
    where, numbers = f"{table.name}.{table.employer}", measured(table.counted)[1]
    con.register("contributions", frame_of(table.contributions))
    same = [f"r.{UNIT} = c.{quoted(table.unit)}", f"cast(r.{quoted(column)} as varchar) = c.{quoted(table.employer)}"]
    for name in table.used:
        if not _is_uc(table, name, delivered) or name == table.employer:
            continue
        theirs = f"r.{quoted(delivered.file(table.sources[name])[1])}"
        if name in numbers:
            same.append(f"try_cast(cast({theirs} as varchar) as double) is not distinct from c.{quoted(name)}")
        else:
            told = (
                f"coalesce(cast({theirs} as varchar), '{MISSING}')"
                if name in table.by
                else f"cast({theirs} as varchar)"
            )
            same.append(f"{told} is not distinct from b.{quoted(name)}")
    invented, left_out = con.execute(
        f"""
        select
          (select count(*) from contributions c left join basis b on b.{quoted(table.unit)} = c.{quoted(table.unit)}
           where not exists (select 1 from '{file}' r where {" and ".join(same)})),
          (select count(*) from (
             select distinct r.{UNIT}, cast(r.{quoted(column)} as varchar) from '{file}' r
             where r.{UNIT} in (select {quoted(table.unit)} from basis)
             except select {quoted(table.unit)}, {quoted(table.employer)} from contributions))
        """  # noqa: S608
    ).fetchall()[0]
    con.unregister("contributions")
    if invented:
        what = f"{invented} contributions are in no record of that person and employer"
        return [_no("employer-mismatch", where, what, "Use the records as they are mounted.")], []
    if left_out:
        what = f"{left_out} employers of these persons' records are left out"
        advice = "Send the notebook along, which is run again; or a person looks at what was left out."
        return [], [_no("left-out", where, what, advice)]
    return [], []


def _is_uc(table: TableRequested, column: str, delivered: Delivered) -> bool:
    found = delivered.source(table.sources.get(column, ""))
    return found is not None and found.uc


def _no(rule: str, where: str, what: str, next: str) -> Finding:
    return Finding(rule, EMPLOYER_CLAUSE, where, what, next)
