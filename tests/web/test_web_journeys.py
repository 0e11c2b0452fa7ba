"""The whole work of a person of each role, in a real browser, by keyboard alone, to the state the work is for.

What each does stands in the guides; the lab's own keyboard is in `tests/hub/test_panel.py`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from enclave import incidents, matching
from enclave.incidents import Determination, Notice
from enclave.papers import kind_of, versions
from enclave.people import Hold, Listing, Person
from enclave.publication import Publication
from enclave.resultant import Delivery
from enclave.review import Case, Statement
from p20kit import open_project, protect, request_release, tabulate
from tests.web.browser import Browser, match_ended, served
from tests.web.keyboard import Keyboard, Sit
from tests.web.world import PROJECT, World

ALL = [str(statement) for statement in Statement]


def entered(world: World, action: str) -> list[tuple[str, str]]:
    """Give who did this, and how it ended, as the ledger has it."""
    with world.enclave.store.view() as view:
        return [(entry["actor"], entry["outcome"]) for entry in view.entries(action=action)]


def put_into_the_outbox(world: World) -> str:
    """Write a request as the lab does; give its id."""
    session = world.enclave.broker().admit("wren", PROJECT)
    project = open_project(session.folder / "project")
    table = tabulate(
        project.frame("sde"), by=["Gender"], name="gender", title="Who is in the schools, by gender",
        sources={"Gender": "sde.Gender"},
    )  # fmt: skip
    asked = request_release(
        protect(table, project.policy), title="Who is in the schools", report="cumulative", questions=["RQ1"],
        audience="public", population="all students", project=project, outbox=session.folder / "home" / "outbox",
        methods=["aggregation"],
    )  # fmt: skip
    world.enclave.broker().release(session.name)
    return asked.parent.name


def test_a_researcher_asks_for_a_release_and_reports_a_problem(sit: Sit, own_pages: str, world: World):
    request = put_into_the_outbox(world)
    wren = sit(own_pages, "wren")
    wren.look_round()
    wren.go("Releases")
    wren.look_round()
    wren.press("Collect my outbox")
    wren.go(request)
    wren.look_round()
    assert "next: an OPM output checker checks it" in wren.page.inner_text("main")
    wren.go("Project")
    wren.look_round()
    wren.pick("What it is", "A problem")
    wren.write("In writing, without any data of a person", "A page with tables lay open at the printer.")
    wren.press("Send")
    assert "Taken in as problem-001, for Operating Group" in wren.said()
    assert entered(world, "egress.request")[-1] == ("wren", "done")
    assert entered(world, "incident.problem") == [("wren", "opened")]


def test_an_output_checker_refuses_clears_and_publishes(sit: Sit, own_pages: str, world: World):
    olga = sit(own_pages, "olga")
    page = f"projects/{PROJECT}/requests"
    olga.go("Releases")
    olga.look_round()
    olga.page.goto(f"{own_pages}{page}/{world.unsafe}")
    assert "A count under 6 is displayed" in olga.be_refused("Clear and share with the agencies")
    olga.page.goto(f"{own_pages}{page}/{world.good}")
    olga.look_round()
    olga.write("What I looked at", "The title and the population; both are words of the agreement.")
    olga.press("Clear and share with the agencies")
    assert "shared with SDE" in olga.said()
    sam = Browser(own_pages, "sam")
    digest = sam.of(f"/requests/{world.good}", format="json").json()["case"]["digest"]
    sam.send(f"/requests/{world.good}/confirm", digest=digest, statement=ALL)
    olga.page.reload()
    olga.unfold("Waive the rest of the review period")
    olga.write("Reason, which is recorded", "The board meets tomorrow and every agency has confirmed.")
    olga.press("Waive")
    olga.look_round()
    olga.press("Publish the signed package")
    assert "Published." in olga.said()
    olga.look_round()
    with world.enclave.store.view() as view:
        (published,) = view.find(Publication, PROJECT)
    assert published.request_id == world.good and entered(world, "publication.done") == [("olga", "done")]
    assert entered(world, "egress.refuse")[-1][1] == "refused"


def test_a_steward_approves_confirms_and_suspends(sit: Sit, own_pages: str, world: World):
    olga = Browser(own_pages, "olga")
    olga.send(f"/requests/{world.good}/clear")
    newcomer = {
        "login": "nell", "name": "Nell Invented", "position": "Analyst", "organization": "WestEd",
        "email": "nell@example.org", "telephone": "555-0100", "basis": "2.g",
    }  # fmt: skip
    assert olga.send("/people/enlist", **newcomer).status_code == 303
    sam = sit(own_pages, "sam")
    sam.go("Everything that concerns your agency")
    sam.look_round()
    sam.go("Approve a person")
    sam.look_round()
    sam.press("Approve Nell Invented")
    assert sam.said() == "SDE approves nell."
    sam.page.goto(f"{own_pages}agency")
    sam.go("Confirm a release")
    sam.look_round()
    for statement in Statement:
        sam.tick(statement.text[:1].upper() + statement.text[1:])
    sam.press("Confirm for SDE")
    assert sam.said() == "Recorded for SDE. All four statements are confirmed."
    sam.page.goto(f"{own_pages}agency")
    sam.go("What a suspension of SDE would stop")
    sam.look_round()
    assert "1 person may not work any more: wren" in sam.page.inner_text("main")
    sam.write("Why, without any data of a person; all members are told", "Our own audit is under way.")
    sam.tick("I have read what stands still")
    sam.press("Suspend SDE in 1 project")
    assert sam.said().startswith("SDE is suspended from 2022-04-13 until you lift it")
    sam.look_round()
    with world.enclave.store.view() as view:
        (nell,) = view.find(Listing, PROJECT, person="nell")
        (case,) = view.find(Case, PROJECT)
        assert list(nell.approvals or {}) == ["SDE"] and not case.missing("SDE")
        assert [hold.scope for hold in view.find(Hold)] == ["agency SDE by its own notice (2022-04-13)"]


def test_a_representative_signs_a_match_off_when_its_report_was_read(
    sit: Sit, built: World, tmp_path: Path
):  # fmt: skip
    world = built.before_the_last_agreement(tmp_path / "home")
    with served(world) as base:
        wes = sit(base, "wes")
        wes.go("Everything that concerns your agency")
        wes.go("Agree that a match is optimal")
        wes.look_round()
        wes.go("Read the match report")
        assert "match rate" in wes.page.inner_text("body").lower()
        wes.page.go_back()
        wes.press("Agree for WESTED")
        assert "The match is complete; its data are destroyed by" in wes.said()
        with world.enclave.store.view() as view:
            assert matching.latest(view, PROJECT).completed_on is not None
    world.close()


def test_the_hubs_staff_run_a_match_and_cut_the_data(sit: Sit, own_pages: str, world: World):
    hubert = sit(own_pages, "hubert")
    hubert.look_round()
    hubert.go("Intake")
    hubert.look_round()
    hubert.go("Matches")
    hubert.look_round()
    hubert.go("Run a match")
    hubert.look_round()
    hubert.write("Threshold", "0.95")
    hubert.press("Run the match")
    assert "The match has begun" in hubert.said()
    hubert.look_round()
    match_ended()
    hubert.go("Look again")
    assert "The newest match is match-02" in hubert.page.inner_text("main")
    hubert.go("match-02")
    for person in ("sam", "dora", "hal", "wes"):
        steward = Browser(own_pages, person)
        report = steward.of("/matching", format="json").json()["runs"][0]["report_sha256"]
        assert steward.send("/matching/match-02/agree", report=report).status_code == 303
    hubert.page.reload()
    hubert.press("Cut Resultant Data anew of match-02")
    assert "persons delivered: " in hubert.said()
    hubert.look_round()
    with world.enclave.store.view() as view:
        delivery, run = view.get(Delivery, PROJECT), matching.latest(view, PROJECT)
    assert delivery is not None and delivery.match.endswith("match-02") and run.parameters["threshold"] == 0.95


def test_the_operating_group_enlists_a_person_and_sees_incidents_to_their_end(
    sit: Sit, own_pages: str, world: World, tmp_path: Path
):  # fmt: skip
    olga = sit(own_pages, "olga")
    olga.go("People")
    olga.look_round()
    for field, text in (
        ("Login at the hub", "nell"), ("Name", "Nell Invented"), ("Position", "Analyst"), ("Organization", "WestEd"),
        ("E-mail address", "nell@example.org"), ("Telephone", "555-0100"),
    ):  # fmt: skip
        olga.write(field, text)
    olga.press("Put on the list")
    assert olga.said() == "Nell Invented is on the list 2.g."
    assert "Exhibit B waits for the signature of Nell Invented, Rita Invented." in olga.page.inner_text("main")
    scan = tmp_path / "exhibit-b.pdf"
    scan.write_bytes(b"%PDF-1.7 an invented signature")
    olga.to("link", "Exhibit C of Nell Invented, to sign")
    olga.unfold("Record one signed on paper")
    olga.attach("Scan of Exhibit B", scan)
    olga.press("Record Exhibit B of Nell Invented")
    assert olga.said() == "nell signed Exhibit B on paper on 2022-04-11."
    nell = sit(own_pages, "nell")
    assert "C waits for your signature" in nell.page.inner_text("main")
    nell.go("Exhibits B and C")
    nell.write("Your full name, for Exhibit C", "Nell Invented")
    nell.press("Sign Exhibit C")
    assert nell.said() == "You signed Exhibit C on 2022-04-11, valid until 2023-04-11."
    olga.page.goto(f"{own_pages}incidents")
    olga.look_round()
    olga.unfold("Enter what came in")
    olga.choose("A request under the Freedom of Information Act", "A subpoena")
    olga.write("What is asked, without any data of a person", "A court asks for the match rates.")
    olga.press("Take it in")
    olga.write("What was done, without any data of a person", "Told the agencies and the legal department.")
    olga.tick("That was all: close it")
    olga.press("Enter for subpoena-001")
    assert olga.said() == "Entered as step 1 of subpoena-001; it is closed."
    _report_a_breach(olga)
    sam = Browser(own_pages, "sam")
    assert sam.post(f"agency/SDE/notices/{PROJECT}/1/secured", text="Doors lock by themselves.").status_code == 303
    _resolve_it(olga)
    olga.look_round()
    olga.unfold("Stop a project")
    olga.tick("I have read what stands still")
    olga.press("Stop the project")
    assert "DR-0034 is stopped" in olga.said()
    olga.look_round()
    olga.press("Let DR-0034 go on")
    with world.enclave.store.view() as view:
        assert view.get(Person, "nell") is not None and view.find(Hold) == []
        (notice,) = view.find(Notice)
        assert notice.determination is Determination.ACTUAL and list(notice.secured) == ["SDE"]
        assert incidents.cases(view)[0].closed
    assert [who for who, _ in entered(world, "incident.lift")] == ["olga"]


def _report_a_breach(olga: Keyboard) -> None:
    olga.unfold("Report a breach")
    for field, text in (
        ("What happened, in one or two sentences", "A report lay in a printer overnight."),
        ("Roles of the people involved, never names", "researcher"),
        ("Type of the breach", "paper"),
        ("What was done against the harm", "It was shredded."),
        ("Corrective action, taken and planned", "Printing needs a second person."),
    ):
        olga.write(field, text)
    olga.tick("SDE")
    olga.write("Users or records impacted, estimated", "1", role="spinbutton")
    olga.press("Report it")
    assert olga.said().startswith("Notice DR-0034/1 goes to Operating Group, SDE")


def _resolve_it(olga: Keyboard) -> None:
    olga.unfold("The board's review of four matters")
    for field, text in (
        ("Impact on privacy, security, confidentiality and integrity", "None beyond the room."),
        ("Whether a party is to be suspended", "No."),
        ("Other measures, or none", "None."),
        ("What more is asked of the parties, or nothing", "Nothing."),
    ):
        olga.write(field, text)
    olga.press("Enter the review of DR-0034/1")
    olga.unfold("Resolve it")
    olga.choose("Breach", "Breach")
    olga.write("Lessons, which all parties and members read", "Printers stand in locked rooms.")
    olga.press("Resolve DR-0034/1")
    assert olga.said() == "Notice DR-0034/1 is resolved: breach. All parties and members read the lessons."


def test_the_operating_group_files_a_paper_ticks_it_and_records_who_speaks_for_a_party(
    sit: Sit, own_pages: str, world: World, tmp_path: Path
):  # fmt: skip
    scan = tmp_path / "exhibit-a.pdf"
    scan.write_bytes(b"%PDF-1.7 invented")
    olga = sit(own_pages, "olga")
    olga.go("Papers")
    olga.look_round()
    olga.to("link", "Document of exhibit-a/DR-0034/001")
    olga.unfold("Add a version")
    olga.attach("Document", scan)
    olga.press("Keep Exhibit A: request form with the statements of the requestor")
    assert olga.said().startswith("exhibit-a/DR-0034/002 is kept, sealed: 12 of its 12 items are open")
    olga.unfold("Tick what it says")
    for words in kind_of("exhibit-a").items.values():
        olga.tick(words)
    olga.press("Enter what exhibit-a/DR-0034/002 says")
    assert olga.said() == "exhibit-a/DR-0034/002: it stands."
    olga.unfold("Record whom a party designates")
    olga.pick("Who speaks for it", "sam")
    olga.attach("The letter", scan)
    olga.press("Record the designation")
    assert olga.said() == "sam speaks for SDE from 2022-04-11. The other parties are told."
    olga.unfold("Withdraw it")
    olga.press("Withdraw exhibit-a/DR-0034/002")
    olga.look_round()
    with world.enclave.store.view() as view:
        assert [len(paper.ticked) for paper in versions(view, "exhibit-a", PROJECT)] == [12, 12]
    assert entered(world, "papers.withdraw") == [("olga", "done")]


def test_the_operating_group_destroys_what_nobody_needs_any_more(sit: Sit, own_pages: str, world: World):
    olga = sit(own_pages, "olga")
    olga.go("Destruction")
    olga.go("Destroy before its day: what would go")
    olga.look_round()
    assert "1 person may not work any more: wren" in olga.page.inner_text("main")
    olga.choose("Data used for matching", "Resultant Data, derived data and data used for matching")
    olga.write("To confirm, the number of the project in full", PROJECT)
    olga.tick("I have read what stands still, and that nobody can bring it back")
    olga.press("Destroy it now")
    assert olga.said().startswith("Resultant Data, derived data and data used for matching: ")
    olga.unfold("It has come in, signed")
    olga.write("Title of who signed it, not their name", "Director of Research")
    olga.press("File the certificate")
    assert entered(world, "destruction.certificate") == [("olga", "done")]


def test_an_auditor_searches_keeps_a_checkpoint_and_holds_the_ledger_to_it(sit: Sit, own_pages: str, world: World):
    audrey = sit(own_pages, "audrey")
    audrey.go("All projects at a glance")
    audrey.look_round()
    audrey.page.go_back()
    audrey.go("Ledger")
    audrey.look_round()
    audrey.to("link", "Today's checkpoint, to keep")
    with audrey.page.expect_download() as kept:
        audrey.page.keyboard.press("Enter")
    note = Path(kept.value.path()).read_text("utf-8")
    world.on(date(2022, 4, 12))
    Browser(own_pages, "wren").send("/tell", kind="problem", text="A page with tables lay open.")
    audrey.write("Who", "wren")
    audrey.write("What was done", "incident.")
    audrey.press("Search")
    assert "1 of" in audrey.page.inner_text("main")
    number = audrey.page.locator("#entries ~ .scroll tbody tr th").inner_text()
    audrey.to("link", number)
    with audrey.page.expect_download() as proof:
        audrey.page.keyboard.press("Enter")
    assert '"proof"' in Path(proof.value.path()).read_text("utf-8")
    audrey.write("A checkpoint that you kept; empty to hold the ledger to its own root alone", note)
    audrey.press("Verify the ledger")
    assert audrey.page.inner_text("h1") == "The ledger is whole"
    assert "it is this ledger's, and nothing before it was changed" in audrey.page.inner_text("main")
    assert entered(world, "ledger.verify") == [("audrey", "done")]
