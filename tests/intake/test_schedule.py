"""The day by which each file is to be sent: who sets it, what is late, and the clock of what is not here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from enclave import intake, people
from enclave.clocks import running
from enclave.errors import Refused
from enclave.people import Listing, Person
from enclave.terms import Role
from tests.intake.conftest import DAY
from tests.intake.test_receiving import DOL, SDE

DR = "DR-0034"


@pytest.fixture
def planned(world: Any) -> Any:
    """A hub where SDE is to send by today and DOL by yesterday."""
    with world.store.transaction() as tx:
        known = Person("olga", "Invented olga", "Staff", "OPM", "olga@example.org", "555-0100", True)
        people.enlist(tx, known, Listing("olga", DR, Role.OPM, "office"), "opm")
        intake.schedule(tx, DR, "SDE", "matching", DAY, "olga")
        intake.schedule(tx, DR, "DOL", "matching", DAY - timedelta(days=1), "olga")
    return world


def plan(world: Any) -> dict[str, tuple[date | None, bool, bool]]:
    with world.store.view() as view:
        found = intake.expected(view, world.policy)
    return {f"{e.source} {e.contents}": (e.due_on, e.received_on is not None, e.late) for e in found}


def clocks(world: Any) -> list[str]:
    with world.store.view() as view:
        return [clock.about for clock in running(view) if clock.clause == "EM XII"]


def test_what_is_not_here_on_its_day_is_late_and_stays_so_when_it_comes(planned: Any) -> None:
    yesterday = DAY - timedelta(days=1)
    assert plan(planned)["SDE matching"] == (DAY, False, False)
    assert plan(planned)["DOL matching"] == (yesterday, False, True)
    assert plan(planned)["DOL analytical"] == (None, False, False)
    assert clocks(planned) == [f"{DR}/DOL/matching", f"{DR}/SDE/matching"]
    planned.send(SDE, planned.people("SDE", 20))
    planned.send(DOL, planned.people("DOL", 20))
    planned.today[0] = DAY + timedelta(days=5)
    assert plan(planned)["SDE matching"] == (DAY, True, False)
    assert plan(planned)["DOL matching"] == (yesterday, True, True)
    assert clocks(planned) == []


@pytest.mark.parametrize(
    ("who", "contents", "rule"), [("hubert", "matching", "spokesman"), ("olga", "finder", "file-expected")]
)
def test_the_operating_group_sets_days_for_what_is_expected(planned: Any, who: str, contents: str, rule: str) -> None:
    with pytest.raises(Refused) as caught, planned.store.transaction() as tx:
        intake.schedule(tx, DR, "SDE", contents, DAY, who)
    assert [finding.rule for finding in caught.value.findings] == [rule]
