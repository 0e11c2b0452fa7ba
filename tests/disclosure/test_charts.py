"""A chart shows what its table displays and nothing else: no hidden count in specification, scales or picture."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, protect, tabulate
from p20kit.charts import Chart, chart
from p20kit.errors import ChartInvalid
from p20kit.protection import Protected
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
KINDS = {
    "bar": {"x": "year"},
    "grouped": {"kind": "bar", "x": "year", "colour": "path"},
    "lying": {"kind": "bar", "x": "path"},
    "line": {"kind": "line", "x": "year", "colour": "path"},
    "one line": {"kind": "line", "x": "year", "at": {"path": "Manufacturing"}},
    "heatmap": {"kind": "heatmap", "x": "year", "colour": "path"},
    "share": {"kind": "share", "x": "year", "colour": "path"},
}


@cache
def paths() -> Protected:
    """Protect paths by year, two of them small."""
    cells = {
        ("2019", "College"): 211, ("2019", "Work"): 123, ("2019", "Manufacturing"): 45, ("2019", "Abroad"): 2,
        ("2020", "College"): 223, ("2020", "Work"): 134, ("2020", "Manufacturing"): 56, ("2020", "Abroad"): 17,
        ("2021", "College"): 239, ("2021", "Work"): 149, ("2021", "Manufacturing"): 67, ("2021", "Abroad"): 4,
    }  # fmt: skip
    rows = [(*codes, n) for codes, n in cells.items()]
    table = Table.from_counts(pd.DataFrame(rows, columns=["year", "path", "n"]), ["year", "path"], title="Paths")
    return protect(table, STRICT)


def drawn(name: str) -> Chart:
    return chart(paths(), **KINDS[name])  # type: ignore[arg-type]


def leaves(value: Any) -> Iterator[Any]:
    """Walk a specification: every key, text and number in it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


def data_of(specification: Any) -> list[dict[str, Any]]:
    """Collect every inline row."""
    if isinstance(specification, Mapping):
        rows = list(specification.get("values", [])) if isinstance(specification.get("values"), list) else []
        named = [row for rows_of in specification.get("datasets", {}).values() for row in rows_of]
        inner = [row for key, part in specification.items() if key != "datasets" for row in data_of(part)]
        return [*(row for row in [*rows, *named] if isinstance(row, dict)), *inner]
    if isinstance(specification, list):
        return [row for part in specification for row in data_of(part)]
    return []


def other_hidden_counts(protected: Protected) -> Protected:
    """Keep every displayed cell and put absurd counts under the hidden ones, where no chart may look."""
    (table,), (shown,) = protected.tables, protected.shown
    absurd = np.where(shown, table.counts, 77_777 + np.arange(table.counts.size).reshape(table.counts.shape))
    return Protected((replace(table, counts=absurd),), (shown,), protected.policy)


@pytest.mark.parametrize("name", KINDS)
def test_no_hidden_count_changes_a_byte_of_the_chart(name: str) -> None:
    """Values, scales, domains, order and words: with other hidden counts all stay as they are."""
    ours, theirs = drawn(name), chart(other_hidden_counts(paths()), **KINDS[name])  # type: ignore[arg-type]
    assert ours.to_dict() == theirs.to_dict()
    assert ours.to_svg() == theirs.to_svg()
    assert ours.to_html() == theirs.to_html()
    assert ours.description == theirs.description


@pytest.mark.parametrize("name", KINDS)
def test_every_value_in_a_specification_is_a_displayed_one(name: str) -> None:
    frame = paths().to_published()
    displayed = {float(count) for count in frame["count"].dropna()}
    rows = data_of(drawn(name).to_dict())
    assert rows
    values = {row["value"] for row in rows if "value" in row}
    bases = frame[frame["path"] == "Total"].dropna()["count"].tolist()
    shares = {round(n / base * 100, 6) for n in displayed for base in bases} if name == "share" else set()
    assert values and values <= displayed | shares
    assert all("value" not in row and "label" not in row for row in rows if "gap" in row)


@pytest.mark.parametrize("name", ["grouped", "line", "heatmap"])
def test_each_hidden_cell_is_a_gap_and_no_zero(name: str) -> None:
    hidden = paths().to_published().query("status == 'hidden' and year != 'Total' and path != 'Total'")
    assert len(hidden) > 2
    rows = data_of(drawn(name).to_dict())
    gaps = {(row["x"], row["colour"]) for row in rows if "gap" in row}
    assert gaps == set(zip(hidden["year"], hidden["path"], strict=True))
    assert gaps.isdisjoint({(row["x"], row["colour"]) for row in rows if "value" in row})
    assert 0 not in {row["value"] for row in rows if "value" in row}


