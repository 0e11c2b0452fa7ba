"""One universe of 8,000 students and 20,000 wage earners, and its files, for all tests of this folder."""

from datetime import date

import pandas as pd
import pytest

from p20kit import synthetic


@pytest.fixture(scope="session")
def world():
    return synthetic.universe(students=8_000, wage_earners=20_000, seed=34)


@pytest.fixture(scope="session")
def written(world, tmp_path_factory):
    return world.write(tmp_path_factory.mktemp("transmittals"), dr="0034", as_of=date(2022, 4, 11))


@pytest.fixture(scope="session")
def people(world):
    return world.people.frame()


@pytest.fixture(scope="session")
def read():
    def read(path):
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=3)

    return read
