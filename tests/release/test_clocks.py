"""DSA VI.H, III.F.3: what is due is destroyed with nobody present, once, and by no clock that was set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from enclave import agreement, board, destruction, incidents, people
from enclave.agreement import Signature
from enclave.calendar import STATE_TIME, add_business_days
from enclave.clocks import Reading, Round, running
from enclave.destruction import Destruction, Scope
from enclave.errors import Invalid, Refused
from enclave.incidents import CaseKind
from enclave.ledger import Entry
from enclave.people import Listing, Person
from enclave.scratch import alone
from enclave.terms import Action, Role
from tests.parties import NEWCOMER, SIGNED, let_join, record, representative
from tests.release.rounds import END, complete_match, keep_match, noted, round_of, told
from tests.release.world import FIRST_DAY, LAST_DAY, PROJECT, World, damaged, unmounted


def test_match_data_go_on_the_tenth_business_day_and_not_a_day_before(world: World):
    paths = world.held()
    complete_match(world)
    world.today = LAST_DAY - timedelta(days=1)
    assert round_of(world).destroyed == ()
    assert world.keystore.exists(f"match-{PROJECT}")
    world.today = LAST_DAY
    (certificate,) = round_of(world).destroyed
    assert certificate.destroyed_on == LAST_DAY
    assert not world.keystore.exists(f"match-{PROJECT}") and world.keystore.exists(f"project-{PROJECT}")
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    with world.store.view() as view:
        assert {e["actor"] for e in view.entries() if e["action"].startswith("destruction.")} == {"clock"}


def test_a_projects_data_go_when_its_last_day_is_over_whatever_nobody_does(world: World):
    *paths, other = world.held()
    complete_match(world)
    world.today = END
    round_of(world)
    assert world.keystore.exists(f"project-{PROJECT}")
    world.today = END + timedelta(days=1)
    (certificate,) = round_of(world).destroyed
    assert (certificate.data_request, certificate.destroyed_on) == (
        "Manufacturing Skills for CT (DR-0034)", date(2022, 9, 1),
    )  # fmt: skip
    assert not any(path.exists() for path in paths) and other.exists()


def admit_newcomer(world: World, *, signed_on: date | None) -> None:
    with world.store.transaction() as tx:
        let_join(tx, world.policy)
        if signed_on:
            agreement.sign(tx, PROJECT, Signature(NEWCOMER, "Director", signed_on), "opm")


@pytest.mark.parametrize("signed", [False, True])
def test_a_party_that_joins_by_amendment_moves_no_clock_whether_it_has_signed_or_not(world: World, signed: bool):
    *paths, other = world.held()
    complete_match(world)
    with world.store.transaction() as tx:
        record(tx, PROJECT, "rae", "C", signed_on=date(2021, 6, 20))
    with world.store.view() as view:
        before = [(clock.what, clock.about, clock.due_on) for clock in running(view)]
    admit_newcomer(world, signed_on=world.today if signed else None)
    with world.store.view() as view:
        known, after_ = agreement.of(view, PROJECT), [(c.what, c.about, c.due_on) for c in running(view)]
    assert (known.effective_on, known.unsigned) == (SIGNED, () if signed else (NEWCOMER,))
    own = {("membership of the Enterprise MOU", NEWCOMER), ("a current Representative", f"{PROJECT}/{NEWCOMER}")}
    assert [clock for clock in after_ if clock[:2] not in own] == before
    world.today = END - timedelta(days=30)
    round_of(world)
    assert (PROJECT, "project data", 30) in noted(world, "clocks.warn")
    assert not any(path.exists() for path in paths[:2])  # of the match
    world.today = END
    round_of(world)
    assert world.keystore.exists(f"project-{PROJECT}")
    world.today = END + timedelta(days=1)
    (certificate,) = round_of(world).destroyed
    assert (certificate.approved_from, certificate.destroyed_on) == (SIGNED, world.today)
    assert not any(path.exists() for path in paths) and other.exists()
    assert not world.keystore.exists(f"project-{PROJECT}")


def test_notice_of_a_party_ends_a_project_that_a_newcomer_has_not_signed(world: World):
    *paths, _ = world.held()
    admit_newcomer(world, signed_on=None)
    with world.store.transaction() as tx:
        admission = people.may(tx, representative("DOL"), Action.DECIDE, PROJECT)
        assert board.terminate(tx, admission, "The law has changed.").ends_on == FIRST_DAY + timedelta(days=60)
    world.today = FIRST_DAY + timedelta(days=60)
    round_of(world)
    assert world.keystore.exists(f"project-{PROJECT}")
    world.today += timedelta(days=1)
    assert len(round_of(world).destroyed) == 1
    assert not any(path.exists() for path in paths)


def test_a_project_goes_whole_where_its_match_data_are_due_too(world: World):
    world.held()
    complete_match(world)
    world.today = END + timedelta(days=1)
    assert len(round_of(world).destroyed) == 1
    with world.store.view() as view:
        assert [each.scope for each in view.find(Destruction)] == [Scope.PROJECT]


def test_a_round_that_is_repeated_does_nothing(world: World):
    world.held()
    complete_match(world)
    world.today = LAST_DAY
    assert round_of(world).destroyed
    before = world.actions()
    assert round_of(world) == Round() and world.actions() == before


def test_only_one_goes_round(world: World):
    world.held()
    world.today = END + timedelta(days=1)
    with alone(world.settings.runtime, "clocks"):
        assert round_of(world) == Round()
    assert round_of(world).destroyed


def test_no_clock_runs_where_nothing_is_held(world: World):
    """The match data go before their day, then the last party agrees: nothing is due, nothing is overdue."""
    world.held()
    keep_match(world)
    admission = world.admission("opm", Action.DESTROY)
    destruction.destroy_match_data(world.store, world.keystore, world.settings, admission)
    complete_match(world)
    with world.store.view() as view:
        assert [due.what for due in destruction.due(view, LAST_DAY)] == ["certificate", "project data"]
    world.today = LAST_DAY + timedelta(days=1)
    round_of(world)
    assert noted(world, "clocks.alarm") == [(PROJECT, "certificate", -1)]
    assert "destruction.refuse" not in world.actions() and "destruction.stuck" not in world.actions()
    world.held()  # for another match: to agree with the first one ends nothing of theirs
    assert round_of(world).destroyed == () and world.keystore.exists(f"match-{PROJECT}")


def test_what_is_held_without_a_match_raises_an_alarm(world: World):
    """Ten business days after the newest file came; what is received after a destruction counts anew."""
    world.held()
    for day, alarms in ((LAST_DAY, 0), (LAST_DAY + timedelta(days=1), 1)):
        world.today = day
        round_of(world)
        wanted = [(PROJECT, "a match of the identifiers that are held", -1)] * alarms
        assert noted(world, "clocks.alarm") == wanted
    keep_match(world)
    with world.store.view() as view:
        assert "written agreement with the match" in [clock.what for clock in running(view)]
        assert "a match of the identifiers that are held" not in [clock.what for clock in running(view)]
    admission = world.admission("opm", Action.DESTROY)
    destruction.destroy_match_data(world.store, world.keystore, world.settings, admission)
    with world.store.view() as view:
        assert not {clock.clause for clock in running(view)} & {"DSA III.F.3"}
    world.held()
    with world.store.view() as view:
        (clock,) = [clock for clock in running(view) if clock.clause == "DSA III.F.3"]
    assert (clock.what, clock.unit) == ("a match of the identifiers that are held", "business days")
    assert clock.due_on == add_business_days(world.today, 10)


def test_links_that_are_held_go_though_every_file_was_taken_back(world: World):
    world.held()
    keep_match(world)
    complete_match(world)
    admission = world.admission("hub", Action.RECEIVE)
    destruction.take_back(world.store, world.keystore, world.settings, admission, "one")
    world.today = LAST_DAY
    assert len(round_of(world).destroyed) == 1
    assert not world.keystore.exists(f"match-{PROJECT}")


def test_a_minutes_silence_of_the_keys_place_is_waited_out(world: World):
    """On the last day the volume of keys is not mounted for one round: the data go that day, and it is told once."""
    world.held()
    complete_match(world)
    world.today = LAST_DAY
    with unmounted(world):
        for _ in range(3):
            done = round_of(world)
            assert done.destroyed == () and {finding.rule for finding in done.stuck} == {"key-volume"}
        assert world.actions("destruction") == ["destruction.stuck"]
    assert "Data that must be destroyed are still there" in told(world, "opm")
    (certificate,) = round_of(world).destroyed
    assert certificate.destroyed_on == LAST_DAY and not world.keystore.exists(f"match-{PROJECT}")
    assert round_of(world).stuck == ()


def test_what_was_destroyed_before_stops_no_round_while_the_keys_place_is_silent(world: World):
    """Nor is a place that does not answer asked of every key that ever was."""
    world.held()
    admission = world.admission("opm", Action.DESTROY)
    destruction.destroy_match_data(world.store, world.keystore, world.settings, admission)
    world.held()
    complete_match(world)
    world.today = LAST_DAY
    round_of(world)
    world.today = END - timedelta(days=30)
    with unmounted(world):
        done = round_of(world)
        assert [finding.rule for finding in done.stuck] == ["key-volume"]
        assert round_of(world).stuck and world.actions("destruction.stuck") == ["destruction.stuck"]
    assert (PROJECT, "project data", 30) in noted(world, "clocks.warn")
    assert "Project data: 30 days are left" in told(world, "opm")


def test_one_destruction_that_cannot_be_finished_stops_no_other(world: World):
    """A folder in the place of a key cannot be overwritten; another project goes, and the rest is told."""
    world.held()
    other = "DR-0099"
    with world.store.transaction() as tx:
        theirs = replace(agreement.of(tx, PROJECT), project=other)
        tx.write(theirs, Entry("opm", "agreement.sign", other, other, "DSA XII"))
    key, away = world.settings.keys / f"project-{PROJECT}.kek", world.settings.home / "away"
    key.rename(away)
    key.mkdir()
    for days in (1, 1, 2):
        world.today = END + timedelta(days=days)
        assert [finding.rule for finding in round_of(world).stuck] == ["stuck"]
    assert not world.keystore.exists(f"project-{other}")
    assert world.actions("destruction.stuck") == ["destruction.stuck"] * 2
    assert told(world, "opm").count("Data that must be destroyed are still there") == 2
    assert "Project data: the time has run out" in told(world, "opm")
    key.rmdir()
    away.rename(key)
    assert len(round_of(world).destroyed) == 1 and not world.keystore.exists(f"project-{PROJECT}")


def test_an_inbox_that_cannot_be_read_stops_nothing_else_and_is_told(world: World):
    """A name in one party's folder leads to itself; another party's file is told of, and a warning entered."""
    inbox = world.settings.home / "inbox"
    for name in ("SDE.0034.04_11_2022.matching.sealed", "DOL.0034.04_11_2022.matching.sealed"):
        (inbox / name[:3]).mkdir(parents=True)
        (inbox / name[:3] / name).write_bytes(b"sealed")
    loop = inbox / "SDE" / "SDE.0034.04_12_2022.matching.sealed"
    loop.symlink_to(loop)
    world.today = END - timedelta(days=30)
    for _ in range(3):
        assert [finding.where for finding in round_of(world).stuck] == ["inbox of SDE"]
    with world.store.view() as view:
        (stuck,) = view.entries(action="clocks.stuck")
        assert [entry["object"][:3] for entry in view.entries(action="intake.arrive")] == ["DOL"]
    assert (stuck["object"], stuck["outcome"]) == ("inbox of SDE", "stuck")
    assert noted(world, "clocks.warn") == [(PROJECT, "project data", 30)]
    for person in ("opm", "hub"):
        assert "A part of the round of the clocks could not be done, and is tried again" in told(world, person)
    loop.unlink()
    assert round_of(world).stuck == ()
    with world.store.view() as view:
        assert [entry["object"][:3] for entry in view.entries(action="intake.arrive")] == ["DOL", "SDE"]


@pytest.mark.parametrize("kind", ["incident-case", "membership", "proposal"])
def test_clocks_that_cannot_be_read_hide_no_others_and_stop_no_destruction(world: World, kind: str):
    world.held()
    world.publish(world.reviewed())
    world.today = END + timedelta(days=1)
    with damaged(world, kind, "one"):
        done = round_of(world)
    assert len(done.destroyed) == 1 and len(done.stuck) == 1 and world.actions("clocks.stuck") == ["clocks.stuck"]
    assert noted(world, "clocks.alarm") == [("out-0147", "copy of the published work", -1)]


def test_what_is_due_of_one_project_goes_though_that_of_another_cannot_be_read(world: World):
    world.held()
    other = "DR-0099"
    with world.store.transaction() as tx:
        theirs = replace(agreement.of(tx, PROJECT), project=other)
        tx.write(theirs, Entry("opm", "agreement.sign", other, other, "DSA XII"))
    world.today = END + timedelta(days=1)
    with damaged(world, "destruction", f"{other}/match/1"):
        (certificate,) = round_of(world).destroyed
        assert PROJECT in certificate.data_request and world.keystore.exists(f"project-{other}")
        with world.store.view() as view:
            assert ("what is due", other) in [
                (e["object"], e["project"]) for e in view.entries(action="clocks.stuck")
            ]
    assert len(round_of(world).destroyed) == 1 and not world.keystore.exists(f"project-{other}")


def test_the_clock_destroys_nothing_before_its_time_and_is_no_person(world: World):
    world.held()
    with world.store.view() as view:
        admission = people.by_clock(view, PROJECT)
    for verb in (destruction.destroy, destruction.destroy_match_data):
        with pytest.raises(Refused, match="not due"):
            verb(world.store, world.keystore, world.settings, admission)
    assert world.keystore.exists(f"project-{PROJECT}")
    person = Person("clock", "Invented", "Staff", "Office", "clock@example.org", "555-0100", True)
    for listing in (Listing("clock", PROJECT, Role.OPM, "office"), Listing("ines", PROJECT, Role.CLOCK, "office")):
        with world.store.transaction() as tx, pytest.raises(Invalid) as caught:
            people.enlist(tx, replace(person, id=listing.person), listing, "opm")
        assert [finding.rule for finding in caught.value.findings] == ["clock"]


def test_what_is_near_is_warned_of_at_30_14_and_7_days_once_each(world: World):
    for days in (31, 30, 29, 14, 8, 7, 1, 0):
        world.today = END - timedelta(days=days)
        round_of(world)
    assert noted(world, "clocks.warn") == [(PROJECT, "project data", days) for days in (30, 14, 7)]
    assert noted(world, "clocks.alarm") == []


def test_a_machine_that_was_off_warns_of_what_is_nearest(world: World):
    world.today = END - timedelta(days=5)
    round_of(world)
    assert noted(world, "clocks.warn") == [(PROJECT, "project data", 7)]


def test_exhibit_c_that_ends_before_the_project_is_warned_of(world: World):
    with world.store.transaction() as tx:
        record(tx, PROJECT, "rae", "C", signed_on=date(2021, 6, 20))
    round_of(world)
    assert noted(world, "clocks.warn") == [(f"{PROJECT}/rae", "Exhibit C", 30)]


def test_a_clock_that_never_started_raises_an_alarm_once(world: World):
    keep_match(world, completed_on=world.today)
    world.today = LAST_DAY + timedelta(days=1)
    round_of(world)
    assert noted(world, "clocks.alarm") == []
    world.today = date(2022, 6, 1)
    keep_match(world)
    world.today = LAST_DAY
    round_of(world)
    assert noted(world, "clocks.alarm") == []
    world.today = LAST_DAY + timedelta(days=1)
    for _ in range(2):
        round_of(world)
    assert noted(world, "clocks.alarm") == [(f"{PROJECT}/match-01", "written agreement with the match", -1)]


def test_what_a_person_did_not_do_in_time_raises_an_alarm(world: World):
    world.held()
    world.publish(world.reviewed())
    world.today = END + timedelta(days=1)
    round_of(world)
    world.today = END + timedelta(days=30)
    round_of(world)
    assert noted(world, "clocks.alarm") == [
        ("out-0147", "copy of the published work", -1), (PROJECT, "certificate", -1),
    ]  # fmt: skip


def test_what_counts_in_hours_is_told_and_alarmed_by_the_hour(world: World):
    """A request under the FOIA at 22 o'clock: 24 hours run, and the alarm comes before its second limit of 48."""
    came = datetime(2022, 6, 2, 2, tzinfo=UTC)
    with world.store.transaction() as tx:
        case = incidents.open_case(tx, CaseKind.FOIA, PROJECT, "A request came in.", came, came, "opm")
    for hours, alarms in ((1, 0), (23.9, 0), (24.1, 1)):
        world.today = (came + timedelta(hours=hours)).astimezone(STATE_TIME).date()
        round_of(world, Reading(came + timedelta(hours=hours), "first boot", hours * 3600))
        assert noted(world, "clocks.alarm") == [(case.key, "first step on a foia", -1)] * alarms
    assert "First step on a foia: 23 hours are left" in told(world, "opm")
    with world.store.view() as view:
        (clock,) = [clock for clock in running(view) if clock.about == case.key]
    assert (clock.unit, clock.due, clock.due_on) == ("hours", "2022-06-02 22:00", date(2022, 6, 2))


def test_what_is_left_is_told_in_the_unit_of_the_clause(world: World):
    world.held()
    world.today = date(2022, 7, 1)  # a Friday; Monday is the Fourth of July
    destruction.destroy(world.store, world.keystore, world.settings, world.admission("opm", Action.DESTROY))
    round_of(world)
    assert "Certificate: 3 working days are left" in told(world, "opm")
    friday = datetime(2022, 7, 1, 15, tzinfo=STATE_TIME)
    with world.store.transaction() as tx:
        case = incidents.complain(tx, "SDE", "Files lay open.", friday, friday, "opm")
        incidents.act(tx, case.key, incidents.Act.SUSPENDED, "Until it is seen to.", friday, "opm")
    with world.store.view() as view:
        (clock,) = [clock for clock in running(view) if clock.what == "reasons of a suspension"]
    assert clock.due == "2022-07-06 09:00"
    left = [clock.left(at.date(), at) for at in (friday, friday + timedelta(hours=70), clock.due_at)]
    assert left == ["12 business hours are left", "10 business hours are left", "the last business hour runs"]
