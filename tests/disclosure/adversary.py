"""An attacker of the tests' own: every cell by linear programming, every table by enumeration.

It reads nothing but what a reader of the published table has: labels, displayed counts, `Total`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import highspy
import numpy as np
import pandas as pd

Codes = tuple[str, ...]


def displayed(frame: pd.DataFrame) -> dict[Codes, int | None]:
    """Take what a reader sees: codes and a count or nothing."""
    by = list(frame.columns[:-2])
    return {
        tuple(codes): None if pd.isna(count) else int(count)
        for codes, count in zip(frame[by].itertuples(index=False, name=None), frame["count"], strict=True)
    }


def inner_codes(seen: dict[Codes, int | None]) -> list[Codes]:
    return [codes for codes in seen if "Total" not in codes]


def members(codes: Codes, inner: list[Codes]) -> list[int]:
    """Inner cells that a cell of any level adds up from."""
    return [i for i, one in enumerate(inner) if all(c in ("Total", o) for c, o in zip(codes, one, strict=True))]


def largest(seen: dict[Codes, int | None]) -> dict[Codes, float]:
    """For each hidden cell, the largest count that fits everything displayed (fractions allowed)."""
    inner = inner_codes(seen)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    for _ in inner:
        model.addVar(0.0, highspy.kHighsInf)
    for codes, count in seen.items():
        if count is not None:
            rows = np.array(members(codes, inner), dtype=np.int32)
            model.addRow(float(count), float(count), len(rows), rows, np.ones(len(rows)))
    found = {}
    for codes in (codes for codes, count in seen.items() if count is None):
        parts = members(codes, inner)
        for part in parts:
            model.changeColCost(part, -1.0)
        model.run()
        status = model.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            found[codes] = -model.getInfo().objective_function_value
        else:
            assert status in (
                highspy.HighsModelStatus.kUnbounded,
                highspy.HighsModelStatus.kUnboundedOrInfeasible,
            )
            found[codes] = np.inf
        for part in parts:
            model.changeColCost(part, 0.0)
    return found


def every_table(seen: dict[Codes, int | None], limit: int) -> Iterator[tuple[int, ...]]:
    """Enumerate every whole table of inner counts up to `limit` that fits everything displayed."""
    inner = inner_codes(seen)
    sums = [(members(codes, inner), count) for codes, count in seen.items() if count is not None]
    ranges = [range(limit + 1) if seen[codes] is None else (seen[codes],) for codes in inner]
    for values in product(*ranges):  # type: ignore[arg-type]
        if all(sum(values[i] for i in parts) == count for parts, count in sums):
            yield values  # type: ignore[misc]
