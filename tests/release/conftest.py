"""One world for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.release.world import World, a_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Give an installation with DR-0034 in force."""
    made = a_world(tmp_path / "home")
    yield made
    made.store.close()
