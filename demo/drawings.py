"""Draw the pictures of docs/disclosure.md from invented counts: an example, the method, a table, its losses."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import product
from pathlib import Path

import pandas as pd
from playwright.sync_api import sync_playwright

from demo.pictures import CHROMIUM
from p20kit import CellPolicy, Table, audit, protect
from p20kit.losses import plot_losses
from p20kit.protection import Protected

INK, SOFT, RULE, BLUE = "#1c2733", "#52606d", "#c9d3de", "#1f5fa8"
FILL = {"primary": "#f3cfca", "complementary": "#f6e7c0", "known": "#dbe8f7"}
FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"'
COLUMN, ROW, STUB = 80, 27, 66

PROGRAMMES = ["Nursing", "Welding", "Robotics"]
SCHOOLS = {"Adams": (4, 31, 46), "Baker": (27, 22, 38), "Clark": (36, 19, 52)}

TOWNS = {"Ashford": "North", "Birchfield": "North", "Cedar Hill": "North", "Danbridge": "South", "Elmwood": "South"}
STUDENTS = {"Ashford": 95, "Birchfield": 1_840, "Cedar Hill": 610, "Danbridge": 2_950, "Elmwood": 240}
RACES = {"Asian": 0.07, "Black": 0.16, "Hispanic": 0.24, "Two or more": 0.03, "White": 0.50}
OUTCOMES = {"College": 0.52, "Employed": 0.33, "Neither": 0.15}

Texts = Mapping[tuple[str, str], tuple[str, str]]
"""By school and programme: what is written, and how the cell is filled."""


def draw(folder: Path) -> list[Path]:
    """Draw every picture into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    graduates = protect(_graduates(), CellPolicy())
    drawn = {
        "disclosure-example.svg": _example(),
        "disclosure-method.svg": _method(),
        "disclosure-losses.svg": str(plot_losses(graduates).data),
    }
    for name, svg in drawn.items():
        (folder / name).write_text(svg, "utf-8")
    _photograph(graduates, folder / "disclosure-table.png")
    return [*(folder / name for name in drawn), folder / "disclosure-table.png"]


def _graduates() -> Table:
    shares = product(STUDENTS.items(), RACES.items(), OUTCOMES.items())
    rows = [(t, r, o, int(n * a * b)) for (t, n), (r, a), (o, b) in shares]
    frame = pd.DataFrame(rows, columns=["town", "race", "one year later", "n"])
    title = "Graduates of 2024 one year later"
    return Table.from_counts(frame, list(frame.columns[:3]), hierarchies={"town": TOWNS}, name="later", title=title)


