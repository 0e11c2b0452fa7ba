"""What forms do: a request from received to published by the people whose turn it is, and by nobody else."""

from __future__ import annotations

import html
from datetime import UTC, date, datetime

import pytest
import requests

from demo.hub_client import LONGEST
from enclave.incidents import cases, take_step
from enclave.review import Statement
from tests.web.browser import Browser, served
from tests.web.world import PROJECT, SCRIPT, World
from tests.world import command

ALL = [str(statement) for statement in Statement]


def turn(browser: Browser, request: str) -> str:
    """Give the state of a request as its page says it."""
    return str(browser.of(f"/requests/{request}", format="json").json()["turn"]["state"])


def test_a_request_goes_from_received_to_published(own_pages: str, world: World):
    olga, sam, wren = (Browser(own_pages, name) for name in ("olga", "sam", "wren"))
    page = f"/requests/{world.good}"
    assert turn(olga, world.good) == "received"
    assert olga.send(f"{page}/publish").status_code == 403

    assert olga.send(f"{page}/clear", looked_at="nothing but counts").status_code == 303
    assert "shared with SDE" in olga.of(page).text
    seen = sam.of(page, format="json").json()
    assert [name for name, mine in seen["buttons"].items() if mine] == ["confirm"]
    assert "Check and clear" not in sam.of(page).text
    digest = seen["case"]["digest"]
    assert sam.send(f"{page}/confirm", digest="0" * 64, statement=ALL).status_code == 403
    assert sam.send(f"{page}/confirm", digest=digest).status_code == 422
    assert sam.send(f"{page}/confirm", digest=digest, statement=ALL[:2]).status_code == 303
    assert turn(sam, world.good) == "in review"
    assert sam.send(f"{page}/confirm", digest=digest, statement=ALL[2:]).status_code == 303
    assert turn(wren, world.good) == "confirmed"

    locked = olga.of(page)
    assert "<button disabled>Publish" in locked.text and "10 business days of review are left" in locked.text
    assert olga.send(f"{page}/publish").status_code == 403
    world.on(date(2022, 4, 26))
    assert "<button>Publish" in olga.of(page).text
    assert olga.send(f"{page}/publish").status_code == 303
    assert turn(wren, world.good) == "published"
    assert (world.enclave.settings.home / "published" / f"{PROJECT}-{world.good}.zip").is_file()

    home, package = world.enclave.settings.home, f"{PROJECT}-{world.good}"
    assert "the portal has told nothing yet" in sam.see("programme").text
    (home / "portal.csv").write_text(f"package,month,downloads\n{package},2022-04,1118\n", "utf-8")
    count = ("--home", home, "--as", "olga", "publication", "count", home / "portal.csv", "--json")
    assert command(*count).body[0]["months"] == {"2022-04": 1118}
    assert "1,118" in sam.see("programme").text
    assert [told["downloads"] for told in command(*count[:5], "counted", "--json").body] == [1118]


def test_the_gate_refuses_through_the_page_with_every_finding(own_pages: str, world: World):
    olga, wren = Browser(own_pages, "olga"), Browser(own_pages, "wren")
    answer = olga.send(f"/requests/{world.unsafe}/clear", looked_at="looks fine to me")
    assert answer.status_code == 403 and "a count under 6 is displayed" in answer.text.lower()
    told = wren.of(f"/requests/{world.unsafe}", format="json").json()
    assert told["turn"]["state"] == "refused by the gate"
    threshold = next(f for f in told["looked"]["findings"] if f["finding"]["rule"] == "threshold")
    assert threshold["finding"]["clause"] == "DSA III.G.2.a" and threshold["more"] > 0
    assert told["looked"]["tables"] == []