@pytest.mark.parametrize("name", ["grouped", "line", "heatmap", "share"])
def test_the_legend_says_hidden_and_the_clause(name: str) -> None:
    made = drawn(name)
    assert "hidden (DSA III.G.2)" in made.to_svg()
    assert "hidden (DSA III.G.2)" in made.description


def test_nothing_in_it_tells_primary_from_complementary() -> None:
    assert {"primary", "complementary"} <= set(paths().to_frame()["status"])
    for name in KINDS:
        text = json.dumps(drawn(name).to_dict()) + drawn(name).to_html()
        assert "primary" not in text and "complementary" not in text


def test_a_line_breaks_where_a_cell_is_hidden() -> None:
    table = counts("  | a | b | c \n p | 40 | 50 | 60 \n q | 41 | 51 | 61 \n r | 42 | 52 | 62")
    shown = np.ones(table.counts.shape, dtype=bool)
    shown[0, 1] = False
    rows = data_of(chart(Protected((table,), (shown,), STRICT), "line", x="col", colour="row").to_dict())
    runs = {(row["colour"], row["x"]): row["run"] for row in rows if "run" in row}
    assert runs["p", "a"] != runs["p", "c"]
    assert runs["q", "a"] == runs["q", "b"] == runs["q", "c"] != runs["r", "a"]


def test_shares_are_of_displayed_bases_of_twenty() -> None:
    table = counts(
        "   | a  | b  | c \n  Large | 50 | 30 | 20 \n Gap | 40 | 40 | 20 \n Open | 60 | 30 | 10 \n Few | 6 | 6 | 6"
    )
    shown = np.ones(table.counts.shape, dtype=bool)
    shown[[0, 2, 2, 3], [0, 1, 3, 3]] = False  # rows in order: Few, Gap, Large, Open
    shown[0, 0] = True
    made = chart(Protected((table,), (shown,), STRICT), "share", x="row", colour="col").cells
    share = {(r, c): v for r, c, v in zip(made["row"], made["col"], made["% of each row"], strict=True)}
    assert [share["Gap", code] for code in "abc"] == [40.0, 40.0, 20.0]
    assert share["Large", "a"] is pd.NA and share["Large", "b"] is pd.NA
    assert share["Open", "a"] == 60.0
    assert all(share["Few", code] is pd.NA for code in "abc")


def test_the_rest_of_a_bar_of_shares_is_one_hatched_piece() -> None:
    table = counts("  | a | b | c \n p | 50 | 30 | 20 \n q | 60 | 30 | 10")
    shown = np.ones(table.counts.shape, dtype=bool)
    shown[0, 1:3] = False
    rows = data_of(chart(Protected((table,), (shown,), STRICT), "share", x="row", colour="col").to_dict())
    assert [(r["x"], r["start"], r["end"]) for r in rows if "gap" in r] == [("p", 50.0, 100.0)]


def test_a_structural_zero_is_neither_drawn_nor_called_hidden() -> None:
    frame = pd.DataFrame([("a", "x", 40), ("a", "y", 50), ("b", "x", 60)], columns=["g", "h", "n"])
    impossible = pd.DataFrame({"g": ["b"], "h": ["y"]})
    table = Table.from_counts(frame, ["g", "h"], impossible=impossible)
    made = chart(protect(table, STRICT), "heatmap", x="g", colour="h")
    assert made.cells["status"].tolist() == ["shown", "shown", "shown", "structural"]
    assert "hidden" not in json.dumps(made.to_dict()).replace("None is hidden", "")


@pytest.mark.parametrize("name", KINDS)
def test_a_chart_is_drawn_again_from_its_parameters(name: str) -> None:
    made = drawn(name)
    assert chart(paths(), **made.parameters).to_dict() == made.to_dict()


def test_only_a_protected_table_can_be_drawn() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    for unsafe in (table, table.cells, protect(table, STRICT).to_frame(), [protect(table, STRICT)]):
        with pytest.raises(ChartInvalid, match=r"only as safe as its table.*DSA III\.G\.2\.a.*protect\("):
            chart(unsafe, x="row")  # type: ignore[arg-type]


