"""`coded`: display the figures of a table coarser than they are, in ranges, rounded, or coded at top and bottom.

It changes how a displayed figure is written and nothing else: what is hidden stays hidden, and the table is judged,
and remembered, as if its displayed figures were written in full. So a reader never learns more by it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd

from p20kit.errors import Finding, TableInvalid
from p20kit.measures import COUNT, Count, CumulativeShare, Measure, Rate

if TYPE_CHECKING:
    from p20kit.tables import Table

Counts = Literal["in full", "ranges", "rounding"]
Step = Literal[5, 10, 20, 50, 100, 500, 1000]
Top = Literal[50, 100, 200, 500, 1000, 2000, 5000, 10000]
Ends = Literal[1, 5, 10]
RANGES, ROUNDING, TOP_AND_BOTTOM = "ranges", "rounding", "top and bottom coding"
METHODS = (RANGES, ROUNDING, TOP_AND_BOTTOM)
"""As ExA 3.f calls them; the gate applies them itself."""
HELD = ("aggregation", "cell suppression", "complementary suppression", "collapse of categories")
"""Methods that every release is held to: the audit, and what a person looks at where categories were put together."""


@dataclass(frozen=True)
class Coding:
    """How the displayed figures of a table are written.

    A parameter is one of few, so that it says nothing else.

    Parameters
    ----------
    counts : {"in full", "ranges", "rounding"}
    step : int, optional
        Width of the ranges, or what is rounded to; None for counts in full.
    top : int, optional
        Counts from here on are "500 or more".
    ends : int, optional
        Percent: shares and rates below are "under 5", those above what is left of 100 are "over 95".
    """

    counts: Counts = "in full"
    step: Step | None = None
    top: Top | None = None
    ends: Ends | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of ExA 3.f that it is."""
        named = {RANGES: self.counts == RANGES, ROUNDING: self.counts == ROUNDING}
        named[TOP_AND_BOTTOM] = self.top is not None or self.ends is not None
        return tuple(method for method, used in named.items() if used)

    def to_dict(self) -> dict[str, Any]:
        """Give what a request says of it."""
        return {"counts": self.counts, "step": self.step, "top": self.top, "ends": self.ends}

    def of(self, measure: Measure) -> str:
        """Say in words how a measure is written; nothing where it is written in full."""
        match measure:
            case Rate() | CumulativeShare():
                return "" if self.ends is None else f"coded under {self.ends} and over {100 - self.ends} percent"
            case Count():
                steps = {RANGES: f"in ranges of {self.step}", ROUNDING: f"rounded to {self.step}"}
                above = "" if self.top is None else f"coded from {self.top:,} on"
                return ", ".join(words for words in (steps.get(self.counts, ""), above) if words)
            case _:
                return ""

    def in_words(self, table: Table) -> str:
        """Say in words how the figures of a table are written."""
        said = dict.fromkeys(
            f"{'counts' if isinstance(measure, Count) else 'percentages'} {self.of(measure)}"
            for measure in table.measures
            if self.of(measure)
        )
        return "; ".join(said)

    def written(self, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
        """Write the figures of a frame as they are displayed; empty where they are hidden."""
        shares = [measure.label for measure in table.measures if isinstance(measure, Rate | CumulativeShare)]
        coded = frame.copy()
        if self.counts != "in full" or self.top is not None:
            coded[COUNT] = _each(frame[COUNT], self._count)
        if self.ends is not None:
            for label in shares:
                coded[label] = _each(frame[label], self._share)
        return coded

    def _count(self, count: float) -> str | int:
        whole = int(count)
        if self.top is not None and whole >= self.top:
            return f"{self.top:,} or more"
        if self.counts == ROUNDING and self.step is not None:
            rounded = (whole + self.step // 2) // self.step * self.step
            return rounded if rounded or not whole else f"under {(self.step + 1) // 2:,}"
        if self.counts == RANGES and self.step is not None:
            low = whole // self.step * self.step
            high = low + self.step - 1
            high = high if self.top is None else min(high, self.top - 1)
            return f"{low:,} to {high:,}" if low else f"under {high + 1:,}"
        return whole

    def _share(self, share: float) -> str | float:
        ends = self.ends or 0
        if share < ends:
            return f"under {ends}"
        return f"over {100 - ends}" if share > 100 - ends else share


IN_FULL = Coding()


def coded(
    table: Table,
    *,
    counts: Counts = "in full",
    step: int | None = None,
    top: int | None = None,
    ends: int | None = None,
) -> Table:
    """Give a table whose figures, where they are displayed, are written coarser than they are.

    Source: ExA 3.f (rounding; use of ranges; use of top and bottom categories).

    Parameters
    ----------
    table : Table
        Of counts, rates and cumulative shares: sums and means are displayed in full, and with them their counts.
    counts, step, top, ends
        As `Coding` has them.

    Returns
    -------
    Table
        The same figures; `protect`, then `request_release` with the methods of `table.coding.methods`.

    Raises
    ------
    TableInvalid
        If a parameter is none of those there are, or the table has other figures.
    """
    allowed: dict[str, tuple[object, tuple[object, ...]]] = {
        "counts": (counts, get_args(Counts)),
        "step": (step, (None,) if counts == "in full" else get_args(Step)),
        "top": (top, (None, *get_args(Top))),
        "ends": (ends, (None, *get_args(Ends))),
    }
    wrong = [
        _no(table, f"{name} is {value}, which is not {_listed(those)}")
        for name, (value, those) in allowed.items()
        if value not in those
    ]
    if not wrong:
        coding = Coding(counts, step, top, ends)  # type: ignore[arg-type]
        wrong = [_no(table, what) for what in _unfit(table, coding)]
    if wrong:
        raise TableInvalid(f"table {table.name!r} cannot be coded", wrong)
    return replace(table, coding=coding)


def _unfit(table: Table, coding: Coding) -> list[str]:
    """Say why a table cannot be written so."""
    if coding == IN_FULL:
        return []
    if any(not isinstance(measure, Count | Rate | CumulativeShare) for measure in table.measures):
        return ["it has sums, means or quantiles, which are displayed in full and their counts with them"]
    shares = any(isinstance(measure, Rate | CumulativeShare) for measure in table.measures)
    return [] if shares or coding.ends is None else ["it has no rates or shares to be coded at their ends"]


def _each(column: pd.Series[Any], spell: Any) -> pd.Series[Any]:
    """Spell each value there is; whole numbers stay such where all are."""
    spelled = [None if pd.isna(value) else spell(float(value)) for value in column]
    texts = any(isinstance(value, str) for value in spelled)
    kind = "object" if texts else "Int64" if all(isinstance(v, int | None) for v in spelled) else "Float64"
    values = np.array(spelled, dtype=object) if texts else pd.array(spelled, dtype=kind)  # type: ignore[call-overload]
    return pd.Series(values, index=column.index, dtype=kind)


def _listed(values: tuple[object, ...]) -> str:
    return " or ".join("left out" if value is None else str(value) for value in values)


def _no(table: Table, what: str) -> Finding:
    return Finding("coding", "ExA 3.f", table.name, what, "Choose another, or display it in full.")
