"""What protection took from whom: cells hidden, and persons in them, by every category of every by-column.

Small groups lose most. Who reads or publishes a protected table should see which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from IPython.display import SVG
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
from p20kit.display import outline
from p20kit.errors import Finding, TableInvalid
from p20kit.tables import Table, position_of

if TYPE_CHECKING:
    from p20kit.protection import Protected

BoolArray = NDArray[np.bool_]

COLUMNS = ("column", "category", "level", "cells", "primary", "complementary", "persons")
HIDDEN = ("primary", "complementary")
MAX_CATEGORIES = 24
INK, PALE, PRIMARY, COMPLEMENTARY = "#1c2733", "#9aa5b1", "#b5532a", "#e2b45c"


def losses(protected: Protected, by: str | None = None, table: int | str = 0) -> pd.DataFrame:
    """Count what is hidden, by category.

    The cells are the finest that are displayed: a code without parts in every by-column. For the analyst: the
    persons in hidden cells are not for publication.

    Source: DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    protected : Protected
    by : str, optional
        A by-column; all of them by default.
    table : int or str, default 0
        Position or name.

    Returns
    -------
    DataFrame
        `column`, `category`, `level` (leaf, parent or total), `cells`, how many of them are hidden (`primary`,
        `complementary`), `persons` in the cells, and in the hidden ones (`persons_primary`,
        `persons_complementary`).

    Raises
    ------
    TableInvalid
        If there is no such table, or it has no such by-column.
    """
    source = protected.tables[position_of(protected.tables, table)]
    if by is not None and by not in source.by:
        finding = Finding("table", "", source.name, "no such by-column", f"Name one of {', '.join(source.by)}.")
        raise TableInvalid("losses cannot be counted", [finding])
    status = np.array(protected.status(table), dtype=object).reshape(source.counts.shape)
    columns = [i for i, column in enumerate(source.by) if by in (None, column)]
    return pd.concat([_by_category(source, status, axis) for axis in columns], ignore_index=True)


def _by_category(table: Table, status: NDArray[np.object_], axis: int) -> pd.DataFrame:
    """Add up the finest displayed cells along one axis; a parent has those of all its leaves."""
    finest = _finest(table, axis) & (status != "structural")
    others = tuple(i for i in range(status.ndim) if i != axis)
    figures = {"cells": finest, "persons": np.where(finest, table.counts, 0)}
    for kind in HIDDEN:
        figures[kind] = finest & (status == kind)
        figures[f"persons_{kind}"] = np.where(figures[kind], table.counts, 0)
    per_leaf = pd.DataFrame({name: values.sum(axis=others) for name, values in figures.items()})
    dimension = table.dimensions[axis]
    leaves = _leaves(dimension)
    rows = [
        {"column": dimension.column, "category": line.code, "level": line.kind}
        | per_leaf.loc[leaves[line.code]].sum().to_dict()
        for line in outline(dimension)
    ]
    order = [*COLUMNS, *(f"persons_{kind}" for kind in HIDDEN)]
    return pd.DataFrame(rows)[order]


def _finest(table: Table, axis: int) -> BoolArray:
    """Mark the displayed cells with a leaf on this axis, and on as many of the others as any of them has."""
    published = table.published.reshape(table.counts.shape)
    leaf = np.meshgrid(*(np.arange(len(d.codes)) < d.leaves for d in table.dimensions), indexing="ij")
    depth = np.where(published & leaf[axis], np.sum(leaf, axis=0), -1)
    return np.asarray((depth == depth.max()) & (depth > 0), dtype=np.bool_)


def _leaves(dimension: Dimension) -> dict[str, list[int]]:
    """Give the positions of the leaves below every code."""
    below = {position: {position} for position in range(dimension.leaves)}
    for parent, children in dimension.groups:
        below.setdefault(parent, set()).update(*(below[child] for child in children))
    return {dimension.codes[position]: sorted(found) for position, found in below.items()}


def plot_losses(protected: Protected, by: str | None = None, table: int | str = 0) -> SVG:
    """Draw what is hidden by category: the share of cells, and the share of persons who stand in them.

    A line marks the share over the whole table; a category that reaches beyond it lost more than its part. Of a
    by-column with many categories the parents are drawn, or those that lost most.

    Source: DSA III.G.2.a; DSA III.G.2.d.

    Parameters
    ----------
    protected, by, table
        As for `losses`, which gives the figures.

    Returns
    -------
    SVG
        Drawn here, so that a page made of it loads nothing. For the analyst.

    Raises
    ------
    TableInvalid
        If there is no such table, or it has no such by-column.
    """
    counted = losses(protected, by, table)
    panels = [_panel(str(column), part) for column, part in counted.groupby("column", sort=False)]
    chart = alt.vconcat(*panels, spacing=22).configure(background="white", padding=12).configure_view(stroke=None)
    ink = {"labelColor": INK, "titleColor": INK}
    chart = chart.configure_axis(grid=False, domainColor=PALE, tickColor=PALE, titleFontWeight="normal", **ink)
    chart = chart.configure_legend(orient="top", symbolType="square", **ink)
    return SVG(vl_convert.vegalite_to_svg(chart.to_dict()))  # type: ignore[no-untyped-call]


def _panel(column: str, counted: pd.DataFrame) -> alt.HConcatChart:
    """Draw one by-column: cells to the left, persons to the right."""
    chosen, note = _choose(counted[counted["level"] != "total"])
    overall = counted[counted["level"] == "total"].iloc[0]
    sides = [
        _bars(chosen, overall, HIDDEN, "cells", "cells hidden"),
        _bars(chosen, overall, [f"persons_{kind}" for kind in HIDDEN], "persons", "persons in hidden cells"),
    ]
    title = alt.TitleParams(f"{column}{note}", anchor="start", frame="group", color=INK, fontSize=13)
    return alt.hconcat(sides[0].properties(title=title), sides[1], spacing=18)


def _choose(counted: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Take the leaves, or the parents where the leaves are many, or those that lost most."""
    leaves, parents = (counted[counted["level"] == level] for level in ("leaf", "parent"))
    chosen, note = (leaves, "") if len(leaves) <= MAX_CATEGORIES or parents.empty else (parents, " (parents)")
    if len(chosen) <= MAX_CATEGORIES:
        return chosen, note
    lost = (chosen["persons_primary"] + chosen["persons_complementary"]) / chosen["persons"].clip(lower=1)
    most = chosen.loc[lost.sort_values(ascending=False, kind="stable").index[:MAX_CATEGORIES]]
    return most, f"{note}: the {MAX_CATEGORIES} of {len(chosen)} that lost most"