def test_every_fault_of_a_call_is_named_at_once() -> None:
    with pytest.raises(ChartInvalid) as caught:
        chart(paths(), "pie", x="town", colour="path", measure="rate x", at={"sex": "F"})  # type: ignore[arg-type]
    assert {finding.where for finding in caught.value.findings} == {"kind", "x", "measure", "at"}
    with pytest.raises(ChartInvalid, match="needs a second by-column"):
        chart(paths(), "heatmap", x="year")
    with pytest.raises(ChartInvalid, match=r"table: there is none of that name.*There are 1"):
        chart(paths(), x="year", table="towns")
    with pytest.raises(ChartInvalid, match="the same as x"):
        chart(paths(), x="year", colour="year")
    with pytest.raises(ChartInvalid, match="shares are of counts"):
        chart(paths(), "share", x="year", colour="path", measure="status")


def test_more_categories_than_eyes_can_tell_apart_are_refused() -> None:
    frame = pd.DataFrame([(f"t{i:02d}", g, 30) for i in range(61) for g in "ab"], columns=["town", "g", "n"])
    many = protect(Table.from_counts(frame, ["town", "g"]), STRICT)
    with pytest.raises(ChartInvalid, match="more than 60 categories"):
        chart(many, x="town")
    with pytest.raises(ChartInvalid, match="more than 8 colours"):
        chart(many, x="g", colour="town")


def test_a_table_without_margins_is_drawn_where_a_category_is_named() -> None:
    cells = {(a, b): 30 + i for i, (a, b) in enumerate((a, b) for a in "pq" for b in "xy")}
    bare = protect(tabulate(people(cells, ["g", "h"]), ["g", "h"], margins=False), STRICT)
    with pytest.raises(ChartInvalid, match="h displays no Total"):
        chart(bare, x="g")
    assert chart(bare, x="g", at={"h": "y"}).cells["count"].tolist() == [31, 33]


def test_parents_of_a_hierarchy_are_not_drawn_beside_their_children() -> None:
    frame = pd.DataFrame({"town": ["A", "B", "C", "D"], "n": [40, 90, 80, 70]})
    parents = {"town": {"A": "East", "B": "East", "C": "West", "D": "West"}}
    made = chart(protect(Table.from_counts(frame, ["town"], hierarchies=parents), STRICT), x="town")
    assert made.cells["town"].tolist() == ["A", "B", "C", "D"]


class _WithRate(Protected):
    """A protected table that displays a rate, as a table with measures does."""

    def to_published(self, table: int | str = 0) -> pd.DataFrame:
        frame = super().to_published(table)
        frame["rate enrolled=Yes"] = pd.Series([12.5, None, 40.0, 33.3], dtype="Float64")
        return frame


def test_any_measure_the_table_displays_can_be_drawn() -> None:
    table = Table.from_counts(pd.DataFrame({"g": ["a", "b", "c"], "n": [30, 40, 50]}), ["g"])
    shown = (np.ones(4, dtype=bool),)
    made = chart(_WithRate((table,), shown, STRICT), x="g", measure="rate enrolled=Yes")
    assert [(row["x"], row["label"]) for row in data_of(made.to_dict()) if "label" in row][:2] == [
        ("a", "12.5 %"),
        ("c", "40.0 %"),
    ]
    assert made.cells["status"].tolist() == ["shown", "hidden", "shown"]


@pytest.mark.parametrize("name", KINDS)
def test_it_draws_without_any_address_to_fetch_from(name: str) -> None:
    made = drawn(name)
    texts = [str(leaf) for leaf in leaves(made.to_dict()) if "://" in str(leaf)]
    assert all(text.startswith("https://vega.github.io/schema/vega-lite/") for text in texts)
    assert "url" not in set(leaves(made.to_dict()))
    svg = made.to_svg()
    assert set(re.findall(r"https?://[^\"' <]+", svg)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "<image" not in svg and "<script" not in svg


def test_it_can_be_read_without_seeing_it() -> None:
    made = drawn("grouped")
    bundle = made._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert f'alt="{made.description}"' in bundle["text/html"] and "<table" in bundle["text/html"]
    assert made.to_dict()["description"] == made.description
    picture = re.search(r"base64,([^\"]+)", bundle["text/html"])
    assert picture and base64.b64decode(picture[1]).decode() == made.to_svg()
    assert made.to_png().startswith(b"\x89PNG")
    assert repr(made) == f"<Chart {made.description}>"


def test_names_cannot_break_out_of_the_page() -> None:
    table = Table.from_counts(pd.DataFrame({"g": ["<script>", "b"], "n": [30, 40]}), ["g"], title='"><script>')
    html = chart(protect(table, STRICT), x="g").to_html()
    assert "<script" not in html


def test_a_copy_of_the_specification_changes_no_chart() -> None:
    made = drawn("bar")
    made.to_dict()["mark"] = "pie"
    assert chart(paths(), **made.parameters).to_dict() == made.to_dict()
