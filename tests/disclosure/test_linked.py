"""Which cells of several tables are the same people, and which add up to which."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from p20kit import Table, tabulate
from p20kit.linked import Linked, link, populations
from tests.disclosure.spelled import people

TOWNS = {("Avon", "F"): 8, ("Avon", "M"): 7, ("Bolton", "F"): 6, ("Canton", "M"): 9, ("Canton", "F"): 5}
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


def test_codes_nobody_is_in_are_not_known_to_be_empty_through_a_link() -> None:
    """Derby lies in South: nothing else may say that South is Bolton alone."""
    codes = {"town": ["Avon", "Bolton", "Canton", "Derby"]}
    parents = COUNTY | {"Derby": "South"}
    tables = [
        tabulate(students(), ["town"], codes=codes, hierarchies={"town": parents}),
        tabulate(students(), ["county"]),
        tabulate(students(), ["town", "sex"], codes=codes),
    ]
    linked = link(tables)
    bolton, derby = cell(linked, tables, 0, "Bolton"), cell(linked, tables, 0, "Derby")
    south = cell(linked, tables, 0, "South")
    assert south == cell(linked, tables, 1, "South")
    assert len({bolton, derby, south}) == 3
    assert {parts for parent, parts in sums(linked) if parent == south} == {tuple(sorted((bolton, derby)))}


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
