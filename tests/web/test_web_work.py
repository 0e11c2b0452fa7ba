"""What was only a command is done on the pages too: by whose work it is, and by nobody else."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest

from enclave import destruction, incidents, matching
from enclave.agreement import compile_agreement
from enclave.incidents import Notice
from enclave.people import Hold, Listing
from enclave.store import Record
from enclave.terms import Action
from tests import registry
from tests.parties import ask, representative
from tests.pdf import beyond
from tests.web.browser import Browser, match_ended
from tests.web.world import PROJECT, World

NELL = {
    "login": "nell", "name": "Nell Invented", "position": "Analyst", "organization": "WestEd",
    "email": "nell@example.org", "telephone": "555-0100", "basis": "2.g",
}  # fmt: skip
BREACH = {
    "project": PROJECT, "description": "A report lay in a printer.", "roles": "researcher", "type": "paper",
    "party": "SDE", "estimated": "1", "mitigation": "It was shredded.", "corrective_action": "Two persons print.",
}  # fmt: skip
MATTERS = {"impact": "None.", "suspension": "No.", "measures": "None.", "inquiries": "Nothing."}
OF_THE_GROUP = {
    f"projects/{PROJECT}/people/enlist": NELL,
    f"projects/{PROJECT}/people/wren/exhibits/c/record": {"signed_on": "2022-04-11"},
    "incidents/open": {"kind": "foia", "text": "A newspaper asks.", "project": PROJECT},
    "incidents/report": BREACH,
    f"projects/{PROJECT}/notices/1/supplement": {"text": "It was one page."},
    f"projects/{PROJECT}/notices/1/affects": {"party": "DOL", "reason": "Its records lay there too."},
    f"projects/{PROJECT}/notices/1/review": MATTERS,
    f"projects/{PROJECT}/notices/1/resolve": {"determination": "not a breach", "lessons": "None."},
    "incidents/hold": {"project": PROJECT, "clause": "DSA VI.F"},
    "incidents/lift": {"project": PROJECT},
}
OF_THE_HUB = {f"projects/{PROJECT}/matching/run": {"threshold": "0.9"}, f"projects/{PROJECT}/matching/cut": {}}


def kept(world: World, kind: type[Record]) -> list[Record]:
    with world.enclave.store.view() as view:
        return view.find(kind)


# --- whose work it is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", OF_THE_GROUP)
def test_what_is_the_operating_groups_nobody_else_does(pages: str, matched: World, path: str):
    before = kept(matched, Listing)
    for person in ("wren", "sam", "hubert", "audrey", "nora"):
        assert Browser(pages, person).post(path, **OF_THE_GROUP[path]).status_code == 403, person
    assert kept(matched, Listing) == before and kept(matched, Notice) == kept(matched, Hold) == []


@pytest.mark.parametrize("path", OF_THE_HUB)
def test_a_match_is_run_and_cut_by_the_hubs_staff_alone(pages: str, matched: World, path: str):
    for person in ("wren", "sam", "olga", "audrey", "nora"):
        assert Browser(pages, person).post(path, **OF_THE_HUB[path]).status_code == 403, person
    assert Browser(pages, "sam").of("/matching/run").status_code == 403
    assert matching.attempt(matched.enclave.settings, PROJECT) is None


def test_proofs_and_reports_are_for_who_oversees(pages: str):
    for person, status in (
        ("audrey", 200),
        ("olga", 200),
        ("sam", 200),
        ("wren", 403),
        ("hubert", 403),
        ("nora", 403),
    ):
        browser = Browser(pages, person)
        assert browser.of("/ledger/checkpoint").status_code == status
        assert browser.of("/ledger/receipts/3").status_code == status
        if status == 403:
            assert browser.send("/ledger/verify", held="").status_code == 403
    for person, status in (("audrey", 200), ("olga", 200), ("sam", 403), ("wren", 403)):
        assert Browser(pages, person).see("overview/years/2022").status_code == status


def test_the_report_of_a_year_is_offered_as_page_and_as_pdf_with_the_same_words(pages: str):
    olga = Browser(pages, "olga")
    assert '/overview/years/2022/report.pdf"' in olga.see("overview").text
    page, printed = olga.see("overview/years/2022"), olga.see("overview/years/2022/report.pdf")
    assert printed.headers["content-type"] == "application/pdf"
    assert printed.headers["content-disposition"] == 'attachment; filename="p20-win-2022.pdf"'
    (foot,) = re.findall(r'@bottom-left { content: "(.*?)"', page.text)
    assert beyond(printed.content, page.text, foot) == ""


# --- the list -----------------------------------------------------------------------------------------------------


def test_what_is_known_of_a_person_is_not_written_over(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    before = kept(world, Listing)
    for changed in ({"login": "wren"}, {"login": "nora", "email": "mine@example.org"}):
        answer = olga.send("/people/enlist", **{**NELL, **changed})
        assert answer.status_code == 403 and "enclave people enlist" in answer.text
    assert olga.send("/people/enlist", **{**NELL, "email": ""}).status_code == 422
    assert olga.send("/people/enlist", **{**NELL, "basis": "office"}).status_code == 404
    assert olga.send("/people/enlist", **{**NELL, "basis": "2.h", "agency": "SDE"}).status_code == 422
    assert kept(world, Listing) == before
    assert olga.send("/people/enlist", **NELL).status_code == 303
    assert olga.send("/people/nell/exhibits/b/record", signed_on="2022-04-11").status_code == 422, "without a scan"


def test_an_exhibit_to_sign_is_ones_own_or_of_ones_list(pages: str):
    wren = Browser(pages, "wren")
    statement = wren.of("/people/wren/exhibits/c")
    assert "for Manufacturing Skills for CT (DR-0034)" in statement.text and "HMIS" not in statement.text
    shared = wren.of("/people/wren/exhibits/b").text
    assert "Rita Invented" in shared and "<strong>Wren Invented</strong>" in shared
    assert statement.headers["content-security-policy"].endswith("sandbox")
    for person, whose, status in (("wren", "rita", 403), ("hubert", "wren", 403), ("sam", "wren", 200)):
        assert Browser(pages, person).of(f"/people/{whose}/exhibits/b").status_code == status
    assert wren.of("/people/wren/exhibits/d").status_code == 404


def test_the_hub_says_who_still_needs_access_and_the_operating_group_gives_it_back(own_pages: str, world: World):
    hal, path = Browser(own_pages, "hal"), f"projects/{PROJECT}/people/wren/review"
    asked = {row["id"] for row in hal.of("/people", format="json").json()["rows"] if row["review_due_on"]}
    assert asked == {"wren", "rita", "hubert"}
    for person in ("sam", "olga", "wren", "hubert"):
        assert Browser(own_pages, person).post(path, found="not-needed").status_code == 403
    assert hal.post(path, found="perhaps").status_code == 404
    assert hal.post(path, found="needed").status_code == 303
    assert Browser(own_pages, "wren").see(format="json").json()["cards"][0]["lab"]
    assert hal.post(path, found="not-needed").status_code == 303
    assert not Browser(own_pages, "wren").see(format="json").json()["cards"][0]["lab"]
    olga, again = Browser(own_pages, "olga"), f"projects/{PROJECT}/people/wren/reinstate"
    assert 'aria-label="Reinstate Wren Invented"' in olga.of("/people").text
    for person in ("sam", "hal", "wren", "audrey"):
        assert Browser(own_pages, person).post(again).status_code == 403
    assert "Reinstate" not in hal.of("/people").text
    assert olga.post(again).status_code == 303
    assert Browser(own_pages, "wren").see(format="json").json()["cards"][0]["lab"]
    assert "Reinstate" not in olga.of("/people").text


# --- incidents ----------------------------------------------------------------------------------------------------


def test_a_breach_goes_from_notice_to_lessons_each_step_by_whose_it_is(own_pages: str, world: World):
    olga, sam = Browser(own_pages, "olga"), Browser(own_pages, "sam")
    assert olga.post("incidents/report", **{**BREACH, "estimated": "many"}).status_code == 422
    assert olga.post("incidents/report", **{**BREACH, "description": "SSN 123-45-6789 was on it"}).status_code == 422
    assert olga.post("incidents/report", **{**BREACH, "discovered": "2022-04-09T08:00"}).status_code == 303
    (notice,) = kept(world, Notice)
    assert isinstance(notice, Notice) and notice.late and notice.discovered_at.utcoffset() is not None
    at = f"projects/{PROJECT}/notices/1"
    early = olga.post(f"{at}/resolve", determination="breach", lessons="Printers stand in locked rooms.")
    assert early.status_code == 403 and "EM A2.2.A" in early.text and "EM V.A.14" in early.text
    assert olga.post(f"{at}/review", **MATTERS).status_code == 303
    assert "A report lay in a printer." in sam.see("agency").text
    assert Browser(own_pages, "dora").post(f"agency/SDE/notices/{PROJECT}/1/secured", text="x").status_code == 403
    assert sam.post(f"agency/SDE/notices/{PROJECT}/1/secured", text="Doors lock by themselves.").status_code == 303
    assert olga.post(f"{at}/resolve", determination="breach", lessons="Printers stand in locked rooms.").ok
    assert "Printers stand in locked rooms." in sam.see("agency").text
    assert olga.post(f"{at}/supplement", text="More.").status_code == 403


def test_every_party_named_confirms_and_all_parties_and_members_read_the_lessons(own_pages: str, world: World):
    olga, wes, hal = (Browser(own_pages, name) for name in ("olga", "wes", "hal"))
    with world.enclave.store.transaction() as tx:
        ask(tx, compile_agreement(world.enclave.settings.policies, "DR-0101"))
    cato, ohm = Browser(own_pages, representative("CSCU")), Browser(own_pages, representative("OPW"))
    data = {**BREACH, "party": ["WESTED", "DOL-HUB"]}
    assert olga.post("incidents/report", **data).status_code == 303
    for browser, party in ((wes, "WESTED"), (hal, "DOL-HUB")):
        page = browser.see("agency").text
        assert "A report lay in a printer." in page and f"Confirm for {party}" in page
    for browser in (cato, ohm):
        assert "printer" not in browser.see("agency").text
    sam, at = Browser(own_pages, "sam"), f"projects/{PROJECT}/notices/1"
    assert "A report lay in a printer." in sam.see("agency").text and "Confirm for" not in sam.see("agency").text
    assert olga.post(f"{at}/review", **MATTERS).status_code == 303
    for browser, party in ((wes, "WESTED"), (hal, "DOL-HUB")):
        resolved = {"determination": "breach", "lessons": "Printers stand in locked rooms."}
        assert olga.post(f"{at}/resolve", **resolved).status_code == 403
        path = f"agency/{party}/notices/{PROJECT}/1/secured"
        assert browser.post(path, text="Doors lock by themselves.").status_code == 303
    assert olga.post(f"{at}/resolve", **resolved).status_code == 303
    for browser in (wes, hal, sam, cato):
        assert "Printers stand in locked rooms." in browser.see("agency").text
    (lesson,) = cato.see("agency", format="json").json()["lessons"]
    assert set(lesson) == {"key", "type", "determination", "lessons"}
    assert "A report lay in a printer." not in cato.see("agency").text
    assert "locked rooms" not in ohm.see("agency").text


def test_a_party_found_later_to_be_concerned_reads_the_notice_and_confirms_like_the_others(
    own_pages: str, world: World
):
    olga, wes = Browser(own_pages, "olga"), Browser(own_pages, "wes")
    assert olga.post("incidents/report", **{**BREACH, "discovered": "2022-04-09T08:00"}).status_code == 303
    assert "A report lay in a printer." not in wes.see("agency").text
    at, found = f"projects/{PROJECT}/notices/1/affects", {"party": "WESTED", "reason": "Its printer was the one."}
    assert olga.post(at, **{**found, "known": "2022-04-08T08:00"}).status_code == 422
    assert olga.post(at, **found).status_code == 303
    assert olga.post(at, **found).status_code == 422
    (notice,) = kept(world, Notice)
    assert isinstance(notice, Notice) and [each.late for each in notice.affected] == [False]
    page = wes.see("agency").text
    assert (
        "A report lay in a printer." in page and "Its printer was the one." in page and "Confirm for WESTED" in page
    )
    assert olga.post(at, **{**found, "party": "DOL", "known": "2022-04-09T08:00"}).status_code == 303
    page = olga.see("incidents").text
    assert "WESTED, found later" in page and page.count('"late">after the 24 hours') == 2  # the report, and DOL's


def test_the_clock_changes_while_the_24_hours_run(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert olga.post("incidents/report", **{**BREACH, "discovered": "2021-11-06T20:00"}).status_code == 303
    (notice,) = kept(world, Notice)
    assert isinstance(notice, Notice) and notice.due_at.isoformat() == "2021-11-08T00:00:00+00:00"


def test_a_subpoena_is_of_the_programme_or_a_project_and_comes_before_it_is_entered(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    text = {"text": "A court asks."}
    assert olga.post("incidents/open", kind="subpoena", came="2090-01-01T08:00", **text).status_code == 422
    assert olga.post("incidents/open", kind="problem", **text).status_code == 404
    assert olga.post("incidents/open", kind="subpoena", **text).status_code == 303
    assert (
        olga.post("incidents/open", kind="foia", project=PROJECT, came="2022-04-11T08:00", **text).status_code == 303
    )
    assert [(each.project, each.late) for each in _cases(world)] == [(PROJECT, False), ("", False)]


def _cases(world: World) -> list[incidents.Case]:
    with world.enclave.store.view() as view:
        return incidents.cases(view)


def test_a_stopped_project_stands_still_until_it_goes_on(own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    assert olga.post("incidents/hold", project=PROJECT, clause="DSA XII").status_code == 404
    assert olga.post("incidents/hold", project=PROJECT, clause="DSA VI.F.2").status_code == 303
    assert Browser(own_pages, "wren").see(format="json").json()["cards"][0]["may"] == []
    assert olga.see("incidents", format="json").json()["stopped"] == [PROJECT]
    assert olga.post("incidents/lift", project=PROJECT).status_code == 303
    assert Browser(own_pages, "wren").see(format="json").json()["cards"][0]["may"]


# --- matches, certificates, proofs --------------------------------------------------------------------------------


def test_why_a_match_came_to_nothing_stands_where_it_was_begun(own_pages: str, world: World):
    hubert = Browser(own_pages, "hubert")
    assert hubert.send("/matching/run", threshold="high").status_code == 422
    assert hubert.send("/matching/run", threshold="0.9", model="match-99").status_code == 303
    match_ended()
    told = hubert.of("/matching/run", format="json").json()["attempt"]
    assert told["broke_off"] and [finding["rule"] for finding in told["findings"]] == ["kept-model"]
    assert "The last one came to nothing" in hubert.of("/matching/run").text
    with world.enclave.store.view() as view:
        assert [entry["actor"] for entry in view.entries(action="match.refuse")] == ["hubert"]
        assert len(matching.runs(view, PROJECT)) == 1


def test_a_certificate_that_came_in_signed_is_filed_by_title(own_pages: str, world: World):
    enclave = world.enclave
    destruction.destroy_match_data(
        enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.DESTROY)
    )
    world.on(date(2022, 4, 13))
    olga, path = Browser(own_pages, "olga"), f"/destruction/{PROJECT}-match-1/signed"
    assert Browser(own_pages, "hubert").send(path, title="Director", signed_on="2022-04-12").status_code == 403
    for title, day in (("", "2022-04-12"), ("Director", "2022-04-10"), ("Director", "2022-04-14")):
        assert olga.send(path, title=title, signed_on=day).status_code == 422
    assert olga.send(path, title="Director of Research", signed_on="2022-04-12").status_code == 303
    assert "signed 12 Apr 2022" in olga.of("/destruction").text


def test_a_certificate_is_given_as_page_pdf_and_json_as_it_was_issued(own_pages: str, world: World):
    enclave, olga = world.enclave, Browser(own_pages, "olga")
    path, folder = f"/destruction/{PROJECT}-match-1", enclave.settings.home / "certificates"
    given = {"": ("html", "text/html"), "/certificate.pdf": ("pdf", "application/pdf"),
             "/certificate.json": ("json", "application/json")}  # fmt: skip
    assert [olga.of(f"{path}{end}").status_code for end in given] == [404] * 3
    destruction.destroy_match_data(
        enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.DESTROY)
    )
    page = olga.of("/destruction").text
    for end, (suffix, kind) in given.items():
        answer = olga.of(f"{path}{end}")
        assert f'{path}{end}"' in page and answer.headers["content-type"].startswith(kind)
        assert answer.content == (folder / f"{PROJECT}-match-1.{suffix}").read_bytes()
        saved_as = f'attachment; filename="{PROJECT}-match-1.{suffix}"' if end else "inline"
        assert answer.headers["content-disposition"] == saved_as
        assert Browser(own_pages, "wren").of(f"{path}{end}").status_code == 403
        assert olga.of(f"{path}0{end}").status_code == 404
    (folder / f"{PROJECT}-match-1.pdf").write_bytes(b"%PDF-1.7 another")
    assert olga.of(f"{path}/certificate.pdf").status_code == 403


def test_older_entries_follow_one_another_to_the_first_and_each_is_shown_once(pages: str):
    audrey, address = Browser(pages, "audrey"), f"{pages}projects/{PROJECT}/ledger"
    first = audrey.http.get(address, params={"format": "json", "what": "e"}, timeout=60).json()
    assert first["found"] > 50 and first["before"] is None, "one page does not hold them"
    seen, link = list[int](), "?what=e"
    while link:
        page = audrey.http.get(address + link, timeout=60).text
        seen += [int(number) for number in re.findall(r"Receipt of entry (\d+)", page)]
        older = re.search(r'href="([^"]*)#entries">Older entries<', page)
        link = html.unescape(older[1]) if older else ""
        assert not link or "what=e" in link, "what was asked for is asked for again"
    assert len(seen) == len({*seen}) == first["found"] and seen == sorted(seen, reverse=True)


def test_an_altered_ledger_is_found_from_the_page_and_by_a_checkpoint_that_was_kept(own_pages: str, world: World):
    audrey = Browser(own_pages, "audrey")
    note = audrey.of("/ledger/checkpoint").text
    assert audrey.send("/ledger/verify", held=note.replace("\n", "\r\n")).status_code == 200
    assert audrey.send("/ledger/verify", held=note.replace("p20win", "other")).status_code == 403
    assert audrey.of("/ledger/receipts/999999").status_code == audrey.of("/ledger/receipts/x").status_code == 404
    forged = """update ledger set body = replace(body, '"actor":"hubert"', '"actor":"nobody"')"""
    registry.forge(world.enclave.settings.database, forged)
    answer = audrey.send("/ledger/verify", held="")
    assert answer.status_code == 403 and "do not give the signed root" in answer.text
