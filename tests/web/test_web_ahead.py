"""A request is judged before its checker opens it.

Source: DSA VI.G.1.
"""

from __future__ import annotations

import threading

import pytest

from demo.hub_client import until
from enclave.agreement import of
from enclave.app import Enclave
from enclave.board import change_law
from enclave.people import Hold, place
from enclave.web import judged_ahead
from enclave.web.apart import Apart
from enclave.web.looked import Looked, ToJudge, waiting
from tests.web.browser import Browser
from tests.web.world import PROJECT, World


def test_who_opens_a_request_finds_it_judged(world: World, own_pages: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that waits is judged once, while nobody waits for it."""
    both = sorted([world.good, world.unsafe])
    asked: list[tuple[str, str]] = []
    really = Apart.__call__

    def noted(apart: Apart[ToJudge, Looked], enclave: Enclave, what: ToJudge) -> Looked:
        looked = really(apart, enclave, what)
        asked.append((threading.current_thread().name, what.request.rpartition("/")[2]))
        return looked

    monkeypatch.setattr(Apart, "__call__", noted)
    with judged_ahead(world.enclave):
        until(lambda: len(asked) == len(both))
        page = Browser(own_pages, "olga").of(f"/requests/{world.good}")
    assert "<table" in page.text
    assert sorted(asked) == [("judged ahead", request) for request in both]


def test_no_record_of_a_project_that_stands_still_is_opened(
    world: World, own_pages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def noted(apart: Apart[ToJudge, Looked], enclave: Enclave, what: ToJudge) -> Looked:
        asked.append(what.request)
        raise AssertionError(what)

    monkeypatch.setattr(Apart, "__call__", noted)
    with world.enclave.store.transaction() as tx:
        place(tx, Hold(PROJECT, f"project {PROJECT}", tx.today, "DSA VI.F", "olga"))
    with world.enclave.store.view() as view:
        assert waiting(view) == []
    looked = Browser(own_pages, "olga").of(f"/requests/{world.good}", format="json").json()["looked"]
    assert looked["verdict"] == "not shown" and "is suspended since" in str(looked["findings"])
    assert asked == []


def test_a_change_of_law_takes_effect_on_what_was_judged_before_it(world: World, own_pages: str) -> None:
    def said() -> str:
        looked = Browser(own_pages, "olga").of(f"/requests/{world.good}", format="json").json()["looked"]
        return str(looked["verdict"])

    assert said() != "refused"
    with world.enclave.store.transaction() as tx:
        cells = of(tx, PROJECT).policy.cells.model_copy(update={"minimum_count": 40})
        change_law(tx, cells, 10, "A public act of this year.", "olga")
    assert said() == "refused"
