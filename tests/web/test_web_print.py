"""What is signed or filed, on paper: black on white, nothing cut, no way on, its name and pages at the foot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from enclave import destruction
from enclave.publication import Publication, folder_of
from enclave.terms import Action
from tests.web.browser import Browser, publish, served
from tests.web.screens import open_page
from tests.web.world import PROJECT, World

pytestmark = pytest.mark.sqlite("how pages look on paper; that every route answers is tried on both")

PICTURES = Path("var/screenshots")
PAPER = {"A4": (210, "595", "842"), "Letter": (215.9, "612", "792")}
"""Width in millimetres; width and height in points, as a PDF has them."""
MARGINS, INCH, PIXELS = 36, 25.4, 96  # millimetres left and right together, at the most
FILED = {
    "exhibit-b": ("wren", "projects/{p}/people/wren/exhibits/b"),
    "exhibit-c": ("wren", "projects/{p}/people/wren/exhibits/c"),
    "exhibit-c-signed": ("rita", "projects/{p}/people/rita/exhibits/c/signed"),
    "agreement": ("sam", "projects/{p}"),
    "decisions": ("sam", "projects/{p}/decisions"),
    "match-report": ("sam", "projects/{p}/matching/match-01/report"),
    "matches": ("sam", "projects/{p}/matching"),
    "certificate": ("sam", "projects/{p}/destruction/{destroyed}"),
    "release": ("wren", "projects/{p}/requests/{good}"),
    "released-table": ("wren", "projects/{p}/requests/{good}/leaving/{good}_1.html"),
    "people": ("olga", "projects/{p}/people"),
    "incidents": ("olga", "incidents"),
    "ledger": ("audrey", "projects/{p}/ledger"),
    "year": ("olga", "overview/years/2022"),
    "papers": ("olga", "projects/{p}/papers"),
    "draft": ("olga", "agreements/{p}"),
    "early": ("olga", "projects/{p}/destruction/early"),
    "readme": ("wren", "file:{package}/README.html"),
}
"""Who prints what; a reader of a package opens its own page beside the files."""
_AT_WORK = "header.top, nav, form, button, .skip, body > footer a, .go"
_SEEN = """asked => {
  const wide = document.documentElement.clientWidth, shown = each => each.checkVisibility();
  const light = colour => (colour.match(/[\\d.]+/g) || []).slice(0, 3).every(part => Number(part) > 235);
  const dark = colour => (colour.match(/[\\d.]+/g) || []).slice(0, 3).every(part => Number(part) < 115);
  const texts = [...document.querySelectorAll('main *')].filter(e => shown(e) && !e.closest('svg, img')
    && [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const grounds = [document.body, ...document.querySelectorAll('main *')].filter(shown)
    .map(e => getComputedStyle(e).backgroundColor).filter(colour => colour.startsWith('rgb('));
  const rules = [...document.styleSheets].flatMap(sheet => [...sheet.cssRules]);
  return {
    cut: texts.filter(e => e.getBoundingClientRect().right > wide + 1).map(e => e.outerHTML.slice(0, 120)),
    pale: texts.filter(e => !dark(getComputedStyle(e).color)).map(e => e.outerHTML.slice(0, 120)),
    ground: grounds.filter(colour => !light(colour)),
    left: [...document.querySelectorAll(asked)].filter(shown).map(e => e.outerHTML.slice(0, 120)),
    folded: [...document.querySelectorAll('details')]
      .filter(e => shown(e) && ![...e.children].slice(-1).every(shown)).map(e => e.outerHTML.slice(0, 120)),
    heads: [...document.querySelectorAll('thead')]
      .filter(e => getComputedStyle(e).display !== 'table-header-group').length,
    headings: [...document.querySelectorAll('main h2, main h3, main caption')].filter(shown)
      .filter(e => getComputedStyle(e).breakAfter !== 'avoid').map(e => e.outerHTML.slice(0, 120)),
    foot: rules.filter(rule => rule instanceof CSSPageRule).map(rule => rule.cssText).join(' '),
    named: document.body.innerText,
  };
}"""


@pytest.fixture(scope="module")
def filed(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Give an installation in which a release is published and match data are destroyed; and where that stands."""
    world = built.copy(tmp_path_factory.mktemp("print") / "home")
    with served(world) as base:
        publish(base, world.good)
        rita = Browser(base, "rita")
        shown = rita.of("/exhibits", format="json").json()["exhibits"][1]["shown"]
        assert rita.send("/exhibits/c/sign", name="Rita Invented", shown=shown).status_code == 303
        enclave = world.enclave
        destruction.destroy_match_data(
            enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.DESTROY)
        )
        with enclave.store.view() as view:
            (done,) = view.find(destruction.Destruction, PROJECT)
            (package,) = (folder_of(enclave.settings, each) for each in view.find(Publication))
        yield base, {"p": PROJECT, "good": world.good, "destroyed": done.name, "package": str(package)}
    world.close()


@pytest.mark.parametrize("name", FILED)
def test_what_is_signed_or_filed_prints_well_from_a_dark_screen(
    chromium: Chromium, filed: tuple[str, dict[str, str]], name: str
):
    base, where = filed
    person, path = FILED[name]
    page, _ = open_page(chromium, base, person, "dark", as_they_are=False)
    address = path.format(**where)
    answer = page.goto(address if address.startswith("file:") else base + address)
    assert answer is not None and answer.ok
    for paper, (width, *_) in PAPER.items():
        seen = _laid_out(page, int((width - MARGINS) / INCH * PIXELS))
        for fault in ("cut", "pale", "ground", "left", "folded", "headings"):
            assert seen[fault] == [], (name, paper, fault, seen[fault])
        assert seen["heads"] == 0 and "counter(page)" in seen["foot"], (name, paper)
        if path.startswith("projects") and "/leaving/" not in path:
            assert PROJECT in seen["named"] + page.title(), name
        if name == "match-report":
            assert f"{PROJECT} match-01" in seen["foot"], "each sheet says of which project and run it is"
    _printed(page, name)
    page.context.close()


def _laid_out(page: Page, pixels: int) -> dict[str, object]:
    """Lay a page out as wide as paper leaves room for."""
    page.set_viewport_size({"width": pixels, "height": 1000})
    page.emulate_media(media="print")
    seen: dict[str, object] = page.evaluate(_SEEN, _AT_WORK)
    return seen


def _printed(page: Page, name: str) -> None:
    """Print to both papers; the files are for who looks at them."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for paper, (_, wide, high) in PAPER.items():
        made = page.pdf(path=PICTURES / f"print-{name}-{paper}.pdf", format=paper)
        boxes = re.findall(rb"/MediaBox \[0 0 (\d+)[\d.]* (\d+)[\d.]*\]", made)
        assert set(boxes) == {(wide.encode(), high.encode())}, (name, boxes)
