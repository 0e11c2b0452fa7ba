"""Write what leaves, from verified values only: one dialect, one order, nothing of the user's process.

Source: DSA III.G.2; DSA VI.G.2.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import rfc8785

from enclave.egress.clearance import Artefact
from enclave.egress.pages import code_page, model_page, table_page, text_page
from enclave.egress.programs import file_name, program
from enclave.egress.workbook import Cell, Rows, as_workbook, plain
from enclave.resultant import Delivery
from p20kit.charts import Chart
from p20kit.measures import Count, CumulativeShare, Mean, Measure, Median, Quantile, Rate, Total
from p20kit.models import Model
from p20kit.request import Request
from p20kit.tables import Table
from p20kit.verdict import Released

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CODEBOOK = ("table", "column", "role", "source", "agency", "definition", "codes")


@dataclass(frozen=True, eq=False)
class Leaving:
    """What one request comes to, as it was judged.

    Parameters
    ----------
    about : str
        One sentence that stands over each page (project, as-of dates).
    """

    request: Request
    released: Released
    charts: tuple[Chart, ...]
    delivery: Delivery
    about: str


def render(leaving: Leaving, request_id: str, folder: Path) -> tuple[Artefact, ...]:
    """Write every file into `folder`; names are ours, ``<request id>_<n>.<ext>``.

    Source: DSA III.G.2; DSA VI.G.2.
    """
    artefacts = []
    for name, kind, content in _files(leaving):
        full = f"{request_id}_{name}"
        (folder / full).write_bytes(content)
        artefacts.append(Artefact(full, hashlib.sha256(content).hexdigest(), kind))
    return tuple(artefacts)


def _files(leaving: Leaving) -> Iterator[tuple[str, str, bytes]]:
    """Give name, media type and bytes of every file."""
    protected, sheets = leaving.released.protected, dict[str, Rows]()
    for number in range(1, len(protected.tables) + 1):
        rows = table_rows(protected.tables[number - 1], protected.to_published(number - 1))
        sheets[f"Table {number}"] = rows
        yield f"{number}.csv", "text/csv", as_csv(rows)
        yield f"{number}.html", "text/html", table_page(protected, number - 1, leaving.about).encode()
    for number, chart in enumerate(leaving.charts, start=1):
        yield f"chart_{number}.svg", "image/svg+xml", chart.to_svg().encode()
        yield f"chart_{number}.png", "image/png", chart.to_png()
        yield f"chart_{number}.vl.json", "application/json", rfc8785.dumps(chart.to_dict())
    for number, model in enumerate(leaving.released.models, start=1):
        rows = _model_rows(model)
        sheets[f"Model {number}"] = rows
        yield f"model_{number}.csv", "text/csv", as_csv(rows)
        yield f"model_{number}.html", "text/html", model_page(model, leaving.about).encode()
    for number, text in enumerate(leaving.request.texts, start=1):
        page = text_page(text.title or text.name, text.markdown, leaving.about)
        yield f"text_{number}.html", "text/html", page.encode()
    for number, code in enumerate(leaving.request.code, start=1):
        yield file_name(number, code), *program(code, leaving.about)
        page = code_page(f"{code.title} ({code.licence})", code.written, leaving.about)
        yield f"code_{number}.html", "text/html", page.encode()
    if sheets:
        sheets["Codebook"] = [_CODEBOOK, *_defined(leaving)]
        yield "codebook.csv", "text/csv", as_csv(sheets["Codebook"])
        yield "tables.xlsx", XLSX, as_workbook(sheets)


def table_rows(table: Table, frame: pd.DataFrame) -> Rows:
    """Give a table's cells in one order (labels as text, totals last): by-columns, count, figures, status."""
    figures = [column for column in frame.columns if column not in (*table.by, "count", "status")]
    keys = frame[list(table.by)].map(lambda label: (label == "Total", str(label)))
    ordered = frame.loc[keys.sort_values(list(table.by)).index, [*table.by, "count", *figures, "status"]]
    return [tuple(ordered.columns), *(tuple(map(_cell, row)) for row in ordered.itertuples(index=False))]


def as_csv(rows: Rows) -> bytes:
    """Give rows as CSV: RFC 4180 quoting, line feeds, formulas neutralised, hidden cells empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([plain(value) if isinstance(value, str) else value for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: object) -> Cell:
    """Give a value in one spelling: whole numbers as such, others as the shortest text that is the same number."""
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) + 0.0
    return str(value)


def _model_rows(model: Model) -> Rows:
    frame = model.to_frame()
    return [tuple(map(str, frame.columns)), *(tuple(map(_cell, row)) for row in frame.itertuples(index=False))]


def _defined(leaving: Leaving) -> Iterator[Sequence[Cell]]:
    """Say of every column what it is and where it is from."""
    for asked, table in zip(leaving.request.tables, leaving.released.protected.tables, strict=True):
        name = table.title or table.name
        yield from (_origin(leaving, name, column, "by", asked.sources) for column in table.by)
        for measure in table.measures:
            hidden = "empty where hidden" if isinstance(measure, Count) else ""
            said = "; ".join(words for words in (definition(measure), table.coding.of(measure), hidden) if words)
            yield (name, measure.label, "figure", "", "", said, "")
        yield from (_origin(leaving, name, column, "measured", asked.sources) for column in asked.measured)
    for asked_model in leaving.request.models:
        columns: Iterable[str] = asked_model.columns
        for column in columns:
            yield _origin(leaving, asked_model.title or asked_model.name, column, "regression", asked_model.sources)


def _origin(leaving: Leaving, name: str, column: str, role: str, sources: dict[str, str]) -> Sequence[Cell]:
    source = sources.get(column, "")
    table, _, original = source.partition(".")
    found = leaving.delivery.column(table, original)
    if found is None:
        return (name, column, role, "", "", "derived by the analyst", "")
    return (name, column, role, source, found.owner, found.definition, "; ".join(found.codes))


def definition(measure: Measure) -> str:
    """Say in one line what a measure is."""
    match measure:
        case Rate():
            return f"percent of those with any {measure.of} who have {measure.value}, to {measure.decimals} places"
        case CumulativeShare():
            counted = "; ".join(measure.numerator)
            return f"percent of those with any {measure.of} who have one of {counted}, to {measure.decimals} places"
        case Mean():
            return f"mean of {measure.of} over those who have a value, to {measure.decimals} places"
        case Total():
            return f"sum of {measure.of}, to {measure.decimals} places"
        case Median() | Quantile():
            return f"{measure.label}, rounded so that nobody's value is reproduced"
        case Count():
            return "distinct individuals"
