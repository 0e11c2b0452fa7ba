"""A complaint about an agency: who may do what when, by which clock, who votes and who does not, and what follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enclave import people
from enclave.board import Decision, MotionKind
from enclave.calendar import STATE_TIME, add_business_hours
from enclave.clocks import running
from enclave.errors import EnclaveError
from enclave.incidents import (
    Act,
    Case,
    act,
    cases,
    complain,
    open_case,
    owed,
    reinstate,
    suspensions,
    take_step,
    vote,
    with_cause,
)
from enclave.incidents.case import CaseKind
from enclave.people import Listing
from enclave.terms import Action, Role
from tests.parties import representative
from tests.release.world import PROJECT, World

CAME = datetime(2022, 6, 1, 10, tzinfo=STATE_TIME)  # a Wednesday
SDE, DOL = representative("SDE"), representative("DOL")
YES, NO = Decision.APPROVAL, Decision.DISAPPROVAL
KEY = "complaint-001"


def complained(world: World) -> Case:
    with world.store.transaction() as tx:
        people.join(tx, "CSCU", world.today, "opm")
        people.enlist(
            tx,
            people.Person("cato", "Invented cato", "Staff", "CSCU", "cato@example.org", "555-0100", True),
            Listing("cato", PROJECT, Role.STEWARD, "office", agency="CSCU"),
            "opm",
        )
        return complain(tx, "SDE", "Files lay open in a corridor.", CAME, CAME, "opm")


def done(world: World, *acts: tuple[Act, str], hours: float = 1) -> Case:
    with world.store.transaction() as tx:
        for number, (what, who) in enumerate(acts):
            case = act(tx, KEY, what, "In writing.", CAME + timedelta(hours=hours + number), who)
    return case


def voted(world: World, on: MotionKind, *answers: tuple[str, Decision]) -> Case:
    who = {"DOL": DOL, "CSCU": "cato"}
    with world.store.transaction() as tx:
        for party, decision in answers:
            case = vote(tx, KEY, on, party, decision, "Because.", CAME + timedelta(hours=30), who[party])
    return case


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


def stopped(world: World) -> bool:
    with world.store.view() as view:
        return "suspended" in {each.rule for each in people.reasons_against(view, "rae", Action.ANALYSE, PROJECT)}


PLANNED = ((Act.SUSPENDED, "opm"), (Act.REASONS, "opm"), (Act.PLAN, SDE))


def test_an_agency_is_suspended_corrects_itself_and_is_back_with_the_last_voice(world: World):
    assert complained(world).told == ("Operating Group", "SDE")
    case = done(world, *PLANNED)
    assert stopped(world) and case.told == ("Operating Group", "SDE", "CSCU", "DOL")
    both = ("DOL", YES), ("CSCU", YES)
    assert voted(world, MotionKind.SUSPENSION, *both).steps[-1].act == Act.AFFIRMED
    assert voted(world, MotionKind.CORRECTION, *both).steps[-1].act == Act.ACCEPTED
    done(world, (Act.EVIDENCE, SDE), hours=40)
    assert voted(world, MotionKind.REINSTATEMENT, ("DOL", YES)).steps[-1].act == Act.EVIDENCE and stopped(world)
    case = voted(world, MotionKind.REINSTATEMENT, ("CSCU", YES))
    assert (case.steps[-1].act, case.closed, stopped(world)) == (Act.REINSTATED, True, False)
    with world.store.view() as view:
        assert with_cause(view) == {"SDE": 1}
        assert not [clock for clock in running(view) if clock.about == KEY]
        assert not any("In writing" in body or "corridor" in body for body in view.bodies())


def test_what_is_found_wanting_is_told_and_shown_again(world: World):
    complained(world)
    done(world, *PLANNED)
    assert voted(world, MotionKind.CORRECTION, ("DOL", NO)).steps[-1].act == Act.REJECTED
    done(world, (Act.PLAN, SDE), hours=31)
    voted(world, MotionKind.CORRECTION, ("DOL", YES), ("CSCU", YES))
    done(world, (Act.EVIDENCE, SDE), hours=40)
    case = voted(world, MotionKind.REINSTATEMENT, ("CSCU", NO))
    assert case.steps[-1].act == Act.WANTING and stopped(world)
    assert refused(world, lambda tx: act(tx, KEY, Act.EVIDENCE, "More.", CAME, SDE)) == ["turn"]
    assert done(world, (Act.DEFICIENCIES, "opm"), (Act.EVIDENCE, SDE), hours=50).steps[-1].act == Act.EVIDENCE


@pytest.mark.parametrize("first", [Act.SUSPENDED, Act.PUT])
def test_without_one_voice_the_complaint_is_dismissed_and_the_agency_goes_on(world: World, first: Act):
    complained(world)
    done(world, (first, "opm"))
    assert stopped(world) is (first is Act.SUSPENDED)
    voted(world, MotionKind.SUSPENSION, ("DOL", YES))
    case = voted(world, MotionKind.SUSPENSION, ("CSCU", NO))
    assert (case.steps[-1].act, case.closed, stopped(world)) == (Act.DISMISSED, True, False)
    assert refused(world, lambda tx: act(tx, KEY, Act.MET, "Met.", CAME, "opm")) == ["case"]


def test_an_agency_may_be_suspended_by_the_vote_alone(world: World):
    complained(world)
    done(world, (Act.PUT, "opm"))
    case = voted(world, MotionKind.SUSPENSION, ("DOL", YES), ("CSCU", YES))
    assert [step.act for step in case.steps] == [Act.PUT, Act.AFFIRMED, Act.SUSPENDED] and stopped(world)
    assert done(world, (Act.REASONS, "opm"), hours=30).steps[-1].act == Act.REASONS


def test_who_is_concerned_takes_no_part_and_nobody_speaks_for_another(world: World):
    complained(world)
    done(world, (Act.SUSPENDED, "opm"))

    def say(party: str, who: str, decision: Decision = YES, reason: str = "Because."):
        return lambda tx: vote(tx, KEY, MotionKind.SUSPENSION, party, decision, reason, CAME, who)

    for party in ("SDE", "DOL"):
        assert refused(world, say(party, SDE)) == ["recused"]
    assert refused(world, say("CSCU", DOL)) == refused(world, say("DOL", "rae")) == ["spokesman"]
    assert refused(world, say("DOL", DOL, Decision.CONDITIONAL)) == ["conditional"]
    assert refused(world, say("DOL", DOL, NO, " ")) == ["reason"]
    for what, who, rule in (
        (Act.REASONS, SDE, "recused"), (Act.REASONS, DOL, "spokesman"), (Act.SUSPENDED, "opm", "turn"),
        (Act.PLAN, SDE, "turn"), (Act.REINSTATED, "opm", "turn"), (Act.PROLONGED, SDE, "until"),
    ):  # fmt: skip
        assert refused(world, lambda tx, what=what, who=who: act(tx, KEY, what, "Text.", CAME, who)) == [rule], what
    done(world, (Act.REASONS, "opm"))
    assert refused(world, lambda tx: act(tx, KEY, Act.PLAN, "Text.", CAME, DOL)) == ["spokesman"]
    assert refused(world, lambda tx: reinstate(tx, "SDE", "opm")) == ["not-held"]
    assert refused(world, lambda tx: take_step(tx, KEY, "Done.", CAME, "opm", close=True)) == ["case"]
    assert refused(world, lambda tx: complain(tx, "SDE", "Text.", CAME, CAME, SDE)) == ["recused"]
    assert refused(world, lambda tx: complain(tx, "SDE", "It was 123-45-6789.", CAME, CAME, "opm")) == [
        "confidential"
    ]
    assert refused(world, lambda tx: open_case(tx, CaseKind.COMPLAINT, "", "Text.", CAME, CAME, "opm")) == [
        "complaint"
    ]


def complained_again(world: World) -> str:
    complained(world)
    done(world, (Act.SUSPENDED, "opm"))
    with world.store.transaction() as tx:
        return complain(tx, "SDE", "Again.", CAME, CAME, "opm").key


def test_the_end_of_another_complaint_lifts_nothing(world: World):
    other = complained_again(world)
    with world.store.transaction() as tx:
        assert act(tx, other, Act.DISMISSED, "Nothing was found.", CAME, "opm").closed
    assert stopped(world)
    assert voted(world, MotionKind.SUSPENSION, ("DOL", NO)).closed and not stopped(world)


def test_each_case_suspends_by_itself_and_the_last_to_end_opens_the_data(world: World):
    other = complained_again(world)
    with world.store.transaction() as tx:
        act(tx, other, Act.PUT, "The others are asked.", CAME, "opm")
        for party, who in (("DOL", DOL), ("CSCU", "cato")):
            case = vote(tx, other, MotionKind.SUSPENSION, party, YES, "Because.", CAME, who)
    assert case.steps[-1].act == Act.SUSPENDED
    voted(world, MotionKind.SUSPENSION, ("DOL", NO))
    assert stopped(world)
    with world.store.view() as view:
        assert with_cause(view) == {"SDE": 2}
        log = {each.whom: each.lifted_on for each in suspensions(view)}
    assert log == {
        f"agency SDE for cause ({KEY})": world.today, f"agency SDE for cause ({other})": None,
    }  # fmt: skip


def due(world: World) -> dict[str, str]:
    with world.store.view() as view:
        (case,) = cases(view)
    return {each.what: f"{each.due_at.astimezone(STATE_TIME):%m-%d %H:%M}" for each in owed(case)}


def test_every_clock_of_the_case_runs_from_its_start_and_stops(world: World):
    complained(world)
    begun = {
        "meeting of the board on a complaint": "06-08 23:59",
        "complaint before the Executive Board": "07-01 23:59",
    }
    assert due(world) == begun
    with world.store.transaction() as tx:
        act(tx, KEY, Act.PROLONGED, "Until August.", CAME, SDE, datetime(2022, 8, 1, 12, tzinfo=STATE_TIME))
    assert due(world)["complaint before the Executive Board"] == "08-01 12:00"
    done(world, (Act.MET, "opm"), (Act.SUSPENDED, "opm"))
    assert due(world) == {"reasons of a suspension": "06-02 15:00"}
    case = done(world, (Act.REASONS, "opm"), hours=29.5)
    assert case.late and case.steps[-1].late and not case.steps[-2].late
    assert due(world) == {"plan of correction": "06-16 23:59"}
    done(world, (Act.PLAN, SDE), hours=48)
    assert due(world) == {"decision on a plan of correction": "06-17 23:59"}
    voted(world, MotionKind.CORRECTION, ("DOL", YES), ("CSCU", YES))
    assert due(world) == {}
    done(world, (Act.EVIDENCE, SDE), hours=72)
    voted(world, MotionKind.REINSTATEMENT, ("DOL", NO))
    assert due(world) == {"deficiencies of a correction": "06-09 23:59"}
    with world.store.view() as view:
        assert [(c.about, c.clause, c.due_on.day) for c in running(view) if c.about == KEY] == [(KEY, "EM A1.3", 9)]


@pytest.mark.parametrize(
    ("start", "hours", "ends"),
    [
        ("2022-06-01T10:00-04:00", 7, "2022-06-01T17:00-04:00"),
        ("2022-06-01T10:00-04:00", 12, "2022-06-02T13:00-04:00"),
        ("2022-06-01T22:00-04:00", 1, "2022-06-02T09:00-04:00"),
        ("2022-06-03T16:30-04:00", 1, "2022-06-06T08:30-04:00"),
        ("2022-07-01T16:00-04:00", 2, "2022-07-05T09:00-04:00"),
        ("2022-06-01T20:30+00:00", 12, "2022-06-03T10:30-04:00"),
    ],
)
def test_business_hours_run_while_offices_are_open(start: str, hours: int, ends: str):
    assert add_business_hours(datetime.fromisoformat(start), hours) == datetime.fromisoformat(ends).astimezone(UTC)
