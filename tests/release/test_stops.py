"""An agency's data leave every project for the time; a recipient is stopped in all its projects; the log of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from enclave import incidents, people
from enclave.agreement import Policy
from enclave.board import Decision, MotionKind
from enclave.destruction import destroy
from enclave.errors import EnclaveError, Refused
from enclave.incidents import Suspended, refuse_recipient, reinstate, suspend_agency, suspensions, with_cause
from enclave.people import Approval, Hold, Listing, Person
from enclave.terms import Action, Role
from tests.parties import bring_into_force, representative
from tests.release.world import FIRST_DAY, PROJECT, World

OTHER = "DR-0035"
WHY = "A new system is set up."
NOW = datetime(2022, 6, 1, 14, tzinfo=UTC)
SDE, DOL = representative("SDE"), representative("DOL")


@pytest.fixture
def two(world: World) -> World:
    """Two projects in force on which rae works; the second has no data of DOL, and another recipient."""
    agreement = world.policy.agreement
    moved = {"DOL": "CSCU", "WESTED": "UCONN"}
    parties = tuple(p.model_copy(update={"code": moved.get(p.code, p.code)}) for p in agreement.parties)
    changed = agreement.model_copy(update={"dr": OTHER, "parties": parties})
    policy = Policy(agreement=changed, cells=world.policy.cells, retention=world.policy.retention)
    with world.store.transaction() as tx:
        bring_into_force(tx, policy)
        rae = tx.get(Listing, f"{PROJECT}/rae")
        person = tx.get(Person, "rae")
        assert rae is not None and person is not None
        approvals = dict.fromkeys(policy.agencies, Approval(date(2022, 5, 1), "a steward", "approved"))
        people.enlist(tx, person, replace(rae, project=OTHER, approvals=approvals), "opm")
    assert stopped(world) == set()
    return world


def stopped(world: World, action: Action = Action.ANALYSE) -> set[str]:
    """Give the projects on which rae is stopped by a suspension."""
    with world.store.view() as view:
        found = {dr: people.reasons_against(view, "rae", action, dr) for dr in (PROJECT, OTHER)}
    return {dr for dr, findings in found.items() if "suspended" in {finding.rule for finding in findings}}


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


def test_an_agencys_data_leave_every_project_it_is_in_and_come_back_by_themselves(two: World):
    since, until = FIRST_DAY + timedelta(days=2), FIRST_DAY + timedelta(days=9)
    with two.store.transaction() as tx:
        suspend_agency(tx, "SDE", SDE, since, WHY, until)
    with two.store.view() as view:
        (entry,) = view.entries(action="incident.hold")
        assert entry["details"]["told"] == ["Operating Group", "CSCU", "DOL", "SDE"]
        assert view.find(Hold, party="SDE")[0].reason == WHY and not any(WHY in body for body in view.bodies())
        assert entry["outcome"] == "announced"
    days = {FIRST_DAY: set(), since - timedelta(days=1): set(), since: {PROJECT, OTHER}, until: {PROJECT, OTHER}}
    for day, projects in (days | {until + timedelta(days=1): set()}).items():
        two.today = day
        assert stopped(two) == projects, day


def test_an_agency_extends_its_suspension_and_its_data_stay_out_without_a_break(two: World):
    first, last = FIRST_DAY + timedelta(days=2), FIRST_DAY + timedelta(days=9)
    later = last + timedelta(days=20)
    with two.store.transaction() as tx:
        suspend_agency(tx, "SDE", SDE, first, WHY, last)
    two.today = last - timedelta(days=2)
    with two.store.transaction() as tx:
        longer = suspend_agency(tx, "SDE", SDE, last + timedelta(days=1), "It takes longer.", later)
    assert (longer.since, longer.until, longer.reason) == (first, later, "It takes longer.")
    for day in (two.today, last, last + timedelta(days=1), later):
        two.today = day
        assert stopped(two) == {PROJECT, OTHER}, day
    for until in (last, later):
        extending = first, WHY, until
        assert refused(two, lambda tx, extending=extending: suspend_agency(tx, "SDE", SDE, *extending)) == [
            "not-later"
        ]
    with two.store.transaction() as tx:
        suspend_agency(tx, "SDE", SDE, later, WHY)
    assert refused(two, lambda tx: suspend_agency(tx, "SDE", SDE, later, WHY)) == ["not-later"]
    two.today = later + timedelta(days=1)
    with two.store.view() as view:
        (log,) = suspensions(view)
    assert (log.since, log.until, log.lifted_on, stopped(two)) == (first, None, None, {PROJECT, OTHER})
    assert two.actions("incident") == ["incident.hold", "incident.extend", "incident.extend"]


def test_a_notice_that_leaves_days_between_is_one_of_its_own(two: World):
    first, last = FIRST_DAY + timedelta(days=2), FIRST_DAY + timedelta(days=4)
    again, end = last + timedelta(days=2), last + timedelta(days=3)
    with two.store.transaction() as tx:
        suspend_agency(tx, "SDE", SDE, first, WHY, last)
        suspend_agency(tx, "SDE", SDE, again, WHY, end)
    days = {first: True, last: True, last + timedelta(days=1): False, again: True, end: True}
    for day, stands in (days | {end + timedelta(days=1): False}).items():
        two.today = day
        assert (stopped(two) == {PROJECT, OTHER}) is stands, day
    assert refused(two, lambda tx: reinstate(tx, "SDE", SDE)) == ["not-held"]
    with two.store.view() as view:
        assert [(each.until, each.lifted_on) for each in suspensions(view)] == [(last, None), (end, None)]
    late = end + timedelta(days=1)
    assert refused(two, lambda tx: suspend_agency(tx, "SDE", SDE, late, WHY)) == ["notice"]


def test_the_operating_group_of_the_project_alone_stops_it_and_lets_it_go_on(two: World):
    steps = {
        "hold": lambda who: lambda tx: incidents.hold_project(tx, PROJECT, "DSA VI.F", who),
        "lift": lambda who: lambda tx: incidents.lift_project(tx, PROJECT, who),
        "suspend": lambda who: lambda tx: incidents.suspend_person(tx, PROJECT, "opm", "DSA VI.F", who),
        "leave": lambda who: lambda tx: people.leave(tx, "SDE", who, breach=True),
    }
    for who in ("rae", SDE, "hub", "operator"):
        assert {name: refused(two, step(who)) for name, step in steps.items()} == {
            name: ["spokesman"] for name in steps
        }
    assert stopped(two) == set() and two.actions("agency.leave") == []


def for_cause(world: World, agency: str) -> None:
    """Suspend an agency in the case of a complaint."""
    with world.store.transaction() as tx:
        case = incidents.complain(tx, agency, "Files lay open.", NOW, NOW, "opm")
        incidents.act(tx, case.key, incidents.Act.SUSPENDED, "At once.", NOW, "opm")


def dismissed(world: World, party: str) -> None:
    """Let one agency deny the suspension of the other."""
    with world.store.transaction() as tx:
        answer = MotionKind.SUSPENSION, party, Decision.DISAPPROVAL, "It was mended.", NOW
        incidents.vote(tx, "complaint-001", *answer, representative(party))


def test_only_projects_with_its_data_are_stopped_until_its_case_ends(two: World):
    two.today = FIRST_DAY + timedelta(days=2)
    for_cause(two, "DOL")
    assert stopped(two) == {PROJECT} == stopped(two, Action.REQUEST)
    assert two.admission("opm", Action.DESTROY).project == PROJECT
    with pytest.raises(Refused):
        two.admission("opm", Action.PUBLISH)
    for who in (DOL, "opm"):
        assert refused(two, lambda tx, who=who: reinstate(tx, "DOL", who)) == ["not-held"]
    dismissed(two, "SDE")
    assert stopped(two) == set()


def test_an_agencys_own_notice_does_not_take_the_place_of_a_suspension_for_cause(two: World):
    for_cause(two, "SDE")
    with two.store.transaction() as tx:
        suspend_agency(tx, "SDE", SDE, FIRST_DAY + timedelta(days=20), WHY)
    assert stopped(two) == {PROJECT, OTHER}
    with two.store.transaction() as tx:
        reinstate(tx, "SDE", SDE)
    assert stopped(two) == {PROJECT, OTHER}
    with two.store.transaction() as tx:
        people.leave(tx, "CSCU", "opm", breach=True)
    dismissed(two, "DOL")
    two.today = FIRST_DAY + timedelta(days=21)
    assert stopped(two) == set()


def test_notice_is_given_a_day_before_by_the_agencys_own_steward(two: World):
    for days in (0, 1):
        since = FIRST_DAY + timedelta(days=days)
        assert refused(two, lambda tx, since=since: suspend_agency(tx, "SDE", SDE, since, WHY)) == ["notice"]
    since = FIRST_DAY + timedelta(days=2)
    for who in (DOL, "opm", "rae"):
        assert refused(two, lambda tx, who=who: suspend_agency(tx, "SDE", who, since, WHY)) == ["spokesman"]
    assert refused(two, lambda tx: suspend_agency(tx, "WESTED", SDE, since, WHY)) == ["party"]
    assert refused(two, lambda tx: suspend_agency(tx, "SDE", SDE, since, " ")) == ["item"]
    assert refused(two, lambda tx: suspend_agency(tx, "SDE", SDE, since, WHY, FIRST_DAY)) == ["not-later"]
    assert two.actions("incident") == []


def test_a_recipient_is_refused_data_in_all_its_projects_and_in_no_others(two: World):
    with two.store.transaction() as tx:
        refuse_recipient(tx, "WESTED", "SDE", SDE)
        refuse_recipient(tx, "WESTED", "DOL", DOL, FIRST_DAY + timedelta(days=30))
    assert stopped(two) == {PROJECT}
    with two.store.transaction() as tx:
        reinstate(tx, "WESTED", SDE)
    assert stopped(two) == {PROJECT}
    two.today = FIRST_DAY + timedelta(days=31)
    assert stopped(two) == set()


def test_an_agency_refuses_for_itself_and_a_recipient_that_is_one(two: World):
    assert refused(two, lambda tx: refuse_recipient(tx, "WESTED", "SDE", DOL)) == ["spokesman"]
    assert refused(two, lambda tx: refuse_recipient(tx, "DOL", "SDE", SDE)) == ["party"]
    with two.store.transaction() as tx:
        refuse_recipient(tx, "WESTED", "SDE", SDE)
    assert refused(two, lambda tx: reinstate(tx, "WESTED", DOL)) == ["not-held"]
    assert refused(two, lambda tx: reinstate(tx, "WESTED", "opm")) == ["not-held"]


def test_the_log_has_every_suspension_and_counts_those_with_cause(two: World):
    first = FIRST_DAY + timedelta(days=2)
    with two.store.transaction() as tx:
        incidents.hold_project(tx, PROJECT, "DSA VI.F", "opm")
        incidents.suspend_person(tx, PROJECT, "rae", "DSA VI.F", "opm")
        suspend_agency(tx, "SDE", SDE, first, WHY, first)
    two.today = FIRST_DAY + timedelta(days=3)
    with two.store.transaction() as tx:
        incidents.lift_project(tx, PROJECT, "opm")
        incidents.hold_project(tx, PROJECT, "DSA VI.F", "opm")
        people.unsuspend(tx, PROJECT, "rae", "opm")
    two.held()
    destroy(two.store, two.keystore, two.settings, two.admission("opm", Action.DESTROY))
    with two.store.view() as view:
        assert suspensions(view) == [
            Suspended("project DR-0034", FIRST_DAY, "DSA VI.F", "opm", True, lifted_on=two.today),
            Suspended("rae on DR-0034", FIRST_DAY, "DSA VI.F", "opm", True, lifted_on=two.today),
            Suspended(f"agency SDE by its own notice ({first})", first, "EM A1.2.A", SDE, False, "SDE", first),
            Suspended("project DR-0034", two.today, "DSA VI.F", "opm", True),
        ]
        assert with_cause(view) == {"project DR-0034": 2, "rae on DR-0034": 1}


def test_the_operating_group_reinstates_a_person_and_nobody_does_it_for_themselves(two: World):
    with two.store.transaction() as tx:
        for person in ("rae", "opm"):
            incidents.suspend_person(tx, PROJECT, person, "DSA VI.F", "opm")
        second = Person("olive", "Invented olive", "Staff", "OPM", "olive@example.org", "555-0100", True)
        people.enlist(tx, second, Listing("olive", PROJECT, Role.OPM, "office"), "opm")
        people.enlist(tx, tx.get(Person, "opm"), Listing("opm", OTHER, Role.OPM, "office"), "opm")
    for who, rule in ((SDE, "spokesman"), ("opm", "spokesman"), ("rae", "self-reinstatement")):
        assert refused(two, lambda tx, who=who: incidents.reinstate_person(tx, PROJECT, "rae", who)) == [rule]
    assert refused(two, lambda tx: incidents.reinstate_person(tx, PROJECT, "opm", "opm")) == ["self-reinstatement"]
    with two.store.transaction() as tx:
        for person in ("rae", "opm"):
            incidents.reinstate_person(tx, PROJECT, person, "olive")
    assert stopped(two) == set() and two.admission("opm", Action.CHECK)
    assert refused(two, lambda tx: incidents.reinstate_person(tx, PROJECT, "rae", "olive")) == ["not-suspended"]
    with two.store.view() as view:
        assert [(each.whom, each.lifted_on) for each in suspensions(view)] == [
            (f"{person} on {PROJECT}", FIRST_DAY) for person in ("rae", "opm")
        ]
        assert {entry["actor"] for entry in view.entries(action="people.unsuspend")} == {"olive"}


def test_who_is_suspended_is_not_let_in_again_by_being_listed_anew(two: World):
    with two.store.transaction() as tx:
        incidents.suspend_person(tx, PROJECT, "opm", "DSA VI.F", "opm")
    with two.store.view() as view:
        person, listing = view.get(Person, "opm"), view.get(Listing, f"{PROJECT}/opm")
        entered = len(list(view.entries()))
    command = f"enclave incident reinstate {PROJECT} opm"
    with pytest.raises(EnclaveError, match=command), two.store.transaction() as tx:
        people.enlist(tx, person, replace(listing, suspension=None), "anybody")
    with two.store.view() as view:
        assert len(list(view.entries())) == entered
        assert "suspended" in {each.rule for each in people.reasons_against(view, "opm", Action.CHECK, PROJECT)}


def test_access_that_is_no_longer_needed_ends_without_cause(two: World):
    with two.store.transaction() as tx:
        people.review_access(tx, PROJECT, "rae", needed=False, actor=representative("DOL-HUB"))
    assert stopped(two) == {PROJECT}
    with two.store.view() as view:
        assert [(each.clause, each.cause) for each in suspensions(view)] == [("EM XVII.C", False)]
        assert with_cause(view) == {}


def test_a_suspended_steward_speaks_for_nobody(two: World):
    with two.store.transaction() as tx:
        for project in (PROJECT, OTHER):
            people.suspend(tx, project, SDE, "DSA VI.F", "opm")
    assert refused(two, lambda tx: suspend_agency(tx, "SDE", SDE, FIRST_DAY + timedelta(days=2), WHY)) == [
        "spokesman"
    ]
