"""Pages in Debian's Chromium: who is signed in, what the browser complains of, what keeps somebody out."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.chromium import LONGEST_MS


def open_page(
    chromium: Chromium, base: str, person: str, scheme: str, width: int = 1280, *, as_they_are: bool = True
) -> tuple[Page, list[str]]:
    """Sign a person in; give the page, and the list that fills with what the browser complains of.

    Not `as_they_are`, documents may run a script: ours, that looks for barriers in them.
    """
    size = {"width": width, "height": 900}
    context = chromium.new_context(color_scheme=scheme, viewport=size, bypass_csp=not as_they_are)  # type: ignore[arg-type]
    context.set_default_timeout(LONGEST_MS)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith(base.split("/services")[0]) or asked.url.startswith("data:")
            else complaints.append(asked.url)
        ),
    )
    page.goto(f"{base}login?as={person}")
    return page, complaints


def barriers(page: Page) -> list[tuple[str, str]]:
    """Give what axe finds against WCAG 2.2 AA, Section 508 and good practice: the rule, and where."""
    asked = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}  # 2.2 AA, off by default
    found = Axe().run(page, options=asked).response["violations"]
    return [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]]
