"""EM XI.B, ExC: whoever something waits for or concerns is told of it, once, in words that hold no data."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from enclave import incidents, messages, papers, people
from enclave.agreement import Policy, compile_agreement
from enclave.board import Decision, MotionKind, amend, change_law, continue_until
from enclave.calendar import STATE_TIME
from enclave.clocks import Reading, Round, go_round
from enclave.destruction import Guard
from enclave.incidents import Breach, CaseKind, Status
from enclave.ledger import Entry
from enclave.messages import RULES, Inbox
from enclave.people import Listing, Person
from enclave.review import open_case, return_with_comment
from enclave.terms import Action, Role, listen
from tests.parties import bring_into_force, pretend, record, representative, vote
from tests.release.world import PROJECT, REQUEST, World, damaged

NOW = datetime.now(UTC) + timedelta(days=1)
SECRET = "Zephyrantha Quillfeather, 907-53-0864"
PAGE = f"projects/{PROJECT}/requests/{REQUEST}"


def round_of(world: World, at: datetime = NOW) -> Round:
    return go_round(
        world.store, world.keystore, world.settings, Reading(at, "boot", (at - NOW).total_seconds() + 5e3)
    )


def told(world: World) -> dict[str, list[str]]:
    """Give what each person has been told and not read."""
    with world.store.view() as view:
        return {box.person: [m.title for m in box.new] for box in view.find(Inbox) if box.new}


@pytest.fixture
def quiet(world: World) -> World:
    """Give an installation in which everybody has been told, and has read, what came before."""
    round_of(world)
    with world.store.transaction() as tx:
        for box in tx.find(Inbox):
            messages.mark_read(tx, box.person, tx.frontier().size)
    round_of(world)
    assert told(world) == {}
    return world


def shared(world: World) -> None:
    clearance = world.clearance()
    with world.store.transaction() as tx:
        open_case(tx, clearance, "opm")


def returned(world: World) -> None:
    shared(world)
    admission = world.admission("sde-steward", Action.CONFIRM)
    with world.store.transaction() as tx:
        return_with_comment(tx, REQUEST, admission, SECRET)


def asked(world: World) -> None:
    admission = world.admission(representative("DOL"), Action.DECIDE)
    with world.store.transaction() as tx:
        continue_until(tx, admission, date(2022, 12, 30), SECRET)


def widened_study(world: World) -> None:
    known = world.policy
    terms = known.agreement.model_copy(update={"purpose": SECRET})
    other = Policy(agreement=terms, cells=known.cells, columns=known.columns, retention=known.retention)
    admission = world.admission(WESTED, Action.DECIDE)
    with world.store.transaction() as tx:
        amend(tx, admission, other, SECRET)


def declined(world: World) -> None:
    asked(world)
    with world.store.transaction() as tx:
        vote(tx, PROJECT, "SDE", MotionKind.CONTINUATION, Decision.DISAPPROVAL, SECRET)


def listed(world: World) -> None:
    person = Person("noa", SECRET, "Analyst", "WestEd", "noa@example.org", "555-0100", False)
    with world.store.transaction() as tx:
        people.enlist(tx, person, Listing("noa", PROJECT, Role.RESEARCHER, "2.g"), "opm")


def moved(world: World) -> None:
    with world.store.transaction() as tx:
        rae, listing = tx.get(Person, "rae"), tx.get(Listing, f"{PROJECT}/rae")
        assert rae is not None and listing is not None
        people.enlist(tx, replace(rae, position=SECRET), replace(listing, approvals=None), "opm")


def recorded(world: World) -> None:
    with world.store.transaction() as tx:
        record(tx, PROJECT, "rae", "C", signed_on=tx.today)


def withdrawn(world: World) -> None:
    with world.store.transaction() as tx:
        papers.withdraw(tx, f"exhibit-b-signed/{PROJECT}/rae/001", "opm")


def designated(world: World) -> None:
    with world.store.transaction() as tx:
        people.designate(tx, PROJECT, "SDE", SDE, pretend(), tx.today, "opm")


def suspended(world: World) -> None:
    with world.store.transaction() as tx:
        people.suspend(tx, PROJECT, "rae", "DSA VI.F", "opm")


def reinstated(world: World) -> None:
    suspended(world)
    with world.store.transaction() as tx:
        incidents.reinstate_person(tx, PROJECT, "rae", "opm")


def held(world: World) -> None:
    with world.store.transaction() as tx:
        case = incidents.complain(tx, "SDE", "Files of Zephyrantha lay open.", NOW, NOW, "opm")
        incidents.act(tx, case.key, incidents.Act.SUSPENDED, "Quillfeather may be read.", NOW, "opm")


def interrupted(world: World) -> None:
    with world.store.transaction() as tx:
        incidents.announce(tx, "DOL-HUB", "The lab stops.", NOW, NOW, "hub")


def no_longer_needed(world: World) -> None:
    with world.store.transaction() as tx:
        incidents.open_case(tx, CaseKind.CLOSING, PROJECT, "The work is done.", NOW, NOW, "rae")


def stricter(world: World) -> None:
    with world.store.transaction() as tx:
        cells = world.policy.cells.model_copy(update={"minimum_count": 11})
        change_law(tx, cells, 10, SECRET, "opm")


def subpoenaed(world: World) -> None:
    with world.store.transaction() as tx:
        incidents.open_case(tx, CaseKind.SUBPOENA, PROJECT, "A court asks for papers.", NOW, NOW, "opm")


def widened(world: World) -> None:
    eight = ("A page lay open.", "a user", "paper", ("SDE",), 0, "It was taken.", Status.INVESTIGATION, "A lock.")
    with world.store.transaction() as tx:
        notice = incidents.report_breach(tx, PROJECT, Breach(*eight), NOW, NOW, "rae")
        incidents.affects(tx, notice.key, "DOL-HUB", "Its printer, says Zephyrantha.", NOW, NOW, SDE)


def reported(world: World) -> None:
    with world.store.transaction() as tx:
        incidents.open_case(tx, CaseKind.PROBLEM, PROJECT, "A page lay open.", NOW, NOW, "rae")


DOL, HUB, WESTED, SDE = (representative(code) for code in ("DOL", "DOL-HUB", "WESTED", "SDE"))
SPEAKERS = {"sde-steward", "dol-steward", SDE, DOL}
DECLINED, DECIDES = "What was asked of the parties is declined", "Your party is asked for its written answer"
CONFIRMS = "Your agency confirms that the data asked for are there, and answers in writing"
DESIGNATED = "Another party has designated its Representative"
WAITS = "A release waits for your agency's statements"
ENOUGH = "Data are no longer needed, and their destruction is asked for"
STRICTER = "A change of law makes the terms of a project stricter"
STILL, CONCERNS = "A project of yours stands still", "A problem that concerns your agency was reported"


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (shared, dict.fromkeys(SPEAKERS, WAITS)
         | {"rae": "Your request is cleared, and the agencies review it"}),
        (returned, dict.fromkeys(SPEAKERS, WAITS)
         | {"rae": "Your request came back with a comment", "opm": "An agency has returned a release"}),
        (asked, dict.fromkeys({"sde-steward", "dol-steward", SDE, HUB, WESTED}, DECIDES)),
        (widened_study, dict.fromkeys(SPEAKERS, CONFIRMS) | {HUB: DECIDES}),
        (declined, dict.fromkeys({"sde-steward", "dol-steward", HUB, WESTED, DOL, "opm"}, DECLINED)
         | {SDE: DECIDES}),
        (listed, dict.fromkeys(SPEAKERS, "A person waits for your agency's approval")
         | {"noa": "Exhibits B and C wait for your signature"}),
        (moved, dict.fromkeys(SPEAKERS, "A person waits for your agency's approval")
         | {"rae": "Exhibits B and C wait for your signature"}),
        (withdrawn, {"rae": "Your signature under an exhibit is withdrawn, and waits again"}),
        (recorded, {"rae": "Your signature under Exhibit C is recorded"}),
        (designated, dict.fromkeys({"dol-steward", DOL, HUB, WESTED}, DESIGNATED)),
        (suspended, {"rae": "Your access is suspended"}),
        (reinstated, {"rae": "Your access is open again"}),
        (held, dict.fromkeys(SPEAKERS | {HUB, WESTED, "rae", "hub"}, STILL)
         | dict.fromkeys({"dol-steward", DOL}, "Your agency is asked about another one")),
        (interrupted, dict.fromkeys(SPEAKERS | {HUB, WESTED, "rae", "opm"}, "A service is interrupted, or will be")),
        (no_longer_needed, dict.fromkeys(SPEAKERS | {"opm"}, ENOUGH)),
        (stricter, dict.fromkeys(SPEAKERS | {HUB, WESTED, "rae", "hub"}, STRICTER)),
        (subpoenaed, dict.fromkeys(SPEAKERS, "A subpoena concerns your agency")),
        (widened, dict.fromkeys(SPEAKERS | {"opm"} - {SDE}, "A breach that was reported concerns another party too")
         | {HUB: "A breach that was reported is found to concern your party",
            SDE: "A breach that concerns your party was reported"}),
        (reported, dict.fromkeys(SPEAKERS, CONCERNS) | {"opm": "A problem was reported; its hours run"}),
    ],
)  # fmt: skip
def test_who_must_know_is_told_and_who_did_it_is_not(
    quiet: World, cause: Callable[[World], None], expected: dict[str, str]
) -> None:
    cause(quiet)
    assert round_of(quiet).told > 0
    assert {person: titles[-1] for person, titles in told(quiet).items()} == expected


@pytest.mark.parametrize(
    "cause", [shared, returned, widened_study, declined, listed, held, reported, widened, stricter]
)
def test_a_message_is_a_title_of_ours_a_project_and_a_link(quiet: World, cause: Callable[[World], None]) -> None:
    cause(quiet)
    round_of(quiet)
    with quiet.store.view() as view:
        boxes = [box for box in view.find(Inbox) if box.new]
        entries = json.dumps([e for e in view.entries() if e["action"].startswith("message.")])
    for message in (message for box in boxes for message in box.new):
        assert message.title in {rule.title for rule in RULES}
        assert message.project in {PROJECT, ""} and all(part not in message.path for part in SECRET.split())
    assert not any(part in entries or part in repr(boxes) for part in SECRET.split())


def test_links_lead_to_the_page_it_is_about(quiet: World) -> None:
    shared(quiet)
    round_of(quiet)
    with quiet.store.view() as view:
        (message,) = messages.inbox_of(view, "dol-steward").new
    assert (message.project, message.path, message.clause) == (PROJECT, PAGE, "DSA VI.G.1")


def test_the_operating_group_hears_when_the_last_statement_is_made(quiet: World) -> None:
    clearance = quiet.clearance()
    with quiet.store.transaction() as tx:
        open_case(tx, clearance, "rae")
    quiet.confirmed("sde-steward", clearance)
    round_of(quiet)
    assert "opm" not in told(quiet)
    quiet.confirmed("dol-steward", clearance)
    round_of(quiet)
    assert told(quiet)["opm"] == ["Every agency has confirmed a release"]


def test_whose_training_ends_and_who_reviews_access_are_told(quiet: World) -> None:
    with quiet.store.transaction() as tx:
        papers.withdraw(tx, "training/rae/001", "opm")
        papers.add(tx, "training", pretend(), "opm", about="rae", until=quiet.today + timedelta(days=7))
        known = people.listing_of(tx, PROJECT, "rae")
        tx.write(replace(known, listed_on=date(2021, 12, 8)), Entry("opm", "test", "rae", PROJECT))
    round_of(quiet)
    assert told(quiet) == {
        "rae": ["A record of training: 7 days are left"], HUB: ["Review of who needs access: 7 days are left"],
    }  # fmt: skip


def test_exhibit_c_is_warned_of_at_thirty_fourteen_and_seven_days_and_when_it_has_run_out(quiet: World) -> None:
    with quiet.store.transaction() as tx:
        record(tx, PROJECT, "rae", "C", signed_on=date(2021, 7, 31))
    for day in range(28, 32):
        quiet.today = date(2022, 6, day) if day < 31 else date(2022, 7, 1)
        round_of(quiet)
    for day in (*range(2, 32),):
        quiet.today = date(2022, 7, day)
        round_of(quiet)
    quiet.today = date(2022, 8, 1)
    round_of(quiet)
    mine = [title for title in told(quiet)["rae"] if title.startswith("Exhibit C")]
    assert mine == [*(f"Exhibit C: {days} days are left" for days in (30, 14, 7)), "Exhibit C: the time has run out"]
    office = [title for title in told(quiet)["opm"] if title.startswith("Exhibit C")]
    assert office == ["Exhibit C: the time has run out"]


def test_nobody_is_told_twice_and_a_round_without_news_writes_nothing(quiet: World) -> None:
    shared(quiet)
    round_of(quiet)
    before, heard = quiet.actions(), told(quiet)
    assert round_of(quiet) == Round()
    assert quiet.actions() == before and told(quiet) == heard


@pytest.mark.parametrize("at", ["store.before-commit", "store.after-commit"])
def test_a_crash_while_telling_neither_loses_nor_repeats(quiet: World, at: str) -> None:
    shared(quiet)

    def crash(label: str) -> None:
        if label == at:
            raise InterruptedError

    listen(crash)
    with pytest.raises(InterruptedError):
        messages.take_in(quiet.store, NOW, Guard(quiet.store, "clock"), by_mail=False)
    listen(lambda label: None)
    round_of(quiet)
    assert [len(titles) for titles in told(quiet).values()] == [1] * (len(SPEAKERS) + 1)


def test_who_cannot_be_told_holds_up_nobody_and_is_told_later(quiet: World) -> None:
    """What one person was told before cannot be read: the others hear at once, and once."""
    shared(quiet)
    with damaged(quiet, "inbox", "sde-steward"):
        for _ in range(3):
            assert [finding.where for finding in round_of(quiet).stuck] == ["messages to sde-steward"]
        assert quiet.actions("clocks.stuck") == ["clocks.stuck"]
    assert "sde-steward" not in told(quiet) and told(quiet)["dol-steward"] == [WAITS]
    assert "A part of the round of the clocks could not be done, and is tried again" in told(quiet)["opm"]
    assert round_of(quiet).told == 1 and round_of(quiet) == Round()
    assert told(quiet)["sde-steward"] == told(quiet)["dol-steward"] == [WAITS]


def test_who_is_suspended_is_told_nothing_more_of_the_project(quiet: World) -> None:
    suspended(quiet)
    round_of(quiet)
    with quiet.store.transaction() as tx:
        incidents.hold_project(tx, PROJECT, "DSA VI.F", "opm")
    round_of(quiet)
    assert told(quiet)["rae"] == ["Your access is suspended"] and told(quiet)["hub"] == [STILL]


def test_of_a_suspended_agency_members_hear_that_have_nothing_to_do_with_it(quiet: World) -> None:
    entry = Entry("opm", "incident.hold", "CSCU", "", "EM A1.2", details={"told": ["Operating Group", "SDE"]})
    with quiet.store.transaction() as tx:
        tx.append(
            Entry("clock", "incident.hold", PROJECT, PROJECT, "DSA VI.H", details={"scope": "destruction of it"})
        )
        tx.append(entry)
    round_of(quiet)
    heard = ["A party of the programme is suspended"]
    assert told(quiet) == {"sde-steward": heard, SDE: heard}


def test_of_an_announced_suspension_is_said_from_when_and_that_it_lasts_longer(quiet: World) -> None:
    first, last = quiet.today + timedelta(days=2), quiet.today + timedelta(days=9)
    with quiet.store.transaction() as tx:
        incidents.suspend_agency(tx, "SDE", SDE, first, "A new system.", last)
    round_of(quiet)
    said = f"A project of yours stands still from {first} on"
    assert told(quiet)["rae"] == told(quiet)["opm"] == [said]
    with quiet.store.transaction() as tx:
        incidents.suspend_agency(tx, "SDE", SDE, last, "It takes longer.")
    round_of(quiet)
    longer = "A project of yours stands still for longer than was said"
    assert told(quiet)["rae"] == [said, longer]


@pytest.mark.parametrize("off", [0, 3])
def test_all_are_told_on_the_day_on_which_an_announced_suspension_begins_and_once(quiet: World, off: int) -> None:
    """Also where nobody ran the clocks on that day, while it stands."""
    first, last = quiet.today + timedelta(days=2), quiet.today + timedelta(days=9)
    with quiet.store.transaction() as tx:
        incidents.suspend_agency(tx, "SDE", SDE, first, "A new system.", last)
    for day in (quiet.today, first - timedelta(days=1)):
        quiet.today = day
        round_of(quiet)
    announced = told(quiet)
    quiet.today = first + timedelta(days=off)
    for _ in range(2):
        round_of(quiet)
    begun = "A project of yours stands still, as was announced"
    heard = {who: titles[len(announced.get(who, ())) :] for who, titles in told(quiet).items()}
    assert heard.keys() == {*announced, SDE}  # who gave notice as well
    assert all(titles == [begun] for titles in heard.values()), heard
    with quiet.store.view() as view:
        (entry,) = view.entries(action="incident.begin")
    assert entry["actor"] == "clock" and entry["details"]["told"][0] == "Operating Group"
    assert {"SDE", "DOL"} <= {*entry["details"]["told"]}
    quiet.today = last + timedelta(days=1)
    assert round_of(quiet).told == 0


@pytest.mark.parametrize("how", ["lifted", "over"])
def test_of_an_announced_suspension_that_does_not_stand_nobody_is_told_that_it_began(quiet: World, how: str) -> None:
    first = quiet.today + timedelta(days=2)
    with quiet.store.transaction() as tx:
        incidents.suspend_agency(tx, "SDE", SDE, first, "A new system.", first)
        if how == "lifted":
            incidents.reinstate(tx, "SDE", SDE)
    quiet.today = first + timedelta(days=1 if how == "over" else 0)
    round_of(quiet)
    assert "incident.begin" not in quiet.actions()


def test_the_agency_of_a_complaint_is_warned_of_its_plan(quiet: World) -> None:
    at = datetime.combine(quiet.today, time(10), STATE_TIME)
    with quiet.store.transaction() as tx:
        case = incidents.complain(tx, "SDE", "Files lay open.", at, at, "opm")
        for what in (incidents.Act.SUSPENDED, incidents.Act.REASONS):
            incidents.act(tx, case.key, what, "In writing.", at, "opm")
    round_of(quiet)
    quiet.today += timedelta(days=8)
    round_of(quiet)
    for who in ("sde-steward", SDE, "opm"):
        assert [title for title in told(quiet)[who] if title.startswith("Plan of correction")], who
    assert not [title for title in told(quiet)[DOL] if title.startswith("Plan of correction")]


def test_the_lessons_of_a_breach_reach_every_party_and_member(quiet: World) -> None:
    matters = incidents.Matters("None.", "Nobody is.", "None.", "Nothing.")
    status = incidents.Status.INVESTIGATION
    breach = incidents.Breach(
        "A page lay open.", "one user", "paper", ("WESTED",), 0, "Found.", status, "None planned."
    )
    with quiet.store.transaction() as tx:
        bring_into_force(tx, compile_agreement(quiet.settings.policies, "DR-0101"))
        incidents.report_breach(tx, PROJECT, breach, NOW, NOW, "opm")
    round_of(quiet)
    named = representative("WESTED")
    assert told(quiet)[named][-1] == "A breach that concerns your party was reported"
    with quiet.store.transaction() as tx:
        incidents.review_breach(tx, f"{PROJECT}/1", matters, "opm")
        incidents.confirm_secure(tx, f"{PROJECT}/1", "WESTED", "The room is locked.", NOW, named)
        incidents.resolve(tx, f"{PROJECT}/1", incidents.Determination.ACTUAL, "Rooms are locked.", "opm")
        elsewhere = next(member for member in people.members(tx) if member not in quiet.policy.agencies)
    round_of(quiet)
    for party in ("WESTED", "SDE", "DOL-HUB", elsewhere):
        assert told(quiet)[representative(party)][-1] == "A breach is resolved, and its lessons are for all", party


def test_a_project_goes_on_when_nothing_holds_it_any_more(quiet: World) -> None:
    with quiet.store.transaction() as tx:
        incidents.refuse_recipient(tx, "WESTED", "SDE", SDE)
        incidents.refuse_recipient(tx, "WESTED", "DOL", representative("DOL"))
        incidents.reinstate(tx, "WESTED", SDE)
    round_of(quiet)
    assert told(quiet)["rae"] == [STILL, STILL]
    with quiet.store.transaction() as tx:
        incidents.reinstate(tx, "WESTED", representative("DOL"))
    round_of(quiet)
    assert told(quiet)["rae"] == [STILL, STILL, "A project of yours goes on"]


def test_who_begins_to_be_told_is_not_told_of_years(world: World) -> None:
    shared(world)
    world.today += timedelta(days=3)
    suspended(world)
    round_of(world)
    assert {person: titles for person, titles in told(world).items() if person in {"rae", "sde-steward"}} == {
        "rae": ["Your access is suspended"]
    }


def test_what_one_has_read_is_no_longer_new(quiet: World) -> None:
    shared(quiet)
    round_of(quiet)
    with quiet.store.transaction() as tx:
        box = messages.inbox_of(tx, "dol-steward")
        messages.mark_read(tx, "dol-steward", box.messages[-1].seq)
        assert messages.inbox_of(tx, "dol-steward").new == () and messages.inbox_of(tx, "sde-steward").new
    with quiet.store.transaction() as tx:
        assert messages.mark_read(tx, "dol-steward", 10**9).read <= tx.frontier().size


def test_the_list_of_a_person_has_an_end(quiet: World) -> None:
    entry = Entry("opm", "people.unsuspend", "rae", PROJECT, "EM A1.2")
    with quiet.store.transaction() as tx:
        for _ in range(130):
            tx.append(entry)
    round_of(quiet)
    with quiet.store.view() as view:
        box = messages.inbox_of(view, "rae")
    assert len(box.messages) == 100 and box.messages[-1].seq == max(m.seq for m in box.messages)
    assert replace(box, read=box.messages[-1].seq).new == ()
