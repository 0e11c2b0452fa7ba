"""What concerns all members is done on its page: a complaint to its end, a service that stops, an exception."""

from __future__ import annotations

import pytest

from enclave import incidents, people
from enclave.people import Hold
from tests.web.browser import Browser
from tests.web.keyboard import Sit
from tests.web.world import World

IN_WRITING = "In writing: the reasons, the plan, the evidence, what is missing; without any data of a person"
LONGER = "Agree that the board takes longer, until the moment below"
SAID = "Printed files lay open in a corridor."
GRANT = {"agency": "DOL", "standard": "EM XV.D", "plan": "Signatures from June on.", "until": "2022-06-01"}


def turns(base: str, person: str) -> list[str]:
    (complaint,) = Browser(base, person).see("programme", format="json").json()["complaints"]
    return list(complaint["turns"])


def act(base: str, person: str, what: str, **more: str) -> int:
    return Browser(base, person).post("programme/cases/complaint-001/act", what=what, text=SAID, **more).status_code


def suspended(world: World) -> list[str]:
    with world.enclave.store.view() as view:
        return [hold.scope for hold in view.find(Hold)]


def test_each_turn_of_a_complaint_is_offered_to_whose_it_is_and_to_nobody_else(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    for person in ("sam", "dora", "hubert", "audrey", "wren"):
        assert Browser(own_pages, person).post("programme/complain", agency="SDE", text=SAID).status_code == 403
    assert olga.post("programme/complain", agency="SDE", text="SSN 123-45-6789 lay open").status_code == 422
    assert olga.post("programme/complain", agency="WESTED", text=SAID).status_code == 403
    assert olga.post("programme/complain", agency="SDE", text=SAID).status_code == 303
    assert turns(own_pages, "olga") == ["met", "put-to-the-board", "suspended", "dismissed"]
    assert turns(own_pages, "sam") == ["prolonged"] and turns(own_pages, "audrey") == []
    assert act(own_pages, "olga", "reasons") == act(own_pages, "sam", "suspended") == 403
    assert act(own_pages, "olga", "affirmed") == act(own_pages, "olga", "shoes") == 404
    assert act(own_pages, "sam", "prolonged") == 403, "it does not say until when"
    assert act(own_pages, "sam", "prolonged", until="2090-05-01T12:00") == 303
    assert suspended(world) == []
    assert act(own_pages, "olga", "suspended") == 303 and suspended(world) == ["agency SDE for cause (complaint-001)"]
    assert not Browser(own_pages, "wren").see(format="json").json()["cards"][0]["may"]
    assert turns(own_pages, "sam") == ["prolonged"] and turns(own_pages, "olga") == ["met", "reasons"]


def test_after_the_vote_the_evidence_brings_the_agency_back(own_pages: str, world: World):
    Browser(own_pages, "olga").post("programme/complain", agency="SDE", text=SAID)
    dora = Browser(own_pages, "dora")

    def vote(kind: str, decision: str = "approval", **reason: str) -> int:
        at = f"programme/cases/complaint-001/{kind}/answer"
        return dora.post(at, party="DOL", decision=decision, **reason).status_code

    done = [act(own_pages, "olga", "suspended"), vote("suspension"), act(own_pages, "olga", "reasons")]
    done += [act(own_pages, "sam", "plan"), vote("correction"), act(own_pages, "sam", "evidence")]
    done += [vote("reinstatement", "disapproval", reason="The lock is missing.")]
    assert {*done} == {303} and turns(own_pages, "olga") == ["met", "deficiencies"]
    assert [act(own_pages, "olga", "deficiencies"), act(own_pages, "sam", "evidence")] == [303, 303]
    assert vote("reinstatement") == 303 and suspended(world) == [] and turns(own_pages, "olga") == []
    assert "complaint-001 · closed" in Browser(own_pages, "olga").see("programme").text


@pytest.mark.parametrize(("person", "party"), [("hubert", "DOL-HUB"), ("sam", "SDE")])
def test_an_interruption_is_announced_and_ended_by_whose_service_it_is(
    own_pages: str, world: World, person: str, party: str
):  # fmt: skip
    said = {"party": party, "text": "Two hours on Saturday.", "begins": "2090-04-16T08:00"}
    for other in {"olga", "dora", "wren", "sam", "hubert"} - {person}:
        assert Browser(own_pages, other).post("programme/interruptions/announce", **said).status_code == 403, other
    own = Browser(own_pages, person)
    assert own.post("programme/interruptions/announce", **{**said, "begins": "soon"}).status_code == 422
    assert own.post("programme/interruptions/announce", **said).status_code == 303
    assert "Two hours on Saturday." in Browser(own_pages, "wren").see().text
    over = "programme/interruptions/interruption-001/back"
    dora, words = Browser(own_pages, "dora"), f"The service of {party} is back"
    assert dora.post(over).status_code == 403 and words not in dora.see("programme").text
    assert words in own.see("programme").text
    assert own.post(over).status_code == 303 and own.post(over).status_code == 403
    with world.enclave.store.view() as view:
        assert incidents.interruptions(view) == []


def test_an_exception_is_entered_and_ended_by_the_operating_group(own_pages: str, world: World):
    for person in ("sam", "dora", "hubert", "audrey"):
        assert Browser(own_pages, person).post("programme/exceptions/grant", **GRANT).status_code == 403
    olga, over = Browser(own_pages, "olga"), {"agency": "DOL", "standard": "EM XV.D"}
    for wrong in ({"standard": "DSA VI.F"}, {"agency": "WESTED"}, {"until": "2022-04-11"}, {"plan": ""}):
        assert olga.post("programme/exceptions/grant", **{**GRANT, **wrong}).status_code == 403, wrong
    assert olga.post("programme/exceptions/grant", **GRANT).status_code == 303
    assert "Signatures from June on." in Browser(own_pages, "dora").see("programme").text
    assert Browser(own_pages, "dora").post("programme/exceptions/met", **over).status_code == 403
    assert olga.post("programme/exceptions/met", **over).status_code == 303
    with world.enclave.store.view() as view:
        assert people.exceptions(view) == []


def test_a_complaint_an_interruption_and_an_exception_by_keyboard(sit: Sit, own_pages: str, world: World):
    olga, hubert = sit(own_pages, "olga"), sit(own_pages, "hubert")
    olga.go("What concerns the programme")
    olga.unfold("Take in a complaint")
    olga.pick("About which agency", "SDE")
    olga.write("What is said about it, without any data of a person", SAID)
    olga.press("Take it in and tell the agency")
    assert olga.said() == "Taken in as complaint-001, for Operating Group, SDE."
    olga.look_round()
    olga.unfold("Go on with complaint-001")
    first = "The board has met on it"
    words = "Suspend the agency: its data are closed in every project at once, and all others are asked"
    olga.choose(first, words)
    olga.write(IN_WRITING, "Files may be read until the room is locked.")
    olga.press("Enter for complaint-001")
    assert olga.said() == "Entered for complaint-001: suspend the agency."
    olga.unfold("Enter an exception the board took")
    olga.pick("Standard it does not meet yet", "EM XV.D")
    olga.write("How the agency comes to meet it", "Signatures from June on.")
    olga.to("textbox", "Last day", back=True).fill("2022-06-01")
    olga.press("Enter the exception")
    assert olga.said() == "DOL is excepted from EM XV.D until 2022-06-01."
    olga.look_round()
    olga.press("DOL meets EM XV.D now")
    hubert.go("What concerns the programme")
    hubert.unfold("Announce an interruption")
    hubert.write("What stops and how long, without any data of a person", "Two hours on Saturday.")
    hubert.press("Announce it")
    hubert.look_round()
    hubert.press("The service of DOL-HUB is back")
    assert hubert.said() == "The service of DOL-HUB is back."
    assert suspended(world) == ["agency SDE for cause (complaint-001)"]


def test_a_plan_of_correction_the_votes_and_the_evidence_by_keyboard(sit: Sit, own_pages: str, world: World):
    Browser(own_pages, "olga").post("programme/complain", agency="SDE", text=SAID)
    assert act(own_pages, "olga", "suspended") == 303
    sam, dora = sit(own_pages, "sam"), sit(own_pages, "dora")

    def answer() -> None:
        dora.page.goto(f"{own_pages}programme")
        dora.choose("Approval", "Approval")
        dora.press("Answer for DOL")
        assert dora.said().startswith("Recorded for DOL: approval.")

    def hand_in(what: str, text: str) -> None:
        sam.page.goto(f"{own_pages}programme")
        sam.unfold("Go on with complaint-001")
        sam.look_round()
        offered = [each.capitalize() if each != "prolonged" else LONGER for each in turns(own_pages, "sam")]
        sam.choose(LONGER if LONGER in offered else what, what)
        sam.write(IN_WRITING, text)
        sam.press("Enter for complaint-001")
        assert sam.said().startswith("Entered for complaint-001")

    dora.page.goto(f"{own_pages}programme")
    dora.look_round()
    answer()
    assert act(own_pages, "olga", "reasons") == 303
    hand_in("Hand in the plan of correction", "A lock is fitted on Monday.")
    answer()
    hand_in("Hand in the evidence that it was corrected", "A picture of the lock.")
    assert suspended(world) == ["agency SDE for cause (complaint-001)"]
    answer()
    assert suspended(world) == []
