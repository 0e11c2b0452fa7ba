"""Cumulative shares in a request: recomputed from the basis, held against what was released, and cheats found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from p20kit import CumulativeShare, Table, open_project, preflight, protect, request_release, tabulate
from p20kit.errors import RequestInvalid
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.verdict import Verdict
from tests.disclosure.projects import RACES, a_project
from tests.spelled import spelled, written

Body = Any
Change = Callable[[Body], object]
TEXT: dict[str, Any] = {
    "title": "When they are employed", "report": "R1", "questions": ["RQ6"], "audience": "public",
    "population": "students",
}  # fmt: skip
POINTS = ("2019", "2020", "2021")
SCHOOL = {"LastReportingSchoolName": "sde.LastReportingSchoolName"}
STEP = "shares by Year[LastReportingSchoolName=Small School, Year=2020]"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def people(project: Project) -> pd.DataFrame:
    """Give the students a year of first employment: three of the small school have it in 2020."""
    frame = project.frame("sde")
    frame["Year"] = [("2019", "2020", "2021", "never")[i % 4] for i in range(len(frame))]
    small = frame["LastReportingSchoolName"] == "Small School"
    late = frame.index[small & (frame["Year"] == "2020")]
    frame.loc[late[3:], "Year"] = "never"
    return frame


def table(people: pd.DataFrame, *shares: CumulativeShare, name: str = "shares") -> Table:
    along = shares or CumulativeShare.along("Year", POINTS)
    return tabulate(people, ["LastReportingSchoolName"], along, name=name, sources=SCHOOL)


@pytest.fixture(scope="module")
def asked(project: Project, people: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    protected = protect(table(people), project.policy)
    return request_release(protected, project=project, outbox=tmp_path_factory.mktemp("outbox"), **TEXT)


def judged(project: Project, path: Path, *changes: Change, **more: Any) -> Verdict:
    body = spelled(path.read_text("utf-8"))
    for change in changes:
        change(body)
    return preflight(read_request(written(body)), project=project, **more)


def figures(body: Body, to: str) -> list[float | None]:
    column: list[float | None] = body["tables"][0]["figures"][f"share Year up to {to}"]
    return column


def test_what_is_displayed_of_shares_is_recomputed(project: Project, asked: Path) -> None:
    verdict = judged(project, asked)
    assert verdict.findings == () and {finding.rule for finding in verdict.look_at} == {"derived-column"}
    assert verdict.released is not None
    again = verdict.released.protected.to_frame().set_index("LastReportingSchoolName")
    body = spelled(asked.read_text("utf-8"))
    for to in POINTS:
        column = again[f"share Year up to {to}"]
        assert [None if pd.isna(share) else share for share in column] == figures(body, to)
    assert again.loc["Small School"].isna().any() and again.loc["Hamden High School"].notna().any()


def _raised(body: Body) -> None:
    column = figures(body, "2021")
    column[0] = (column[0] or 0) + 0.1


def _in_another_order(body: Body) -> None:
    for measure in body["tables"][0]["measures"][1:]:
        measure["order"] = ["2020", "2019", "2021"]


def _without_the_point_between(body: Body) -> None:
    """Have the small group fall in with the next, and display the figures all the same."""
    asked = body["tables"][0]
    asked["measures"] = [m for m in asked["measures"] if m.get("to") != "2020"]
    for measure in asked["measures"][1:]:
        measure["order"] = ["2019", "2021"]
    del asked["figures"]["share Year up to 2020"]


@pytest.mark.parametrize("cheat", [_raised, _in_another_order, _without_the_point_between])
def test_a_share_that_the_basis_does_not_give_is_found(project: Project, asked: Path, cheat: Change) -> None:
    verdict = judged(project, asked, cheat)
    assert verdict.verdict == "refused" and "figure" in {finding.rule for finding in verdict.findings}


def test_true_shares_on_either_side_of_three_people_are_found(
    project: Project, people: pd.DataFrame, asked: Path
) -> None:
    """The requester displays what `protect` hid; every figure is true."""
    truth = table(people)

    def show_all(body: Body) -> None:
        for to in POINTS:
            values = truth.figures[f"share Year up to {to}"].value.round(1)
            figures(body, to)[:] = [
                None if base < 20 else float(value) for value, base in zip(values, truth.counts, strict=True)
            ]

    found = judged(project, asked, show_all).findings
    assert STEP in {finding.where for finding in found if finding.rule == "bounds"}


def test_a_share_up_to_another_point_is_held_against_what_was_released(
    project: Project, people: pd.DataFrame
) -> None:
    first, second, _ = CumulativeShare.along("Year", POINTS)
    released = protect(table(people, first, name="first"), project.policy)
    alone = protect(table(people, second), project.policy)
    assert preflight(alone, project=project).findings == ()
    found = preflight(alone, project=project, earlier=[released]).findings
    assert STEP in {finding.where for finding in found}


def test_an_order_of_ones_own_and_a_point_nobody_reaches_go_to_a_person(project: Project) -> None:
    def looked_at(order: tuple[str, ...]) -> set[str]:
        race = "RaceEthnicityReportingText"
        along = CumulativeShare.along(race, order)[1:2]
        sources = {"Gender": "sde.Gender", race: f"sde.{race}"}
        asked = protect(tabulate(project.frame("sde"), ["Gender"], along, sources=sources), project.policy)
        verdict = preflight(asked, project=project)
        assert verdict.findings == ()
        return {finding.rule for finding in verdict.look_at}

    code_set = tuple(RACES)[:3]
    assert looked_at(code_set) == set()
    assert looked_at(code_set[::-1]) == {"order"}
    assert looked_at((*code_set, "4711")) == {"codes", "order"}


def test_a_point_called_like_a_person_is_refused(project: Project, people: pd.DataFrame) -> None:
    person = str(people["P20ID"].iloc[0])
    along = CumulativeShare.along("Year", (*POINTS, person))[:2]
    found = preflight(protect(table(people, *along), project.policy), project=project).findings
    assert "person-id" in {finding.rule for finding in found}


@pytest.mark.parametrize(
    "said",
    [
        {"order": []},
        {"order": ["2019", "2019"], "to": "2019"},
        {"to": "1999"},
        {"order": "2019"},
        {"order": [str(n) for n in range(61)], "to": "7"},
    ],
)
def test_what_is_no_order_is_malformed(asked: Path, said: dict[str, object]) -> None:
    body = spelled(asked.read_text("utf-8"))
    body["tables"][0]["measures"][1].update(said)
    with pytest.raises(RequestInvalid):
        read_request(written(body))
