"""The primary rules, arrays in and arrays out: DSA III.G.2.a, DSA III.G.2.b, DSA II.F."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from p20kit.dimensions import Dimension
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

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


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
    # and of large amounts to the last of them: 15 % of 10,000 are 1,500
    others = np.array([1500.0, 1499.0])
    assert p_percent(20_000 + others, np.full(2, 10_000.0), np.full(2, 10_000.0), CellPolicy()).tolist() == [
        False,
        True,
    ]


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


def test_every_rule_follows_the_terms_of_a_stricter_project() -> None:
    strict = CellPolicy(
        minimum_count=10, minimum_base=30, minimum_employers=4, dominance_share=0.5, p_percent=50.0, zeros="shown"
    )
    assert small_counts(np.array([0, 1, 9, 10]), np.zeros(4, dtype=bool), strict).tolist() == [
        False,
        True,
        True,
        False,
    ]
    assert small_bases(np.array([29, 30]), strict).tolist() == [True, False]
    assert small_parts(np.array([9, 10, 30, 31]), np.full(4, 40), strict).tolist() == [True, False, False, True]
    assert near_extremes(np.array([19, 20]), 0.5, strict).tolist() == [True, False]
    assert few_employers(np.array([3, 4]), np.array([1, 1]), strict).tolist() == [True, False]
    assert dominated(np.array([100.0, 100.0]), np.array([50.0, 50.5]), strict).tolist() == [False, True]
    total, largest, second = np.array([160.0, 159.0]), np.array([100.0, 100.0]), np.array([10.0, 10.0])
    assert p_percent(total, largest, second, strict).tolist() == [False, True]
    # 160 x 1.5; 100 / 0.5 is less
    assert safe_totals(total, largest, second, 1.0, strict).tolist() == [240.0, 238.5]


def test_a_group_of_just_the_threshold_is_displayed_and_tells_by_its_zeros() -> None:
    dimensions = [Dimension.of("area", ["N", "S"]), Dimension.of("answer", ["a", "b"])]
    for persons, tells in ((5, False), (6, True)):
        counts = add_margins(np.array([[persons, 0, 0], [20, 9, 0], [0, 0, 0]]), dimensions)
        found = tell_tale_zeros(counts, np.zeros((3, 3), dtype=bool), 1, dimensions, CellPolicy(zeros="shown"))
        assert found.any() == tells


def test_the_zero_to_hide_is_of_the_category_most_people_are_in_elsewhere_and_that_can_occur() -> None:
    area, answer = Dimension.of("area", ["N", "S"]), Dimension.of("answer", ["a", "b", "c", "d"])
    inner = np.zeros((3, 5), dtype=np.int64)
    inner[:2, :4] = [[30, 0, 0, 0], [20, 9, 40, 12]]
    counts, impossible = add_margins(inner, [area, answer]), np.zeros((3, 5), dtype=bool)
    found = tell_tale_zeros(counts, impossible, 1, [area, answer], CellPolicy(zeros="shown"))
    assert np.argwhere(found).tolist() == [[0, 2]]
    impossible[0, 2] = True
    found = tell_tale_zeros(counts, impossible, 1, [area, answer], CellPolicy(zeros="shown"))
    assert np.argwhere(found).tolist() == [[0, 3]]


def tell_tale_by_hand(
    counts: IntArray, impossible: BoolArray, axis: int, dimensions: list[Dimension], fewest: int
) -> BoolArray:
    """Look at every group in turn; then at what follows, until nothing does."""
    found: BoolArray = np.zeros(counts.shape, dtype=bool)
    leaves = range(dimensions[axis].leaves)
    for at in product(*map(range, counts.shape)):
        line = [(*at[:axis], leaf, *at[axis + 1 :]) for leaf in leaves]
        free = [cell for cell in line if counts[cell] == 0 and not impossible[cell]]
        if at[axis] < counts.shape[axis] - 1 or counts[at] < fewest or not free:
            continue
        if [bool(counts[cell]) for cell in line].count(True) == 1:
            grand = {cell: counts[tuple(cell[a] if a == axis else -1 for a in range(len(at)))] for cell in free}
            found[max(free, key=grand.__getitem__)] = True
    while True:
        before = found.copy()
        for cell in map(tuple, np.argwhere(before)):
            for along, dimension in enumerate(dimensions):
                for parent, children in dimension.groups:
                    above = (*cell[:along], parent, *cell[along + 1 :])
                    if cell[along] in children and counts[above] == 0:
                        found[above] = True
        if (found == before).all():
            return found


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_telling_zeros_of_tables_in_three_ways_are_those_found_group_by_group(axis: int) -> None:
    dimensions = [
        Dimension.of("a", list("pqr"), {"p": "P", "q": "P"}),
        Dimension.of("b", list("stuv"), [{"s": "S", "t": "S"}, {"t": "T", "u": "T"}]),
        Dimension.of("c", list("xyz"), {"x": "X", "y": "X"}),
    ]
    shape = tuple(len(d.codes) for d in dimensions)
    marked = 0
    for seed in range(12):
        generator = np.random.default_rng(seed)
        inner = np.zeros(shape, dtype=np.int64)
        inner[:3, :4, :3] = generator.poisson(7, (3, 4, 3)) * (generator.random((3, 4, 3)) < 0.3)
        counts = add_margins(inner, dimensions)
        impossible = (counts == 0) & (generator.random(shape) < 0.2)
        found = tell_tale_zeros(counts, impossible, axis, dimensions, CellPolicy(zeros="shown"))
        assert np.array_equal(found, tell_tale_by_hand(counts, impossible, axis, dimensions, 6))
        marked += int(found.sum())
    assert marked > 30
