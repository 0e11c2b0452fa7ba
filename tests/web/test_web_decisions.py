"""The page on which parties answer what they are asked in writing."""

from __future__ import annotations

from datetime import date

import pytest

from enclave import agreement, board
from enclave.board import Decision, MotionKind
from enclave.people import Admission, may
from enclave.terms import Action
from tests.parties import ask, representative
from tests.web.browser import Browser
from tests.web.world import PROJECT, World

OTHER = "DR-0101"
LATER = date(2022, 12, 30)


def admission(world: World, person: str) -> Admission:
    with world.enclave.store.view() as view:
        return may(view, person, Action.DECIDE, PROJECT)


@pytest.fixture
def asked(world: World) -> World:
    """Give an installation whose parties are asked for a later end; all but SDE have said yes."""
    with world.enclave.store.transaction() as tx:
        board.continue_until(tx, admission(world, representative("DOL")), LATER, "The report <b>takes</b> longer")
    with world.enclave.store.view() as view:
        parties = agreement.of(view, PROJECT).policy.signatories
    for party in parties:
        if party != "SDE":
            with world.enclave.store.transaction() as tx:
                who = admission(world, representative(party))
                board.answer(tx, who, MotionKind.CONTINUATION, Decision.APPROVAL)
    return world


def ends(world: World) -> date:
    with world.enclave.store.view() as view:
        return agreement.of(view, PROJECT).ends_on


def test_the_last_partys_answer_carries_it(asked: World, own_pages: str):
    sam, before = Browser(own_pages, "sam"), ends(asked)
    (waits,) = sam.see("agency", format="json").json()["waiting"]
    assert (waits["what"], waits["path"]) == ("answer: a later end of the project", f"projects/{PROJECT}/decisions")
    page = sam.of("/decisions").text
    assert "The report &lt;b&gt;takes&lt;/b&gt; longer" in page and "The answer of SDE" in page
    assert sam.send("/decisions/continuation/answer", decision="approval").status_code == 303
    assert "It is carried." in sam.of("/decisions").text
    assert ends(asked) == LATER > before
    newest = sam.of("/decisions", format="json").json()["asked"][0]
    assert (newest["state"], newest["mine"]) == ("carried", "")
    assert sam.see("agency", format="json").json()["waiting"] == []


def test_a_condition_without_a_reason_is_refused_and_one_with_a_reason_returns_it(asked: World, own_pages: str):
    sam, before = Browser(own_pages, "sam"), ends(asked)
    where = "/decisions/continuation/answer"
    refused = sam.send(where, decision="conditional approval")
    assert refused.status_code == 403 and "A conditional approval has no reason" in refused.text
    assert sam.of("/decisions", format="json").json()["asked"][0]["state"] == "open"
    assert sam.send(where, decision="conditional approval", reason="Only until October").status_code == 303
    newest = sam.of("/decisions", format="json").json()["asked"][0]
    assert newest["state"] == "returned with conditions" and ends(asked) == before
    assert newest["answers"]["SDE"]["reason"] == "Only until October"
    assert "Only until October" in Browser(own_pages, "olga").of("/decisions").text


@pytest.mark.parametrize(("person", "status"), [("olga", 403), ("audrey", 403), ("wren", 403), ("nora", 403)])
def test_who_speaks_for_no_party_does_not_answer(asked: World, own_pages: str, person: str, status: int):
    answer = Browser(own_pages, person).send("/decisions/continuation/answer", decision="approval")
    assert answer.status_code == status
    assert Browser(own_pages, "sam").of("/decisions", format="json").json()["asked"][0]["answers"]["SDE"] is None


def test_what_is_no_answer_is_not_found(asked: World, own_pages: str):
    sam = Browser(own_pages, "sam")
    assert sam.send("/decisions/continuation/answer", decision="perhaps").status_code == 404
    assert sam.send("/decisions/nothing/answer", decision="approval").status_code == 404


def test_an_agency_confirms_its_data_before_it_answers_a_first_request(world: World, own_pages: str):
    policy = agreement.compile_agreement(world.enclave.settings.policies, OTHER)
    with world.enclave.store.transaction() as tx:
        ask(tx, policy)
    browser = Browser(own_pages, representative(policy.agencies[0]))

    def newest() -> dict[str, object]:
        found: dict[str, object] = browser.see(f"projects/{OTHER}/decisions", format="json").json()["asked"][0]
        return found

    assert (newest()["kind"], newest()["mine"]) == ("initial", "available")
    refused = browser.send("/decisions/initial/answer", project=OTHER, decision="approval")
    assert refused.status_code == 403 and "has not confirmed" in refused.text
    assert browser.send("/decisions/initial/available", project=OTHER).status_code == 303
    assert newest()["mine"] == "answer"
    agency, element, told_by = policy.agencies[0], "SpecialEd", "CohortStartGrade"
    assert {element, told_by} <= {*newest()["elements"]}  # type: ignore[misc]
    where, why = "/decisions/refuse-element", "Not needed for the questions asked."
    assert browser.send(where, project=OTHER, element="Shoes", reason=why).status_code == 403
    assert browser.send(where, project=OTHER, element=told_by, reason=why).status_code == 422  # who is asked for
    assert browser.send(where, project=OTHER, element=element, reason=why).status_code == 303
    assert newest()["refused"] == {agency: {element: why}} and element not in newest()["elements"]  # type: ignore[operator]
    assert browser.send("/decisions/initial/answer", project=OTHER, decision="approval").status_code == 303
    assert newest()["mine"] == ""
