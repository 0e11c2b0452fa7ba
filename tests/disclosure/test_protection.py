"""DSA III.G.2.d: nothing under six can be worked out from what is displayed."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, Table, audit, protect, tabulate
from p20kit.errors import TableInvalid, Unprotectable
from p20kit.losses import losses
from p20kit.protection import Protected
from p20kit.treatments.suppression import suppression
from tests.disclosure.spelled import counts, people, spell

STRICT = CellPolicy()
ZEROS_SHOWN = CellPolicy(zeros="shown")


def check(before: str, after: str, policy: CellPolicy = STRICT) -> None:
    protected = protect(counts(before), policy)
    lines = [line.replace("|", " ").split() for line in after.strip().splitlines()]
    assert [line.split() for line in spell(protected.to_frame()).splitlines()] == lines
    assert audit(protected, policy).findings == ()


def test_a_lone_small_cell_takes_partners() -> None:
    check(
        """      | yes | no
        North |   4 | 40
        South |  31 | 29 """,
        """      | no | yes | Total
        North |  s |  s  |   44
        South |  s |  s  |   60
        Total | 69 | 35  |  104""",
    )


def test_nothing_small_means_nothing_hidden() -> None:
    check(
        """      | a | b
        North | 6 | 7
        South | 8 | 9 """,
        """      | a  | b  | Total
        North |  6 |  7 |    13
        South |  8 |  9 |    17
        Total | 14 | 16 |    30""",
    )


def test_two_hidden_cells_of_one_line_that_add_up_to_five_take_a_third() -> None:
    protected = protect(counts("   | a | b | c  \n N | 2 | 3 | 40 \n S | 3 | 2 | 50"), ZEROS_SHOWN)
    assert int(protected.to_frame()["count"].isna().sum()) > 4
    assert audit(protected, ZEROS_SHOWN).findings == ()


def test_a_known_zero_is_no_partner() -> None:
    protected = protect(counts("   | a | b | c  \n N | 4 | 0 | 40 \n S | 20 | 30 | 50"), ZEROS_SHOWN)
    frame = protected.to_frame().set_index(["row", "col"])
    assert frame.loc[("N", "b"), "count"] == 0
    assert frame.loc[("N", "c"), "status"] == "complementary"


def test_a_structural_zero_is_displayed_and_protects_nobody() -> None:
    frame = people({("N", "a"): 4, ("N", "c"): 40, ("S", "a"): 20, ("S", "b"): 30, ("S", "c"): 50}, ["row", "col"])
    table = tabulate(frame, ["row", "col"], impossible=pd.DataFrame({"row": ["N"], "col": ["b"]}))
    shown = protect(table, STRICT).to_frame().set_index(["row", "col"])
    assert shown.loc[("N", "b"), "status"] == "structural"
    assert shown.loc[("N", "b"), "count"] == 0
    assert shown.loc[("N", "c"), "status"] == "complementary"


def test_a_table_of_fewer_than_six_people_shows_nothing() -> None:
    protected = protect(counts("  | a | b \n N | 1 | 2 \n S | 1 | 1"), STRICT)
    assert protected.to_frame()["count"].isna().all()
    assert audit(protected, STRICT).findings == ()


def test_without_margins_only_the_small_cells_are_hidden() -> None:
    frame = people({("N", "a"): 4, ("N", "b"): 40, ("S", "a"): 31, ("S", "b"): 29}, ["row", "col"])
    protected = protect(tabulate(frame, ["row", "col"], margins=False), STRICT)
    assert protected.to_frame()["status"].tolist() == ["primary", "shown", "shown", "shown"]
    assert audit(protected, STRICT).findings == ()


def test_margins_published_in_another_table_count() -> None:
    frame = people({("N", "a"): 4, ("N", "b"): 40, ("S", "a"): 31, ("S", "b"): 29}, ["row", "col"])
    inner = tabulate(frame, ["row", "col"], margins=False, name="inner")
    rows = tabulate(frame, ["row"], name="rows")
    together = protect([inner, rows], STRICT)
    assert audit(together, STRICT).findings == ()
    apart = [protect(inner, STRICT), protect(rows, STRICT)]
    assert {f.rule for f in audit(apart, STRICT).findings} == {"bounds", "difference"}


def test_an_earlier_release_is_part_of_the_system() -> None:
    frame = people({("N", "a"): 4, ("N", "b"): 40, ("S", "a"): 31, ("S", "b"): 29}, ["row", "col"])
    first = protect(tabulate(frame, ["row"], name="first"), STRICT)
    second = tabulate(frame, ["row", "col"], margins=False, name="second")
    assert protect(second, STRICT).to_frame()["count"].isna().sum() == 1
    aware = protect(second, STRICT, earlier=[first])
    assert aware.to_frame()["count"].isna().sum() > 1
    assert audit(aware, STRICT, earlier=[first]).findings == ()


def test_what_is_already_public_cannot_be_protected_and_says_which_cell() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    with pytest.raises(Unprotectable, match=r"t\[row=N, col=a\]"):
        protect(table, STRICT, earlier=[table])


def test_two_groups_that_differ_by_three_people_are_not_both_shown() -> None:
    frame = people({("A",): 30, ("B",): 40}, ["group"])
    everyone = protect(tabulate(frame, ["group"], name="everyone"), STRICT)
    most = tabulate(frame.iloc[3:], ["group"], name="most")
    careless = audit([everyone, protect(most, STRICT)], STRICT)
    sentences = [f.what for f in careless.findings]
    assert "30 individuals less the 27 of most[group=A], all among them, leaves 3" in sentences
    careful = protect(most, STRICT, earlier=[everyone])
    assert audit(careful, STRICT, earlier=[everyone]).findings == ()


def test_groups_that_differ_by_six_or_by_nobody_may_both_be_shown() -> None:
    frame = people({("A",): 30, ("B",): 40}, ["group"])
    everyone = protect(tabulate(frame, ["group"], name="everyone"), STRICT)
    again = tabulate(frame.iloc[6:], ["group"], name="again")
    assert protect(again, STRICT, earlier=[everyone]).to_frame()["status"].eq("shown").all()


def test_a_second_coding_of_the_same_people_is_compared_group_by_group() -> None:
    frame = people({("d1", "east"): 30, ("d1", "west"): 3, ("d2", "west"): 50}, ["district", "region"])
    districts = protect(tabulate(frame, ["district"], name="districts"), STRICT)
    regions = tabulate(frame, ["region"], name="regions")
    assert [f.rule for f in audit(regions, STRICT, earlier=[districts]).findings] == ["difference"] * 2
    assert audit(protect(regions, STRICT, [districts]), STRICT, [districts]).findings == ()


def test_tables_of_different_people_are_not_mixed_though_their_totals_agree() -> None:
    first = people({("A",): 3, ("B",): 30, ("C",): 40}, ["group"])
    second = people({("A",): 20, ("B",): 33, ("C",): 20}, ["group"], first=1000)
    small, large = tabulate(first, ["group"], name="small"), tabulate(second, ["group"], name="large")
    together = protect([small, large], STRICT)
    assert together.to_frame("large")["status"].eq("shown").all()
    assert together.to_frame("small")["status"].tolist() == protect(small, STRICT).to_frame()["status"].tolist()
    assert audit(together, STRICT).findings == ()


def test_a_margin_that_equals_its_parent_but_for_one_small_child() -> None:
    frame = pd.DataFrame({"town": ["A", "B", "C", "D"], "n": [3, 90, 80, 70]})
    parents = {"town": {"A": "East", "B": "East", "C": "West", "D": "West"}}
    protected = protect(Table.from_counts(frame, ["town"], hierarchies=parents), STRICT)
    status = dict(zip(protected.to_frame()["town"], protected.to_frame()["status"], strict=True))
    assert (status["A"], status["B"]) == ("primary", "complementary")
    assert audit(protected, STRICT).findings == ()


def test_published_copy_does_not_say_which_hidden_cells_are_small() -> None:
    protected = protect(counts("  | a | b \n N | 4 | 40 \n S | 31 | 29"), STRICT)
    assert set(protected.to_published()["status"]) == {"shown", "hidden"}


def test_it_looks_as_it_should_in_a_notebook() -> None:
    html = protect(counts("  | a<b | c \n N | 4 | 40 \n S | 31 | 29"), STRICT)._repr_html_()
    assert "a&lt;b" in html and "DSA III.G.2.d" in html and ">4<" not in html


def test_the_same_input_gives_the_same_answer() -> None:
    generator = np.random.default_rng(7)
    frame = pd.DataFrame(
        [(f"r{i}", f"c{j}", int(generator.poisson(9))) for i in range(9) for j in range(6)], columns=["a", "b", "n"]
    )
    first, second = (protect(Table.from_counts(frame, ["a", "b"]), STRICT).to_frame() for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_an_unprotected_table_is_not_passed() -> None:
    table = counts("  | a | b \n N | 4 | 40 \n S | 31 | 29")
    assert [(f.rule, f.where) for f in audit(table, STRICT).findings] == [("threshold", "t[row=N, col=a]")]


def test_an_audit_says_what_it_could_not_look_at() -> None:
    table, other = counts("  | a | b \n N | 6 | 40 \n S | 31 | 29"), people({("x",): 9}, ["g"])
    result = audit(protect(table, STRICT), STRICT, earlier=[tabulate(other, ["g"])])
    assert result.not_ran == ("differences with t: its people are not known",)


def test_a_line_whose_hidden_cells_add_up_to_too_few_is_found() -> None:
    table = counts("  | a | b | c \n N | 2 | 3 | 40 \n S | 9 | 8 | 50")
    mask = np.ones(table.counts.shape, dtype=bool)
    mask[0, :2] = mask[1, :2] = False
    findings = audit(Protected((table,), (mask,), STRICT), STRICT).findings
    assert {f.rule for f in findings} == {"bounds", "sum"}
    assert "45 in all less 40 known leaves 5 in 2 hidden cells of the line" in [f.what for f in findings]


def test_nothing_to_judge_is_an_error() -> None:
    for judge in (audit, protect, suppression):
        with pytest.raises(TableInvalid, match=r"none is given\. Give a table"):
            judge([], STRICT)


def test_bounds_are_reported_for_every_hidden_cell() -> None:
    protected = protect(counts("  | a | b \n N | 4 | 40 \n S | 31 | 29"), STRICT)
    bounds = {b.where: (b.lower, b.upper) for b in audit(protected, STRICT).bounds}
    assert bounds["t[row=N, col=a]"] == (0, 35)
    assert bounds["t[row=S, col=b]"] == (25, 60)
    assert isinstance(protected, Protected)


def test_what_is_not_there_is_refused_with_the_next_step() -> None:
    protected = protect(counts("""  | a  | b
                                N | 40 | 50 """), STRICT)  # fmt: skip
    treated = suppression(protected, STRICT)
    for asked in ("another", 1, -2):
        for read in (protected.to_frame, protected.status, treated.to_frame, partial(losses, protected, None)):
            with pytest.raises(TableInvalid, match=r"no table has that name or position. Take t\."):
                read(asked)
    assert len(protected.to_frame(-1)) == len(protected.to_frame("t")) == 6
