"""Rates, means, totals, medians, charts, models and texts: asked for in one request and recomputed from its basis."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from p20kit import (
    CellPolicy,
    Mean,
    Median,
    Quantile,
    Rate,
    Total,
    chart,
    model,
    open_project,
    preflight,
    protect,
    request_release,
    tabulate,
)
from p20kit.errors import RequestInvalid
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.verdict import Verdict, rebuilt
from tests.disclosure.projects import a_project
from tests.spelled import spelled, written

Change = Callable[[Any], object]
TEXT: dict[str, Any] = {
    "title": "Who takes part", "report": "R1", "questions": ["RQ1"], "audience": "public", "population": "students",
}  # fmt: skip
RATE, PART = "rate ManufacturingStudent=Y", {"ManufacturingStudent": "sde.ManufacturingStudent"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def asked(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A request with every measure, a chart and a model; scores are derived."""
    people = project.frame("sde")
    generator = np.random.default_rng(5)
    people["Score"] = generator.gamma(4.0, 25.0, len(people)).round(2)
    people["Woman"] = (people["Gender"] == "F").astype("float64")
    figures = [
        Rate("ManufacturingStudent", "Y"),
        Mean("Score"),
        Total("Score", 0),
        Median("Score"),
        Quantile("Score", 0.9),
    ]
    table = tabulate(
        people, ["Gender"], figures, name="figures", title="By gender", sources={"Gender": "sde.Gender", **PART}
    )
    protected = protect(table, project.policy)
    drawn = chart(protected, "bar", x="Gender", measure=RATE)
    fitted = model(people, "Woman ~ ManufacturingStudent", policy=project.policy, kind="logit", sources=PART)
    return request_release(
        protected, charts=[drawn], models=[fitted], texts={"A word": "Half of them."}, project=project,
        outbox=tmp_path_factory.mktemp("outbox"), **TEXT,
    )  # fmt: skip


def judged(project: Project, path: Path, *changes: Change) -> Verdict:
    body = spelled(path.read_text())
    for change in changes:
        change(body)
    return preflight(read_request(written(body)), project=project)


def test_every_kind_of_output_is_recomputed_and_only_a_person_is_missing(project: Project, asked: Path) -> None:
    verdict = judged(project, asked)
    assert verdict.findings == ()
    assert {f.rule for f in verdict.look_at} == {"derived-column", "text"}
    assert verdict.released is not None
    honest = verdict.released.protected.to_frame()
    assert honest.notna().all().all() and len(honest.columns) == 8
    assert [len(verdict.charts), len(verdict.released.models)] == [1, 1]


def _figure(label: str, change: Callable[[float], float | None]) -> Change:
    def edit(body: Any) -> None:
        column = body["tables"][0]["figures"][label]
        column[0] = change(column[0])

    return edit


@pytest.mark.parametrize("label", [RATE, "mean Score", "total Score", "median Score", "quantile 0.9 Score"])
def test_a_figure_that_the_basis_does_not_give_is_found(project: Project, asked: Path, label: str) -> None:
    found = judged(project, asked, _figure(label, lambda figure: figure + 0.1)).findings
    assert [(f.rule, f.where) for f in found] == [("figure", "figures[Gender=F]")]
    assert judged(project, asked, _figure(label, lambda _: None)).findings == ()


def _small(body: Any) -> None:
    """Leave 12 women and 12 men: their figures stand on too few, and are shown all the same."""
    table = body["tables"][0]
    women = [i for i, gender in enumerate(table["basis"]["Gender"]) if gender == "F"][:12]
    men = [i for i, gender in enumerate(table["basis"]["Gender"]) if gender == "M"][:12]
    for part in (table["basis"], table["values"]):
        part.update({name: [column[i] for i in sorted(women + men)] for name, column in part.items()})
    counted = pd.Series(table["basis"]["Gender"]).value_counts()
    table["cells"]["count"] = [int(counted["F"]), int(counted["M"]), 24]
    body.update(models=[], texts=[])


def test_a_formula_on_fewer_than_twenty_is_found(project: Project, asked: Path) -> None:
    found = judged(project, asked, _small).findings
    assert {f.where for f in found if f.rule == "formula"} >= {"figures[Gender=F]", "figures[Gender=M]"}
    assert all(f.clause == "DSA III.G.2.b" for f in found if f.rule == "formula")


def test_a_mean_without_its_count_is_found(project: Project, asked: Path) -> None:
    def hide(body: Any) -> None:
        cells = body["tables"][0]["cells"]
        cells["count"][0], cells["status"][0] = None, "complementary"

    found = judged(project, asked, hide).findings
    assert {"formula"} <= {f.rule for f in found}
    assert any("its count is hidden" in f.what for f in found)


