"""Business days of the State of Connecticut, and the unit each clock of the agreement uses.

The documents mix hours, business days, working days, days and months; each clock names its own as its clause does. A
working day is a business day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

import holidays

STATE_TIME = ZoneInfo("America/New_York")
"""Connecticut's time."""
_OPENS, _CLOSES = time(8), time(17)


class Unit(StrEnum):
    """The unit a clock counts in."""

    HOURS = "hours"
    BUSINESS_HOURS = "business hours"
    BUSINESS_DAYS = "business days"
    WORKING_DAYS = "working days"
    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


@dataclass(frozen=True)
class Clock:
    """A period the agreement sets.

    Parameters
    ----------
    name : str
    clause : str
    length : int
        In `unit`.
    unit : Unit
    """

    name: str
    clause: str
    length: int
    unit: Unit

    def due(self, start: date) -> date:
        """Give the last day of the period that starts on `start`; one in hours has a moment instead."""
        if self.unit in (Unit.HOURS, Unit.BUSINESS_HOURS):
            raise ValueError(self.name)
        if self.unit in (Unit.BUSINESS_DAYS, Unit.WORKING_DAYS):
            return add_business_days(start, self.length)
        if self.unit is Unit.MONTHS:
            return add_months(start, self.length)
        return start + (timedelta(weeks=self.length) if self.unit is Unit.WEEKS else timedelta(days=self.length))

    def due_at(self, start: datetime) -> datetime:
        """Give the last moment of the period that starts at `start`, which has a time zone."""
        if self.unit is Unit.BUSINESS_HOURS:
            return add_business_hours(start, self.length)
        if self.unit is Unit.HOURS:
            return start + timedelta(hours=self.length)
        return datetime.combine(self.due(start.astimezone(STATE_TIME).date()), time.max, STATE_TIME)


@cache
def _state_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv="CT", years=year))


def is_business_day(day: date) -> bool:
    """Tell whether the State's offices are open: Monday to Friday, no Connecticut holiday."""
    return day.weekday() < 5 and day not in _state_holidays(day.year)


def add_business_days(start: date, count: int) -> date:
    """Give the day `count` business days after `start`; the day itself does not count."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        if is_business_day(day):
            count -= 1
    return day


def add_business_hours(start: datetime, count: int) -> datetime:
    """Give the moment `count` business hours after `start`: from 8 to 17 o'clock of business days in Connecticut."""
    now, left = start.astimezone(STATE_TIME), timedelta(hours=count)
    while True:
        begins = max(now, datetime.combine(now.date(), _OPENS, STATE_TIME))
        open_for = datetime.combine(now.date(), _CLOSES, STATE_TIME) - begins
        if is_business_day(now.date()) and open_for > timedelta(0):
            if left <= open_for:
                return begins + left
            left -= open_for
        now = datetime.combine(now.date() + timedelta(days=1), _OPENS, STATE_TIME)


def business_hours_between(start: datetime, end: datetime) -> float:
    """Give the business hours from `start` to `end`; 0 when `end` is not later."""
    now, last, hours = start.astimezone(STATE_TIME), end.astimezone(STATE_TIME), 0.0
    for n in range((last.date() - now.date()).days + 1):
        day = now.date() + timedelta(days=n)
        begins = max(now, datetime.combine(day, _OPENS, STATE_TIME))
        ends = min(last, datetime.combine(day, _CLOSES, STATE_TIME))
        hours += max((ends - begins) / timedelta(hours=1), 0) if is_business_day(day) else 0
    return hours


def business_days_between(start: date, end: date) -> int:
    """Count the business days after `start` up to and including `end`; 0 when `end` is not later."""
    days = (end - start).days
    return sum(is_business_day(start + timedelta(days=n)) for n in range(1, days + 1))


def add_months(start: date, count: int) -> date:
    """Give the same day `count` months later, or the last day of that month."""
    month = start.month - 1 + count
    year, month = start.year + month // 12, month % 12 + 1
    for day in range(start.day, start.day - 4, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    raise ValueError(start)


MATCH_DATA = Clock("data used for matching", "DSA III.F.3", 10, Unit.BUSINESS_DAYS)
REVIEW = Clock("pre-publication data review", "DSA VI.G.1", 10, Unit.BUSINESS_DAYS)
QUESTIONS = Clock("questions on completeness and matching", "DSA VI.B", 10, Unit.BUSINESS_DAYS)
FINAL_COPY = Clock("copy of the published work", "DSA VI.G", 30, Unit.DAYS)
CERTIFICATE = Clock("certificate of destruction", "ExF", 3, Unit.WORKING_DAYS)
EXHIBIT_C = Clock("Exhibit C", "ExC", 12, Unit.MONTHS)
ANALYSIS = Clock("analysis after delivery", "ExA 4.a", 12, Unit.MONTHS)
BREACH = Clock("breach notice", "EM A2.1.A", 24, Unit.HOURS)
TERMINATION = Clock("notice of termination", "DSA XI", 60, Unit.DAYS)
CONTINUATION = Clock("request for a later end", "DSA VI.H", 30, Unit.DAYS)
BOARD_MEETS = Clock("meeting of the board on a complaint", "EM A1.2.B", 5, Unit.BUSINESS_DAYS)
ESCALATION = Clock("complaint before the Executive Board", "EM A1.2.B", 30, Unit.DAYS)
REASONS = Clock("reasons of a suspension", "EM A1.2.B", 12, Unit.BUSINESS_HOURS)
CORRECTION = Clock("plan of correction", "EM A1.2.B", 10, Unit.BUSINESS_DAYS)
CORRECTION_REVIEW = Clock("decision on a plan of correction", "EM A1.2.B", 10, Unit.BUSINESS_DAYS)
DEFICIENCIES = Clock("deficiencies of a correction", "EM A1.3", 5, Unit.BUSINESS_DAYS)
SUSPENSION = Clock("notice of suspension", "EM A1.2.A", 1, Unit.DAYS)
MEMBERSHIP = Clock("membership of the Enterprise MOU", "EM XVIII.B", 36, Unit.MONTHS)
REPRESENTATIVE = Clock("notice of a new Representative", "EM XVIII.C", 10, Unit.BUSINESS_DAYS)
ACCESS_REVIEW = Clock("review of who needs access", "EM XVII.C", 6, Unit.MONTHS)
"""The documents say "regularly"; how often is decision 26."""
APPLICATION_REVIEW = Clock("meeting of the board on an application", "EM A1.1", 30, Unit.BUSINESS_DAYS)
APPLICATION_ANSWER = Clock("answer of the Operating Group to an application", "EM A1.1", 10, Unit.BUSINESS_DAYS)
CHANGE_FORWARDED = Clock("a request for a change forwarded to the board", "EM A4", 5, Unit.BUSINESS_DAYS)
CHANGE_FINDINGS = Clock("findings of the board on a compliance change", "EM A4", 30, Unit.DAYS)
CHANGE_DECISION = Clock("decision on a compliance change", "EM A4", 2, Unit.WEEKS)
LEAVING = Clock("notice of leaving the Enterprise MOU", "EM XVIII.B", 30, Unit.DAYS)
