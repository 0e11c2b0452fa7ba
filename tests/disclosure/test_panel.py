"""The panel: what would pass, chosen and seen before anything is asked; in the real lab: tests/hub/test_panel.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from p20kit import Count, CumulativeShare, Rate, Table, open_project, preflight, tabulate
from p20kit.errors import RequestInvalid
from p20kit.panels import EACH, Panel, panel
from p20kit.project import Project
from p20kit.request import read_request
from tests.disclosure.projects import a_project

RACE, PART = "RaceEthnicityReportingText", "ManufacturingStudent"
WORDS: dict[str, Any] = {
    "title": "Who takes part", "report": "R1", "questions": ["RQ1"], "audience": "public", "population": "students",
}  # fmt: skip
OWN = {"hide the fewest cells", "hide the fewest persons", "merge categories"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def by_race(project: Project) -> Table:
    return tabulate(
        project.frame("sde"),
        [RACE, PART],
        name="race",
        title="By race <b>",
        sources={RACE: f"sde.{RACE}", PART: f"sde.{PART}"},
    )


@pytest.fixture
def review(project: Project, by_race: Table, tmp_path: Path) -> Panel:
    made = panel(by_race, project=project, outbox=tmp_path, **WORDS)
    made._repr_mimebundle_()
    return made


def said(panel: Panel) -> str:
    """Give all that stands in it."""
    texts: list[str] = [part.value for part in panel.view.children if isinstance(getattr(part, "value", None), str)]
    return "\n".join(texts)


def ways(panel: Panel) -> dict[str, str]:
    return {name: label for label, name in panel.ways.options}


def test_it_says_why_the_table_does_not_leave_as_it_was_counted(review: Panel) -> None:
    page = said(review)
    assert "✕ It would not leave as it is: " in page and "a count under 6 is displayed (DSA III.G.2.a)" in page
    assert page.count("a count under 6 is displayed") == EACH and "more of this kind" in page
    assert "By race &lt;b&gt;" in page and "By race <b>" not in page


def test_the_ways_the_gate_releases_stand_first_and_say_what_they_keep(review: Panel) -> None:
    offered = ways(review)
    own = [name for name in offered if name in OWN]
    assert list(offered)[: len(own)] == own and {"hide the fewest cells", "merge categories"} <= set(own)
    shown = review.take("hide the fewest cells").to_frame()["count"].notna()
    assert offered["hide the fewest cells"].endswith(f"{shown.sum()} of {len(shown)} figures exact")
    assert {"ranges", "controlled rounding"} <= set(offered)
    assert "the gate does not release it" in offered["ranges"] and "rounding" not in offered


def test_what_is_chosen_is_seen_before_it_is_asked_for(review: Panel) -> None:
    assert "●" in review.displayed.value and "○" in review.displayed.value
    review.ways.value = "merge categories"
    assert "●" not in review.displayed.value and " / " in review.displayed.value
    assert "◐" in review.told.value and "derived in the notebook" in review.told.value
    review.ways.value = "ranges"
    assert "–" in review.displayed.value and review.write.disabled
    assert "The gate does not release it" in review.told.value


def test_the_verdict_is_the_gates(review: Panel, project: Project) -> None:
    for way in OWN & set(ways(review)):
        verdict = preflight(review.take(way), project=project, **WORDS)
        assert (review.verdict(way).verdict, review.verdict(way).look_at) == (verdict.verdict, verdict.look_at)


def test_the_request_holds_what_was_chosen(review: Panel, project: Project) -> None:
    request = read_request(review.ask("merge categories").read_bytes())
    (asked,) = request.tables
    assert request.title == WORDS["title"] and None not in asked.cells["count"]
    assert any(" / " in str(code) for code in asked.cells[RACE])
    assert preflight(request, project=project).findings == ()


@pytest.mark.parametrize("way", ["ranges", "publish it all"])
def test_what_the_gate_does_not_release_cannot_be_asked_for(review: Panel, way: str) -> None:
    with pytest.raises(RequestInvalid, match="Take one of 'hide the fewest cells'"):
        review.ask(way)


def test_without_its_words_nothing_is_written(project: Project, by_race: Table, tmp_path: Path) -> None:
    made = panel(by_race, project=project, outbox=tmp_path, title="Who takes part")
    made._repr_mimebundle_()
    assert made.write.disabled
    with pytest.raises(RequestInvalid, match="report, questions, audience, population"):
        made.ask("hide the fewest cells")
    assert list(tmp_path.iterdir()) == []


def test_a_curve_may_be_asked_for_with_fewer_points(project: Project, tmp_path: Path) -> None:
    people = project.frame("sde")
    people["Year"] = pd.cut(pd.Series(range(len(people))), [-1, 500, 503, 700, 1000], labels=list("abcd")).astype(str)
    curve = CumulativeShare.along("Year", ["a", "b", "c"])
    table = tabulate(people, ["Gender"], [Count(), *curve, Rate(PART, "Y")], sources={"Gender": "sde.Gender"})
    made = panel(table, project=project, outbox=tmp_path, **WORDS)
    assert list(ways(made)) == ["hide the fewest cells", "fewer points"]
    assert made.take("hide the fewest cells").to_frame().isna().any().any()
    coarser = made.take("fewer points").to_frame()
    assert coarser.notna().all().all() and f"rate {PART}=Y" in coarser and "share Year up to c" in coarser


def test_a_page_without_a_session_shows_no_count(review: Panel) -> None:
    assert review._repr_mimebundle_()["text/plain"] == repr(review)
    assert repr(review).startswith("<Panel: hide the fewest cells; ") and not any(map(str.isdigit, repr(review)))
