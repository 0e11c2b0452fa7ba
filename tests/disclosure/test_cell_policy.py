"""DSA III.G.2.a and .b: a project may be stricter than the agreement, never looser."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from p20kit.errors import PolicyInvalid
from p20kit.policy import CellPolicy
from p20kit.primary import small_bases, small_counts


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
