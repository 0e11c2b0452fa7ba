"""Tables of measures for tests, and an attacker of what they disclose that is the tests' own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import highspy
import numpy as np
import pandas as pd

from p20kit import CellPolicy, Table, tabulate
from p20kit.disclosed import Disclosed
from p20kit.measures import Count, Measure
from p20kit.protection import Protected, protect

Cells = dict[tuple[str, ...], Sequence[Any]]


def persons(cells: Cells, by: Sequence[str], of: str, first: int = 1) -> pd.DataFrame:
    """Invent one person per value: the codes of the cell, and the value in column `of`; None is missing."""
    rows = [(*codes, value) for codes, values in cells.items() for value in values]
    frame = pd.DataFrame(rows, columns=[*by, of])
    frame.insert(0, "P20ID", [f"P{first + i:07d}" for i in range(len(frame))])
    return frame


def measured(
    frame: pd.DataFrame, by: Sequence[str], *measures: Measure, employer: str | None = None, **more: Any
) -> Table:
    """Tabulate counts and measures."""
    return tabulate(frame, by, (Count(), *measures), employer=employer, **more)


def shown(table: Table, policy: CellPolicy, *earlier: Protected) -> pd.DataFrame:
    """Protect one table and read it by its codes."""
    return protect(table, policy, earlier).to_frame().set_index(list(table.by))


def reach(layers: Sequence[Disclosed]) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Work out the largest value of every cell of every layer from all of them, by linear programming.

    It takes all tables to count the same people, and fractions of a person to be possible.
    """
    number: dict[tuple[str, frozenset[tuple[str, str]]], int] = {}
    cells = [
        [number.setdefault((d.layer, _group(d.table, codes)), len(number)) for codes in d.table.labels]
        for d in layers
    ]
    low, high = np.zeros(len(number)), np.full(len(number), highspy.kHighsInf)
    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    for d, at in zip(layers, cells, strict=True):
        np.maximum.at(low, at, d.lower.ravel())
        np.minimum.at(high, at, d.upper.ravel())
    for lowest, highest in zip(low, high, strict=True):
        model.addVar(lowest, highest)
    for d, at in zip(layers, cells, strict=True):
        for parents, children in d.table.relations():
            for parent, parts in zip(parents.tolist(), children.tolist(), strict=True):
                terms = Counter({at[part]: 1.0 for part in parts})
                terms.subtract({at[parent]: 1.0})
                model.addRow(0.0, 0.0, len(terms), np.array([*terms], dtype=np.int32), np.array([*terms.values()]))
    asked = sorted({at[i] for d, at in zip(layers, cells, strict=True) for i in np.flatnonzero(d.need.ravel() > 0)})
    found = {unknown: _largest(model, unknown) for unknown in asked}
    return [
        np.array([found.get(n, np.inf) for n in at]).reshape(d.need.shape)
        for d, at in zip(layers, cells, strict=True)
    ]


def _largest(model: highspy.Highs, unknown: int) -> float:
    model.changeColCost(unknown, -1.0)
    model.run()
    status = model.getModelStatus()
    model.changeColCost(unknown, 0.0)
    if status in (highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return np.inf
    assert status == highspy.HighsModelStatus.kOptimal, status
    return float(model.getSolution().col_value[unknown])


def exposed(layers: Sequence[Disclosed]) -> list[str]:
    """Name the cells that are known to be smaller than they must be able to be."""
    return [
        f"{d.layer}: {d.table.where(flat)}"
        for d, most in zip(layers, reach(layers), strict=True)
        for flat in np.flatnonzero((d.need > 0).ravel() & (most < d.need * (1 - 1e-6)).ravel())
    ]


def _group(table: Table, codes: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    return frozenset(pair for pair in zip(table.by, codes, strict=True) if pair[1] != "Total")
