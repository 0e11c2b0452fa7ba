"""A reader of what a treatment discloses: for each small count, the largest one that fits everything displayed.

The tests' own linear program, built from labels; it shares nothing with the library's auditor.
"""

from __future__ import annotations

import highspy
import numpy as np

from p20kit.disclosed import Disclosed
from p20kit.tables import Table

Codes = tuple[str, ...]


def leaves_under(table: Table, codes: Codes) -> list[Codes]:
    """Innermost cells a cell adds up from."""
    inner = []
    for axis, code in enumerate(codes):
        dimension = table.dimensions[axis]
        below = {code}
        for parent, children in reversed(dimension.groups):
            if dimension.codes[parent] in below:
                below |= {dimension.codes[child] for child in children}
        inner.append([leaf for leaf in dimension.codes[: dimension.leaves] if leaf in below])
    found: list[Codes] = [()]
    for options in inner:
        found = [(*codes, option) for codes in found for option in options]
    return found


def largest(disclosed: Disclosed) -> dict[Codes, float]:
    """Give the largest possible count of every cell in need of more than it holds."""
    table = disclosed.table
    columns: dict[Codes, int] = {}
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    sums = []
    for flat, codes in enumerate(table.labels):
        parts = np.array(
            [columns.setdefault(leaf, len(columns)) for leaf in leaves_under(table, codes)], dtype=np.int32
        )
        sums.append((parts, disclosed.lower.ravel()[flat], disclosed.upper.ravel()[flat]))
    for _ in columns:
        model.addVar(0.0, highspy.kHighsInf)
    for parts, lower, upper in sums:
        model.addRow(lower, upper, len(parts), parts, np.ones(len(parts)))
    found = {}
    for flat in np.flatnonzero(disclosed.need.ravel() > disclosed.truth.ravel()):
        parts = sums[flat][0]
        for part in parts:
            model.changeColCost(int(part), -1.0)
        model.run()
        optimal = model.getModelStatus() == highspy.HighsModelStatus.kOptimal
        found[table.labels[flat]] = -model.getInfo().objective_function_value if optimal else np.inf
        for part in parts:
            model.changeColCost(int(part), 0.0)
    return found


def exposed(disclosed: Disclosed) -> set[Codes]:
    """Name the small counts that follow to be small."""
    need = dict(zip(disclosed.table.labels, disclosed.need.ravel(), strict=True))
    return {codes for codes, most in largest(disclosed).items() if most < need[codes] - 1e-6}
