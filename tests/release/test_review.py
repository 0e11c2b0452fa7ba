"""DSA VI.G.1: ten business days, four statements of each contributing agency, bound to what would leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from enclave import people
from enclave.egress import Artefact, digest_of
from enclave.errors import Invalid, Refused
from enclave.ledger import Entry
from enclave.people import Hold
from enclave.review import (
    ALL_STATEMENTS,
    Case,
    State,
    Statement,
    approve,
    confirm,
    open_case,
    refuse_case,
    return_with_comment,
    waive,
    withdraw,
)
from enclave.terms import Action, Role
from tests.release.world import LAST_DAY, PROJECT, REQUEST, World


def rules(refusal: Refused) -> list[str]:
    return [finding.rule for finding in refusal.findings]


def approval_refused(world: World, clearance) -> Refused:
    with world.store.view() as view, pytest.raises(Refused) as caught:
        approve(view, clearance)
    return caught.value


def opened(world: World):
    clearance = world.clearance()
    with world.store.transaction() as tx:
        case = open_case(tx, clearance, "rae")
    return clearance, case


def test_it_is_due_ten_business_days_after_it_was_shared(world: World):
    _, case = opened(world)
    assert case.due_on == LAST_DAY
    assert world.actions("review") == ["review.open"]


def test_everything_that_is_missing_is_said_at_once(world: World):
    clearance, _ = opened(world)
    refusal = approval_refused(world, clearance)
    assert [(f.rule, f.where) for f in refusal.findings] == [
        ("confirmation", "SDE"), ("confirmation", "DOL"), ("review-period", ""),
    ]  # fmt: skip
    assert "4 of 4 statements" in refusal.findings[0].what
    assert "10 business days" in refusal.findings[2].what


def test_a_confirmed_case_waits_for_the_last_of_the_ten_days(world: World):
    clearance = world.reviewed()
    world.today = date(2022, 6, 14)
    assert rules(approval_refused(world, clearance)) == ["review-period"]
    world.today = LAST_DAY
    with world.store.view() as view:
        approval = approve(view, clearance)
    assert (approval.digest, approval.waived, len(approval.confirmations)) == (clearance.digest, False, 2)


@pytest.mark.parametrize("left_out", list(Statement))
def test_three_statements_of_four_are_not_enough(world: World, left_out: Statement):
    clearance, _ = opened(world)
    world.confirmed("dol-steward", clearance)
    admission = world.admission("sde-steward", Action.CONFIRM)
    with world.store.transaction() as tx:
        confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS - {left_out})
    world.today = LAST_DAY
    refusal = approval_refused(world, clearance)
    assert [f.where for f in refusal.findings] == ["SDE"]
    assert left_out in refusal.findings[0].what
    with world.store.transaction() as tx:
        confirm(tx, REQUEST, admission, clearance.digest, frozenset({left_out}))
        assert approve(tx, clearance).project == PROJECT


def test_a_steward_confirms_for_their_own_agency_only(world: World):
    clearance, case = opened(world)
    with world.store.transaction() as tx:
        tx.write(replace(case, agencies=("DOL",)), _entry())
    admission = world.admission("sde-steward", Action.CONFIRM)
    with world.store.transaction() as tx, pytest.raises(Refused) as caught:
        confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS)
    assert rules(caught.value) == ["other-agency"]


def test_the_requester_never_confirms(world: World):
    clearance, case = opened(world)
    with world.store.transaction() as tx:
        tx.write(replace(case, requester="sde-steward"), _entry())
    admission = world.admission("sde-steward", Action.CONFIRM)
    with world.store.transaction() as tx, pytest.raises(Refused) as caught:
        confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS)
    assert rules(caught.value) == ["own-request"]


def test_an_admission_to_something_else_confirms_nothing(world: World):
    clearance, _ = opened(world)
    admission = world.admission("opm", Action.PUBLISH)
    with world.store.transaction() as tx, pytest.raises(Refused) as caught:
        confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS)
    assert rules(caught.value) == ["admission"]


def test_a_confirmation_of_another_digest_is_refused(world: World):
    opened(world)
    admission = world.admission("sde-steward", Action.CONFIRM)
    with world.store.transaction() as tx, pytest.raises(Refused) as caught:
        confirm(tx, REQUEST, admission, "0" * 64, ALL_STATEMENTS)
    assert rules(caught.value) == ["digest"]


def test_what_was_confirmed_of_other_files_is_void(world: World):
    world.reviewed()
    changed = world.clearance({"t1.csv": b"School,count\nCedar,31\nHemlock,5\n"})
    assert "digest" in rules(approval_refused(world, changed))
    with world.store.transaction() as tx:
        case = open_case(tx, changed, "rae")
    assert case.confirmations == ()
    assert case.due_on > LAST_DAY


def test_a_digest_that_is_not_of_the_artefacts_opens_no_case(world: World):
    clearance = world.clearance()
    forged = replace(clearance, artefacts=(Artefact("t1.csv", "0" * 64, "text/csv"),))
    assert digest_of(forged.artefacts) != forged.digest
    with world.store.transaction() as tx, pytest.raises(Refused):
        open_case(tx, forged, "rae")


def test_a_returned_or_refused_case_is_not_approved_and_not_confirmed(world: World):
    for end, state in ((return_with_comment, State.RETURNED), (refuse_case, State.REFUSED)):
        clearance = world.clearance({"t1.csv": str(state).encode()})
        with world.store.transaction() as tx:
            open_case(tx, clearance, "rae")
        admission = world.admission("dol-steward", Action.CONFIRM)
        with world.store.transaction() as tx:
            case = end(tx, REQUEST, admission, "The label of column 2 is wrong.")
        assert (case.state, case.remark.agency) == (state, "DOL")
        assert "state" in rules(approval_refused(world, clearance))
        with world.store.transaction() as tx, pytest.raises(Refused):
            confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS)
    with world.store.view() as view:
        assert not any("label of column" in body for body in view.bodies())


def test_only_the_requester_withdraws(world: World):
    opened(world)
    with world.store.transaction() as tx, pytest.raises(Refused):
        withdraw(tx, REQUEST, "opm")
    with world.store.transaction() as tx:
        assert withdraw(tx, REQUEST, "rae").state is State.WITHDRAWN


def test_a_waiver_needs_opm_and_a_reason_and_replaces_no_statement(world: World):
    clearance, _ = opened(world)
    steward, opm = world.admission("sde-steward", Action.CONFIRM), world.admission("opm", Action.PUBLISH)
    with world.store.transaction() as tx, pytest.raises(Refused):
        waive(tx, REQUEST, steward, "We are in a hurry.")
    with world.store.transaction() as tx, pytest.raises(Refused) as caught:
        waive(tx, REQUEST, replace(opm, role=Role.STEWARD), "We are in a hurry.")
    assert rules(caught.value) == ["waiver"]
    with world.store.transaction() as tx, pytest.raises(Invalid):
        waive(tx, REQUEST, opm, "  ")
    with world.store.transaction() as tx:
        waive(tx, REQUEST, opm, "The legislature sits tomorrow.")
    assert rules(approval_refused(world, clearance)) == ["confirmation", "confirmation"]
    world.confirmed("sde-steward", clearance)
    world.confirmed("dol-steward", clearance)
    with world.store.view() as view:
        assert approve(view, clearance).waived
        case = view.get(Case, REQUEST)
    assert case is not None and case.waiver is not None and case.waiver.reason.startswith("The legislature")


def test_a_held_project_is_not_approved(world: World):
    clearance = world.reviewed()
    with world.store.transaction() as tx:
        people.place(tx, Hold(PROJECT, f"project {PROJECT}", world.today, "DSA VI.F", "opm"))
    assert rules(approval_refused(world, clearance)) == ["suspended"]


def _entry():
    return Entry("opm", "test.arrange", REQUEST, PROJECT)
