"""What every benchmark needs: a child process per job, its CPU time and memory, and the file of results."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
ROOT = Path(__file__).resolve().parent.parent
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
