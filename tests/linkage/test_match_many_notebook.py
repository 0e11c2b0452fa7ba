"""The approved notebook for three agencies, run as the hub runs it, on invented persons."""

import hashlib
import json
import re
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest

from p20kit import synthetic
from tests.linkage.agencies import STATE_ROLES, run_template

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "templates" / "match_many.ipynb"
AGENCIES = ["SDE", "CSCU", "DOL"]


@pytest.fixture(scope="module")
def world() -> synthetic.Universe:
    return synthetic.universe(students=1_500, wage_earners=3_000, college_students=1_200, seed=7)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, world: synthetic.Universe) -> Path:
    root = tmp_path_factory.mktemp("job")
    (root / "inputs").mkdir()
    for agency in AGENCIES:
        world.matching(agency).to_parquet(root / "inputs" / f"{agency}.parquet")
    sde = world.matching("SDE")
    sde[["GenericID", "Gender"]].to_parquet(root / "inputs" / "groups.parquet")
    order = {"job": "M-0003", "project": "DR-TEST", "agencies": AGENCIES, "id_column": "GenericID"}
    order |= {"roles": STATE_ROLES, "groups": {"table": "groups.parquet"}}
    (root / "job.json").write_text(json.dumps(order))
    (root / "parameters.json").write_text(json.dumps({"job": str(root), "threshold": 0.9}))
    return root


@pytest.fixture(scope="module")
def events(job: Path) -> list[dict[str, object]]:
    return run_template("match_many", job)


@pytest.fixture(scope="module")
def report(job: Path, events: list[dict[str, object]]) -> dict[str, object]:
    return json.loads((job / "out" / "report.json").read_text())


def test_it_runs_to_the_end_and_tells_its_stages(events):
    assert events[-1] == {"event": "done"}
    assert {"standardising", "SDE with CSCU", "SDE with DOL", "CSCU with DOL", "merging"} <= {
        event.get("name") for event in events
    }


def test_the_crosswalk_finds_the_persons(job, events, world):
    crosswalk = pd.read_parquet(job / "out" / "crosswalk.parquet")
    assert list(crosswalk) == AGENCIES
    person = world.truth.set_index("generic_id")["person"]
    found = crosswalk.apply(lambda column: column.map(person))
    assert (found.nunique(axis=1) == 1).mean() >= 0.97
    assert all(crosswalk[agency].dropna().is_unique for agency in AGENCIES)


def test_job_hashes_and_parameters_are_kept(job, report):
    assert (report["job"], report["project"], report["agencies"]) == ("M-0003", "DR-TEST", AGENCIES)
    for name in ("SDE.parquet", "CSCU.parquet", "DOL.parquet", "groups.parquet"):
        assert report["inputs"][name] == hashlib.sha256((job / "inputs" / name).read_bytes()).hexdigest()
    written = hashlib.sha256((job / "out" / "crosswalk.parquet").read_bytes()).hexdigest()
    assert report["crosswalk_sha256"] == written and "links_sha256" not in report
    assert set(json.loads((job / "out" / "model.json").read_text())) == {"SDE-CSCU", "SDE-DOL", "CSCU-DOL"}
    executed = nbformat.read(job / "out" / "match_many.ipynb", as_version=4)
    assert executed.metadata.papermill.parameters == {"job": str(job), "threshold": 0.9}


def test_the_clusters_of_the_report_are_those_of_the_crosswalk(job, report):
    crosswalk = pd.read_parquet(job / "out" / "crosswalk.parquet")
    held = crosswalk.notna()
    of_three = next(row for row in report["persons_by_agencies"] if len(row["agencies"]) == 3)
    assert of_three["persons"] == int(held.all(axis=1).sum()) > 0
    assert sum(row["persons"] for row in report["persons_by_agencies"]) == report["persons"] == len(crosswalk)
    assert report["persons_of_both"]["SDE-DOL"] == int((held["SDE"] & held["DOL"]).sum())
    rates = report["match_rate"]
    assert rates["by_agency"]["CSCU"]["linked"] == int(held["CSCU"].sum())
    assert rates["overall"] == rates["by_agency"]["SDE"]
    shown = [group for group in report["by_group"][0]["groups"] if not group["suppressed"]]
    assert shown and sum(group["linked"] for group in shown) <= int(held["SDE"].sum())


def test_the_page_shows_every_pair_and_no_person(job, events, report, world):
    page = (job / "out" / "match_many.html").read_text(encoding="utf-8")
    for two in ("SDE-CSCU", "SDE-DOL", "CSCU-DOL"):
        assert page.count(f"<h3>{two}</h3>") == 3
    hidden = [group for group in report["by_group"][0]["groups"] if group["suppressed"]]
    # one of them is half of all: hidden beside a small one, and not small itself
    assert len(hidden) > 1 and page.count(">hidden<") == len(hidden) and ">fewer than 6<" not in page
    assert "Persons of both" in page and "two records of one agency" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page) and "<script" not in page
    words = set(re.findall(r"[\w-]+", page))
    for agency in AGENCIES:
        file = world.matching(agency)
        assert not words & set(file["GenericID"])
        assert not words & {name for name in file["LastName"] if len(name) > 6}


def test_its_form_has_the_parameters_of_a_match_and_no_secret():
    declared = papermill.inspect_notebook(str(NOTEBOOK))
    assert {name: entry["inferred_type_name"] for name, entry in declared.items()} == {
        "job": "str",
        "threshold": "float",
        "seed": "int",
        "max_pairs": "int",
    }
    assert all(entry["help"] for entry in declared.values())
