"""How the cells of a protected table look in a chart: marks for what is displayed, hatching for what is hidden."""

from __future__ import annotations

from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from p20kit.chart_cells import COLOURS, HIDDEN, Cells, Kind

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
INK, PALE, STRIPE, EDGE, PAPER = "#1f2933", "#fafbfc", "#dde1e6", "#8a95a1", "#ffffff"
LENGTH, DEPTH, BAND, CELL_WIDTH, CELL_HEIGHT = 520, 280, 26, 64, 30
MAX_LABELS, LONG, PADDING = 60, 9, 14


def draw(kind: Kind, cells: Cells, title: str, description: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart.

    Parameters
    ----------
    kind : {"bar", "line", "heatmap", "share"}
    cells : Cells
    title, description : str
    """
    # altair holds every part against the schema as it is made, too; here the whole is, once
    with debug_mode(False):
        drawn = {"bar": _bar, "line": _line, "heatmap": _heatmap, "share": _share}[kind](cells)
        beside, legend = _wider(kind, cells)
        around = {**dict.fromkeys(("left", "top", "bottom"), PADDING), "right": PADDING + legend}
        heading = alt.Title(title, anchor="start", fontSize=15, color=INK, offset=14)
        styled = (
            drawn.properties(title=heading, description=description, background=PAPER, padding=around)
            .configure(font="Helvetica Neue, Helvetica, Arial, sans-serif")
            .configure_view(stroke=None)
            .configure_axis(
                labelColor=INK, titleColor=INK, gridColor="#e4e7eb", domainColor="#9aa5b1", tickColor="#9aa5b1",
                labelFontSize=11, titleFontSize=11, titlePadding=10, labelLimit=220,
            )
            .configure_axisY(titlePadding=10 + beside)
            .configure_legend(labelColor=INK, titleColor=INK, labelFontSize=11, titleFontSize=11, labelLimit=220)
            .configure_scale(bandPaddingInner=0.18)
        )  # fmt: skip
    made: dict[str, Any] = styled.to_dict()
    return made


def _wider(kind: Kind, cells: Cells) -> tuple[int, int]:
    """Give the pixels by which what stands beside a chart, and its legend, may be wider where it is read.

    Who reads it may not have the font that texts were measured with: then a letter is up to a pixel wider.
    """
    beside = {"bar": cells.rows, "share": cells.rows, "heatmap": cells.across, "line": ()}[kind]
    legend = (*cells.across, str(cells.colour or ""), HIDDEN if cells.gaps() else "")
    return max(map(len, beside), default=0), max(map(len, legend))


def _bar(cells: Cells) -> Any:
    """Bars from zero, lying where names are long; a hidden one is a hatched band without an end."""
    lying = max(map(len, cells.rows)) > LONG or len(cells.rows) > LONG
    place, reach = ("y", "x") if lying else ("x", "y")
    many = max(len(cells.across), 1)
    step = alt.Step(max(BAND, 18 * many + 8) if lying else max(2 * BAND, 34 * many + 10), **{"for": "position"})
    where = {place: _band(cells.rows, cells.x, place)}
    if cells.colour:
        where[f"{place}Offset"] = _offset(cells, place)
    value = {reach: {"x": alt.X, "y": alt.Y}[reach]("value:Q", title=cells.figures, axis=alt.Axis(tickCount=6))}
    colour = _colour(cells) if cells.colour else alt.value(COLOURS[0])
    bars = alt.Chart(_values(cells.shown())).mark_bar(cornerRadiusEnd=2)
    layers = [bars.encode(**where, **value, color=colour, tooltip=_tooltip(cells))]
    if cells.gaps():
        layers += _bands(cells, where, lying=lying)
    if len(cells.shown()) <= MAX_LABELS:
        aside = {"align": "left", "dx": 4, "baseline": "middle"} if lying else {"dy": -7}
        words = alt.Chart(_values(cells.shown())).mark_text(fontSize=10, color=INK, **aside)
        layers.append(words.encode(**where, **value, text="label:N"))
    size = {"height": step, "width": LENGTH} if lying else {"width": step, "height": DEPTH}
    return alt.layer(*layers).properties(**size)


def _bands(cells: Cells, where: dict[str, Any], *, lying: bool) -> list[Any]:
    """Hatch the place of each hidden bar from one side to the other: no length, so no value."""
    near, far, size = ("x", "x2", "width") if lying else ("y", "y2", "height")
    hatch = _hatch(LENGTH, 18) if lying else _hatch(34, DEPTH)
    ends = {near: alt.value(0), far: alt.value(size)}
    start = {near: alt.value(6 if lying else DEPTH - 6)}
    words = alt.Chart(_values(cells.gaps())).mark_text(
        align="left", baseline="middle", fontSize=10, color=INK, angle=0 if lying else 270
    )
    return [
        _gap_mark(cells.gaps(), "bar", hatch).encode(**where, **ends, stroke=_gap_legend()),
        words.encode(**where, **start, text=alt.value("hidden")),
    ]


def _line(cells: Cells) -> Any:
    """Lines that break where a cell is hidden, with a strip below that says which."""
    width = max(LENGTH, 40 * len(cells.rows))
    x = _band(cells.rows, cells.x, "x")
    values, encoded = _values(_runs(cells)), {"x": x, "y": alt.Y("value:Q", title=cells.figures)}
    colour = {"color": _colour(cells), "shape": _shape(cells)} if cells.colour else {"color": alt.value(COLOURS[0])}
    line = {key: channel for key, channel in colour.items() if key == "color"}
    paths = alt.Chart(values).mark_line(strokeWidth=2).encode(**encoded, **line, detail="run:N")
    points = alt.Chart(values).mark_point(filled=True, size=60, opacity=1)
    plot = alt.layer(paths, points.encode(**encoded, **colour, tooltip=_tooltip(cells)))
    plot = plot.properties(width=width, height=DEPTH)
    if not cells.gaps():
        return plot
    rows = {"y": alt.Y("colour:N", sort=list(cells.across), title=None)} if cells.colour else {}
    strip = _gap_mark(cells.gaps(), "rect", _hatch(width / len(cells.rows), 18)).encode(
        x=_band(cells.rows, cells.x, "x", labels=False), **rows, stroke=_gap_legend()
    )
    return alt.vconcat(plot, strip.properties(width=width, height={"step": 20} if cells.colour else 18), spacing=12)


def _heatmap(cells: Cells) -> Any:
    """A grid whose cells darken with the value and say it; hidden cells are hatched."""
    where = {
        "x": _band(cells.rows, cells.x, "x", paddingInner=0.03),
        "y": _band(cells.across, str(cells.colour), "y", of="colour", paddingInner=0.06),
    }
    shown = cells.shown()
    scale = alt.Scale(scheme="blues", zero=True)
    colour = alt.Color("value:Q", scale=scale, title=cells.figures, legend=alt.Legend(gradientLength=120))
    squares = alt.Chart(_values(shown)).mark_rect(stroke=PAPER, strokeWidth=1.5)
    layers = [squares.encode(**where, color=colour, tooltip=_tooltip(cells))]
    if cells.gaps():
        hatch = _hatch(CELL_WIDTH, CELL_HEIGHT)
        layers.append(_gap_mark(cells.gaps(), "rect", hatch).encode(**where, stroke=_gap_legend()))
    # the middle of what is displayed, so that ink turns to paper where squares are dark
    middle = 0.6 * max((row["value"] for row in shown), default=0.0)
    for dark, ink in ((True, PAPER), (False, INK)):
        part = [row for row in shown if (row["value"] > middle) is dark]
        words = alt.Chart(_values(part)).mark_text(fontSize=10, color=ink)
        layers.append(words.encode(**where, text="label:N"))
    return alt.layer(*layers).properties(width={"step": CELL_WIDTH}, height={"step": CELL_HEIGHT})


def _share(cells: Cells) -> Any:
    """Bars of 100 percent; what is left of a base when the displayed shares are laid out is the hidden ones'."""
    pieces, rest = _pieces(cells)
    x = {"x": alt.X("start:Q", title=cells.figures, scale=alt.Scale(domain=[0, 100])), "x2": "end:Q"}
    where = {"y": _band(cells.rows, cells.x, "y"), **x}
    bars = alt.Chart(_values(pieces)).mark_bar(stroke=PAPER, strokeWidth=1)
    layers = [bars.encode(**where, color=_colour(cells), tooltip=_tooltip(cells))]
    for piece in rest:
        hatch = _hatch(LENGTH * (piece["end"] - piece["start"]) / 100, BAND)
        layers.append(_gap_mark([piece], "bar", hatch).encode(**where, stroke=_gap_legend()))
    wide = [piece for piece in pieces if piece["end"] - piece["start"] > 8]
    ink = {code: PAPER if i in (0, 6) else INK for i, code in enumerate(cells.across)}
    for colour in (PAPER, INK):
        part = [{**p, "middle": (p["start"] + p["end"]) / 2} for p in wide if ink[p["colour"]] == colour]
        words = alt.Chart(_values(part)).mark_text(fontSize=10, color=colour)
        layers.append(words.encode(y=where["y"], x="middle:Q", text="label:N"))
    return alt.layer(*layers).properties(width=LENGTH, height={"step": BAND + 6})


def _pieces(cells: Cells) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lay displayed shares end to end, and what is left of the 100 percent after them."""
    pieces, rest = [], []
    gaps = {gap["x"] for gap in cells.gaps()}
    for code in cells.rows:
        end = 0.0
        for row in (row for row in cells.shown() if row["x"] == code):
            start, end = end, round(end + row["value"], 6)
            pieces.append({**row, "start": start, "end": end})
        if code in gaps:
            rest.append({"x": code, "start": end, "end": 100.0, "gap": HIDDEN})
    return pieces, rest


def _runs(cells: Cells) -> list[dict[str, Any]]:
    """Number the unbroken stretches of each line."""
    shown = {(row["x"], row["colour"]): row for row in cells.shown()}
    rows, run = [], 0
    for colour in cells.across or ("",):
        run += 1
        for code in cells.rows:
            row = shown.get((code, colour))
            if row is None:
                run += 1
            else:
                rows.append({**row, "run": str(run)})
    return rows


def _band(
    codes: tuple[str, ...], name: str, place: str, *, of: str = "x", labels: bool = True, **padding: float
) -> Any:
    channel = {"x": alt.X, "y": alt.Y}[place]
    turned = {"labelAngle": -40 if max(map(len, codes)) > LONG else 0} if place == "x" else {}
    axis = alt.Axis(grid=False, **turned) if labels else alt.Axis(labels=False, ticks=False, domain=False)
    return channel(
        f"{of}:N", sort=list(codes), scale=_domain(codes, **padding), title=name if labels else None, axis=axis
    )


def _domain(codes: tuple[str, ...], **padding: float) -> Any:
    return alt.Scale(domain=list(codes), **padding)


def _offset(cells: Cells, place: str) -> Any:
    channel = {"x": alt.XOffset, "y": alt.YOffset}[place]
    return channel("colour:N", sort=list(cells.across), scale=_domain(cells.across, paddingInner=0.06))


def _colour(cells: Cells) -> Any:
    scale = alt.Scale(domain=list(cells.across), range=list(COLOURS[: len(cells.across)]))
    return alt.Color("colour:N", scale=scale, title=cells.colour, sort=list(cells.across))


def _shape(cells: Cells) -> Any:
    scale = alt.Scale(domain=list(cells.across), range=list(SHAPES[: len(cells.across)]))
    return alt.Shape("colour:N", scale=scale, title=cells.colour)


def _tooltip(cells: Cells) -> list[Any]:
    second = [alt.Tooltip("colour:N", title=cells.colour)] if cells.colour else []
    return [alt.Tooltip("x:N", title=cells.x), *second, alt.Tooltip("label:N", title=cells.figures)]


def _values(rows: list[dict[str, Any]]) -> Any:
    return alt.Data(values=rows)


def _gap_mark(rows: list[dict[str, Any]], mark: str, hatch: Any) -> Any:
    drawn = alt.Chart(_values(rows))
    return getattr(drawn, f"mark_{mark}")(fill=hatch, strokeDash=[3, 2], strokeWidth=1)


def _gap_legend() -> Any:
    legend = alt.Legend(title=None, symbolType="square", symbolDash=[3, 2], symbolFillColor=PALE, symbolSize=140)
    return alt.Stroke("gap:N", scale=alt.Scale(domain=[HIDDEN], range=[EDGE]), legend=legend)


def _hatch(width: float, height: float) -> Any:
    """Stripes at 45 degrees in a mark of about this size, as a gradient with hard stops (Vega has no patterns)."""
    stripes = max(3, round((width + height) / 14))
    edges = [(i + half) / stripes for i in range(stripes) for half in (0.0, 0.5)]
    stops = []
    for i, edge in enumerate(edges):
        colour = STRIPE if i % 2 else PALE
        end = edges[i + 1] if i + 1 < len(edges) else 1.0
        stops += [alt.GradientStop(offset=edge, color=colour), alt.GradientStop(offset=end, color=colour)]
    # in the mark's own box, of sides 1, the stripes are square to (width, height) and run from corner to corner
    reach = (height + width) / (height**2 + width**2)
    return alt.LinearGradient(gradient="linear", x1=0, y1=0, x2=width * reach, y2=height * reach, stops=stops)
