"""`chart`: a picture of a protected table, drawn from its published cells and from nothing else."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from html import escape
from typing import Any, get_args

import numpy as np
import pandas as pd
import vl_convert

from p20kit.chart_cells import COLOURS, HIDDEN, Cells, Kind
from p20kit.dimensions import TOTAL
from p20kit.disclosed import COUNT
from p20kit.errors import ChartInvalid, Finding
from p20kit.measures import CumulativeShare
from p20kit.policy import COUNT_CLAUSE, FORMULA_CLAUSE
from p20kit.primary import small_bases
from p20kit.protection import Protected
from p20kit.tables import Table

MAX_CODES = 60
UP_TO = "% up to {}"
"""What is drawn along the points of a column."""
_ID = re.compile(r'(?<= id=")[^"]+')
_REFERENCE = re.compile(r'( id="|url\(#)([^")]+)("|\))')
NO_SOURCES: list[str] = []
"""Nothing may be fetched while a picture is made."""


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart of one protected table.

    A specification changed by hand is not this chart: the gate draws it anew from the table and `parameters`, and
    releases what it drew itself.

    Parameters
    ----------
    title, description : str
        The description says in words what is drawn, for readers who do not see it.
    parameters : mapping of str to str or mapping
        What `chart` was called with: ``chart(protected, **parameters)`` gives the same chart.
    cells : DataFrame
        What is drawn: the by-columns named, the measure (null where hidden) and `status`.
    specification : mapping
        Vega-Lite, with the displayed cells inline.
    """

    title: str
    description: str
    parameters: Mapping[str, Any]
    cells: pd.DataFrame
    specification: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return a copy of the Vega-Lite specification."""
        return deepcopy(dict(self.specification))

    def to_svg(self) -> str:
        """Draw as SVG, without a network; the same chart gives the same bytes."""
        drawn = str(vl_convert.vegalite_to_svg(self.to_dict(), allowed_base_urls=NO_SOURCES))
        # the renderer numbers clips and gradients on from one picture to the next
        names = {name: f"part{i}" for i, name in enumerate(dict.fromkeys(_ID.findall(drawn)))}
        return _REFERENCE.sub(lambda found: found[1] + names[found[2]] + found[3], drawn)

    def to_png(self, *, scale: float = 2.0) -> bytes:
        """Draw as PNG, without a network; `scale` is pixels per point."""
        return bytes(vl_convert.vegalite_to_png(self.to_dict(), scale=scale, allowed_base_urls=NO_SOURCES))

    def to_html(self) -> str:
        """Return the picture with its table below, for readers who do not see the picture."""
        source = "data:image/svg+xml;base64," + base64.b64encode(self.to_svg().encode()).decode()
        table = self.cells.to_html(index=False, na_rep="", border=0)
        return (
            f'<figure style="margin:0"><img alt="{escape(self.description)}" src="{source}">'
            f"<details><summary>The same as a table</summary>{table}</details></figure>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.to_html(), "text/plain": self.description}

    def __repr__(self) -> str:
        """Say what is drawn, in words."""
        return f"<Chart {self.description}>"


def chart(
    protected: Protected,
    kind: Kind = "bar",
    *,
    x: str,
    colour: str | None = None,
    measure: str = COUNT,
    table: int | str = 0,
    at: Mapping[str, str] | None = None,
    title: str = "",
) -> Chart:
    """Draw a protected table; a hidden cell is a hatched gap, never a zero.

    Axes, colours and the order of categories come from the displayed cells and the code lists alone.

    Source: DSA III.G.2; DSA VI.D.2.

    Parameters
    ----------
    protected : Protected
        The result of `protect`. A DataFrame is refused: a chart is only as safe as the table it is drawn from.
    kind : {"bar", "line", "heatmap", "share"}, default "bar"
        `share` stacks the categories of `colour` to 100 percent of each category of `x`.
    x : str
        By-column whose categories stand side by side; or the column of cumulative shares, whose points do.
    colour : str, optional
        By-column whose categories are told apart by colour; the rows of a heatmap.
    measure : str, default "count"
        A measure's label, as the column of `to_frame` is called; along points it is their shares.
    table : int or str, default 0
        Position or name.
    at : mapping of by-column to category, optional
        The category of each other by-column; ``Total`` where none is named.
    title : str
        The table's where none is given.

    Returns
    -------
    Chart

    Raises
    ------
    ChartInvalid
        If it is not a protected table, a column or category is not the table's, or there are too many of them.
    """
    source = _table(protected, table)
    chosen = {column: TOTAL for column in source.by if column not in (x, colour)} | dict(at or {})
    frame, drawn = _along(protected.to_published(table), x, _curve(source, x), measure)
    faults = [*_faults(source, frame, kind, x, colour, drawn), *_misplaced(source, frame, chosen, x, colour)]
    if faults:
        raise _invalid(faults)
    within = frame[np.all([frame[c] == code for c, code in chosen.items()], axis=0)] if chosen else frame
    cells = _cells(source, within, x, colour, drawn)
    if kind == "share":
        cells = _shares(cells, within, protected)
    heading = title or source.title
    description = _description(kind, heading, cells, drawn, chosen)
    asked: dict[str, Any] = {"kind": kind, "x": x, "colour": colour, "measure": measure, "table": source.name}
    asked |= {"at": dict(at or {}), "title": title}
    return Chart(heading, description, asked, _readable(cells), _drawn(kind, cells, heading, description))


def _drawn(kind: Kind, cells: Cells, title: str, description: str) -> dict[str, Any]:
    from p20kit.chart_marks import draw  # heavy: altair

    return draw(kind, cells, title, description)


def _table(protected: Protected, table: int | str) -> Table:
    if not isinstance(protected, Protected):
        what = f"a chart is only as safe as its table, and a {type(protected).__name__} has not been protected"
        raise _invalid([("protected", what, "Use chart(protect(table, policy), ...).")])
    named = [t for i, t in enumerate(protected.tables) if table in (i, t.name)]
    if not named:
        raise _invalid([("table", "there is none of that name or position", f"There are {len(protected.tables)}.")])
    return named[0]


def _curve(source: Table, x: str) -> list[CumulativeShare]:
    """Give the cumulative shares of a column, from the first point to the last; none of a by-column."""
    shares = [m for m in source.measures if isinstance(m, CumulativeShare) and m.of == x]
    return sorted(shares, key=lambda share: len(share.numerator))


def _along(frame: pd.DataFrame, x: str, curve: Sequence[CumulativeShare], measure: str) -> tuple[pd.DataFrame, str]:
    """Put the shares of a curve below each other, with the point of each, and name them; else leave all as it is."""
    if not curve:
        return frame, measure
    by = [column for column in frame.columns[: frame.columns.get_loc(COUNT)] if column != x]
    parts = [frame[[*by, share.label, "status"]].rename(columns={share.label: UP_TO.format(x)}) for share in curve]
    return pd.concat([part.assign(**{x: share.to}) for part, share in zip(parts, curve, strict=True)]), UP_TO.format(
        x
    )


def _leaves(source: Table, column: str) -> tuple[str, ...]:
    if column not in source.by:
        return tuple(share.to for share in _curve(source, column))
    dimension = source.dimensions[source.by.index(column)]
    return dimension.codes[: dimension.leaves]


def _faults(
    source: Table, frame: pd.DataFrame, kind: Kind, x: str, colour: str | None, measure: str
) -> list[tuple[str, str, str]]:
    """Give where, what and what next of everything that is wrong with what was asked for."""
    faults = []
    by = ", ".join(source.by)
    if kind not in get_args(Kind):
        faults.append(("kind", "it is none of bar, line, heatmap and share", "Name one of the four."))
    if kind in ("heatmap", "share") and colour is None:
        faults.append(("colour", f"a {kind} needs a second by-column", f"Name one of {by}."))
    for field, column in (("x", x), ("colour", colour)):
        if column is not None and column not in source.by and not (field == "x" and _curve(source, column)):
            faults.append((field, "it is not a by-column of the table", f"Name one of {by}."))
        elif column is not None and len(_leaves(source, column)) > MAX_CODES:
            faults.append((field, f"it has more than {MAX_CODES} categories", "Merge categories, or use the table."))
    if colour == x:
        faults.append(("colour", "it is the same as x", "Name another by-column."))
    known = [column for column in frame.columns if column not in (*source.by, x, "status")]
    if measure not in known:
        faults.append(("measure", "the table does not display it", f"Name one of {', '.join(known)}."))
    elif frame[measure].dtype == object:
        what = "its figures are coded, and a mark has one length"
        faults.append(("measure", what, "Draw it from a table whose counts and shares are in full, or rounded."))
    if kind == "share" and measure != COUNT:
        faults.append(("measure", "shares are of counts", "Leave the measure out, or draw it as a bar."))
    if kind != "heatmap" and colour in source.by and len(_leaves(source, colour)) > len(COLOURS):
        what = f"more than {len(COLOURS)} colours cannot be told apart"
        faults.append(("colour", what, "Merge categories, or draw a heatmap."))
    return faults


def _misplaced(
    source: Table, frame: pd.DataFrame, chosen: Mapping[str, str], x: str, colour: str | None
) -> list[tuple[str, str, str]]:
    faults = []
    for column, code in chosen.items():
        if column not in source.by or column in (x, colour):
            faults.append(
                ("at", f"{column} is not one of the other by-columns", "Name by-columns that are not drawn.")
            )
        elif not (frame[column] == code).any():
            what = f"{column} displays no such category" if code != TOTAL else f"{column} displays no Total"
            faults.append(("at", what, f"Choose a category of {column}, or draw it."))
    return faults


def _cells(source: Table, within: pd.DataFrame, x: str, colour: str | None, measure: str) -> Cells:
    """Take the cells to draw, in the table's order; parents and `Total` are no categories beside their parts."""
    rows, across = _leaves(source, x), _leaves(source, colour) if colour else ()
    kept = within[within[x].isin(rows) & (within[colour].isin(across) if colour else True)]
    value = pd.to_numeric(kept[measure], errors="coerce").astype("Float64")
    status = np.where(kept["status"] == "structural", "structural", np.where(value.notna(), "shown", "hidden"))
    second = kept[colour].astype("str").to_numpy() if colour else ""
    drawn = {"x": kept[x].astype("str").to_numpy(), "colour": second, "value": value.to_numpy(), "status": status}
    return Cells(x, colour, rows, across, measure, pd.DataFrame(drawn))


