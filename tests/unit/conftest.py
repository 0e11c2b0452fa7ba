"""A registry in which DR-0034 is in force: made once, and copied for every test that begins there."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from enclave.store import Store
from tests import registry
from tests.parties import bring_into_force, packaged


@pytest.fixture(scope="session")
def resting_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the home that is copied; nobody opens it."""
    home = tmp_path_factory.mktemp("in-force")
    with closing(Store(registry.address(home), lambda: date(2022, 4, 11))) as store, store.transaction() as tx:
        bring_into_force(tx, packaged("DR-0034"))
    return home


@pytest.fixture
def in_force(resting_home: Path, tmp_path: Path) -> Path:
    """Give a home of the test's own."""
    registry.copy_home(of=resting_home, to=tmp_path)
    return tmp_path
