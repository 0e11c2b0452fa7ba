"""The pages of a clerical review: hub staff open it, go to the desk and close it; others see how it stands."""

from __future__ import annotations

import pytest

from tests.chromium import chromium
from tests.web.browser import Browser
from tests.web.test_web_screens import PICTURES, open_page
from tests.web.world import PROJECT, World

DESK = "/hub/spawn/hubert/dr-0034"


def test_hub_staff_open_a_review_and_find_the_desk(world: World, own_pages: str):
    hubert, sam = Browser(own_pages, "hubert"), Browser(own_pages, "sam")
    assert "Open the review" in hubert.of("/matching").text and "Open the review" not in sam.of("/matching").text
    assert hubert.see(format="json").json()["cards"][0]["desk"] == ""
    assert sam.send("/matching/match-01/open-review").status_code == 403
    assert hubert.send("/matching/match-02/open-review").status_code == 422
    assert hubert.send("/matching/match-01/open-review").status_code == 303
    opened = hubert.of("/matching").text
    assert "Nobody has judged a pair yet" in opened and f'href="{DESK}"' in opened and "Close the review" in opened
    assert hubert.see(format="json").json()["cards"][0]["desk"] == DESK
    seen = sam.of("/matching").text
    assert "Nobody has judged a pair yet" in seen and DESK not in seen and "Close the review" not in seen
    assert sam.see(format="json").json()["cards"][0]["desk"] == ""


def test_hub_staff_find_the_workbench_while_no_review_is_open(world: World, own_pages: str):
    hubert, sam = Browser(own_pages, "hubert"), Browser(own_pages, "sam")
    seen = hubert.of("/matching").text
    assert "Go to the workbench" in seen and f'href="{DESK}"' in seen and "At the workbench now" not in seen
    assert "Go to the workbench" not in sam.of("/matching").text
    broker = world.enclave.broker()
    broker.admit("hubert", PROJECT)
    assert "At the workbench now: hubert." in hubert.of("/matching").text
    broker.release("dr-0034-hubert")
    assert hubert.send("/matching/match-01/open-review").status_code == 303
    assert "Go to the workbench" not in hubert.of("/matching").text


def test_who_sits_is_shown_and_what_cannot_be_done_says_why(world: World, own_pages: str):
    hubert = Browser(own_pages, "hubert")
    assert hubert.send("/matching/match-01/open-review").status_code == 303
    broker = world.enclave.broker()
    broker.admit("hubert", PROJECT)
    assert "At the desk now: hubert." in hubert.of("/matching").text
    refused = hubert.send("/matching/match-01/close-review")
    assert refused.status_code == 403 and "files stand open for hubert" in refused.text
    assert hubert.send("/matching/match-01/open-review").status_code == 403
    assert hubert.of("/matching/match-01/review").status_code == 404
    broker.release("dr-0034-hubert")
    assert "At the desk now" not in hubert.of("/matching").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_open_review_is_pictured(world: World, own_pages: str, scheme: str):
    PICTURES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        page, complaints = open_page(browser, own_pages, "hubert", scheme)
        page.goto(f"{own_pages}projects/{PROJECT}/matching")
        page.screenshot(path=PICTURES / f"matches-of-staff-{scheme}.png")
        assert Browser(own_pages, "hubert").send("/matching/match-01/open-review").status_code == 303
        page.reload()
        page.get_by_text("Go to the desk").scroll_into_view_if_needed()
        page.screenshot(path=PICTURES / f"review-{scheme}.png")
        assert complaints == []
