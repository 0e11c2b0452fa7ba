"""What tables may look like: hierarchies, code sets, chosen margins, structural zeros; what is refused, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from p20kit import Table, tabulate
from p20kit.errors import TableInvalid
from tests.disclosure.spelled import people

TOWNS = {("Avon", "F"): 8, ("Avon", "M"): 7, ("Bolton", "F"): 6, ("Canton", "M"): 9}
COLUMNS = ["town", "sex"]
COUNTY = {"Avon": "North", "Bolton": "South", "Canton": "North"}
REGION = {"Avon": "Coast", "Bolton": "Coast", "Canton": "Hills"}


def students() -> pd.DataFrame:
    return people(TOWNS, COLUMNS)


def column(table: Table, name: str) -> dict[str, int]:
    """Read the cells of one by-column, the others at Total."""
    frame = table.cells
    others = [other for other in table.by if other != name]
    only = frame[(frame[others] == "Total").all(axis=1)]
    return dict(zip(only[name], only["count"], strict=True))


def test_a_hierarchy_over_unit_records_adds_its_parents() -> None:
    table = tabulate(students(), COLUMNS, hierarchies={"town": COUNTY})
    expected = {"Avon": 15, "Bolton": 6, "Canton": 9, "North": 24, "South": 6, "Total": 30}
    assert column(table, "town") == expected
    assert list(column(table, "town")) == list(expected)


@pytest.mark.parametrize(
    "given",
    [
        pd.DataFrame({"child": list(COUNTY), "parent": list(COUNTY.values())}),
        pl.DataFrame({"code": list(COUNTY), "up": list(COUNTY.values())}),
        [COUNTY],
    ],
)
def test_a_hierarchy_may_be_a_frame(given: Any) -> None:
    table = tabulate(students(), COLUMNS, hierarchies={"town": given})
    assert column(table, "town") == column(tabulate(students(), COLUMNS, hierarchies={"town": COUNTY}), "town")


def test_two_hierarchies_over_one_column_each_add_up_to_the_total() -> None:
    table = tabulate(students(), ["town"], hierarchies={"town": [COUNTY, REGION]})
    counts = column(table, "town")
    assert (counts["North"], counts["South"], counts["Coast"], counts["Hills"]) == (24, 6, 21, 9)
    codes = table.dimensions[0].codes
    sums = {
        (codes[p], tuple(codes[c] for c in row))
        for parents, parts in table.relations()
        for p, row in zip(parents, parts, strict=True)
    }
    assert {("Total", ("North", "South")), ("Total", ("Coast", "Hills")), ("Coast", ("Avon", "Bolton"))} <= sums
    assert len(sums) == 6


def test_a_deep_hierarchy_goes_through_every_level() -> None:
    deep = COUNTY | {"North": "State", "South": "State"}
    table = tabulate(students(), ["town"], hierarchies={"town": deep})
    assert list(column(table, "town")) == ["Avon", "Bolton", "Canton", "North", "South", "State", "Total"]
    assert [[table.dimensions[0].codes[c] for c in level] for level in table.dimensions[0].levels] == [
        ["State"],
        ["North", "South"],
        ["Avon", "Bolton", "Canton"],
    ]


def test_codes_of_a_hierarchy_that_nobody_has_are_absent_unless_listed() -> None:
    wide = COUNTY | {"Derby": "South", "Ely": "East"}
    assert "Derby" not in column(tabulate(students(), ["town"], hierarchies={"town": wide}), "town")
    listed = tabulate(
        students(), ["town"], hierarchies={"town": wide}, codes={"town": ["Canton", "Bolton", "Avon", "Derby", "Ely"]}
    )
    counts = column(listed, "town")
    assert list(counts)[:5] == ["Canton", "Bolton", "Avon", "Derby", "Ely"]
    assert (counts["Derby"], counts["Ely"], counts["East"], counts["South"]) == (0, 0, 0, 6)


def test_missing_values_stand_beside_a_code_set() -> None:
    frame = students()
    frame.loc[:1, "sex"] = None
    assert column(tabulate(frame, ["sex"], codes={"sex": ["M", "F", "X"]}), "sex") == {
        "M": 16,
        "F": 12,
        "X": 0,
        "Missing": 2,
        "Total": 30,
    }


@pytest.mark.parametrize(
    ("margins", "displayed"),
    [
        (True, 12),
        (False, 6),
        ([("town",), ()], 4),
        ([("sex", "town"), ("sex",)], 8),
        ([()], 1),
    ],
)
def test_margins_are_chosen(margins: Any, displayed: int) -> None:
    table = tabulate(students(), COLUMNS, margins=margins)
    assert len(table.cells) == displayed
    assert table.total == 30
    assert tabulate(students(), COLUMNS, margins=margins, hierarchies={"town": COUNTY}).published.sum() > 0


def test_parents_are_displayed_with_their_column() -> None:
    table = tabulate(students(), COLUMNS, margins=[("town",)], hierarchies={"town": COUNTY})
    assert table.cells["town"].tolist() == ["Avon", "Bolton", "Canton", "North", "South"]
    assert set(table.cells["sex"]) == {"Total"}


def test_impossible_combinations_may_name_parents_and_leave_columns_out() -> None:
    only = tabulate(students(), COLUMNS, impossible=pd.DataFrame({"town": ["Canton"], "sex": ["F"]}))
    assert only.impossible.sum() == 1
    by_parent = tabulate(
        students(),
        [*COLUMNS],
        hierarchies={"town": {"Bolton": "South", "Avon": "North", "Canton": "North"}},
        impossible=pl.DataFrame({"town": ["South"], "sex": ["M"]}),
    )
    assert {by_parent.where(int(flat)) for flat in np.flatnonzero(by_parent.impossible)} == {
        "table[town=Bolton, sex=M]",
        "table[town=South, sex=M]",
    }
    whole = tabulate(
        students(),
        COLUMNS,
        codes={"town": ["Avon", "Bolton", "Canton", "Derby"]},
        impossible=pd.DataFrame({"town": ["Derby"]}),
    )
    assert whole.impossible.sum() == 3


def test_eight_columns_are_counted_and_nine_are_not() -> None:
    frame = pd.DataFrame({"P20ID": ["1", "2", "3"]} | {f"c{i}": ["a", "a", "b"] for i in range(9)})
    assert tabulate(frame, [f"c{i}" for i in range(8)]).counts.shape == (3,) * 8
    with pytest.raises(TableInvalid, match="9 by-columns"):
        tabulate(frame, [f"c{i}" for i in range(9)])
