"""A match job on disk: what the matching room hands a notebook, and what the notebook hands back."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from p20kit.linkage.pair import Linked


@dataclass(frozen=True)
class Job:
    """One pair of Participating Agencies to be matched.

    Attributes
    ----------
    job, project : str
        Identifiers of the run and of the DR.
    names : tuple of str
        The two agencies, left then right.
    left, right : DataFrame of text
        Their files: generic identifier and matching identifiers.
    groups : DataFrame or None
        Columns by which the match rate of the left file is broken down.
    inputs : dict of str to str
        SHA-256 of every file read.
    """

    job: str
    project: str
    names: tuple[str, str]
    id_column: str
    roles: dict[str, str]
    left: pd.DataFrame
    right: pd.DataFrame
    groups: pd.DataFrame | None
    inputs: dict[str, str]
    out: Path


def read_job(directory: str) -> Job:
    """Read `job.json` and the files it names.

    Parameters
    ----------
    directory : str
        Holds `job.json`, `inputs/` and `out/`.

    Returns
    -------
    Job

    Raises
    ------
    FileNotFoundError, KeyError
        If a file or a key of `job.json` is absent.
    """
    root = Path(directory)
    order: dict[str, Any] = json.loads((root / "job.json").read_text(encoding="utf-8"))
    names = (str(order["left"]), str(order["right"]))
    paths = {name: root / "inputs" / f"{name}.parquet" for name in names}
    by = order.get("groups")
    if by:
        paths["groups"] = root / "inputs" / str(by.get("table", "groups.parquet"))
    inputs = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths.values()}
    groups = pd.read_parquet(paths["groups"]) if by else None
    if by and groups is not None and by.get("columns"):
        groups = groups[[order["id_column"], *by["columns"]]]
    return Job(
        job=str(order["job"]),
        project=str(order["project"]),
        names=names,
        id_column=str(order["id_column"]),
        roles=dict(order["roles"]),
        left=pd.read_parquet(paths[names[0]]),
        right=pd.read_parquet(paths[names[1]]),
        groups=groups,
        inputs=inputs,
        out=root / "out",
    )


def write_result(job: Job, linked: Linked) -> dict[str, Any]:
    """Write `links.parquet`, `model.json` and `report.json` to the job's `out/`.

    Returns
    -------
    dict
        The report as written: the match's own, with job, project, input and link hashes.
    """
    job.out.mkdir(parents=True, exist_ok=True)
    linked.links.to_parquet(job.out / "links.parquet", index=False)
    links_sha256 = hashlib.sha256((job.out / "links.parquet").read_bytes()).hexdigest()
    report = {
        "job": job.job,
        "project": job.project,
        "inputs": job.inputs,
        "links_sha256": links_sha256,
        **linked.report,
    }
    (job.out / "model.json").write_text(json.dumps(linked.model, indent=1, sort_keys=True), encoding="utf-8")
    (job.out / "report.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    return report
