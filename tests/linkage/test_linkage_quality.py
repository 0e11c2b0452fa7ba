"""What the report says of a match: intervals, hidden groups, thresholds, and a prior that recovers the truth."""

import numpy as np
import pandas as pd
import pytest

from p20kit.linkage.quality import at_thresholds, rates_by_group, wilson


def groups_of(**sizes: tuple[int, int]) -> dict[str, dict[str, object]]:
    """Match rates by one grouping; each size is (records, linked)."""
    names = [name for name, (n, _) in sizes.items() for _ in range(n)]
    linked = pd.Series(
        [i < k for n, k in sizes.values() for i in range(n)], index=[f"id{i}" for i in range(len(names))]
    )
    table = pd.DataFrame({"GenericID": linked.index, "race": names})
    return {str(row["group"]): row for row in rates_by_group(table, linked, "GenericID")[0]["groups"]}


def test_wilson_interval_of_a_known_case():
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_rate_by_group():
    rows = groups_of(a=(100, 57), b=(50, 25))
    assert (rows["a"]["records"], rows["a"]["linked"], rows["a"]["rate"]) == (100, 57, 0.57)
    assert not rows["b"]["suppressed"]


def test_a_small_group_takes_a_partner():
    rows = groups_of(a=(100, 57), b=(50, 25), c=(12, 3))
    assert rows["c"] == {"group": "c", "suppressed": True}
    assert rows["b"]["suppressed"], "the total would give the small group away"
    assert not rows["a"]["suppressed"]


def test_few_unlinked_persons_are_hidden_too():
    assert groups_of(a=(100, 57), b=(50, 45))["b"]["suppressed"]


def test_two_small_groups_that_add_up_to_few_take_a_third():
    rows = groups_of(a=(100, 50), b=(90, 45), c=(11, 2), d=(12, 2))
    assert [name for name, row in rows.items() if row["suppressed"]] == ["b", "c", "d"]


def test_missing_is_a_group_of_its_own():
    linked = pd.Series([True, False] * 10, index=[f"id{i}" for i in range(20)])
    table = pd.DataFrame({"GenericID": linked.index[:0], "race": []}, dtype=object)
    assert rates_by_group(table, linked, "GenericID")[0]["groups"][0]["group"] == "(missing)"


def test_more_links_at_a_lower_threshold_and_the_one_in_force_is_marked():
    rows = at_thresholds(np.array([0.999, 0.97, 0.92, 0.6, 0.1]), 0.9)
    assert [row["links"] for row in rows] == [4, 3, 3, 3, 2, 1, 1]
    assert [row["threshold"] for row in rows if row["in_force"]] == [0.9]
    assert rows[3]["expected_false_links"] == pytest.approx(0.1, abs=0.02)
    assert rows[3]["expected_missed_matches"] == pytest.approx(0.7, abs=0.01)
