"""Small tables with a secret, and the arithmetic by which a reader would work it out.

Pure pandas: both the environment of the benchmarks and the peers' import it. Every case is two-way, because
ACRO's `crosstab` is; everything is about invented persons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Display = dict[tuple[str, str], float]
"""What is displayed: (row, column) to figure, margins called `Total`; a hidden cell is absent."""
Cells = dict[tuple[str, str], int]


@dataclass(frozen=True, eq=False)
class Crosstab:
    """A table somebody wants to publish.

    Parameters
    ----------
    persons : DataFrame
        `pid`, `row`, `col`, and `amount` where there is a statistic.
    statistic : {"count", "total", "mean", "median"}
    """

    persons: pd.DataFrame
    statistic: Literal["count", "total", "mean", "median"] = "count"


@dataclass(frozen=True)
class Case:
    """Something a checker must catch.

    Parameters
    ----------
    name : str
    tables : tuple of Crosstab
        Published together.
    arithmetic : callable
        Takes the displays, one per table; raises KeyError where a figure it needs is hidden.
    secret : float
        What nobody may learn. The case is caught when the arithmetic does not come to it.
    zeros : {"shown", "hidden"}
    """

    name: str
    tables: tuple[Crosstab, ...]
    arithmetic: Callable[[Sequence[Display]], float]
    secret: float
    zeros: Literal["shown", "hidden"] = "shown"

    def leaks(self, displays: Sequence[Display]) -> bool:
        """Tell whether a reader of these displays comes to the secret."""
        try:
            return abs(self.arithmetic(displays) - self.secret) < 1e-6
        except KeyError:
            return False


def persons(cells: Cells, first: int = 0) -> pd.DataFrame:
    """Invent one person per count."""
    rows = [codes for codes, n in cells.items() for _ in range(n)]
    frame = pd.DataFrame(rows, columns=["row", "col"])
    frame.insert(0, "pid", [f"P{first + i:05d}" for i in range(len(frame))])
    return frame


def _paid(cells: Cells, amounts: Callable[[int], float]) -> pd.DataFrame:
    frame = persons(cells)
    within = frame.groupby(["row", "col"]).cumcount()
    return frame.assign(amount=[amounts(int(i)) for i in within])


LONE = persons({("N", "no"): 40, ("N", "yes"): 4, ("S", "no"): 29, ("S", "yes"): 31})
BY_SEX = LONE.assign(col=["F" if i % 2 else "M" for i in range(len(LONE))])
THREE_LESS = persons({("A", "F"): 30, ("A", "M"): 41, ("B", "F"): 50, ("B", "M"): 62})
TOWNS = persons(
    {("Ash", "F"): 3, ("Oak", "F"): 40, ("Elm", "F"): 44, ("Ash", "M"): 22, ("Oak", "M"): 52, ("Elm", "M"): 48}
)
COUNTIES = TOWNS.assign(row=TOWNS["row"].map({"Ash": "East", "Oak": "East", "Elm": "West"}))
REPEATED = persons({("N", "a"): 3, ("N", "b"): 40, ("S", "a"): 30, ("S", "b"): 35})
REPEATED = pd.concat([REPEATED, *[REPEATED[(REPEATED["row"] == "N") & (REPEATED["col"] == "a")]] * 3])
LARGE: Cells = {("N", "a"): 40, ("N", "b"): 45, ("S", "a"): 50, ("S", "b"): 55}
NINETEEN: Cells = LARGE | {("N", "a"): 12}

CASES = (
    Case("one hidden cell in a line", (Crosstab(LONE),), lambda d: d[0]["N", "Total"] - d[0]["N", "no"], 4),
    Case(
        "a hidden cell beside a known zero",
        (Crosstab(persons({("N", "a"): 4, ("N", "c"): 40, ("S", "a"): 20, ("S", "b"): 30, ("S", "c"): 50})),),
        lambda d: d[0]["N", "Total"] - d[0]["N", "c"] - d[0]["N", "b"],
        4,
    ),
    Case(
        "totals shown in another table",
        (Crosstab(LONE), Crosstab(BY_SEX)),
        lambda d: d[1]["N", "F"] + d[1]["N", "M"] - d[0]["N", "no"],
        4,
    ),
    Case(
        "two cohorts that differ by three persons",
        (Crosstab(THREE_LESS), Crosstab(THREE_LESS.iloc[3:])),
        lambda d: d[0]["A", "F"] - d[1]["A", "F"],
        3,
    ),
    Case(
        "a complement: all less a group leaves three",
        (Crosstab(THREE_LESS), Crosstab(THREE_LESS.iloc[3:].assign(col="group"))),
        lambda d: d[0]["A", "Total"] - d[1]["A", "group"],
        3,
    ),
    Case(
        "two hidden cells of one line that add up to five",
        (
            Crosstab(
                persons({("N", "a"): 2, ("N", "b"): 3, ("N", "c"): 40, ("S", "a"): 9, ("S", "b"): 8, ("S", "c"): 50})
            ),
        ),
        lambda d: d[0]["N", "Total"] - d[0]["N", "c"],
        5,
    ),
    Case(
        "a county that equals one of its towns but for three",
        (Crosstab(TOWNS), Crosstab(COUNTIES)),
        lambda d: d[1]["East", "F"] - d[0]["Oak", "F"],
        3,
    ),
    Case("three persons with four rows each", (Crosstab(REPEATED),), lambda d: d[0]["N", "a"] / 4, 3),
    Case(
        "everybody in one category, zeros hidden",
        (Crosstab(persons({("N", "yes"): 30, ("S", "yes"): 31, ("S", "no"): 29})),),
        lambda d: d[0]["N", "Total"] - d[0]["N", "yes"],
        0,
        "hidden",
    ),
    Case(
        "a mean of twelve persons",
        (Crosstab(_paid(NINETEEN, lambda i: 100.0 + i), "mean"),),
        lambda d: d[0]["N", "a"],
        105.5,
    ),
    Case(
        "a total that is nearly one person's",
        (Crosstab(_paid(LARGE, lambda i: 1.0 if i else 1000.0), "total"),),
        lambda d: d[0]["N", "a"],
        1039.0,
    ),
    Case(
        "a total whose largest part the second can estimate",
        (Crosstab(_paid(LARGE, lambda i: {0: 500.0, 1: 480.0}.get(i, 1.0)), "total"),),
        lambda d: d[0]["N", "a"],
        1018.0,
    ),
    Case(
        "a median that is one person's figure",
        (Crosstab(_paid(LARGE | {("N", "a"): 41}, lambda i: 100.0 + 7 * i), "median"),),
        lambda d: d[0]["N", "a"],
        240.0,
    ),
)
