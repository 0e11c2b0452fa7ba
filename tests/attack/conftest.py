"""The students of a project whose data are delivered: what requests, honest and others, are made of."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.attack.asking import mounted
from tests.conftest import At
from tests.world import Installation


@pytest.fixture(scope="module")
def delivered(shared: At) -> Installation:
    """Give an installation whose Resultant Data are delivered."""
    return shared("delivered")


@pytest.fixture(scope="module")
def students(delivered: Installation) -> pd.DataFrame:
    """Give the table of SDE as a session mounts it."""
    return mounted(delivered, "sde")
