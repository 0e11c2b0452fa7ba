"""One world for each test: a copy of one that is made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import registry
from tests.release.world import World, a_world, open_world


@pytest.fixture(scope="session")
def resting_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the installation that is copied, and close it."""
    home = tmp_path_factory.mktemp("release") / "home"
    a_world(home).store.close()
    return home


@pytest.fixture
def world(resting_home: Path, tmp_path: Path) -> Iterator[World]:
    """Give an installation with DR-0034 in force."""
    home = tmp_path / "home"
    registry.copy_home(of=resting_home, to=home)
    made = open_world(home)
    yield made
    made.store.close()
