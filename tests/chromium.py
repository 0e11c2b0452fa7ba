"""Debian's Chromium for tests: whatever is waited for in it is waited for long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from demo.hub_client import LONGEST

LONGEST_MS = 1000 * LONGEST
expect.set_options(timeout=LONGEST_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser; a page of it waits for half a minute only, unless `LONGEST_MS` is set for it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"], timeout=LONGEST_MS
        )
        yield browser
        browser.close()
