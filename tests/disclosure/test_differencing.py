"""Two known groups, one inside the other, that differ by too few: found wherever they stand, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from p20kit import CellPolicy, Table, audit, protect, tabulate
from p20kit.differencing import Difference, Group, small_differences
from p20kit.protection import Protected
from tests.disclosure.spelled import people

STRICT = CellPolicy()
BoolArray = NDArray[np.bool_]
Known = tuple[Table, BoolArray]

TOWNS = {"Avon": 40, "Bolton": 30, "Canton": 3, "Darien": 60}
COUNTIES = {"Avon": "North", "Bolton": "North", "Canton": "North", "Darien": "South"}
REGIONS = {"Avon": "Hills", "Bolton": "Hills", "Canton": "Coast", "Darien": "Coast"}


def residents(towns: Mapping[str, int] = TOWNS) -> pd.DataFrame:
    """Invent the people of the towns; Canton is the small one."""
    return people({(town,): n for town, n in towns.items()}, ["town"])


def all_but(table: Table, hidden: Sequence[tuple[str, ...]] = ()) -> Known:
    """Give a table of which a reader knows all but some cells."""
    assert set(hidden) <= set(table.labels)
    known = np.array([codes not in hidden for codes in table.labels]).reshape(table.counts.shape)
    return table, known


def only(table: Table, displayed: Sequence[tuple[str, ...]]) -> Known:
    """Give a table of which a reader knows some cells only."""
    return all_but(table, [codes for codes in table.labels if codes not in displayed])


def told(tables: Sequence[Known], new: int = 1, policy: CellPolicy = STRICT) -> list[tuple[str, str, int]]:
    """Give larger and smaller group and what is between them, in words."""
    return [
        (d.larger.where(tables[d.larger.table][0]), d.smaller.where(tables[d.smaller.table][0]), d.persons)
        for d in small_differences(tables, [known for _, known in tables[new:]], policy)
    ]


def rest(where: str) -> str:
    return f"the hidden cells of {where}"


def released(table: Table, hidden: Sequence[tuple[str, ...]] = ()) -> Protected:
    return Protected((table,), (all_but(table, hidden)[1],), STRICT)


def nested(persons: int) -> tuple[Table, Table]:
    """Count the same 60 people of two programmes, and in another table all of them but some of the first."""
    frame = people({("A",): 30, ("B",): 30}, ["programme"])
    fewer = frame.iloc[persons:]
    return tabulate(frame, by=["programme"], name="all"), tabulate(fewer, by=["programme"], name="some")


@pytest.mark.parametrize(("between", "found"), [(0, False), (1, True), (5, True), (6, False)])
def test_a_difference_of_one_to_the_threshold_is_found(between: int, found: bool) -> None:
    both = nested(between)
    expected = [
        ("all[programme=A]", "some[programme=A]", between),
        ("all[programme=Total]", "some[programme=Total]", between),
    ]
    assert sorted(told([all_but(t) for t in both])) == (expected if found else [])
    assert sorted(told([all_but(t) for t in both[::-1]])) == (expected if found else [])
    assert {f.rule for f in audit(both, STRICT).findings} == ({"difference"} if found else set())


@pytest.mark.parametrize(("between", "found"), [(9, True), (10, False)])
def test_the_threshold_is_that_of_the_policy(between: int, found: bool) -> None:
    policy = CellPolicy(minimum_count=10)
    assert bool(told([all_but(t) for t in nested(between)], policy=policy)) is found


def test_a_difference_is_told_with_its_arithmetic() -> None:
    every, some = nested(2)
    (one, _) = small_differences([all_but(every), all_but(some)], [all_but(some)[1]], STRICT)
    assert one == Difference(Group(0, 0, 30, None), Group(1, 0, 28, None))
    finding = audit([every, some], STRICT).findings[0]
    assert finding.where == "all[programme=A]"
    assert finding.what == "30 individuals less the 28 of some[programme=A], all among them, leaves 2"


def test_groups_of_nearly_one_size_that_are_not_nested_are_no_difference() -> None:
    one = tabulate(people({("A",): 30, ("B",): 33}, ["x"]), by=["x"], name="one", margins=False)
    two = tabulate(people({("C",): 32, ("D",): 31}, ["y"]), by=["y"], name="two", margins=False)
    # C holds all of A, and 2 of B: that is a difference; D lies in B, and they differ by the same 2
    inner = [only(one, [("A",), ("B",)]), only(two, [("C",), ("D",)])]
    assert told(inner) == [("two[y=C]", "one[x=A]", 2), ("one[x=B]", "two[y=D]", 2)]
    mixed = people({("C",): 16, ("D",): 31, ("C ",): 16}, ["y"]).replace("C ", "C")
    apart = tabulate(mixed, by=["y"], name="two")
    assert told([inner[0], only(apart, [("C",), ("D",)])]) == []


def test_a_difference_only_between_levels_of_a_hierarchy() -> None:
    """A county and a labour area differ by the small town: no two towns, no two totals differ by few."""
    towns = tabulate(residents(), by=["town"], hierarchies={"town": COUNTIES}, name="towns")
    frame = residents().assign(
        area=lambda f: f["town"].map({"Avon": "W", "Bolton": "W", "Canton": "E", "Darien": "E"})
    )
    areas = tabulate(frame, by=["area"], name="areas")
    known = [only(towns, [("North",), ("Total",)]), only(areas, [("W",), ("Total",)])]
    assert ("towns[town=North]", "areas[area=W]", 3) in told(known)
    assert told([only(towns, [("Total",)]), known[1]]) == []


def test_a_difference_only_in_the_second_of_two_hierarchies() -> None:
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 30, "Darien": 3})
    towns = tabulate(frame, by=["town"], hierarchies={"town": [COUNTIES, REGIONS]}, name="towns")
    one = tabulate(frame.loc[frame["town"] == "Canton"].assign(all="yes"), by=["all"], name="one")
    coast = "towns[town=Coast]"
    known = [only(towns, [("Coast",), ("Hills",)]), only(one, [("yes",)])]
    assert told(known) == [(coast, "one[all=yes]", 3), (f"the hidden cells of {coast}", "one[all=yes]", 3)]
    single = tabulate(frame, by=["town"], hierarchies={"town": COUNTIES}, name="towns")
    assert told([only(single, [("North",)]), known[1]]) == []


def test_what_a_line_hides_together_is_known_by_its_total() -> None:
    """Canton and Darien are hidden: the state less the rest tells the two together, and the coast is displayed."""
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 3, "Darien": 60})
    towns = tabulate(frame, by=["town"], name="towns")
    coast = tabulate(frame.iloc[-61:].assign(coast="yes"), by=["coast"], name="coast")
    known = [all_but(towns, [("Canton",), ("Darien",)]), only(coast, [("yes",)])]
    rest = "the hidden cells of towns[town=Total]"
    assert told(known) == [(rest, "coast[coast=yes]", 2)]
    assert [d.larger.axis for d in small_differences(known, [known[1][1]], STRICT)] == [0]
    assert told(known[::-1]) == [(rest, "coast[coast=yes]", 2)]
    # where the total is hidden too, nothing is known of the two together
    assert told([only(towns, [("Avon",), ("Bolton",)]), known[1]]) == []
    findings = audit([released(towns, [("Canton",), ("Darien",)]), released(coast)], STRICT).findings
    assert (rest, "difference") in [(finding.where, finding.rule) for finding in findings]


def test_what_a_displayed_group_holds_beyond_a_rest() -> None:
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 3, "Darien": 60})
    towns = tabulate(frame, by=["town"], name="towns")
    wide = tabulate(frame.iloc[-65:].assign(coast="yes"), by=["coast"], name="wide")
    known = [all_but(towns, [("Canton",), ("Darien",)]), only(wide, [("yes",)])]
    assert told(known) == [("wide[coast=yes]", "the hidden cells of towns[town=Total]", 2)]


def test_a_rest_of_a_parent_along_one_axis_within_one_row_of_the_other() -> None:
    """Girls of the North in Bolton and Canton are hidden; a club of all but two of them is displayed."""
    cells = {(town, sex): n for town, n in TOWNS.items() for sex in ("F", "M")}
    cells |= {("Canton", "F"): 9, ("Canton", "M"): 9}
    frame = people(cells, ["town", "sex"])
    table = tabulate(frame, by=["town", "sex"], hierarchies={"town": COUNTIES}, name="t")
    girls = frame.loc[frame["town"].isin(["Bolton", "Canton"]) & (frame["sex"] == "F")].iloc[2:]
    club = tabulate(girls.assign(club="yes"), by=["club"], name="club")
    hidden = all_but(table, [("Bolton", "F"), ("Canton", "F")])
    rest = "the hidden cells of t[town=North, sex=F]"
    assert told([hidden, only(club, [("yes",)])]) == [(rest, "club[club=yes]", 2)]
    # the county is not displayed, and neither is what is left of it
    county = all_but(table, [("Bolton", "F"), ("Canton", "F"), ("North", "F")])
    assert told([county, only(club, [("yes",)])]) == []


def by_town_and_district() -> pd.DataFrame:
    """Invent people of districts that are no parts of the towns: Canton's lies in Canton, but for three persons."""
    cells = {("Avon", "I"): 40, ("Bolton", "I"): 30, ("Canton", "I"): 3, ("Canton", "II"): 21, ("Darien", "III"): 60}
    return people(cells, ["town", "district"])


