"""The lab as a researcher sees it, in Chromium; leaves a picture in var/screenshots."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.hub.browsing import choose_theme, picture, sign_in
from tests.hub.conftest import Hub
from tests.probes.browser import BROWSER, answer
from tests.probes.sink import listening


def test_a_researcher_opens_the_lab(hub: Hub, page: Page) -> None:
    hub.admit("cleo")
    said: list[str] = []
    elsewhere: list[str] = []
    sign_in(page, hub.base_url, "cleo")
    page.wait_for_url("**/hub/home")
    expect(page.get_by_text("Start My Server")).to_have_count(0)
    expect(page.get_by_role("heading", name="DR-0034")).to_be_visible()
    expect(page.get_by_role("link", name="Token")).to_have_count(0)
    picture(page, "home")
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda asked: elsewhere.append(asked.url) if hub.base_url not in asked.url else None)
    page.get_by_role("button", name="Open").click()
    page.wait_for_url("**/user/cleo/dr-0034/lab**")
    banner = page.locator("#enclave-banner")
    expect(banner).to_contain_text("DR-0034 · cleo · every approved column · 141 days left, until 31 December 2099")
    start = page.locator(".jp-RenderedMarkdown")
    expect(start.get_by_role("heading", name="DR-0034 · Manufacturing / pathways")).to_be_visible()
    for told in (
        "141 days left",
        "The person ‹script›",
        "dol.Wages",
        "at least 20 individuals",
        "RQ1: Who takes part?",
    ):
        expect(start).to_contain_text(told)
    picture(page, "start-light")
    start.get_by_role("link", name="Getting started").click()
    # Run before the kernel is there, a cell is passed over without a word.
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.press("Control+A")
    # p20kit is there without being asked for.
    page.keyboard.type(
        "import duckdb; assert callable(p20kit.open_project)\n"
        "duckdb.sql(\"from '/project/data/sde.parquet' select count(*) as persons\")"
    )
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("40")
    picture(page, "lab")
    assert said == []

    page.locator(".lm-MenuBar-item", has_text="File").click()
    menu = page.locator(".lm-Menu")
    expect(menu).to_contain_text("Save Notebook")
    for closed in ("Download", "Export", "Print", "Terminal", "Open from URL"):
        expect(menu.filter(has_text=closed)).to_have_count(0)
    page.keyboard.press("Escape")
    page.locator(".lm-MenuBar-item", has_text="Help").click()
    for closed in ("Forum", "Reference", "FAQ", "Licenses"):
        expect(menu.filter(has_text=closed)).to_have_count(0)
    page.keyboard.press("Escape")

    # A cell's own script may not speak to anybody else: the browser is on a network, the sandbox is not.
    page.locator(".jp-Notebook .cm-content").last.click()
    page.keyboard.type(
        "from IPython.display import HTML\n"
        'HTML(\'<img src="http://127.0.0.1:9/leak"><b>tried</b><script>fetch("http://127.0.0.1:9/leak")</script>\')'
    )
    # the browser says so when it has refused, which may be after the words are seen
    with page.expect_console_message(lambda message: _blocked("http://127.0.0.1:9/leak", [message.text])):
        page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output b", has_text="tried")).to_be_visible()
    assert any("Content Security Policy" in text for text in said)
    assert [url for url in elsewhere if url.startswith("http") and "leak" in url and not _blocked(url, said)] == []


def test_the_lab_is_dark_where_the_browser_is_until_another_theme_is_chosen(hub: Hub, page: Page) -> None:
    hub.admit("cleo")
    page.emulate_media(color_scheme="dark")
    sign_in(page, hub.base_url, "cleo", "/hub/spawn/cleo/dr-0034")
    page.wait_for_url("**/user/cleo/dr-0034/lab**")
    expect(page.locator("body[data-jp-theme-light=false]")).to_be_attached()
    expect(page.locator(".jp-RenderedMarkdown h1")).to_be_visible()
    picture(page, "start-dark")
    choose_theme(page, "JupyterLab Light")
    expect(page.locator("body[data-jp-theme-light=true]")).to_be_attached()
    page.reload()
    expect(page.locator(".jp-RenderedMarkdown h1")).to_be_visible()
    expect(page.locator("body[data-jp-theme-light=true]")).to_be_attached()
    choose_theme(page, "JupyterLab Dark")
    expect(page.locator("body[data-jp-theme-light=false]")).to_be_attached()


def test_a_script_of_a_cell_speaks_to_nobody_else_and_saves_nothing(hub: Hub, page: Page) -> None:
    """What no page can be kept from is among the attempts, so that the threat model stays true."""
    hub.admit("cleo")
    saved: list[str] = []
    page.context.on("page", lambda opened: saved.append(opened.url))
    page.on("download", lambda download: saved.append(download.suggested_filename))
    sign_in(page, hub.base_url, "cleo", "/hub/spawn/cleo/dr-0034")
    page.wait_for_url("**/user/cleo/dr-0034/lab**")
    expect(page.locator(".jp-RenderedMarkdown h1")).to_be_visible()
    with listening() as sink:
        found = {attempt.name: answer(page, sink, attempt) for attempt in BROWSER}
    page.evaluate(
        "const a = document.createElement('a'); a.download = 'data.csv';"
        "a.href = URL.createObjectURL(new Blob(['1'])); document.body.append(a); a.click()"
    )
    assert {name for name, heard in found.items() if heard == "open"} == {
        attempt.name for attempt in BROWSER if attempt.expected == "open"
    }
    assert saved == []


def _blocked(url: str, said: list[str]) -> bool:
    return any(url in text and "Content Security Policy" in text for text in said)
