"""Kills by lot from collect to publish: eight here, a thousand with the command."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.journey.killing import Killer
from tests.journey.kills import FIRST, Kills
from tests.world import a_copy

KILLS = 8


def test_nothing_is_half_released_wherever_it_is_killed(resting: Callable[[str], Path], tmp_path: Path) -> None:
    killer = Killer()
    kills = Kills(KILLS, random.Random(34), killer, lambda: None)
    ways = 0
    while kills.left:
        made = a_copy(of=resting(FIRST), to=tmp_path / str(ways))
        kills.go(made)
        made.close()
        ways += 1
    killer.close()
    assert sum(kills.fell.values()) == KILLS
    assert {where.split(":")[0] for where in kills.fell} >= {"collect", "clear", "publish"}
