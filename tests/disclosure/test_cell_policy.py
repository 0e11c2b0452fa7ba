"""DSA III.G.2.a and .b: a project may be stricter than the agreement, never looser."""

from __future__ import annotations

from typing import Any

import pytest

from p20kit.errors import PolicyInvalid
from p20kit.policy import CellPolicy


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
