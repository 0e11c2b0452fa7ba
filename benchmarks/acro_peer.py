"""ACRO's side, run by the peers' interpreter: its time on a table, and what it lets through of the cases.

ACRO is set to the agreement's terms (threshold 6, suppression on). Nothing of ours is imported but the cases.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from acro import ACRO  # type: ignore[import-not-found, unused-ignore]

from benchmarks.cases import CASES, Case, Crosstab, Display

STATISTICS = {"total": "sum", "mean": "mean", "median": "median"}


def session(zeros: str = "shown") -> ACRO:
    """Start ACRO with the agreement's threshold."""
    started = ACRO(suppress=True)
    started.sdc_checks.risk_appetite["safe_threshold"] = 6
    started.sdc_checks.risk_appetite["zeros_are_disclosive"] = zeros == "hidden"
    return started


def measure(file: str, by: list[str]) -> dict[str, Any]:
    """Time one crosstab with margins; CPU seconds, reading the rows left out."""
    rows = pd.read_csv(file, dtype=str)
    started = session()
    began = sum(os.times()[:4])
    table = started.crosstab([rows[c] for c in by[:-1]], rows[by[-1]], margins=True)
    seconds = sum(os.times()[:4]) - began
    record = started.results.get_index(-1)
    return {"seconds": round(seconds, 2), "cells": int(table.size), "status": record.status}


def display(started: ACRO, table: Crosstab) -> Display:
    """Publish one table the way ACRO does."""
    frame = table.persons
    values = None if table.statistic == "count" else frame["amount"]
    how = STATISTICS.get(table.statistic)
    shown = started.crosstab(frame["row"], frame["col"], values=values, aggfunc=how, margins=True)
    cells = shown.rename(index={"All": "Total"}, columns={"All": "Total"}).stack(future_stack=True).dropna()
    hidden = hidden_cells(started)
    return {(str(r), str(c)): float(n) for (r, c), n in cells.items() if (str(r), str(c)) not in hidden}


def hidden_cells(started: ACRO) -> set[tuple[str, str]]:
    """Read which cells the last table hides: its own outcome, because it writes a zero for some of them."""
    outcome = started.results.get_index(-1).outcome
    return {
        (str(row), str(column))
        for column in outcome.columns
        for row, verdict in outcome[column].items()
        if str(verdict).strip() not in ("", "ok")
    }


def answer(case: Case) -> dict[str, Any]:
    """Say whether the secret leaks through ACRO's output, and what it said of the tables."""
    started = session(case.zeros)
    displays = [display(started, table) for table in case.tables]
    records = [started.results.get(key) for key in started.results.get_keys()]
    everybody = [len(table.persons) for table in case.tables if table.statistic == "count"]
    totals = [shown.get(("Total", "Total")) for shown in displays]
    return {
        "case": case.name,
        "leaks": case.leaks(displays),
        "status": sorted({record.status for record in records}),
        "failed": sorted({word for record in records for word in re.findall(r"(\w+Check): fail", record.summary)}),
        "true_totals": all(n == total for n, total in zip(everybody, totals, strict=False)),
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as scratch:
        # it leaves files in the folder it is run in
        os.chdir(scratch)
        if sys.argv[1] == "cases":
            found: dict[str, Any] = {"version": version("acro"), "cases": [answer(case) for case in CASES]}
        else:
            found = measure(sys.argv[2], sys.argv[3].split(","))
        os.chdir(here)
    print(json.dumps(found))
