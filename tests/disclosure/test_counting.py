"""Tables count distinct individuals, in any DataFrame, with all margins."""

from __future__ import annotations

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from p20kit import Table, tabulate
from p20kit.errors import TableInvalid
from tests.disclosure.spelled import people

CELLS = {("North", "F"): 8, ("North", "M"): 7, ("South", "F"): 3}
COLUMNS = ["School", "Sex"]


def as_dict(table: Table) -> dict[tuple[str, ...], int]:
    frame = table.cells
    return dict(zip(zip(*(frame[b] for b in table.by), strict=True), frame["count"], strict=True))


def test_every_cell_of_the_cross_product_is_there_with_its_margins() -> None:
    assert as_dict(tabulate(people(CELLS, COLUMNS), COLUMNS)) == {
        ("North", "F"): 8,
        ("North", "M"): 7,
        ("North", "Total"): 15,
        ("South", "F"): 3,
        ("South", "M"): 0,
        ("South", "Total"): 3,
        ("Total", "F"): 11,
        ("Total", "M"): 7,
        ("Total", "Total"): 18,
    }


def test_a_person_with_many_rows_counts_once() -> None:
    frame = people(CELLS, COLUMNS)
    quarters = pd.concat([frame] * 4)
    assert as_dict(tabulate(quarters, COLUMNS)) == as_dict(tabulate(frame, COLUMNS))


def test_any_frame_gives_the_same_table() -> None:
    frame = people(CELLS, COLUMNS)
    expected = as_dict(tabulate(frame, COLUMNS))
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    assert as_dict(tabulate(arrow, COLUMNS)) == expected
    assert as_dict(tabulate(pl.from_arrow(arrow), COLUMNS)) == expected
    assert as_dict(tabulate(pl.LazyFrame(frame.to_dict("list")), COLUMNS)) == expected
    with duckdb.connect() as connection:
        assert as_dict(tabulate(connection.from_arrow(arrow), COLUMNS)) == expected
    categories = frame.astype({"School": "category", "Sex": "category"})
    assert as_dict(tabulate(categories, COLUMNS)) == expected


def test_a_person_in_two_categories_is_refused_with_the_column_named() -> None:
    frame = pd.concat([people(CELLS, COLUMNS), people({("South", "F"): 1}, COLUMNS)])
    with pytest.raises(TableInvalid, match=r"more than one category of School \(1 persons\)") as refusal:
        tabulate(frame, COLUMNS)
    assert "P0000001" not in str(refusal.value)


def test_missing_values_are_counted_not_dropped() -> None:
    frame = people(CELLS, COLUMNS)
    frame.loc[:1, "Sex"] = None
    assert as_dict(tabulate(frame, ["Sex"])) == {("F",): 9, ("M",): 7, ("Missing",): 2, ("Total",): 18}


def test_years_with_gaps_stay_years() -> None:
    frame = pd.DataFrame({"P20ID": ["a", "b", "c"], "Year": [2020.0, None, 2021.0]})
    assert [codes[0] for codes in as_dict(tabulate(frame, ["Year"]))] == ["2020", "2021", "Missing", "Total"]


def test_polars_has_missing_numbers_of_its_own() -> None:
    frame = pl.DataFrame({"P20ID": ["a", "b", "c", "d"], "Year": [2020.0, float("nan"), None, 2021.0]})
    assert as_dict(tabulate(frame, ["Year"])) == {("2020",): 1, ("2021",): 1, ("Missing",): 2, ("Total",): 4}


def test_numbers_that_are_not_whole_stay_as_they_are() -> None:
    frame = pl.DataFrame({"P20ID": ["a", "b", "c", "d"], "Score": [1.5, 2.0, float("inf"), float("nan")]})
    assert [codes[0] for codes in as_dict(tabulate(frame, ["Score"]))] == ["1.5", "2.0", "Missing", "inf", "Total"]


@pytest.mark.parametrize(
    ("frame", "by", "what"),
    [
        (people(CELLS, COLUMNS).assign(P20ID=None), COLUMNS, "without a person's id"),
        (people(CELLS, COLUMNS), ["Town"], "columns are missing: Town"),
        (people(CELLS, COLUMNS), [], "0 by-columns"),
        (people(CELLS, COLUMNS), ["Sex", "Sex"], "2 by-columns"),
        (people(CELLS, COLUMNS), ["P20ID"], "is the unit"),
        (people({("Total", "F"): 9}, COLUMNS), COLUMNS, "is called Total"),
        (people(CELLS, COLUMNS).head(0), COLUMNS, "there are no persons"),
    ],
)
def test_what_cannot_be_counted_is_refused(frame: pd.DataFrame, by: list[str], what: str) -> None:
    with pytest.raises(TableInvalid, match=what):
        tabulate(frame, by)


def test_a_by_column_that_is_nearly_a_person_is_refused() -> None:
    frame = people({("x", "y"): 1100}, ["a", "b"])
    frame["a"], frame["b"] = frame["P20ID"], frame["P20ID"].str[::-1]
    with pytest.raises(TableInvalid, match="over the limit"):
        tabulate(frame, ["a", "b"])


def test_the_basis_holds_one_row_per_person_and_nothing_more() -> None:
    frame = pd.concat([people(CELLS, COLUMNS).assign(Name="secret")] * 2)
    basis = tabulate(frame, COLUMNS).basis
    assert basis is not None
    assert list(basis.columns) == ["P20ID", *COLUMNS]
    assert len(basis) == basis["P20ID"].nunique() == 18


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([("a", 3), ("b", -1)], "negative"),
        ([("a", 3.5), ("b", 1)], "fractional"),
        ([("a", 3), ("a", 4)], "more than once"),
        ([("a", 3), ("b", 4), ("Total", 8)], "not the sum"),
        ([("Total", 8)], "margins without members"),
        ([("a", None)], "missing"),
    ],
)
def test_published_counts_must_add_up(rows: list[tuple[str, float]], what: str) -> None:
    with pytest.raises(TableInvalid, match=what):
        Table.from_counts(pd.DataFrame(rows, columns=["g", "n"]), ["g"])


def test_a_hierarchy_adds_its_parents_between_leaves_and_total() -> None:
    frame = pd.DataFrame({"town": ["A", "B", "C"], "n": [7, 8, 9]})
    parents = {"town": {"A": "East", "B": "East", "C": "West"}}
    assert as_dict(Table.from_counts(frame, ["town"], hierarchies=parents)) == {
        ("A",): 7,
        ("B",): 8,
        ("C",): 9,
        ("East",): 15,
        ("West",): 9,
        ("Total",): 24,
    }
    with pytest.raises(TableInvalid, match="circle"):
        Table.from_counts(frame, ["town"], hierarchies={"town": {"A": "East", "East": "A"}})


def test_a_cell_said_to_be_impossible_must_be_empty() -> None:
    frame = people(CELLS, COLUMNS)
    empty = pd.DataFrame({"School": ["South"], "Sex": ["M"]})
    assert int(tabulate(frame, COLUMNS, impossible=empty).impossible.sum()) == 1
    with pytest.raises(TableInvalid, match="hold people"):
        tabulate(frame, COLUMNS, impossible=pd.DataFrame({"School": ["North"], "Sex": ["M"]}))
