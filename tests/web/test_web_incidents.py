"""Incidents by the hour for the Operating Group, and the switch by which an agency takes its data out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from demo.hub_client import LONGEST
from enclave import incidents, people
from enclave.agreement import compile_agreement
from enclave.incidents import Act, CaseKind
from enclave.people import Hold, Listing, Person, reasons_against
from enclave.terms import Action, Role
from tests.parties import ask
from tests.web.browser import Browser
from tests.web.world import PROJECT, World

TEXT = "A page with tables lay open."
OTHER = "DR-0101"
BACK, FIRST = "2022-06-01", "2022-04-13"


def post(browser: Browser, path: str, **fields: str) -> int:
    data = {"csrf": browser.csrf(), "reason": "Our own audit is under way.", **fields}
    return browser.http.post(browser.base + path, data=data, timeout=LONGEST, allow_redirects=False).status_code


# --- incidents ----------------------------------------------------------------------------------------------------


@pytest.fixture
def reported(own_pages: str, world: World) -> str:
    """Give pages after a user reported a problem, and a subpoena came in yesterday."""
    assert Browser(own_pages, "wren").send("/tell", kind="problem", text=TEXT).status_code == 303
    now = datetime.now(UTC)
    with world.enclave.store.transaction() as tx:
        incidents.open_case(tx, CaseKind.SUBPOENA, "", "A <b>court</b> asks.", now - timedelta(days=1), now, "olga")
    return own_pages


def test_the_operating_group_sees_the_hours_and_enters_what_was_done(reported: str, world: World):
    olga = Browser(reported, "olga")
    subpoena, problem = olga.see("incidents", format="json").json()["cases"]
    assert (subpoena["key"], subpoena["late"], subpoena["hours_left"]) == ("subpoena-001", True, -24)
    assert (problem["key"], problem["late"], problem["hours_left"] in {22, 23}) == ("problem-001", False, True)
    assert TEXT in olga.see("incidents").text and "&lt;b&gt;court" in olga.see("incidents").text
    assert post(olga, "incidents/problem-001/step", text="SSN 123-45-6789 was on it") == 422
    assert post(olga, "incidents/problem-001/step", text="The session was ended.") == 303
    assert post(olga, "incidents/problem-001/step", text="No data were seen.", close="yes") == 303
    with world.enclave.store.view() as view:
        known = {case.key: case for case in incidents.cases(view)}["problem-001"]
    assert ([step.text for step in known.steps], known.closed) == (
        ["The session was ended.", "No data were seen."], True,
    )  # fmt: skip
    assert post(olga, "incidents/problem-001/step", text="More.") == 403
    assert [case["key"] for case in olga.see("incidents", format="json").json()["cases"]][-1] == "problem-001"


def test_an_auditor_reads_and_does_nothing(reported: str):
    audrey = Browser(reported, "audrey")
    page = audrey.see("incidents").text
    assert TEXT in page and "Enter for problem-001" not in page
    assert post(audrey, "incidents/problem-001/step", text="The session was ended.") == 403


@pytest.mark.parametrize("person", ["wren", "sam", "hubert", "nora"])
def test_nobody_else_reads_them(reported: str, person: str):
    browser = Browser(reported, person)
    assert browser.see("incidents").status_code == 403
    assert post(browser, "incidents/problem-001/step", text="The session was ended.") == 403
    assert "enclave/incidents" not in browser.see().text


def test_nobody_reads_of_another_project_or_acts_where_they_only_audit(reported: str, world: World):
    with world.enclave.store.transaction() as tx:
        ask(tx, compile_agreement(world.enclave.settings.policies, OTHER))
        for name in ("otto", "audrey"):
            person = Person(
                name, f"{name.title()} Invented", "Staff", "WestEd", f"{name}@example.org", "555-0100", True
            )
            people.enlist(tx, person, Listing(name, OTHER, Role.OPM, "office"), "olga")
    for name, read in (("otto", ["subpoena-001"]), ("audrey", ["subpoena-001", "problem-001"])):
        browser = Browser(reported, name)
        model = browser.see("incidents", format="json").json()
        assert [case["key"] for case in model["cases"]] == read and model["acts_on"] == ["subpoena-001"]
        assert post(browser, "incidents/problem-001/step", text="The session was ended.") == 403
    assert post(Browser(reported, "otto"), "incidents/subpoena-001/step", text="Told the agencies.") == 303


def test_an_agency_reads_what_it_was_told_and_no_more(reported: str, world: World):
    assert TEXT in Browser(reported, "sam").see("agency").text
    assert TEXT not in Browser(reported, "wes").see("agency").text
    assert "court" not in Browser(reported, "sam").see("agency").text


# --- the switch ---------------------------------------------------------------------------------------------------


def may_work(world: World, person: str = "wren") -> bool:
    with world.enclave.store.view() as view:
        return not reasons_against(view, person, Action.ANALYSE, PROJECT)


def seen(browser: Browser, agency: str = "SDE") -> str:
    return str(browser.see(f"agency/{agency}/suspension", format="json").json()["seen"])


def test_what_stands_still_is_shown_before_the_switch_is_pulled(own_pages: str, world: World):
    Browser(own_pages, "olga").send(f"/requests/{world.good}/clear")
    sam = Browser(own_pages, "sam")
    assert 'href="/services/enclave/agency/SDE/suspension"' in sam.see("agency").text
    model = sam.see("agency/SDE/suspension", format="json").json()
    (stopped,) = model["stopped"]
    assert (stopped["project"], stopped["others"], stopped["people"]) == (PROJECT, ["DOL"], ["wren"])
    assert (stopped["reviews"], model["earliest"]) == ([world.good], FIRST)
    page = sam.see("agency/SDE/suspension").text
    assert "1 person may not work any more" in page and "The data of DOL stand still with yours" in page


def test_the_switch_stops_and_starts_again(own_pages: str, world: World):
    sam = Browser(own_pages, "sam")
    assert post(sam, "agency/SDE/suspend", since="2022-04-12", seen=seen(sam)) == 403
    assert post(sam, "agency/SDE/suspend", since="", seen=seen(sam)) == 422
    assert post(sam, "agency/SDE/suspend", since=FIRST, seen=seen(sam), reason=" ") == 422
    assert post(sam, "agency/SDE/suspend", since=FIRST, until=BACK, seen=seen(sam)) == 303
    assert may_work(world)
    world.on(date.fromisoformat(FIRST))
    assert not may_work(world)
    page = sam.see("agency/SDE/suspension").text
    assert "Lift the suspension of SDE" in page and "Give notice" not in page
    assert post(sam, "agency/SDE/reinstate") == 303
    assert may_work(world)


def test_the_page_extends_a_suspension_and_forgets_it_when_it_is_over(own_pages: str, world: World):
    sam = Browser(own_pages, "sam")
    assert post(sam, "agency/SDE/suspend", since=FIRST, until="2022-04-20", seen=seen(sam)) == 303
    world.on(date(2022, 4, 19))
    page = sam.see("agency/SDE/suspension").text
    assert 'name="since" value="2022-04-21"' in page and "Extend the suspension of SDE" in page
    assert post(sam, "agency/SDE/suspend", since="2022-04-21", until="2022-04-29", seen=seen(sam)) == 303
    for day in (date(2022, 4, 19), date(2022, 4, 20), date(2022, 4, 21), date(2022, 4, 29)):
        world.on(day)
        assert not may_work(world), day
    world.on(date(2022, 4, 30))
    assert may_work(world)
    page = sam.see("agency/SDE/suspension").text
    assert "Give notice" in page and "Lift the suspension" not in page and "What is announced" not in page
    assert post(sam, "agency/SDE/suspend", since="2022-05-02", seen=seen(sam)) == 303
    page = sam.see("agency/SDE/suspension").text
    assert "Lift the suspension" in page and "Extend" not in page and "Give notice" not in page


def test_what_is_no_longer_as_it_was_shown_does_not_pull_it(own_pages: str, world: World):
    sam = Browser(own_pages, "sam")
    before = seen(sam)
    with world.enclave.store.transaction() as tx:
        people.withdraw(tx, PROJECT, "wren", "SDE", "sam")
    assert post(sam, "agency/SDE/suspend", since=FIRST, seen=before) == 422
    with world.enclave.store.view() as view:
        assert view.find(Hold) == []
    assert seen(sam) != before and post(sam, "agency/SDE/suspend", since=FIRST, seen=seen(sam)) == 303


@pytest.mark.parametrize(
    ("person", "agency"),
    [
        ("sam", "DOL"), ("dora", "SDE"), ("wes", "WESTED"), ("hal", "DOL-HUB"), ("olga", "SDE"), ("wren", "SDE"),
        ("audrey", "SDE"), ("nora", "SDE"), ("sam", "NOWHERE"),
    ],
)  # fmt: skip
def test_the_switch_is_the_agencys_own(own_pages: str, world: World, person: str, agency: str):
    browser, digest = Browser(own_pages, person), seen(Browser(own_pages, "sam"))
    assert browser.see(f"agency/{agency}/suspension").status_code == 403
    assert post(browser, f"agency/{agency}/suspend", since=FIRST, seen=digest) == 403
    assert post(browser, f"agency/{agency}/reinstate") == 403
    with world.enclave.store.view() as view:
        assert view.find(Hold) == []


def test_a_suspension_for_cause_is_not_the_agencys_to_lift(own_pages: str, world: World):
    with world.enclave.store.transaction() as tx:
        at = datetime.now(UTC)
        case = incidents.complain(tx, "SDE", "Printed files lay open in a corridor.", at, at, "olga")
        incidents.act(tx, case.key, Act.SUSPENDED, "Files may be read until the room is locked.", at, "olga")
    sam = Browser(own_pages, "sam")
    assert "A suspension for cause ends with its case" in sam.see("agency/SDE/suspension").text
    assert post(sam, "agency/SDE/reinstate") == 403 and not may_work(world)
