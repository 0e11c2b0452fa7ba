"""A person at a page with a keyboard and no mouse: what they cannot reach, or cannot see that they reached, fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator

from tests.web.screens import barriers, open_page

_MOST = 400
_FOCUSED = "nodes => nodes.includes(document.activeElement)"
_SEEN = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return { words: at.outerHTML.slice(0, 160), none: at === document.body,
    ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0
            && box.left < innerWidth };
}"""
_CONTROLS = """() => [...document.querySelectorAll(
  'a[href], button:enabled, input:enabled:not([type=hidden]), select, textarea, summary, [tabindex="0"]'
)].filter(each => each.checkVisibility()).map((each, number) => {
  const group = each.type === 'radio' ? each.form.action + each.name : number;
  each.dataset.stop = group;
  return String(group);
})"""
# The page is looked at as it stands: loaded again, it might be another one.
_TO_THE_TOP = """() => {
  const top = document.createElement('span');
  top.tabIndex = -1;
  document.body.prepend(top);
  top.focus();
  top.remove();
}"""
_STOP = "() => document.activeElement.dataset.stop ?? ''"


class Keyboard:
    """One person at the pages, from the sign-in on."""

    def __init__(self, chromium: Chromium, base: str, person: str) -> None:
        self.page, self.complaints = open_page(chromium, base, person, "light")
        self.person = person
        # Listened for from the start: a page listened to only as the key is pressed may open the browser's own list.
        self.page.on("filechooser", lambda chooser: None)

    def to(self, role: Any, name: str, *, back: bool = False) -> Locator:
        """Go by Tab, or back by Shift+Tab, until the control of this role and name has the focus."""
        return self._tab(self.page.get_by_role(role, name=name, exact=True), f"{role} {name!r}", back=back)

    def _tab(self, wanted: Locator, words: str, *, back: bool = False) -> Locator:
        for _ in range(_MOST):
            if wanted.evaluate_all(_FOCUSED):
                self._see()
                return wanted
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{self.person} never gets to {words} of {self.page.url}")

    def go(self, name: str, *, role: Any = "link") -> None:
        """Follow a link, or press a button, and wait for the page it leads to."""
        self.to(role, name)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")
        assert self.complaints == [], (self.person, self.page.url, self.complaints)

    def press(self, name: str) -> None:
        """Press a button that sends a form."""
        self.go(name, role="button")

    def be_refused(self, name: str) -> str:
        """Press a button that sends a form which is refused; give what the page says."""
        self.to("button", name)
        # the browser says so too, which may be after the page is there
        with self.page.expect_console_message(), self.page.expect_navigation() as answer:
            self.page.keyboard.press("Enter")
        assert answer.value is not None and answer.value.status == 403
        self.complaints.clear()
        return self.page.inner_text("main")

    def unfold(self, name: str) -> None:
        """Open what is folded away under a heading."""
        summary = self.page.locator("summary").filter(has_text=re.compile(f"^{re.escape(name)}$"))
        self._tab(summary, f"what {name!r} folds away")
        self.page.keyboard.press("Enter")

    def write(self, name: str, text: str, role: Any = "textbox") -> None:
        """Type into a field, over what stands in it."""
        self.to(role, name)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def attach(self, name: str, document: Path) -> None:
        """Choose a file for a field, by the key that opens the browser's list of files."""
        self._tab(self.page.get_by_label(name, exact=True), f"file {name!r}")
        with self.page.expect_file_chooser() as chooser:
            self.page.keyboard.press("Space")
        chooser.value.set_files(document)

    def tick(self, name: str) -> None:
        """Tick a box with the space bar."""
        box = self.to("checkbox", name)
        self.page.keyboard.press("Space")
        assert box.is_checked(), name

    def choose(self, first: str, name: str) -> None:
        """Choose among radio buttons with the arrows; Tab gets to the first of them while none is chosen."""
        self.to("radio", first)
        self.page.keyboard.press("Space")
        wanted = self.page.get_by_role("radio", name=name, exact=True)
        for _ in range(10):
            if wanted.evaluate_all(_FOCUSED):
                break
            self.page.keyboard.press("ArrowDown")
        self._see()
        assert wanted.is_checked(), name

    def pick(self, name: str, option: str) -> None:
        """Pick from a list by typing what the option begins with."""
        box = self.to("combobox", name)
        self.page.keyboard.type(option)
        assert box.evaluate("box => box.selectedOptions[0].textContent").startswith(option)

    def said(self) -> str:
        """Give what the page says was done."""
        return self.page.get_by_role("status").inner_text()

    def look_round(self) -> None:
        """See that Tab gets to every control of the page and out at its end, and that axe finds no barrier."""
        found = barriers(self.page)
        assert not found, (self.person, self.page.url, found)
        self.page.evaluate(_TO_THE_TOP)
        wanted = set(self.page.evaluate(_CONTROLS))
        reached: list[str] = []
        while len(reached) < _MOST:
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(_STOP)
            if not stop:
                break
            reached.append(stop)
            self._see()
        assert len(reached) < _MOST, f"{self.person} is trapped on {self.page.url}"
        assert wanted <= set(reached), (self.page.url, len(wanted - set(reached)))

    def leave(self) -> None:
        """Close the browser."""
        self.page.context.close()

    def _see(self) -> None:
        seen = self.page.evaluate(_SEEN)
        assert not seen["none"] and seen["ringed"] and seen["inside"], (self.person, self.page.url, seen)


Sit = Callable[[str, str], Keyboard]
"""Seats a person at the pages of an installation: their address, and who it is."""
