"""Role x page: what is not yours is refused with its reasons, and nothing of it is on the page."""

from __future__ import annotations

import json
import re

import pytest
import requests

from demo.hub_client import LONGEST
from enclave.terms import Role
from enclave.web import FORMS, PAGES
from enclave.web.access import MAY_LOOK, Place
from tests.web.browser import Browser
from tests.web.world import PROJECT, STAFF, World

# y = may look, written down by hand against the table in the code.
MATRIX = """
                project decisions people papers intake matching requests destruction ledger
researcher      y       -         -      -      -      -        y        -           -
agency-analyst  y       -         -      -      -      -        y        -           -
hub-staff       y       -         -      -      y      y        -        y           -
steward         y       y         y      -      -      y        y        y           y
opm             y       y         y      y      y      y        y        y           y
auditor         y       y         y      y      -      -        y        y           y
"""
_, HEADER, *LINES = MATRIX.splitlines()
LOOKS = {
    (line.split()[0], place): sign == "y"
    for line in LINES
    for place, sign in zip(HEADER.split(), line.split()[1:], strict=True)
}
PERSON = {"researcher": "wren", "hub-staff": "hubert", "steward": "sam", "opm": "olga", "auditor": "audrey"}
TAILS = {"project": "", **{p: f"/{p}" for p in HEADER.split() if p != "project"}}


def test_the_table_in_the_code_is_the_one_written_here():
    shown = {(str(r), str(p)): r in MAY_LOOK[p] for r in Role for p in Place if p is not Place.REQUEST}
    assert {place for place, looks in shown.items() if looks and place[0] == Role.CLOCK} == set()
    assert {place: looks for place, looks in shown.items() if place[0] != Role.CLOCK} == LOOKS


@pytest.mark.parametrize("role", PERSON)
def test_each_role_sees_its_pages_and_no_other(pages: str, role: str):
    browser = Browser(pages, PERSON[role])
    for place, tail in TAILS.items():
        answer = browser.of(tail)
        assert answer.status_code == (200 if LOOKS[role, place] else 403), (role, place)
        if answer.status_code == 403:
            assert f"not for the role {role}" in answer.text and "DSA III.F.2" in answer.text


@pytest.mark.parametrize("tail", TAILS.values())
def test_a_person_who_is_not_on_the_list_sees_nothing(pages: str, tail: str):
    answer = Browser(pages, "nora").of(tail, format="json")
    assert answer.status_code == 403
    assert [finding["rule"] for finding in answer.json()["findings"]] == ["not-listed"]


def test_every_address_asks_for_a_sign_in_first(pages: str):
    parts = {
        "project": PROJECT,
        "request": "out-aaaaaaaaaaaa",
        "run": "match-01",
        "name": "x",
        "person": "wren",
        "kind": "initial",
        "agency": "SDE",
        "case": "problem-001",
        "agreement": PROJECT,
    }
    for path in PAGES:
        address = pages.rstrip("/") + path.format(**parts)
        answer = requests.get(address, allow_redirects=False, timeout=LONGEST)
        assert answer.status_code == 302 and "/login?next=" in answer.headers["location"], path
        assert requests.get(f"{address}?format=json", timeout=LONGEST).status_code == 401
    for path in FORMS:
        assert requests.post(pages.rstrip("/") + path.format(**parts), timeout=LONGEST).status_code == 401, path


def test_what_does_not_exist_is_not_found(pages: str):
    olga = Browser(pages, "olga")
    for path in (
        "nowhere",
        "projects/DR-9999",
        f"projects/{PROJECT}/requests/out-000000000000",
        f"projects/{PROJECT}/matching/match-99/report",
        f"projects/{PROJECT}/destruction/..%2fenclave",
    ):
        assert olga.see(path).status_code == 404, path


def test_a_request_of_another_person_is_refused_whether_it_exists_or_not(pages: str, matched: World):
    for person in ("rita", "sam"):
        browser = Browser(pages, person)
        answers = [browser.of(f"/requests/{id}", format="json") for id in (matched.good, "out-000000000000")]
        assert [a.status_code for a in answers] == [403, 403]
        assert answers[0].json() == answers[1].json()


def test_home_says_what_stands_against_it(pages: str):
    card = Browser(pages, "rita").see(format="json").json()["cards"][0]
    assert card["may"] == [] and card["lab"] == ""
    assert [(r["finding"]["rule"], r["finding"]["clause"]) for r in card["reasons"]] == [
        ("exhibit-b", "ExB"), ("exhibit-c", "ExC"), ("training", "DSA III.B")
    ]  # fmt: skip
    assert card["reasons"][0]["actions"] == ["work with the Resultant Data in the lab", "ask for a release"]


def test_a_researcher_is_shown_with_whom_they_may_share_and_who_is_not_let_in_yet(pages: str):
    answer = Browser(pages, "wren").of("", format="json").json()
    listed = {person["id"]: person["state"] for person in answer["people"]}
    assert set(STAFF) <= set(listed)
    assert listed["wren"] == listed["hubert"] == "in order"
    assert listed["rita"] == "Exhibit B is not signed; Exhibit C is not signed; no record of training stands"
    page = Browser(pages, "wren").of("").text
    assert all(f"{name.title()} Invented" in page for name in STAFF)


