"""What a checker must catch: each case as a table a data steward can read, displayed carelessly, and found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, tabulate
from p20kit.disclosed import Disclosed
from p20kit.errors import TableInvalid
from p20kit.protection import Protected
from tests.disclosure.spelled import counts, people

STRICT = CellPolicy()
ZEROS_SHOWN = CellPolicy(zeros="shown")


def displayed(table: Table, hidden: Iterable[tuple[str, ...]], policy: CellPolicy = STRICT) -> Protected:
    """Display a table, all but the cells named."""
    gone = set(hidden)
    assert gone <= set(table.labels)
    shown = np.array([codes not in gone for codes in table.labels]).reshape(table.counts.shape)
    return Protected((table,), (shown,), policy)


def found(*releases: Protected | Table, policy: CellPolicy = STRICT) -> set[tuple[str, str]]:
    """Attack releases, and give rule and place of what is found."""
    return {(finding.rule, finding.where) for finding in audit(releases, policy).findings}


def uppers(*releases: Protected, policy: CellPolicy = STRICT) -> dict[str, tuple[float, float | None]]:
    return {bound.where: (bound.lower, bound.upper) for bound in audit(releases, policy).bounds}


class Told:
    """A release that says an interval of every cell."""

    def __init__(self, table: Table, lower: object, upper: object) -> None:
        self.table = table
        self.lower, self.upper = (np.broadcast_to(np.asarray(x, float), table.counts.shape) for x in (lower, upper))

    def disclosed(self) -> tuple[Disclosed, ...]:
        none = np.zeros(self.table.counts.shape)
        return (Disclosed(self.table, self.table.counts.astype(float), self.lower, self.upper, none),)


def test_one_hidden_cell_in_a_line() -> None:
    table = counts("  | a | b | c \n N | 4 | 40 | 20 \n S | 31 | 29 | 33")
    alone = displayed(table, [("N", "a"), ("S", "a")])
    assert ("bounds", "t[row=N, col=a]") in found(alone)
    assert uppers(alone)["t[row=N, col=a]"] == (4, 4)


def test_a_two_by_two_pattern_with_a_known_zero() -> None:
    text = "  | a | b | c \n N | 4 | {} | 40 \n S | 20 | 30 | 50"
    square = [("N", "a"), ("N", "b"), ("S", "a"), ("S", "b")]
    assert found(displayed(counts(text.format(9)), square)) == set()
    known = displayed(counts(text.format(0)), [cell for cell in square if cell != ("N", "b")], ZEROS_SHOWN)
    assert ("bounds", "t[row=N, col=a]") in found(known, policy=ZEROS_SHOWN)


def test_totals_shown_in_another_table() -> None:
    frame = people({("N", "a"): 4, ("N", "b"): 40, ("S", "a"): 31, ("S", "b"): 29}, ["row", "col"])
    hidden = [("N", "a"), ("N", "Total"), ("Total", "a"), ("Total", "Total")]
    careful = displayed(tabulate(frame, ["row", "col"], name="inner"), hidden)
    assert found(careful) == set()
    rows = tabulate(frame, ["row"], name="rows")
    assert ("bounds", "inner[row=N, col=a]") in found(careful, rows)


def test_totals_shown_in_another_table_under_another_name() -> None:
    cells = {("East", "A"): 4, ("East", "B"): 40, ("West", "C"): 31, ("West", "D"): 29}
    frame = people(cells, ["county", "town"])
    towns = tabulate(frame, ["town"], name="towns")
    careful = displayed(towns, [("A",), ("C",)])
    assert found(careful) == set()
    assert ("bounds", "towns[town=A]") in found(careful, tabulate(frame, ["county"], name="counties"))


def test_two_cohorts_that_differ_by_three_people() -> None:
    frame = people({("A",): 30, ("B",): 40}, ["group"])
    everyone, most = (tabulate(part, ["group"], name=name) for part, name in ((frame, "all"), (frame[3:], "most")))
    sentences = [f.what for f in audit([everyone, most], STRICT).findings]
    assert "30 individuals less the 27 of most[group=A], all among them, leaves 3" in sentences


def test_a_complement_of_three() -> None:
    frame = people({("yes",): 60, ("no",): 3}, ["enrolled"])
    everyone = tabulate(frame.assign(all="x"), ["all"], name="everyone")
    enrolled = tabulate(frame[frame["enrolled"] == "yes"], ["enrolled"], name="enrolled")
    assert ("difference", "everyone[all=Total]") in found(everyone, enrolled)


def test_a_parent_that_equals_one_child_but_for_a_small_one() -> None:
    frame = pd.DataFrame({"town": ["A", "B", "C", "D"], "n": [3, 90, 80, 70]})
    towns = Table.from_counts(frame, ["town"], hierarchies={"town": dict.fromkeys("AB", "East")}, name="towns")
    assert ("bounds", "towns[town=A]") in found(displayed(towns, [("A",)]))
    assert ("bounds", "towns[town=A]") in found(displayed(towns, [("A",), ("C",)]))
    assert found(displayed(towns, [("A",), ("B",)])) == set()


def test_two_hidden_cells_of_a_line_whose_sum_is_under_six() -> None:
    table = counts("  | a | b | c \n N | 2 | 3 | 40 \n S | 9 | 8 | 50")
    square = displayed(table, [("N", "a"), ("N", "b"), ("S", "a"), ("S", "b")])
    assert {("bounds", "t[row=N, col=a]"), ("sum", "t[row=N, col=Total]")} <= found(square)
    what = "45 in all less 40 known leaves 5 in 2 hidden cells of the line"
    assert what in [f.what for f in audit(square, STRICT).findings]


def test_a_pattern_that_says_that_somebody_is_there() -> None:
    """Where zeros are displayed, each of two hidden cells of 6 together is at most 5."""
    table = counts("  | a | b | c \n N | 2 | 4 | 40 \n S | 9 | 8 | 50")
    square = [("N", "a"), ("N", "b"), ("S", "a"), ("S", "b")]
    assert found(displayed(table, square)) == set()
    told = displayed(table, square, ZEROS_SHOWN)
    assert uppers(told, policy=ZEROS_SHOWN)["t[row=N, col=a]"] == (1, 5)
    assert ("bounds", "t[row=N, col=a]") in found(told, policy=ZEROS_SHOWN)


def test_several_rows_of_one_person_count_once() -> None:
    frame = people({("A",): 5, ("B",): 40}, ["group"])
    table = tabulate(pd.concat([frame, frame, frame]), ["group"], name="t")
    assert ("threshold", "t[group=A]") in found(table)


def test_cumulative_counts_are_differences() -> None:
    frame = people({("9",): 20, ("10",): 3, ("11",): 30}, ["grade"])
    upto = [
        tabulate(frame[frame["grade"].isin(grades)].assign(all="x"), ["all"], name=f"to{grades[-1]}")
        for grades in (["9"], ["9", "10"], ["9", "10", "11"])
    ]
    assert ("difference", "to10[all=Total]") in found(*upto)


def test_three_populations_that_overlap() -> None:
    """All less two groups apart from each other leaves three that no table shows."""
    frame = people({("a",): 20, ("b",): 30, ("c",): 3}, ["g"]).assign(all="x")
    parts = [tabulate(frame[frame["g"].isin(list(g))], ["all"], name=f"of {g}") for g in ("abc", "a", "b")]
    assert ("overlap", "overlap[Total]") in found(*parts)


def test_age_bands_that_cut_at_other_ages() -> None:
    cells = {("18-20", "18-21"): 30, ("21-25", "18-21"): 4, ("21-25", "22-25"): 40}
    frame = people(cells, ["narrow", "wide"])
    narrow, wide = (tabulate(frame, [column], name=column) for column in ("narrow", "wide"))
    assert ("difference", "wide[wide=18-21]") in found(narrow, wide)


def test_a_group_of_another_population_within_a_parent_category() -> None:
    frame = people({("A",): 20, ("B",): 30, ("C",): 50}, ["town"])
    towns = tabulate(frame, ["town"], name="towns", hierarchies={"town": dict.fromkeys("AB", "East")})
    some = frame[(frame["town"] != "C") & (frame["P20ID"] > "P0000003")]
    east = tabulate(some.assign(all="x"), ["all"], name="some")
    assert ("difference", "towns[town=East]") in found(towns, east)


def test_rounding_that_still_fixes_a_count() -> None:
    """To the nearest 3, with a total that is exact: 3 + 3 + 3 of 12 can only be 4, 4 and 4."""
    table = Table.from_counts(pd.DataFrame({"g": list("abc"), "n": [4, 4, 4]}), ["g"], name="t")
    lower, upper = [2, 2, 2, 12], [4, 4, 4, 12]
    told = audit(Told(table, lower, upper), STRICT)
    assert {b.where: (b.lower, b.upper) for b in told.bounds} == {f"t[g={g}]": (4, 4) for g in "abc"}
    assert {f.rule for f in told.findings} >= {"bounds"}


def test_rounding_wide_enough_is_no_finding() -> None:
    table = Table.from_counts(pd.DataFrame({"g": list("abc"), "n": [4, 4, 4]}), ["g"], name="t")
    assert audit(Told(table, [0, 0, 0, 8], [9, 9, 9, 17]), STRICT).findings == ()


def test_what_does_not_hold_the_figure_is_refused() -> None:
    table = Table.from_counts(pd.DataFrame({"g": ["a", "b"], "n": [4, 40]}), ["g"], name="t")
    with pytest.raises(TableInvalid, match="1 cells does not hold"):
        audit(Told(table, [5, 0, 0], [9, 99, 99]), STRICT)


def test_whole_persons_bound_a_cell_where_fractions_do_not() -> None:
    """A three-way table whose hidden cells have a solution of 6 in halves of persons only is not passed."""
    values = [1, 0, 0, 1, 0, 1, 1, 0]
    rows = [(*np.unravel_index(i, (2, 2, 2)), n) for i, n in enumerate(values)]
    table = Table.from_counts(pd.DataFrame(rows, columns=["a", "b", "c", "n"]), ["a", "b", "c"])
    inner = [codes for codes in table.labels if "Total" not in codes]
    bounds = audit(displayed(table, inner), STRICT).bounds
    assert {(b.lower, b.upper, b.how) for b in bounds} == {(0, 1, "interval")} or all(b.upper == 1 for b in bounds)
