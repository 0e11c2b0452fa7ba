"""What a checker of figures by employer must catch: DSA II.F."""

from __future__ import annotations

import pandas as pd
import pytest

from p20kit import CellPolicy
from p20kit.measures import Median, Rate, Total
from p20kit.needs import total_needs
from p20kit.protection import protect
from tests.disclosure.measured import exposed, measured, shown

STRICT = CellPolicy()


def jobs(employers: dict[str, list[tuple[str, float]]]) -> pd.DataFrame:
    """Invent a person per job: area -> (employer, wage)."""
    rows = [(area, *job) for area, given in employers.items() for job in given]
    frame = pd.DataFrame(rows, columns=["area", "employer", "wage"])
    frame.insert(0, "P20ID", [f"P{i:07d}" for i in range(len(frame))])
    return frame


EVEN = [(f"e{i % 8}", 1000.0 + i) for i in range(40)]


@pytest.mark.parametrize(("employers", "shows"), [(1, False), (2, False), (3, True)])
def test_nothing_of_a_cell_with_fewer_than_three_employers_is_displayed(employers: int, shows: bool) -> None:
    few = [(f"f{i % employers}", 1000.0 + i) for i in range(36)]
    frame = jobs({"N": few, "S": EVEN, "E": EVEN, "W": EVEN})
    table = measured(frame, ["area"], Total("wage"), Median("wage"), employer="employer")
    found = shown(table, STRICT)
    assert found.loc["N", ["count", "total wage", "median wage"]].notna().tolist() == [shows] * 3
    assert found.loc["N", "status"] == ("shown" if shows else "primary")
    assert exposed(protect(table, STRICT).disclosed()) == []


def test_one_employer_behind_a_wage_total_dominates_whoever_the_people_are() -> None:
    # 30 people of one employer at 1,000 hold 30,000 of 32,000; no person holds much
    one = [("big", 1000.0)] * 30 + [("s1", 1000.0), ("s2", 1000.0)]
    frame = jobs({"N": one, "S": EVEN, "E": EVEN, "W": EVEN})
    by_employer = shown(measured(frame, ["area"], Total("wage"), employer="employer"), STRICT)
    by_person = shown(measured(frame, ["area"], Total("wage")), STRICT)
    assert pd.isna(by_employer.loc["N", "total wage"]) and by_employer.loc["N", "count"] == 32
    assert by_person.loc["N", "total wage"] == 32_000


def test_employers_are_counted_among_those_with_a_value() -> None:
    frame = jobs({"N": EVEN, "S": EVEN, "E": EVEN})
    # in N, 30 people of two employers have hours; ten people of six others have none
    frame["hours"] = 40.0 + frame.index % 7
    frame.loc[:29, "employer"] = ["e0", "e1"] * 15
    frame.loc[30:39, "hours"] = None
    found = shown(measured(frame, ["area"], Median("hours"), Total("hours"), employer="employer"), STRICT)
    assert found.loc["N", ["median hours", "total hours"]].isna().all()
    assert found.loc["N", "count"] == 40
    # and it is not the rest of the others
    assert found["total hours"].isna().sum() >= 2


def test_employers_behind_the_numerator_of_a_rate_are_counted_too() -> None:
    frame = jobs({"N": EVEN, "S": EVEN, "E": EVEN})
    frame["full"] = ["Yes", "No"] * 60
    frame.loc[(frame["area"] == "N") & (frame["full"] == "Yes"), "employer"] = "one"
    table = measured(frame, ["area"], Rate("full", "Yes"), employer="employer")
    found = shown(table, STRICT)
    assert pd.isna(found.loc["N", "rate full=Yes"])
    assert found.loc["N", "count"] == 40


def test_a_project_may_ask_for_five_employers() -> None:
    frame = jobs({"N": [(f"f{i % 4}", 1000.0) for i in range(40)], "S": EVEN, "E": EVEN})
    table = measured(frame, ["area"], Total("wage"), employer="employer")
    strict = CellPolicy(minimum_employers=5)
    assert total_needs(table, table.figures["total wage"], STRICT).tolist() == [0, 0, 0, 0]
    assert total_needs(table, table.figures["total wage"], strict).tolist() == pytest.approx([0, 46_000, 0, 0])
    assert shown(table, strict).loc["N", "status"] == "primary"
