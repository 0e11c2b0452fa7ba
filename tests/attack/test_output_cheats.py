"""A hostile researcher asks for figures, charts, models and texts: each attempt is refused or put before a person."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import Count, Mean, Rate, Total, chart, model, open_project, preflight, protect, request_release, tabulate
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.verdict import Verdict
from tests.disclosure.projects import a_project
from tests.spelled import spelled
from tests.spelled import written as as_written

Body = dict[str, Any]
Change = Callable[[Body], object]
TEXT: Body = {
    "title": "Who works", "report": "R1", "questions": ["RQ6"], "audience": "public", "population": "students",
}  # fmt: skip
SDE = {"Gender": "sde.Gender", "ManufacturingStudent": "sde.ManufacturingStudent"}
UC = {"QuarterlyWages": "dol.QuarterlyWages", "EmployerID": "dol.EmployerID", "EmployerNAICS": "dol.EmployerNAICS"}
RATE = "rate ManufacturingStudent=Y"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A government analyst's: wage records are mounted."""
    return open_project(a_project(tmp_path_factory.mktemp("project"), with_dol=True))


@pytest.fixture(scope="module")
def first_quarter(project: Project) -> pd.DataFrame:
    """One row per person employed in the first quarter, with gender."""
    rows = project.frame("dol")
    return rows[rows["WageQuarter"] == "1"].merge(project.frame("sde", ["P20ID", "Gender"]), on="P20ID")


def written(project: Project, folder: Path, tables: Any = (), **more: Any) -> Body:
    body: Body = spelled(request_release(tables, project=project, outbox=folder, **(TEXT | more)).read_text())
    return body


