"""The page of what concerns all members: who sees it, who answers on it, and what it says of every match."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from enclave import board, incidents
from enclave.board import Move, ProposalKind
from enclave.incidents import Act
from tests.web.browser import Browser
from tests.web.world import SCRIPT, World

AT = datetime(2022, 4, 12, 14, tzinfo=UTC)


def complained(world: World, *acts: Act) -> None:
    """Let the Operating Group enter a complaint about SDE, and go on with it."""
    with world.enclave.store.transaction() as tx:
        case = incidents.complain(tx, "SDE", f"Files lay open. {SCRIPT}", AT, AT, "olga")
        for number, what in enumerate(acts):
            incidents.act(tx, case.key, what, "In writing.", AT + timedelta(hours=number), "olga")


def asked(pages: str, person: str) -> list[list[str]]:
    (complaint,) = Browser(pages, person).see("programme", format="json").json()["complaints"]
    return [question["mine"] for question in complaint["asked"]]


@pytest.mark.parametrize("person", ["wren", "wes", "nora"])
def test_it_is_for_members_the_operating_group_auditors_and_the_hub(pages: str, person: str):
    answer = Browser(pages, person).see("programme", format="json")
    assert answer.status_code == 403 and [f["rule"] for f in answer.json()["findings"]] == ["role"]
    assert 'href="/services/enclave/programme"' not in Browser(pages, person).see().text


@pytest.mark.parametrize("person", ["olga", "audrey", "sam", "hubert"])
def test_the_quality_of_every_run_stands_on_it(pages: str, person: str):
    (line,) = Browser(pages, person).see("programme", format="json").json()["quality"]
    assert (line["project"], line["run"], line["of"], line["agreed"]) == ("DR-0034", "match-01", "SDE and DOL", True)
    for kind in ("false_match", "missed_match"):
        assert 0 <= line[kind]["low"] <= line[kind]["rate"] <= line[kind]["high"] < 0.2
    assert line["judged"] is None and line["match_rate"] in Browser(pages, person).see("programme").text
    assert 'href="/services/enclave/programme"' in Browser(pages, person).see().text


def test_the_others_answer_there_and_the_agency_concerned_does_not(own_pages: str, world: World):
    complained(world, Act.SUSPENDED, Act.REASONS)
    assert asked(own_pages, "dora") == [["DOL"]] and asked(own_pages, "sam") == asked(own_pages, "olga") == [[]]
    waits = {
        name: Browser(own_pages, name).see("agency", format="json").json()["waiting"] for name in ("dora", "sam")
    }
    assert [(thing["of"], thing["path"]) for thing in waits["dora"]] == [("SDE", "programme")] and waits["sam"] == []
    page = "/cases/complaint-001/suspension/answer"
    said = {"decision": "disapproval", "reason": "It was mended."}
    send = {name: Browser(own_pages, name) for name in ("sam", "dora")}
    assert send["sam"].post(f"programme{page}", party="DOL", **said).status_code == 403
    assert send["sam"].post(f"programme{page}", party="SDE", **said).status_code == 403
    assert send["dora"].post("programme/cases/complaint-001/nothing/answer", party="DOL", **said).status_code == 404
    assert SCRIPT not in send["dora"].see("programme").text
    assert send["dora"].post(f"programme{page}", party="DOL", **said).status_code == 303
    with world.enclave.store.view() as view:
        (case,) = incidents.cases(view)
    assert (case.closed, case.steps[-1].act) == (True, Act.DISMISSED)


def test_a_complaint_is_not_shown_to_whom_it_was_not_told(own_pages: str, world: World):
    complained(world)
    shown = {
        person: len(Browser(own_pages, person).see("programme", format="json").json()["complaints"])
        for person in ("olga", "audrey", "sam", "dora", "hubert")
    }
    assert shown == {"olga": 1, "audrey": 1, "sam": 1, "dora": 0, "hubert": 0}


def test_everyone_reads_of_an_interruption_until_it_is_over(own_pages: str, world: World):
    with world.enclave.store.transaction() as tx:
        told = "DOL-HUB", "The lab stops for two hours.", AT, AT - timedelta(days=1)
        notice = incidents.announce(tx, *told, "hubert")
    assert "12 Apr 2022, 10:00" in Browser(own_pages, "wren").see().text
    assert "The lab stops for two hours." in Browser(own_pages, "sam").see("programme").text
    with world.enclave.store.transaction() as tx:
        incidents.back(tx, notice.key, AT, "hubert")
    assert "The lab stops" not in Browser(own_pages, "wren").see().text


def test_members_see_who_asks_to_join_by_when_it_is_reviewed_and_answer_there(own_pages: str, world: World):
    came = date(2022, 4, 11)  # thirty business days later, over Good Friday, is 24 May
    with world.enclave.store.transaction() as tx:
        asked_to = board.propose(tx, ProposalKind.APPLICATION, "OHE", f"It asks. {SCRIPT}", came, "olga")
    for person in ("olga", "audrey", "sam", "dora", "hubert"):
        (shown,) = Browser(own_pages, person).see("programme", format="json").json()["proposals"]
        assert [(p["clause"], p["due_on"]) for p in shown["periods"]] == [
            ("EM A1.1", "2022-05-24")
        ]  # over Good Friday
    page = Browser(own_pages, "sam").see("programme").text
    assert "24 May 2022" in page and SCRIPT not in page
    with world.enclave.store.transaction() as tx:
        board.move(tx, asked_to.key, Move.RECOMMENDED, "No concerns.", came, "olga")
    send = {name: Browser(own_pages, name) for name in ("sam", "dora", "olga")}
    form, yes = f"programme/cases/{asked_to.key}/joining/answer", {"decision": "approval", "reason": ""}
    assert 'value="SDE"' in send["sam"].see("programme").text
    assert send["olga"].post(form, party="SDE", **yes).status_code == 403
    assert send["sam"].post(form, party="SDE", **yes).status_code == 303
    (waiting,) = send["dora"].see("agency", format="json").json()["waiting"]
    assert (waiting["of"], waiting["path"]) == ("OHE", "programme")
    assert send["dora"].post(form, party="DOL", **yes).status_code == 303
    with world.enclave.store.view() as view:
        assert board.proposals(view)[0].last is Move.ACCEPTED
