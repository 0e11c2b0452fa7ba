"""A table as it will leave, every cell marked; for checkers with what anyone could work out of what is hidden.

Only what is shown is kept here: labels, displayed counts, statuses, bounds. Never a unit's id.

Source: DSA III.G.2; DSA VI.D.2.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from enclave.egress import Clearance, Verdict
from enclave.errors import Finding, Refused

_TABLE = re.compile(r"_\d+\.csv$")
_WORDS = {
    "shown": "shown",
    "hidden": "hidden",
    "primary": "hidden: under the threshold",
    "complementary": "hidden: protects another cell",
    "structural": "impossible by the code set",
}


@dataclass(frozen=True)
class Cell:
    """One cell: its labels, what is displayed, and why not.

    `figures` are the measures beside the count, None where hidden. `lower` and `upper` bound a hidden count, from
    everything released; None where nobody looked or nothing bounds it.
    """

    labels: tuple[str, ...]
    count: int | None
    status: str
    why: str
    total: bool
    lower: int | None = None
    upper: int | None = None
    wrong: tuple[str, ...] = ()
    figures: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Shown:
    """One table as it will leave."""

    title: str
    by: tuple[str, ...]
    cells: tuple[Cell, ...]
    measures: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Give how many cells there are of each status."""
        found: defaultdict[str, int] = defaultdict(int)
        for cell in self.cells:
            found[cell.status] += 1
        return dict(found)


def of_verdict(verdict: Verdict) -> tuple[Shown, ...]:
    """Give the tables of a request as the gate read them, with bounds and the findings of each cell."""
    if verdict.request is None:
        return ()
    bounds = {b["where"]: b for b in verdict.bounds}
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    for finding in (*verdict.findings, *verdict.look_at):
        wrong[finding.where].append(f"{finding.what} ({finding.clause})")
    return tuple(_requested(table, bounds, wrong) for table in verdict.request.tables)


def _requested(table: Any, bounds: Mapping[str, dict[str, Any]], wrong: Mapping[str, list[str]]) -> Shown:
    columns = [table.cells[name] for name in (*table.by, "count", "status")]
    measures = tuple(table.figures)
    figures = list(zip(*table.figures.values(), strict=True)) or [()] * len(columns[0])
    cells = []
    for (*labels, count, status), told in zip(zip(*columns, strict=True), figures, strict=True):
        named = ", ".join(f"{b}={label}" for b, label in zip(table.by, labels, strict=True))
        where = f"{table.name}[{named}]"
        bound = bounds.get(where, {})
        cell = _cell(labels, count, status)
        known = (bound.get("lower"), bound.get("upper"), tuple(wrong.get(where, ())))
        cells.append(Cell(cell.labels, cell.count, cell.status, cell.why, cell.total, *known, figures=told))
    return Shown(table.title or table.name, tuple(table.by), _ordered(cells), measures)


def of_clearance(folder: Path, clearance: Clearance) -> tuple[Shown, ...]:
    """Give the tables the gate wrote, read from the very bytes that will leave.

    Raises
    ------
    Refused
        If a file is missing or not the one that was cleared.
    """
    tables: list[Shown] = []
    findings: list[Finding] = []
    for artefact in clearance.artefacts:
        path = folder / artefact.name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != artefact.sha256:
            what = "it is missing, or not the file that was cleared"
            findings.append(Finding("cleared-file", "DSA VI.G.1", artefact.name, what, "Clear the request again."))
        elif _TABLE.search(artefact.name):
            tables.append(_read(content.decode("utf-8"), f"Table {len(tables) + 1}"))
    if findings:
        raise Refused(f"tables of {clearance.request_id}", findings)
    return tuple(tables)


def _read(text: str, title: str) -> Shown:
    header, *rows = csv.reader(io.StringIO(text))
    at = header.index("count")
    cells = [
        replace(
            _cell(row[:at], int(row[at]) if row[at] else None, row[-1]),
            figures=tuple(float(figure) if figure else None for figure in row[at + 1 : -1]),
        )
        for row in rows
    ]
    return Shown(title, tuple(header[:at]), tuple(cells), tuple(header[at + 1 : -1]))


def _cell(labels: list[Any], count: Any, status: str) -> Cell:
    texts = tuple(map(str, labels))
    return Cell(texts, count, status, _WORDS.get(status, status), "Total" in texts)


def _ordered(cells: list[Cell]) -> tuple[Cell, ...]:
    """Put cells in the order the gate writes them: labels as text, totals last."""
    return tuple(sorted(cells, key=lambda cell: [(label == "Total", label) for label in cell.labels]))
