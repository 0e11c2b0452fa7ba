"""The page on which a party asks all parties for something, and what the request needs to be taken."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml

from enclave import agreement, board, people
from enclave.agreement import Policy
from enclave.app import open_enclave
from enclave.board import MotionKind
from enclave.settings import PACKAGED_POLICIES
from enclave.terms import Action
from tests.parties import representative, vote
from tests.web.browser import Browser, served
from tests.web.world import PROJECT, World
from tests.world import command

ASK, ANSWER = "/decisions/{}/ask", "/decisions/modification/answer"
WESTED = representative("WESTED")


def asked(world: World) -> list[tuple[str, str, str]]:
    with world.enclave.store.view() as view:
        return [(m.asks, m.by, m.reason) for m in board.motions(view, PROJECT) if m.asks is not MotionKind.INITIAL]


def test_a_party_asks_for_a_later_end_once(own_pages: str, world: World):
    browser = Browser(own_pages, WESTED)
    assert 'href="/services/enclave/projects/DR-0034/decisions/ask"' in browser.of("/decisions").text
    page = browser.of("/decisions/ask").text
    assert "31 Aug 2022" in page and "1 Aug 2022" in page
    for fields in ({"until": "2022-12-30", "reason": " "}, {"until": "soon", "reason": "Why."}):
        assert browser.send(ASK.format("continuation"), **fields).status_code == 422
    early = browser.send(ASK.format("continuation"), until="2022-08-31", reason="Why.")
    assert early.status_code == 403 and asked(world) == []
    reason = "The wage records come <b>late</b>."
    answer = browser.send(ASK.format("continuation"), until="2022-12-30", reason=reason)
    assert answer.status_code == 303 and asked(world) == [("continuation", WESTED, reason)]
    assert "has been asked for and waits for answers" in browser.of("/decisions/ask").text
    assert browser.send(ASK.format("continuation"), until="2022-12-31", reason="Again.").status_code == 403
    assert "&lt;b&gt;late" in Browser(own_pages, "sam").of("/decisions").text


def test_a_later_end_is_not_offered_when_it_is_too_late(own_pages: str, world: World):
    world.on(date(2022, 8, 2))
    page = Browser(own_pages, WESTED).of("/decisions/ask").text
    assert "had to be asked for by 1 Aug 2022" in page and 'id="later-until"' not in page
    late = Browser(own_pages, WESTED).send(ASK.format("continuation"), until="2022-12-30", reason="Why.")
    assert late.status_code == 403 and asked(world) == []


def test_match_data_are_asked_to_be_kept_while_they_have_a_day(own_pages: str, world: World):
    browser = Browser(own_pages, "sam")
    assert "The data of match-01 are destroyed on" in browser.of("/decisions/ask").text
    answer = browser.send(ASK.format("match-data"), until="2022-05-30", reason="The review takes longer.")
    assert answer.status_code == 303 and asked(world) == [("match-data", "sam", "The review takes longer.")]


@pytest.fixture
def changed(world: World, tmp_path: Path) -> Iterator[World]:
    """Give an installation whose agreement's file, in a folder of its own, has another title."""
    own = tmp_path / "policies"
    own.mkdir()
    for path in PACKAGED_POLICIES.iterdir():
        if path.name != "agreements":
            (own / path.name).symlink_to(path)
    (own / "agreements").mkdir()
    body = yaml.safe_load((PACKAGED_POLICIES / "agreements" / f"{PROJECT}.yaml").read_text("utf-8"))
    text = yaml.safe_dump(body | {"title": "Manufacturing skills, and after"})
    (own / "agreements" / f"{PROJECT}.yaml").write_text(text)
    settings = world.enclave.settings.home / "enclave.toml"
    settings.write_text(f'{settings.read_text()}policies = "{own}"\n')
    world.enclave.store.close()
    made = World(open_enclave(settings.parent), world.good, world.unsafe)
    yield made
    made.close()


def test_other_terms_are_asked_for_as_they_were_read(changed: World):
    with served(changed) as base:
        browser = Browser(base, WESTED)
        model = browser.of("/decisions/ask", format="json").json()
        (change,) = model["changes"]
        assert (change["where"], change["after"]) == ("agreement.title", "Manufacturing skills, and after")
        stale = browser.send(ASK.format("modification"), policy="0" * 64, reason="A new title.")
        assert stale.status_code == 422 and asked(changed) == []
        answer = browser.send(ASK.format("modification"), policy=model["policy"], reason="A new title.")
        assert answer.status_code == 303 and asked(changed) == [("modification", WESTED, "A new title.")]
        path = changed.enclave.settings.policies / "agreements" / f"{PROJECT}.yaml"
        path.write_text("title: [")
        broken = browser.of("/decisions/ask")
        assert broken.status_code == 200 and "It is not YAML" in broken.text
    changed.enclave.store.close()


