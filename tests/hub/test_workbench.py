"""Trying a match at the workbench through the real hub, glass and sandbox, in Chromium; leaves pictures.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Page, expect

from demo import hub_client
from enclave.matching import latest, open_crosswalk
from tests.conftest import At
from tests.hub.browsing import picture, sign_in
from tests.hub.conftest import hub_over
from tests.hub.test_review_desk import OWN, Staff, attack_by_hand
from tests.world import PROJECT, canary_in

THRESHOLD = "0.999"


@pytest.fixture
def staff(at: At) -> Iterator[Staff]:
    made = at("matched")
    with hub_over(made, "hubert", reconcile_seconds=1) as base_url:
        yield Staff(made, base_url)


def links_of(path: Path) -> set[tuple[str, ...]]:
    return set(pd.read_parquet(path).itertuples(index=False, name=None))


def entered(staff: Staff) -> list[str]:
    """Give what was refused, as the ledger has it."""
    with staff.made.enclave.store.view() as view:
        return [entry["details"]["what"] for entry in view.entries(action="match.refuse-inside")]


def test_hub_staff_try_a_match_with_other_numbers_and_a_run_gives_the_same_links(staff: Staff, page: Page) -> None:
    sign_in(page, staff.base_url, "hubert")
    page.wait_for_url("**/hub/home")
    page.goto(f"{staff.base_url}/hub/spawn/hubert/dr-0034")
    page.wait_for_url("**/user/hubert/dr-0034/lab/tree/templates/match_pair.ipynb**")
    expect(page.locator("#enclave-banner")).to_contain_text("only match_pair.ipynb runs here, with your numbers")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    first = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    first.get_by_text("0.9", exact=True).click()
    page.keyboard.press("Home")
    for _ in "threshold: float = ":
        page.keyboard.press("ArrowRight")
    for _ in "0.9":
        page.keyboard.press("Delete")
    page.keyboard.type(THRESHOLD)
    expect(first).to_contain_text(f"threshold: float = {THRESHOLD}")
    picture(page, "workbench-opened")
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator("#jp-mainmenu-run").get_by_text("Run All Cells", exact=True).click()
    out = staff.made.enclave.settings.runtime / "trials" / "dr-0034-hubert" / "out"
    hub_client.until((out / "crosswalk.parquet").exists, 300)
    rates = page.get_by_role("heading", name="Match rate by group")
    rates.scroll_into_view_if_needed()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    picture(page, "workbench-tried")
    assert not page.locator(".jp-OutputArea-output", has_text="Refused").count()
    tried = links_of(out / "crosswalk.parquet")

    staff.made.run("matching", "run", PROJECT, "-p", f"threshold={THRESHOLD}", who="hubert")
    with staff.made.enclave.store.view() as view:
        runs = latest(view, PROJECT)
    counted = staff.made.root / "crosswalk"
    open_crosswalk(staff.made.enclave.keystore, staff.made.enclave.settings, runs, counted)
    assert tried == links_of(counted)
    assert runs.parameters == {"threshold": float(THRESHOLD)}

    assert entered(staff) == []  # work is no attempt
    session = hub_client.login(staff.base_url, "hubert")
    attack_by_hand(staff, session)
    wanted = {"code that is not the approved notebook's", "a file that is not the approved notebook"}
    hub_client.until(lambda: wanted <= set(entered(staff)))
    hub_client.stop_server(session, staff.base_url, "hubert", "dr-0034")
    hub_client.until(lambda: "match.trial-end" in staff.made.actions())
    with staff.made.enclave.store.view() as view:
        (ended,) = view.entries(action="match.trial-end")
        assert OWN not in "".join(view.bodies())
    assert "code that is not the approved notebook's: 1" in ended["details"]["refused"]
    assert ended["details"]["shown_bytes_today"] > 0
    assert not out.exists() and not list(canary_in(staff.made.home))
