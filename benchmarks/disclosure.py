"""Disclosure control beside its peers: cells and persons lost, CPU time, memory, and what each tool catches.

    make bench-disclosure                                  # everything, from the seed; about half an hour
    P20_BENCH_DATA=folder make bench-disclosure            # with the instances the peers were measured on
    python -m benchmarks.disclosure --only ct5k-recovery   # one job; --quick runs the small ones

The R and Java peers were measured separately on `ct5k_inner.csv` and `ct50k_inner.csv`; their figures stand
beside ours only where those files were given. ACRO runs beside ours, on the same rows.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.instances import SEED, SHAPES, Instance, invent
from benchmarks.measuring import ROOT, SEPARATE, JobFailed, Row, python, run, write
from benchmarks.suppression import JOBS, Job

PEERS_PYTHON = ROOT / "var" / "peers" / "bin" / "python"
LIMIT = 3600.0
PACKAGES = ("highspy", "scipy", "numpy", "pandas", "duckdb")

Measured = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One column of what a job measures, and what it is held against.

    Parameters
    ----------
    key : str
    name, unit : str
    """

    key: str
    name: str
    unit: str


SECONDARY = Figure("secondary", "secondary cells", "cells")
PERSONS = Figure("hidden_sum", "persons in secondary cells", "persons")
SECONDS = Figure("protect_seconds", "CPU time", "s")
MEMORY = Figure("protect_mib", "peak memory", "MiB")
AUDIT = Figure("audit_seconds", "CPU time of the audit", "s")
FINDINGS = Figure("findings", "findings of the audit", "findings")
RECOVERABLE = Figure("recoverable", "cells that can be recovered", "cells")
BOUND = Figure("bound", "proven lower bound of the weight", "weight")
EVERY = (BOUND, SECONDARY, PERSONS, SECONDS, MEMORY, AUDIT)

TAU, TAU_NAME = {SECONDARY: 434, PERSONS: 6011, SECONDS: 757, MEMORY: 203}, "tau-Argus OPT"
GAUSS, GAUSS_NAME = {SECONDARY: 5228, PERSONS: 68991, SECONDS: 781, MEMORY: 355}, "GaussSuppression"
SINGLETON, SINGLETON_NAME = {SECONDARY: 7004, PERSONS: 92510, SECONDS: 1126}, "GaussSuppression, singleton rule"
PROTOTYPE, PROTOTYPE_NAME = {SECONDARY: 7321, PERSONS: 140466, SECONDS: 145}, "cut-generation prototype"

PEERS: dict[str, tuple[tuple[dict[Figure, int], str], ...]] = {
    "ct5k-recovery": (({SECONDARY: TAU[SECONDARY], SECONDS: TAU[SECONDS]}, TAU_NAME),),
    "ct5k-recovery-persons": ((TAU, TAU_NAME),),
    "ct50k-recovery-persons": (
        (GAUSS, GAUSS_NAME),
        ({PERSONS: 65493}, "proven lower bound"),
        (SINGLETON, SINGLETON_NAME),
    ),
    "ct50k-recovery-cells": ((GAUSS, GAUSS_NAME),),
    "ct50k-bounds": ((PROTOTYPE, PROTOTYPE_NAME),),
    "ct50k-bounds-fast": ((PROTOTYPE, PROTOTYPE_NAME),),
}

MODES = {
    "exact": "counted, protected and audited",
    "fast": "counted, protected in the fast mode and audited",
    "primary": "counted, small cells found, as ACRO does",
}
CROSSTABS = (
    ("two-way", ("town", "race")),
    ("three-way", ("town", "race", "grade")),
    ("six-by-five", ("race", "grade")),
)


def rows_of(job: Job, measured: Measured) -> Iterator[Row]:
    """Set what a job measured beside the peers that did the same."""
    work = f"{job.work} ({measured['cells']:,} cells, {measured['source']})"
    command = f"make bench-disclosure ONLY={job.name}"
    peers = PEERS.get(job.name, ()) if measured["source"].endswith(".csv") else ()
    check = RECOVERABLE if job.against == "recovery" else FINDINGS
    yield Row(work, check.name, check.unit, measured[check.key], None, "", command)
    for figure in EVERY:
        beside = [(known[figure], f"{name}, {SEPARATE}") for known, name in peers if figure in known]
        for value, name in beside:
            yield Row(work, figure.name, figure.unit, measured[figure.key], value, name, command)
        if not beside:
            yield Row(work, figure.name, figure.unit, measured[figure.key], None, "", command)


def growth(measured: dict[str, Measured]) -> Iterator[Row]:
    """Compare what a cell costs in the largest instance and in the one of 48,060."""
    for large, small in (
        ("ct200k-bounds", "ct50k-bounds"),
        ("ct200k-bounds", "ct50k-bounds-fast"),
        ("ct200k-bounds-least", "ct50k-bounds"),
    ):
        if large in measured and small in measured:
            cost = [1000 * measured[n]["protect_seconds"] / measured[n]["cells"] for n in (large, small)]
            command = f"make bench-disclosure ONLY={large},{small}"
            yield Row(
                f"cost of a cell, {large}", "CPU time per cell", "ms", cost[0], cost[1], f"ours, {small}", command
            )


