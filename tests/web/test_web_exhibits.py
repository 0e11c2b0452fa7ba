"""Exhibits B and C on the pages: each person signs for themselves; what was signed on paper comes with its scan.

Source: ExB; ExC; DSA VI.E; DSA III.F.1.
"""

from __future__ import annotations

import hashlib
from typing import Any

from enclave import people
from enclave.people import Listing, Person
from enclave.terms import Action, Role
from tests.web.browser import Browser
from tests.web.keyboard import Sit
from tests.web.test_web_papers import DAY, SCAN
from tests.web.world import PROJECT, World


def mine(browser: Browser, letter: str) -> dict[str, Any]:
    """Give what the page of one's exhibits says of one."""
    found: dict[str, Any]
    (found,) = [e for e in browser.of("/exhibits", format="json").json()["exhibits"] if e["letter"] == letter]
    return found


def hand_in(browser: Browser, person: str, letter: str, day: str = DAY, document: bytes = SCAN) -> int:
    """Record an exhibit signed on paper."""
    return browser.http.post(
        f"{browser.base}projects/{PROJECT}/people/{person}/exhibits/{letter}/record", timeout=60,
        data={"csrf": browser.csrf(), "signed_on": day}, files={"document": ("scan.pdf", document)},
        allow_redirects=False,
    ).status_code  # fmt: skip


def against(world: World, person: str) -> set[str]:
    with world.enclave.store.view() as view:
        return {each.rule for each in people.reasons_against(view, person, Action.ANALYSE, PROJECT)}


def entries(world: World, action: str) -> list[dict[str, Any]]:
    with world.enclave.store.view() as view:
        return [*view.entries(action=action)]


def test_a_person_reads_and_signs_with_the_keyboard_and_prints_what_they_signed(
    sit: Sit, own_pages: str, world: World
):  # fmt: skip
    rita = sit(own_pages, "rita")
    assert "B and C wait for your signature" in rita.page.inner_text("main")
    rita.go("Exhibits B and C")
    rita.look_round()
    for letter in "BC":
        rita.write(f"Your full name, for Exhibit {letter}", "Rita Invented")
        rita.press(f"Sign Exhibit {letter}")
        assert rita.said().startswith(f"You signed Exhibit {letter} on {DAY}")
    rita.look_round()
    assert "valid until 11 Apr 2023" in rita.page.inner_text("main")
    rita.go("Print Exhibit C as you signed it")
    printed = rita.page.inner_text("main")
    assert "Rita Invented (rita), typing this name in the browser" in printed
    assert mine(Browser(own_pages, "rita"), "C")["sha256"] in printed
    assert not {"exhibit-b", "exhibit-c"} & against(world, "rita")


def test_the_entry_holds_the_digest_of_exactly_what_was_shown(own_pages: str, world: World):
    rita, olga = Browser(own_pages, "rita"), Browser(own_pages, "olga")
    shown = mine(rita, "C")
    assert hashlib.sha256(shown["words"].encode()).hexdigest() == shown["shown"]
    assert shown["words"] in rita.of("/exhibits").text
    assert rita.send("/exhibits/c/sign", name="Rita Invented", shown=shown["shown"]).status_code == 303
    (entry,) = [each for each in entries(world, "people.exhibit-c") if each["actor"] == "rita"]
    assert entry["object"] == "rita" and entry["details"]["sha256"] == shown["shown"]
    signed = rita.of("/people/rita/exhibits/c/signed")
    assert shown["words"] in signed.text and shown["shown"] in signed.text
    assert signed.headers["content-security-policy"].endswith("sandbox")
    (row,) = [each for each in olga.of("/people", format="json").json()["rows"] if each["id"] == "rita"]
    assert row["signed"] == {"B": None, "C": {"on": str(DAY), "how": "in the browser"}} and row["unsigned"] == ["B"]
    assert "Exhibit B waits for the signature of Rita Invented." in olga.of("/people").text
    assert olga.of("/people/rita/exhibits/c/signed").text == signed.text


