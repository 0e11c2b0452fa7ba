"""What protection took from whom."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from p20kit import CellPolicy, Table, protect
from p20kit.errors import TableInvalid
from p20kit.losses import MAX_CATEGORIES, losses, plot_losses
from tests.disclosure.spelled import counts

STRICT = CellPolicy()
LONE = counts("""      | yes | no
                North |   4 | 40
                South |  31 | 29
                West  |  50 | 60 """)


def by_category(frame: pd.DataFrame) -> dict[str, list[int]]:
    return {str(row["category"]): [int(n) for n in row.iloc[3:]] for _, row in frame.iterrows()}


def test_cells_and_persons_are_counted_by_category() -> None:
    counted = losses(protect(LONE, STRICT), "row")
    assert list(counted.columns[3:]) == [
        "cells", "primary", "complementary", "persons", "persons_primary", "persons_complementary",
    ]  # fmt: skip
    assert by_category(counted) == {
        "North": [2, 1, 1, 44, 4, 40],
        "South": [2, 0, 2, 60, 0, 60],
        "West": [2, 0, 0, 110, 0, 0],
        "Total": [6, 1, 3, 214, 4, 100],
    }


def test_every_by_column_has_the_same_total() -> None:
    counted = losses(protect(LONE, STRICT))
    assert list(dict.fromkeys(counted["column"])) == ["row", "col"]
    totals = counted[counted["level"] == "total"].iloc[:, 3:]
    assert len(totals) == 2 and totals.iloc[0].tolist() == totals.iloc[1].tolist()


def test_a_parent_loses_what_its_leaves_lose() -> None:
    frame = pd.DataFrame(
        [("a", "x", 3), ("a", "y", 50), ("b", "x", 60), ("b", "y", 70), ("c", "x", 80), ("c", "y", 90)],
        columns=["town", "sex", "n"],
    )
    table = Table.from_counts(frame, ["town", "sex"], hierarchies={"town": {"a": "North", "b": "North"}})
    counted = losses(protect(table, STRICT), "town").set_index("category")
    figures = ["cells", "primary", "complementary", "persons", "persons_complementary"]
    assert counted.loc["North", "level"] == "parent"
    assert (counted.loc["North", figures] == counted.loc[["a", "b"], figures].sum()).all()


def test_a_structural_zero_is_no_loss() -> None:
    frame = pd.DataFrame([("m", "a", 30), ("m", "b", 40), ("f", "a", 50)], columns=["sex", "ward", "n"])
    never = pd.DataFrame([("f", "b")], columns=["sex", "ward"])
    counted = losses(protect(Table.from_counts(frame, ["sex", "ward"], impossible=never), STRICT), "ward")
    assert by_category(counted)["b"] == [1, 0, 0, 40, 0, 0]


def test_a_by_column_that_is_not_there_is_said() -> None:
    with pytest.raises(TableInvalid, match="Name one of row, col"):
        losses(protect(LONE, STRICT), "county")


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_the_plot_names_every_category_and_loads_nothing() -> None:
    svg = str(plot_losses(protect(LONE, STRICT)).data)
    assert {"row", "col", "North", "South", "West", "yes", "no", "primary", "complementary"} <= set(texts(svg))
    assert "persons in hidden cells" in texts(svg) and "href" not in svg


def test_of_many_categories_those_that_lost_most_are_drawn() -> None:
    rows = [(f"t{i:02}", sex, 50 if i else 3) for i in range(40) for sex in "fm"]
    table = Table.from_counts(pd.DataFrame(rows, columns=["town", "sex", "n"]), ["town", "sex"])
    drawn = texts(str(plot_losses(protect(table, STRICT), "town").data))
    assert f"town: the {MAX_CATEGORIES} of 40 that lost most" in drawn and "t00" in drawn
    assert sum(text.startswith("t") and len(text) == 3 for text in drawn) == MAX_CATEGORIES


def test_of_a_long_hierarchy_the_parents_are_drawn() -> None:
    rows = [(f"t{i:02}", sex, 50) for i in range(40) for sex in "fm"]
    parents = {f"t{i:02}": "East" if i % 2 else "West" for i in range(40)}
    table = Table.from_counts(
        pd.DataFrame(rows, columns=["town", "sex", "n"]), ["town", "sex"], hierarchies={"town": parents}
    )
    drawn = texts(str(plot_losses(protect(table, STRICT), "town").data))
    assert "town (parents)" in drawn and {"East", "West"} <= set(drawn) and "t00" not in drawn