def test_two_groups_of_one_table() -> None:
    """Who knows the map knows that district II lies in Canton, though no displayed cell says so."""
    table = tabulate(by_town_and_district(), by=["town", "district"], name="t")
    margins = [codes for codes in table.labels if "Total" in codes]
    canton, second = "t[town=Canton, district=Total]", "t[town=Total, district=II]"
    every_way = [(larger, smaller, 3) for larger in (canton, rest(canton)) for smaller in (second, rest(second))]
    assert sorted(told([only(table, margins)])) == sorted(every_way)
    attacked = audit(Protected((table,), (only(table, margins)[1],), STRICT), STRICT)
    assert {finding.rule for finding in attacked.findings} == {"difference"}
    assert attacked.ran[-1] == "differences: groups of 1 table with a basis"


def test_protect_hides_one_of_two_groups_of_one_table_that_differ_by_few() -> None:
    """So that a later table may name either of them again."""
    frame = by_town_and_district()
    first = protect(tabulate(frame, by=["town", "district"], name="first"), STRICT)
    frame = first.to_frame().set_index(["town", "district"])["count"]
    assert frame["Canton", "Total"] is pd.NA or frame["Total", "II"] is pd.NA
    assert audit(first, STRICT).findings == ()
    for column in ("town", "district"):
        later = protect(tabulate(by_town_and_district(), by=[column], name=column), STRICT, earlier=[first])
        assert audit(later, STRICT, earlier=[first]).findings == ()


