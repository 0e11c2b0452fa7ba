"""What two records say together is counted once: evidence that another identifier gives already is none."""

from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from p20kit.linkage import Method, link_pair
from tests.linkage.agencies import STATE_ROLES, students_and_wage_earners

KNOWN = {"FirstName": "Zyxwvut", "MiddleName": "", "LastName": "Canaryfield", "DOB": "19971231", "Gender": "F"}


@pytest.fixture(scope="module")
def agencies(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame]:
    folder: Path = tmp_path_factory.mktemp("agencies")
    return students_and_wage_earners(folder, 4_000, 9_600)[:2]


@pytest.fixture(scope="module")
def model(agencies: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, Any]:
    return link_pair(*agencies, roles=STATE_ROLES).model


def weight(
    agencies: tuple[pd.DataFrame, pd.DataFrame], model: dict[str, Any], left: dict[str, str], right: dict[str, str]
) -> float:
    """Match weight of two records put into the agencies' files, by a model trained without them."""
    files = [
        pd.concat([file, pd.DataFrame([KNOWN | {"GenericID": f"{agency}-CANARYCANARY2345"} | own])]).fillna("")
        for agency, file, own in zip(("SDE", "DOL"), agencies, (left, right), strict=True)
    ]
    linked = link_pair(*files, roles=STATE_ROLES, model=model, method=Method(threshold=0.01))
    both = pd.concat([linked.links, linked.unlinked])
    return float(both.set_index("left_id").loc["SDE-CANARYCANARY2345", "match_weight"])


def test_sex_says_nothing_more_where_first_names_agree(agencies, model):
    same, other = (weight(agencies, model, {}, {"Gender": sex}) for sex in "FM")
    assert same == other
    same, other = (weight(agencies, model, {}, {"FirstName": "Zyxwvot", "Gender": sex}) for sex in "FM")
    assert same > other + 2


def test_a_first_initial_that_stands_as_middle_initial_speaks_for_a_match(agencies, model):
    middle = {"FirstName": "Quentin", "MiddleName": "Z"}
    stands, foreign = (weight(agencies, model, {}, middle | {"MiddleName": initial}) for initial in "ZK")
    assert stands > foreign + 1


CROSSED = {
    "names swapped": ({}, {"FirstName": "Canaryfield", "LastName": "Zyxwvut", "DOB": "19971221"}),
    "day and month swapped": ({"DOB": "19970304"}, {"DOB": "19970403", "LastName": "Quorbanek"}),
    "second surname against first": (
        {"LastName": "Quorbanek-Canaryfield"},
        {"LastName": "Canaryfield", "DOB": "19510806"},
    ),
}


@pytest.mark.parametrize("crossed", CROSSED)
def test_records_that_agree_only_crosswise_are_brought_together(agencies, model, crossed):
    """However light: a pair that no rule proposes has no weight."""
    assert isfinite(weight(agencies, model, *CROSSED[crossed]))
