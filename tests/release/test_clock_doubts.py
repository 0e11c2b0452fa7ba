"""A clock that was set is noticed, believed only when a person has compared it, and destroys nothing meanwhile.

Source: DSA VI.H.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from enclave.clocks import Reading, Watch, accept, running
from enclave.ledger import Entry
from tests.release.rounds import END, NOW, after, round_of
from tests.release.world import PROJECT, World


def doubts_of(world: World, reading: Reading) -> list[str]:
    return [finding.rule for finding in round_of(world, reading).doubts]


def test_a_clock_that_went_back_destroys_nothing(world: World):
    world.held()
    round_of(world)
    world.today = END + timedelta(days=1)
    earlier = Reading(NOW - timedelta(hours=1), "second boot", 60.0)
    assert doubts_of(world, earlier) == ["clock-back"]
    assert world.keystore.exists(f"project-{PROJECT}")
    assert world.actions("clocks.doubt") == ["clocks.doubt"]
    assert "clock-back" in doubts_of(world, earlier)
    assert world.actions("clocks.doubt") == ["clocks.doubt"]
    assert round_of(world, after(1)).destroyed


def test_a_day_that_came_before_is_noticed(world: World):
    world.held()
    world.today = END
    world.store.enter(Entry("opm", "demo.day", "later"))
    round_of(world)
    world.today = END - timedelta(days=3)
    assert doubts_of(world, after(1)) == ["clock-back"]


def test_what_others_entered_since_counts_too(world: World):
    round_of(world)
    day, world.today = world.today, END + timedelta(days=1)
    world.store.enter(Entry("opm", "somebody.was-here", "x"))
    world.today = day
    world.store.enter(Entry("opm", "somebody.came-after", "x"))
    assert doubts_of(world, after(1)) == ["clock-back"]


@pytest.mark.parametrize("hours", [24 * 90, -24 * 90])
def test_a_clock_that_was_set_while_the_machine_ran_is_noticed(world: World, hours: float):
    world.held()
    round_of(world)
    world.today = END + timedelta(days=1)
    wrong = replace(after(0.5), at=NOW + timedelta(hours=hours))
    assert "clock-set" in doubts_of(world, wrong)
    assert world.keystore.exists(f"project-{PROJECT}")
    corrected = replace(after(0.5), at=NOW + timedelta(minutes=35))  # over the network, by five minutes
    assert round_of(world, corrected).destroyed


def test_a_clock_is_believed_again_when_a_person_has_compared_it(world: World):
    world.held()
    round_of(world)
    world.today = END + timedelta(days=1)
    later = replace(after(0.5), at=NOW + timedelta(days=90))
    assert doubts_of(world, later) == ["clock-set"]
    with world.store.transaction() as tx:
        accept(tx, later, "opm")
    assert round_of(world, after(1, reading=later)).destroyed


def test_a_start_of_the_machine_takes_no_doubt_away(world: World):
    """The clock is set by 90 days while the machine runs; it is started again with the wrong clock."""
    world.held()
    round_of(world)
    world.today = END + timedelta(days=1)
    wrong = replace(after(0.5), at=NOW + timedelta(days=90))
    assert doubts_of(world, wrong) == ["clock-set"]
    started = Reading(wrong.at + timedelta(minutes=5), "second boot", 60.0)
    for hours in (0, 1, 24):
        assert doubts_of(world, after(hours, reading=started)) == ["clock-doubted"]
    assert world.keystore.exists(f"project-{PROJECT}")
    (doubt,) = {finding.next for finding in round_of(world, started).doubts}
    assert "`enclave clocks accept`" in doubt
    with world.store.transaction() as tx:
        accept(tx, after(25, reading=started), "opm")
    assert round_of(world, after(26, reading=started)).destroyed


def test_a_doubt_that_was_mended_is_over_before_the_next_start(world: World):
    round_of(world)
    assert doubts_of(world, replace(after(0.5), at=NOW + timedelta(days=90)))
    assert doubts_of(world, after(1)) == []
    assert doubts_of(world, Reading(NOW + timedelta(hours=2), "second boot", 60.0)) == []


def test_a_reading_is_kept_once_a_day(world: World):
    for hours in (0, 1, 2):
        round_of(world, after(hours))
    world.today += timedelta(days=1)
    round_of(world, after(24))
    assert world.actions("clocks.watch") == ["clocks.watch"] * 2
    with world.store.view() as view:
        assert view.get(Watch, "watch").day == world.today
        assert [clock.what for clock in running(view) if clock.project] == ["project data"]
