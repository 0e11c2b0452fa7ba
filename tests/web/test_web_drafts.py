"""An agreement's file is read on its page, with what it leaves open, before it is registered there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from enclave import board
from enclave.agreement import InForce
from enclave.board import State
from tests.web.browser import Browser, served
from tests.web.keyboard import Sit
from tests.web.world import PROJECT, World

NEW = "DR-0101"


@pytest.fixture
def written(world: World, tmp_path: Path) -> World:
    """Give an installation with policies of its own, which a test can write into."""
    policies = tmp_path / "policies"
    shutil.copytree(world.enclave.settings.policies, policies)
    return world.with_settings(policies=policies)


def change(world: World, name: str, **said: object) -> None:
    file = world.enclave.settings.policies / "agreements" / f"{name}.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text("utf-8")), **said}), "utf-8")


def registered(world: World) -> InForce | None:
    with world.enclave.store.view() as view:
        return view.get(InForce, NEW)


def test_it_is_read_first_and_what_was_read_is_registered(written: World):
    with served(written) as base:
        olga = Browser(base, "olga")
        lines = {line["project"]: line["state"] for line in olga.see("agreements", format="json").json()["lines"]}
        assert lines == {PROJECT: "in force", NEW: "not registered"}
        draft = olga.see(f"agreements/{NEW}", format="json").json()
        assert draft["registers"] and not draft["findings"] and all(item["said"] for item in draft["items"])
        read = {"policy": draft["policy"]}
        for person in ("sam", "hubert", "wren", "audrey"):
            assert Browser(base, person).post(f"agreements/{NEW}/register", **read).status_code == 403, person
        assert not Browser(base, "audrey").see(f"agreements/{NEW}", format="json").json()["registers"]
        change(written, NEW, purpose="Another purpose than what was read.")
        assert olga.post(f"agreements/{NEW}/register", **read).status_code == 422 and registered(written) is None
        read = {"policy": olga.see(f"agreements/{NEW}", format="json").json()["policy"]}
        assert olga.post(f"agreements/{NEW}/register", **read).status_code == 303
        page = olga.see(f"agreements/{NEW}").text
        assert "SDE, DOL, CSCU are asked" in page and "It is registered as it stands in the file" in page
        assert olga.post("agreements/DR-9999/register", **read).status_code == 404
        change(written, NEW, purpose="A third purpose.")
        draft = olga.see(f"agreements/{NEW}", format="json").json()
        assert [each["where"] for each in draft["changes"]] == ["agreement.purpose"] and draft["registers"]
        assert olga.post(f"agreements/{NEW}/register", policy=draft["policy"]).status_code == 303
    with written.enclave.store.view() as view:
        assert [motion.state for motion in board.motions(view, NEW)] == [State.REPLACED, State.OPEN]


def test_what_it_lacks_or_leaves_open_is_said_and_keeps_it_from_being_registered(written: World):
    with served(written) as base:
        olga = Browser(base, "olga")
        file = written.enclave.settings.policies / "agreements" / f"{NEW}.yaml"
        whole = file.read_text("utf-8")
        loose = {**yaml.safe_load(whole)["cells"], "minimum_count": 3}
        cases = (({"purpose": " "}, "incomplete"), ({"shoes": 1}, "policy-key"), ({"cells": loose}, "policy-floor"))
        for said, rule in cases:
            file.write_text(whole, "utf-8")
            change(written, NEW, **said)
            draft = olga.see(f"agreements/{NEW}", format="json").json()
            assert rule in {finding["rule"] for finding in draft["findings"]} and not draft["registers"], said
            assert olga.post(f"agreements/{NEW}/register", policy=draft["policy"]).status_code in (403, 422), said
        change(written, PROJECT, assumed=[])
        open_ones = olga.see(f"agreements/{PROJECT}", format="json").json()
        assert {finding["rule"] for finding in open_ones["findings"]} == {"document-conflict"}
        assert any(not each["taken"] for each in open_ones["conflicts"])
        assert registered(written) is None


def test_what_is_signed_is_not_replaced(pages: str, matched: World):
    olga = Browser(pages, "olga")
    draft = olga.see(f"agreements/{PROJECT}", format="json").json()
    assert draft["signed"] and not draft["registers"] and len(draft["conflicts"]) > 15
    refused = olga.post(f"agreements/{PROJECT}/register", policy=draft["policy"])
    assert refused.status_code == 403 and "A signed agreement may not be replaced" in refused.text
    assert olga.see("agreements/DR-9999").status_code == 404 and olga.see("agreements/none").status_code == 422


def test_it_is_registered_by_keyboard(sit: Sit, own_pages: str, world: World):
    olga = sit(own_pages, "olga")
    olga.go("Agreements")
    olga.look_round()
    olga.go(NEW)
    olga.look_round()
    olga.tick("I have read what its documents leave open, and the readings taken")
    olga.press(f"Register {NEW} and ask SDE, DOL, CSCU")
    assert olga.said() == f"{NEW} is registered; SDE, DOL, CSCU are asked."
    assert registered(world) is not None