def test_home_opens_the_lab_of_an_analyst(pages: str):
    answer = Browser(pages, "wren").see()
    assert 'href="/hub/spawn/wren/dr-0034"' in answer.text
    clocks = {
        c["name"]: (c["left"], c["unit"])
        for c in Browser(pages, "wren").see(format="json").json()["cards"][0]["clocks"]
    }
    assert clocks["questions on completeness and matching"] == (10, "business days")
    assert clocks["access ends"] == (142, "days")
    assert Browser(pages, "nora").see(format="json").json()["cards"] == []


def test_what_a_non_government_researcher_may_not_see_is_masked_with_its_clause(pages: str):
    def masked(person: str) -> set[tuple[str, str]]:
        columns = Browser(pages, person).of(format="json").json()["columns"]
        return {(c["table"], c["name"]) for c in columns if c["masked"] == "ExA 2.h"}

    assert ("dol", "QuarterlyWages") in masked("wren") and ("dol", "P20ID") in masked("wren")
    assert ("sde", "Gender") not in masked("wren")
    assert masked("olga") == set()


def test_the_agreements_page_draws_how_its_data_flow_and_says_it_in_words(pages: str):
    page, model = Browser(pages, "wren").of(), Browser(pages, "wren").of(format="json").json()["agreement"]
    assert len(model["flow"]) == 5 and model["picture"] in page.text
    assert "<li>Files, sealed, to the hub (EM XII): SDE matching, 6 elements" in page.text


def test_a_column_says_what_it_goes_with_in_an_adopted_standard(pages: str):
    page = Browser(pages, "olga").of()
    columns = Browser(pages, "olga").of(format="json").json()["columns"]
    standards = {(c["table"], c["name"]): c["standard"] for c in columns}
    assert standards["sde", "Gender"] == "CEDS 000255 Sex" and standards["sde", "P20ID"] == ""
    assert "CEDS 000255 Sex" in page.text


def test_html_and_json_show_the_same(pages: str):
    olga = Browser(pages, "olga")
    for tail in TAILS.values():
        model = olga.of(tail, format="json")
        assert model.headers["content-type"] == "application/json" and json.loads(model.text)
    root = olga.of("/ledger", format="json").json()["root"]
    assert re.search(r"[0-9a-f]{64}", root) and root in olga.of("/ledger").text


def test_the_report_of_a_match_is_served_in_a_sandbox_of_its_own(pages: str):
    answer = Browser(pages, "sam").of("/matching/match-01/report")
    assert answer.status_code == 200 and "<html" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.endswith("sandbox") and "script" not in policy and "default-src 'none'" in policy


def test_the_pdf_of_a_match_report_is_saved_and_those_who_may_not_see_the_match_do_not_get_it(pages: str):
    answer = Browser(pages, "sam").of("/matching/match-01/report.pdf")
    assert answer.headers["content-type"] == "application/pdf" and answer.content.startswith(b"%PDF-")
    assert answer.headers["content-disposition"] == f'attachment; filename="{PROJECT}-match-01.pdf"'
    assert Browser(pages, "wren").of("/matching/match-01/report.pdf").status_code == 403
    assert "/matching/match-01/report.pdf" in Browser(pages, "sam").of("/matching").text


def test_headers_allow_nothing_from_elsewhere(pages: str):
    olga = Browser(pages, "olga")
    for path in ("", "nowhere", "static/enclave.css", f"projects/{PROJECT}", f"projects/{PROJECT}/ledger"):
        headers = olga.see(path).headers
        for part in ("default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"):
            assert part in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == ("max-age=300" if path.startswith("static") else "no-store")
    page = olga.see().text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page) and "<script" not in page and "style=" not in page


def test_entries_are_searched_by_who_what_and_on_what(pages: str):
    audrey = Browser(pages, "audrey")
    everything = audrey.of("/ledger", format="json").json()
    assert everything["found"] == everything["of"]
    found = audrey.of("/ledger", format="json", who="hubert", what="MATCH.").json()
    assert found["entries"] and {(e["actor"], e["action"]) for e in found["entries"]} == {
        ("hubert", "match.run"),
        ("hubert", "match.begin"),
    }
    people = audrey.of("/ledger", format="json", what="people.approve", object="wren").json()["entries"]
    assert [(e["action"], e["object"]) for e in people] == [("people.approve", "wren")] * 2
    nothing = audrey.of("/ledger", who="<script>").text
    assert "No entry has all of this in it" in nothing and 'value="&lt;script&gt;"' in nothing


def test_a_refusal_is_entered_in_the_ledger(own_pages: str, world: World):
    wren = Browser(own_pages, "wren")
    with world.enclave.store.view() as view:
        before = view.frontier().size
    wren.of("/ledger")
    with world.enclave.store.view() as view:
        (entry,) = (e for e in view.entries(project=PROJECT, action="page.refuse") if e["seq"] >= before)
    assert (entry["actor"], entry["outcome"], entry["details"]["rules"]) == ("wren", "refused", ["role"])


def test_everyone_of_the_matrix_is_on_the_list():
    assert {STAFF[name][0] for name in PERSON.values()} == set(Role) - {Role.AGENCY_ANALYST, Role.CLOCK}
