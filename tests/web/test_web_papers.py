"""The page of a project's papers: what is missing, what is handed in, who signs, who is designated."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from enclave import agreement, people
from enclave.papers import Paper
from enclave.people import Listing, Person
from enclave.terms import Role
from tests.parties import NEWCOMER, ask, let_join, representative, say_yes
from tests.web.browser import Browser, served
from tests.web.keyboard import Sit
from tests.web.world import PROJECT, World

OTHER = "DR-0101"
SCAN = b"%PDF-1.7\r\n\r\n--not-the-boundary\r\n\x00\xff\r\n"
DAY = "2022-04-11"


def hand_in(browser: Browser, path: str, document: bytes = SCAN, project: str = PROJECT, **fields: str) -> int:
    """Send a form as a browser does that has a file for it."""
    answer = browser.http.post(
        f"{browser.base}projects/{project}/papers/{path}", data={"csrf": browser.csrf(), **fields}, timeout=60,
        files={"document": ("Unterschrift für Straße.pdf", document, "application/pdf")}, allow_redirects=False,
    )  # fmt: skip
    return answer.status_code


def filed(browser: Browser, kind: str, about: str = "", project: str = PROJECT) -> dict[str, object]:
    """Give what the page says of a paper."""
    model = browser.see(f"projects/{project}/papers", format="json").json()
    found: dict[str, object]
    (found,) = [
        each for each in model["agreement"] + model["people"] if (each["kind"], each["about"]) == (kind, about)
    ]
    return found


def newest(browser: Browser, kind: str, about: str = "", project: str = PROJECT) -> dict[str, object]:
    version: dict[str, object] = filed(browser, kind, about, project)["versions"][0]  # type: ignore[index]
    return version


def test_what_is_missing_is_said_and_a_paper_stands_when_it_says_all_it_must(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert not filed(olga, "agreement")["versions"] and "missing" in olga.of("/papers").text
    assert hand_in(olga, "add", kind="agreement", since=DAY) == 303 and filed(olga, "agreement")["stands"]
    assert hand_in(olga, "add", kind="exhibit-a", since=DAY) == 303
    added = newest(olga, "exhibit-a")
    assert "12 of its 12 items are not ticked" in olga.of("/papers").text
    tick = f"/papers/{added['id']}/tick"
    assert olga.send(tick).status_code == olga.send(tick, item="shoes").status_code == 422
    assert olga.send(tick, item=["purpose", "review"]).status_code == 303
    assert set(added["open"]) - set(newest(olga, "exhibit-a")["open"]) == {"purpose", "review"}  # type: ignore[call-overload]
    assert olga.send(f"/papers/{added['id']}/withdraw").status_code == 303
    assert not filed(olga, "exhibit-a")["stands"], "what came before does not stand again"
    assert olga.send(tick, item="locked").status_code == 403


def test_a_document_comes_back_as_it_was_and_goes_to_the_group_and_auditors_alone(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert hand_in(olga, "add", kind="agreement", since=DAY) == 303
    kept = newest(olga, "agreement")
    for person in ("olga", "audrey"):
        answer = Browser(own_pages, person).of(f"/papers/{kept['id']}")
        assert answer.content == SCAN and "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["content-disposition"] == f'attachment; filename="agreement-{PROJECT}-001.pdf"'
    for person in ("sam", "wren", "hubert", "nora"):
        assert Browser(own_pages, person).of(f"/papers/{kept['id']}").status_code == 403, person
    sealed = world.enclave.settings.sealed / "papers" / f"{kept['id']}.sealed"
    assert SCAN[:8] not in sealed.read_bytes()
    sealed.chmod(0o600)
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"\0")
    assert olga.of(f"/papers/{kept['id']}").status_code == 403, "an altered one is not given"


def test_nobody_but_the_operating_group_hands_in_signs_or_designates(pages: str, matched: World):
    there = [*(matched.enclave.settings.sealed / "papers").iterdir()]
    for person in ("sam", "wren", "hubert", "audrey", "nora"):
        browser = Browser(pages, person)
        assert hand_in(browser, "add", kind="agreement", since=DAY) == 403, person
        assert hand_in(browser, "designate", party="SDE", person="sam", since=DAY) == 403, person
        assert browser.send("/papers/sign", party="SDE", title="Director", signed_on=DAY).status_code == 403, person
    assert [*(matched.enclave.settings.sealed / "papers").iterdir()] == there


def test_what_does_not_fit_leaves_nothing_behind(own_pages: str, world: World):
    olga, sealed = Browser(own_pages, "olga"), world.enclave.settings.sealed / "papers"
    with world.enclave.store.view() as view:
        before = view.find(Paper)
    for fields, status in (
        ({"kind": "training", "about": "somebody-else"}, 404), ({"kind": "training", "about": "wren"}, 422),
        ({"kind": "fee-policy"}, 404), ({"kind": "representative", "about": "SDE"}, 404), ({"kind": "shoes"}, 422),
        ({"kind": "exhibit-d", "status": "approved", "names": "IRB-7"}, 422),
    ):  # fmt: skip
        assert hand_in(olga, "add", since=DAY, **fields) == status, fields
    assert hand_in(olga, "add", b"", kind="agreement", since=DAY) == 422
    assert olga.send("/papers/add", kind="agreement", since=DAY).status_code == 422, "a form without a document"
    with world.enclave.store.view() as view:
        assert view.find(Paper) == before
    world.enclave.recover()
    assert {path.name for path in sealed.iterdir()} == {paper.kept.sealed for paper in before}


def test_a_form_is_read_whole_and_no_larger_than_it_may_be(pages: str):
    olga = Browser(pages, "olga")
    at, fields = f"{olga.base}projects/{PROJECT}/papers/add", {"csrf": olga.csrf(), "kind": "agreement"}

    def send(address: str, kind: str, body: bytes) -> int:
        return olga.http.post(address, data=body, headers={"Content-Type": kind}, timeout=60).status_code

    parts, nameless = (
        "multipart/form-data; boundary=b",
        b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    )
    whole = requests.Request("POST", at, data=fields, files={"document": b"x"}).prepare()
    assert isinstance(whole.body, bytes)
    assert send(at, str(whole.headers["Content-Type"]), whole.body[:-9]) == 400, "its end is missing"
    assert send(at, parts, nameless) == 400, "a part has no name"
    assert send(at, "multipart/form-data", whole.body) == send(at, parts, b"") == 400
    assert send(at, "multipart/mixed; boundary=b", b"--b--") == 415
    large = b'--b\r\nContent-Disposition: form-data; name="document"; filename="f"\r\n\r\n' + b"x" * (21 * 1024**2)
    assert send(at, parts, large + b"\r\n--b--\r\n") == 413
    two = whole.body.replace(b'name="kind"', b'name="kind"; filename="f"')
    assert send(at, str(whole.headers["Content-Type"]), two) == 400, "one document comes with a form"
    assert send(f"{olga.base}incidents/hold", str(whole.headers["Content-Type"]), whole.body) == 415


def test_a_paper_the_scanner_has_not_seen_is_not_kept(world: World, tmp_path: Path):
    silent = world.with_settings(scanner=tmp_path / "no-scanner.sock")
    before = {*(world.enclave.settings.sealed / "papers").iterdir()}
    with served(silent) as base:
        olga = Browser(base, "olga")
        assert hand_in(olga, "add", kind="agreement", since=DAY) == 403 and not filed(olga, "agreement")["versions"]
    assert {*(world.enclave.settings.sealed / "papers").iterdir()} == before
    assert not [*world.enclave.settings.runtime.glob("scratch-posted*")], "nothing lies open"


def test_employment_is_verified_by_another_than_who_handed_it_in(own_pages: str, world: World):
    otto = Person("otto", "Otto Invented", "Staff", "OPM", "otto@example.org", "555-0100", True)
    with world.enclave.store.transaction() as tx:
        people.enlist(tx, otto, Listing("otto", PROJECT, Role.OPM, "office"), "opm")
    olga = Browser(own_pages, "olga")
    assert hand_in(olga, "add", kind="government-status", about="hubert", since=DAY) == 303
    kept = newest(olga, "government-status", "hubert")
    assert not kept["verifies"] and newest(Browser(own_pages, "otto"), "government-status", "hubert")["verifies"]
    assert olga.send(f"/papers/{kept['id']}/verify").status_code == 403
    assert Browser(own_pages, "otto").send(f"/papers/{kept['id']}/verify").status_code == 303
    assert not newest(olga, "government-status", "hubert")["lacks"]
    training = newest(olga, "training", "wren")
    assert Browser(own_pages, "otto").send(f"/papers/{training['id']}/verify").status_code == 404


def test_a_designation_is_of_somebody_listed_and_the_other_parties_are_told(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert hand_in(olga, "designate", party="SDE", person="dora", since=DAY) == 403
    assert hand_in(olga, "designate", party="SDE", person="sam", since=DAY) == 303
    with world.enclave.store.view() as view:
        assert people.representative(view, PROJECT, "SDE") == "sam"
        told = list(view.entries(action="people.representative"))[-1]["details"]["told"]
    assert told == ["DOL", "DOL-HUB", "WESTED"]


@pytest.fixture
def asked(world: World) -> World:
    """Give an installation in which another project was asked for, with somebody of the Operating Group on it."""
    policy = agreement.compile_agreement(world.enclave.settings.policies, OTHER)
    with world.enclave.store.transaction() as tx:
        ask(tx, policy)
        olga = tx.get(Person, "olga")
        assert olga is not None
        people.enlist(tx, olga, Listing("olga", OTHER, Role.OPM, "office"), "opm")
    return world


def test_an_agreement_comes_into_force_from_its_page_when_all_is_there_and_not_before(
    sit: Sit, own_pages: str, asked: World
):  # fmt: skip
    olga = Browser(own_pages, "olga")

    def sign(party: str) -> requests.Response:
        return olga.send("/papers/sign", project=OTHER, party=party, title="Director", signed_on="2022-04-01")

    def model() -> dict[str, list[dict[str, str]]]:
        found: dict[str, list[dict[str, str]]] = olga.see(f"projects/{OTHER}/papers", format="json").json()
        return found

    parties = [each["party"] for each in model()["signing"]]
    assert "have not approved it" in sign(parties[0]).text
    with asked.enclave.store.transaction() as tx:
        for agency in agreement.of(tx, OTHER).policy.agencies:
            say_yes(tx, OTHER, agency)
    refused = sign(parties[0])
    assert refused.status_code == 403 and "It is not attached" in refused.text
    assert any(each.startswith("exhibit-a") for each in model()["against"])
    for paper in [each for each in model()["agreement"] if each["kind"] != "agreement"]:
        more = {"status": "approved", "names": "IRB-7", "until": "2023-04-11"} if paper["statuses"] else {}
        assert hand_in(olga, "add", project=OTHER, kind=paper["kind"], since=DAY, **more) == 303
        kept = newest(olga, paper["kind"], project=OTHER)
        if kept["open"]:
            tick = f"/papers/{kept['id']}/tick"
            assert olga.send(tick, project=OTHER, item=list(kept["open"])).status_code == 303  # type: ignore[call-overload]
    assert olga.send("/papers/sign", project=OTHER, party=parties[0], signed_on=DAY).status_code == 422, "no title"
    *first, last = parties
    assert {sign(party).status_code for party in first} == {303}
    keys = sit(own_pages, "olga")
    keys.page.goto(f"{own_pages}projects/{OTHER}/papers")
    keys.unfold("Record a signature")
    keys.pick("Party", last)
    keys.write("Title of who signed", "Director")
    keys.press("Record the signature")
    assert keys.said() == f"{last} signed on {DAY}. Effective {DAY}."
    assert keys.page.get_by_text("Record a signature").count() == 0
    assert f"{last} has signed" in sign(last).text
    with asked.enclave.store.view() as view:
        known = agreement.of(view, OTHER)
    assert (known.unsigned, str(known.effective_on)) == ((), DAY)
    assert Browser(own_pages, representative(parties[0])).see(f"projects/{OTHER}/papers").status_code == 403


def test_who_joined_by_an_amendment_signs_on_the_page_and_nobody_signs_again(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert "Record a signature" not in olga.of("/papers").text
    with world.enclave.store.transaction() as tx:
        known = agreement.of(tx, PROJECT)
        let_join(tx, known.policy, actor="olga")
    page = olga.of("/papers").text
    assert f"{NEWCOMER} joined by an amendment and must sign" in page and "SDE, again" not in page
    assert f"{NEWCOMER} joined by an amendment" in olga.of("/decisions/ask").text + olga.see("overview").text
    assert olga.send("/papers/sign", party="SDE", title="Director", signed_on=DAY).status_code == 403
    assert olga.send("/papers/sign", party=NEWCOMER, title="Director", signed_on=DAY).status_code == 303
    assert "All parties have signed" in olga.of("/papers").text
    with world.enclave.store.view() as view:
        assert agreement.of(view, PROJECT).effective_on == known.effective_on
