"""What every benchmark needs: a child process per job, its CPU time and memory, and the file of results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent
SCRATCH = ROOT / "var"
"""On the disk, where what is measured is written; a folder for temporary files may be memory."""
SCRATCH.mkdir(exist_ok=True)
SEPARATE = "measured separately, on this kind of machine"


@dataclass(frozen=True)
class Row:
    """One figure beside a peer's.

    Parameters
    ----------
    work : str
        What was done, on which instance.
    figure, unit : str
    ours, peer : float or None
        None where there is nothing to compare with, or it was not measured.
    peer_name : str
    command : str
        That makes this row again.
    """

    work: str
    figure: str
    unit: str
    ours: float | None
    peer: float | None
    peer_name: str
    command: str

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's; under 1 is better for time, memory and cells lost."""
        return round(self.ours / self.peer, 3) if self.ours is not None and self.peer else None

    def to_dict(self) -> dict[str, Any]:
        """Return the row as the file of results holds it."""
        plain = asdict(self)
        command = plain.pop("command")
        return plain | {"ratio": self.ratio, "command": command}


Parts = Mapping[str, tuple[Callable[[int], list[Row]], int]]
"""What a benchmark measures, by name, and how many times or how much of it."""


class JobFailed(Exception):
    """A job ended without figures; the message is the end of what it said."""


def run(command: Sequence[str], seconds: float, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a job in a process of its own and read the JSON object on the last line it prints.

    Raises
    ------
    JobFailed
        If it takes longer than `seconds` of wall clock, fails, or prints no figures.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            # CPU seconds are counted: threads of BLAS that wait for one another would be counted too
            env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise JobFailed(f"there is no {command[0]}: run it through make, which sets the peers up") from None
    except subprocess.TimeoutExpired:
        raise JobFailed(f"not done in {seconds:.0f} s") from None
    if done.returncode:
        raise JobFailed((done.stderr.strip().splitlines() or ["no reason given"])[-1][:300])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def cpu_seconds() -> float:
    """CPU time of this process and the children it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def peak_mib() -> float:
    """Highest resident memory of this process so far, MiB."""
    # ru_maxrss would begin at what the parent held when it forked
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(match[1]) / 1024 if match else float("nan")


def python() -> str:
    """Give the interpreter the benchmarks run with."""
    return sys.executable


def machine() -> str:
    """Describe the class of machine, by nothing that names it."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    models = re.findall(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("ascii"), re.MULTILINE)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {models[0] if models else platform.machine()}"


def measure(area: str, title: str, parts: Parts, packages: Sequence[str]) -> None:
    """Run the parts the command line asks for; print each one's rows and write them down."""
    parser = argparse.ArgumentParser(description=title)
    parser.add_argument("--only", default="", help=f"parts to run, by comma: {', '.join(parts)}")
    wanted = set(filter(None, parser.parse_args().only.split(","))) or {*parts}
    if unknown := wanted - parts.keys():
        parser.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    console = Console()
    for name, (part, times) in parts.items():
        if name not in wanted:
            continue
        with console.status(name):
            rows = part(times)
        show(console, title, rows)
        # of the minutes that went by, the benchmark's own with it
        written = write(area, rows, packages, **{f"load_{name}": round(os.getloadavg()[1], 1)})
        console.print(f"written: {written.relative_to(ROOT)}")


def show(console: Console, title: str, rows: Sequence[Row]) -> None:
    """Print the rows as a table."""
    grid = Grid("work", "figure", "ours", "peer", "ratio", title=title)
    for row in rows:
        ours, peer = (f"{n:,.5g} {row.unit}" if n is not None else "" for n in (row.ours, row.peer))
        grid.add_row(row.work, row.figure, ours, peer, f"{row.ratio:.3f}" if row.ratio is not None else "")
    console.print(grid)


def write(area: str, rows: Sequence[Row], packages: Sequence[str], **more: Any) -> Path:
    """Write `results/<area>.json`; rows of jobs that did not run this time are kept from before."""
    file = RESULTS / f"{area}.json"
    fresh = {(row.work, row.figure, row.peer_name) for row in rows}
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    kept = [r for r in before.get("rows", []) if (r["work"], r["figure"], r["peer_name"]) not in fresh]
    document = {
        **before,
        "run_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in packages},
        **more,
        "rows": sorted([*kept, *(row.to_dict() for row in rows)], key=lambda r: (r["work"], r["figure"])),
    }
    RESULTS.mkdir(exist_ok=True)
    file.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return file