def test_a_checker_sees_bounds_and_others_see_what_leaves(own_pages: str, world: World):
    olga, sam = Browser(own_pages, "olga"), Browser(own_pages, "sam")
    page = f"/requests/{world.good}"
    (table,) = olga.of(page, format="json").json()["looked"]["tables"]
    hidden = [c for c in table["cells"] if c["count"] is None]
    assert hidden and all(c["upper"] >= 6 for c in hidden if c["status"] == "primary")
    assert {c["status"] for c in table["cells"]} >= {"shown", "primary", "complementary"}
    olga.send(f"{page}/clear")
    (table,) = sam.of(page, format="json").json()["looked"]["tables"]
    assert {c["status"] for c in table["cells"]} == {"shown", "hidden"}
    assert all(c["lower"] is None and c["upper"] is None for c in table["cells"])
    leaves = sam.of(f"{page}/leaving/{world.good}_1.csv")
    assert (
        leaves.status_code == 200
        and leaves.content
        == (world.enclave.settings.home / "cleared" / world.good / f"{world.good}_1.csv").read_bytes()
    )


def test_a_cleared_file_that_was_changed_is_not_shown(own_pages: str, world: World):
    olga, sam = Browser(own_pages, "olga"), Browser(own_pages, "sam")
    olga.send(f"/requests/{world.good}/clear")
    with (world.enclave.settings.home / "cleared" / world.good / f"{world.good}_1.csv").open("a") as file:
        file.write("x,y,1,shown\n")
    looked = sam.of(f"/requests/{world.good}", format="json").json()["looked"]
    assert looked["verdict"] == "not shown" and looked["tables"] == []
    assert sam.of(f"/requests/{world.good}/leaving/{world.good}_1.csv").status_code == 403


@pytest.mark.parametrize(
    ("person", "step"),
    [
        ("wren", "clear"), ("sam", "clear"), ("audrey", "clear"), ("hubert", "clear"), ("nora", "clear"),
        ("wren", "confirm"), ("olga", "confirm"), ("dora", "confirm"), ("audrey", "confirm"),
        ("wren", "publish"), ("sam", "publish"), ("wren", "waive"), ("sam", "waive"), ("olga", "withdraw"),
        ("rita", "withdraw"), ("wren", "return"), ("olga", "return"),
    ],
)  # fmt: skip
def test_nobody_takes_anothers_turn(shared_case: tuple[str, World], person: str, step: str):
    base, world = shared_case
    fields = {"digest": "0" * 64, "statement": ALL, "reason": "because", "comment": "because"}
    assert Browser(base, person).send(f"/requests/{world.good}/{step}", **fields).status_code == 403
    with world.enclave.store.view() as view:
        assert not list(view.entries(action=f"review.{step}"))


@pytest.fixture(scope="module")
def shared_case(built: World, tmp_path_factory: pytest.TempPathFactory):
    """Give one open case that every refused step leaves as it is."""
    world = built.copy(tmp_path_factory.mktemp("case") / "home")
    with served(world) as base:
        assert Browser(base, "olga").send(f"/requests/{world.good}/clear").status_code == 303
        yield base, world
    world.close()


def test_script_in_free_text_stays_text(own_pages: str, world: World):
    olga, sam, wren = (Browser(own_pages, name) for name in ("olga", "sam", "wren"))
    olga.send(f"/requests/{world.good}/clear", looked_at=SCRIPT)
    olga.send(f"/requests/{world.good}/waive", reason=SCRIPT)
    sam.send(f"/requests/{world.good}/return", comment=f'{SCRIPT}" onmouseover="x')
    for browser in (olga, sam, wren):
        for tail in ("/requests", f"/requests/{world.good}"):
            text = browser.of(tail).text
            assert "<script" not in text and html.escape(SCRIPT, quote=False).replace("'", "&#39;") in text
            assert 'onmouseover="' not in text
    assert "<script" not in olga.of(f"/requests/{world.good}/leaving/{world.good}_1.html").text


