"""The page of what is entered of no project: who reads what there, and the receipts it gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from enclave import incidents, people, reports
from enclave.incidents import Act
from enclave.ledger import Entry, Receipt, verify_receipt
from tests.parties import representative
from tests.unit.access import MAY
from tests.web.browser import Browser, served
from tests.web.world import STAFF, World

AT = datetime(2022, 4, 12, 14, tzinfo=UTC)


def act(world: World, case: str, what: Act) -> None:
    with world.enclave.store.transaction() as tx:
        incidents.act(tx, case, what, "In writing.", AT + timedelta(hours=1), "olga")


@pytest.fixture(scope="module")
def lived(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, World]]:
    """Give one in which an agency is complained about, another and the recipient stop, and a clock is doubted."""
    world = built.copy(tmp_path_factory.mktemp("ledger") / "home")
    with served(world) as base, closing(world):
        with world.enclave.store.transaction() as tx:
            incidents.complain(tx, "SDE", "Files lay open.", AT, AT, "olga")
            incidents.suspend_agency(tx, "DOL", representative("DOL"), date(2022, 4, 13), "It moves.")
            people.place(tx, people.Hold("", "data recipient WESTED by DOL", tx.today, "DSA VI.F", "dora", "WESTED"))
            tx.append(Entry("machine", "clocks.doubt", "clock", "", "DSA VI.H", "refused", {"rules": ["clock-back"]}))
        yield base, world


def read(base: str, person: str, **asked: str) -> list[dict[str, object]]:
    answer = Browser(base, person).see("ledger", format="json", **asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["entries"]
    return found


def said(entries: list[dict[str, object]]) -> set[tuple[object, object]]:
    return {(each["action"], each["object"]) for each in entries}


def test_each_role_reads_it_as_the_table_of_access_says(lived: tuple[str, World]):
    base, _ = lived
    roles = {role for role, *_ in STAFF.values()}
    assert len(roles) == 5, "an agency's analyst is answered in the table of routes"
    for person, (role, *_) in STAFF.items():
        answer = Browser(base, person).see("ledger", format="json")
        assert answer.status_code == (200 if "audit" in MAY[role] else 403), person
        assert answer.status_code == 200 or [f["rule"] for f in answer.json()["findings"]] == ["role"]
        assert ('href="/services/enclave/ledger"' in Browser(base, person).see().text) == (answer.status_code == 200)


def test_the_operating_group_and_auditors_read_all_and_each_party_what_names_it_or_concerns_all(
    lived: tuple[str, World],
):
    base, world = lived
    with world.enclave.store.view() as view:
        everything = {entry["seq"] for entry in view.entries(project="")}
    for person in ("olga", "audrey"):
        browser, seen, before = Browser(base, person), set[object](), {}
        while entries := browser.see("ledger", format="json", **before).json()["entries"]:
            assert all(entry["project"] == "" for entry in entries)
            seen |= {entry["seq"] for entry in entries}
            before = {"before": str(entries[-1]["seq"])}
        assert seen == everything
    suspended, refused = ("incident.hold", "DOL"), ("incident.hold", "WESTED")
    complaint = ("incident.complaint", "complaint-001")
    common = {("enclave.init", "DOL-HUB"), ("clocks.doubt", "clock")}
    own = {code: {("agency.join", code), ("intake.register-key", code)} for code in ("SDE", "DOL")}
    assert said(read(base, "sam")) == {*common, *own["SDE"], complaint, suspended, refused}, "members are told"
    assert said(read(base, "dora")) == {*common, *own["DOL"], suspended, refused}, "it was not told of the complaint"
    assert said(read(base, "wes")) == {*common, refused}


def test_what_all_are_told_later_stands_there_then(world: World):
    with world.enclave.store.transaction() as tx:
        case = incidents.complain(tx, "SDE", "Files lay open.", AT, AT, "olga")
    with served(world) as base:
        assert not read(base, "dora", what="incident.")
        act(world, case.key, Act.MET)
        assert not read(base, "dora", what="incident.")
        act(world, case.key, Act.SUSPENDED)
        found = {(e["action"], e["outcome"]) for e in read(base, "dora")}
    assert {("incident.act", "suspended"), ("board.ask-members", "asked"), ("incident.hold", "done")} <= found
    assert not {each for each in found if each[0] == "incident.complaint"}


def test_its_receipts_prove_what_a_person_reads_there_and_are_given_of_nothing_else(lived: tuple[str, World]):
    base, world = lived
    mine = {entry["seq"] for entry in read(base, "sam")}
    sam, olga = Browser(base, "sam"), Browser(base, "olga")
    with world.enclave.store.view() as view:
        size, entries = view.frontier().size, {e["seq"]: e for e in view.entries()}
    theirs = [number for number in range(size) if not entries[number]["project"] and number not in mine]
    assert theirs
    for number in mine:
        answer = sam.see(f"ledger/receipts/{number}")
        proven = verify_receipt(Receipt.model_validate_json(answer.text), world.enclave.ledger_key.verifier)
        assert proven == entries[number]
        assert answer.headers["content-disposition"] == f'attachment; filename="programme-entry-{number}.json"'
    of_project = next(number for number in range(size) if entries[number]["project"])
    for number in (*theirs, of_project, size, "-1", "x"):
        assert sam.see(f"ledger/receipts/{number}").status_code == 404
    assert olga.see(f"ledger/receipts/{theirs[0]}").status_code == 200
    assert olga.see(f"ledger/receipts/{of_project}").status_code == 404, "it is given on its project's page"


def test_it_is_searched_and_proven_as_a_projects_is(own_pages: str, world: World):
    audrey, wren = Browser(own_pages, "audrey"), Browser(own_pages, "wren")
    found = audrey.see("ledger", format="json", what="AGENCY.", object="sde").json()
    assert said(found["entries"]) == {("agency.join", "SDE")} and found["found"] == 1 < found["of"]
    note = audrey.see("ledger/checkpoint").text
    assert audrey.post("ledger/verify", held=note).status_code == 200
    assert audrey.post("ledger/verify", held=note.replace("p20win", "other")).status_code == 403
    assert wren.post("ledger/verify", held="").status_code == 403
    assert said(read(own_pages, "sam", what="verify")) == {("ledger.verify", "ledger")}, "it concerns all"
    assert 'href="/services/enclave/ledger"' in audrey.of("/ledger").text


def test_what_concerns_all_is_entered_somewhere():
    sources = "".join(path.read_text("utf-8") for path in Path(reports.__file__).parents[1].rglob("*.py"))
    assert [action for action in reports.OF_ALL if sources.count(f'"{action}"') < 2] == []
