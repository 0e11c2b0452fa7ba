"""The desk of a clerical review through the real hub, glass and sandbox, in Chromium; leaves pictures.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests
import websocket
from playwright.sync_api import Page, expect

from demo import hub_client
from tests.conftest import At
from tests.hub.browsing import choose_theme, picture, sign_in
from tests.hub.conftest import hub_over
from tests.world import PROJECT, Installation

SERVER = "user/hubert/dr-0034/"
OWN = "import pandas; pandas.read_parquet('/job/inputs/SDE.parquet')"


@dataclass(frozen=True)
class Staff:
    """A running hub on an installation whose match is under review."""

    made: Installation
    base_url: str


@pytest.fixture
def staff(at: At) -> Iterator[Staff]:
    made = at("matched")
    made.run("matching", "open-review", PROJECT, who="hubert")
    with hub_over(made, "hubert") as base_url:
        yield Staff(made, base_url)


def run_all(page: Page) -> None:
    """Run the notebook as its first lines say, and sit down."""
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator("#jp-mainmenu-run").get_by_text("Run All Cells", exact=True).click()
    page.get_by_role("button", name="Begin").click()


def test_a_reviewer_judges_pairs_and_runs_nothing_else(staff: Staff, page: Page) -> None:
    sign_in(page, staff.base_url, "hubert")
    page.wait_for_url("**/hub/home")
    page.goto(f"{staff.base_url}/hub/spawn/hubert/dr-0034")
    page.wait_for_url(f"**/{SERVER}lab/tree/templates/match_review.ipynb**")
    expect(page.locator("#enclave-banner")).to_contain_text("only match_review.ipynb runs here")
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    picture(page, "desk-opened")
    run_all(page)
    told = page.locator("p[role=status]")
    expect(told).to_contain_text("Pair 1 of 200. 0 of 200 judged.")
    # The cursor is where the keys are: a reviewer never touches the mouse again.
    page.keyboard.press("m")
    expect(told).to_contain_text("1 of 200 judged")
    page.keyboard.press("n")
    expect(told).to_contain_text("2 of 200 judged")
    picture(page, "desk-light")

    page.get_by_text("Click to add a cell.").click()
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").last.click()
    page.keyboard.type(OWN)
    page.keyboard.press("Shift+Enter")
    refusal = page.locator(".jp-OutputArea-output", has_text="Refused: This cell is not part of the approved")
    expect(refusal).to_contain_text("EM VII.B.1.c")
    refusal.scroll_into_view_if_needed()
    picture(page, "desk-refused")
    choose_theme(page, "JupyterLab Dark")
    expect(page.locator("body[data-jp-theme-light=false]")).to_be_attached()
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)
    told.scroll_into_view_if_needed()
    picture(page, "desk-dark")

    # Loaded again, the page finds the kernel and what was answered: run once more, it goes on at the third pair.
    page.reload()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    run_all(page)
    expect(told).to_contain_text("Pair 3 of 200. 2 of 200 judged.")

    session = hub_client.login(staff.base_url, "hubert")
    attack_by_hand(staff, session)
    hub_client.stop_server(session, staff.base_url, "hubert", "dr-0034")
    hub_client.until(lambda: "match.review-end" in staff.made.actions())
    with staff.made.enclave.store.view() as view:
        (entry,) = view.entries(action="match.review-end")
    assert entry["details"]["answers"] == 2
    # one typed in the notebook, one sent past it
    assert "code that is not the approved notebook's: 2" in entry["details"]["refused"]
    assert len(list(staff.made.enclave.settings.sealed.rglob("*.hubert.answers"))) == 1
    assert not (staff.made.enclave.settings.runtime / "reviews" / "dr-0034-hubert").exists()


def attack_by_hand(staff: Staff, session: requests.Session) -> None:
    """Speak to the kernel and the server without JupyterLab: what it holds is not to be had."""
    server = f"{staff.base_url}/{SERVER}"
    session.get(f"{server}lab", timeout=hub_client.LONGEST)
    headers = hub_client.xsrf(session, server, f"/{SERVER}")
    (kernel,) = (found["id"] for found in session.get(f"{server}api/kernels", timeout=hub_client.LONGEST).json())
    address = f"{server}api/kernels/{kernel}/channels"
    cookies = "; ".join(f"{name}={value}" for name, value in hub_client.cookies(session, address).items())
    place, origin = address.replace("http", "ws", 1), staff.base_url
    channel = websocket.create_connection(place, cookie=cookies, origin=origin, timeout=hub_client.LONGEST)
    channel.send(json.dumps(asked(OWN)))
    received = channel.recv()
    while "execute_reply" not in received:
        received = channel.recv()
    assert '"status": "error"' in received and "EM VII.B.1.c" in received
    channel.close()
    notebook = {"type": "notebook", "format": "json", "content": {"cells": [], "nbformat": 4, "metadata": {}}}
    for method, path in (
        ("PUT", "api/contents/own.ipynb"),
        ("PUT", "api/contents/templates/match_review.ipynb"),
        ("POST", "api/kernels"),
        ("POST", "api/terminals"),
        ("GET", "files/templates/match_review.ipynb"),
    ):
        answer = session.request(
            method, f"{server}{path}", json=notebook, headers=headers, timeout=hub_client.LONGEST
        )
        assert answer.status_code == 403, path


def asked(code: str) -> dict[str, object]:
    """Write a request as any client may."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "session": "x", "version": "5.3"}
    content = {"code": code, "silent": True, "store_history": False, "user_expressions": {"x": "order.left"}}
    return {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
