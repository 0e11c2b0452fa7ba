"""Linkage beside Splink 5: F1, CPU time and memory, on invented agency files with truth and on public ones.

    make bench-linkage                                     # 100,000 x 100,000, three agencies, FEBRL, and so on
    make bench-linkage ONLY=encoded,attack                 # encodings: what they cost, what they withstand
    make bench-linkage ONLY=pair-1m                        # a million, or pair-2m: minutes, and 8 GiB to be free
    P20_BENCH_DATA=folder make bench-linkage ONLY=historical

Files are written from a seed that no setting was chosen on, before anything is measured. Every run is a process
of its own; small jobs run several times, ours and the peers' in turn, and the median of each figure counts.
"documented" is Splink 5 as a newcomer runs it, "capped" the same with its sampling and EM capped and
its columns trimmed; both link one to one. Times are CPU seconds of reading, matching and writing the links, imports
and scoring left out; memory is the highest resident set of the process.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from benchmarks.linkage_files import write_pair, write_three
from benchmarks.linkage_ours import FOLDER
from benchmarks.measuring import ROOT, JobFailed, Row, python, run, write

SEED = 34
LIMIT = 1800.0
PACKAGES = ("splink", "duckdb", "pandas", "numpy", "scipy")

Measured = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One match, and the peers it is held against.

    Parameters
    ----------
    name, work : str
    ours : str
        What `benchmarks.linkage_ours` is asked for.
    files : callable or None
        Writes the files into a folder.
    peers : tuple of str
        What `benchmarks.linkage_peer` is asked for, or a key of `OURS_TOO`.
    by_default : bool
    runs : int
        Odd, so that every figure is one that was measured.
    """

    name: str
    work: str
    ours: str
    files: Callable[[Path], None] | None = None
    peers: tuple[str, ...] = ()
    by_default: bool = True
    runs: int = 1


def _pair(name: str, records: int, *peers: str, by_default: bool = False, runs: int = 1) -> Job:
    work = f"two agencies, {records:,} x {records:,} records"
    return Job(name, work, "pair", lambda folder: write_pair(folder, records, SEED), peers, by_default, runs)


JOBS = (
    _pair("pair-10k", 10_000, "documented", "capped", runs=5),
    _pair("pair-100k", 100_000, "documented", "capped", by_default=True, runs=5),
    _pair("pair-1m", 1_000_000, "capped"),
    _pair("pair-2m", 2_000_000),
    Job(
        "three",
        "three agencies, 75,000, 60,000 and 150,000 records; one without SSN, one without date of birth",
        "many",
        lambda folder: write_three(folder, 75_000, SEED),
        ("documented",),
    ),
    Job(
        "encoded",
        "two agencies, 100,000 x 100,000 records, encoded",
        "encoded",
        lambda folder: write_pair(folder, 100_000, SEED),
        ("clear",),
    ),
    Job("febrl4", "FEBRL 4, defaults", "febrl4", None, ("febrl4",)),
    Job("febrl3", "FEBRL 3, clusters", "febrl3"),
    Job(
        "historical",
        "historical figures of Splink's tests (50,578 records), clusters",
        "historical",
        by_default=False,
    ),
)
FIGURES = (("f1", "F1", "share"), ("seconds", "CPU time", "s"), ("mib", "peak memory", "MiB"))
OURS = (
    ("precision", "precision", "share"),
    ("recall", "recall", "share"),
    ("doubled", "clusters with two records of an agency", "clusters"),
    ("compared", "pairs compared", "pairs"),
    ("encoding", "CPU time to encode both files", "s"),
)
OURS_TOO = {"clear": ("benchmarks.linkage_ours", "pair")}
"""Peers that are ours."""
PEERS = {
    "documented": "Splink 5 as documented, one to one, same run",
    "capped": "Splink 5 capped, one to one, same run",
    "clear": "our match of the same files in the clear, same run",
    "febrl4": "Splink 5, its documentation's example, same run",
}


def measure(job: Job, folder: Path) -> tuple[Measured, dict[str, Measured]]:
    """Write the files, then run ours and every peer in turn, one process each, one after the other."""
    where = [str(folder)] if job.files else []
    if job.files:
        job.files(folder)
    works = {"": ("benchmarks.linkage_ours", job.ours)}
    works |= {peer: OURS_TOO.get(peer, ("benchmarks.linkage_peer", peer)) for peer in job.peers}
    turns = [
        {name: run([python(), "-W", "ignore", "-m", *work, *where], LIMIT) for name, work in works.items()}
        for _ in range(job.runs)
    ]
    found = {name: _median([turn[name] for turn in turns]) for name in works}
    return found.pop(""), found


def _median(measured: Sequence[Measured]) -> Measured:
    """Take the median of every figure; what is no figure is the same in every run."""
    return {
        key: median(each[key] for each in measured) if isinstance(value, int | float) else value
        for key, value in measured[0].items()
    }


