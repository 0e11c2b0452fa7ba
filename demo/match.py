"""`python -m demo.match`: the approved notebook `match_pair` on records whose truth is known, with its report.

First FEBRL 4, 10,000 records that nobody here made, then the demonstration's agencies. What the notebook says of its
own errors stands beside what they are.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.linkage_ours import FEBRL, febrl
from p20kit import runner, synthetic

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebooks" / "templates" / "match_pair.ipynb"
JOBS = ROOT / "var" / "match"


def febrl4(folder: Path) -> pd.DataFrame:
    """Lay out FEBRL 4 as a match job; give the true pairs of `rec_id`."""
    (folder / "inputs").mkdir(parents=True)
    (folder / "out").mkdir()
    files = [febrl(f"dataset4{letter}") for letter in "ab"]
    for name, file in zip(("SDE", "DOL"), files, strict=True):
        file.to_parquet(folder / "inputs" / f"{name}.parquet", index=False)
    order = {
        "job": "FEBRL-4",
        "project": "DR-0004",
        "agencies": ["SDE", "DOL"],
        "id_column": "rec_id",
        "roles": FEBRL,
    }
    (folder / "job.json").write_text(json.dumps(order, indent=1), "utf-8")
    left, right = (pd.DataFrame({"id": f["rec_id"], "person": f["rec_id"].str.split("-").str[1]}) for f in files)
    return left.merge(right, on="person")[["id_x", "id_y"]].set_axis(["SDE", "DOL"], axis=1)


def agencies(folder: Path) -> pd.DataFrame:
    """Lay out invented students and wage earners as a match job; give the true pairs of generic identifiers."""
    synthetic.universe(students=5_000, wage_earners=12_000, seed=20).write_job(folder)
    held = dict(iter(pd.read_parquet(folder / "truth.parquet").groupby("agency")))
    both = held["SDE"].merge(held["DOL"], on="person")
    return both[["generic_id_x", "generic_id_y"]].set_axis(["SDE", "DOL"], axis=1)


WORKS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "FEBRL 4, 5,000 and 5,000 records": febrl4,
    "SDE and DOL, 5,000 and 12,000 invented records": agencies,
}


def main() -> int:
    """Match both, and print what came of it; 1 where a notebook failed."""
    console = Console()
    for title, lay_out in WORKS.items():
        folder = JOBS / lay_out.__name__
        shutil.rmtree(folder, ignore_errors=True)
        truth = lay_out(folder)
        with Progress(console=console) as progress:
            task = progress.add_task(title, total=1.0)

            def told(event: dict[str, Any], progress: Progress = progress, task: Any = task) -> None:
                if event["event"] == "stage":
                    progress.update(task, completed=0.9 * event["fraction"])

            done = runner.run(NOTEBOOK, {"job": str(folder)}, folder / "out", report=title, emit=told)
            progress.update(task, completed=1.0)
        if not done:
            console.print(f"[red]the notebook failed: {os.path.relpath(folder)}/out")
            return 1
        console.print(outcome(folder, truth))
        console.print(f"The report, as HTML and PDF: {os.path.relpath(folder)}/out\n")
    return 0


def outcome(folder: Path, truth: pd.DataFrame) -> Table:
    """Set what the notebook says of its links beside the truth."""
    links = pd.read_parquet(folder / "out" / "crosswalk.parquet").dropna()
    right = len(links.merge(truth, on=["SDE", "DOL"]))
    says = json.loads((folder / "out" / "report.json").read_text("utf-8"))["estimates"]
    grid = Table("", "in truth", "as the report estimates, 95 %")
    grid.add_row("links", f"{len(links):,}, of {len(truth):,} pairs there are", "")
    for name, wrong in (("false_match", 1 - right / len(links)), ("missed_match", 1 - right / len(truth))):
        interval = f"{says[name]['low']:.2%} to {says[name]['high']:.2%}"
        grid.add_row(name.replace("_match", " matches"), f"{wrong:.2%}", interval)
    return grid


if __name__ == "__main__":
    raise SystemExit(main())
