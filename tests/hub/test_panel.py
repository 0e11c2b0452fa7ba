"""The panel in the real lab, by the keyboard, in Chromium: what is chosen is asked for, and made again by the gate.

Source: DSA VI.D.2; DSA VI.G.1.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from demo import hub_client
from enclave import egress
from enclave.egress import Rerun
from enclave.terms import Action
from tests.conftest import At
from tests.hub.browsing import PICTURES, choose_theme, picture, sign_in
from tests.hub.conftest import hub_over
from tests.world import PROJECT, Installation

SERVER = "user/wren/dr-0034/"
CELL = """import p20kit, pandas
from p20kit.panels import panel
project = p20kit.open_project()
students = project.frame('sde')
place = students.groupby('ManufacturingStudent').cumcount()
order = ['first', 'second', 'third']
students['Started'] = pandas.cut(place, [-1, 14, 17, 37, 9999], labels=[*order, 'never']).astype('str')
table = p20kit.tabulate(students, ['ManufacturingStudent'],
    p20kit.CumulativeShare.along('Started', order), name='starts', title='When students start',
    sources={'ManufacturingStudent': 'sde.ManufacturingStudent'})
review = panel(table, title='When students start', report='cumulative', questions=['RQ1'], audience='public',
    population='all students')
review"""


@dataclass(frozen=True)
class Researcher:
    """A running hub on an installation whose data are delivered."""

    made: Installation
    base_url: str


@pytest.fixture
def wren(at: At) -> Iterator[Researcher]:
    made = at("delivered")
    with hub_over(made, "wren") as base_url:
        yield Researcher(made, base_url)


def test_a_way_is_chosen_with_the_keyboard_and_asked_for(wren: Researcher, page: Page) -> None:
    sign_in(page, wren.base_url, "wren")
    page.wait_for_url("**/hub/home")
    page.goto(f"{wren.base_url}/hub/spawn/wren/dr-0034")
    page.wait_for_url(f"**/{SERVER}lab**")
    page.locator(".jp-RenderedMarkdown").get_by_role("link", name="Getting started").click()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(CELL)
    page.keyboard.press("Shift+Enter")
    seen = page.locator(".p20-panel")
    expect(seen.get_by_text("The gate would clear this by itself")).to_be_visible()
    seen.get_by_text("The reasons").click()
    expect(seen.get_by_text("the hidden count follows to lie between 3 and 3").first).to_be_visible()
    assert seen.locator("td.withheld").count() > 0
    seen.scroll_into_view_if_needed()
    picture(page, "panel-light")
    page.set_viewport_size({"width": 1400, "height": 1200})
    seen.screenshot(path=PICTURES / "panel.png")
    assert Axe().run(page, context=".p20-panel").response["violations"] == []

    # From here on the keyboard alone: to the next way, which is seen at once, and on to the button.
    seen.get_by_role("radio").first.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(seen.get_by_role("radio", name="Fewer points")).to_be_checked()
    expect(seen.locator("td.withheld")).to_have_count(0)
    expect(seen).to_contain_text("review.ask('fewer points')")
    choose_theme(page, "JupyterLab Dark")
    expect(page.locator("body[data-jp-theme-light=false]")).to_be_attached()
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    seen.get_by_role("button").scroll_into_view_if_needed()
    picture(page, "panel-dark")
    assert Axe().run(page, context=".p20-panel").response["violations"] == []
    seen.get_by_role("radio", name="Fewer points").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(seen).to_contain_text("is in the outbox")
    expect(seen.get_by_role("button")).to_be_disabled()
    picture(page, "panel-asked")
    page.close()
    assert_the_gate_makes_it_again(wren)


def assert_the_gate_makes_it_again(wren: Researcher) -> None:
    """The click stands in the code as the line it ran; run again, it makes the same request, byte for byte."""
    session = hub_client.login(wren.base_url, "wren")
    hub_client.stop_server(session, wren.base_url, "wren", "dr-0034")
    enclave = wren.made.enclave
    rooms = (enclave.store, enclave.keystore, enclave.settings)
    (taken,) = egress.take_in(*rooms, PROJECT, "wren").taken
    assert json.loads(taken.content)["notebook"] == [CELL, "review.ask('fewer points')"]
    clearance = egress.clear(*rooms, wren.made.admission("olga", Action.CHECK), taken.id)
    with enclave.store.view() as view:
        (run,) = view.find(Rerun, PROJECT)
    assert run.same and clearance.record["kinds"] == {"count": 1, "cumulative": 2}
    (file,) = (egress.rendered(enclave.settings, taken.id)).glob("*_1.csv")
    head, *rows = file.read_text("utf-8").splitlines()
    assert head == "ManufacturingStudent,count,share Started up to first,share Started up to third,status"
    assert len(rows) == 3 and all(row.endswith(",shown") and ",," not in row for row in rows)