def rows_of(job: Job, ours: Measured, peers: dict[str, Measured]) -> Iterator[Row]:
    """Set what a job measured beside its peers."""
    command = f"make bench-linkage ONLY={job.name}"
    for key, name, unit in FIGURES:
        for peer, measured in peers.items():
            yield Row(job.work, name, unit, _short(ours[key]), _short(measured[key]), PEERS[peer], command)
        if not peers:
            yield Row(job.work, name, unit, _short(ours[key]), None, "", command)
    for key, name, unit in OURS:
        if key in ours:
            beside = {peer: measured[key] for peer, measured in peers.items() if key in measured}
            for peer, value in beside.items():
                yield Row(job.work, name, unit, _short(ours[key]), _short(value), PEERS[peer], command)
            if not beside:
                yield Row(job.work, name, unit, _short(ours[key]), None, "", command)
    for peer, measured in peers.items():
        if "components" in measured:
            whole = PEERS[peer].replace("one to one", "connected components at 0.95")
            value = measured["components"]
            yield Row(job.work, "F1", "share", _short(ours["f1"]), _short(value["f1"]), whole, command)
            yield Row(job.work, OURS[2][1], "clusters", ours.get("doubled", 0), value["doubled"], whole, command)


def _short(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.5g}")


def show(console: Console, rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    grid = Grid("work", "figure", "ours", "peer", "ratio", title="Linkage")
    for row in rows:
        ours, peer = (f"{n:,.5g} {row.unit}" if n is not None else "" for n in (row.ours, row.peer))
        ratio = f"{row.ratio:.3f}" if row.ratio is not None else ""
        grid.add_row(row.work.split(",")[0], row.figure, ours, f"{peer} {row.peer_name.split(',')[0]}".strip(), ratio)
    console.print(grid)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Linkage beside Splink.")
    names = [*(job.name for job in JOBS), *APART]
    parser.add_argument("--only", default="", help=f"jobs to run, by comma: {', '.join(names)}")
    chosen = parser.parse_args()
    unknown = set(filter(None, chosen.only.split(","))) - set(names)
    if unknown:
        parser.error(f"no job is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return chosen


ATTACKED = 100_000
ATTACKS = (
    ("counts", "surnames guessed by how often each occurs", "unsalted", "filters without salt"),
    ("other", "persons found with another agency's list", "", ""),
    ("same", "persons found with the agency's own list", "", ""),
    ("dated", "persons found with the agency's own list and every date known", "chance", "guessing within a date"),
)


def estimates() -> list[Row]:
    """See how often the report's own intervals cover the truth."""
    command = "make bench-linkage ONLY=estimates"
    found = run([python(), "-m", "benchmarks.linkage_estimates"], LIMIT)
    rows = []
    for name, rate in found["rates"].items():
        title = f"95 % intervals of the {name} rate that cover the truth"
        rows.append(Row(found["work"], title, "runs", rate["covered"], None, "", command))
        title = f"mean upper end of the interval of the {name} rate, beside the mean true rate"
        rows.append(Row(found["work"], title, "share", _short(rate["high"]), _short(rate["truth"]), "truth", command))
    return rows


def attack() -> list[Row]:
    """See whom attackers without the secret find in an encoded file."""
    with tempfile.TemporaryDirectory() as folder:
        write_pair(Path(folder), ATTACKED, SEED)
        found = run([python(), "-m", "benchmarks.linkage_attack", folder], LIMIT)
    work = f"encodings of {found['records']:,} records attacked without the secret"
    command = "make bench-linkage ONLY=attack"
    return [
        Row(work, title, "share", _short(found[key]), _short(found[peer]) if peer else None, name, command)
        for key, title, peer, name in ATTACKS
    ]


APART = {"estimates": estimates, "attack": attack}
"""Jobs without a peer to be run beside."""


def main() -> int:
    """Run the jobs that were asked for, print and write what they came to; 1 where one failed."""
    console, chosen = Console(), _arguments()
    wanted = set(filter(None, chosen.only.split(",")))
    jobs = [job for job in JOBS if (job.name in wanted if wanted else job.by_default or _has_data(job))]
    rows: list[Row] = []
    failed = False
    apart = [(name, work) for name, work in APART.items() if not wanted or name in wanted]
    for name, work in [*((job.name, job) for job in jobs), *apart]:
        try:
            with console.status(name), tempfile.TemporaryDirectory() as scratch:
                fresh = list(rows_of(work, *measure(work, Path(scratch)))) if isinstance(work, Job) else work()
        except JobFailed as failure:
            console.print(f"[red]{name}: {failure}")
            failed = True
            continue
        rows += fresh
        show(console, fresh)
        written = write("linkage", fresh, PACKAGES)
        console.print(f"written: {written.relative_to(ROOT)}")
    return int(failed)


def _has_data(job: Job) -> bool:
    return job.name == "historical" and FOLDER in os.environ


if __name__ == "__main__":
    raise SystemExit(main())