def _photograph(protected: Protected, path: Path) -> None:
    """Take the table as a notebook shows it, on light and on dark paper."""
    html = protected._repr_html_()
    side = "padding:14px 10px 4px;background:Canvas;color:CanvasText;flex:1"
    page = "".join(f'<div style="color-scheme:{scheme};{side}">{html}</div>' for scheme in ("light", "dark"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        tab = browser.new_page(viewport={"width": 1180, "height": 760}, device_scale_factor=1.5)
        body = f'<body style="margin:0;display:flex;width:max-content;font:14px sans-serif">{page}</body>'
        tab.set_content(f"<!doctype html><html lang=en>{body}</html>")
        tab.locator("body").screenshot(path=path)
        browser.close()


def _example() -> str:
    """Draw the worked example; statuses and bounds are what `protect` and `audit` say."""
    rows = [(s, p, n) for s, counts in SCHOOLS.items() for p, n in zip(PROGRAMMES, counts, strict=True)]
    table = Table.from_counts(pd.DataFrame(rows, columns=["school", "programme", "n"]), ["school", "programme"])
    policy = CellPolicy()
    protected = protect(table, policy)
    frame = protected.to_frame().set_index(["school", "programme"])
    counts: Texts = {codes: (f"{n}", "") for codes, n in zip(table.labels, table.counts.ravel(), strict=True)}
    small, marks = ("Adams", "Nursing"), {"primary": "●", "complementary": "○"}
    line = {codes: (text, "known") for codes, (text, _) in counts.items() if codes[0] == "Adams"}
    partners = {codes: (marks[status], status) for codes, status in frame["status"].items() if status in marks}
    bounds = {b.where.split("[")[1]: f"{b.lower}–{b.upper}" for b in audit(protected, policy).bounds}
    spans = {
        (school, programme): (bounds[f"school={school}, programme={programme}]"], fill)
        for (school, programme), (_, fill) in partners.items()
    }
    whole, *others = (counts["Adams", programme][0] for programme in ("Total", "Welding", "Robotics"))
    beside = sum(int(counts[codes][0]) for codes in partners) - int(counts[small][0])
    panels = [
        ("1  Counted", counts | {small: ("4", "primary")}, "4 is fewer than 6 and may not be displayed."),
        (
            "2  Hidden alone, it is worked out",
            counts | line | {small: ("●", "primary")},
            f"{whole} − {' − '.join(others)} = 4",
        ),
        ("3  Partners are hidden with it", counts | partners, f"The cheapest three: {beside} persons stand in them."),
        ("4  What a reader can still work out", counts | spans, "Adams, Nursing: 6 is possible, and so is 31."),
    ]
    drawn = [_panel(*panel, 24 + 440 * (i % 2), 20 + 226 * (i // 2)) for i, panel in enumerate(panels)]
    return _svg(880, 464, "A worked example of complementary suppression in four steps", "".join(drawn))


def _panel(title: str, texts: Texts, note: str, left: int, top: int) -> str:
    parts = [_text(left, top + 16, title, weight=600, size=15)]
    columns = [*PROGRAMMES, "Total"]
    for j, programme in enumerate(columns):
        parts.append(_text(left + STUB + COLUMN * (j + 1) - 8, top + 46, programme, anchor="end", weight=600))
    for i, school in enumerate([*SCHOOLS, "Total"]):
        y = top + 56 + ROW * i
        total = school == "Total"
        parts.append(_line(left, y, left + STUB + COLUMN * 4, y, INK if i == 0 or total else RULE))
        parts.append(_text(left, y + 18, school, weight=600 if total else 400))
        for j, programme in enumerate(columns):
            text, fill = texts[school, programme]
            x = left + STUB + COLUMN * j
            if fill:
                parts.append(
                    f'<rect x="{x + 1}" y="{y + 1}" width="{COLUMN - 2}" height="{ROW - 2}" fill="{FILL[fill]}"/>'
                )
            bold = 600 if total or programme == "Total" else 400
            parts.append(_text(x + COLUMN - 8, y + 18, text, anchor="end", weight=bold))
    return "".join(parts) + _text(left, top + 56 + ROW * 4 + 24, note, colour=SOFT)


STEPS = """
One system|Every cell of every table of the same|people, new or released before,|and every sum that ties them.
Primary cells|Hidden by rule: too few persons,|too few employers, one of them|too large.
Slices|The system is cut along its longest|axis; each slice is a small problem|of its own.
Each slice|The cheapest set that meets the cuts;|in a small slice, each success of the|attack is one cut more.
Mended|What is exposed all the same takes|the cheapest change that protects it.|What no witness needs is shown again.
Joined|Cells at risk across slices, mended|in the same way; and groups of people|that differ by too few.
Audited|Other code attacks the result with|everything released before. It|decides; the optimiser does not.
"""


def _method() -> str:
    """Draw the steps from the counts to a table that may leave."""
    width, height, gap = 276, 112, 34
    parts = []
    steps = [step.split("|") for step in STEPS.strip().splitlines()]
    for i, (title, *lines) in enumerate(steps):
        column, row = (i % 3, i // 3)
        x, y = 20 + column * (width + gap), 20 + row * (height + gap)
        last = i == len(steps) - 1
        parts.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{"#eef4fb" if last else "#fff"}" '
            f'stroke="{BLUE if last else RULE}" stroke-width="1.5"/>'
        )
        parts.append(_text(x + 14, y + 26, f"{i + 1}  {title}", weight=600, size=15))
        parts += [_text(x + 14, y + 50 + 20 * j, line, colour=SOFT) for j, line in enumerate(lines)]
        if not last and column < 2:
            parts.append(_arrow(x + width + 4, y + height / 2, x + width + gap - 6, y + height / 2))
        elif not last:
            middle = y + height + gap / 2
            way = f"M{x + width / 2},{y + height + 2} V{middle} H{20 + width / 2} V{y + height + gap - 7}"
            parts.append(f'<path d="{way}" fill="none" stroke="{BLUE}" stroke-width="1.6" marker-end="url(#head)"/>')
    x, y = 20 + width + gap, 20 + 2 * (height + gap)
    words = (
        "What is proven on the way",
        "The cheapest answers of the slices, added up, are a lower bound: no",
        "pattern that protects the whole is cheaper. The distance to it is the gap.",
        "A witness (another table that fits everything displayed) for every cell.",
    )
    parts += [
        _text(x, y + 26 + 22 * i, line, weight=400 if i else 600, colour=SOFT if i else INK)
        for i, line in enumerate(words)
    ]
    return _svg(936, 444, "How a table is protected, in seven steps", "".join(parts))


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", weight: int = 400, size: int = 13, colour: str = INK
) -> str:
    style = f'text-anchor="{anchor}" font-weight="{weight}" font-size="{size}" fill="{colour}"'
    return f'<text x="{x:g}" y="{y:g}" {style}>{escape(text)}</text>'


def _line(x: float, y: float, to_x: float, to_y: float, colour: str) -> str:
    return f'<line x1="{x:g}" y1="{y:g}" x2="{to_x:g}" y2="{to_y:g}" stroke="{colour}"/>'


def _arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return _line(x, y, to_x, to_y, BLUE).replace("/>", ' stroke-width="1.6" marker-end="url(#head)"/>')


def _svg(width: int, height: int, title: str, body: str) -> str:
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0,0 L8,4 L0,8 z" fill="{BLUE}"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" {FONT}><title>{escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>'
        f"{head}{body}</svg>\n"
    ).replace("><", ">\n<")
