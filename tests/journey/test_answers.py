"""A researcher who may not see wage records learns what became of a cohort, and publishes it.

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

import io

import pandas as pd

from demo import hub_client
from tests.attack.questions import remembered
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.world import PROJECT, Installation

CELLS = (
    """
import p20kit
from p20kit import Mean, Total, tabulate

project = p20kit.open_project()
quarter = project.beside("sde", "dol", WageQuarter=2, WageYear=2021)
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
        server = hub_client.start_server(session, url, person, DR)
        # the hub's service begins beside the server, and may be the later of the two
        hub_client.until((made.enclave.settings.runtime / "sessions" / f"{DR}-{person}" / "ask" / "ask.sock").exists)
        return hub_client.run_cells(session, server, cells)


def test_a_researcher_who_sees_no_wage_record_publishes_wages_of_a_cohort(at: At) -> None:
    """From a kernel in a sandbox, through the service the hub runs, to what the gate wrote."""
    made = at("delivered")
    first, drawn, read, asked = inside(made, "wren", *CELLS)
    assert not first.error, first
    assert "mean QuarterlyWages 2021 2" in drawn.text and "answered by the hub" in drawn.text
    told = pd.read_json(io.StringIO(read.text)).set_index("IsExitTypeGraduated")
    assert told["count"].sum() == 2 * told.loc["Total", "count"] and told.notna().all().all()
    verdict, request = asked.text.split()
    assert verdict == "cleared"
    assert made.run("egress", "collect", PROJECT, "wren", "--json").body["requests"] == [request]
    made.run("egress", "clear", request, "--project", PROJECT, who="olga")
    written = pd.read_csv(made.home / "cleared" / request / f"{request}_1.csv").set_index("IsExitTypeGraduated")
    for figure in ("count", "mean QuarterlyWages 2021 2", "total QuarterlyWages 2021 2", "rate Recorded 2021 2=Y"):
        assert written[figure].to_dict() == told[figure].to_dict()
    (answer,) = made.run("egress", "answers", PROJECT, "--json").body
    assert [known.request_id for known in remembered(made)] == [answer["answer"], request]
