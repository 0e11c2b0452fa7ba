"""The pages of those who answer for an agency or for all: what waits for them, and whom they let in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from enclave import incidents, people
from enclave.incidents import CaseKind
from enclave.people import Listing, reasons_against
from enclave.terms import Action
from tests.web.browser import Browser
from tests.web.world import PROJECT, World


def test_a_steward_sees_where_the_agencys_data_are_and_who_uses_them(pages: str):
    model = Browser(pages, "sam").see("agency", format="json").json()
    (use,) = model["uses"]
    assert model["agencies"] == ["SDE"]
    assert (use["project"], use["people"], use["released"]) == (PROJECT, ["wren"], 0)
    assert use["received"] > 1000 and "Gender" in use["elements"] and "QuarterlyWages" not in use["elements"]
    assert [d["what"] for d in model["due"]] == ["match data", "project data"]
    assert model["waiting"] == []
    assert Browser(pages, "wes").see("agency", format="json").json()["uses"][0]["received"] == 0


def test_what_waits_for_an_agency_waits_for_it_alone(own_pages: str, world: World):
    Browser(own_pages, "olga").send(f"/requests/{world.good}/clear")
    for person, waiting in (("sam", [("confirm a release", world.good, 10)]), ("hal", [])):
        model = Browser(own_pages, person).see("agency", format="json").json()
        assert [(thing["what"], thing["of"], thing["left"]) for thing in model["waiting"]] == waiting


@pytest.mark.parametrize(
    ("person", "page"), [("wren", "agency"), ("olga", "agency"), ("sam", "overview"), ("nora", "overview")]
)
def test_pages_over_all_projects_are_for_those_who_answer_for_them(pages: str, person: str, page: str):
    answer = Browser(pages, person).see(page, format="json")
    assert answer.status_code == 403 and [f["rule"] for f in answer.json()["findings"]] == ["role"]
    assert f'href="/services/enclave/{page}"' not in Browser(pages, person).see().text


@pytest.mark.parametrize("person", ["olga", "audrey"])
def test_the_overview_has_every_project_and_every_clock(pages: str, person: str):
    model = Browser(pages, person).see("overview", format="json").json()
    (row,) = model["rows"]
    assert (row["project"], row["state"], row["tone"], row["researchers"]) == (PROJECT, "in force", "good", 2)
    member = "membership of the Enterprise MOU"
    assert [(clock["what"], clock["about"]) for clock in model["clocks"]] == [
        ("match data", PROJECT), ("project data", PROJECT), (member, "DOL"), (member, "SDE")
    ]  # fmt: skip
    assert row["next"]["what"] == "match data"
    assert 'href="/services/enclave/overview"' in Browser(pages, person).see().text


def test_the_overview_has_the_clocks_of_what_is_before_the_programme(own_pages: str, world: World):
    now = datetime.now(UTC)
    with world.enclave.store.transaction() as tx:
        incidents.complain(tx, "SDE", "Printed files lay open.", now, now, "olga")
        incidents.open_case(tx, CaseKind.FOIA, "", "Minutes are asked for.", now, now, "olga")
    model = Browser(own_pages, "olga").see("overview", format="json").json()
    assert {clock["about"] for clock in model["clocks"]} == {PROJECT, "DOL", "SDE", "complaint-001", "foia-001"}
    assert "foia-001" in Browser(own_pages, "olga").see("overview").text


def test_an_agencys_steward_approves_and_withdraws_and_access_follows(own_pages: str, world: World):
    sam, enclave = Browser(own_pages, "sam"), world.enclave

    def against(person: str) -> list[str]:
        with enclave.store.view() as view:
            return [finding.rule for finding in reasons_against(view, person, Action.ANALYSE, PROJECT)]

    assert against("wren") == []
    assert sam.send("/people/wren/withdraw").status_code == 303
    assert against("wren") == ["approval"]
    (waits,) = sam.see("agency", format="json").json()["waiting"]
    assert (waits["what"], waits["of"]) == ("approve a person", "Wren Invented")
    assert "not yet" in sam.of("/people").text and 'aria-label="Approve Wren Invented"' in sam.of("/people").text
    assert people.approval_text(PROJECT, "wren", "SDE") in sam.of("/people").text
    assert sam.send("/people/wren/approve", text="Approved for Exhibit A <alone>.").status_code == 303
    assert against("wren") == []
    assert "sam: Approved for Exhibit A &lt;alone&gt;." in sam.of("/people").text
    lacking = {row["id"]: row["lacks"] for row in sam.of("/people", format="json").json()["rows"]}
    assert lacking["wren"] == lacking["sam"] == [] and "Exhibit B is not signed" in lacking["rita"]
    with enclave.store.view() as view:
        (entry,) = view.entries(project=PROJECT, action="people.withdraw")
    assert (entry["actor"], entry["object"], entry["details"]) == ("sam", "wren", {"agency": "SDE"})


@pytest.mark.parametrize("person", ["olga", "audrey", "wren", "wes", "nora"])
def test_nobody_else_approves_for_an_agency(own_pages: str, world: World, person: str):
    with world.enclave.store.transaction() as tx:
        people.withdraw(tx, PROJECT, "wren", "SDE", "sam")
    assert Browser(own_pages, person).send("/people/wren/approve").status_code == 403
    with world.enclave.store.view() as view:
        listing = view.get(Listing, f"{PROJECT}/wren")
    assert listing is not None and "SDE" not in (listing.approvals or {})
