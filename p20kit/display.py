"""How a protected table looks in a notebook: hidden cells marked, and a legend that cites the policy.

The marks are characters, the indentation is inline, and the colours are tints of whatever the page is: the table is
legible in light and dark, in grey, read aloud, and where a notebook that is not trusted loses the style sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from itertools import groupby, pairwise
from typing import NamedTuple

import pandas as pd

from p20kit.dimensions import TOTAL, Dimension
from p20kit.needs import terms_of
from p20kit.policy import COMPLEMENTARY_CLAUSE, COUNT_CLAUSE, FORMULA_CLAUSE, RECIPIENT_CLAUSE, CellPolicy
from p20kit.tables import Table

MAX_ROWS = 60
MAX_ACROSS = 16
COUNT = "count"
PERSONS = "Persons"

MARKS = {
    "primary": ("●", "hidden: too few individuals"),
    "complementary": ("○", "hidden: protects another cell"),
    "hidden": ("●", "hidden"),
    "structural": ("–", "cannot occur"),
    "withheld": ("◇", "not displayed: base or numerator too small"),
}
HIDDEN = ("primary", "complementary", "hidden")
STYLE = files("p20kit").joinpath("display.css").read_text("utf-8")

Codes = tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One code of a by-column where it stands in the table.

    Parameters
    ----------
    code : str
    depth : int
        How many parents, `Total` not counted.
    kind : {"leaf", "parent", "total"}
    """

    code: str
    depth: int
    kind: str


class Layout(NamedTuple):
    """Which by-columns go down, and what stands across."""

    down: list[Dimension]
    across: Dimension | None
    figures: list[str]


def outline(dimension: Dimension) -> list[Line]:
    """Put the codes of a by-column in the order of reading: each parent before its children, `Total` last."""
    children: dict[int, list[int]] = {}
    for parent, members in dimension.groups:
        children.setdefault(parent, []).extend(members)
    first = dict(enumerate(range(dimension.leaves)))
    for parent in children:
        first[parent] = min((first.get(child, child) for child in children[parent]), default=parent)
    top = len(dimension.codes) - 1
    found: dict[int, Line] = {}

    def walk(position: int, depth: int) -> None:
        if position in found:
            return
        kind = "parent" if position in children else "leaf"
        found[position] = Line(dimension.codes[position], depth, kind)
        for child in sorted(children.get(position, ()), key=lambda c: (first.get(c, c), -c)):
            walk(child, depth + 1)

    for position in [*sorted(children[top], key=lambda c: (first.get(c, c), -c)), *range(top)]:
        walk(position, 0)
    return [*found.values(), Line(TOTAL, 0, "total")]


def as_html(
    tables: Sequence[Table], frames: Sequence[pd.DataFrame], policy: CellPolicy, *, released: bool = False
) -> str:
    """Draw tables with what is displayed of them, the last by-column across.

    Source: DSA III.G.2.a; DSA III.G.2.b; DSA III.G.2.d; DSA VI.D.2.

    Parameters
    ----------
    tables : sequence of Table
    frames : sequence of DataFrame
        One per table, as `Protected.to_frame` or `to_published` gives it: the by-columns, `count` (persons, null
        where hidden; text where it is coded), `status`, and one column for each further measure.
    policy : CellPolicy
        The legend says its terms for the columns of the tables above it.
    released : bool, default False
        Draw every row, and say nothing that the displayed cells do not: how many persons stand in hidden cells is
        for the analyst.

    Returns
    -------
    str
        HTML that loads nothing. Frames of `to_frame` are for the analyst: they tell primary from complementary.
    """
    pairs = list(zip(tables, frames, strict=True))
    drawn = []
    for terms, same in groupby(pairs, key=lambda pair: terms_of(pair[0], policy)):
        together = list(same)
        drawn += [_table(table, frame, released) for table, frame in together]
        drawn.append(_legend(terms, [frame for _, frame in together]))
    return f'<div class="p20"><style>{STYLE}</style>{"".join(drawn)}</div>'


def _figures(frame: pd.DataFrame) -> list[str]:
    """Name what a cell displays: the columns after the by-columns, but for the status."""
    columns = list(frame.columns)
    return [COUNT, *(c for c in columns[columns.index(COUNT) + 1 :] if c != "status")]


def _withheld(frame: pd.DataFrame, figure: str) -> pd.Series[bool]:
    return frame[figure].isna() & (frame["status"] == "shown")


def _layout(table: Table, frame: pd.DataFrame) -> Layout:
    """Put the last by-column across, unless it is long or each cell displays more than its count."""
    figures, last = _figures(frame), table.dimensions[-1]
    if len(table.dimensions) == 1 or len(figures) > 1 or len(last.codes) > MAX_ACROSS:
        return Layout(list(table.dimensions), None, figures)
    return Layout(list(table.dimensions[:-1]), last, figures)