def test_protect_compares_groups_that_nobody_displays_but_everybody_can_add_up() -> None:
    """The second table has no margins, but its cells come to three persons fewer than the first table's total."""
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 33, "Darien": 60})
    before = protect(tabulate(frame.assign(all="yes"), by=["all"], name="before"), STRICT)
    fewer = tabulate(frame.iloc[3:], by=["town"], margins=False, name="after")
    careless = Protected((fewer,), (fewer.published.reshape(fewer.counts.shape),), STRICT)
    assert "difference" in {finding.rule for finding in audit(careless, STRICT, earlier=[before]).findings}
    after = protect(fewer, STRICT, earlier=[before])
    assert after.to_frame()["count"].isna().any()
    assert audit(after, STRICT, earlier=[before]).findings == ()
    # and the other way round: what has been released adds up to the total
    again = protect(tabulate(frame.assign(all="yes"), by=["all"], name="again"), STRICT, earlier=[careless])
    assert audit(again, STRICT, earlier=[careless]).findings == ()
    assert again.to_frame()["count"].isna().all()


def test_equal_groups_are_no_difference() -> None:
    frame = residents()
    assert told([all_but(tabulate(frame, by=["town"], name=name)) for name in ("one", "two")]) == []


def test_tables_without_a_basis_are_left_out_and_the_audit_says_so() -> None:
    every, some = nested(2)
    for blind in ([replace(every, basis=None), some], [every, replace(some, basis=None)]):
        assert told([all_but(table) for table in blind]) == []
    attacked = audit([replace(every, basis=None), some], STRICT)
    assert attacked.not_ran == ("differences with all: its people are not known",)


def test_other_units_are_left_out() -> None:
    """A school may be called as a person is: to count other things is not to count fewer."""
    every, some = nested(2)
    assert some.basis is not None
    schools = tabulate(some.basis.rename(columns={"P20ID": "School"}), by=["programme"], unit="School", name="some")
    assert told([all_but(every), all_but(schools)]) == []


def test_pairs_of_earlier_releases_are_not_looked_at_again() -> None:
    every, some = nested(2)
    other = tabulate(people({("x",): 50}, ["k"], first=500), by=["k"], name="new")
    assert told([all_but(t) for t in (other, every, some)]) == []
    assert len(told([all_but(t) for t in (other, every, some)], new=2)) == 2
    assert len(told([all_but(t) for t in (every, some, other)], new=3)) == 2


