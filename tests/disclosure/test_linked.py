"""Which cells of several tables are the same people, and which add up to which."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from p20kit import Table, tabulate
from p20kit.linked import Linked, link, populations
from tests.disclosure.spelled import people

TOWNS: dict[tuple[str, ...], int] = {
    ("Avon", "F"): 8,
    ("Avon", "M"): 7,
    ("Bolton", "F"): 6,
    ("Canton", "M"): 9,
    ("Canton", "F"): 5,
}
COUNTY = {"Avon": "North", "Bolton": "South", "Canton": "North"}


def students() -> pd.DataFrame:
    frame = people(TOWNS, ["town", "sex"])
    return frame.assign(county=frame["town"].map(COUNTY), home=frame["town"].str.lower())


def cell(linked: Linked, tables: list[Table], table: int, *codes: str) -> int:
    return int(linked.unknowns[table][tables[table].labels.index(codes)])


def sums(linked: Linked) -> set[tuple[int, tuple[int, ...]]]:
    return {
        (int(p), tuple(sorted(row))) for ps, rows in linked.sums for p, row in zip(ps, rows.tolist(), strict=True)
    }


def holds(linked: Linked, tables: list[Table]) -> bool:
    """Whether all cells of one unknown have one count, and every sum is true."""
    counts: dict[int, int] = {}
    for table, unknowns in zip(tables, linked.unknowns, strict=True):
        for unknown, count in zip(unknowns.tolist(), table.counts.ravel().tolist(), strict=True):
            if counts.setdefault(unknown, count) != count:
                return False
    return all(counts[p] == sum(counts[c] for c in parts) for p, parts in sums(linked))


def test_cells_of_one_name_are_one_unknown_whatever_the_order_of_columns() -> None:
    tables = [
        tabulate(students(), ["town", "sex"]),
        tabulate(students(), ["sex", "town"]),
        tabulate(students(), ["sex"]),
    ]
    linked = link(tables)
    assert linked.populations == (0, 0, 0) and linked.size == tables[0].counts.size
    assert cell(linked, tables, 0, "Avon", "F") == cell(linked, tables, 1, "F", "Avon")
    assert cell(linked, tables, 0, "Total", "F") == cell(linked, tables, 2, "F")
    assert holds(linked, tables)


def test_a_column_under_another_name_is_the_same_groups() -> None:
    tables = [tabulate(students(), ["town", "sex"]), tabulate(students(), ["home"])]
    linked = link(tables)
    assert cell(linked, tables, 0, "Avon", "Total") == cell(linked, tables, 1, "avon")
    assert linked.size == tables[0].counts.size


def test_a_column_and_the_parents_of_a_hierarchy_are_the_same_groups() -> None:
    tables = [
        tabulate(students(), ["town", "sex"], hierarchies={"town": COUNTY}),
        tabulate(students(), ["county", "sex"]),
    ]
    linked = link(tables)
    assert cell(linked, tables, 0, "North", "F") == cell(linked, tables, 1, "North", "F")
    assert linked.size == tables[0].counts.size
    assert len(sums(linked)) == sum(len(parents) for parents, _ in tables[0].relations())
    assert holds(linked, tables)


def test_a_column_that_divides_another_adds_up_to_it() -> None:
    tables = [tabulate(students(), ["town", "sex"]), tabulate(students(), ["county", "sex"])]
    linked = link(tables)
    north = cell(linked, tables, 1, "North", "F")
    assert (north, tuple(sorted(cell(linked, tables, 0, t, "F") for t in ("Avon", "Canton")))) in sums(linked)
    assert (cell(linked, tables, 1, "South", "M"), (cell(linked, tables, 0, "Bolton", "M"),)) in sums(linked)
    assert holds(linked, tables)


def test_sums_between_tables_need_a_cell_on_both_sides() -> None:
    tables = [tabulate(students(), ["town", "sex"]), tabulate(students(), ["county"])]
    linked = link(tables)
    own = sum(len(parents) for table in tables for parents, _ in table.relations())
    assert len(sums(linked)) == own + 2


def test_each_sum_is_said_once_and_none_says_a_cell_is_itself() -> None:
    tables = [tabulate(students(), ["town", "sex"]), tabulate(students(), ["sex", "home"])]
    linked = link(tables)
    assert len(sums(linked)) == sum(len(parents) for parents, _ in linked.sums) == 7
    assert all(parts != (parent,) for parent, parts in sums(linked))


def test_one_name_for_other_people_is_another_unknown() -> None:
    other = students().assign(sex=students()["town"].map({"Avon": "F", "Bolton": "M", "Canton": "M"}))
    tables = [tabulate(students(), ["sex"]), tabulate(other, ["sex"])]
    linked = link(tables)
    assert cell(linked, tables, 0, "F") != cell(linked, tables, 1, "F")
    assert cell(linked, tables, 0, "Total") == cell(linked, tables, 1, "Total")
    assert holds(linked, tables)


def test_cells_that_happen_to_hold_the_same_people_are_not_linked() -> None:
    frame = students().assign(band=["x"] * 15 + ["y"] * 10 + ["z"] * 10)  # x = Avon; y and z cut across
    tables = [tabulate(frame, ["town"]), tabulate(frame, ["band"])]
    linked = link(tables)
    assert cell(linked, tables, 0, "Avon") != cell(linked, tables, 1, "x")


@pytest.mark.parametrize("first", [0, 1, 2])
def test_codes_nobody_is_in_are_not_known_to_be_empty_through_a_link(first: int) -> None:
    """Derby and Ely lie in South: nothing else may say that South is Bolton alone."""
    codes = {"town": ["Avon", "Bolton", "Canton", "Derby", "Ely"]}
    parents = COUNTY | {"Derby": "South", "Ely": "South"}
    made = [
        tabulate(students(), ["town"], codes=codes, hierarchies={"town": parents}),
        tabulate(students(), ["county"]),
        tabulate(students(), ["town", "sex"], codes=codes),
    ]
    tables = [*made[first:], *made[:first]]
    linked = link(tables)
    mine, county = (3 - first) % 3, (4 - first) % 3
    south = cell(linked, tables, mine, "South")
    parts = tuple(sorted(cell(linked, tables, mine, town) for town in ("Bolton", "Derby", "Ely")))
    assert south == cell(linked, tables, county, "South")
    assert len({south, *parts}) == 4
    assert {found for parent, found in sums(linked) if parent == south} == {parts}


def test_where_each_county_has_one_town_with_people_a_county_is_still_not_its_town() -> None:
    frame = students()[lambda rows: rows["town"] != "Avon"]
    codes = {"town": ["Bolton", "Canton", "Derby"]}
    tables = [
        tabulate(frame, ["town"], codes=codes, hierarchies={"town": COUNTY | {"Derby": "South"}}),
        tabulate(frame, ["county"]),
    ]
    linked = link(tables)
    assert cell(linked, tables, 1, "South") == cell(linked, tables, 0, "South") != cell(linked, tables, 0, "Bolton")


def test_a_code_set_beside_the_same_column_without_one_says_nothing_twice() -> None:
    tables = [tabulate(students(), ["town"]), tabulate(students(), ["town"], codes={"town": [*COUNTY, "Derby"]})]
    assert len(sums(link(tables))) == 2
    assert all(len(parts) > 2 for _, parts in sums(link(tables)))


def test_sums_between_tables_use_the_coarsest_groups_there_are() -> None:
    counties = {"Avon": "North", "Bolton": "South", "Canton": "East"}
    frame = students().assign(side=students()["town"].map({"Avon": "left", "Bolton": "left", "Canton": "right"}))
    two = pd.concat([frame, people({("Avon Lake", "F"): 6}, ["town", "sex"], 90).assign(side="left")])
    tables = [
        tabulate(two, ["town"], hierarchies={"town": counties | {"Avon Lake": "North"}}),
        tabulate(two, ["side"]),
    ]
    linked = link(tables)
    left = cell(linked, tables, 1, "left")
    expected = tuple(sorted(cell(linked, tables, 0, county) for county in ("North", "South")))
    assert {parts for parent, parts in sums(linked) if parent == left} == {expected}


def test_a_column_of_one_category_is_not_the_total() -> None:
    frame = students().assign(state="CT", country="US")
    tables = [tabulate(frame, ["state"]), tabulate(frame, ["country", "town"])]
    linked = link(tables)
    assert (
        len({cell(linked, tables, 0, "CT"), cell(linked, tables, 1, "US", "Total"), cell(linked, tables, 0, "Total")})
        == 3
    )


def test_other_people_are_another_population() -> None:
    tables = [tabulate(students(), ["sex"]), tabulate(students().iloc[1:], ["sex"])]
    linked = link(tables)
    assert linked.populations == (0, 1)
    assert not set(linked.unknowns[0]) & set(linked.unknowns[1])


@pytest.mark.parametrize(("counts", "same"), [([15, 20], [0, 0]), ([16, 19], [0, 1]), ([15, 21], [0, 1])])
def test_published_counts_are_linked_where_all_they_share_agrees(counts: list[int], same: list[int]) -> None:
    published = Table.from_counts(pd.DataFrame({"county": ["North", "South"], "n": counts}), ["county"], unit="P20ID")
    frame = students().assign(county=["North"] * 15 + ["South"] * 20)
    tables = [tabulate(frame, ["county", "sex"]), published]
    assert populations(tables) == same
    if same == [0, 0]:
        linked = link(tables)
        assert cell(linked, tables, 0, "North", "Total") == cell(linked, tables, 1, "North")


def test_the_basis_need_not_be_in_one_order() -> None:
    first = tabulate(students(), ["town"])
    second = tabulate(students(), ["county"])
    assert second.basis is not None
    shuffled = replace(second, basis=second.basis.sample(frac=1, random_state=1))
    assert populations([first, shuffled]) == [0, 0]
    assert sums(link([first, shuffled])) == sums(link([first, second]))
