"""The gate on a large request: verdict, memory, and how its cost grows; beside ACRO on tables both judge.

    make bench-gate               # everything; the installation is made first, of invented students
    make bench-gate ONLY=linked-20

A request is judged as `enclave egress check` does it: its bytes are read in a sandbox, every release remembered is
opened and rebuilt, the data are unsealed, every cell is recomputed, and all of it is attacked together.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from benchmarks.disclosure import LIMIT, PEERS_PYTHON, catches
from benchmarks.gate_case import REQUESTS, STUDENTS, students
from benchmarks.measuring import ROOT, JobFailed, Row, python, run, write

PACKAGES = ("duckdb", "numpy", "pandas", "pyarrow", "pydantic")
GOALS = {"seconds": (60.0, "time", "s"), "cpu": (None, "CPU time", "s"), "mib": (2048.0, "peak memory", "MiB")}
"""What is measured: the goal for a request of 20 tables and 20,000 cells, figure, unit."""
LARGEST = "linked-20"
SOME = ("Programme00", "Programme01", "Programme02")


def work_of(name: str, cells: int) -> str:
    """Say what a request is."""
    kind, tables = name.split("-")
    of = "of everybody, sharing the town" if kind == "linked" else "of a cohort each, sharing nobody"
    return f"verdict on {tables} tables {of} ({cells:,} cells, {STUDENTS:,} students, 50 earlier releases)"


def rows_of(name: str, cells: int, measured: dict[str, Any]) -> Iterator[Row]:
    """Set what a verdict took beside what it may take."""
    for key, (goal, figure, unit) in GOALS.items():
        goal = goal if name == LARGEST else None
        command = f"make bench-gate ONLY={name}"
        yield Row(work_of(name, cells), figure, unit, measured[key], goal, "goal" if goal else "", command)


def growth(measured: dict[str, dict[str, Any]], cells: dict[str, int]) -> Iterator[Row]:
    """Compare what a published cell costs in the largest request and in the smallest; at most 1 is linear."""
    for kind in ("linked", "apart"):
        small, large = f"{kind}-5", f"{kind}-20"
        if small in measured and large in measured:
            each = [1000 * measured[n]["cpu"] / cells[n] for n in (large, small)]
            work = f"cost of a published cell, {large}"
            yield Row(work, "CPU time", "ms", *each, f"ours, {small}", f"make bench-gate ONLY={small},{large}")


def beside_acro(verdict: dict[str, Any] | None) -> Iterator[Row]:
    """Let ACRO make the same tables with its checks, without a memory and without evidence."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "students.csv"
        frame: pd.DataFrame = students()[["Town", *SOME]]
        frame.to_csv(file, index=False)
        command = [str(PEERS_PYTHON), "-m", "benchmarks.acro_peer", "time", str(file)]
        each = [run([*command, f"Town,{column}"], LIMIT)["seconds"] for column in SOME]
    theirs = 20 * sum(each) / len(each)
    work = f"20 tables of {STUDENTS:,} students judged (ACRO: the mean of {len(SOME)}, times 20)"
    ours = verdict["cpu"] if verdict else None
    yield Row(work, "CPU time", "s", ours, theirs, "ACRO crosstab, same rows", "make bench-gate ONLY=linked-20,acro")


def main() -> int:
    """Measure what was asked for, print and write it; 1 where something failed or a verdict was a refusal."""
    console = Console()
    parser = argparse.ArgumentParser(description="The gate on large requests.")
    parser.add_argument("--only", default="", help=f"by comma: {', '.join([*REQUESTS, 'acro'])}")
    parser.add_argument("--home", type=Path, help="an installation that was made before")
    chosen = parser.parse_args()
    wanted = set(filter(None, chosen.only.split(","))) or {*REQUESTS, "acro"}
    rows: list[Row] = []
    measured: dict[str, dict[str, Any]] = {}
    more: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        home = chosen.home or Path(folder)
        try:
            if not chosen.home:
                with console.status("an installation with its releases"):
                    run([python(), "-m", "benchmarks.gate_case", "prepare", str(home)], LIMIT)
            for name in (name for name in REQUESTS if name in wanted):
                with console.status(name):
                    found = run([python(), "-m", "benchmarks.gate_case", "judge", str(home), name], LIMIT)
                measured[name] = found
                rows += rows_of(name, found["cells"], found)
                console.print(name, found)
            rows += growth(measured, {name: found["cells"] for name, found in measured.items()})
            if "acro" in wanted:
                rows += beside_acro(measured.get(LARGEST))
                more = {"catches": catches()}
        except JobFailed as failure:
            console.print(f"[red]{failure}")
    console.print(f"written: {write('gate', rows, PACKAGES, **more).relative_to(ROOT)}")
    done = len(measured) == len(wanted & set(REQUESTS)) and ("acro" not in wanted or bool(more))
    return int(not done or any(found["verdict"] == "refused" for found in measured.values()))


if __name__ == "__main__":
    raise SystemExit(main())
