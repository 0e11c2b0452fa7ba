"""A match job of invented people: what a notebook finds in the hub's sandbox, with the truth beside it.

A new method is written on it with any code: no identifier of a person is in it. On those only what was approved runs.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from p20kit.synthetic.universe import Universe

ROLES: Mapping[str, str] = {
    "first_name": "FirstName",
    "middle_name": "MiddleName",
    "last_name": "LastName",
    "dob": "DOB",
    "sex": "Gender",
    "ssn": "SSN",
    "sasid": "SASID",
}
"""What the programme's matching files call what a match compares."""


def write_job(world: Universe, directory: Path, agencies: Sequence[str], project: str) -> Path:
    """Write a job; see `Universe.write_job`."""
    inputs = directory / "inputs"
    for folder in (inputs, directory / "out"):
        folder.mkdir(parents=True, exist_ok=True)
    held: Counter[str] = Counter()
    for agency in agencies:
        matching = world.matching(agency)
        matching.to_parquet(inputs / f"{agency}.parquet", index=False)
        held.update(matching.columns)
    order = {
        "job": "rehearsal",
        "project": project,
        "agencies": list(agencies),
        "id_column": "GenericID",
        # nothing else can be compared
        "roles": {role: column for role, column in ROLES.items() if held[column] > 1},
    }
    path = directory / "job.json"
    path.write_text(json.dumps(order, indent=1), "utf-8")
    truth: pd.DataFrame = world.truth
    truth[truth["agency"].isin(agencies)].to_parquet(directory / "truth.parquet", index=False)
    return path
