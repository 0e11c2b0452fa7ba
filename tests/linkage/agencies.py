"""Files to be matched: FEBRL 4, which nobody here made, and invented students and wage earners."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd

from benchmarks.linkage_ours import FEBRL as FEBRL_ROLES
from benchmarks.linkage_ours import febrl
from p20kit import synthetic
from p20kit.linkage import job as jobs
from p20kit.synthetic.jobs import ROLES as STATE_ROLES

__all__ = [
    "FEBRL_ROLES",
    "STATE_ROLES",
    "febrl3",
    "febrl4",
    "review_job",
    "run_template",
    "students_and_wage_earners",
]


def febrl3() -> pd.DataFrame:
    """The file of 5,000 records of 2,000 persons; `rec-17-org`, `rec-17-dup-0` ... are one person."""
    return febrl("dataset3")


def febrl4() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two files of 5,000; `rec-17-org` and `rec-17-dup-0` are one person."""
    return febrl("dataset4a"), febrl("dataset4b")


def students_and_wage_earners(
    directory: Path, students: int, wage_earners: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """SDE and DOL matching files, and the true pairs (left_id, right_id)."""
    world = synthetic.universe(students=students, wage_earners=wage_earners, seed=34)
    written = world.write(directory, dr="0034", as_of=date(2022, 4, 11))
    sde, dol = (
        pd.read_csv(written.paths[f"{agency}.matching"], sep="\t", dtype=str, keep_default_na=False, quoting=3)
        for agency in ("SDE", "DOL")
    )
    ids = dict(iter(pd.read_parquet(written.truth).groupby("agency")))
    both = ids["SDE"].merge(ids["DOL"], on="person")
    return sde, dol, both.rename(columns={"generic_id_x": "left_id", "generic_id_y": "right_id"})


def run_template(notebook: str, root: Path) -> list[dict[str, object]]:
    """Run an approved notebook as the hub runs it, on the job and the parameters below `root`; give its events."""
    path = Path(__file__).parents[2] / "notebooks" / "templates" / f"{notebook}.ipynb"
    command = [sys.executable, "-m", "p20kit.runner", str(path), "--parameters", str(root / "parameters.json")]
    done = subprocess.run(
        [*command, "--out", str(root / "out"), "--report", "DR-TEST M-0001"],
        cwd=path.parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def review_job(root: Path, world: synthetic.Universe, roles: dict[str, str]) -> jobs.Job:
    """Lay out a match of SDE and CSCU below `root`, to be run and then reviewed."""
    (root / "inputs").mkdir()
    for agency in ("SDE", "CSCU"):
        world.matching(agency).to_parquet(root / "inputs" / f"{agency}.parquet")
    order = {"job": "M-0002", "project": "DR-TEST", "left": "SDE", "right": "CSCU", "id_column": "GenericID"}
    (root / "job.json").write_text(json.dumps(order | {"roles": roles}))
    return jobs.read_job(str(root))
