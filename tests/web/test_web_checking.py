"""What an output checker and the Data Recipient do with a request beside clearing it, each on its page."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from demo.hub_client import LONGEST
from enclave.agreement import of
from enclave.egress import Clearance, Rerun
from enclave.publication import Publication
from enclave.web import actions
from tests.attack.questions import answered, question
from tests.notebooks import CELLS, asked
from tests.web.browser import Browser, publish, served
from tests.web.keyboard import Sit
from tests.web.world import PROJECT, World

RUN, WITHOUT = "Run its notebook again", "Why its notebook is not run again; empty to run it"
COPY = "The work as it was published, 20 MB at most"
LOOKED = "the code and the labels"


@pytest.fixture(scope="module")
def with_code(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, list[str]]]:
    """Give an installation to which notebooks came: one that makes its request again, and one that does not."""
    world = built.copy(tmp_path_factory.mktemp("code") / "home")
    outbox = asked(world.enclave, "wren", PROJECT, CELLS)
    with served(world) as base:
        before = requests_of(base)
        (path,) = (each for each in outbox.glob("*/request.json") if json.loads(each.read_text("utf-8"))["notebook"])
        (outbox / "out-aaaaaaaaaaab").mkdir()
        changed = path.read_text("utf-8").replace("> 20", "> 0")
        (outbox / "out-aaaaaaaaaaab" / "request.json").write_text(changed, "utf-8")
        world.enclave.broker().release(f"{PROJECT.lower()}-wren")
        Browser(base, "wren").send("/requests/collect")
        same = path.parent.name
        (other,) = requests_of(base) - before - {same}
    yield world, [same, other]
    world.close()


def requests_of(base: str) -> set[str]:
    rows = Browser(base, "olga").of("/requests", format="json").json()["rows"]
    return {row["id"] for row in rows}


def test_a_notebook_is_run_again_from_its_requests_page(
    sit: Sit, with_code: tuple[World, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(actions, "_PATIENCE", LONGEST)  # a busy machine is not what this is about
    earlier, (same, other) = with_code
    world = earlier.copy(tmp_path / "home")
    with served(world) as base:
        olga = sit(base, "olga")
        olga.page.goto(f"{base}projects/{PROJECT}/requests/{other}")
        olga.press(RUN)
        assert olga.said() == "Run again: it left 1 requests, none of them this one."
        assert "none of them this one" in olga.page.inner_text("p.note")
        olga.page.goto(f"{base}projects/{PROJECT}/requests/{same}")
        olga.look_round()
        olga.press(RUN)
        assert olga.said() == "Run again: it made the very same request."
        assert "it made the very same request" in olga.page.inner_text("p.note")
        olga.look_round()
        olga.press("Clear and share with the agencies")
        assert "shared with" in olga.said(), "nothing is left for a person to look at"
    with world.enclave.store.view() as view:
        assert {run.request_id: run.same for run in view.find(Rerun, PROJECT)} == {same: True, other: False}
    world.close()


def test_a_notebook_that_takes_long_runs_on_without_its_page(
    with_code: tuple[World, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    earlier, (same, _) = with_code
    world = earlier.copy(tmp_path / "home")
    monkeypatch.setattr(actions, "_PATIENCE", 0)
    with served(world) as base:
        olga, page = Browser(base, "olga"), f"/requests/{same}"
        for _ in range(2):  # the second waits for the first, and runs nothing
            assert olga.send(f"{page}/rerun").status_code == 303
            assert "You may leave" in olga.of(page).text
        for each in threading.enumerate():
            if each.name == f"{same} again":
                each.join()
        assert olga.of(page, format="json").json()["again"]["same"]
    with world.enclave.store.view() as view:
        assert len(list(view.entries(action="egress.rerun"))) == 1
    world.close()


def test_it_is_cleared_without_being_run_again_for_a_reason_that_is_kept(
    with_code: tuple[World, list[str]], tmp_path: Path
):
    earlier, (_, other) = with_code
    world = earlier.copy(tmp_path / "home")
    with served(world) as base:
        olga, page = Browser(base, "olga"), f"/requests/{other}"
        assert RUN in olga.of(page).text and WITHOUT in olga.of(page).text
        assert RUN not in olga.of(f"/requests/{world.good}").text, "no notebook came with it"
        assert olga.send(f"/requests/{world.good}/rerun").status_code == 303
        assert "No notebook came with it." in olga.of(f"/requests/{world.good}").text
        assert olga.send(f"{page}/clear", without_rerun="the server is busy").status_code == 403, "nobody looked"
        answer = olga.send(f"{page}/clear", without_rerun="the server is busy", looked_at=LOOKED)
        assert answer.status_code == 303
        assert olga.of(page, format="json").json()["again"] is None
    with world.enclave.store.view() as view:
        clearance = view.get(Clearance, other)
        assert clearance is not None and view.find(Rerun, PROJECT) == []
    assert clearance.looked_at == f"{LOOKED}\nNot run again: the server is busy"
    world.close()


def test_the_recipient_files_the_copy_of_what_was_published(sit: Sit, own_pages: str, world: World, tmp_path: Path):
    sam, page = Browser(own_pages, "sam"), f"projects/{PROJECT}/requests/{world.good}"
    assert Browser(own_pages, "wes").see(page).status_code == 403, "it is not shared with the recipient yet"
    publish(own_pages, world.good)
    assert COPY not in sam.see(page).text and COPY not in Browser(own_pages, "wren").see(page).text
    assert sent(sam, page, "work.pdf", b"%PDF-1.7").json()["findings"][0]["rule"] == "party"
    wes = sit(own_pages, "wes")
    wes.page.goto(f"{own_pages}{page}")
    work = tmp_path / "work.txt"
    work.write_text("Findings.", "utf-8")
    wes.attach(COPY, work)
    assert "the acknowledgement does not stand in it" in wes.be_refused("File the copy").lower()
    with world.enclave.store.view() as view:
        (put,) = view.find(Publication, PROJECT)
        acknowledgement = of(view, PROJECT).policy.agreement.acknowledgement
    assert put.final_copy is None
    work.write_text(f"Findings. {acknowledgement}", "utf-8")
    wes.page.goto(f"{own_pages}{page}")
    wes.look_round()
    wes.attach(COPY, work)
    wes.press("File the copy")
    assert wes.said() == "The copy of the published work is filed."
    wes.look_round()
    with world.enclave.store.view() as view:
        (put,) = view.find(Publication, PROJECT)
        (*_, entry) = view.entries(action="publication.final-copy")
    assert put.final_copy is not None and entry["actor"] == "wes"
    kept = world.enclave.settings.home / "final-copies" / put.folder / put.final_copy.name
    assert kept.read_bytes() == work.read_bytes() and kept.suffix == ".txt"
    assert sent(Browser(own_pages, "olga"), page, "work.pdf", b"%PDF-1.7").status_code == 303
    assert kept.exists(), "an earlier copy stays"


def sent(browser: Browser, page: str, name: str, content: bytes) -> requests.Response:
    """Send a copy of the work as a browser does."""
    return browser.http.post(
        f"{browser.base}{page}/final-copy", data={"csrf": browser.csrf()}, params={"format": "json"}, timeout=60,
        files={"copy": (name, content)}, allow_redirects=False,
    )  # fmt: skip


def test_answers_about_closed_records_are_listed_for_who_asked_and_who_governs(own_pages: str, world: World):
    for person in ("wren", "olga", "audrey", "sam"):
        assert Browser(own_pages, person).of("/requests", format="json").json()["answered"] == []
    given = answered(world, question("ManufacturingStudent"))
    for person, seen in (("wren", True), ("olga", True), ("audrey", True), ("sam", False)):
        browser = Browser(own_pages, person)
        listed = browser.of("/requests", format="json").json()["answered"]
        assert [each["id"] for each in listed] == [given.id] * seen
        assert ("Answered about records" in browser.of("/requests").text) is seen
