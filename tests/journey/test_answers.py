"""A researcher who may not see wage records learns what became of a cohort, and publishes it.

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

from typing import Any

import pytest

from demo import hub_client
from enclave import egress
from enclave.terms import Action
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.journey.stages import PEOPLE
from tests.world import PROJECT, Installation

CELLS = (
    """
import p20kit
from p20kit import Mean, Total, tabulate

project = p20kit.open_project()
quarter = project.beside("sde", "dol", WageYear=2021, WageQuarter=2)
wages = "QuarterlyWages 2021 2"
outcome = tabulate(
    quarter, ["IsExitTypeGraduated"], [Mean(wages, 0), Total(wages, 0)],
    name="graduates", title="Wages of graduates and others", employer="EmployerID",
    sources={"IsExitTypeGraduated": "sde.IsExitTypeGraduated", wages: "dol.QuarterlyWages",
             "EmployerID": "dol.EmployerID"},
)
""",
    "print(outcome._repr_html_())",
    "print(outcome.to_frame().to_json())",
    """
said = dict(report="cumulative", questions=["RQ6"], audience="public", population="all students delivered")
print(p20kit.preflight(outcome, **said).verdict)
print(p20kit.request_release(outcome, title="Wages of graduates", **said).parent.name)
""",
)
DR = PROJECT.lower()


def inside(made: Installation, person: str, *cells: str) -> list[hub_client.CellOutput]:
    """Run cells in a person's server, as the hub starts it."""
    with hub_over(made, person) as url:
        session = hub_client.login(url, person)
        return hub_client.run_cells(session, hub_client.start_server(session, url, person, DR), cells)


def test_a_researcher_who_sees_no_wage_record_publishes_wages_of_a_cohort(at: At) -> None:
    made = at("delivered")
    first, drawn, frame, asked = inside(made, "wren", *CELLS)
    assert not first.error, first
    assert "mean QuarterlyWages 2021 2" in drawn.text and "answered by the hub" in drawn.text
    print(frame.text, asked)
    verdict, request = asked.text.split()
    assert verdict == "cleared"
    collected = made.run("egress", "collect", PROJECT, "wren", "--json").body
    assert collected["requests"] == [request]
    checked = made.run("egress", "check", request, "--project", PROJECT, "--json", code=None)
    print(checked.text)
    assert checked.body["verdict"] == "cleared", checked.text
    made.run("egress", "clear", request, "--project", PROJECT, who="olga")
    assert 0
