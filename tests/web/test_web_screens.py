"""Every page in a real browser, light and dark: it loads nothing it may not, fits its window, and is pictured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium

from enclave import board, controls, destruction, incidents, people
from enclave.incidents import Act, Breach, CaseKind, Status
from enclave.review import Statement
from enclave.terms import Action
from tests.attack.questions import answered, question
from tests.parties import representative
from tests.web.browser import Browser, served
from tests.web.screens import barriers, open_page
from tests.web.world import PROJECT, World

pytestmark = pytest.mark.sqlite("how pages look in a browser; that every route answers is tried on both")

PICTURES = Path("var/screenshots")
NARROW = 360  # pixels: a small telephone
AT, DAY = datetime(2022, 4, 12, 14, tzinfo=UTC), timedelta(days=1)
VIEWS = (
    ("wren", "home", ""), ("wren", "project", "projects/{p}"), ("wren", "requests", "projects/{p}/requests"),
    ("wren", "refused-request", "projects/{p}/requests/{bad}"), ("wren", "not-yours", "projects/{p}/ledger"),
    ("rita", "home", ""), ("rita", "exhibits", "projects/{p}/exhibits"), ("nora", "home", ""),
    ("olga", "home", ""), ("olga", "overview", "overview"), ("olga", "people", "projects/{p}/people"),
    ("sam", "agency", "agency"), ("dora", "programme", "programme"), ("sam", "messages", "messages"),
    ("nora", "messages", "messages"),
    ("olga", "incidents", "incidents"), ("sam", "suspension", "agency/SDE/suspension"),
    ("sam", "asking", "projects/{p}/decisions/ask"), ("dora", "suspension", "agency/DOL/suspension"),
    ("wes", "asking", "projects/{p}/decisions/ask"), ("sam", "decisions", "projects/{p}/decisions"),
    ("sam", "people", "projects/{p}/people"), ("olga", "queue", "projects/{p}/requests"),
    ("olga", "request", "projects/{p}/requests/{good}"),
    ("olga", "unsafe-request", "projects/{p}/requests/{bad}"), ("olga", "ledger", "projects/{p}/ledger"),
    ("audrey", "search", "projects/{p}/ledger?what=people#entries"), ("sam", "programme-ledger", "ledger"),
    ("olga", "destruction", "projects/{p}/destruction"), ("olga", "papers", "projects/{p}/papers"),
    ("olga", "early", "projects/{p}/destruction/early"), ("olga", "agreements", "agreements"),
    ("olga", "draft", "agreements/DR-0101"), ("olga", "open-data", "open-data"), ("olga", "programme", "programme"),
    ("sam", "request", "projects/{p}/requests/{good}"), ("sam", "matches", "projects/{p}/matching"),
    ("hubert", "intake", "projects/{p}/intake"), ("hubert", "report", "projects/{p}/matching/match-01/report"),
    ("hubert", "running", "projects/{p}/matching/run"),
    ("audrey", "destruction", "projects/{p}/destruction"), ("audrey", "controls", "controls"),
)  # fmt: skip


@pytest.fixture(scope="module")
def lived_in(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, World]]:
    """Give an installation with a request in review, one refused, an answer, and match data destroyed."""
    world = built.copy(tmp_path_factory.mktemp("screens") / "home")
    with served(world) as base:
        olga, sam = Browser(base, "olga"), Browser(base, "sam")
        olga.send(f"/requests/{world.good}/clear")
        olga.send(f"/requests/{world.unsafe}/clear")
        digest = sam.of(f"/requests/{world.good}", format="json").json()["case"]["digest"]
        ticked = [str(s) for s in list(Statement)[:2]]
        assert sam.send(f"/requests/{world.good}/confirm", digest=digest, statement=ticked).status_code == 303
        enclave = world.enclave
        destruction.destroy_match_data(
            enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.DESTROY)
        )
        with enclave.store.transaction() as tx:
            asks = world.admission(representative("DOL"), Action.DECIDE)
            board.continue_until(tx, asks, date(2022, 12, 30), "The wage records of the last cohort come in October")
            dol = enclave.today() + timedelta(days=2)
            incidents.suspend_agency(tx, "DOL", "dora", dol, "Our own audit is under way.", dol)
            now = datetime.now(UTC)
            incidents.open_case(tx, CaseKind.PROBLEM, PROJECT, "A page with tables lay open.", now, now, "wren")
            then = now - timedelta(days=2)
            incidents.open_case(
                tx, CaseKind.FOIA, PROJECT, "A newspaper asks for the match rates.", then, now, "olga"
            )
            incidents.take_step(tx, "foia-001", "Told the agencies.", now, "olga")
            eight = Breach(
                "A report lay in a printer.", "researcher", "paper", ("SDE",), 1, "It was shredded.",
                Status.INVESTIGATION, "Printing needs a second person.",
            )  # fmt: skip
            notice = incidents.report_breach(tx, PROJECT, eight, then, now, "olga")
            incidents.affects(tx, notice.key, "WESTED", "Its own printer was the one.", then, now, "olga")
            complaint = incidents.complain(tx, "SDE", "Printed files lay open in a corridor.", AT, AT, "olga")
            for what, text in ((Act.MET, "The board met."), (Act.PUT, "The room has no lock.")):
                incidents.act(tx, complaint.key, what, text, AT, "olga")
            incidents.announce(tx, "DOL-HUB", "The lab stops for two hours on Saturday.", AT + DAY, AT, "hubert")
            people.except_from(tx, "DOL", "EM XV.D", "Signatures from June on.", date(2022, 6, 1), "olga")
        answered(world, question("ManufacturingStudent"))
        with enclave.store.view() as view:
            parts = (enclave.settings, enclave.store, view, enclave.keystore, enclave.ledger_key)
            seen = controls.look(controls.Installed(*parts))
        with enclave.store.transaction() as tx:
            found = controls.standings(controls.read_catalogue(enclave.settings.policies), seen)
            controls.keep(tx, found, "operator")
        enclave.go_round()
        world.on(date(2022, 4, 14))
        yield base, world
    world.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_well_and_pictured(chromium: Chromium, lived_in: tuple[str, World], scheme: str):
    base, world = lived_in
    PICTURES.mkdir(parents=True, exist_ok=True)
    for person in dict.fromkeys(view[0] for view in VIEWS):
        page, complaints = open_page(chromium, base, person, scheme)
        for name, path in ((name, path) for who, name, path in VIEWS if who == person):
            answer = page.goto(base + path.format(p=PROJECT, good=world.good, bad=world.unsafe))
            assert answer is not None and answer.status in {200, 403}
            said = [c for c in complaints if not (answer.status == 403 and "403" in c)]
            assert not said, (person, name, said)
            complaints.clear()
            if name != "report":  # a document runs no script, and axe is one
                assert barriers(page) == [], (person, name)
                assert page.title().endswith("P20 WIN enclave") and page.locator("h1").count() == 1
            long = {"ledger", "report", "project", "intake"}
            page.screenshot(path=PICTURES / f"web-{person}-{name}-{scheme}.png", full_page=name not in long)
        page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_documents_to_read_and_sign_have_no_barrier(chromium: Chromium, lived_in: tuple[str, World], scheme: str):
    base, world = lived_in
    page, _ = open_page(chromium, base, "sam", scheme, as_they_are=False)
    with world.enclave.store.view() as view:
        (done,) = view.find(destruction.Destruction, PROJECT)
    for path in ("matching/match-01/report", f"destruction/{done.name}"):
        page.goto(f"{base}projects/{PROJECT}/{path}")
        assert barriers(page) == [], path
    page.context.close()


def test_pages_fit_a_narrow_window(chromium: Chromium, lived_in: tuple[str, World]):
    base, world = lived_in
    for person in dict.fromkeys(view[0] for view in VIEWS):
        page, _ = open_page(chromium, base, person, "light", width=NARROW)
        for name, path in ((name, path) for who, name, path in VIEWS if who == person and name != "report"):
            answer = page.goto(base + path.format(p=PROJECT, good=world.good, bad=world.unsafe))
            assert answer is not None and answer.status in {200, 403}, (person, name)
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= NARROW, (person, name)
            assert barriers(page) == [], (person, name)
            page.screenshot(path=PICTURES / f"web-{person}-{name}-narrow.png")
        page.context.close()


def test_the_drawing_of_the_data_flow_keeps_its_letters_legible_on_a_small_telephone(
    chromium: Chromium, lived_in: tuple[str, World]
):  # fmt: skip
    page, _ = open_page(chromium, lived_in[0], "sam", "light", width=NARROW)
    page.goto(f"{lived_in[0]}projects/{PROJECT}#flow")
    drawing = page.get_by_role("region", name="How the data flow")
    high = drawing.locator("svg text").first.evaluate("text => text.getBoundingClientRect().height")
    assert high >= 11 and drawing.evaluate("each => each.scrollWidth > each.clientWidth && each.tabIndex === 0")
    page.context.close()
