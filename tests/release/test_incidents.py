"""Stopping at once, and the breach notice: eight items, 24 hours, no data of a person in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from enclave import people
from enclave.calendar import STATE_TIME
from enclave.errors import EnclaveError, Invalid, Refused
from enclave.incidents import (
    Breach,
    CaseKind,
    Determination,
    Matters,
    Status,
    affects,
    confirm_secure,
    hold_project,
    lift_project,
    notices,
    open_case,
    report_breach,
    resolve,
    review_breach,
    supplement,
    suspend_person,
    take_step,
)
from enclave.terms import HUB, Action
from tests.parties import NEWCOMER, let_join, representative
from tests.release.world import PROJECT, World

FOUND = datetime(2022, 6, 1, 9, 30, tzinfo=UTC)
BREACH = Breach(
    description="A laptop with printed tables was left on a train. Tables had been cleared.",
    roles="one user of the Data Recipient",
    type="loss of paper",
    parties=("WESTED", "SDE"),
    estimated=0,
    mitigation="The railway was told; 12 pages were found.",
    status=Status.INVESTIGATION,
    corrective_action="Printing is off for this project until 2023.",
)


def reported(world: World, breach: Breach = BREACH, after: timedelta = timedelta(hours=3)):
    with world.store.transaction() as tx:
        return report_breach(tx, PROJECT, breach, FOUND, FOUND + after, "rae")


def test_a_notice_goes_to_the_operating_group_and_every_originating_agency(world: World):
    notice = reported(world)
    assert notice.recipients == ("Operating Group", "SDE", "DOL")
    assert not notice.late
    with world.store.view() as view:
        (entry,) = view.entries(action="incident.breach")
        assert not any("laptop" in body for body in view.bodies())
    assert entry["details"]["recipients"] == ["Operating Group", "SDE", "DOL"]


@pytest.mark.parametrize(("hours", "late"), [(24, False), (25, True)])
def test_a_report_after_24_hours_is_taken_and_marked_late(world: World, hours: int, late: bool):
    assert reported(world, after=timedelta(hours=hours)).late is late


@pytest.mark.parametrize(
    ("found", "hours", "late"),
    [("2026-10-31T20:00", 24, False), ("2026-10-31T20:00", 24.5, True), ("2026-03-07T20:00", 24, False)],
)
def test_the_hours_are_24_when_clocks_are_changed(world: World, found: str, hours: float, late: bool):
    discovered = datetime.fromisoformat(found).replace(tzinfo=STATE_TIME)
    told = (discovered.astimezone(UTC) + timedelta(hours=hours)).astimezone(STATE_TIME)
    with world.store.transaction() as tx:
        assert report_breach(tx, PROJECT, BREACH, discovered, told, "rae").late is late
        case = open_case(tx, CaseKind.FOIA, "", "Minutes are asked for.", discovered, told, "opm")
        assert take_step(tx, case.key, "Sent on.", told, "opm").late is late


@pytest.mark.parametrize(
    "token",
    ["123-45-6789", "123 45 6789", "123456789", "123–45–6789", "１２３-４５-６７８９", "0123456789",
     "q.quill@example.org", "q.quill＠example.org", "20010503", "2001-05-03", "5/3/2001", "03.05.01", "May 3, 2001",
     "3 May 2001",
     "SDE-K7Q2ABCDEFGHIJKL"],
)  # fmt: skip
@pytest.mark.parametrize("item", ["description", "mitigation"])
def test_data_of_a_person_do_not_stand_in_a_notice(world: World, token: str, item: str):
    with pytest.raises(Invalid) as caught:
        reported(world, replace(BREACH, **{item: f"It showed {token} to others."}))
    assert {(f.rule, f.where) for f in caught.value.findings} == {("confidential", item)}
    assert token not in str(caught.value)
    assert world.actions("incident") == []


def test_all_eight_items_are_asked_for_at_once(world: World):
    empty = replace(BREACH, description="", roles=" ", parties=(), estimated=-1)
    with pytest.raises(Invalid) as caught:
        reported(world, empty)
    assert {f.where for f in caught.value.findings} == {"description", "roles", "parties", "estimated"}


def test_a_time_without_zone_or_before_the_discovery_is_malformed(world: World):
    for wrong in (FOUND.replace(tzinfo=None), FOUND - timedelta(hours=1)):
        with world.store.transaction() as tx, pytest.raises(Invalid):
            report_breach(tx, PROJECT, BREACH, FOUND, wrong, "rae")


def test_supplements_are_added_and_nothing_is_changed(world: World):
    key = reported(world).key
    for text, who in (("12 of 14 pages are back.", "opm"), ("All pages are back.", representative("WESTED"))):
        with world.store.transaction() as tx:
            notice = supplement(tx, key, text, FOUND, who)
    assert [s.text for s in notice.supplements] == ["12 of 14 pages are back.", "All pages are back."]
    assert notice.breach == BREACH
    with world.store.transaction() as tx, pytest.raises(Invalid):
        supplement(tx, key, "The student is 123-45-6789.", FOUND, "opm")
    for who in ("rae", "hub", "nobody"):
        assert refused(world, lambda tx, who=who: supplement(tx, key, "More.", FOUND, who)) == ["spokesman"]


def test_a_party_found_later_to_be_concerned_has_24_hours_of_its_own_and_confirms(world: World):
    key = reported(world).key
    known = FOUND + timedelta(days=3)
    with world.store.transaction() as tx:
        notice = affects(tx, key, HUB, "Its server held the same tables.", known, known + timedelta(hours=24), "opm")
        notice = affects(tx, key, "DOL", "So did theirs.", known, known + timedelta(hours=25), representative("SDE"))
    assert notice.breach == BREACH and notice.discovered_at == FOUND
    assert [(each.party, each.due_at, each.late) for each in notice.affected] == [
        (HUB, known + timedelta(hours=24), False), ("DOL", known + timedelta(hours=24), True),
    ]  # fmt: skip
    assert notice.recipients == ("Operating Group", "SDE", "DOL")
    assert notice.told == ("Operating Group", "SDE", "DOL", "WESTED", HUB)
    assert notice.unsecured == ("WESTED", "SDE", HUB, "DOL")
    with world.store.view() as view:
        assert notices(view, {HUB}) == [notice]
        entered = [entry["details"] for entry in view.entries(action="incident.affects")]
        assert [(each["parties"], each["late"]) for each in entered] == [([HUB], False), (["DOL"], True)]
        assert not any("same tables" in body for body in view.bodies())
    with world.store.transaction() as tx:
        supplement(tx, key, "Ours is off now.", known, representative(HUB))  # it is concerned, and may add


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("item", {"party": "SDE"}),
        ("item", {"party": "CSCU"}),
        ("time", {"known_at": FOUND - timedelta(hours=1)}),
        ("time", {"known_at": FOUND + timedelta(days=9)}),
        ("time", {"known_at": FOUND.replace(tzinfo=None)}),
        ("item", {"reason": " "}),
        ("confidential", {"reason": "It named 123-45-6789."}),
        ("spokesman", {"actor": "rae"}),
        ("spokesman", {"actor": representative(HUB)}),
        ("notice", {"key": f"{PROJECT}/7"}),
    ],
)
def test_a_notice_is_not_widened_to_just_anybody(world: World, rule: str, changed: dict[str, object]):
    given = {
        "key": reported(world).key, "party": "DOL", "reason": "Theirs too.", "known_at": FOUND,
        "entered_at": FOUND + timedelta(days=1), "actor": "opm", **changed,
    }  # fmt: skip
    assert refused(world, lambda tx: affects(tx, **given)) == [rule]


def test_who_joined_the_project_since_must_have_the_notice_too(world: World):
    """Who must have it is computed when it is widened, as when it was reported."""
    key = reported(world, replace(BREACH, parties=("WESTED",))).key
    with world.store.transaction() as tx:
        let_join(tx, world.policy)
        notice = affects(tx, key, "SDE", "Theirs too.", FOUND, FOUND + timedelta(hours=1), "opm")
    assert notice.recipients == ("Operating Group", "SDE", "DOL", NEWCOMER)


MATTERS = Matters("None: the tables had been cleared.", "Nobody is.", "Printing is off.", "Nothing.")


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


def test_what_was_not_a_breach_is_kept_too(world: World):
    key = reported(world).key
    with world.store.transaction() as tx:
        review_breach(tx, key, MATTERS, "opm")
        notice = resolve(tx, key, Determination.NONE, "Cleared tables may be lost.", "opm")
    assert (notice.determination, notice.breach.status) == (Determination.NONE, Status.RESOLVED)
    assert notice.reviewed == MATTERS
    with world.store.transaction() as tx, pytest.raises(Refused):
        supplement(tx, key, "More.", FOUND, "opm")


def test_the_board_reviews_four_matters_before_a_notice_is_resolved(world: World):
    key = reported(world).key
    step = key, Determination.NONE, "Cleared tables may be lost.", "opm"
    assert refused(world, lambda tx: resolve(tx, *step)) == ["matter"]
    empty = replace(MATTERS, impact=" ", inquiries="")
    assert refused(world, lambda tx: review_breach(tx, key, empty, "opm")) == ["matter", "matter"]
    told = replace(MATTERS, impact="Of 123-45-6789.")
    assert refused(world, lambda tx: review_breach(tx, key, told, "opm")) == ["confidential"]
    assert refused(world, lambda tx: review_breach(tx, key, MATTERS, "rae")) == ["spokesman"]


@pytest.mark.parametrize("determination", [Determination.ACTUAL, Determination.POTENTIAL])
def test_a_breach_is_resolved_when_each_party_named_has_confirmed_that_its_security_is_restored(
    world: World, determination: Determination
):
    key = reported(world).key
    with world.store.transaction() as tx:
        review_breach(tx, key, MATTERS, "opm")
    step = key, determination, "Cleared tables may be lost.", "opm"
    assert refused(world, lambda tx: resolve(tx, *step)) == ["secured", "secured"]
    confirmed = key, "WESTED", "The disk was wiped.", FOUND
    assert refused(world, lambda tx: confirm_secure(tx, *confirmed, "sde-steward")) == ["spokesman"]
    with world.store.transaction() as tx:
        notice = confirm_secure(tx, *confirmed, representative("WESTED"))
        assert notice.secured["WESTED"].by == representative("WESTED")
        confirm_secure(tx, key, "DOL", "Nothing of ours was open.", FOUND, representative("DOL"))
    assert refused(world, lambda tx: resolve(tx, *step)) == ["secured"]
    with world.store.transaction() as tx:
        confirm_secure(tx, key, "SDE", "Nothing of ours was open.", FOUND, representative("SDE"))
        people.join(tx, "CSCU", world.today, "opm")
        assert [[each.key for each in notices(tx, {party})] for party in ("WESTED", "CSCU", HUB)] == [[key], [], []]
        resolve(tx, *step)
        assert all(notices(tx, {party}) for party in ("WESTED", "CSCU", HUB))
    with world.store.view() as view:
        (entry,) = view.entries(action="incident.resolve")
        assert entry["details"]["told"] == ["Operating Group", "SDE", "DOL", "WESTED", HUB, "CSCU"]
        assert not any("wiped" in body or "Printing" in body for body in view.bodies())


def test_a_held_project_stops_everyone_until_it_is_lifted(world: World):
    with world.store.transaction() as tx:
        hold_project(tx, PROJECT, "DSA VI.F", "opm")
    with pytest.raises(Refused) as caught:
        world.admission("rae", Action.ANALYSE)
    assert [f.rule for f in caught.value.findings] == ["suspended"]
    with world.store.transaction() as tx:
        lift_project(tx, PROJECT, "opm")
    assert world.admission("rae", Action.ANALYSE).person == "rae"
    with world.store.transaction() as tx, pytest.raises(Refused):
        lift_project(tx, PROJECT, "opm")


def test_a_suspended_person_alone_is_stopped(world: World):
    with world.store.transaction() as tx:
        suspend_person(tx, PROJECT, "rae", "DSA VI.F", "opm")
    with pytest.raises(Refused):
        world.admission("rae", Action.ANALYSE)
    assert world.admission("opm", Action.PUBLISH).person == "opm"
