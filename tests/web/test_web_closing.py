"""Data are destroyed before their day from a page that says first what goes, what stays, and who stands still."""

from __future__ import annotations

import pytest

from enclave.agreement import of
from enclave.destruction import Destruction, Scope
from tests.web.browser import Browser
from tests.web.world import PROJECT, World

PATH = "/destruction/early"


def shown(browser: Browser) -> dict[str, object]:
    model: dict[str, object] = browser.of(PATH, format="json").json()
    return model


def destroyed(world: World) -> list[Scope]:
    with world.enclave.store.view() as view:
        return [each.scope for each in view.find(Destruction, PROJECT)]


def test_what_goes_with_it_is_shown_to_the_group_and_the_hub_alone(own_pages: str, world: World):
    olga, wren = Browser(own_pages, "olga"), Browser(own_pages, "wren")
    wren.send("/tell", kind="early-destruction", text="The report is out.")
    olga.send(f"/requests/{world.good}/clear")
    model = shown(olga)
    assert (model["people"], model["reviews"], model["released"]) == (["wren"], [world.good], 0)
    assert [case["text"] for case in model["asked"]] == ["The report is out."]  # type: ignore[attr-defined]
    match, whole = model["goes"]  # type: ignore[misc]
    assert match["due_on"] == "2022-04-26" and 0 < match["files"] < whole["files"]
    assert shown(Browser(own_pages, "hubert"))["goes"] == model["goes"]
    for person in ("wren", "sam", "audrey", "nora"):
        browser = Browser(own_pages, person)
        assert browser.of(PATH).status_code == 403
        sent = browser.send(PATH, scope="project", number=PROJECT, seen=model["seen"])
        assert sent.status_code == 403 and PATH not in browser.of("/destruction").text, person
    assert destroyed(world) == []


def test_nothing_is_destroyed_that_was_not_read_and_written_out(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    seen = shown(olga)["seen"]
    for fields, status in (
        ({"scope": "project", "number": PROJECT, "seen": "0"}, 422), ({"scope": "everything"}, 404),
        ({"scope": "transmittal", "number": PROJECT, "seen": seen}, 404),
        ({"scope": "project", "number": "DR-0101", "seen": seen}, 422), ({"scope": "match", "seen": seen}, 422),
    ):  # fmt: skip
        assert olga.send(PATH, **fields).status_code == status, fields
    olga.send(f"/requests/{world.good}/clear")
    answer = olga.send(PATH, scope="project", number=PROJECT, seen=seen)
    assert answer.status_code == 422 and "no longer what the page showed" in answer.text
    assert destroyed(world) == []


@pytest.mark.parametrize("scope", [Scope.MATCH, Scope.PROJECT])
def test_what_was_chosen_goes_and_its_certificate_stands_there(own_pages: str, world: World, scope: Scope):
    hubert = Browser(own_pages, "hubert")
    files = next(each["files"] for each in shown(hubert)["goes"] if each["scope"] == scope)  # type: ignore[attr-defined]
    assert hubert.send(PATH, scope=scope, number=PROJECT, seen=shown(hubert)["seen"]).status_code == 303
    page = hubert.of("/destruction").text
    assert f"{files} files are destroyed" in page and "Exhibit F" in page and destroyed(world) == [scope]
    keys, wren = world.enclave.keystore, Browser(own_pages, "wren").see(format="json").json()["cards"][0]
    assert not keys.exists(f"match-{PROJECT}")
    with world.enclave.store.view() as view:
        over = of(view, PROJECT).destroyed_on is not None
    assert over is (scope is Scope.PROJECT)
    assert keys.exists(f"project-{PROJECT}") is bool(wren["may"]) is not over
    assert ("were destroyed on" in hubert.of(PATH).text) is over
