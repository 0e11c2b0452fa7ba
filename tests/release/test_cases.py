"""Problems that a user notices, FOIA requests, subpoenas: told at once, acted on by their hour, no data in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from enclave.agreement import of
from enclave.clocks import running
from enclave.errors import EnclaveError
from enclave.incidents import Case, CaseKind, cases, open_case, take_step
from enclave.ledger import Entry
from tests.release.world import FIRST_DAY, PROJECT, World

CAME = datetime(2022, 6, 1, 13, 30, tzinfo=UTC)


def opened(world: World, kind: CaseKind = CaseKind.PROBLEM, who: str = "rae", text: str = "A page lay open.") -> Case:
    with world.store.transaction() as tx:
        return open_case(tx, kind, PROJECT, text, CAME, CAME + timedelta(hours=1), who)


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("kind", "hours", "clause"),
    [(CaseKind.PROBLEM, 24, "EM A2.1.A"), (CaseKind.FOIA, 24, "EM X"), (CaseKind.SUBPOENA, 0, "EM XVIII.M")],
)
def test_the_clock_runs_from_when_it_came(world: World, kind: CaseKind, hours: int, clause: str):
    case = opened(world, kind)
    assert case.due_at == CAME + timedelta(hours=hours)
    assert case.told == ("Operating Group", "SDE", "DOL")
    with world.store.view() as view:
        (entry,) = view.entries(action=f"incident.{kind}")
        assert entry["clause"] == clause and entry["details"]["told"] == list(case.told)
        assert not any("lay open" in body for body in view.bodies())
        assert (case.key, case.due_at.date()) in [(clock.about, clock.due_on) for clock in running(view)]


@pytest.mark.parametrize(("hours", "late"), [(24, False), (24.1, True)])
def test_the_first_step_stops_the_clock_and_may_be_late(world: World, hours: float, late: bool):
    case = opened(world)
    with world.store.transaction() as tx:
        taken = take_step(tx, case.key, "The page is locked away.", CAME + timedelta(hours=hours), "opm")
        assert taken.late is late and not taken.closed
        closed = take_step(tx, case.key, "Told again.", CAME + timedelta(hours=90), "hub", close=True)
    assert (closed.late, closed.closed, len(closed.steps)) == (late, True, 2)
    with world.store.view() as view:
        assert case.key not in [clock.about for clock in running(view)]
    assert refused(world, lambda tx: take_step(tx, case.key, "More.", CAME, "opm")) == ["case"]


@pytest.mark.parametrize(("days", "late"), [(14, False), (15, True)])
def test_questions_come_within_ten_business_days_of_the_delivery_or_are_marked_late(
    world: World, days: int, late: bool
):
    asked = CaseKind.QUESTION, PROJECT, "Are the wages of 2015 complete?", CAME, CAME, "rae"
    assert refused(world, lambda tx: open_case(tx, *asked)) == ["not-delivered"]
    delivered = FIRST_DAY
    with world.store.transaction() as tx:
        agreement = replace(of(tx, PROJECT), delivered_on=delivered)
        tx.write(agreement, Entry("hub", "agreement.clock", PROJECT, PROJECT, "ExA 4.a"))
    world.today = delivered + timedelta(days=days)
    with world.store.transaction() as tx:
        case = open_case(tx, *asked)
        assert (case.asked_late, case.late, case.due_at) == (late, late, None)
    with world.store.view() as view:
        assert case.key not in [clock.about for clock in running(view)]


@pytest.mark.parametrize("kind", [CaseKind.PROTOCOL, CaseKind.CLOSING])
def test_only_who_is_on_the_list_asks_for_other_terms_or_an_early_end(world: World, kind: CaseKind):
    assert opened(world, kind).told == ("Operating Group", "SDE", "DOL")
    step = kind, PROJECT, "The data are no longer needed.", CAME, CAME
    assert refused(world, lambda tx: open_case(tx, *step, "nobody")) == ["not-listed"]


def test_any_user_reports_and_a_stranger_does_not(world: World):
    for who in ("rae", "sde-steward", "hub"):
        opened(world, who=who)
    with world.store.view() as view:
        assert [case.key for case in cases(view)] == ["problem-001", "problem-002", "problem-003"]
    step = CaseKind.PROBLEM, PROJECT, "A page.", CAME, CAME
    assert refused(world, lambda tx: open_case(tx, *step, "nobody")) == ["not-listed"]
    assert refused(world, lambda tx: take_step(tx, "problem-001", "Done.", CAME, "rae")) == ["case"]


def test_what_concerns_the_programme_goes_to_the_operating_group(world: World):
    with world.store.transaction() as tx:
        case = open_case(tx, CaseKind.FOIA, "", "Minutes of the board are asked for.", CAME, CAME, "opm")
    assert case.told == ("Operating Group",)


def test_data_of_a_person_and_times_that_cannot_be_are_refused(world: World):
    def take(text: str = "A page.", came: datetime = CAME, entered: datetime = CAME) -> list[str]:
        return refused(world, lambda tx: open_case(tx, CaseKind.PROBLEM, PROJECT, text, came, entered, "rae"))

    assert take("It showed 123-45-6789.") == ["confidential"]
    assert take(" ") == ["item"]
    assert take(came=CAME + timedelta(hours=1)) == ["time"]
    assert take(came=CAME.replace(tzinfo=None)) == ["time"]
    case = opened(world)
    assert refused(world, lambda tx: take_step(tx, case.key, "Born 3 May 2001.", CAME, "opm")) == ["confidential"]
