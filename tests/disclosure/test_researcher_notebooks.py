"""The researcher templates run headless on an invented project and end in a request the gate can recompute."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

from p20kit import open_project, preflight
from p20kit.request import read_request
from p20kit.verdict import Verdict
from tests.disclosure.projects import a_project

TEMPLATES = Path(__file__).resolve().parents[2] / "notebooks" / "templates"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")


def run(name: str, tmp_path: Path, *, with_dol: bool = False) -> tuple[str, list[Path]]:
    root, outbox = a_project(tmp_path / "project", with_dol=with_dol), tmp_path / "outbox"
    done = tmp_path / f"{name}.ipynb"
    papermill.execute_notebook(
        TEMPLATES / f"{name}.ipynb",
        done,
        parameters={"project_root": str(root), "outbox": str(outbox)},
        progress_bar=False,
    )
    return done.read_text(), sorted(outbox.glob("*/request.json"))


def judged(tmp_path: Path, request: Path) -> Verdict:
    return preflight(read_request(request.read_bytes()), project=open_project(tmp_path / "project"))


@pytest.mark.parametrize("name", ["getting_started", "cohort_outcomes"])
def test_a_template_is_valid_and_holds_no_output(name: str) -> None:
    notebook = nbformat.read(TEMPLATES / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    assert len({cell["id"] for cell in notebook.cells}) == len(notebook.cells)
    assert not [cell for cell in notebook.cells if cell.get("outputs")]


def test_getting_started_ends_in_a_request_that_holds(tmp_path: Path) -> None:
    text, requests = run("getting_started", tmp_path)
    assert "DSA III.G.2.d" in text
    request = read_request(requests[0].read_bytes())
    assert [table.name for table in request.tables] == ["programme-by-race", "programme-by-school", "rate-by-gender"]
    assert [(each.table, each.measure) for each in request.charts] == [
        ("rate-by-gender", "rate ManufacturingStudent=Y")
    ]
    assert request.notebook[-1].startswith("request = request_release(")
    assert judged(tmp_path, requests[0]).verdict == "cleared"


def test_cohort_outcomes_counts_where_wages_are_mounted(tmp_path: Path) -> None:
    _, requests = run("cohort_outcomes", tmp_path, with_dol=True)
    verdict = judged(tmp_path, requests[0])
    assert (verdict.verdict, {f.rule for f in verdict.look_at}) == ("needs-review", {"uc-derived", "wording"})


def test_cohort_outcomes_says_plainly_that_wages_are_masked(tmp_path: Path) -> None:
    text, requests = run("cohort_outcomes", tmp_path)
    assert "Wage records are masked for you" in text and "EM VIII.B" in text
    assert requests == []
