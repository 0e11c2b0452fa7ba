"""`request_release`: put what is to leave, with its evidence, into the outbox; `preflight`: what the gate says."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from p20kit.amounts import measured
from p20kit.asking import Answer
from p20kit.charts import Chart
from p20kit.columns import shared
from p20kit.errors import Finding, RequestInvalid
from p20kit.layers import displayed_figures, measured_in_full
from p20kit.measures import Count
from p20kit.models import Model
from p20kit.policy import CellPolicy
from p20kit.project import Project, open_project
from p20kit.protection import Protected, protect
from p20kit.request import FORMAT, Request, read_request
from p20kit.sharing import code_asked
from p20kit.tables import Table
from p20kit.verdict import Released, Verdict, judge

OUTBOX = "/home/analyst/outbox"
Tables = Protected | Table | Answer | Sequence[Protected | Table | Answer]
_UNSAID: Mapping[str, Any] = {"title": "Untitled", "audience": "public", "population": "all persons delivered"}


def request_release(
    tables: Tables = (),
    *,
    charts: Sequence[Chart] = (),
    models: Sequence[Model] = (),
    texts: Mapping[str, str] | None = None,
    code: Mapping[str | Path, str] | None = None,
    title: str,
    report: str,
    questions: Sequence[str],
    audience: str,
    population: str,
    methods: Sequence[str] = (),
    notes: str = "",
    planned_on: date | str | None = None,
    notebook: bool = True,
    project: Project | None = None,
    outbox: str | Path = OUTBOX,
) -> Path:
    """Write a release request: what is to leave as it would leave, and the evidence behind every figure.

    Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1; ExA 3.e; ExA 3.f; SDP 12.c.

    Parameters
    ----------
    tables : Protected, Table, Answer, or a sequence of them
        Plain tables are protected under the project's policy, all together; the hub kept what it answered.
    charts, models : sequence of Chart, of Model
        The gate draws and fits them anew.
    texts, code : mapping of title to Markdown, and of path (.py, .ipynb) to `sharing.Licence`, optional
        A person reads them before they leave; code is written anew, without comments.
    title, report, questions, audience, population, methods, notes
        What reviewers read; `report` and `questions` are ids of the agreement, `methods` those of ExA 3.f.
    planned_on : date or "YYYY-MM-DD", optional
        When publication is planned.
    notebook : bool, default True
        Send the code cells run so far along: the gate runs them again, which proves what they derive.
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
        If a text is missing, a table has no basis, or code cannot be written anew.
    """
    opened = project or open_project()
    said = {
        "title": title, "report": report, "questions": list(questions), "audience": audience, "notes": notes,
        "population": population, "methods": list(methods), "planned_on": str(planned_on or "") or None,
    }  # fmt: skip
    cells = cells_run() if notebook else []
    parts = _parts(*_protected(tables, opened.policy), charts, models, texts or {}, code or {}, cells)
    read_request(content := _content(opened, said, parts))
    return _write(content, Path(outbox))


def preflight(
    tables: Request | Tables = (),
    *,
    charts: Sequence[Chart] = (),
    models: Sequence[Model] = (),
    texts: Mapping[str, str] | None = None,
    code: Mapping[str | Path, str] | None = None,
    notebook: bool = True,
    project: Project | None = None,
    earlier: Sequence[Protected | Table | Model] = (),
    **said: Any,
) -> Verdict:
    """Say what the gate will say, from the same functions, before asking.

    Source: DSA III.G.2; DSA VI.D.2; DSA VI.G.1.

    Parameters
    ----------
    tables : Request, Protected, Table, Answer, or a sequence of tables
        A request is recomputed from its basis, as the gate does; a plain Table counts as shown in full. What the hub
        answered it has judged itself.
    charts, models, texts, code, notebook
        As in `request_release`. The notebook is taken to make the same when it is run again.
    project : Project, optional
        The open project; opened from /project when not given.
    earlier : sequence of Protected, Table or Model
        What has been released before, as far as you know it: others of the project may have released more.
    **said
        The words of the request, as `request_release` takes them; without them words are not judged.

    Returns
    -------
    Verdict
        `verdict` is cleared, needs-review or refused; `findings` and `look_at` say why.
    """
    opened = project or open_project()
    if isinstance(tables, Request):
        request = tables
    else:
        given, answers = _apart(tables)
        full = [item if isinstance(item, Protected) else _in_full(item, opened.policy) for item in given]
        parts = _parts(full, answers, charts, models, texts or {}, code or {}, cells_run() if notebook else [])
        purpose = {"report": opened.reports[0].id, "questions": [opened.questions[0].id], "methods": []}
        body = {**_UNSAID, **purpose, "planned_on": None, "notes": "", **said}
        request = read_request(_content(opened, body, parts))
    before = [
        Released(item)
        if isinstance(item, Protected)
        else Released(_in_full(item, opened.policy))
        if isinstance(item, Table)
        else Released(Protected((), (), opened.policy), (item,))
        for item in earlier
    ]
    return judge(request, opened.policy, opened.agreed, opened.delivered, before, reproduced=bool(request.notebook))


def cells_run() -> list[str]:
    """Give the code cells this session has run so far, the present one last; none outside a notebook."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or shell.history_manager is None:
        return []
    return [str(cell) for cell in shell.history_manager.input_hist_raw if cell.strip()]


