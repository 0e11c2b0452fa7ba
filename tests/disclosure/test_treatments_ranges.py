"""ExA 3.f, ranges and top and bottom categories: a hidden cell says a little, and gives nothing away."""

from __future__ import annotations

import numpy as np
import pytest

from p20kit import CellPolicy, Table, audit
from p20kit.errors import TableInvalid
from p20kit.treatments import coded_rates, ranges, suppression
from p20kit.treatments.treated import Treated
from tests.disclosure.reader import exposed
from tests.disclosure.spelled import counts

STRICT = CellPolicy()
ZEROS_SHOWN = CellPolicy(zeros="shown")
SMALL = "      | yes | no \n North |   4 | 40 \n South |  31 | 29"


def written(treated: Treated) -> dict[tuple[str, ...], str]:
    frame = treated.to_frame()
    return {tuple(row[:-2]): row[-2] for row in frame.itertuples(index=False, name=None)}


def a_table(seed: int, mean: float = 9.0) -> Table:
    generator = np.random.default_rng(seed)
    rows = "\n".join(f"r{i} | " + " | ".join(map(str, generator.poisson(mean, 4))) for i in range(5))
    return counts(f" | a | b | c | d \n{rows}")


def test_a_hidden_cell_becomes_a_range_and_the_others_stay() -> None:
    cells = written(ranges(counts(SMALL), STRICT))
    assert cells[("North", "Total")] == "44"
    assert cells[("North", "yes")] == "under 10"
    # 40 in 40-49 of 44 would say that the other is at most 4
    assert cells[("North", "no")] == "30–49"


def test_ranges_hide_what_suppression_hides_and_tell_more() -> None:
    for seed in range(20):
        table = a_table(seed)
        ranged, hidden = ranges(table, ZEROS_SHOWN), suppression(table, ZEROS_SHOWN)
        assert ranged.to_frame()["number"].isna().tolist() == hidden.to_frame()["number"].isna().tolist()
        assert ranged.loss().bits <= hidden.loss().bits
        assert exposed(ranged.disclosed()[0]) == set()
        assert audit(ranged, ZEROS_SHOWN).findings == ()


def test_every_range_holds_its_count_and_starts_and_ends_at_whole_steps() -> None:
    disclosed = ranges(a_table(3, 8.0), STRICT, width=20).disclosed()[0]
    ranged = np.isfinite(disclosed.upper) & (disclosed.upper > disclosed.lower)
    assert ranged.any()
    assert (disclosed.lower <= disclosed.truth).all() and (disclosed.truth <= disclosed.upper).all()
    assert (disclosed.lower[ranged] % 20 == 0).all() and ((disclosed.upper[ranged] + 1) % 20 == 0).all()


@pytest.mark.parametrize("width", [5, 6])
def test_a_range_that_says_a_count_is_under_six_is_refused(width: int) -> None:
    with pytest.raises(TableInvalid, match=r"DSA III\.G\.2\.a"):
        ranges(counts(SMALL), STRICT, width=width)


def test_the_partner_ranged_by_itself_is_found() -> None:
    """What the witnesses are for: 40 as 40-49 beside a displayed 44."""
    treated = ranges(counts(SMALL), STRICT)
    (disclosed,) = treated.disclosed()
    place = disclosed.table.labels.index(("North", "no"))
    disclosed.lower.ravel()[place] = 40
    assert ("North", "yes") in exposed(disclosed)


def test_large_counts_are_top_coded() -> None:
    cells = written(ranges(counts("  | a | b \n N | 700 | 60 \n S | 80 | 90"), STRICT, top=500))
    assert cells[("N", "a")] == "500 or more"
    assert cells[("N", "b")] == "60"
    assert cells[("Total", "Total")] == "500 or more"


def test_an_extreme_rate_is_coded_and_the_code_gives_nothing_away() -> None:
    table = counts("  | yes | no \n N | 3 | 200 \n S | 2 | 38 \n W | 60 | 60 \n E | 400 | 4")
    treated = coded_rates(table, "col", "yes", STRICT)
    cells = written(treated)
    assert cells[("N", "yes")] == "under 5 %"
    # 5 and 10 % of 40 are under 6 persons
    assert cells[("S", "yes")] == "under 20 %"
    assert cells[("W", "yes")] == "50.0 %"
    assert cells[("E", "yes")] == "over 95 %"
    assert cells[("N", "Total")] == "203"


def test_a_rate_on_fewer_than_twenty_is_hidden() -> None:
    cells = written(coded_rates(counts("  | yes | no \n N | 9 | 10 \n S | 30 | 30"), "col", "yes", STRICT))
    assert cells[("N", "yes")] == "s"
    assert cells[("N", "Total")] == "19"


def test_nobody_and_everybody_are_coded_even_where_zeros_are_shown() -> None:
    treated = coded_rates(counts("  | yes | no \n N | 0 | 200 \n S | 300 | 0"), "col", "yes", ZEROS_SHOWN)
    cells, told = written(treated), treated.disclosed()[0]
    assert (cells[("N", "yes")], cells[("S", "yes")]) == ("under 5 %", "over 95 %")
    at = [told.table.labels.index((row, "yes")) for row in "NS"]
    assert (told.lower.ravel()[at].tolist(), told.upper.ravel()[at].tolist()) == ([0, 286], [9, 300])


def test_rates_of_one_among_several_categories_are_of_it_against_the_rest() -> None:
    treated = coded_rates(counts("  | a | b | c \n N | 30 | 20 | 10 \n S | 30 | 30 | 30"), "col", "a", STRICT)
    assert written(treated)[("N", "a")] == "50.0 %"
    assert set(treated.to_frame()["col"]) == {"a", "Not a", "Total"}


def test_the_attack_finds_nothing_in_coded_rates() -> None:
    table = counts("  | yes | no \n N | 3 | 200 \n S | 2 | 38 \n W | 60 | 60 \n E | 400 | 4")
    treated = coded_rates(table, "col", "yes", STRICT)
    assert exposed(treated.disclosed()[0]) == set()
    assert audit(treated, STRICT).findings == ()


@pytest.mark.parametrize(("of", "value"), [("col", "maybe"), ("sex", "yes")])
def test_a_share_of_what_is_not_there_is_refused(of: str, value: str) -> None:
    with pytest.raises(TableInvalid, match="needs that category"):
        coded_rates(counts(SMALL), of, value, STRICT)


def test_where_zeros_are_displayed_a_hidden_cell_or_a_range_holds_somebody() -> None:
    for treat in (ranges, suppression):
        shown, hidden = (treat(counts(SMALL), policy).disclosed()[0] for policy in (ZEROS_SHOWN, STRICT))
        at = shown.table.labels.index(("North", "yes"))
        assert (shown.lower.ravel()[at], hidden.lower.ravel()[at]) == (1, 0)


def test_what_is_lost_is_what_the_lines_leave_open() -> None:
    """Of 44 in the row and 35 in the column, a hidden cell can hold 0 to 35: so can each of the four."""
    loss = suppression(counts(SMALL), STRICT).loss()
    assert loss.bits == pytest.approx(4 * np.log2(36) / 9, abs=1e-5)
    assert loss.cells == pytest.approx(4 / 9, abs=1e-6)
    assert loss.persons == 1.0
