"""Write what leaves, from verified values only: one dialect, one order, nothing of the user's process.

Source: DSA III.G.2; DSA VI.G.2.
"""

from __future__ import annotations

import csv
import hashlib
import html
import io
from pathlib import Path

import pandas as pd

from enclave.egress.clearance import Artefact
from p20kit.protection import Protected
from p20kit.tables import MISSING

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "–"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --rule: #d5dae1; --soft: #f3f5f8; --hid: #8a4b08; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #16191d; --rule: #3a4048; --soft: #1f242a; --hid: #f0b36b; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2.5rem auto;
  max-width: 62rem; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } p.about { margin: 0 0 1.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--rule); text-align: left; }
thead th { border-bottom: 2px solid var(--ink); } td.n { text-align: right; } tr.total { background: var(--soft); }
td.hidden { color: var(--hid); } footer { margin-top: 1.5rem; font-size: .875rem; max-width: 48rem; }
"""


def render(protected: Protected, request_id: str, folder: Path, about: str) -> tuple[Artefact, ...]:
    """Write each table as CSV and HTML into `folder`; names are ours, ``<request id>_<n>.<ext>``.

    Parameters
    ----------
    about : str
        One sentence that stands over each table (project, as-of dates).
    """
    artefacts = []
    for number, table in enumerate(protected.tables, start=1):
        frame = _ordered(protected.to_published(number - 1), list(table.by))
        title = table.title or table.name
        for suffix, kind, text in (
            ("csv", "text/csv", as_csv(frame)),
            ("html", "text/html", as_html(frame, list(table.by), title, about, protected)),
        ):
            name = f"{request_id}_{number}.{suffix}"
            content = text.encode()
            (folder / name).write_bytes(content)
            artefacts.append(Artefact(name, hashlib.sha256(content).hexdigest(), kind))
    return tuple(artefacts)


def as_csv(frame: pd.DataFrame) -> str:
    """Give the table as CSV: RFC 4180 quoting, line feeds, formulas neutralised, hidden cells empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_plain(column) for column in frame.columns)
    for row in frame.itertuples(index=False):
        *labels, count, status = row
        writer.writerow([*map(_plain, labels), "" if pd.isna(count) else int(count), status])
    return out.getvalue()


def as_html(frame: pd.DataFrame, by: list[str], title: str, about: str, protected: Protected) -> str:
    """Give the table as one HTML page that loads nothing."""
    head = "".join(f"<th scope=col>{html.escape(column)}</th>" for column in [*by, "Persons"])
    rows = "\n".join(_row(row, len(by)) for row in frame.itertuples(index=False))
    policy = protected.policy
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body><main><h1>{html.escape(title)}</h1><p class="about">{html.escape(about)}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></main>
<footer><p>{_MARK} hidden: fewer than {policy.minimum_count} persons, or hidden so that such a cell cannot be worked
out from what is shown here or elsewhere (Data Sharing Agreement III.G.2, VI.D.2). {MISSING}: not
reported.</p></footer>
</body></html>
"""


def _ordered(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Put rows in one order: labels as text, totals last."""
    keys = frame[by].map(lambda label: (label == "Total", str(label)))
    return frame.loc[keys.sort_values(by).index].reset_index(drop=True)


def _row(row: tuple[object, ...], width: int) -> str:
    labels, count = row[:width], row[width]
    cells = "".join(f"<td>{html.escape(str(label))}</td>" for label in labels)
    total = ' class="total"' if "Total" in labels else ""
    if pd.isna(count):  # type: ignore[call-overload]
        return f'<tr{total}>{cells}<td class="n hidden">{_MARK}</td></tr>'
    return f'<tr{total}>{cells}<td class="n">{int(str(count)):,}</td></tr>'


def _plain(label: object) -> str:
    text = str(label)
    return f"'{text}" if text.startswith(_FORMULA) else text
