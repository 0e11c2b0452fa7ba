"""Our side of what runs beside ACRO: the time on a table, and what is caught of the cases."""

from __future__ import annotations

import json
import sys
from typing import Any

import pandas as pd

from benchmarks.cases import CASES, Case, Crosstab, Display
from benchmarks.measuring import cpu_seconds
from p20kit import CellPolicy, Table, audit, protect, tabulate
from p20kit.measures import Count, Mean, Measure, Median, Total
from p20kit.primary import small_counts
from p20kit.protection import Protected

STATISTICS: dict[str, Measure] = {"total": Total("amount"), "mean": Mean("amount"), "median": Median("amount")}


def measure(file: str, by: list[str], mode: str) -> dict[str, Any]:
    """Time one table with margins from the same rows; CPU seconds, reading them left out.

    Parameters
    ----------
    file : str
    by : list of str
    mode : {"exact", "fast", "primary"}
        Protect and audit as well; else count and apply the threshold, which is what ACRO does.
    """
    rows = pd.read_csv(file, dtype=str)
    policy = CellPolicy(zeros="shown")
    began = cpu_seconds()
    table = tabulate(rows, by, unit="pid")
    findings = 0
    if mode == "primary":
        small_counts(table.counts, table.impossible, policy)
    else:
        findings = len(audit(protect(table, policy, fast=mode == "fast"), policy).findings)
    return {"seconds": round(cpu_seconds() - began, 2), "cells": table.counts.size, "findings": findings}


def counted(table: Crosstab, name: str) -> Table:
    """Count a case's table, with its statistic."""
    measures = [Count()] if table.statistic == "count" else [Count(), STATISTICS[table.statistic]]
    return tabulate(table.persons, ["row", "col"], measures, unit="pid", name=name)


def display(protected: Protected, position: int, table: Crosstab) -> Display:
    """Read what is displayed of one table."""
    column = "count" if table.statistic == "count" else STATISTICS[table.statistic].label
    frame = protected.to_published(position).dropna(subset=[column])
    return {(r, c): float(n) for r, c, n in zip(frame["row"], frame["col"], frame[column], strict=True)}


def answer(case: Case) -> dict[str, Any]:
    """Say whether the secret leaks through ours, and what the audit says of what a careless tool would display."""
    policy = CellPolicy(zeros=case.zeros)
    tables = tuple(counted(table, f"table {i}") for i, table in enumerate(case.tables))
    protected = protect(tables, policy)
    careless = Protected(tables, tuple(~small_counts(t.counts, t.impossible, policy) for t in tables), policy)
    return {
        "case": case.name,
        "leaks": case.leaks([display(protected, i, table) for i, table in enumerate(case.tables)]),
        "findings": sorted({finding.rule for finding in audit(careless, policy).findings}),
        "left": len(audit(protected, policy).findings),
    }


if __name__ == "__main__":
    if sys.argv[1] == "cases":
        print(json.dumps({"cases": [answer(case) for case in CASES]}))
    else:
        print(json.dumps(measure(sys.argv[2], sys.argv[3].split(","), sys.argv[1])))
