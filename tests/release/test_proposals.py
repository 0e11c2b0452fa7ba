"""What is before the boards: agencies that ask to join and changes of the services, each period, who votes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from enclave import board, papers, people
from enclave.board import Decision, Move, Proposal, ProposalKind
from enclave.calendar import add_business_days
from enclave.clocks import running
from enclave.errors import EnclaveError
from tests.parties import pretend, representative
from tests.release.world import FIRST_DAY, World

YES, NO = Decision.APPROVAL, Decision.DISAPPROVAL
ASKED, CHANGE = "application-001", "compliance-change-001"
CAME = FIRST_DAY
MET = date(2022, 7, 15)  # thirty business days later, over Juneteenth, observed on a Monday, and Independence Day


def apply(world: World, about: str = "OHE") -> Proposal:
    world.today = CAME
    with world.store.transaction() as tx:
        return board.propose(tx, ProposalKind.APPLICATION, about, "It asks to join.", CAME, "opm")


def moved(world: World, key: str, *moves: tuple[Move, date]) -> Proposal:
    for what, on in moves:
        world.today = max(world.today, on)
        with world.store.transaction() as tx:
            proposal = board.move(tx, key, what, "As the minutes say.", on, "opm")
    return proposal


def voted(world: World, *answers: tuple[str, Decision]) -> Proposal:
    with world.store.transaction() as tx:
        for party, decision in answers:
            proposal = board.vote(tx, ASKED, party, decision, "Because.", representative(party))
    return proposal


def owed(world: World) -> list[tuple[str, str, date]]:
    """Give what the clocks say of proposals: whose, clause, by when."""
    with world.store.view() as view:
        return [(c.about, c.clause, c.due_on) for c in running(view) if c.clause in {"EM A1.1", "EM A4"}]


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


def test_an_agency_is_a_member_from_the_day_all_have_signed(world: World):
    apply(world)
    assert owed(world) == [(ASKED, "EM A1.1", date(2022, 7, 15))]
    proposal = moved(world, ASKED, (Move.RECOMMENDED, MET))
    assert (proposal.done[-1].late, owed(world)) == (False, [])
    assert voted(world, ("SDE", YES)).last is Move.RECOMMENDED
    assert refused(world, lambda tx: board.move(tx, ASKED, Move.SIGNED, "Signed.", MET, "opm")) == ["turn"]
    assert voted(world, ("DOL", YES)).last is Move.ACCEPTED
    with world.store.view() as view:
        assert "OHE" not in people.members(view)
    assert moved(world, ASKED, (Move.SIGNED, MET + timedelta(days=5))).closed
    with world.store.view() as view:
        assert "OHE" in people.members(view)
        joined = list(view.entries(action="agency.join"))[-1]
        assert (joined["object"], joined["details"]["since"]) == ("OHE", "2022-07-20")
        assert not any("minutes" in body or "asks to join" in body for body in view.bodies())


def test_concerns_send_it_back_or_to_the_operating_group_each_with_its_days(world: World):
    apply(world)
    proposal = moved(world, ASKED, (Move.RETURNED, MET + timedelta(days=3)))  # the Monday after
    assert proposal.done[-1].late and owed(world) == []
    explained, forwarded = date(2022, 7, 20), date(2022, 7, 21)
    moved(world, ASKED, (Move.EXPLAINED, explained))
    assert owed(world) == [(ASKED, "EM A1.1", add_business_days(explained, 30))]
    moved(world, ASKED, (Move.FORWARDED, forwarded))
    assert owed(world) == [(ASKED, "EM A1.1", date(2022, 8, 4))]
    assert moved(world, ASKED, (Move.RESPONDED, date(2022, 8, 5))).done[-1].late
    assert moved(world, ASKED, (Move.DECLINED, date(2022, 8, 8))).closed
    with world.store.view() as view:
        lates = [entry["details"]["late"] for entry in view.entries(action="proposal.move")]
    assert lates == [True, False, False, True, False]


def test_nobody_joins_past_an_application_that_is_open(world: World):
    apply(world)
    moved(world, ASKED, (Move.RETURNED, CAME))
    assert refused(world, lambda tx: board.join(tx, "OHE", CAME, "opm")) == ["proposed"]
    with world.store.transaction() as tx:
        assert board.join(tx, "SDE", CAME, "opm").since == CAME  # a member signs again
    moved(world, ASKED, (Move.DECLINED, CAME))
    with world.store.transaction() as tx:
        assert board.join(tx, "OHE", CAME, "opm").since == CAME  # nothing is before the boards


def test_one_voice_declines_and_nobody_speaks_for_another(world: World):
    apply(world)
    assert refused(world, lambda tx: board.vote(tx, ASKED, "DOL", YES, "", representative("DOL"))) == ["no-motion"]
    moved(world, ASKED, (Move.RECOMMENDED, CAME))
    assert refused(world, lambda tx: board.vote(tx, ASKED, "DOL", YES, "", representative("SDE"))) == ["spokesman"]
    assert refused(world, lambda tx: board.vote(tx, ASKED, "DOL", NO, " ", representative("DOL"))) == ["reason"]
    proposal = voted(world, ("DOL", NO))
    assert (proposal.last, proposal.closed) == (Move.DECLINED, True)
    assert refused(world, lambda tx: board.vote(tx, ASKED, "SDE", YES, "", representative("SDE"))) == ["proposal"]
    with world.store.view() as view:
        assert "OHE" not in people.members(view)


def test_a_compliance_change_runs_by_its_three_periods(world: World):
    catalogued(world)
    assert owed(world) == [(CHANGE, "EM A4", date(2022, 6, 8))]
    moved(world, CHANGE, (Move.FORWARDED, date(2022, 6, 8)))
    assert owed(world) == [(CHANGE, "EM A4", date(2022, 7, 8))]
    moved(world, CHANGE, (Move.RECOMMENDED, date(2022, 7, 8)))
    assert owed(world) == [(CHANGE, "EM A4", date(2022, 7, 22))]
    proposal = moved(world, CHANGE, (Move.ACCEPTED, date(2022, 7, 23)))
    assert [done.late for done in proposal.done] == [False, False, True] and proposal.closed and owed(world) == []


@pytest.mark.parametrize("kind", [ProposalKind.PROCESS, ProposalKind.CONSULTATION])
def test_other_changes_are_forwarded_in_time_and_then_wait_for_a_meeting(world: World, kind: ProposalKind):
    catalogued(world, kind)
    key = f"{kind}-001"
    assert owed(world) == [(key, "EM A4", date(2022, 6, 8))]
    assert moved(world, key, (Move.FORWARDED, date(2022, 6, 9))).done[-1].late and owed(world) == []
    assert moved(world, key, (Move.RECOMMENDED, date(2022, 9, 9)), (Move.DECLINED, date(2023, 1, 9))).closed


def test_a_change_is_forwarded_when_all_eight_items_are_catalogued(world: World):
    paper = catalogued(world, ticked=7)
    assert refused(world, lambda tx: board.move(tx, CHANGE, Move.FORWARDED, "Sent.", CAME, "opm")) == ["catalogue"]
    with world.store.transaction() as tx:
        papers.tick(tx, paper, "h", "opm")
    assert moved(world, CHANGE, (Move.FORWARDED, CAME)).last is Move.FORWARDED


def test_only_the_operating_group_enters_in_order_once_and_on_days_that_were(world: World):
    apply(world)
    late = CAME + timedelta(days=1)
    for step, rules in (
        ((ProposalKind.APPLICATION, "OHE", "Again.", CAME, "opm"), ["proposed"]),
        ((ProposalKind.APPLICATION, "SDE", "Again.", CAME, "opm"), ["membership"]),
        ((ProposalKind.APPLICATION, "DSS", " ", CAME, "opm"), ["text"]),
        ((ProposalKind.APPLICATION, "DSS", "It asks.", late, "opm"), ["day"]),
        ((ProposalKind.APPLICATION, "DSS", "It asks.", CAME, representative("SDE")), ["spokesman"]),
    ):
        assert refused(world, lambda tx, step=step: board.propose(tx, *step)) == rules
    for move, rules in (
        ((Move.RESPONDED, "Yes.", CAME, "opm"), ["turn"]),
        ((Move.RETURNED, "Why?", CAME - timedelta(days=1), "opm"), ["day"]),
        ((Move.RETURNED, "Why?", CAME, representative("SDE")), ["spokesman"]),
    ):
        assert refused(world, lambda tx, move=move: board.move(tx, ASKED, *move)) == rules
    assert refused(world, lambda tx: board.move(tx, "application-009", Move.RETURNED, "?", CAME, "opm")) == [
        "proposal"
    ]


def catalogued(world: World, kind: ProposalKind = ProposalKind.COMPLIANCE, ticked: int = 8) -> str:
    """Enter a change and the paper of it; give the paper's key."""
    world.today = CAME
    with world.store.transaction() as tx:
        paper = papers.add(tx, "change-request", pretend(), "opm", about="file names")
        for item in "abcdefgh"[:ticked]:
            papers.tick(tx, paper.key, item, "opm")
        board.propose(tx, kind, "file names", "A law asks for longer names.", CAME, "opm")
    return paper.key
