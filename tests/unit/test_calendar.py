"""Business days of Connecticut and the clocks of the agreement, as a steward would count them on paper."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave import calendar
from enclave.calendar import Unit, add_business_days, add_months, business_days_between, is_business_day
from enclave.clauses import clauses

DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2022, 4, 14), True),
        (date(2022, 4, 15), False),  # Good Friday is a holiday of this State
        (date(2022, 4, 16), False),
        (date(2022, 5, 30), False),
        (date(2022, 7, 4), False),
        (date(2022, 2, 11), False),  # Lincoln's birthday, observed
        (date(2022, 12, 26), False),  # Christmas was a Sunday
        (date(2022, 12, 27), True),
    ],
)
def test_the_states_offices_are_open(day: date, open_: bool) -> None:
    assert is_business_day(day) is open_


@pytest.mark.parametrize(
    ("clock", "start", "due"),
    [
        ("MATCH_DATA", date(2022, 4, 11), date(2022, 4, 26)),
        ("REVIEW", date(2022, 6, 1), date(2022, 6, 15)),
        ("FINAL_COPY", date(2022, 4, 26), date(2022, 5, 26)),
        ("CERTIFICATE", date(2022, 8, 31), date(2022, 9, 6)),
        ("EXHIBIT_C", date(2022, 4, 1), date(2023, 4, 1)),
        ("ANALYSIS", date(2024, 2, 29), date(2025, 2, 28)),
    ],
)
def test_a_clock_runs_out(clock: str, start: date, due: date) -> None:
    assert getattr(calendar, clock).due(start) == due


def test_every_clock_cites_a_clause() -> None:
    clocks = [value for value in vars(calendar).values() if isinstance(value, calendar.Clock)]
    assert len(clocks) >= 8
    assert all(clock.clause in clauses() and clock.length > 0 and clock.unit in Unit for clock in clocks)


@given(DAYS, st.integers(1, 40))
def test_adding_and_counting_agree(start: date, count: int) -> None:
    due = add_business_days(start, count)
    assert is_business_day(due) and business_days_between(start, due) == count
    assert business_days_between(start, due - timedelta(days=1)) == count - 1
    assert business_days_between(due, start) == 0 and add_business_days(start, 0) == start


@given(DAYS, st.integers(0, 30))
def test_months_keep_the_day_or_end_the_month(start: date, count: int) -> None:
    due = add_months(start, count)
    assert (due.year * 12 + due.month) - (start.year * 12 + start.month) == count
    assert due.day == start.day or (due + timedelta(days=1)).day == 1
