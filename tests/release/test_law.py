"""A change of law holds every project to stricter terms at once, those to come as well, and never to looser ones."""

from __future__ import annotations

import pytest

from enclave import board
from enclave.agreement import CellTerms, Policy, of, policy_of
from enclave.board import MotionKind, change_law
from enclave.errors import EnclaveError, Refused
from enclave.people import may
from enclave.review import approve
from enclave.terms import Action
from tests.parties import ask, bring_into_force, representative, say_yes, vote
from tests.release.world import PROJECT, World

OTHER = "DR-0035"
LOOSE = CellTerms(
    minimum_count=0, minimum_base=0, zeros="shown", minimum_employers=0, dominance_share=1.0, p_percent=0.0
)
ELEVEN = LOOSE.model_copy(update={"minimum_count": 11})


def renamed(policy: Policy, dr: str) -> Policy:
    """Give the same agreement under another number."""
    agreement = policy.agreement.model_copy(update={"dr": dr})
    return Policy(agreement=agreement, cells=policy.cells, columns=policy.columns, retention=policy.retention)


def tightened(world: World, cells: CellTerms = ELEVEN, match_days: int = 10) -> list[str]:
    with world.store.transaction() as tx:
        return [each.project for each in change_law(tx, cells, match_days, "A public act of this year.", "opm")]


def counts(world: World, *projects: str) -> list[int]:
    with world.store.view() as view:
        return [of(view, project).policy.cells.minimum_count for project in projects]


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


def test_all_projects_are_stricter_at_once_and_what_was_is_kept(world: World):
    with world.store.transaction() as tx:
        bring_into_force(tx, renamed(world.policy, OTHER))
    before = world.policy.cells
    assert tightened(world, match_days=5) == [PROJECT, OTHER]
    assert counts(world, PROJECT, OTHER) == [11, 11]
    with world.store.view() as view:
        agreement = of(view, PROJECT)
        assert agreement.policy.cells == before.model_copy(update={"minimum_count": 11})
        assert agreement.policy.retention.match_data_business_days == 5
        assert agreement.reasons_not_in_force(view.today) == [] and agreement.version == 2
        assert policy_of(view, PROJECT, 1) == world.policy
        (entry,) = view.entries(action="agreement.law")
        assert (entry["clause"], entry["day"]) == ("EM XIII.B", world.today.isoformat())


def test_columns_with_terms_of_their_own_are_held_to_it_too(world: World):
    policy = Policy(
        agreement=world.policy.agreement, cells=world.policy.cells, retention=world.policy.retention,
        columns={"sde.Gender": world.policy.cells.model_copy(update={"minimum_base": 50})},
    )  # fmt: skip
    cells = policy.tightened(ELEVEN, 10).columns["sde.Gender"]
    assert (cells.minimum_count, cells.minimum_base) == (11, 50)


def test_what_is_registered_later_is_held_to_it_before_and_after_it_is_approved(world: World):
    tightened(world)
    with world.store.transaction() as tx:
        ask(tx, renamed(world.policy, OTHER))
        assert of(tx, OTHER).policy.cells.minimum_count == 11
        for agency in world.policy.agencies:
            say_yes(tx, OTHER, agency)
    assert counts(world, OTHER) == [11]


@pytest.mark.parametrize("first", ["asked", "tightened"])
def test_other_terms_that_were_asked_for_are_held_to_it_as_well(world: World, first: str):
    if first == "tightened":
        tightened(world)
    title = world.policy.agreement.model_copy(update={"title": "Another title"})
    changed = Policy(agreement=title, cells=world.policy.cells, retention=world.policy.retention)
    with world.store.transaction() as tx:
        admission = may(tx, representative("SDE"), Action.DECIDE, PROJECT)
        board.amend(tx, admission, changed, "Its title was wrong.")
    if first == "asked":
        tightened(world)
    with world.store.transaction() as tx:
        for party in world.policy.signatories:
            vote(tx, PROJECT, party, MotionKind.MODIFICATION)
        assert of(tx, PROJECT).policy.agreement.title == "Another title"
    assert counts(world, PROJECT) == [11]


def test_what_was_cleared_under_the_old_terms_is_not_published(world: World):
    clearance = world.reviewed()
    tightened(world)
    with world.store.view() as view, pytest.raises(Refused):
        approve(view, clearance)


def test_only_the_operating_group_and_only_stricter_and_with_a_reason(world: World):
    law = "A public act."
    assert refused(world, lambda tx: change_law(tx, LOOSE, 10, law, "opm")) == ["no-change"]
    assert refused(world, lambda tx: change_law(tx, ELEVEN, 10, " ", "opm")) == ["reason"]
    assert refused(world, lambda tx: change_law(tx, ELEVEN, 10, law, "sde-steward")) == ["spokesman"]
    assert counts(world, PROJECT) == [world.policy.cells.minimum_count]
    tightened(world)
    assert refused(world, lambda tx: change_law(tx, ELEVEN, 10, law, "opm")) == ["no-change"]