def _content(project: Project, said: Mapping[str, Any], parts: Mapping[str, Any]) -> bytes:
    head = {"format": FORMAT, "project": project.id, "policy_hash": project.policy_hash, "person": project.person}
    body = shared({**head, **said, **parts})
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def _parts(
    protected: Sequence[Protected],
    answers: Sequence[Answer],
    charts: Sequence[Chart],
    models: Sequence[Model],
    texts: Mapping[str, str],
    code: Mapping[str | Path, str],
    notebook: list[str],
) -> dict[str, Any]:
    return {
        "tables": [evidence_of(each, i) for each in protected for i in range(len(each.tables))],
        "answers": [each.to_request() for each in answers],
        "charts": [dict(each.parameters) for each in charts],
        "models": [_model(each) for each in models],
        "texts": [{"name": f"text {n}", "title": t, "markdown": texts[t]} for n, t in enumerate(texts, start=1)],
        "code": code_asked(code),
        "notebook": notebook,
    }


def _protected(tables: Tables, policy: CellPolicy) -> tuple[list[Protected], list[Answer]]:
    given, answers = _apart(tables)
    ready = [item for item in given if isinstance(item, Protected)]
    plain = [item for item in given if isinstance(item, Table)]
    return ([*ready, protect(plain, policy, ready)] if plain else ready), answers


def _apart(tables: Tables) -> tuple[list[Protected | Table], list[Answer]]:
    """Tell tables that were made here from those that the hub answered with."""
    given = [tables] if isinstance(tables, Protected | Table | Answer) else list(tables)
    here = [item for item in given if not isinstance(item, Answer)]
    return here, [item for item in given if isinstance(item, Answer)]


def _in_full(table: Table, policy: CellPolicy) -> Protected:
    return Protected((table,), (table.published.reshape(table.counts.shape),), policy, (measured_in_full(table),))


def evidence_of(protected: Protected, position: int) -> dict[str, Any]:
    """Write one table as a request holds it: what is displayed, and the persons behind it."""
    table, frame = protected.tables[position], protected.to_frame(position)
    findings = list(_unfit(table))
    if findings or table.basis is None:
        raise RequestInvalid("the request was not written", findings)
    categories, numbers = measured(table.measures)
    return {
        "name": table.name,
        "title": table.title,
        "unit": table.unit,
        "by": list(table.by),
        "measures": [measure.to_dict() for measure in table.measures],
        "sources": dict(table.sources),
        **_structure(table),
        "coding": table.coding.to_dict(),
        "cells": {
            **{column: frame[column].tolist() for column in table.by},
            "count": [None if pd.isna(count) else int(count) for count in frame["count"]],
            "status": frame["status"].tolist(),
        },
        "figures": {
            measure.label: _figures(protected, position, measure.label)
            for measure in table.measures
            if not isinstance(measure, Count)
        },
        "basis": {column: table.basis[column].tolist() for column in (table.unit, *table.by)},
        "values": _plain(table.basis, [*categories, *numbers]),
        "employer": table.employer,
        "contributions": _plain(table.contributions, [table.unit, table.employer, *numbers])
        if table.employer
        else {},
    }


def _figures(protected: Protected, position: int, label: str) -> list[float | None]:
    """Give a measure as it is displayed, cell by cell in the order of the cells; None where it is hidden."""
    table = protected.tables[position]
    displayed = protected.measured[position][label] if protected.measured else np.zeros(table.counts.shape, bool)
    values = displayed_figures(table, label, protected.policy)
    shown = np.where(displayed, values, np.nan).ravel()[table.published]
    return [None if np.isnan(value) else float(value) for value in shown]


def _plain(frame: pd.DataFrame | None, columns: Sequence[str | None]) -> dict[str, list[Any]]:
    """Give columns as lists of text and numbers, null where a value is missing."""
    if frame is None:
        return {}
    named = [column for column in columns if column is not None]
    return {column: [None if pd.isna(value) else value for value in frame[column].tolist()] for column in named}


def _model(model: Model) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "formula": model.formula,
        "kind": model.kind,
        "robust": model.robust,
        "reference": dict(model.reference),
        "unit": model.unit,
        "sources": dict(model.sources),
        "basis": _plain(model.basis, list(model.basis.columns)),
    }


def _unfit(table: Table) -> Iterator[Finding]:
    if table.basis is None:
        what = "the table has no basis, so no cell of it can be recomputed"
        yield Finding("evidence", "DSA III.G.2.a", table.name, what, "Make it with tabulate().")


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
