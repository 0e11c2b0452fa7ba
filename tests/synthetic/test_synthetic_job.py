"""A rehearsal: what is written with any code on invented people runs as at the hub, and is not approved by it."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from enclave.errors import Refused
from enclave.matching import approved_method
from p20kit import synthetic
from tests.linkage.agencies import run_template
from tests.test_architecture import ROOT

TEMPLATES = ROOT / "notebooks" / "templates"


def links_that_are_true(root: Path) -> float:
    truth = pd.read_parquet(root / "truth.parquet")
    person = truth.set_index("generic_id")["person"]
    links = pd.read_parquet(root / "out" / "crosswalk.parquet")
    return float((links["SDE"].map(person) == links["DOL"].map(person)).mean())


def test_the_approved_notebook_runs_on_a_rehearsal(tmp_path: Path) -> None:
    world = synthetic.universe(students=400, wage_earners=700, seed=7)
    order = json.loads(world.write_job(tmp_path, project="DR-0034").read_text("utf-8"))
    assert order["agencies"] == ["SDE", "DOL"] and set(order["roles"]) == {
        "first_name", "middle_name", "last_name", "dob", "sex",
    }  # fmt: skip
    assert not (tmp_path / "inputs" / "CSCU.parquet").exists()
    assert set(pd.read_parquet(tmp_path / "truth.parquet")["agency"]) == {"SDE", "DOL"}
    (tmp_path / "parameters.json").write_text(json.dumps({"job": str(tmp_path)}), "utf-8")
    assert run_template("match_pair", tmp_path)[-1] == {"event": "done"}
    assert links_that_are_true(tmp_path) > 0.97


def test_files_that_share_an_identifier_are_matched_by_it(tmp_path: Path) -> None:
    world = synthetic.universe(students=30, wage_earners=40, seed=7)
    three = json.loads(world.write_job(tmp_path, agencies=("SDE", "DOL", "CSCU")).read_text("utf-8"))
    assert {"ssn", "sasid"} <= set(three["roles"])


def test_what_was_rehearsed_runs_on_identifiers_once_it_is_approved_and_not_before(tmp_path: Path) -> None:
    own = tmp_path / "match_pair.ipynb"
    shutil.copyfile(TEMPLATES / own.name, own)
    notebook = nbformat.read(own, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("order.left.head()"))
    nbformat.write(notebook, own)
    with pytest.raises(Refused, match="not the approved content"):
        approved_method(ROOT / "policies", "match_pair", own, date(2022, 4, 12))