def test_a_form_without_its_token_does_nothing(own_pages: str, world: World):
    olga, sam = Browser(own_pages, "olga"), Browser(own_pages, "sam")
    page = f"/requests/{world.good}/clear"
    for token in ("", "x", sam.csrf()):
        assert olga.send(page, csrf=token).status_code == 403
    address, token = f"{own_pages}projects/{PROJECT}{page}", olga.csrf()
    elsewhere = olga.http.post(
        address, data={"csrf": token}, headers={"Sec-Fetch-Site": "same-site"}, timeout=LONGEST
    )
    assert elsewhere.status_code == 403
    assert olga.http.post(address, json={"csrf": token}, timeout=LONGEST).status_code == 415
    assert (
        olga.http.post(address, data={"csrf": token, "looked_at": "x" * 70_000}, timeout=LONGEST).status_code == 413
    )
    assert olga.http.get(address, timeout=LONGEST).status_code == 405
    assert turn(olga, world.good) == "received"


def test_a_session_does_not_outlive_its_end_and_is_not_chosen_by_others(own_pages: str):
    browser = requests.Session()
    browser.cookies.set("enclave-session", "chosen-by-another", domain="127.0.0.1", path="/services/enclave/")
    answer = browser.get(f"{own_pages}login?as=olga", allow_redirects=False, timeout=LONGEST)
    cookie = answer.headers["set-cookie"]
    assert "chosen-by-another" not in cookie and "HttpOnly" in cookie and "samesite=lax" in cookie.lower()
    olga = Browser(own_pages, "olga")
    before = olga.http.cookies.get_dict()
    gone = olga.http.post(f"{own_pages}sign-out", data={"csrf": olga.csrf()}, allow_redirects=False, timeout=LONGEST)
    assert gone.status_code == 303
    olga.http.cookies.update(before)
    assert olga.see().status_code == 302


def test_the_last_agreement_completes_a_match(built: World, tmp_path):
    before = built.before_the_last_agreement(tmp_path / "home")
    with served(before) as base:
        wes, sam = Browser(base, "wes"), Browser(base, "sam")
        model = wes.of("/matching", format="json").json()
        assert model["agree_to"] == "match-01" and sam.of("/matching", format="json").json()["agree_to"] == ""
        assert wes.send("/matching/match-01/agree", report="0" * 64).status_code == 422
        assert wes.send("/matching/match-01/agree", report=model["runs"][0]["report_sha256"]).status_code == 303
        run = wes.of("/matching", format="json").json()["runs"][0]
    before.close()
    assert run["completed_on"] == "2022-04-11" and run["delete_by"] == "2022-04-26"


def test_an_outbox_is_collected_by_its_owner_alone(own_pages: str):
    assert Browser(own_pages, "wren").send("/requests/collect").status_code == 200
    for person in ("rita", "olga", "nora"):
        assert Browser(own_pages, person).send("/requests/collect").status_code == 403


def test_a_user_reports_a_problem_and_data_of_a_person_do_not_get_in(own_pages: str, world: World):
    wren = Browser(own_pages, "wren")
    assert "Report a problem" in wren.of("").text
    refused = wren.send("/tell", kind="problem", text="It showed 123-45-6789.")
    assert refused.status_code == 422 and "6789" not in refused.text
    assert wren.send("/tell", kind="problem", text="A page with tables lay open.").status_code == 303
    with world.enclave.store.view() as view:
        (case,) = cases(view)
    assert (case.key, case.by, case.text) == ("problem-001", "wren", "A page with tables lay open.")


@pytest.mark.parametrize("kind", ["question", "protocol-change", "early-destruction"])
def test_a_user_asks_and_sees_what_came_of_it(own_pages: str, world: World, kind: str):
    wren = Browser(own_pages, "wren")
    assert wren.send("/tell", kind=kind, text="In writing.").status_code == 303
    with world.enclave.store.transaction() as tx:
        take_step(tx, f"{kind}-001", "It was looked into.", datetime(2022, 4, 12, tzinfo=UTC), "olga", close=True)
    (told,) = wren.of("", format="json").json()["told"]
    assert (told["kind"], told["closed"], told["told"]) == (kind, True, ["Operating Group", "SDE", "DOL"])
    assert "It was looked into." in wren.of("").text
    for other in ("complaint", "foia", "nothing"):
        assert wren.send("/tell", kind=other, text="In writing.").status_code == 404