def test_nobody_signs_for_another_nor_by_another_name(own_pages: str, world: World):
    rita, shown = Browser(own_pages, "rita"), mine(Browser(own_pages, "rita"), "C")["shown"]
    for person in ("wren", "olga", "sam", "nora"):
        browser = Browser(own_pages, person)
        assert browser.send("/exhibits/c/sign", name="Rita Invented", shown=shown).status_code == 403, person
        assert browser.send("/people/rita/exhibits/c/sign", name="Rita Invented", shown=shown).status_code == 404
    there = {*(world.enclave.settings.sealed / "papers").iterdir()}
    refused = rita.send("/exhibits/c/sign", name="Wren Invented", shown=shown)
    assert refused.status_code == 422 and "printed name" in refused.text
    assert rita.send("/exhibits/d/sign", name="Rita Invented", shown=shown).status_code == 404
    assert mine(rita, "C")["waits"] and "exhibit-c" in against(world, "rita")
    assert {*(world.enclave.settings.sealed / "papers").iterdir()} == there, "nothing is sealed for nothing"
    for person, status in (("wren", 403), ("sam", 403), ("audrey", 404), ("rita", 404)):
        assert Browser(own_pages, person).of("/people/rita/exhibits/c/signed").status_code == status, person


def test_words_that_changed_since_they_were_shown_are_refused_and_shown_again(own_pages: str, world: World):
    rita, shown = Browser(own_pages, "rita"), mine(Browser(own_pages, "rita"), "B")["shown"]
    nell = Person("nell", "Nell Invented", "Staff", "WestEd", "nell@example.org", "555-0100", False)
    with world.enclave.store.transaction() as tx:
        people.enlist(tx, nell, Listing("nell", PROJECT, Role.RESEARCHER, "2.g"), "olga")
    refused = rita.send("/exhibits/b/sign", name="Rita Invented", shown=shown)
    assert refused.status_code == 403 and "open the page again" in refused.text
    assert not [each for each in entries(world, "people.exhibit-b") if each["object"] == "rita"]
    again = mine(rita, "B")
    assert "Nell Invented" in again["words"] and again["shown"] != shown
    assert rita.send("/exhibits/b/sign", name="Rita Invented", shown=again["shown"]).status_code == 303


def test_what_was_signed_on_paper_is_recorded_with_its_scan_by_the_operating_group(own_pages: str, world: World):
    olga, rita = Browser(own_pages, "olga"), Browser(own_pages, "rita")
    there = {*(world.enclave.settings.sealed / "papers").iterdir()}
    for person in ("rita", "wren", "sam", "hubert", "audrey", "nora"):
        assert hand_in(Browser(own_pages, person), "rita", "c") == 403, person
    assert {*(world.enclave.settings.sealed / "papers").iterdir()} == there
    assert hand_in(olga, "olga", "c") == 403, "nobody records a paper of themselves"
    assert hand_in(olga, "rita", "c", "2022-04-12") == hand_in(olga, "rita", "c", DAY, b"") == 422
    assert "exhibit-c" in against(world, "rita") and mine(rita, "C")["waits"]
    assert hand_in(olga, "rita", "c", "2022-04-01") == 303
    found, digest = mine(rita, "C"), hashlib.sha256(SCAN).hexdigest()
    assert (found["how"], found["signed_on"], found["until"]) == ("paper", "2022-04-01", "2023-04-01")
    assert found["sha256"] == digest and rita.of("/people/rita/exhibits/c/signed").content == SCAN
    (entry,) = [each for each in entries(world, "people.exhibit-c") if each["object"] == "rita"]
    assert (entry["actor"], entry["details"]["sha256"], entry["details"]["how"]) == ("olga", digest, "paper")
    assert "exhibit-c" not in against(world, "rita")
    kept = [each for each in olga.of("/papers", format="json").json()["people"] if each["about"] == "rita"]
    assert [each["kind"] for each in kept if each["stands"]] == ["exhibit-c-signed"]
    added = olga.http.post(
        f"{olga.base}projects/{PROJECT}/papers/add", timeout=60, files={"document": ("scan.pdf", SCAN)},
        data={"csrf": olga.csrf(), "kind": "exhibit-b-signed", "about": "rita", "since": DAY, "status": "paper"},
    )  # fmt: skip
    assert added.status_code == 404, "it is not added as a mere paper"