def beside_acro() -> list[Row]:
    """Time ACRO and ours on the same rows, one process each."""
    shape = SHAPES["ct5k"]
    rows = Instance("ct5k", shape.by, invent(shape, SEED), "").persons()
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "students.csv"
        rows.to_csv(file, index=False)
        return [row for name, by in CROSSTABS for row in _crosstab(file, len(rows), name, by)]


def _crosstab(file: Path, persons: int, name: str, by: tuple[str, ...]) -> Iterator[Row]:
    columns = ",".join(by)
    theirs = run([str(PEERS_PYTHON), "-m", "benchmarks.acro_peer", "time", str(file), columns], LIMIT)
    for mode, what in MODES.items():
        ours = run([python(), "-m", "benchmarks.ours", mode, str(file), columns], LIMIT)
        work = f"{name} table of {persons:,} persons ({', '.join(by)}; {ours['cells']:,} cells), {what}"
        command = "make bench-disclosure ONLY=acro"
        yield Row(work, "CPU time", "s", ours["seconds"], theirs["seconds"], "ACRO crosstab, same run", command)


def catches() -> list[Measured]:
    """Put the adversarial cases to both."""
    ours = run([python(), "-m", "benchmarks.ours", "cases"], LIMIT)["cases"]
    theirs = run([str(PEERS_PYTHON), "-W", "ignore", "-m", "benchmarks.acro_peer", "cases"], LIMIT)
    return [
        {
            "case": mine["case"],
            "ours": "leaks" if mine["leaks"] else "protected",
            "ours_audit_of_primary_only": mine["findings"],
            "peer": _verdict(other),
            "peer_checks_that_failed": other["failed"],
            "peer_name": f"ACRO {theirs['version']}",
        }
        for mine, other in zip(ours, theirs["cases"], strict=True)
    ]


def _verdict(answer: Measured) -> str:
    if answer["leaks"]:
        return "leaks"
    return "protected" if answer["true_totals"] else "protected, but its totals leave the hidden persons out"


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    grid = Grid("work", "figure", "ours", "peer", "ratio", title="Disclosure control")
    last = ""
    for row in rows:
        ours, peer = (f"{n:,.6g} {row.unit}" if n is not None else "" for n in (row.ours, row.peer))
        name = row.peer_name.split(",")[0]
        ratio = f"{row.ratio:.2f}" if row.ratio is not None else ""
        grid.add_row(row.work if row.work != last else "", row.figure, ours, f"{peer} {name}".strip(), ratio)
        last = row.work
    console.print(grid)


def _attempt(console: Console, name: str, work: Callable[[], T]) -> T | None:
    with console.status(name):
        try:
            return work()
        except JobFailed as failure:
            console.print(f"[red]{name}: {failure}")
            return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Disclosure control beside its peers.")
    names = [*(job.name for job in JOBS), "acro"]
    parser.add_argument("--only", default="", help=f"jobs to run, by comma: {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="the small jobs only; nothing is written")
    chosen = parser.parse_args()
    unknown = set(filter(None, chosen.only.split(","))) - set(names)
    if unknown:
        parser.error(f"no job is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return chosen


def main() -> int:
    """Run the jobs that were asked for, print and write what they came to; 1 where one failed."""
    console, chosen = Console(), _arguments()
    wanted = set(filter(None, chosen.only.split(",")))
    jobs = [j for j in JOBS if (j.name in wanted if wanted else j.quick if chosen.quick else not j.quick)]
    measured: dict[str, Measured] = {}
    rows: list[Row] = []
    for job in jobs:
        found = _attempt(console, job.name, partial(run, [python(), "-m", "benchmarks.suppression", job.name], LIMIT))
        if found is not None:
            measured[job.name] = found
            rows += rows_of(job, found)
            show(console, list(rows_of(job, found)))
    rows += growth(measured)
    acro_wanted = "acro" in wanted if wanted else not chosen.quick
    failed = len(measured) < len(jobs)
    more: dict[str, Any] = {}
    if acro_wanted:
        timed = _attempt(console, "the time of ACRO", beside_acro) or []
        caught = _attempt(console, "what ACRO catches", catches) or []
        failed |= not (timed and caught)
        show(console, timed)
        for case in caught:
            console.print(f"{case['case']:52} ours: {case['ours']:10} ACRO: {case['peer']}", highlight=False)
        rows += timed
        more = {"catches": caught} if caught else {}
    if not chosen.quick:
        console.print(f"written: {write('disclosure', rows, PACKAGES, **more).relative_to(ROOT)}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