def _table(table: Table, frame: pd.DataFrame, released: bool) -> str:
    layout = _layout(table, frame)
    present = {column: set(frame[column]) for column in table.by}
    lines = {
        dimension.column: {line.code: line for line in outline(dimension) if line.code in present[dimension.column]}
        for dimension in table.dimensions
    }
    ranked = frame.assign(
        **{column: pd.Categorical(frame[column], categories=list(known)) for column, known in lines.items()}
    )
    ranked = ranked.sort_values(list(table.by), kind="stable")
    down = [dimension.column for dimension in layout.down]
    keys: list[Codes] = list(ranked[down].drop_duplicates().astype(str).itertuples(index=False, name=None))
    kept = keys if released or len(keys) <= MAX_ROWS else [*keys[: MAX_ROWS - 1], keys[-1]]
    across = list(lines[layout.across.column].values()) if layout.across else [Line("", 0, "leaf")]
    draw = _drawing(ranked, layout, across)
    body = _body(
        kept, len(keys) - len(kept), [lines[column] for column in down], draw, len(across) * len(layout.figures)
    )
    caption = f"<caption><b>{escape(table.title)}</b><br><span>{_subtitle(table, frame, released)}</span></caption>"
    return f'<div class="p20-frame"><table>{caption}{_head(layout, across)}<tbody>{body}</tbody></table></div>'


def _subtitle(table: Table, frame: pd.DataFrame, released: bool) -> str:
    """Say how much is hidden: cells, and for the analyst the persons in the innermost of them."""
    hidden = frame["status"].isin(HIDDEN)
    text = f"{len(frame):,} cells, {int(hidden.sum()):,} hidden"
    if table.coding.methods:
        text = f"{text}; {'' if released else 'when it leaves: '}{table.coding.in_words(table)}"
    inner = pd.Series(True, index=frame.index)
    for dimension in table.dimensions:
        inner &= frame[dimension.column].isin(dimension.codes[: dimension.leaves])
    if released or not hidden.any() or not inner.any() or not table.total:
        return text
    shown = pd.to_numeric(frame.loc[inner & ~hidden, COUNT], errors="coerce").fillna(0).sum()
    return f"{text}; {(table.total - int(shown)) / table.total * 100:.1f} % of all persons stand in hidden cells"


def _head(layout: Layout, across: Sequence[Line]) -> str:
    """Draw the column heads; above the codes of the column across stands its name."""
    stubs = [dimension.column for dimension in layout.down]
    if layout.across is None:
        names = [PERSONS if figure == COUNT else figure for figure in layout.figures]
        heads = [*(f'<th scope="col" class="stub">{escape(s)}</th>' for s in stubs), *map(_column_head, names)]
        return f"<thead><tr>{''.join(heads)}</tr></thead>"
    spanned = "".join(f'<th scope="col" rowspan="2" class="stub">{escape(s)}</th>' for s in stubs)
    spanner = f'<th scope="colgroup" colspan="{len(across)}" class="spanner">{escape(layout.across.column)}</th>'
    heads = [_column_head(line.code, line.kind) for line in across]
    return f"<thead><tr>{spanned}{spanner}</tr><tr>{''.join(heads)}</tr></thead>"


def _column_head(text: str, kind: str = "leaf") -> str:
    return f'<th scope="col" class="{kind}">{escape(text)}</th>'


def _drawing(ranked: pd.DataFrame, layout: Layout, across: Sequence[Line]) -> Callable[[Codes], Iterator[str]]:
    """Give the function that draws the cells of one row."""
    places = [_decimals(ranked[figure]) for figure in layout.figures]
    columns = [dimension.column for dimension in layout.down] + ([layout.across.column] if layout.across else [])
    keys = ranked[columns].astype(str).itertuples(index=False, name=None)
    values = ranked[[*layout.figures, "status"]].itertuples(index=False, name=None)
    cells = dict(zip(keys, values, strict=True))

    def draw(codes: Codes) -> Iterator[str]:
        for line in across:
            found = cells.get((*codes, line.code) if layout.across else codes)
            *figures, status = found if found is not None else (*([""] * len(places)), "shown")
            for value, decimals in zip(figures, places, strict=True):
                yield _cell(value, status, decimals, line.kind)

    return draw


def _decimals(figures: pd.Series[float]) -> int:
    """Count the places after the point that a column of numbers needs."""
    if not pd.api.types.is_float_dtype(figures):
        return 0
    shown = figures.dropna()
    return next((d for d in range(4) if ((shown * 10**d).round(6) % 1 == 0).all()), 4)


