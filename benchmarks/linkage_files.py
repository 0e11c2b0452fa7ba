"""Invented agency files with their truth, written before anything is measured, and the score of what was linked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from p20kit import synthetic

ERRORS = synthetic.ErrorModel(sde_share=1.0, cscu_share=1.0).scaled(1.25)
"""Every agency as careless as a wage file, and a quarter more: so Splink scores about what it scored on the files
of the figures to reach (one to one, 0.985 at a hundred thousand records, 0.980 at a million)."""


def write_pair(folder: Path, records: int, seed: int) -> None:
    """Write SDE's and CSCU's matching files, `records` each; two in five persons are in both."""
    world = synthetic.universe(
        students=records, wage_earners=records // 5, college_students=records, seed=seed, errors=ERRORS
    )
    _write(folder, spread(world), {"SDE": (), "CSCU": ("SSN",)})


def spread(world: synthetic.Universe) -> synthetic.Universe:
    """Let the families be of twenty years, as a state's are: a million students are not of one decade."""
    people = world.people
    earlier = np.random.default_rng(world.seed).integers(0, 20, int(people.family.max()) + 1)[people.family]
    days = (earlier * 365.25).astype("timedelta64[D]")
    return replace(world, people=replace(people, birth=people.birth - days))


def write_three(folder: Path, students: int, seed: int) -> None:
    """Write three agencies' files: SDE has no SSN, DOL no date of birth."""
    world = synthetic.universe(
        students=students, wage_earners=2 * students, college_students=round(0.8 * students), seed=seed
    )
    _write(folder, world, {"SDE": (), "CSCU": (), "DOL": ("DOB",)})


def _write(folder: Path, world: synthetic.Universe, agencies: dict[str, tuple[str, ...]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for agency, withheld in agencies.items():
        world.matching(agency).drop(columns=list(withheld)).to_parquet(folder / f"{agency}.parquet", index=False)
    truth = world.truth
    truth[truth["agency"].isin(agencies)].to_parquet(folder / "truth.parquet", index=False)
    sizes = {agency: len(world.members[agency].person) for agency in agencies}
    (folder / "files.json").write_text(json.dumps({"agencies": list(agencies), "records": sizes}))


def score_pairs(folder: Path, clusters: pd.DataFrame) -> dict[str, Any]:
    """Score clusters by the pairs of records of different agencies in them.

    Parameters
    ----------
    folder : Path
        Holds `truth.parquet`: person, agency, generic_id.
    clusters : DataFrame
        `cluster_id`, `source_dataset`, `unique_id`; records in no cluster may be absent.

    Returns
    -------
    dict
        `precision`, `recall`, `f1`, and `doubled`: clusters that hold two records of one agency.
    """
    truth = pd.read_parquet(folder / "truth.parquet")
    person = clusters["unique_id"].map(truth.set_index("generic_id")["person"])
    table = clusters.assign(person=person.to_numpy())
    doubled = int((table.groupby(["cluster_id", "source_dataset"]).size() > 1).groupby("cluster_id").any().sum())
    found = _across(table, ["cluster_id"], "source_dataset")
    right = _across(table, ["cluster_id", "person"], "source_dataset")
    true = _across(truth, ["person"], "agency")
    precision, recall = right / max(found, 1), right / max(true, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": precision, "recall": recall, "f1": f1, "links": found, "doubled": doubled}


def score_clusters(found: pd.Series, truth: pd.Series) -> dict[str, Any]:
    """Score the clusters of one file by the pairs of records in them."""
    table = pd.DataFrame({"found": found.to_numpy(), "truth": truth.to_numpy()})
    of = [_pairs(table.groupby(keys).size()) for keys in (["found"], ["truth"], ["found", "truth"])]
    precision, recall = of[2] / max(of[0], 1), of[2] / max(of[1], 1)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / max(precision + recall, 1e-9)}


def _pairs(sizes: pd.Series) -> int:
    return int((sizes * (sizes - 1) // 2).sum())


def _across(table: pd.DataFrame, keys: list[str], agency: str) -> int:
    """Count pairs of records of different agencies within each group."""
    return _pairs(table.groupby(keys).size()) - _pairs(table.groupby([*keys, agency]).size())
