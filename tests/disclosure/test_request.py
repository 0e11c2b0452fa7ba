"""A release request: what the notebook writes is what the gate reads, and nothing else gets through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from p20kit import CellPolicy, Table, open_project, preflight, request_release, tabulate
from p20kit.errors import ProjectInvalid, RequestInvalid
from p20kit.request import read_request
from p20kit.verdict import Verdict
from tests.disclosure.projects import a_project, students
from tests.spelled import spelled, written

TEXT: dict[str, Any] = {
    "title": "Who takes part",
    "report": "R1",
    "questions": ["RQ1"],
    "audience": "public",
    "population": "students of the cohorts",
    "methods": ["cell suppression"],
    "planned_on": date(2026, 12, 1),
}


def a_request(tmp_path: Path) -> Path:
    project = open_project(a_project(tmp_path / "project"))
    table = tabulate(
        project.frame("sde"),
        ["FLAG_MP", "RaceEthnicityReportingText"],
        name="race",
        sources={"RaceEthnicityReportingText": "sde.RaceEthnicityReportingText"},
    )
    return request_release(table, project=project, outbox=tmp_path / "outbox", **TEXT)


def judged(tmp_path: Path, content: bytes) -> Verdict:
    return preflight(read_request(content), project=open_project(tmp_path / "project"))


def edited(path: Path, change: Callable[[Any], None]) -> bytes:
    body = spelled(path.read_text())
    change(body)
    return written(body)


def test_a_request_is_one_file_named_by_its_content(tmp_path: Path) -> None:
    path = a_request(tmp_path)
    assert [p.relative_to(tmp_path / "outbox") for p in (tmp_path / "outbox").rglob("*.json")] == [
        Path(path.parent.name) / "request.json"
    ]
    assert path.parent.name == f"out-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
    assert len(list(path.parent.iterdir())) == 1
    assert a_request(tmp_path) == path


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    request = read_request(a_request(tmp_path).read_bytes())
    assert (request.report, request.questions, request.planned_on) == ("R1", ["RQ1"], date(2026, 12, 1))
    assert judged(tmp_path, a_request(tmp_path).read_bytes()).findings == ()


def test_preflight_says_what_the_gate_will_say(tmp_path: Path) -> None:
    request = read_request(a_request(tmp_path).read_bytes())
    project = open_project(tmp_path / "project")
    verdict = preflight(request, project=project)
    assert (verdict.verdict, [f.rule for f in verdict.look_at]) == ("needs-review", ["derived-column"])
    bare = tabulate(project.frame("sde"), ["LastReportingSchoolName", "FLAG_MP"])
    assert {f.rule for f in preflight(bare, project=project).findings} == {"threshold", "difference"}
    wrong = tabulate(project.frame("sde"), ["Gender"], sources={"Gender": "sde.Sex"})
    assert [f.rule for f in preflight(wrong, project=project).findings] == ["unknown-source"]
    page = preflight(wrong, project=project)._repr_html_()
    assert "refused" in page and "DSA VI.A" in page


def raise_a_count(body: Any) -> None:
    column = body["tables"][0]["cells"]["count"]
    first = next(i for i, count in enumerate(column) if count is not None)
    column[first] += 1


def show_a_hidden_cell(body: Any) -> None:
    cells = body["tables"][0]["cells"]
    first = cells["status"].index("primary")
    cells["count"][first], cells["status"][first] = 3, "shown"


def say_structural(body: Any) -> None:
    cells = body["tables"][0]["cells"]
    cells["status"][cells["status"].index("primary")] = "structural"


def drop_a_cell(body: Any) -> None:
    for column in body["tables"][0]["cells"].values():
        column.pop()


def give_a_cell_twice(body: Any) -> None:
    for column in body["tables"][0]["cells"].values():
        column.append(column[-1])


def rename_a_code(body: Any) -> None:
    column = body["tables"][0]["cells"]["RaceEthnicityReportingText"]
    column[0] = "Martian"


def invent_people(body: Any) -> None:
    basis = body["tables"][0]["basis"]
    for column in basis.values():
        column += column[:5]


def put_a_person_in_two_cells(body: Any) -> None:
    basis = body["tables"][0]["basis"]
    basis["P20ID"][0] = basis["P20ID"][-1]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (raise_a_count, {"value"}),
        (show_a_hidden_cell, {"threshold"}),
        (say_structural, {"status"}),
        (drop_a_cell, {"cell"}),
        (give_a_cell_twice, {"cell"}),
        (rename_a_code, {"cell"}),
        (invent_people, {"duplicate-persons"}),
        (put_a_person_in_two_cells, {"table"}),
    ],
)
def test_a_tampered_request_is_found(tmp_path: Path, change: Callable[[Any], None], rules: set[str]) -> None:
    found = {finding.rule for finding in judged(tmp_path, edited(a_request(tmp_path), change)).findings}
    assert rules <= found and bool(found) == bool(rules)


def test_people_given_twice_do_not_raise_a_count(tmp_path: Path) -> None:
    path = a_request(tmp_path)
    honest = read_request(path.read_bytes()).tables[0].as_table()
    doubled = read_request(edited(path, invent_people)).tables[0].as_table()
    assert doubled.total == honest.total


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b'{"a": 1, "a": 2}', "given twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[" * 200_000, "nested too deeply"),
        (b"[]", "malformed"),
        (b'{"n": ' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_what_is_not_a_request_is_refused(content: bytes, what: str) -> None:
    with pytest.raises(RequestInvalid, match=what) as refusal:
        read_request(content)
    assert refusal.value.findings


def test_every_fault_of_form_is_named_at_once_without_a_value(tmp_path: Path) -> None:
    def spoil(body: Any) -> None:
        body["secret-123-45-6789"] = 1
        body["title"] = ""
        body["planned_on"] = "tomorrow"
        body["tables"][0]["cells"]["count"][0] = 7.5
        body["tables"][0]["by"] = ["a", "a"]
        del body["audience"]

    with pytest.raises(RequestInvalid) as refusal:
        read_request(edited(a_request(tmp_path), spoil))
    places = {finding.where for finding in refusal.value.findings}
    assert {"[key]", "title", "planned_on", "audience"} <= places
    assert any(place.startswith("tables.0.cells") for place in places)
    assert "6789" not in str(refusal.value) and "7.5" not in str(refusal.value)


def test_a_table_that_does_not_hold_together_is_refused(tmp_path: Path) -> None:
    def shorten(body: Any) -> None:
        body["tables"][0]["basis"]["P20ID"].pop()
        body["tables"][0]["cells"]["count"][0] = -1

    with pytest.raises(RequestInvalid, match=r"counts are not whole .*"):
        read_request(edited(a_request(tmp_path), shorten))


def test_a_table_without_a_basis_cannot_be_requested(tmp_path: Path) -> None:
    project = open_project(a_project(tmp_path / "project"))
    table = Table.from_counts(pd.DataFrame({"g": ["a", "b"], "n": [9, 8]}), ["g"])
    with pytest.raises(RequestInvalid, match="no basis"):
        request_release(table, project=project, outbox=tmp_path, **TEXT)
    assert not list(tmp_path.glob("out-*"))


RACE = "RaceEthnicityReportingText"


def structured(tmp_path: Path, margins: Any) -> tuple[Table, Path]:
    """Make a table that uses everything its basis cannot tell, and the request for it."""
    project = open_project(a_project(tmp_path / "project"))
    table = tabulate(
        project.frame("sde"),
        [RACE, "FLAG_MP", "Gender"],
        name="race",
        hierarchies={RACE: [{"Asian": "Asian or White", "White": "Asian or White"}, {"White": "Largest"}]},
        codes={"Gender": ["U", "M", "F"]},
        impossible=pd.DataFrame({"Gender": ["U"], "FLAG_MP": ["1"]}),
        margins=margins,
    )
    return table, request_release(table, project=project, outbox=tmp_path / "outbox", **TEXT)


@pytest.mark.parametrize("margins", [True, False, [(RACE,), ("Gender", RACE), ()]])
def test_what_a_basis_cannot_tell_travels_with_the_request(tmp_path: Path, margins: Any) -> None:
    table, path = structured(tmp_path, margins)
    request = read_request(path.read_bytes())
    again = request.tables[0].as_table()
    assert again.dimensions == table.dimensions
    assert (again.counts == table.counts).all()
    assert (again.impossible == table.impossible).all() and table.impossible.any()
    assert (again.published == table.published).all()
    assert judged(tmp_path, path.read_bytes()).findings == ()


def claim_a_populated_cell(body: Any) -> None:
    body["tables"][0]["impossible"] = {"Gender": ["F"]}


def put_a_code_outside_its_set(body: Any) -> None:
    body["tables"][0]["basis"]["Gender"][0] = "X"


def run_in_a_circle(body: Any) -> None:
    body["tables"][0]["hierarchies"][RACE][0] |= {"Asian or White": "Asian"}


def drop_a_hierarchy(body: Any) -> None:
    body["tables"][0]["hierarchies"] = {}


def hide_the_margins(body: Any) -> None:
    body["tables"][0]["margins"] = False


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (claim_a_populated_cell, {"table"}),
        (put_a_code_outside_its_set, {"table"}),
        (run_in_a_circle, {"hierarchy"}),
        (drop_a_hierarchy, {"cell"}),
        (hide_the_margins, {"cell"}),
    ],
)
def test_a_structure_that_does_not_hold_is_found(
    tmp_path: Path, change: Callable[[Any], None], rules: set[str]
) -> None:
    _, path = structured(tmp_path, margins=True)
    found = judged(tmp_path, edited(path, change)).findings
    assert rules <= {finding.rule for finding in found}


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("hierarchies", {"Town": [{"a": "b"}]}, "hierarchies name columns"),
        ("hierarchies", {RACE: {"a": "b"}}, "valid list"),
        ("codes", {"Town": ["a"]}, "codes name columns"),
        ("impossible", {"Town": ["a"]}, "impossible name columns"),
        ("impossible", {"Gender": ["U"], "FLAG_MP": []}, "columns of impossible are not of one length"),
        ("margins", [["Town"]], "margins name columns"),
        ("margins", [], "at least 1 item"),
    ],
)
def test_a_structure_of_another_form_is_refused(tmp_path: Path, field: str, value: Any, what: str) -> None:
    _, path = structured(tmp_path, margins=True)
    with pytest.raises(RequestInvalid, match=what):
        read_request(edited(path, lambda body: body["tables"][0].update({field: value})))


def test_a_project_shows_what_may_be_used_and_what_is_masked(tmp_path: Path) -> None:
    project = open_project(a_project(tmp_path))
    assert project.policy == CellPolicy()
    assert len(project.frame("sde")) == len(students())
    assert "Gender" in project.columns("sde")["name"].tolist()
    page = project._repr_html_()
    assert "2027-12-31" in page and "EM VIII.B" in page and "dol.QuarterlyWages" in page
    assert project.has("sde", "Gender") and not project.has("dol")


def test_a_masked_column_is_refused_with_its_clause(tmp_path: Path) -> None:
    project = open_project(a_project(tmp_path))
    with pytest.raises(ProjectInvalid, match="not mounted"):
        project.frame("dol")
    with pytest.raises(ProjectInvalid, match=r"EM VIII\.B"):
        project.frame("sde", ["P20ID", "BirthYear"])


def test_no_project_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(ProjectInvalid, match="there is no project here"):
        open_project(tmp_path)
    (tmp_path / "project.json").write_text('{"project": "DR-0034"}')
    with pytest.raises(ProjectInvalid, match="policy_hash"):
        open_project(tmp_path)


def test_a_project_counts_as_many_employers_as_its_agreement_asks_for(tmp_path: Path) -> None:
    about = a_project(tmp_path) / "project.json"
    body = json.loads(about.read_text("utf-8"))
    body["policy"] |= {"minimum_employers": 5}
    about.write_text(json.dumps(body), "utf-8")
    assert open_project(tmp_path).policy == CellPolicy(minimum_employers=5)
