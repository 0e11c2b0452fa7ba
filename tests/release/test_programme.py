"""What concerns all members: the notice board of interruptions, and exceptions from a standard with an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from enclave import people
from enclave.clocks import running
from enclave.errors import EnclaveError
from enclave.incidents import announce, back, interruptions
from tests.parties import representative
from tests.release.world import FIRST_DAY, World

NOW = datetime(2022, 6, 1, 14, tzinfo=UTC)
SDE, HUB = representative("SDE"), "hub"
UNTIL = FIRST_DAY + timedelta(days=90)


def refused(world: World, step) -> list[str]:
    with pytest.raises(EnclaveError) as caught, world.store.transaction() as tx:
        step(tx)
    return [finding.rule for finding in caught.value.findings]


@pytest.mark.parametrize(("party", "who"), [("SDE", SDE), ("DOL-HUB", HUB)])
@pytest.mark.parametrize(("hours", "planned"), [(1, True), (0, False), (-2, False)])
def test_a_notice_stands_on_the_board_until_the_service_is_back(
    world: World, party: str, who: str, hours: int, planned: bool
):
    with world.store.transaction() as tx:
        notice = announce(tx, party, "The file server is moved.", NOW + timedelta(hours=hours), NOW, who)
    assert notice.planned is planned
    assert notice.told == ("Operating Group", "DOL-HUB", "DOL", "SDE")
    with world.store.view() as view:
        assert interruptions(view) == [notice]
        assert not any("file server" in body for body in view.bodies())
    with world.store.transaction() as tx:
        back(tx, notice.key, NOW + timedelta(hours=4), who)
        assert interruptions(tx) == []
    assert refused(world, lambda tx: back(tx, notice.key, NOW, who)) == ["notice"]


def test_a_party_speaks_of_its_own_service_and_of_no_person(world: World):
    for party, who in (("SDE", "opm"), ("DOL-HUB", "rae"), ("DOL", SDE)):
        step = party, "It stops.", NOW, NOW, who
        assert refused(world, lambda tx, step=step: announce(tx, *step)) == ["spokesman"]
    assert refused(world, lambda tx: announce(tx, "SDE", "Of 123-45-6789.", NOW, NOW, SDE)) == ["confidential"]
    assert refused(world, lambda tx: announce(tx, "SDE", "It stops.", NOW.replace(tzinfo=None), NOW, SDE)) == ["time"]


def test_an_exception_has_a_plan_and_an_end_and_is_over_when_the_standard_is_met(world: World):
    with world.store.transaction() as tx:
        known = people.except_from(tx, "SDE", "EM XV.D", "Signatures from September on.", UNTIL, "opm")
        assert people.exceptions(tx) == [known]

    def clocks() -> list[int]:
        with world.store.view() as view:
            return [clock.days_left(view.today) for clock in running(view) if clock.clause == "EM XV.E"]

    assert clocks() == [90]
    world.today = UNTIL + timedelta(days=1)
    assert clocks() == [-1]
    assert refused(world, lambda tx: people.meet(tx, "DOL", "EM XV.D", "opm")) == ["exception"]
    assert refused(world, lambda tx: people.meet(tx, "SDE", "EM XV.D", SDE)) == ["spokesman"]
    with world.store.transaction() as tx:
        people.meet(tx, "SDE", "EM XV.D", "opm")
        assert people.exceptions(tx) == []
    assert clocks() == []


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (("WESTED", "EM XV.D", "Plan.", UNTIL, "opm"), "membership"),
        (("SDE", "DSA VI.F", "Plan.", UNTIL, "opm"), "standard"),
        (("SDE", "EM XVIII.B", "Plan.", UNTIL, "opm"), "standard"),
        (("SDE", "EM XV.D", " ", UNTIL, "opm"), "plan"),
        (("SDE", "EM XV.D", "Plan.", FIRST_DAY, "opm"), "until"),
        (("SDE", "EM XV.D", "Plan.", UNTIL, SDE), "spokesman"),
    ],
)
def test_the_operating_group_records_exceptions_of_members_from_section_xv(world: World, given, rule: str):
    assert refused(world, lambda tx: people.except_from(tx, *given)) == [rule]