def test_who_is_asked_for_more_persons_confirms_anew_and_who_is_not_need_not(changed: World):
    path = changed.enclave.settings.policies / "agreements" / f"{PROJECT}.yaml"
    body = yaml.safe_load(path.read_text("utf-8"))
    cedar = body["schools"][0] | {"code": "LEA-CEDAR", "name": "Cedar High School", "withholds": ["DOL"]}
    path.write_text(yaml.safe_dump(body | {"schools": [*body["schools"], cedar]}), "utf-8")
    desk = "--home", changed.enclave.settings.home, "--as"
    first = {"SDE": ["more persons"]}
    with served(changed) as base:
        sam, dol = Browser(base, "sam"), Browser(base, representative("DOL"))
        assert Browser(base, WESTED).of("/decisions/ask", format="json").json()["confirming"] == first
        assert "SDE is asked for more persons: before it" in Browser(base, WESTED).of("/decisions/ask").text
        said = command(*desk, WESTED, "agreement", "amend", PROJECT, "--reason", "A school more.")
        assert said.code == 0 and "confirm first: SDE, asked for more persons" in " ".join(said.text.split())
        assert command(*desk, WESTED, "agreement", "motions", PROJECT, "--json").body[-1]["confirm first"] == (
            "SDE, asked for more persons"
        )
        assert "not yet: more persons" in dol.of("/decisions").text
        assert sam.of("/decisions", format="json").json()["asked"][0]["confirming"] == first
        (waits,) = sam.see("agency", format="json").json()["waiting"]
        assert waits["what"] == "confirm, then answer: other terms of the agreement"
        assert "SDE is asked for more persons: before it" in sam.of("/decisions").text
        assert dol.send(ANSWER, decision="approval").status_code == 303
        refused = sam.send(ANSWER, decision="approval")
        assert refused.status_code == 403 and "is asked for more persons, and has not confirmed" in refused.text
        refused = command(*desk, "sam", "agreement", "vote", PROJECT, "approval", "--on", "modification", "--json")
        assert refused.rules == ["available"]
        assert command(*desk, "sam", "agreement", "available", PROJECT).code == 0
        assert sam.send(ANSWER, decision="approval").status_code == 303
        assert command(*desk, "sam", "agreement", "motions", PROJECT, "--json").body[-1]["confirm first"] == ""
    changed.enclave.store.close()


def test_what_was_refused_is_asked_for_again_as_the_page_shows_it(own_pages: str, world: World):
    def answer(browser: Browser) -> int:
        return browser.send("/decisions/modification/answer", decision="approval").status_code

    name, parties = "SpecialEd", {party: Browser(own_pages, representative(party)) for party in ("SDE", "DOL")}
    with world.enclave.store.transaction() as tx:
        policy = agreement.of(tx, PROJECT).policy
        admission = people.may(tx, "sam", Action.DECIDE, PROJECT)
        other = policy.agreement.model_copy(update={"title": "And after"})
        new = Policy(agreement=other, cells=policy.cells, columns=policy.columns, retention=policy.retention)
        board.amend(tx, admission, new, "A new title.")
        board.refuse_element(tx, admission, name, "Not needed any more.")
        for party in policy.signatories:
            vote(tx, PROJECT, party, MotionKind.MODIFICATION)
    browser, where = Browser(own_pages, WESTED), f"agreement.elements.SDE.{name}"
    model = browser.of("/decisions/ask", format="json").json()
    assert model["refused"] == [f"SDE.{name}"] and [each["where"] for each in model["changes"]] == ["agreement.title"]
    assert f'href="?again=SDE.{name}#modification"' in browser.of("/decisions/ask").text
    again = browser.of("/decisions/ask", format="json", again=f"SDE.{name}").json()
    assert where in [each["where"] for each in again["changes"]] and again["again"] == [f"SDE.{name}"]
    unknown = browser.of("/decisions/ask", format="json", again="SDE.Gender").json()
    assert [each["rule"] for each in unknown["findings"]] == ["not-refused"] and not unknown["changes"]
    ask = {"policy": again["policy"], "reason": "It is needed."}
    assert browser.send(ASK.format("modification"), **ask).status_code == 422  # is not what the page showed
    assert browser.send(ASK.format("modification"), again=f"SDE.{name}", **ask).status_code == 303
    page = parties["SDE"].of("/decisions").text
    assert f"Asks again for what was refused: <code>SDE.{name}</code>" in page and "Confirm for SDE" in page
    assert answer(parties["SDE"]) == 403 and answer(parties["DOL"]) == 303
    assert parties["SDE"].send("/decisions/modification/available").status_code == 303
    refuse = parties["SDE"].send("/decisions/refuse-element", element=name, reason="Still not.")
    assert refuse.status_code == 303
    asked_ = parties["DOL"].of("/decisions", format="json").json()["asked"][0]
    assert asked_["answers"]["DOL"] is None and asked_["mine"] == "answer"
    assert [each["where"] for each in asked_["changes"]] == ["agreement.title"]


def test_where_the_file_says_nothing_new_there_is_nothing_to_ask(own_pages: str, world: World):
    browser = Browser(own_pages, "olga")
    model = browser.of("/decisions/ask", format="json").json()
    assert model["changes"] == [] and "says what is in force" in browser.of("/decisions/ask").text
    answer = browser.send(ASK.format("modification"), policy=model["policy"], reason="Nothing.")
    assert answer.status_code == 403 and asked(world) == []


@pytest.mark.parametrize("person", ["wren", "hubert", "audrey", "nora"])
def test_who_decides_nothing_asks_nothing(pages: str, person: str):
    browser = Browser(pages, person)
    assert browser.of("/decisions/ask").status_code == 403
    assert "decisions/ask" not in browser.of("/decisions").text
    for kind in ("continuation", "modification", "match-data"):
        assert browser.send(ASK.format(kind), until="2022-12-30", reason="Why.").status_code == 403


@pytest.mark.parametrize("kind", ["initial", "anything"])
def test_nothing_else_is_asked_here(pages: str, kind: str):
    assert Browser(pages, "sam").send(ASK.format(kind), until="2022-12-30", reason="Why.").status_code == 404
