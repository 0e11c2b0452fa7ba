"""The page on which each person reads what concerns them: their own, marked as new until they say it is read."""

from __future__ import annotations

import pytest

from demo.hub_client import LONGEST
from tests.web.browser import Browser
from tests.web.world import World

WAITS = "A release waits for your agency's statements"


@pytest.fixture
def told(own_pages: str, world: World) -> str:
    """Give pages after a release was shared with SDE and everybody was told."""
    assert Browser(own_pages, "olga").send(f"/requests/{world.good}/clear").status_code == 303
    world.enclave.go_round()
    return own_pages


def read(browser: Browser, up_to: object) -> int:
    fields = {"csrf": browser.csrf(), "up_to": up_to}
    return browser.http.post(
        f"{browser.base}messages/read", data=fields, timeout=LONGEST, allow_redirects=False
    ).status_code


def titles(browser: Browser) -> list[str]:
    return [message["title"] for message in browser.see("messages", format="json").json()["messages"]]


def test_each_person_reads_their_own(told: str, world: World):
    sam, dora, wren = (Browser(told, name) for name in ("sam", "dora", "wren"))
    assert titles(sam)[0] == WAITS and WAITS not in titles(dora)
    assert titles(wren)[0] == "Your request is cleared, and the agencies review it"
    assert titles(Browser(told, "nora")) == []
    assert f'href="/services/enclave/projects/DR-0034/requests/{world.good}"' in sam.see("messages").text
    assert "Nothing yet" in Browser(told, "nora").see("messages").text


def test_the_link_leads_to_a_page_its_reader_may_see(told: str):
    for person in ("sam", "dora", "wren", "rita", "olga", "hubert", "hal", "wes"):
        browser = Browser(told, person)
        for message in browser.see("messages", format="json").json()["messages"]:
            assert browser.see(message["path"]).status_code == 200, (person, message)


def test_what_is_new_is_marked_until_its_reader_says_so(told: str, world: World):
    sam, dora = Browser(told, "sam"), Browser(told, "dora")
    model = sam.see("messages", format="json").json()
    assert model["new"] == len(model["messages"]) > 0 and "new messages for you" in sam.see().text
    hers = dora.see("messages", format="json").json()["new"]
    assert read(sam, model["messages"][0]["seq"]) == 303
    assert sam.see("messages", format="json").json()["new"] == 0 and "new message" not in sam.see().text
    assert dora.see("messages", format="json").json()["new"] == hers > 0
    with world.enclave.store.view() as view:
        (entry,) = view.entries(action="message.read")
    assert entry["actor"] == "sam"


def test_what_comes_after_the_page_was_opened_stays_new(told: str, world: World):
    wren = Browser(told, "wren")
    seen = wren.see("messages", format="json").json()["messages"][0]["seq"]
    Browser(told, "sam").send(f"/requests/{world.good}/return", comment="Merge the two smallest groups.")
    world.enclave.go_round()
    assert read(wren, seen) == 303
    model = wren.see("messages", format="json").json()
    assert (model["new"], model["messages"][0]["title"]) == (1, "Your request came back with a comment")


@pytest.mark.parametrize("up_to", ["", "-1", "x", "1e9"])
def test_a_form_that_says_nothing_is_not_taken(told: str, up_to: str):
    assert read(Browser(told, "sam"), up_to) == 422
