"""Complementary suppression of a small system, spelled out: what whole persons ask for beyond fractions of them."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from p20kit.complementary import complementary
from p20kit.system import System

CELLS = ["a", "b", "c", "e", "p", "q", "r"]
VALUES = np.array([20.0, 20.0, 20.0, 1.0, 40.0, 40.0, 41.0])
SUMS = {"p": "ab", "q": "ac", "r": "bce"}


def odd_circle(need: dict[str, float]) -> System:
    """Hide a, b, c and e: as long as p, q and r are displayed, e changes by twice what a does."""
    rows = [[1.0 if c == whole else -1.0 * (c in parts) for c in CELLS] for whole, parts in SUMS.items()]
    return System(
        gap=np.array([need.get(cell, 0.0) for cell in CELLS]),
        drop=VALUES,
        hidden=np.array([cell in "abce" for cell in CELLS]),
        fixed=np.zeros(len(CELLS), dtype=bool),
        weight=np.array([1.0, 1.0, 1.0, 1.0, 3.0, 2.0, 4.0]),
        matrix=sparse.csr_matrix(np.array(rows)),
        along=np.zeros(len(rows), dtype=np.int64),
    )


def hidden(need: dict[str, float]) -> str:
    outcome = complementary(odd_circle(need), lambda done, of, what: None)
    assert not len(outcome.unprotected)
    return "".join(cell for cell, is_hidden in zip(CELLS, outcome.hidden, strict=True) if is_hidden)


def test_what_only_half_a_person_would_protect_takes_a_further_cell() -> None:
    assert hidden({"e": 4.0}) == "abce"
    assert hidden({"e": 5.0}) == "abceq"


def test_each_cell_in_need_is_looked_at_in_whole_persons() -> None:
    """A change that protects a in whole persons is none for e."""
    assert hidden({"a": 1.0}) == "abce"
    assert hidden({"a": 1.0, "e": 5.0}) == "abceq"
