"""The journey goes on in PostgreSQL: moved there at any stage, killed at every point, nothing half done.

Source: EM XVII.B.
"""

from __future__ import annotations

import pytest

from tests.conftest import At
from tests.journey.test_crashes import STEPS, Killer, killed_at_every_point, killer, labels
from tests.postgresql import PostgreSQL
from tests.world import Installation

__all__ = ["killer"]


@pytest.fixture
def at_on_postgresql(at: At, postgresql: PostgreSQL) -> At:
    """Give an installation at a stage of the journey, its registry moved to PostgreSQL."""

    def moved(stage: str) -> Installation:
        made, address = at(stage), postgresql.database()
        made.run("move", address)
        settings = made.home / "enclave.toml"
        lines = settings.read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("database ")]
        settings.write_text("\n".join([*kept, f'database = "{address}"']) + "\n", "utf-8")
        (made.home / "enclave.db").unlink()
        return made

    return moved


@pytest.mark.parametrize("name", ["publish", "destroy project"])
def test_killed_at_every_point_on_postgresql(at_on_postgresql: At, killer: Killer, name: str) -> None:
    step = STEPS[name]
    seen = killed_at_every_point(at_on_postgresql, killer, name, step)
    assert seen >= labels(step.room) | {"store.before-commit", "store.after-commit"}