def _shares(cells: Cells, within: pd.DataFrame, protected: Protected) -> Cells:
    """Turn counts into percent of displayed bases; what is left of a base is the hidden ones' together."""
    totals = within[within[cells.colour] == TOTAL].set_index(cells.x)["count"]
    parts = []
    for code in cells.rows:
        part = cells.frame[cells.frame["x"] == code].copy()
        whole = totals.get(code)
        if (whole is None or pd.isna(whole)) and (part["status"] != "hidden").all():
            whole = part["value"].sum()
        if whole is None or pd.isna(whole) or small_bases(np.array([int(whole)]), protected.policy).any():
            part["value"], part["status"] = pd.NA, "hidden"
        else:
            part["value"] = part["value"] / int(whole) * 100
        parts.append(part)
    return Cells(cells.x, cells.colour, cells.rows, cells.across, f"% of each {cells.x}", pd.concat(parts))


def _readable(cells: Cells) -> pd.DataFrame:
    names = {"x": cells.x, "value": cells.measure} | ({"colour": cells.colour} if cells.colour else {})
    frame = cells.frame if cells.colour else cells.frame.drop(columns="colour")
    return frame.rename(columns=names).reset_index(drop=True)


def _description(kind: Kind, heading: str, cells: Cells, measure: str, at: Mapping[str, str]) -> str:
    hidden = int((cells.frame["status"] == "hidden").sum())
    by = f"{cells.x} and {cells.colour}" if cells.colour else cells.x
    only = "".join(f", {column} {code}" for column, code in at.items() if code != TOTAL)
    gap = f" {hidden} of {len(cells.frame)} are {HIDDEN} and drawn as gaps." if hidden else " None is hidden."
    return f"{heading}: {kind} chart of {measure} by {by}{only}.{gap}"


def _invalid(faults: list[tuple[str, str, str]]) -> ChartInvalid:
    clauses = {"protected": COUNT_CLAUSE, "measure": FORMULA_CLAUSE}
    findings = [Finding("chart", clauses.get(where, ""), where, what, advice) for where, what, advice in faults]
    return ChartInvalid("the chart cannot be drawn", findings)