@pytest.fixture(scope="module")
def figures(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Body:
    """An honest request of education data: a rate, its chart, and a model."""
    people = project.frame("sde")
    people["Woman"] = (people["Gender"] == "F").astype("float64")
    table = tabulate(people, ["Gender"], [Rate("ManufacturingStudent", "Y")], name="rates", sources=SDE)
    protected = protect(table, project.policy)
    drawn = chart(protected, x="Gender", measure=RATE)
    fitted = model(
        people, "Woman ~ ManufacturingStudent", policy=project.policy, kind="logit",
        sources={"ManufacturingStudent": SDE["ManufacturingStudent"]},
    )  # fmt: skip
    return written(project, tmp_path_factory.mktemp("o"), protected, charts=[drawn], models=[fitted])


@pytest.fixture(scope="module")
def paid(project: Project, first_quarter: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Body:
    """An honest request of UC data: wages by gender, with the employers behind them."""
    table = tabulate(
        first_quarter, ["Gender"], [Total("QuarterlyWages"), Mean("QuarterlyWages")], name="wages",
        employer="EmployerID",
        sources={"Gender": "sde.Gender", **{c: UC[c] for c in ("QuarterlyWages", "EmployerID")}},
    )  # fmt: skip
    return written(project, tmp_path_factory.mktemp("o"), protect(table, project.policy))


def judged(project: Project, body: Body, *changes: Change) -> Verdict:
    changed = deepcopy(body)
    for change in changes:
        change(changed)
    return preflight(read_request(as_written(changed)), project=project)


def refused_for(verdict: Verdict) -> set[str]:
    assert verdict.verdict == "refused"
    return {finding.rule for finding in verdict.findings}


def test_the_honest_ones_hold(project: Project, figures: Body, paid: Body) -> None:
    verdict = judged(project, figures)
    assert verdict.findings == () and {f.where for f in verdict.look_at} == {"model.Woman"}
    verdict = judged(project, paid)
    assert verdict.findings == ()
    assert {f.rule for f in verdict.look_at} == {"chosen-persons", "left-out"}
    assert verdict.released is not None
    assert verdict.released.protected.to_frame().notna().all().all()


def _all_of(column: str, value: str) -> Change:
    return lambda b: b["tables"][0]["contributions"].update(
        {column: [value] * len(b["tables"][0]["contributions"][column])}
    )


def _raised(body: Body) -> None:
    wage = body["tables"][0]["contributions"]["QuarterlyWages"]
    wage[:] = [w + 1 for w in wage]


def _others_employers(body: Body) -> None:
    column = body["tables"][0]["contributions"]["EmployerID"]
    column[:] = column[1:] + column[:1]


def _strangers(body: Body) -> None:
    body["tables"][0]["contributions"]["P20ID"][0] = "P20-9999999999999999"


def _no_employer(body: Body) -> None:
    table = body["tables"][0]
    table["sources"].pop("EmployerID")
    table.update(employer=None, contributions={})


UC_CHEATS: dict[str, tuple[Change, str]] = {
    "an invented employer": (_all_of("EmployerID", "DOLE-999Z"), "employer-mismatch"),
    "employers that are others'": (_others_employers, "employer-mismatch"),
    "wages that nobody was paid": (_raised, "employer-mismatch"),
    "contributions of somebody else": (_strangers, "employer-mismatch"),
    "no employer at all": (_no_employer, "uc-column"),
    "an employer without a source": (lambda b: b["tables"][0]["sources"].pop("EmployerID"), "employer-source"),
    "an employer from another column": (
        lambda b: b["tables"][0]["sources"].update(EmployerID="dol.EmployerNAICS"), "employer-source"),
}  # fmt: skip


@pytest.mark.parametrize("cheat", UC_CHEATS)
def test_employers_that_do_not_hold(project: Project, paid: Body, cheat: str) -> None:
    change, rule = UC_CHEATS[cheat]
    assert rule in refused_for(judged(project, paid, change))


def test_contributions_given_twice_change_nothing(project: Project, paid: Body) -> None:
    twice = deepcopy(paid)
    for column in twice["tables"][0]["contributions"].values():
        column += column[:40]
    honest, verdict = judged(project, paid), judged(project, twice)
    assert verdict.released is not None and honest.released is not None
    told = verdict.released.protected.to_frame()
    assert verdict.findings == () and told.equals(honest.released.protected.to_frame())


def test_a_cell_of_two_employers_cannot_be_shown(
    project: Project, first_quarter: pd.DataFrame, tmp_path: Path
) -> None:
    few = first_quarter[first_quarter["EmployerID"].isin(["DOLE-332A", "DOLE-332B", "DOLE-445A", "DOLE-445B"])]
    sources = {"EmployerNAICS": UC["EmployerNAICS"], "EmployerID": UC["EmployerID"]}
    table = tabulate(few, ["EmployerNAICS"], name="t", employer="EmployerID", sources=sources)
    body = written(project, tmp_path, protect(table, project.policy))
    assert body["tables"][0]["cells"]["count"][:2] == [None, None]
    body["tables"][0]["cells"].update(
        count=[int(n) for n in table.cells["count"]], status=["shown"] * len(table.cells)
    )
    assert "threshold" in refused_for(judged(project, body))


def test_a_column_of_uc_data_needs_employers(project: Project, first_quarter: pd.DataFrame, tmp_path: Path) -> None:
    table = tabulate(first_quarter, ["EmployerNAICS"], name="t", sources={"EmployerNAICS": UC["EmployerNAICS"]})
    body = written(project, tmp_path, protect(table, project.policy))
    assert refused_for(judged(project, body)) == {"uc-column"}
    hidden = judged(project, body, lambda b: b["tables"][0].update(sources={}))
    assert (hidden.verdict, {"uc-derived", "derived-column"} <= {f.rule for f in hidden.look_at}) == (
        "needs-review", True,
    )  # fmt: skip


def test_employers_never_leave(project: Project, first_quarter: pd.DataFrame, tmp_path: Path) -> None:
    table = tabulate(first_quarter, ["EmployerID"], name="t", sources={"EmployerID": UC["EmployerID"]})
    body = written(project, tmp_path, protect(table, project.policy))
    assert "unknown-source" in refused_for(judged(project, body))


def test_a_model_of_wages_is_refused(project: Project, first_quarter: pd.DataFrame, tmp_path: Path) -> None:
    fitted = model(
        first_quarter, "QuarterlyWages ~ Gender", policy=project.policy,
        sources={"QuarterlyWages": UC["QuarterlyWages"], "Gender": "sde.Gender"},
    )  # fmt: skip
    assert "uc-column" in refused_for(judged(project, written(project, tmp_path, models=[fitted])))


def _figure(value: float) -> Change:
    return lambda b: b["tables"][0]["figures"][RATE].__setitem__(0, value)


def _flip(body: Body) -> None:
    column = body["tables"][0]["values"]["ManufacturingStudent"]
    column[:] = ["N" if value == "Y" else "Y" for value in column]


def _other_category(body: Body) -> None:
    table = body["tables"][0]
    table["measures"][1]["value"] = "Z"
    table["figures"] = {"rate ManufacturingStudent=Z": table["figures"][RATE]}
    body["charts"][0]["measure"] = "rate ManufacturingStudent=Z"


def _posing_outcome(body: Body) -> None:
    body["models"][0]["basis"]["ManufacturingStudent"] = [
        "Y" if value == "N" else "N" for value in body["models"][0]["basis"]["ManufacturingStudent"]
    ]


def _same_person(body: Body) -> None:
    body["models"][0]["basis"]["P20ID"][0] = body["models"][0]["basis"]["P20ID"][1]


def _stranger(body: Body) -> None:
    body["models"][0]["basis"]["P20ID"][0] = "P20-9999999999999999"


def _alone(body: Body) -> None:
    basis = body["models"][0]["basis"]
    basis["ManufacturingStudent"] = ["alone", *basis["ManufacturingStudent"][1:]]
    body["models"][0]["sources"] = {}


def _few(body: Body) -> None:
    basis = body["models"][0]["basis"]
    basis.update({name: column[:15] for name, column in basis.items()})


def _all_but_three(body: Body) -> None:
    basis = body["models"][0]["basis"]
    basis.update({name: column[3:] for name, column in basis.items()})


FIGURE_CHEATS: dict[str, tuple[Change, set[str]]] = {
    "a rate that says something else": (_figure(12.3), {"figure"}),
    "a rate with a message in its places": (_figure(19.6001), {"figure"}),
    "categories turned round": (_flip, {"source-mismatch"}),
    "a rate of a category nobody has": (_other_category, {"formula"}),
    "a chart of another measure": (lambda b: b["charts"][0].update(measure="mean Wage"), {"chart"}),
    "a chart by a column that is not there": (lambda b: b["charts"][0].update(x="P20ID"), {"chart"}),
    "a chart of a cell that is not there": (lambda b: b["charts"][0].update(at={"Gender": "X"}), {"chart"}),
    "a chart titled with an id": (
        lambda b: b["charts"][0].update(title=b["tables"][0]["basis"]["P20ID"][0]), {"person-id"}),
    "a model of other values": (_posing_outcome, {"source-mismatch"}),
    "a model with a person twice": (_same_person, {"duplicate-persons", "model"}),
    "a model with somebody invented": (_stranger, {"unknown-persons"}),
    "a model in which one stands alone": (_alone, {"category"}),
    "a model of fifteen": (_few, {"base"}),
    "a model of all but three": (_all_but_three, {"difference"}),
    "a formula that computes": (lambda b: b["models"][0].update(formula="Woman ~ np.log(ManufacturingStudent)"),
                                {"model"}),
    "a formula with the person's id": (lambda b: b["models"][0].update(formula="Woman ~ P20ID"), {"model"}),
}  # fmt: skip


@pytest.mark.parametrize("cheat", FIGURE_CHEATS)
def test_figures_charts_and_models_that_do_not_hold(project: Project, figures: Body, cheat: str) -> None:
    change, rules = FIGURE_CHEATS[cheat]
    assert rules <= refused_for(judged(project, figures, change))


LOOKS: dict[str, tuple[Change, str]] = {
    "a text": (lambda b: b.update(texts=[{"name": "t", "title": "", "markdown": "x"}]), "text"),
    "a chart title with a number": (lambda b: b["charts"][0].update(title="All 7 of them"), "wording"),
    "a model title with a number": (lambda b: b["models"][0].update(title="three of them"), "wording"),
    "a long word": (lambda b: b["tables"][0].update(title="x" * 31), "wording"),
}


@pytest.mark.parametrize("cheat", LOOKS)
def test_what_only_a_person_can_judge(project: Project, figures: Body, cheat: str) -> None:
    change, rule = LOOKS[cheat]
    verdict = judged(project, figures, change)
    assert (verdict.verdict, rule in {f.rule for f in verdict.look_at}) == ("needs-review", True)


def test_a_text_says_how_many_of_its_numbers_are_displayed(project: Project, figures: Body) -> None:
    total = figures["tables"][0]["cells"]["count"][-1]
    text = {"name": "t", "title": "", "markdown": f"Of {total} students 7 work, in 2021."}
    (found,) = [f for f in judged(project, figures, lambda b: b.update(texts=[text])).look_at if f.rule == "text"]
    assert "1 numbers in it are no displayed figure" in found.what


def test_code_that_names_a_person_is_refused(project: Project, figures: Body) -> None:
    person = figures["tables"][0]["basis"]["P20ID"][0]
    assert refused_for(judged(project, figures, lambda b: b.update(notebook=[f"x = '{person}'"]))) == {"person-id"}


def test_labels_made_of_values_go_to_a_person_though_the_code_is_run_again(project: Project, tmp_path: Path) -> None:
    people = project.frame("sde")
    people["Group"] = np.where(people["Gender"] == "F", "women 4711", "others")
    body = written(project, tmp_path, protect(tabulate(people, ["Group"], name="t"), project.policy))
    rules = {f.rule for f in judged(project, body, lambda b: b.update(notebook=["g = 'others'"])).look_at}
    assert "made-labels" in rules and "derived-column" not in rules
    spelled = judged(project, body, lambda b: b.update(notebook=["g = ['others', 'women 4711']"])).look_at
    assert "made-labels" in {f.rule for f in spelled}


def test_a_rate_and_its_hidden_count_are_one_figure(project: Project, tmp_path: Path) -> None:
    """A group of 40 with 3 in the numerator: the rate would tell them."""
    people = project.frame("sde").head(400).assign(Done="N")
    people.loc[people.index[:3], "Done"] = "Y"
    people["Group"] = np.where(np.arange(400) < 40, "a", "b")
    people.loc[people.index[100:200], "Done"] = "Y"
    table = tabulate(people, ["Group"], [Count(), Rate("Done", "Y")], name="t")
    body = written(project, tmp_path, protect(table, project.policy))
    assert body["tables"][0]["figures"]["rate Done=Y"][0] is None
    body["tables"][0]["figures"]["rate Done=Y"][0] = 7.5
    assert "formula" in refused_for(judged(project, body))


def test_two_requests_whose_means_differ_by_three_people(project: Project, tmp_path: Path) -> None:
    people = project.frame("sde").assign(Score=np.arange(900.0))
    full = protect(tabulate(people, ["Gender"], [Mean("Score")], name="full"), project.policy)
    fewer = protect(tabulate(people.iloc[3:], ["Gender"], [Mean("Score")], name="fewer"), project.policy)
    assert "difference" in {f.rule for f in preflight(fewer, project=project, earlier=[full]).findings}
