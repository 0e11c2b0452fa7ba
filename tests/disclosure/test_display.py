"""A protected table in a notebook: legible and honest in light, in dark and without a style sheet."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from itertools import product

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, protect, tabulate
from p20kit.dimensions import Dimension
from p20kit.display import MAX_ROWS, STYLE, as_html, outline
from p20kit.measures import Rate
from p20kit.protection import Protected
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
COUNTIES = {"Ash": "North", "Birch": "North", "Cedar": "South", "Dan": "South"}
RACES, OUTCOMES = ("Asian", "Black", "White"), ("College", "Work")


def table(*, small: int = 40) -> Table:
    """Make a three-way table with a hierarchy; `small` persons stand in one cell, hundreds in the others."""
    rows = [(*codes, 1_000 + 100 * i) for i, codes in enumerate(product(COUNTIES, RACES, OUTCOMES))]
    rows[2] = (*rows[2][:3], small)
    frame = pd.DataFrame(rows, columns=["town", "race", "outcome", "n"])
    return Table.from_counts(
        frame, ["town", "race", "outcome"], hierarchies={"town": COUNTIES}, title="One year later"
    )


def bare(html: str) -> str:
    return re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


def rows_of(html: str) -> list[list[str]]:
    """Read the body of the first table: the texts of each row."""
    body = bare(html).split("<tbody>")[1].split("</tbody>")[0]
    return [re.findall(r"<t[hd][^>]*>(?:<span>)?([^<]*)<", row) for row in body.split("</tr>") if row]


def drawn(protected: Protected) -> str:
    return protected._repr_html_()


def test_parents_stand_before_their_children_and_the_total_last() -> None:
    lines = outline(Dimension.of("town", COUNTIES, COUNTIES))
    assert [(line.code, line.depth, line.kind) for line in lines] == [
        ("North", 0, "parent"), ("Ash", 1, "leaf"), ("Birch", 1, "leaf"),
        ("South", 0, "parent"), ("Cedar", 1, "leaf"), ("Dan", 1, "leaf"),
        ("Total", 0, "total"),
    ]  # fmt: skip


def test_a_code_of_two_parents_is_read_once_and_none_is_lost() -> None:
    dimension = Dimension("age", ("1", "2", "3", "young", "low", "Total"), ((3, (0, 1)), (4, (0, 1)), (5, (3, 2))), 3)
    assert sorted(line.code for line in outline(dimension)) == sorted(dimension.codes)


def test_a_group_stands_where_its_first_leaf_would() -> None:
    dimension = Dimension.of("code", "abc", {"b": "Inner", "Inner": "Outer"})
    assert [line.code for line in outline(dimension)] == ["a", "Outer", "Inner", "b", "c", "Total"]


def test_the_last_by_column_stands_across_under_its_name() -> None:
    html = drawn(protect(table(), STRICT))
    head = html.split("<thead>")[1].split("</thead>")[0]
    assert re.findall(r">([^<]+)</th>", head) == ["town", "race", "outcome", "College", "Work", "Total"]
    assert 'colspan="3"' in head and head.count('rowspan="2"') == 2
    rows = rows_of(html)
    assert rows[:2] == [["North", "Asian", "2,600", "2,800", "5,400"], ["Black", "1,840", "3,200", "5,040"]]
    assert [row[0] for row in rows if len(row) == 5] == ["North", "Ash", "Birch", "South", "Cedar", "Dan", "Total"]
    assert rows[-1][0] == "Total" and len(rows[-1]) == 4
    assert html.count('class="grand') == 1


def test_children_are_indented_without_a_style_sheet() -> None:
    html = bare(drawn(protect(table(), STRICT)))
    assert re.search(r'style="padding-left:[\d.]+em"><span>Ash<', html)
    assert not re.search(r'style="[^"]*"><span>North<', html)


def test_what_is_hidden_is_marked_and_not_in_the_page() -> None:
    protected = protect(table(small=4), STRICT)
    html = bare(drawn(protected))
    frame = protected.to_frame()
    for status, mark in (("primary", "●"), ("complementary", "○")):
        cells = re.findall(rf'<td class="{status}[^"]*" title="[^"]+">(.)</td>', html)
        assert cells == [mark] * int((frame["status"] == status).sum()) and cells
    hidden = protected.tables[0].counts.ravel()[frame["count"].isna().to_numpy()]
    assert not {f"{count:,}" for count in hidden} & set(re.findall(r">([\d,]+)</td>", html))


def test_the_legend_says_only_what_the_table_shows() -> None:
    hidden = drawn(protect(table(small=4), STRICT))
    assert "fewer than 6 individuals, 0 included (DSA III.G.2.a; DSA VI.D.2)" in hidden
    assert "(DSA III.G.2.d; DSA VI.D.2)" in hidden and "cannot occur" not in hidden.split("p20-legend")[-1]
    assert "In the released copy ● and ○ look the same." in hidden
    whole = drawn(protect(table(), STRICT))
    assert "No count is hidden" in whole and "○" not in bare(whole)
    strict = drawn(protect(table(small=9), CellPolicy(minimum_count=10, zeros="shown")))
    assert "fewer than 10 individuals, 0 is shown" in strict


def test_the_legend_says_the_terms_of_the_columns_of_its_tables() -> None:
    policy = CellPolicy(columns={"race": CellPolicy(minimum_count=10), "sde.Outcome": CellPolicy(minimum_base=30)})
    by_race = drawn(protect(table(small=8), policy))
    assert "fewer than 10 individuals" in by_race and "fewer than 6" not in by_race
    towns = Table.from_counts(pd.DataFrame({"town": list("abc"), "n": [3, 40, 50]}), ["town"], name="towns")
    parts = drawn(protect([table(small=8), towns], policy)).split('<p class="p20-legend">')
    assert ["fewer than 10 individuals" in part for part in parts] == [False, True, False]
    assert ["fewer than 6 individuals" in part for part in parts] == [False, False, True]
    assert (
        drawn(protect([towns, replace(towns, name="again")], policy)).count("p20-legend")
        == STYLE.count("p20-legend") + 1
    )


def test_the_legend_says_the_base_of_the_column_as_delivered() -> None:
    policy = CellPolicy(columns={"sde.Town": CellPolicy(minimum_base=30)})
    frame = people({("a",): 25, ("b",): 45, ("c",): 45}, ["town"]).assign(went=lambda f: f.index % 2 == 0)
    rates = tabulate(frame, ["town"], [Rate("went", "true")], sources={"town": "sde.Town"})
    assert "fewer than 30 individuals in its base" in drawn(protect(rates, policy))


def test_the_subtitle_counts_cells_and_persons() -> None:
    protected = protect(table(small=4), STRICT)
    frame, whole = protected.to_frame(), protected.tables[0]
    hidden = int(frame["count"].isna().sum())
    inner = ~frame[["town", "race", "outcome"]].isin(["North", "South", "Total"]).any(axis=1)
    lost = whole.counts.ravel()[(inner & frame["count"].isna()).to_numpy()].sum() / whole.total * 100
    assert f"84 cells, {hidden} hidden; {lost:.1f} % of all persons" in drawn(protected)


def test_a_long_table_ends_with_its_total_and_says_what_is_missing() -> None:
    frame = pd.DataFrame([(f"t{i:03}", sex, 50) for i in range(200) for sex in "fm"], columns=["town", "sex", "n"])
    rows = rows_of(drawn(protect(Table.from_counts(frame, ["town", "sex"]), STRICT)))
    assert len(rows) == MAX_ROWS + 1
    assert rows[-2] == [f"⋯ {201 - MAX_ROWS} more rows; to_frame() has them all"]
    assert rows[-1] == ["Total", "10,000", "10,000", "20,000"]


def test_rows_that_are_left_out_are_not_spanned() -> None:
    frame = pd.DataFrame(list(product("a", (f"{i:02}" for i in range(40)), "fm", [50])), columns=[*"ghs", "n"])
    html = bare(drawn(protect(Table.from_counts(frame, ["g", "h", "s"]), STRICT)))
    spans = re.findall(r'rowspan="(\d+)" class="\w+"><span>(\w+)<', html)
    assert spans == [("41", "a"), (str(MAX_ROWS - 1 - 41), "Total")]
    assert rows_of(html)[-1] == ["Total", "Total", "2,000", "2,000", "4,000"]


def test_a_long_table_of_figures_says_so_over_its_whole_width() -> None:
    source = Table.from_counts(pd.DataFrame({"town": [f"t{i:03}" for i in range(200)], "n": 50}), ["town"])
    frame = protect(source, STRICT).to_frame().assign(rate=12.5)
    assert '<td colspan="3">⋯' in as_html([source], [frame], STRICT)


def test_rows_are_set_off_by_what_they_are() -> None:
    rows = bare(drawn(protect(table(), STRICT))).split("<tbody>")[1].split("</tr>")
    classes = [re.findall(r'<tr class="([^"]*)"', row)[0] for row in rows if "<tr" in row]
    per_town = ["first", "", "", "set-off"]
    assert classes == [*per_town * 6, "first", "", "", "grand"]


def test_a_long_last_column_goes_down_and_one_way_tables_too() -> None:
    frame = pd.DataFrame([(sex, f"t{i:02}", 50) for i in range(20) for sex in "fm"], columns=["sex", "town", "n"])
    for by in (["sex", "town"], ["sex"]):
        part = frame.groupby(by, as_index=False)["n"].sum()
        html = bare(drawn(protect(Table.from_counts(part, by), STRICT)))
        assert re.findall(r">([^<]+)</th>", html.split("</thead>")[0]) == [*by, "Persons"]
    assert rows_of(html) == [["f", "1,000"], ["m", "1,000"], ["Total", "2,000"]]


def test_without_margins_only_the_inner_cells_are_drawn() -> None:
    frame = pd.DataFrame(list(product("ab", "xy", [30])), columns=["row", "col", "n"])
    assert rows_of(drawn(protect(Table.from_counts(frame, ["row", "col"], margins=False), STRICT))) == [
        ["a", "30", "30"],
        ["b", "30", "30"],
    ]


def test_figures_stand_beside_the_count_and_what_is_withheld_is_marked() -> None:
    source = counts("  | a | b \n N | 12 | 40 \n S | 31 | 29")
    frame = protect(source, STRICT).to_frame()
    frame["mean wage"] = np.where(frame["count"] < 20, np.nan, 812.25)
    frame["rate"] = [np.nan, *["≥ 95 %"] * 8]
    html = as_html([source], [frame], STRICT)
    assert re.findall(r">([^<]+)</th>", html.split("</thead>")[0]) == ["row", "col", "Persons", "mean wage", "rate"]
    assert rows_of(html)[:2] == [["N", "a", "12", "◇", "◇"], ["b", "40", "812.25", "≥ 95 %"]]
    assert "fewer than 20 individuals in its base" in html


def test_the_published_copy_does_not_tell_why_a_cell_is_hidden() -> None:
    protected = protect(table(small=4), STRICT)
    html = bare(as_html(protected.tables, [protected.to_published()], STRICT))
    assert html.count("●</td>") == int(protected.to_frame()["count"].isna().sum())
    assert not re.search("primary|complementary|○", html) and "(DSA III.G.2.a; DSA III.G.2.d; DSA VI.D.2)" in html


def test_a_structural_zero_cannot_occur() -> None:
    frame = pd.DataFrame([("m", "a", 30), ("m", "b", 40), ("f", "a", 50)], columns=["sex", "ward", "n"])
    never = pd.DataFrame([("f", "b")], columns=["sex", "ward"])
    html = drawn(protect(Table.from_counts(frame, ["sex", "ward"], impossible=never), STRICT))
    assert rows_of(html)[0] == ["f", "50", "–", "50"]
    assert "cannot occur" in html.split("p20-legend")[-1]


def test_labels_are_text() -> None:
    frame = pd.DataFrame([("<b>", "<u>", "x&y", 30), ("<b>", "d", "x&y", 30)], columns=["<i>", "mid", "col", "n"])
    html = bare(drawn(protect(Table.from_counts(frame, ["<i>", "mid", "col"], title="<script>"), STRICT)))
    for label in ("<b>", "<u>", "<i>", "<script>"):
        assert label not in html.replace("<caption><b>", "") and escape(label) in html
    assert "x&amp;y" in html


def test_the_page_loads_nothing() -> None:
    assert not re.search(r"url\(|@import|https?:|src=", drawn(protect(table(small=4), STRICT)))


@pytest.mark.parametrize("paper", [255, 17], ids=["light", "dark"])
@pytest.mark.parametrize("status", ["primary", "complementary"])
def test_marks_have_the_contrast_that_wcag_asks_for(paper: int, status: str) -> None:
    tint = re.search(rf"td\.{status}[^{{}}]*{{ background: rgba\((\d+), (\d+), (\d+), ([\d.]+)\)", STYLE)
    assert tint is not None
    *colour, alpha = (float(part) for part in tint.groups())
    ink = 0 if paper == 255 else 222
    seen = luminance([alpha * part + (1 - alpha) * paper for part in colour]), luminance([ink] * 3)
    assert (max(seen) + 0.05) / (min(seen) + 0.05) >= 4.5


def luminance(colour: list[float]) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
