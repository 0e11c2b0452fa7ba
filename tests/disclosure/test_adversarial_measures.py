"""What a checker of rates, means, totals and quantiles must catch: DSA III.G.2.b, DSA II.F, DSA VI.D.2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import CellPolicy, tabulate
from p20kit.errors import TableInvalid, Unprotectable
from p20kit.measures import Mean, Median, Quantile, Rate, Total
from p20kit.protection import protect
from tests.disclosure.measured import exposed, measured, persons, shown
from tests.disclosure.spelled import people

STRICT = CellPolicy()
ZEROS_SHOWN = CellPolicy(zeros="shown")
ENROLLED = Rate("enrolled", "Yes")
RATE = ENROLLED.label


def answers(yes: int, no: int, missing: int = 0) -> list[str | None]:
    return ["Yes"] * yes + ["No"] * no + [None] * missing


def enrolled(**rows: list[str | None]) -> pd.DataFrame:
    return persons({(row,): given for row, given in rows.items()}, ["area"], "enrolled")


def spread(n: int, base: float = 1000.0) -> list[float]:
    """Invent amounts of which none dominates."""
    return [base + 10.5 * i for i in range(n)]


# --- rates ---------------------------------------------------------------------------------------------------------


def test_a_rate_is_displayed_where_all_behind_it_is_large_enough() -> None:
    frame = shown(measured(enrolled(N=answers(20, 20), S=answers(15, 45)), ["area"], ENROLLED), STRICT)
    assert frame[RATE].tolist() == [50.0, 25.0, 35.0]


@pytest.mark.parametrize(("yes", "no", "expected"), [(9, 10, None), (10, 10, 50.0)])
def test_a_rate_stands_on_twenty(yes: int, no: int, expected: float | None) -> None:
    rows = {"N": answers(yes, no), "S": answers(30, 30), "E": answers(30, 30), "W": answers(30, 30)}
    frame = shown(measured(enrolled(**rows), ["area"], ENROLLED), STRICT)
    assert (frame.loc["N", RATE] if expected else pd.isna(frame.loc["N", RATE])) == (expected or True)
    assert frame.loc["N", "count"] == yes + no


@pytest.mark.parametrize(("yes", "no"), [(3, 37), (37, 3), (5, 35)])
def test_numerator_and_complement_under_six_are_not_given_by_a_rate_and_its_base(yes: int, no: int) -> None:
    frame = shown(
        measured(enrolled(N=answers(yes, no), S=answers(30, 30), E=answers(30, 30)), ["area"], ENROLLED), STRICT
    )
    assert pd.isna(frame.loc["N", RATE])
    assert frame.loc["N", "count"] == 40


def test_a_hidden_rate_is_not_the_rest_of_the_others() -> None:
    # 4 of 40, 20 of 60, 24 of 100: the second and the third say the first
    frame = shown(measured(enrolled(N=answers(4, 36), S=answers(20, 40)), ["area"], ENROLLED), STRICT)
    assert frame[RATE].isna().sum() >= 2


def test_without_margins_a_hidden_rate_needs_no_partner() -> None:
    """What is not published tells nothing, so nothing is hidden for it."""
    frame = enrolled(N=answers(3, 37), S=answers(20, 20), E=answers(25, 25))
    found = shown(measured(frame, ["area"], ENROLLED, margins=False), STRICT)
    assert found[RATE].isna().to_dict() == {"N": True, "S": False, "E": False}


def test_rounding_to_whole_percents_still_fixes_a_numerator_of_four() -> None:
    # 4 of 25 is 16 %; 3 is 12 % and 5 is 20 %
    rate = Rate("enrolled", "Yes", decimals=0)
    table = measured(enrolled(N=answers(4, 21), S=answers(30, 30), E=answers(30, 30)), ["area"], rate)
    assert pd.isna(shown(table, STRICT).loc["N", RATE])


def test_what_a_rounded_rate_leaves_open_is_told_to_the_auditor() -> None:
    # 40 of 300 is 13.3 %, displayed as 13 %: 37.5 to 40.5 persons, that is 38 to 40
    table = measured(enrolled(N=answers(40, 260)), ["area"], Rate("enrolled", "Yes", decimals=0))
    numerators = protect(table, STRICT).disclosed()[1]
    codes = numerators.table.dimensions[-1].codes
    assert codes == ("Yes", "not Yes", "Total")
    assert numerators.lower[0].tolist() == [38, 260, 300]
    assert numerators.upper[0].tolist() == [40, 262, 300]


@pytest.mark.parametrize(("policy", "expected"), [(STRICT, None), (ZEROS_SHOWN, 0.0)])
def test_nought_percent_is_a_zero_like_any_other(policy: CellPolicy, expected: float | None) -> None:
    table = measured(enrolled(N=answers(0, 40), S=answers(30, 30), E=answers(30, 30)), ["area"], ENROLLED)
    found = shown(table, policy).loc["N", RATE]
    assert pd.isna(found) if expected is None else found == expected


@pytest.mark.parametrize("given", [answers(0, 40), answers(40, 0)])
def test_everybody_in_one_category_of_a_sensitive_column_is_not_said(given: list[str | None]) -> None:
    policy = CellPolicy(zeros="shown", sensitive=("enrolled",))
    table = measured(enrolled(N=given, S=answers(30, 30), E=answers(30, 30)), ["area"], ENROLLED)
    assert pd.isna(shown(table, policy).loc["N", RATE])
    assert exposed(protect(table, policy).disclosed()) == []


def test_everybody_in_one_category_of_a_sensitive_by_column_is_not_said() -> None:
    policy = CellPolicy(zeros="shown", sensitive=("discipline",))
    frame = people(
        {("N", "yes"): 30, ("S", "yes"): 20, ("S", "no"): 50, ("E", "yes"): 9, ("E", "no"): 9}, ["area", "discipline"]
    )
    found = shown(tabulate(frame, ["area", "discipline"]), policy)
    assert found.loc[("N", "no"), "status"] == "primary"
    assert found.loc[("N", "yes"), "status"] == "complementary" or pd.isna(found.loc[("N", "Total"), "count"])
    assert found.loc[("S", "no"), "count"] == 50


def test_to_be_hidden_says_that_somebody_is_there_but_for_a_sensitive_column() -> None:
    """Where zeros are shown a hidden count is at least 1, but the zero that says where everybody is may be hidden."""
    frame = people(
        {("N", "yes"): 30, ("S", "yes"): 20, ("S", "no"): 3, ("E", "yes"): 9, ("E", "no"): 9}, ["area", "x"]
    )
    for sensitive, least in (((), 1), (("x",), 0)):
        (counts,) = protect(
            tabulate(frame, ["area", "x"]), CellPolicy(zeros="shown", sensitive=sensitive)
        ).disclosed()
        hidden = np.isinf(counts.upper)
        assert set(counts.lower[hidden]) == {least}
        assert counts.lower[~hidden].tolist() == counts.truth[~hidden].tolist()


def test_a_rate_and_counts_of_the_same_column_in_another_table_are_one() -> None:
    frame = enrolled(N=answers(4, 36), S=answers(20, 40), E=answers(30, 30))
    rates = measured(frame, ["area"], ENROLLED, name="rates")
    counts = tabulate(frame, ["area", "enrolled"], name="counts")
    together = protect([rates, counts], STRICT)
    assert exposed(together.disclosed()) == []
    alone = protect(counts, STRICT)
    hidden = alone.to_frame().query("count.isna() and enrolled == 'Yes'")["area"].tolist()
    assert "N" in hidden
    after = shown(rates, STRICT, alone)
    assert after.loc[hidden, RATE].isna().all()


def test_a_rate_released_before_is_not_completed_by_counts() -> None:
    frame = enrolled(N=answers(4, 36), S=answers(20, 40), E=answers(30, 30))
    first = protect(measured(frame, ["area"], ENROLLED, name="rates"), STRICT)
    second = protect(tabulate(frame, ["area", "enrolled"], name="counts"), STRICT, [first])
    assert exposed([*first.disclosed(), *second.disclosed()]) == []


def test_the_people_without_a_value_are_not_the_rest_of_count_and_base() -> None:
    # 43 persons, 40 with an answer: the count and the base behind the rate would say 3
    table = measured(enrolled(N=answers(20, 20, 3), S=answers(30, 30, 10), E=answers(30, 30, 10)), ["area"], ENROLLED)
    frame = shown(table, STRICT)
    assert pd.isna(frame.loc["N", "count"]) or pd.isna(frame.loc["N", RATE])
    assert exposed(protect(table, STRICT).disclosed()) == []


def test_rates_of_three_categories_do_not_give_a_fourth() -> None:
    values = ["a"] * 30 + ["b"] * 30 + ["c"] * 30 + ["d"] * 4
    rates = [Rate("grade", value) for value in "abc"]
    table = measured(persons({("N",): values, ("S",): values + ["d"] * 30}, ["area"], "grade"), ["area"], *rates)
    found = shown(table, STRICT)
    assert found.loc["N", [rate.label for rate in rates]].isna().any()
    assert found.loc["S", [rate.label for rate in rates]].notna().any()
    assert exposed(protect(table, STRICT).disclosed()) == []


def test_two_groups_that_differ_by_three_people_do_not_give_the_numerator_of_the_three() -> None:
    frame = enrolled(N=answers(30, 30), S=answers(30, 30))
    everyone = protect(measured(frame, ["area"], ENROLLED, name="everyone"), STRICT)
    # ten fewer people, of whom three were enrolled: counts may both be displayed, numerators may not
    fewer = frame.drop(index=[0, 1, 2, *range(30, 37)])
    most = shown(measured(fewer, ["area"], ENROLLED, name="most"), STRICT, everyone)
    assert most.loc["N", "count"] == 50
    assert pd.isna(most.loc["N", RATE])
    assert most.loc["S", RATE] == 50.0


# --- means and totals ----------------------------------------------------------------------------------------------


def wages(**rows: list[Any]) -> pd.DataFrame:
    return persons({(row,): given for row, given in rows.items()}, ["area"], "wage")


def test_a_mean_of_twenty_beside_the_sum_of_all_does_not_give_the_wage_of_one() -> None:
    table = measured(
        wages(N=spread(20), S=[5000.0], E=spread(40), W=spread(40)), ["area"], Mean("wage"), Total("wage")
    )
    found = shown(table, STRICT)
    assert pd.isna(found.loc["S", "total wage"])
    assert exposed(protect(table, STRICT).disclosed()) == []


def test_means_and_totals_of_one_column_are_hidden_together() -> None:
    table = measured(wages(N=spread(30), S=spread(12), E=spread(40)), ["area"], Mean("wage"), Total("wage"))
    found = shown(table, STRICT)
    assert found["mean wage"].isna().tolist() == found["total wage"].isna().tolist()
    assert found["count"].notna().all()
    assert pd.isna(found.loc["S", "mean wage"]) and found["mean wage"].isna().sum() == 2


def test_a_total_whose_count_is_hidden_is_hidden() -> None:
    table = measured(wages(N=spread(4), S=spread(30), E=spread(40)), ["area"], Total("wage"))
    found = shown(table, STRICT)
    assert found.loc[found["count"].isna(), "total wage"].isna().all()


def test_a_median_whose_count_is_hidden_is_hidden() -> None:
    """It would say that at least twenty stand behind a count of which a reader is to know nothing."""
    table = measured(wages(N=spread(4), S=spread(30), E=spread(40)), ["area"], Median("wage"))
    found = shown(table, STRICT)
    assert found.loc["S", "status"] == "complementary"
    assert found["median wage"].isna().tolist() == found["count"].isna().tolist()


def test_dominance_and_p_percent_hide_a_total_of_many_people() -> None:
    # 29 x 100 = 2,900; one of 12,000 holds 80.5 %. Without: 28 x 1 and two of 1,000: the second misses by 28, 2.8 %
    dominated = [12_000.0] + [100.0] * 29
    guessed = [1_000.0, 1_000.0] + [1.0] * 28
    rows = {"D": dominated, "P": guessed, "S": spread(40), "E": spread(40), "W": spread(40)}
    found = shown(measured(wages(**rows), ["area"], Total("wage")), STRICT)
    assert found.loc[["D", "P"], "total wage"].isna().all()
    assert found["count"].notna().all()


def test_hidden_totals_that_are_known_together_stand_on_twenty_people() -> None:
    # two hidden totals of 9 and 10 people: their sum would be known, of 19 people
    table = measured(wages(N=spread(9), S=spread(10), E=spread(40), W=spread(41)), ["area"], Total("wage"))
    found = shown(table, STRICT)
    assert pd.isna(found.loc["E", "total wage"]) or pd.isna(found.loc["Total", "total wage"])


def test_totals_of_groups_that_differ_by_ten_people_are_not_both_displayed() -> None:
    frame = wages(N=spread(60), S=spread(60))
    everyone = protect(measured(frame, ["area"], Total("wage"), name="everyone"), STRICT)
    most = shown(measured(frame.iloc[10:], ["area"], Total("wage"), name="most"), STRICT, everyone)
    assert most.loc["N", "count"] == 50
    assert pd.isna(most.loc["N", "total wage"])
    assert most.loc["S", "total wage"] == pytest.approx(sum(spread(60)))


def test_a_total_that_earlier_releases_give_away_is_refused() -> None:
    frame = wages(N=spread(30), S=spread(12), E=spread(40))
    careless = measured(frame, ["area"], Total("wage"), name="careless")
    with pytest.raises(Unprotectable, match=r"again\[area=S\]"):
        protect(measured(frame, ["area"], Total("wage"), name="again"), STRICT, [careless])


def test_the_same_people_are_protected_across_tables_of_totals() -> None:
    frame = wages(N=spread(30), S=spread(12), E=spread(40)).assign(sex=["F", "M"] * 41)
    tables = [measured(frame, by, Total("wage"), name="-".join(by)) for by in (["area"], ["area", "sex"], ["sex"])]
    assert exposed(protect(tables, STRICT).disclosed()) == []


def test_one_partner_shown_again_gives_a_hidden_total_away() -> None:
    table = measured(wages(N=spread(30), S=spread(12), E=spread(40)), ["area"], Total("wage"))
    safe = protect(table, STRICT)
    partner = int(np.flatnonzero(~safe.measured[0]["total wage"] & (table.counts != 12))[0])
    mask = safe.measured[0]["total wage"].copy()
    mask[partner] = True
    assert exposed(safe.disclosed()) == []
    assert exposed(replace(safe, measured=({"total wage": mask},)).disclosed()) == ["total wage: table[area=S]"]


def test_a_total_of_nobody_is_no_partner_where_zeros_are_shown() -> None:
    cells = {("N", "x"): spread(12), ("N", "z"): spread(40)} | {("S", code): spread(40) for code in "xyz"}
    table = measured(persons(cells, ["area", "kind"], "wage"), ["area", "kind"], Total("wage"))
    found = shown(table, ZEROS_SHOWN)
    assert found.loc[("N", "y"), "count"] == 0
    assert pd.isna(found.loc[("N", "z"), "total wage"]) or pd.isna(found.loc[("N", "Total"), "total wage"])
    counts, totals = protect(table, ZEROS_SHOWN).disclosed()
    assert exposed([counts, totals]) == []
    assert totals.upper[0, 1] == 0


def test_a_mean_of_nought_would_be_the_amount_of_everybody() -> None:
    table = measured(wages(N=[0.0] * 30, S=spread(40), E=spread(40)), ["area"], Mean("wage"))
    found = shown(table, STRICT)
    assert pd.isna(found.loc["N", "mean wage"]) and found.loc["N", "count"] == 30
    assert exposed(protect(table, STRICT).disclosed()) == []


def test_amounts_below_zero_have_no_dominance_rule() -> None:
    with pytest.raises(TableInvalid, match="2 amounts are below zero"):
        measured(wages(N=[-1.0, -2.0, *spread(30)]), ["area"], Total("wage"))


# --- quantiles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, 1.5])
def test_minimum_and_maximum_cannot_be_asked_for(q: float) -> None:
    with pytest.raises(TableInvalid, match="one individual's value"):
        Quantile("wage", q)


@pytest.mark.parametrize(
    ("measure", "needed"), [(Median("wage"), 20), (Quantile("wage", 0.25), 24), (Quantile("wage", 0.99), 600)]
)
def test_a_quantile_needs_twenty_people_and_six_beyond_it(measure: Median | Quantile, needed: int) -> None:
    for n in (needed - 1, needed):
        found = shown(measured(wages(N=spread(n), S=spread(700)), ["area"], measure), STRICT)
        assert pd.isna(found.loc["N", measure.label]) == (n < needed)


def test_a_quantile_is_no_value_that_somebody_has() -> None:
    # the median, 200, rounds to itself in steps of 2; half a step up is 201, also somebody's; a quarter up is 200.5
    values = [float(v) for v in (*range(190, 200), 200, 201, 202, *range(203, 211))]
    assert np.median(values) == 200
    found = shown(measured(wages(N=values), ["area"], Median("wage")), STRICT)
    assert found.loc["N", "median wage"] == 200.5


def test_a_quantile_is_rounded_to_a_percent_of_itself() -> None:
    values = [31_250.0 + 313.7 * i for i in range(21)]
    # the median is 34,387; one percent is 344, so steps of 500
    found = shown(measured(wages(N=values), ["area"], Median("wage")), STRICT)
    assert found.loc["N", "median wage"] == 34_500


def test_a_quantile_that_no_rounding_moves_off_an_observed_value_is_not_displayed() -> None:
    # the median is 1,000, the step 10: half a step up, a quarter and so on, somebody is always there
    values = [1000.0, *(1000 + 10 / 2**k for k in range(1, 13)), *range(900, 912)]
    assert np.median(values) == 1000
    assert shown(measured(wages(N=values), ["area"], Median("wage")), STRICT)["median wage"].isna().all()


def test_a_median_that_half_of_the_cell_has_is_not_displayed() -> None:
    found = shown(measured(wages(N=[0.0] * 15 + spread(10)), ["area"], Median("wage")), STRICT)
    assert found["median wage"].isna().all()


# --- whose terms ---------------------------------------------------------------------------------------------------


def test_each_table_is_held_to_the_strictest_agency_behind_its_columns() -> None:
    policy = CellPolicy(columns={"enrolled": CellPolicy(minimum_count=10), "wage": CellPolicy(minimum_base=50)})
    frame = enrolled(N=answers(8, 40), S=answers(30, 30), E=answers(30, 30)).assign(wage=spread(168))
    rates = measured(frame, ["area"], ENROLLED)
    assert shown(rates, CellPolicy())[RATE].notna().all()
    assert pd.isna(shown(rates, policy).loc["N", RATE])
    means = shown(measured(frame, ["area"], Mean("wage")), policy)
    assert pd.isna(means.loc["N", "mean wage"]) and means.loc["N", "count"] == 48


def test_terms_of_a_delivered_column_hold_where_a_by_column_is_taken_from_it() -> None:
    policy = CellPolicy(columns={"sde.School": CellPolicy(minimum_count=10)})
    frame = people({("N",): 8, ("S",): 30, ("E",): 30}, ["area"])
    table = tabulate(frame, ["area"], sources={"area": "sde.School"})
    assert shown(tabulate(frame, ["area"]), policy)["status"].eq("shown").all()
    assert shown(table, policy).loc["N", "status"] == "primary"


@pytest.mark.parametrize("seed", range(12))
def test_random_tables_of_rates_and_totals_withstand_an_attack(seed: int) -> None:
    generator = np.random.default_rng(seed)
    n = int(generator.integers(80, 500))
    frame = pd.DataFrame(
        {
            "P20ID": [f"P{i:05d}" for i in range(n)],
            "a": generator.choice(list("pqrs"), n, p=[0.5, 0.3, 0.15, 0.05]),
            "b": generator.choice(list("uvw"), n, p=[0.6, 0.3, 0.1]),
            "yes": generator.choice(["Y", "N", None], n, p=[0.3, 0.6, 0.1]),
            "wage": generator.lognormal(9, 1.2, n).round(2),
        }
    )
    policy = CellPolicy(zeros="hidden" if seed % 2 else "shown", sensitive=("yes",) if seed % 3 == 0 else ())
    both = measured(frame, ["a", "b"], Rate("yes", "Y"), Total("wage"), name="both")
    one = measured(frame, ["a"], Rate("yes", "Y"), Mean("wage"), name="one")
    first = protect(both, policy)
    second = protect([one, tabulate(frame, ["b", "yes"], name="counts")], policy, [first])
    layers = [*first.disclosed(), *second.disclosed()]
    assert exposed(layers) == []
    assert any(np.isfinite(layer.upper).any() for layer in layers)
