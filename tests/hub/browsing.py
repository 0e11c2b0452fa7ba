"""What the tests of this folder do in Chromium; pictures go to var/screenshots."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

PICTURES = Path(__file__).parents[2] / "var" / "screenshots"


def sign_in(page: Page, base_url: str, person: str, to: str = "/hub/home") -> None:
    """Sign in by the provider's form and go on to a page of the hub."""
    page.goto(f"{base_url}/hub/oauth_login?next={to}")
    page.fill("input[name=sub]", person)
    page.keyboard.press("Enter")


def choose_theme(page: Page, name: str) -> None:
    """Choose a theme from the lab's menu."""
    page.locator(".lm-MenuBar-item", has_text="Settings").click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-item", has_text=name).first.click()


def picture(page: Page, name: str) -> None:
    """Leave a picture of what is seen."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")
