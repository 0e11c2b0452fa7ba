"""The journey goes on in PostgreSQL: moved there at any stage, killed at every point, nothing half done.

Source: EM XVII.B.
"""

from __future__ import annotations

import pytest

from tests.conftest import At
from tests.journey.every import moved
from tests.journey.killing import Killer, killed_at_every_point
from tests.journey.steps import STEPS, labels
from tests.journey.test_crashes import killer
from tests.postgresql import PostgreSQL
from tests.world import Installation

__all__ = ["killer"]
pytestmark = pytest.mark.sqlite("runs on both by itself")


@pytest.fixture
def at_on_postgresql(at: At, postgresql: PostgreSQL) -> At:
    """Give an installation at a stage of the journey, its registry moved to PostgreSQL."""

    def fresh(stage: str) -> Installation:
        made = at(stage)
        moved(made, postgresql.database())
        return made

    return fresh


@pytest.mark.parametrize("name", ["publish", "destroy project"])
def test_killed_at_every_point_on_postgresql(at_on_postgresql: At, killer: Killer, name: str) -> None:
    step = STEPS[name]
    seen = killed_at_every_point(at_on_postgresql, killer, name, step)
    assert seen >= labels(step.room) | {"store.before-commit", "store.after-commit"}
