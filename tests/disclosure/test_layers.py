"""The primary rules of figures, each by itself: what may not be displayed whatever else is."""

from __future__ import annotations

import pandas as pd

from p20kit import CellPolicy, Table
from p20kit.layers import barred_figures
from p20kit.measures import Total
from tests.disclosure.measured import measured

WAGES = Total("wage")


def wages(north: list[tuple[str, float]]) -> Table:
    """Total the wages of the north, given as employer and wage, and of a south of eight even employers."""
    south = [(f"e{i % 8}", 1000.0 + i) for i in range(40)]
    rows = [("N", *job) for job in north] + [("S", *job) for job in south]
    frame = pd.DataFrame(rows, columns=["area", "employer", "wage"])
    frame.insert(0, "P20ID", [f"P{i:07d}" for i in range(len(frame))])
    return measured(frame, ["area"], WAGES, employer="employer")


def barred(table: Table) -> list[bool]:
    found: list[bool] = barred_figures(table, WAGES.label, CellPolicy()).tolist()
    return found


def test_a_total_that_one_employer_dominates_is_barred() -> None:
    # 30,000 of 36,000 is over 80 %, of four employers; 24,000 of 30,000 is not
    others = [(f"s{i % 3}", 1000.0) for i in range(6)]
    assert barred(wages([("big", 1000.0)] * 30 + others)) == [True, False, False]
    assert barred(wages([("big", 1000.0)] * 24 + others)) == [False, False, False]


def test_a_total_from_which_the_second_employer_works_the_first_out_is_barred() -> None:
    # no employer has 80 %; the second knows the first to within the 1,000 of the third
    assert barred(wages([("one", 1000.0)] * 15 + [("two", 1000.0)] * 14 + [("three", 1000.0)])) == [
        True,
        False,
        False,
    ]


def test_a_total_of_nought_is_everybodys_amount_and_barred() -> None:
    assert barred(wages([(f"e{i % 5}", 0.0) for i in range(30)])) == [True, False, False]


def test_a_total_of_too_few_people_or_employers_is_barred() -> None:
    assert barred(wages([(f"e{i % 5}", 1000.0) for i in range(19)])) == [True, False, False]
    assert barred(wages([(f"e{i % 2}", 1000.0) for i in range(30)])) == [True, False, False]