def _cell(value: object, status: str, decimals: int, kind: str) -> str:
    if pd.isna(value):  # type: ignore[call-overload]
        status = "withheld" if status == "shown" else status
    if status in MARKS:
        mark, meaning = MARKS[status]
        return f'<td class="{status} {kind}" title="{meaning}">{mark}</td>'
    text = escape(value) if isinstance(value, str) else f"{value:,.{decimals}f}"
    return f'<td class="{kind}">{text}</td>'


def _body(
    keys: Sequence[Codes],
    left_out: int,
    lines: Sequence[dict[str, Line]],
    draw: Callable[[Codes], Iterator[str]],
    width: int,
) -> str:
    """Draw the rows; a code that holds for several rows is written once, at the first of them."""
    rows: list[str] = []
    last: Codes = ()
    for i, codes in enumerate(keys):
        if left_out and i == len(keys) - 1:
            more = f"{left_out:,} more rows; to_frame() has them all"
            rows.append(f'<tr class="more"><td colspan="{len(codes) + width}">⋯ {more}</td></tr>')
            last = ()
        new = next((level for level, pair in enumerate(zip(codes, last, strict=False)) if pair[0] != pair[1]), 0)
        stub = [
            _stub(lines[level][codes[level]], _span(keys, i, level, left_out)) for level in range(new, len(codes))
        ]
        kinds = [lines[level][code].kind for level, code in enumerate(codes)]
        rows.append(f'<tr class="{_row_class(kinds, new)}">{"".join(stub)}{"".join(draw(codes))}</tr>')
        last = codes
    return "".join(rows)


def _span(keys: Sequence[Codes], start: int, level: int, left_out: int) -> int:
    """Count the rows below for which the same codes hold, up to this level."""
    end = len(keys) - 1 if left_out and start < len(keys) - 1 else len(keys)
    same = (a[: level + 1] == b[: level + 1] for a, b in pairwise(keys[start:end]))
    return 1 + next((i for i, held in enumerate(same) if not held), end - start - 1)


def _row_class(kinds: Sequence[str], new: int) -> str:
    """Set a row off: the grand total, a subtotal or parent, the first row of a group."""
    words = ["grand"] if all(kind == "total" for kind in kinds) else []
    words += ["set-off"] if not words and kinds[-1] != "leaf" else []
    return " ".join([*words, *(["first"] if new < len(kinds) - 1 else [])])


def _stub(line: Line, span: int) -> str:
    indent = f' style="padding-left:{0.7 + 1.3 * line.depth:g}em"' if line.depth else ""
    if span == 1:
        return f'<th scope="row" class="{line.kind}"{indent}>{escape(line.code)}</th>'
    return f'<th scope="rowgroup" rowspan="{span}" class="{line.kind}"{indent}><span>{escape(line.code)}</span></th>'


def _legend(policy: CellPolicy, frames: Sequence[pd.DataFrame]) -> str:
    """Say in words what the marks of some tables mean, and which clause asks for it."""
    used = {status for frame in frames for status in frame["status"]}
    withheld = any(_withheld(frame, figure).any() for frame in frames for figure in _figures(frame))
    zeros = "0 included" if policy.hides_zeros else "0 is shown"
    meanings = {
        "primary": f"hidden: fewer than {policy.minimum_count} individuals, {zeros} ({COUNT_CLAUSE}; "
        f"{RECIPIENT_CLAUSE})",
        "complementary": f"hidden so that no ● can be worked out ({COMPLEMENTARY_CLAUSE}; {RECIPIENT_CLAUSE})",
        "hidden": f"hidden: fewer than {policy.minimum_count} individuals, {zeros}, or so that such a cell cannot be "
        f"worked out ({COUNT_CLAUSE}; {COMPLEMENTARY_CLAUSE}; {RECIPIENT_CLAUSE})",
        "withheld": f"not displayed: fewer than {policy.minimum_base} individuals in its base, or it would give away "
        f"a hidden figure ({FORMULA_CLAUSE}; {RECIPIENT_CLAUSE})",
        "structural": "cannot occur",
    }
    present = used | ({"withheld"} if withheld else set())
    items = [
        f'<span class="{status}">&nbsp;{MARKS[status][0]}&nbsp;</span> {text}'
        for status, text in meanings.items()
        if status in present
    ]
    if {"primary", "complementary"} & used:
        items.append("In the released copy ● and ○ look the same.")
    elif used <= {"shown", "structural"}:
        items.insert(0, f"No count is hidden: none is under {policy.minimum_count} individuals ({COUNT_CLAUSE}).")
    return f'<p class="p20-legend">{"<br>".join(items)}</p>'
