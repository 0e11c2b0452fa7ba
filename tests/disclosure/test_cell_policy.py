"""DSA III.G.2.a and .b: a project may be stricter than the agreement, never looser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from p20kit.dimensions import Dimension
from p20kit.errors import PolicyInvalid
from p20kit.policy import CellPolicy
from p20kit.primary import (
    dominated,
    few_employers,
    near_extremes,
    p_percent,
    safe_totals,
    small_bases,
    small_counts,
    small_parts,
    tell_tale_zeros,
)
from p20kit.tables import add_margins


def test_the_default_is_the_agreement_read_strictly() -> None:
    assert CellPolicy() == CellPolicy(minimum_count=6, minimum_base=20, zeros="hidden")


@pytest.mark.parametrize(
    "terms",
    [
        {"minimum_count": 5},
        {"minimum_base": 19},
        {"zeros": "sometimes"},
        {"minimum_count": True},
        {"minimum_count": 10.0},
        {"minimum_count": "6"},
    ],
)
def test_looser_or_malformed_terms_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        CellPolicy(**terms)
    assert [finding.where for finding in refusal.value.findings] == list(terms)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        CellPolicy(minimum_count=1, minimum_base=1, zeros="maybe")  # type: ignore[arg-type]
    assert len(refusal.value.findings) == 3


def test_stricter_is_accepted() -> None:
    assert CellPolicy(minimum_count=11, minimum_base=30).minimum_count == 11


@pytest.mark.parametrize(("zeros", "expected"), [("hidden", [1, 1, 1, 0, 0]), ("shown", [0, 1, 1, 0, 0])])
def test_less_than_six_includes_zero_unless_signed_otherwise(zeros: Any, expected: list[int]) -> None:
    counts = np.array([0, 1, 5, 6, 7])
    hidden = small_counts(counts, np.zeros(5, dtype=bool), CellPolicy(zeros=zeros))
    assert hidden.astype(int).tolist() == expected


def test_a_structural_zero_says_nothing_about_anybody() -> None:
    hidden = small_counts(np.array([0, 0]), np.array([True, False]), CellPolicy())
    assert hidden.tolist() == [False, True]


def test_a_formula_needs_twenty_in_its_base() -> None:
    assert small_bases(np.array([19, 20, 0]), CellPolicy()).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "terms",
    [
        {"minimum_employers": 2},
        {"dominance_share": 0.81},
        {"dominance_share": 0},
        {"p_percent": 14.9},
        {"p_percent": "15"},
        {"quantile_rounding": 0.009},
        {"sensitive": "discipline"},
        {"columns": {"wage": {"minimum_count": 10}}},
        {"columns": {"wage": CellPolicy(columns={"wage": CellPolicy()})}},
    ],
)
def test_terms_of_amounts_and_columns_are_held_to_the_floor_too(terms: dict[str, Any]) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        CellPolicy(**terms)
    assert [finding.where for finding in refusal.value.findings] == list(terms)


def test_where_columns_meet_the_strictest_term_of_each_holds() -> None:
    labor = CellPolicy(
        minimum_base=30, zeros="hidden", minimum_employers=5, dominance_share=0.7, sensitive=("claim",)
    )
    schools = CellPolicy(minimum_count=10, zeros="shown", p_percent=20.0, quantile_rounding=0.05)
    policy = CellPolicy(zeros="shown", sensitive=("discipline",), columns={"wage": labor, "sde.School": schools})
    assert policy.over(["sex"]) == CellPolicy(zeros="shown", sensitive=("discipline",))
    assert policy.over(["sde.School"]) == CellPolicy(
        minimum_count=10, zeros="shown", p_percent=20.0, quantile_rounding=0.05, sensitive=("discipline",)
    )
    assert policy.over(["sde.School", "wage"]) == CellPolicy(
        minimum_count=10,
        minimum_base=30,
        zeros="hidden",
        minimum_employers=5,
        dominance_share=0.7,
        p_percent=20.0,
        quantile_rounding=0.05,
        sensitive=("discipline", "claim"),
    )


def test_policies_can_be_compared_and_be_members_of_sets() -> None:
    one, same = (CellPolicy(columns={"wage": CellPolicy(minimum_count=10)}) for _ in range(2))
    assert one == same and len({one, same, CellPolicy()}) == 2


@pytest.mark.parametrize(
    ("part", "base", "expected"), [(5, 40, True), (6, 40, False), (34, 40, False), (35, 40, True), (0, 40, True)]
)
def test_a_numerator_and_what_it_leaves_are_counts(part: int, base: int, expected: bool) -> None:
    assert small_parts(np.array([part]), np.array([base]), CellPolicy()).tolist() == [expected]


def test_nought_and_all_are_left_to_the_switch_for_zeros() -> None:
    assert small_parts(np.array([0, 40]), np.array([40, 40]), CellPolicy(zeros="shown")).tolist() == [False, False]


def test_a_quantile_has_six_people_beyond_it() -> None:
    assert near_extremes(np.array([23, 24]), 0.75, CellPolicy()).tolist() == [True, False]
    assert near_extremes(np.array([23, 24]), 0.25, CellPolicy()).tolist() == [True, False]


def test_three_employers_or_nothing() -> None:
    found = few_employers(np.array([0, 1, 2, 3]), np.array([0, 9, 9, 9]), CellPolicy())
    assert found.tolist() == [False, True, True, False]


def test_a_contributor_may_hold_eighty_percent_and_no_more() -> None:
    assert dominated(np.array([100.0, 100.0]), np.array([80.0, 80.5]), CellPolicy()).tolist() == [False, True]


def test_the_second_contributor_misses_the_largest_by_fifteen_percent() -> None:
    # of 200: 100 and 85 leave 15; of 199, 14
    total, largest, second = np.array([200.0, 199.0]), np.array([100.0, 100.0]), np.array([85.0, 85.0])
    assert p_percent(total, largest, second, CellPolicy()).tolist() == [False, True]


@pytest.mark.parametrize(
    ("total", "largest", "second", "needed"),
    [
        (1000.0, 10.0, 10.0, 1150.0),  # 15 % more
        (101.0, 100.0, 1.0, 125.0),  # so that 100 is 80 %, which is more than 100 x 1.15 + 1
        (200.0, 100.0, 100.0, 230.0),
        (190.0, 100.0, 110.0, 225.0),  # 100 x 1.15 + 110
        (0.0, 0.0, 0.0, 7.0),  # at least so much
    ],
)
def test_how_large_a_hidden_total_must_still_be_thought_possible(
    total: float, largest: float, second: float, needed: float
) -> None:
    found = safe_totals(np.array([total]), np.array([largest]), np.array([second]), 7.0, CellPolicy())
    assert found[0] == pytest.approx(needed)


def test_the_zero_that_tells_is_hidden_with_the_margin_it_follows_from() -> None:
    # columns yes, no, refused, total; in N everybody said yes; in S nobody refused either
    counts = np.array([[30, 0, 0, 30], [20, 9, 0, 29], [50, 9, 0, 59]])
    area, answer = Dimension.of("area", ["N", "S"]), Dimension.of("answer", ["a yes", "b no", "c refused"])
    never = np.zeros(counts.shape, dtype=bool)
    found = tell_tale_zeros(counts, never, 1, [area, answer], CellPolicy(zeros="shown"))
    assert np.argwhere(found).tolist() == [[0, 1]]
    # in all, everybody said yes: the zeros of the margin tell it of N and S as well
    alike = np.array([[30, 0, 30], [20, 0, 20], [50, 0, 50]])
    found = tell_tale_zeros(alike, never[:, :3], 1, [area, Dimension.of("answer", ["a", "b"])], CellPolicy())
    assert np.argwhere(found).tolist() == [[0, 1], [1, 1], [2, 1]]


def test_the_margin_a_telling_zero_follows_from_is_hidden_though_its_own_group_is_mixed() -> None:
    # north: N1 all yes, N2 yes and refused; nobody in the north said no, somebody in the south did
    area = Dimension.of("area", ["N1", "N2", "S"], {"N1": "north", "N2": "north", "S": "south"})
    answer = Dimension.of("answer", ["a yes", "b no", "c refused"])
    inner = np.zeros((6, 4), dtype=np.int64)
    inner[:3, :3] = [[30, 0, 0], [20, 0, 9], [20, 50, 1]]
    counts = add_margins(inner, [area, answer])
    found = tell_tale_zeros(counts, np.zeros((6, 4), dtype=bool), 1, [area, answer], CellPolicy(zeros="shown"))
    assert [(area.codes[i], answer.codes[j]) for i, j in np.argwhere(found)] == [("N1", "b no"), ("north", "b no")]


def test_a_group_that_is_not_displayed_tells_nothing_by_its_zeros() -> None:
    counts = np.array([[5, 0, 5], [20, 9, 29], [25, 9, 34]])
    dimensions = [Dimension.of("area", ["N", "S"]), Dimension.of("answer", ["a", "b"])]
    found = tell_tale_zeros(counts, np.zeros((3, 3), dtype=bool), 1, dimensions, CellPolicy(zeros="shown"))
    assert not found.any()


def test_a_category_the_code_set_rules_out_is_no_news() -> None:
    counts = np.array([[30, 0, 30], [20, 9, 29], [50, 9, 59]])
    dimensions = [Dimension.of("area", ["N", "S"]), Dimension.of("answer", ["a", "b"])]
    impossible = counts == 0
    assert not tell_tale_zeros(counts, impossible, 1, dimensions, CellPolicy(zeros="shown")).any()