def test_a_rate_of_another_basis_is_no_source_column(project: Project, asked: Path) -> None:
    def swap(body: Any) -> None:
        column = body["tables"][0]["values"]["ManufacturingStudent"]
        column[:] = ["N" if value == "Y" else "Y" for value in column]

    assert "source-mismatch" in {f.rule for f in judged(project, asked, swap).findings}


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b["tables"][0]["figures"].pop("mean Score"),
        lambda b: b["tables"][0]["figures"].update({"max Score": [1.0, 2.0, 3.0]}),
        lambda b: b["tables"][0]["measures"].append({"kind": "quantile", "of": "Score", "q": 1.0}),
        lambda b: b["tables"][0]["measures"].append({"kind": "maximum", "of": "Score"}),
        lambda b: b["tables"][0]["measures"].append({"kind": "median", "of": "Score"}),
        lambda b: b["tables"][0]["measures"].pop(0),
        lambda b: b["tables"][0]["measures"][1].update(decimals=9),
        lambda b: b["tables"][0]["values"].pop("Score"),
        lambda b: b["tables"][0]["values"]["Score"].__setitem__(0, "12"),
        lambda b: b["tables"][0]["values"]["Score"].__setitem__(0, 10**400),
        lambda b: b["tables"][0]["values"]["ManufacturingStudent"].__setitem__(0, 1.5),
        lambda b: b["tables"][0].update(employer="E"),
        lambda b: b["tables"][0].update(contributions={"P20ID": ["x"]}),
        lambda b: b["charts"][0].update(table="another"),
        lambda b: b["charts"][0].update(specification={"mark": "bar"}),
        lambda b: b["models"][0]["basis"].pop("P20ID"),
        lambda b: b["models"][0]["basis"]["Woman"].__setitem__(0, None),
        lambda b: b["models"][0].update(coefficients=[1.0]),
        lambda b: b.update(tables=[], charts=[], models=[], texts=[]),
        lambda b: b["texts"].append({"name": "figures", "title": "", "markdown": "x"}),
    ],
)
def test_a_request_of_another_form_is_refused(project: Project, asked: Path, change: Change) -> None:
    with pytest.raises(RequestInvalid):
        judged(project, asked, change)


def test_a_chart_of_what_the_table_does_not_display_is_refused(project: Project, asked: Path) -> None:
    verdict = judged(project, asked, lambda b: b["charts"][0].update(measure="rate Gender=F"))
    assert (verdict.verdict, {f.rule for f in verdict.findings}) == ("refused", {"chart"})


def test_a_model_that_tells_of_a_few_is_refused(project: Project, asked: Path) -> None:
    def few(body: Any) -> None:
        basis = body["models"][0]["basis"]
        basis.update({name: column[:15] for name, column in basis.items()})

    assert "base" in {f.rule for f in judged(project, asked, few).findings}


def test_a_model_of_nearly_the_same_persons_as_a_table_is_refused(project: Project, asked: Path) -> None:
    def fewer(body: Any) -> None:
        basis = body["models"][0]["basis"]
        basis.update({name: column[3:] for name, column in basis.items()})

    assert "difference" in {f.rule for f in judged(project, asked, fewer).findings}


def test_the_order_of_codes_that_a_request_gives_says_nothing(project: Project) -> None:
    people = project.frame("sde")
    bodies = []
    for order in (["U", "F", "M"], ["M", "U", "F"]):
        table = tabulate(people, ["Gender"], codes={"Gender": order}, sources={"Gender": "sde.Gender"})
        verdict = preflight(protect(table, CellPolicy()), project=project)
        assert verdict.released is not None
        bodies.append(verdict.released.protected.tables[0].dimensions[0].codes)
    assert bodies[0] == bodies[1] == ("F", "M", "U", "Total")


def test_amounts_by_employer_are_rebuilt_with_their_employers(project: Project, tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    people = project.frame("sde", ["P20ID", "Gender"]).sample(300, random_state=1)
    rows = people.loc[people.index.repeat(2)].assign(
        Employer=generator.choice([f"E{n}" for n in range(9)], 600), Wage=generator.gamma(3.0, 2000.0, 600).round(2)
    )
    rows = rows.drop_duplicates(["P20ID", "Employer"])
    table = tabulate(rows, ["Gender"], [Total("Wage")], employer="Employer", name="wages")
    path = request_release(protect(table, project.policy), project=project, outbox=tmp_path, **TEXT)
    again = rebuilt(read_request(path.read_bytes()), project.policy).protected.tables[0]
    for label in ("count", "total Wage"):
        for field in ("value", "base", "employers", "largest", "second"):
            theirs = getattr(table.figures[label], field)
            assert theirs is None or np.array_equal(theirs, getattr(again.figures[label], field)), (label, field)
