"""Take the README's pictures from the running thing: home page, lab in its sandbox, the gate's verdict."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from demo.cast import CHECKER, PROJECT, RESEARCHER
from demo.stage import Hub

CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-gpu"]}
SIZE = {"width": 1360, "height": 850}


def take(hub: Hub, refused: str, folder: Path) -> list[Path]:
    """Take every picture into `folder`.

    Parameters
    ----------
    refused : str
        Id of a request the gate refuses; its page shows every cell marked.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        researcher = browser.new_context(viewport=SIZE, device_scale_factor=1).new_page()
        _sign_in(researcher, hub, RESEARCHER.id)
        taken = [_shoot(researcher, folder / "home.png"), _lab(researcher, hub, folder / "lab.png")]
        checker = browser.new_context(viewport={"width": 1280, "height": 1300}, device_scale_factor=1).new_page()
        _sign_in(checker, hub, CHECKER.id)
        checker.goto(f"{hub.pages}projects/{PROJECT}/requests/{refused}")
        taken.append(_shoot(checker, folder / "gate.png"))
        browser.close()
    return taken


def _sign_in(page: Page, hub: Hub, person: str) -> None:
    page.goto(hub.pages)
    page.locator("input[name=sub]").fill(person)
    page.locator("form button, form input[type=submit]").first.click()
    page.wait_for_url(f"{hub.pages}**")


def _lab(page: Page, hub: Hub, path: Path) -> Path:
    """Open getting_started in the lab and run it to the first protected table."""
    page.goto(f"{hub.url}/user/{RESEARCHER.id}/{PROJECT.lower()}/lab/tree/templates/getting_started.ipynb")
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=90_000)
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea-output").get_by_text("is in the outbox.").wait_for(timeout=120_000)
    page.locator(".jp-Notebook").get_by_role("heading", name="4. See what stays hidden").evaluate(
        "heading => heading.scrollIntoView({block: 'start'})"
    )
    return _shoot(page, path)


def _shoot(page: Page, path: Path) -> Path:
    page.wait_for_load_state("networkidle")
    time.sleep(1)  # fonts and fades
    page.screenshot(path=path)
    return path
