"""ExA 3.f, aggregation of groups: categories become one, and the table still adds up."""

from __future__ import annotations

import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.errors import TableInvalid
from p20kit.treatments import collapse, collapsed, find_merges
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
REGIONS = {"Avon": "North", "Bolton": "North", "Canton": "South", "Derby": "South"}


def by_cell(table: Table) -> dict[tuple[str, ...], int]:
    return dict(zip(table.labels, table.counts.ravel().tolist(), strict=True))


def towns() -> Table:
    cells = {("Avon", "a"): 3, ("Avon", "b"): 30, ("Bolton", "a"): 4, ("Bolton", "b"): 20}
    cells |= {("Canton", "a"): 40, ("Canton", "b"): 50, ("Derby", "a"): 60, ("Derby", "b"): 70}
    return tabulate(people(cells, ["town", "group"]), ["town", "group"], hierarchies={"town": REGIONS})


def test_merged_codes_hold_the_persons_of_both_and_the_hierarchy_stays() -> None:
    merged = collapse(towns(), "town", {"Avon or Bolton": ["Avon", "Bolton"]})
    cells = by_cell(merged)
    assert (cells[("Avon or Bolton", "a")], cells[("North", "a")], cells[("Total", "a")]) == (7, 7, 107)
    assert ("Avon", "a") not in cells
    for parents, parts in merged.relations():
        assert (merged.counts.ravel()[parents] == merged.counts.ravel()[parts].sum(axis=1)).all()


def test_the_basis_says_the_new_codes_so_that_the_counts_can_be_made_again() -> None:
    merged = collapse(towns(), "town", {"Avon or Bolton": ["Avon", "Bolton"]})
    assert merged.basis is not None
    up = {"Avon or Bolton": "North", "Canton": "South", "Derby": "South"}
    again = tabulate(merged.basis, ["town", "group"], hierarchies={"town": up})
    assert by_cell(again) == by_cell(merged)


def test_a_merged_column_is_no_longer_the_one_delivered() -> None:
    frame = people({("N",): 9, ("S",): 9, ("W",): 9}, ["side"]).assign(group="a")
    sources = {"side": "sde.Side", "group": "sde.Group"}
    merged = collapse(tabulate(frame, ["side", "group"], sources=sources), "side", {"NS": ["N", "S"]})
    assert merged.sources == {"group": "sde.Group"}


def test_a_merged_cell_is_impossible_where_all_its_parts_are() -> None:
    frame = people({("N", "a"): 9, ("S", "a"): 9, ("W", "a"): 9, ("W", "b"): 9}, ["side", "group"])
    none = pd.DataFrame({"side": ["N", "S"], "group": ["b", "b"]})
    table = tabulate(frame, ["side", "group"], impossible=none)
    both, mixed = (collapse(table, "side", {"x": codes}) for codes in (["N", "S"], ["N", "W"]))
    assert both.impossible.ravel()[both.labels.index(("x", "b"))]
    assert not both.impossible.ravel()[both.labels.index(("Total", "b"))]
    assert not mixed.impossible.ravel()[mixed.labels.index(("x", "b"))]


@pytest.mark.parametrize(
    ("column", "groups", "why"),
    [
        ("town", {"x": ["Avon", "Canton"]}, "reaches across parents"),
        ("town", {"x": ["North", "South"]}, "parents"),
        ("town", {"x": ["Avon"], "y": ["Avon"]}, "twice"),
        ("town", {"x": []}, "empty"),
        ("town", {"Derby": ["Avon", "Bolton"]}, "the name of another code"),
        ("town", {"Total": ["Avon", "Bolton"]}, "the name of another code"),
        ("county", {"x": ["Avon", "Bolton"]}, "not a by-column"),
    ],
)
def test_groups_that_would_not_add_up_are_refused(column: str, groups: dict[str, list[str]], why: str) -> None:
    with pytest.raises(TableInvalid, match=why):
        collapse(towns(), column, groups)


def test_the_search_merges_what_is_small_and_leaves_the_rest() -> None:
    assert find_merges(towns(), STRICT) == {"town": {"Avon / Bolton": ("Avon", "Bolton")}}


def test_the_search_leaves_nothing_to_hide_and_the_attack_finds_nothing() -> None:
    treated = collapsed(towns(), STRICT)
    assert "s" not in set(treated.to_frame()["display"])
    assert audit(treated, STRICT).findings == ()
    assert treated.parameters == {"town": "[Avon / Bolton]"}


def test_the_search_chooses_the_column_that_loses_less() -> None:
    small_column = counts("  | a | b | c \n N | 3 | 3 | 400 \n S | 3 | 3 | 500 \n W | 300 | 300 | 300")
    treated = {c: collapsed(small_column, STRICT, merges=m).loss().error for c, m in CHOICES.items()}
    assert collapsed(small_column, STRICT).loss().error == min(treated.values())


CHOICES = {"col": {"col": {"a / b": ("a", "b")}}, "row": {"row": {"N / S": ("N", "S")}}}


def test_a_small_category_goes_to_the_partner_that_loses_least() -> None:
    """Every partner would make it large enough; the smallest gives up the least."""
    table = counts("  | a | b | c \n N | 3 | 900 | 10 \n S | 20 | 700 | 15")
    assert find_merges(table, STRICT) == {"col": {"a / c": ("a", "c")}}


def test_tables_of_the_same_column_are_merged_alike() -> None:
    frame = people({("N", "a"): 3, ("S", "a"): 40, ("W", "a"): 50}, ["side", "group"])
    tables = [tabulate(frame, ["side"], name="one"), tabulate(frame, ["side", "group"], name="two")]
    treated = collapsed(tables, STRICT)
    one, two = (set(treated.to_frame(name)["side"]) for name in ("one", "two"))
    assert one == two and len(one) == 3
    assert audit(treated, STRICT).findings == ()


def test_a_table_too_small_for_any_merge_is_hidden() -> None:
    treated = collapsed(counts("  | a | b \n N | 1 | 2 \n S | 1 | 1"), STRICT)
    assert set(treated.to_frame()["display"]) == {"s"}


def test_a_cell_of_a_group_is_read_as_its_share_of_it() -> None:
    loss = collapsed(towns(), STRICT).loss()
    # 6 of 21 cells; Avon and Bolton: a 3.5 of 3 and of 4, b 25 of 30 and of 20, Total 28.5 of 33 and of 24
    assert loss.cells == pytest.approx(6 / 21, abs=1e-6)
    assert loss.persons == pytest.approx(57 / 277, abs=1e-6)
    assert loss.error == pytest.approx((1 + 10 + 9) / (6 * 277), abs=1e-6)