def _bars(
    counted: pd.DataFrame, overall: pd.Series[float], kinds: list[str] | tuple[str, ...], base: str, title: str
) -> alt.LayerChart:
    shares = counted[["category"]].assign(
        **{name: counted[kind] / counted[base].clip(lower=1) for name, kind in zip(HIDDEN, kinds, strict=True)}
    )
    long = shares.melt("category", var_name="why", value_name="share")
    line = sum(float(overall[kind]) for kind in kinds) / max(float(overall[base]), 1)
    left = base == "cells"
    scale = alt.Scale(domain=list(HIDDEN), range=[PRIMARY, COMPLEMENTARY])
    axis = alt.Axis(labelLimit=240, ticks=False, domain=False, labels=left, minExtent=130 if left else 0)
    bars = (
        alt.Chart(long, description=f"{title}, share by category")
        .mark_bar(height=11)
        .encode(
            x=alt.X("share:Q", scale=alt.Scale(domain=[0, 1]), title=title, axis=alt.Axis(format=".0%", tickCount=5)),
            y=alt.Y("category:N", sort=None, title=None, axis=axis),
            color=alt.Color("why:N", scale=scale, title="hidden as"),
            order=alt.Order("why:N", sort="descending"),
        )
    )
    rule = alt.Chart(pd.DataFrame({"overall": [line]})).mark_rule(color=INK, strokeDash=[4, 3]).encode(x="overall:Q")
    return (bars + rule).properties(width=270, height=alt.Step(17))
