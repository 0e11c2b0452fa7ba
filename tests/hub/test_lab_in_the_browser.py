"""The lab as a researcher sees it, in Chromium; leaves a picture in var/screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.hub.conftest import Hub

# Waiting ends as soon as the thing is there; a busy machine only makes it later.
expect.set_options(timeout=60_000)
PICTURES = Path(__file__).parents[2] / "var" / "screenshots"


@pytest.fixture
def page(hub: Hub) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        found = browser.new_page(viewport={"width": 1400, "height": 860})
        found.set_default_timeout(60_000)
        yield found
        browser.close()


def test_a_researcher_opens_the_lab(hub: Hub, page: Page) -> None:
    hub.admit("ana")
    said: list[str] = []
    elsewhere: list[str] = []
    page.goto(f"{hub.base_url}/hub/oauth_login?next=/hub/home")
    page.fill("input[name=sub]", "ana")
    page.keyboard.press("Enter")
    page.wait_for_url("**/hub/home")
    expect(page.get_by_text("Start My Server")).to_have_count(0)
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: elsewhere.append(asked.url) if hub.base_url not in asked.url else None)
    page.goto(f"{hub.base_url}/hub/spawn/ana/dr-0034")
    page.wait_for_url("**/user/ana/dr-0034/lab**")
    expect(page.locator("#enclave-banner")).to_contain_text("DR-0034 · ana · access until")

    page.get_by_text("templates").first.dblclick()
    page.get_by_text("getting_started.ipynb").first.dblclick()
    # Run before the kernel is there, a cell is passed over without a word.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+A")
    page.keyboard.type("import duckdb\nduckdb.sql(\"from '/project/data/sde.parquet' select count(*) as persons\")")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("40")
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / "lab.png")
    assert said == []

    page.locator(".lm-MenuBar-item", has_text="File").click()
    menu = page.locator(".lm-Menu")
    expect(menu).to_contain_text("Save Notebook")
    for closed in ("Download", "Export", "Print", "Terminal", "Open from URL"):
        expect(menu.filter(has_text=closed)).to_have_count(0)
    page.keyboard.press("Escape")

    # A cell's own script may not speak to anybody else: the browser is on a network, the sandbox is not.
    page.locator(".jp-Notebook .cm-content").last.click()
    page.keyboard.type(
        "from IPython.display import HTML\n"
        'HTML(\'<img src="http://127.0.0.1:9/leak"><b>tried</b><script>fetch("http://127.0.0.1:9/leak")</script>\')'
    )
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output b", has_text="tried")).to_be_visible()
    assert any("Content Security Policy" in text for text in said)
    assert [url for url in elsewhere if url.startswith("http") and "leak" in url and not _blocked(url, said)] == []


def _blocked(url: str, said: list[str]) -> bool:
    return any(url in text and "Content Security Policy" in text for text in said)