def test_groups_of_earlier_releases_are_compared_when_a_new_one_makes_them_known() -> None:
    """Avon was hidden beside a club of all but three of its people; the district's count gives it away."""
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 33, "Darien": 60})
    frame["district"] = np.where(frame["town"] == "Bolton", "I", "II")
    club = released(tabulate(frame.iloc[3:40].assign(club="yes"), by=["club"], name="club"))
    towns = tabulate(frame, by=["town"], name="towns")
    earlier = [club, released(towns, [("Avon",), ("Bolton",)])]
    districts = tabulate(frame, by=["district"], name="districts")
    harmless = released(districts, [("I",), ("II",)])
    assert audit(harmless, STRICT, earlier=earlier).findings == ()
    found = audit(released(districts, [("II",), ("Total",)]), STRICT, earlier=earlier).findings
    assert {f.where for f in found} == {"towns[town=Avon]"}
    assert {f.what.split(" of ")[0] for f in found} == {"40 individuals less the 37"}
    # what was known before is no news
    assert audit(harmless, STRICT, earlier=[club, released(towns)]).findings == ()


def test_each_pair_is_told_once_though_hierarchies_share_their_groups() -> None:
    shared = {"Avon": "North", "Bolton": "North", "Canton": "North", "Darien": "South"}
    towns = tabulate(
        residents(), by=["town"], hierarchies={"town": [shared, REGIONS | {"Hills": "Land"}]}, name="towns"
    )
    fewer = tabulate(residents().iloc[2:], by=["town"], hierarchies={"town": [shared, REGIONS]}, name="fewer")
    found = small_differences([all_but(towns), all_but(fewer)], [all_but(fewer)[1]], STRICT)
    assert found and len(found) == len(set(found))


def test_protect_leaves_no_difference() -> None:
    frame = residents({"Avon": 40, "Bolton": 30, "Canton": 31, "Darien": 60})
    before = protect(tabulate(frame, by=["town"], name="before"), STRICT)
    after = protect(tabulate(frame.iloc[2:], by=["town"], name="after"), STRICT, earlier=[before])
    shown = after.to_frame().set_index("town")["count"]
    assert shown[["Bolton", "Canton", "Darien"]].notna().any() and shown[["Avon", "Total"]].isna().all()
    assert audit(after, STRICT, earlier=[before]).findings == ()


def test_of_two_groups_that_differ_by_few_the_one_not_yet_public_is_hidden() -> None:
    every, some = nested(3)
    before = protect(some, STRICT)
    again, wider = protect([replace(some, name="again"), every], STRICT, earlier=[before]).shown
    assert again.all() and wider.sum() == 1


def test_groups_of_an_earlier_release_that_only_a_new_one_would_make_known_are_compared() -> None:
    """With the number of all, the rests of two lines of the first would be known, one inside the other."""
    counts = {"a0": (7, 7, 0), "a1": (4, 26, 6), "a2": (15, 16, 9)}
    frame = people({(a, f"b{i}"): count for a, line in counts.items() for i, count in enumerate(line)}, ["a", "b"])
    frame["c"] = np.where(frame.groupby("a").cumcount() < 6, "c0", "c1")
    hidden = replace(STRICT, zeros="hidden")
    before = protect(tabulate(frame, by=["a", "b"], name="before"), hidden)
    assert not before.shown[0][-1, -1]
    new = tabulate(frame, by=["a", "c"], name="new")
    assert audit(released(new), hidden, earlier=[before]).findings
    after = protect(new, hidden, earlier=[before])
    assert after.shown[0].any() and audit(after, hidden, earlier=[before]).findings == ()


def test_a_hidden_group_that_only_several_sums_together_determine_is_known() -> None:
    """Every two of three towns are a group of one of three hierarchies: no sum alone tells a town, all of them do."""
    towns = {"Avon": 40, "Bolton": 30, "Canton": 35, "Darien": 60}
    pairs = [dict(zip(towns, groups, strict=True)) for groups in ("1122", "4334", "5656")]
    frame = residents(towns)
    one = tabulate(frame.iloc[3:40].assign(part="yes"), by=["part"], name="part")
    circle, open_yet = (
        released(tabulate(frame, by=["town"], hierarchies={"town": chosen}, name="towns"), [(t,) for t in towns])
        for chosen in (pairs, pairs[:2])
    )
    found = [f for f in audit(one, STRICT, earlier=[circle]).findings if f.rule == "difference"]
    assert [(f.where, f.what) for f in found][:1] == [
        ("towns[town=Avon]", "40 individuals less the 37 of part[part=yes], all among them, leaves 3")
    ]
    assert not protect(one, STRICT, earlier=[circle]).shown[0].any()
    # two of the hierarchies leave the towns open
    assert protect(one, STRICT, earlier=[open_yet]).shown[0].all()
