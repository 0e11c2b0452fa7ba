"""ExA 3.f: figures leave in ranges, rounded, or coded at top and bottom, and a reader never learns more by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from p20kit import Mean, Rate, chart, coded, open_project, preflight, protect, request_release, tabulate
from p20kit.errors import ChartInvalid, RequestInvalid, TableInvalid
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.tables import Table
from p20kit.verdict import Verdict
from tests.disclosure.projects import a_project

SOURCES = {name: f"sde.{name}" for name in ("Gender", "LastReportingSchoolName", "ManufacturingStudent")}
RATE = "rate ManufacturingStudent=Y"
ALL = ["ranges", "rounding", "top and bottom coding"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def table(project: Project) -> Table:
    by = ["LastReportingSchoolName", "Gender"]
    return tabulate(project.frame("sde"), by, [Rate("ManufacturingStudent", "Y")], name="schools", sources=SOURCES)


def displayed(project: Project, table: Table) -> dict[tuple[str, str], Any]:
    frame = protect(table, project.policy).to_published()
    return {(row["LastReportingSchoolName"], row["Gender"]): row for row in frame.to_dict("records")}


def judged(project: Project, table: Table, *methods: str) -> Verdict:
    return preflight(protect(table, project.policy), project=project, notebook=False, methods=list(methods))


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


def test_what_is_displayed_is_coarser_and_what_is_hidden_stays_hidden(project: Project, table: Table) -> None:
    full = displayed(project, table)
    ranges = displayed(project, coded(table, counts="ranges", step=20, top=500))
    rounded = displayed(project, coded(table, counts="rounding", step=20))
    hidden = {cell for cell, row in full.items() if row["status"] == "hidden"}
    assert hidden and hidden == {cell for cell, row in ranges.items() if row["status"] == "hidden"}
    assert all(isinstance(row["count"], str) == (cell not in hidden) for cell, row in ranges.items())
    for cell in full.keys() - hidden:
        count = int(full[cell]["count"])
        low = count // 20 * 20
        inside = f"{low} to {low + 19}" if low else "under 20"
        assert ranges[cell]["count"] == ("500 or more" if count >= 500 else inside)
        near = (count + 10) // 20 * 20
        assert rounded[cell]["count"] == (near or "under 10")
        assert ranges[cell][RATE] is full[cell][RATE] or ranges[cell][RATE] == full[cell][RATE]


def test_the_ends_of_percentages_are_coded(project: Project) -> None:
    people = project.frame("sde")
    people["Nearly"] = ["N" if n % 30 == 0 else "Y" for n in range(len(people))]
    rates = tabulate(people, ["Gender"], [Rate("Nearly", "Y"), Rate("Nearly", "N")], name="rates")
    frame = protect(coded(rates, ends=5), project.policy).to_published()
    assert set(frame["rate Nearly=Y"]) == {"over 95"} and set(frame["rate Nearly=N"]) == {"under 5"}


def test_the_gate_writes_it_so_where_the_method_is_named_and_declared(project: Project, table: Table) -> None:
    ranges = coded(table, counts="ranges", step=20, ends=5)
    verdict = judged(project, ranges, "ranges", "top and bottom coding")
    assert verdict.verdict == "cleared" and verdict.released is not None
    assert "under 20" in str(verdict.released.protected.to_published()["count"].tolist())
    assert rules(judged(project, ranges, "ranges")) == {"method"}
    assert rules(judged(project, table, "rounding")) == {"method-not-used"}
    assert rules(judged(project, coded(table, counts="rounding", step=10), *ALL)) == {"method-not-used"}


def test_a_method_that_nothing_verifies_goes_to_a_person(project: Project, table: Table) -> None:
    verdict = judged(project, table, "adding noise")
    assert verdict.verdict == "needs-review" and [finding.rule for finding in verdict.look_at] == ["method"]
    assert judged(project, table, "aggregation", "complementary suppression").verdict == "cleared"


def test_it_is_judged_and_remembered_as_if_it_were_in_full(project: Project) -> None:
    """Three persons between two groups: coarser figures would hide it, and are not taken at their word."""
    people = project.frame("sde")
    moved = people.assign(Group=people["Gender"])
    moved.loc[moved.index[moved["Gender"] == "F"][:3], "Group"] = "M"
    groups = coded(tabulate(moved, ["Group"], name="groups"), counts="ranges", step=100)
    before = protect(coded(tabulate(people, ["Gender"], name="genders"), counts="ranges", step=100), project.policy)
    verdict = preflight(
        protect(groups, project.policy), project=project, notebook=False, methods=["ranges"], earlier=[before]
    )
    assert "difference" in rules(verdict)


STRANGE: dict[str, dict[str, Any]] = {
    "a step of its own": {"counts": "ranges", "step": 7},
    "ranges of no width": {"counts": "ranges"},
    "a step and nothing to step": {"step": 10},
    "a top of its own": {"top": 51},
    "ends of its own": {"ends": 3},
    "another method": {"counts": "noise", "step": 10},
}


@pytest.mark.parametrize("how", STRANGE)
def test_a_parameter_is_one_of_few(project: Project, table: Table, tmp_path: Path, how: str) -> None:
    """For each could say something; in a request that no p20kit wrote, too."""
    with pytest.raises(TableInvalid) as refused:
        coded(table, **STRANGE[how])
    assert {finding.rule for finding in refused.value.findings} == {"coding"}
    path = request_release(
        protect(table, project.policy), project=project, outbox=tmp_path, notebook=False, methods=ALL, title="T",
        report="R1", questions=["RQ1"], audience="public", population="students",
    )  # fmt: skip
    body = json.loads(path.read_text("utf-8"))
    body["tables"][0]["coding"] |= STRANGE[how]
    try:
        request = read_request(json.dumps(body))
    except RequestInvalid:
        return
    assert "coding" in rules(preflight(request, project=project))


def test_sums_and_charts_are_not_of_coded_figures(project: Project, table: Table) -> None:
    scores = tabulate(project.frame("sde").assign(Score=1.0), ["Gender"], [Mean("Score")], name="scores")
    for kind in ({"counts": "ranges", "step": 10}, {"top": 100}):
        with pytest.raises(TableInvalid):
            coded(scores, **kind)
    with pytest.raises(TableInvalid):
        coded(tabulate(project.frame("sde"), ["Gender"], name="counts"), ends=5)
    ranges = protect(coded(table, counts="ranges", step=20), project.policy)
    with pytest.raises(ChartInvalid) as refused:
        chart(ranges, x="Gender")
    assert [finding.where for finding in refused.value.findings] == ["measure"]
    assert chart(ranges, x="Gender", measure=RATE).cells[RATE].notna().all()
