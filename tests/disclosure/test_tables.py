"""What tables may look like: hierarchies, code sets, chosen margins, structural zeros; what is refused, and why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from p20kit import Table, tabulate
from p20kit.errors import TableInvalid
from p20kit.measures import Mean, Measure, Rate, Total
from tests.disclosure.spelled import people

TOWNS: dict[tuple[str, ...], int] = {("Avon", "F"): 8, ("Avon", "M"): 7, ("Bolton", "F"): 6, ("Canton", "M"): 9}
COLUMNS = ["town", "sex"]
COUNTY = {"Avon": "North", "Bolton": "South", "Canton": "North"}
NUMBERS = [str(n) for n in range(1000)]
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


def pay() -> pd.DataFrame:
    """Two employers for Ann, one for Ben; nothing is known of Cal."""
    rows = [
        ("ann", "Avon", "Y", "mill", 100.0),
        ("ann", "Avon", "Y", "shop", 20.0),
        ("ben", "Avon", "N", "mill", 50.0),
        ("cal", "Bolton", None, None, None),
    ]
    return pd.DataFrame(rows, columns=["P20ID", "town", "enrolled", "firm", "wage"])


def test_measures_are_taken_from_one_value_per_person_and_employer() -> None:
    table = tabulate(pay(), ["town"], [Rate("enrolled", "Y"), Total("wage")], employer="firm")
    assert [measure.label for measure in table.measures] == ["count", "rate enrolled=Y", "total wage"]
    assert table.basis is not None and table.contributions is not None
    assert table.basis["wage"].fillna(-1).tolist() == [120.0, 50.0, -1.0]
    assert table.basis["enrolled"].fillna("none").tolist() == ["Y", "N", "none"]
    assert table.contributions.to_numpy().tolist() == [
        ["ann", "mill", 100.0],
        ["ann", "shop", 20.0],
        ["ben", "mill", 50.0],
    ]
    total, rate = table.figures["total wage"], table.figures["rate enrolled=Y"]
    assert np.nan_to_num(total.value).tolist() == [170.0, 0.0, 170.0]
    assert rate.base.tolist() == [2, 0, 2]
    assert rate.part is not None and rate.part.tolist() == [1, 0, 1]


def test_a_person_with_two_rows_of_one_value_is_measured_once() -> None:
    once = pay().drop_duplicates("P20ID")
    table = tabulate(pd.concat([once] * 3), ["town"], [Mean("wage")])
    assert table.figures["mean wage"].base.tolist() == [2, 0, 2]
    assert table.figures["mean wage"].value.tolist()[2] == 75.0


@pytest.mark.parametrize(
    ("frame", "measures", "employer", "what"),
    [
        (pay(), [Mean("wage")], None, r"wage: 1 persons have more than one value. Choose one value per person first"),
        (pay(), [Mean("firm")], None, r"firm: 2 persons have a value that is no number"),
        (pay().assign(wage=float("inf")), [Total("wage")], "firm", r"wage: 3 persons have a value that is no number"),
        (pay().assign(firm=None), [Total("wage")], "firm", r"firm: 3 rows have an amount and no employer"),
        (
            pd.concat([pay(), pay().assign(enrolled="Z")]),
            [Rate("enrolled", "Y")],
            None,
            r"enrolled: 2 persons have more",
        ),
        (pay(), [Rate("town", "Avon")], None, "two are the same"),
        (pay(), [Rate("wage", "1"), Mean("wage")], None, "two are the same"),
        (pay(), [Mean("wage"), Mean("wage", 1)], None, "two measures have one label"),
        (pay(), [Mean("P20ID")], None, "is the unit"),
        (pay(), [Mean("salary")], None, "columns are missing: salary"),
    ],
)
def test_what_cannot_be_measured_is_refused_without_a_value(
    frame: pd.DataFrame, measures: list[Measure], employer: str | None, what: str
) -> None:
    with pytest.raises(TableInvalid, match=what) as refusal:
        tabulate(frame, ["town"], measures, employer=employer)
    assert not any(value in str(refusal.value) for value in ("ben", "mill", "shop", "100"))


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"hierarchies": {"town": pd.DataFrame({"c": ["Avon", "Avon"], "p": ["North", "Coast"]})}}, "second parent"),
        ({"hierarchies": {"town": pd.DataFrame({"c": ["Avon"], "p": [None]})}}, "exactly a code and its parent"),
        ({"hierarchies": {"town": pd.DataFrame({"c": ["Avon"]})}}, "exactly a code and its parent"),
        ({"hierarchies": {"town": [7]}}, "neither a mapping"),
        ({"hierarchies": {"town": {"Avon": "East", "East": "Avon"}}}, "runs in a circle"),
        ({"hierarchies": {"town": [COUNTY, {"Avon": "North"}]}}, "1 parents are called like"),
        ({"hierarchies": {"town": [COUNTY, {"Canton": "Avon"}]}}, "1 parents are called like"),
        ({"hierarchies": {"town": {"Avon": "Bolton"}}}, "1 categories of town are called like parents"),
        ({"hierarchies": {"county": COUNTY}}, "codes name 1 columns that are not by-columns"),
        ({"codes": {"town": ["Avon", "Bolton"]}}, "9 persons have a value of town outside its code set"),
        ({"codes": {"town": ["Avon", "Bolton", "Canton", "Avon"]}}, "doubled"),
        ({"codes": {"town": ["Avon", "Bolton", "Canton", "Total"]}}, "called like a parent or Total"),
        ({"codes": {"county": ["North"]}}, "codes name 1 columns"),
        ({"sources": {"county": "sde.county"}}, "sources name columns that the table does not use"),
        ({"margins": [("county",)]}, "margins name 1 columns"),
        ({"margins": []}, "neither True, False nor a list of sets"),
        ({"margins": "town"}, "neither True, False nor a list of sets"),
        ({"margins": ["town", "sex"]}, "neither True, False nor a list of sets"),
        ({"impossible": pd.DataFrame({"county": ["North"]})}, "impossible combinations name 1 columns"),
        ({"impossible": pd.DataFrame({"town": ["Total"]})}, "hold people"),
        ({"codes": {"town": [*COUNTY, *NUMBERS], "sex": ["F", "M", *NUMBERS]}}, "1007012 cells, over the limit"),
    ],
)
def test_what_does_not_hold_together_is_refused(said: dict[str, Any], what: str) -> None:
    with pytest.raises(TableInvalid, match=what) as refusal:
        tabulate(students(), COLUMNS, **said)
    assert refusal.value.findings


@pytest.mark.parametrize(
    ("rows", "said", "what"),
    [
        ([("A", 3), ("B", 4), ("East", 8)], {"hierarchies": {"g": {"A": "East", "B": "East"}}}, "1 margins are not"),
        ([("A", 3), ("East", 3)], {"hierarchies": {"g": {"B": "East"}}}, "margins without members"),
        ([("A", 3)], {"hierarchies": {"h": {"A": "East"}}}, "not by-columns"),
        ([("A", 3)], {"margins": [("h",)]}, "not by-columns"),
    ],
)
def test_published_counts_that_do_not_hold_together(rows: list[Any], said: dict[str, Any], what: str) -> None:
    frame = pd.DataFrame(rows, columns=["g", "n"])
    with pytest.raises(TableInvalid, match=what):
        Table.from_counts(frame, ["g"], **said)


def test_a_million_published_cells_are_over_the_stated_limit() -> None:
    frame = pd.DataFrame({"a": NUMBERS, "b": NUMBERS, "n": 1})
    with pytest.raises(TableInvalid, match="1002001 cells, over the limit of 1000000"):
        Table.from_counts(frame, ["a", "b"])


def test_two_hierarchies_may_share_a_group_of_the_same_codes() -> None:
    shared = [{"Avon": "Coast", "Bolton": "Coast"}, {"Avon": "Coast", "Bolton": "Coast", "Canton": "Hills"}]
    assert column(tabulate(students(), ["town"], hierarchies={"town": shared}), "town")["Coast"] == 21


def test_published_counts_may_have_several_hierarchies_and_chosen_margins() -> None:
    frame = pd.DataFrame({"town": list(COUNTY), "n": [15, 6, 9]})
    table = Table.from_counts(frame, ["town"], hierarchies={"town": [COUNTY, REGION]}, margins=[("town",)])
    assert column(table, "town") == {
        "Avon": 15, "Bolton": 6, "Canton": 9, "North": 24, "South": 6, "Coast": 21, "Hills": 9,
    }  # fmt: skip
