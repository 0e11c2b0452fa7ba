"""Hold a request's evidence against the Resultant Data itself, person by person.

Invented or duplicated people cannot inflate a count; a by-column that claims to be a source column is compared with
that column. What is derived in the notebook goes to a person.

Source: DSA III.G.2; DSA VI.G.1; DSA II.F.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd

from enclave.errors import Finding
from enclave.resultant import Column, Delivery
from enclave.scratch import engine
from enclave.terms import UNIT
from p20kit.dimensions import TOTAL
from p20kit.policy import FLOOR_COUNT as FEW
from p20kit.request import TableRequested
from p20kit.tables import MISSING

CROSSWALK = "crosswalk"
"""Its columns are generic identifiers: each of them names one person."""


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
    with engine(folder) as con:
        for table in tables:
            con.register("basis", pd.DataFrame(table.basis, dtype="str"))
            _people(con, table, delivery, folder, evidence)
            for column in table.by:
                _column(con, table, column, delivery, folder, evidence)
            _structure(table, evidence)
            con.unregister("basis")
    return evidence


def _people(
    con: duckdb.DuckDBPyConnection, table: TableRequested, delivery: Delivery, folder: Path, evidence: Evidence
) -> None:
    """Each person stands once, and is one of the project's; why these and not all of them, only a person can tell."""
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
    elif persons != delivery.persons:
        # whoever chose them may have looked at any column: wages, the mere existence of a record
        evidence.owners |= _owners(delivery)
        evidence.look_at.append(
            _no("chosen-persons", table.name, f"it is about {persons} persons chosen from {delivery.persons}",
                "A person looks at who was chosen and how, or it is asked for all persons.", "DSA VI.G.1")
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
        evidence.owners |= _owners(delivery)
        _derived(table, name, where, evidence)
        return
    origin, _, column = source.partition(".")
    found = delivery.column(origin, column)
    if found is None or column == UNIT or origin == CROSSWALK:
        evidence.findings.append(
            _no("unknown-source", where, "its source is no column of the Resultant Data, or it identifies persons",
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

    if name != column:
        evidence.look_at.append(
            _no("renamed-column", where, f"it is {source} under another name",
                "A person looks at the name, or the column keeps its own.", "DSA VI.G.1")
        )  # fmt: skip


def _derived(table: TableRequested, name: str, where: str, evidence: Evidence) -> None:
    """Say what a person must look at in a column the notebook made, and refuse labels that pose as others."""
    persons = Counter(table.basis[name])
    few = sum(count < FEW for count in persons.values())
    what = f"it is derived in the notebook and has {len(persons)} labels"
    evidence.look_at.append(
        _no("derived-column", where, f"{what}, {few} of them of fewer than {FEW} persons" if few else what,
            "A person looks at the code and the labels, or it is asked with source columns.", "DSA VI.G.1")
    )  # fmt: skip
    posing = sum(_poses(label) for label in persons)
    if posing:
        evidence.findings.append(_posing(where, posing))


def _structure(table: TableRequested, evidence: Evidence) -> None:
    """Say what a person must look at of that which no evidence proves: groups, codes nobody is in, impossible cells."""
    for name in table.by:
        where, found = f"{table.name}.{name}", evidence.columns.get(f"{table.name}.{name}")
        parents = {parent for up in table.hierarchies.get(name, []) for parent in up.values()}
        added = set(table.codes.get(name, [])) - set(table.basis[name]) - set(found.codes if found else ())
        posing = sum(_poses(label) for label in parents | added)
        if posing:
            evidence.findings.append(_posing(where, posing))
        if parents:
            evidence.look_at.append(
                _no("hierarchy", where, f"its codes are put together into {len(parents)} groups",
                    "A person looks at the groups and their names, or it is asked without them.", "DSA VI.G.1")
            )  # fmt: skip
        if added:
            evidence.look_at.append(
                _no("codes", where, f"{len(added)} codes with nobody in them are not of the delivered code set",
                    "A person looks at the codes, or it is asked with those of the column.", "DSA VI.G.1")
            )  # fmt: skip
    claimed = max(map(len, table.impossible.values()), default=0)
    if claimed:
        evidence.look_at.append(
            _no("impossible", table.name, f"{claimed} empty cells are said to be impossible, so they are displayed",
                "A person holds them against the code sets, or it is asked without them.", "DSA III.G.2.a")
        )  # fmt: skip


def _posing(where: str, posing: int) -> Finding:
    what = f"{posing} labels are not in Latin letters, or pass for {TOTAL} or {MISSING}"
    return _no("label", where, what, "Name the categories in plain words.", "DSA VI.G.1")


def _poses(label: str) -> bool:
    """Tell whether a label could be read as another: letters that look alike, or a margin's name in disguise."""
    foreign = any(c.isalpha() and not unicodedata.name(c, "").startswith("LATIN ") for c in label)
    plain = unicodedata.normalize("NFKC", label).strip().casefold()
    return foreign or (label != MISSING and plain in {TOTAL.casefold(), MISSING.casefold()})


def _owners(delivery: Delivery) -> set[str]:
    return {c.owner for t in delivery.tables for c in t.columns if c.name != UNIT}


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
