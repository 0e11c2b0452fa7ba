"""How a report's tables and charts are set: HTML and SVG made here, so that a page of them loads nothing."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from IPython.display import HTML, SVG

INK, BLUE, RUST, PALE = "#1c2733", "#1f5fa8", "#b5532a", "#c9d3de"
HIDDEN = "hidden"
"""Of a group that is not displayed: a small one, or the partner of one, which may be large."""
FACES = "DejaVu Sans, Verdana, Arial, sans-serif"
"""Of a chart. Its room for labels is measured with the first, which is on every hub and wider than the others."""
SHORT = 14
"""Rows up to which a table is not broken over two pages."""
NOT_RUN = {"explodes": "not run: too many", "contained": "within a rule above", "empty": "none"}


def number(value: int) -> str:
    """Set a count with thousands apart."""
    return f"{value:,}"


def percent(value: float | None, places: int = 1) -> str:
    """Set a share as per cent; nothing where there is none."""
    return "" if value is None else f"{100 * value:.{places}f} %"


def small(value: float) -> str:
    """Set a probability, a tiny one by its power of ten."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def weight(value: float) -> str:
    """Set a match weight with its sign; no sign where it rounds to nothing."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "0.0"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    note: str = "",
    force: Sequence[int] = (),
    *,
    numeric: bool = True,
) -> HTML:
    """Set a table: numbers to the right, `note` as its caption, the rows `force` marked."""
    cells = [list(row) for row in rows]
    right = [numeric and bool(cells) and all(_is_number(row[i]) for row in cells) for i in range(len(head))]

    to_the_left, to_the_right = ' style="text-align:left"', ' class="n" style="text-align:right"'

    def line(row: Sequence[str], *, names: bool = False) -> str:
        # a cell that names nothing is no header: a screen reader would announce it for every row
        return "".join(
            f"<{tag}{to_the_right if right[i] else to_the_left}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(row)
            for tag in ("th" if names and cell else "td",)
        )

    body = "".join(f"<tr{' class=force' if i in force else ''}>{line(row)}</tr>" for i, row in enumerate(cells))
    top = f"<thead><tr>{line(head, names=True)}</tr></thead>" if any(head) else ""
    caption = f"<caption>{escape(note)}</caption>" if note else ""
    kept = " class=short" if len(cells) <= SHORT else ""
    return html(f"<table{kept}>{caption}{top}<tbody>{body}</tbody></table>")


def _is_number(cell: str) -> bool:
    return cell in {"", HIDDEN, *NOT_RUN.values()} or cell.lstrip("+-")[:1].isdigit()


def panels(column: str, frame: pd.DataFrame) -> Any:
    """One panel per value of a column, in the frame's order, its name above it on the left."""
    header = alt.Header(
        labelAngle=0,
        labelAlign="left",
        labelAnchor="start",
        labelOrient="top",
        labelFontWeight="bold",
        labelPadding=-4,
    )
    return alt.Row(f"{column}:N", sort=list(dict.fromkeys(frame[column])), title=None, header=header)


def picture_of(chart: Any) -> SVG:
    """Draw a chart as SVG."""
    styled = (
        chart.configure(font=FACES)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=INK,
            titleFontWeight="normal",
            labelFontSize=10,
            titleFontSize=10,
            labelFlush=False,
            gridColor="#e6ebf0",
            domainColor=PALE,
            tickColor=PALE,
        )
    )
    return _picture(vl_convert.vegalite_to_svg(styled.to_dict()))


def html(text: str) -> HTML:
    """Show a piece of a page."""
    return HTML(text)  # type: ignore[no-untyped-call]


def _picture(svg: str) -> SVG:
    return SVG(svg)  # type: ignore[no-untyped-call]
