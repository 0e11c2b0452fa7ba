"""Pages of what leaves: HTML that loads nothing, is read on any screen, and prints well.

Source: DSA III.G.2; DSA VI.G.2.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import pandas as pd
from markdown_it import MarkdownIt

from p20kit.display import as_html
from p20kit.models import Model
from p20kit.protection import Protected

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --rule: #c9d0d9; --soft: #56606c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --paper: #16191d; --rule: #3a4048; --soft: #a8b0ba; } }
body { font: 16px/1.5 "Source Sans 3", "Segoe UI", "Helvetica Neue", Arial, sans-serif; color: var(--ink);
  background: var(--paper); margin: 2.5rem auto; max-width: 66rem; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; } p.about { margin: 0 0 1.5rem; color: var(--soft); }
.p20 { --ink: inherit; } .p20 .p20-frame { max-height: none; overflow: visible; }
.p20 .p20-frame table { font-size: .9rem; } .p20 .p20-frame caption b { font-size: 1rem; }
table.model { border-collapse: collapse; font-variant-numeric: tabular-nums; border-bottom: 2px solid var(--ink); }
table.model th, table.model td { padding: .3rem .9rem .3rem 0; text-align: right; font-weight: 400;
  border-bottom: 1px solid var(--rule); }
table.model thead th { font-weight: 600; border-bottom: 1px solid var(--ink); border-top: 2px solid var(--ink); }
table.model th:first-child { text-align: left; } table.model tr.below > * { border-bottom: 0; color: var(--soft); }
table.model tr.first > * { border-top: 1px solid var(--ink); }
pre.code { font: .875rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border-top: 1px solid var(--rule); padding-top: .75rem; }
article { max-width: 44rem; } footer { margin-top: 1.5rem; font-size: .875rem; max-width: 50rem; color: var(--soft); }
@page { margin: 17mm 16mm 19mm; font: 8pt sans-serif; color: #444;
  @bottom-right { content: counter(page) " of " counter(pages); } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; color-scheme: light; }
  body { margin: 0; padding: 0; max-width: none; font-size: 10pt; }
  thead { display: table-header-group; position: static !important; }
  body .p20 .p20-frame th { white-space: normal; overflow-wrap: anywhere; }
  body .p20 .p20-frame table { font-size: .8rem; }
  tr, caption { break-inside: avoid; } caption, h1, h2, h3 { break-after: avoid; } }
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><main><h1>{title}</h1><p class="about">{about}</p>
{body}
</main>
<footer><p>{foot}</p></footer>
</body></html>
"""
_SHARED = "Written anew from its syntax; comments and outputs stayed inside (Data Sharing Agreement VI.G.1)."
_COUNTED = "Counts are of distinct individuals (Data Sharing Agreement III.G.2, VI.D.2)."


def table_page(protected: Protected, position: int, about: str) -> str:
    """Give one protected table as a page: every row, hidden cells marked, the legend below."""
    table = protected.tables[position]
    drawn = as_html([table], [protected.to_published(position)], protected.policy, released=True)
    return _page(table.title or table.name, about, drawn, _COUNTED)


def model_page(model: Model, about: str) -> str:
    """Give a regression as a page: coefficients, and below them the base and the degrees of freedom."""
    frame = model.to_frame()
    below = len(frame) - len(model.estimates)
    head = "".join(f'<th scope="col">{html.escape(str(column))}</th>' for column in frame.columns)
    rows = "\n".join(
        _model_row(row, position - (len(frame) - below)) for position, row in enumerate(frame.itertuples(index=False))
    )
    form = f"{model.formula} ({model.kind}{', robust standard errors' if model.robust else ''})"
    body = f'<table class="model"><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>'
    return _page(model.title or model.name, f"{form}. {about}".strip(), body, f"{_COUNTED} Rounded to four digits.")


def text_page(title: str, markdown: str, about: str) -> str:
    """Give a text as a page: no HTML of its own, no picture, no link."""
    barred = ["image", "link", "autolink", "reference", "html_block", "html_inline"]
    reader = MarkdownIt("commonmark", {"html": False}).disable(barred).enable("table")
    return _page(title, about, f"<article>{reader.render(markdown)}</article>", _COUNTED)


def code_page(title: str, written: Sequence[str], about: str) -> str:
    """Give a program as a page, its cells under each other."""
    cells = "\n".join(f'<pre class="code">{html.escape(text)}</pre>' for text in written)
    return _page(title, about, cells, _SHARED)


def _model_row(row: tuple[object, ...], below: int) -> str:
    term, *figures = row
    cells = "".join(f"<td>{'' if pd.isna(f) else _spelled(f)}</td>" for f in figures)  # type: ignore[call-overload]
    kind = "" if below < 0 else ' class="below first"' if below == 0 else ' class="below"'
    return f'<tr{kind}><th scope="row">{html.escape(str(term))}</th>{cells}</tr>'


def _spelled(figure: object) -> str:
    value = float(str(figure))
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 1 else f"{value:,.6g}"


def _page(title: str, about: str, body: str, foot: str) -> str:
    said = {"title": html.escape(title), "about": html.escape(about), "foot": html.escape(foot)}
    return _PAGE.format(style=_STYLE, body=body, **said)
