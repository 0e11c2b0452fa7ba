"""What a researcher reads when a day's bytes are used up, in Chromium; leaves a picture."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.hub.browsing import picture, sign_in
from tests.hub.conftest import running_hub

DAY_BYTES = 2 * 1024**2
TOO_MUCH = (
    "from IPython.display import HTML\nfor n in range(8): display(HTML(f'<b>part {n}</b><i hidden>' + 'x' * 300_000))"
)


def test_who_has_seen_a_days_bytes_reads_so_under_the_cell(provider: str, page: Page) -> None:
    with running_hub(provider, daily_bytes=DAY_BYTES) as hub:
        hub.admit("ana")
        sign_in(page, hub.base_url, "ana", "/hub/spawn/ana/dr-0034")
        page.wait_for_url("**/user/ana/dr-0034/lab**")
        page.locator(".jp-RenderedMarkdown").get_by_role("link", name="Getting started").click()
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
        page.locator(".jp-Notebook .cm-content").first.click()
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(TOO_MUCH)
        page.keyboard.press("Shift+Enter")
        shown = page.locator(".jp-OutputArea-output")
        expect(shown.first).to_contain_text("part 0")
        notice = page.locator(".jp-OutputArea-output", has_text="The enclave has shown")
        expect(notice).to_have_count(1)
        for told in ("the limit is 2 MB a day", "Your code keeps running", "Show less at a time"):
            expect(notice).to_contain_text(told)
        # The cell has ended for the notebook too, and nothing past the limit has come.
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
        expect(shown.filter(has_text="part 7")).to_have_count(0)
        notice.scroll_into_view_if_needed()
        picture(page, "day-used-up")
