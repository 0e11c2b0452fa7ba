"""The researcher templates run headless on an invented project and end in a request the gate can recompute."""

from __future__ import annotations

from pathlib import Path

import nbformat
import papermill
import pytest

from p20kit import CellPolicy
from p20kit.release import check_tables
from p20kit.request import read_request
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
    assert [table.name for table in request.tables] == ["programme-by-race", "programme-by-school"]
    assert check_tables(request, CellPolicy()) == []


def test_cohort_outcomes_counts_where_wages_are_mounted(tmp_path: Path) -> None:
    _, requests = run("cohort_outcomes", tmp_path, with_dol=True)
    assert check_tables(read_request(requests[0].read_bytes()), CellPolicy()) == []


def test_cohort_outcomes_says_plainly_that_wages_are_masked(tmp_path: Path) -> None:
    text, requests = run("cohort_outcomes", tmp_path)
    assert "Wage records are masked for you" in text and "EM VIII.B" in text
    assert requests == []
