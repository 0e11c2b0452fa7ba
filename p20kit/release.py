"""`request_release`: put tables with their evidence into the outbox; `preflight`: what the gate will say."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from p20kit.audit import audit
from p20kit.claim import as_claimed, cell_findings
from p20kit.errors import Finding, P20KitError, RequestInvalid
from p20kit.policy import CellPolicy
from p20kit.project import Project, open_project
from p20kit.protection import Protected, protect
from p20kit.request import FORMAT, Request, read_request
from p20kit.tables import MISSING, Table

OUTBOX = "/home/analyst/outbox"


def request_release(
    tables: Protected | Table | Sequence[Protected | Table],
    *,
    title: str,
    report: str,
    questions: Sequence[str],
    audience: str,
    population: str,
    methods: Sequence[str] = (),
    notes: str = "",
    planned_on: date | str | None = None,
    project: Project | None = None,
    outbox: str | Path = OUTBOX,
) -> Path:
    """Write a release request: the tables as they would leave, and the evidence behind every cell.

    Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1.

    Parameters
    ----------
    tables : Protected, Table, or a sequence of them
        Plain tables are protected under the project's policy, all together.
    title, report, questions, audience, population, methods, notes
        What reviewers read; `report` and `questions` are ids of the agreement.
    planned_on : date or "YYYY-MM-DD", optional
        When publication is planned.
    project : Project, optional
        The open project; opened from /project when not given.
    outbox : str or Path, default "/home/analyst/outbox"

    Returns
    -------
    Path
        The one file written, `outbox/<request id>/request.json`. The same content gives the same id.

    Raises
    ------
    RequestInvalid
        If a text is missing or a table has no basis.
    """
    opened = project or open_project()
    text = {
        "format": FORMAT,
        "project": opened.id,
        "policy_hash": opened.policy_hash,
        "person": opened.person,
        "title": title,
        "report": report,
        "questions": list(questions),
        "audience": audience,
        "population": population,
        "methods": list(methods),
        "planned_on": planned_on.isoformat() if isinstance(planned_on, date) else planned_on,
        "notes": notes,
    }
    body = {**text, "tables": [t for p in _protected(tables, opened.policy) for t in _tables(p)]}
    content = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    read_request(content)
    return _write(content, Path(outbox))


def preflight(
    request: Request | Protected | Table | Sequence[Protected | Table],
    *,
    project: Project | None = None,
    earlier: Sequence[Protected | Table] = (),
) -> list[Finding]:
    """Say what the gate would find, before asking.

    Source: DSA III.G.2; DSA VI.D.2.

    Parameters
    ----------
    request : Request, Protected, Table, or a sequence of tables
        A request is recomputed from its basis, as the gate does; a plain Table counts as shown in full.
    project : Project, optional
        The open project; opened from /project when not given.
    earlier : sequence of Protected or Table
        What has been released before.

    Returns
    -------
    list of Finding
        Empty when nothing was found. The gate also holds the evidence against the Resultant Data.
    """
    opened = project or open_project()
    if isinstance(request, Request):
        return [*_about(request, opened), *check_tables(request, opened.policy, earlier)]
    given = [request] if isinstance(request, Protected | Table) else list(request)
    tables = [t for item in given for t in (item.tables if isinstance(item, Protected) else (item,))]
    columns = [f for t in tables for f in _columns(t.name, dict(t.sources), _codes_of(t), opened)]
    return [*columns, *audit(given, opened.policy, earlier).findings]


def check_tables(request: Request, policy: CellPolicy, earlier: Sequence[Protected | Table] = ()) -> list[Finding]:
    """Recompute every table of a request from its basis, hold its cells against that, and attack the result.

    Source: DSA III.G.2.a; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    request : Request
    policy : CellPolicy
    earlier : sequence of Protected or Table
    """
    try:
        claimed = as_claimed(request, policy)
    except P20KitError as error:
        return list(error.findings)
    return [*cell_findings(request, claimed), *audit(claimed, policy, earlier).findings]


def _about(request: Request, project: Project) -> list[Finding]:
    """Hold the text of a request against the agreement's reports and questions."""
    findings = []
    for field, claimed, known in (
        ("project", [request.project], {project.id}),
        ("policy_hash", [request.policy_hash], {project.policy_hash}),
        ("report", [request.report], {r.id for r in project.reports}),
        ("questions", request.questions, {q.id for q in project.questions}),
    ):
        unknown = sum(value not in known for value in claimed)
        if unknown:
            what = f"{unknown} of {len(claimed)} named are not in the project"
            findings.append(Finding("purpose", "DSA VI.D.2", field, what, f"Name one of {len(known)}."))
    for table in request.tables:
        codes = {column: {*table.basis[column], *table.codes.get(column, ())} for column in table.by}
        findings += _columns(table.name, table.sources, codes, project)
    return findings


