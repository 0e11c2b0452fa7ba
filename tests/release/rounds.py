"""Rounds of the clocks, and the time that passes between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from enclave.clocks import Reading, Round, go_round
from enclave.ledger import Entry
from enclave.matching import MatchRun
from enclave.messages import inbox_of
from tests.release.world import PROJECT, World

END = date(2022, 8, 31)
NOW = datetime.now(UTC) + timedelta(days=1)
"""Later than any entry these tests make, however long the whole run has taken by then."""
READING = Reading(NOW, "first boot", 5_000.0)


def after(hours: float, *, reading: Reading = READING) -> Reading:
    """Let time pass as a machine that runs sees it."""
    return Reading(reading.at + timedelta(hours=hours), reading.boot, reading.up_seconds + hours * 3600)


def round_of(world: World, reading: Reading = READING) -> Round:
    return go_round(world.store, world.keystore, world.settings, reading)


def complete_match(world: World) -> None:
    with world.store.transaction() as tx:
        tx.append(Entry("sde-steward", "match.complete", f"{PROJECT}/match-01", PROJECT, "DSA III.F.3"))


def keep_match(world: World, completed_on: date | None = None) -> None:
    run = MatchRun(
        PROJECT, "match-01", "match_pair", "1", "0" * 64, {}, ("SDE", "DOL"), {}, world.today, 40, "90.0",
        *["0" * 64] * 5, completed_on=completed_on,
    )  # fmt: skip
    with world.store.transaction() as tx:
        tx.write(run, Entry("hub", "match.run", run.key, PROJECT, "EM XII"))


def noted(world: World, action: str) -> list[tuple[str, str, int]]:
    with world.store.view() as view:
        return [(e["object"], e["details"]["what"], e["details"]["at"]) for e in view.entries(action=action)]


def told(world: World, person: str) -> list[str]:
    with world.store.view() as view:
        return [message.title for message in inbox_of(view, person).messages]
