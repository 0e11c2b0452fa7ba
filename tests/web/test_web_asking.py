"""The page on which a party asks all parties for something, and what the request needs to be taken."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from enclave import board
from enclave.app import open_enclave
from enclave.board import MotionKind
from enclave.settings import PACKAGED_POLICIES
from tests.parties import representative
from tests.web.browser import Browser, served
from tests.web.world import PROJECT, World

ASK = "/decisions/{}/ask"
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
def changed(world: World, tmp_path: Path) -> World:
    """Give an installation whose agreement's file has another title."""
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
    return World(open_enclave(settings.parent), world.good, world.unsafe)


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