def _columns(name: str, sources: dict[str, str], codes: dict[str, set[str]], project: Project) -> list[Finding]:
    findings = []
    for column, source in sources.items():
        found = project.column(source)
        where = f"{name}.{column}"
        if found is None:
            what = "the source is not a mounted column"
            findings.append(Finding("source", "DSA VI.D.2", where, what, "Name it as table.Column."))
        elif found.codes is not None:
            strange = len(codes.get(column, set()) - set(found.codes) - {MISSING})
            if strange:
                what = f"{strange} codes are not in the column's code set"
                findings.append(Finding("codes", "", where, what, "Use the codes as delivered."))
    return findings


def _codes_of(table: Table) -> dict[str, set[str]]:
    return {d.column: set(d.codes[: d.leaves]) for d in table.dimensions}


def _protected(tables: Protected | Table | Sequence[Protected | Table], policy: CellPolicy) -> list[Protected]:
    given = [tables] if isinstance(tables, Protected | Table) else list(tables)
    ready = [item for item in given if isinstance(item, Protected)]
    plain = [item for item in given if isinstance(item, Table)]
    return [*ready, protect(plain, policy, ready)] if plain else ready


def _tables(protected: Protected) -> list[dict[str, Any]]:
    return [_one(protected, i) for i in range(len(protected.tables))]


def _one(protected: Protected, position: int) -> dict[str, Any]:
    table, frame = protected.tables[position], protected.to_frame(position)
    if table.basis is None:
        what = "the table has no basis, so no cell of it can be recomputed"
        finding = Finding("evidence", "DSA III.G.2.a", table.name, what, "Make it with tabulate().")
        raise RequestInvalid("the request was not written", [finding])
    return {
        "name": table.name,
        "title": table.title,
        "unit": table.unit,
        "by": list(table.by),
        "measures": [measure.to_dict() for measure in table.measures],
        "sources": dict(table.sources),
        **_structure(table),
        "cells": {
            **{column: frame[column].tolist() for column in table.by},
            "count": [None if pd.isna(count) else int(count) for count in frame["count"]],
            "status": frame["status"].tolist(),
        },
        "basis": {column: table.basis[column].tolist() for column in (table.unit, *table.by)},
    }


def _structure(table: Table) -> dict[str, Any]:
    """Say of a table what its basis cannot: groups of codes, codes nobody is in, and cells nobody can be in."""
    leaves = {d.column: list(d.codes[: d.leaves]) for d in table.dimensions}
    unseen = {
        column: codes
        for column, codes in leaves.items()
        if table.basis is not None and codes != sorted(table.basis[column].unique())
    }
    hierarchies = {d.column: list(d.hierarchies) for d in table.dimensions if d.hierarchies}
    inner = table.impossible[tuple(slice(0, d.leaves) for d in table.dimensions)]
    places = np.nonzero(inner)
    impossible = {
        column: np.array(codes, dtype=object)[at].tolist()
        for (column, codes), at in zip(leaves.items(), places, strict=True)
    }
    return {
        "hierarchies": hierarchies,
        "codes": unseen,
        "impossible": impossible if inner.any() else {},
        "margins": table.margins if isinstance(table.margins, bool) else [list(chosen) for chosen in table.margins],
    }


def _write(content: bytes, outbox: Path) -> Path:
    """Write whole or not at all: the gate never sees half a request."""
    folder = outbox / f"out-{hashlib.sha256(content).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    partial, final = folder / ".request.json.partial", folder / "request.json"
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(final)
    return final
