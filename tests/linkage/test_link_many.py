"""Three agencies, one of them without SSN and one without date of birth; and duplicates within a file."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p20kit import synthetic
from p20kit.linkage import LinkedMany, Method, RoleError, find_duplicates, link_many
from p20kit.linkage.clusters import merge
from tests.linkage.agencies import FEBRL_ROLES, STATE_ROLES, febrl3

AGENCIES = ("SDE", "CSCU", "DOL")


@pytest.fixture(scope="module")
def world() -> synthetic.Universe:
    return synthetic.universe(students=3_000, wage_earners=6_000, college_students=2_400, seed=7)


@pytest.fixture(scope="module")
def files(world: synthetic.Universe) -> dict[str, pd.DataFrame]:
    made = {agency: world.matching(agency) for agency in AGENCIES}
    return made | {"DOL": made["DOL"].drop(columns="DOB")}


@pytest.fixture(scope="module")
def linked(files: dict[str, pd.DataFrame]) -> LinkedMany:
    return link_many(files, roles=STATE_ROLES, method=Method(threshold=0.5))


def test_persons_are_found_across_three_agencies(linked, world):
    person = world.truth.set_index("generic_id")["person"]
    found = linked.crosswalk.apply(lambda column: column.map(person))
    pairs = [found[list(two)].dropna() for two in (("SDE", "CSCU"), ("SDE", "DOL"), ("CSCU", "DOL"))]
    right = sum(int((both.iloc[:, 0] == both.iloc[:, 1]).sum()) for both in pairs)
    held = world.truth.groupby("person").size()
    precision, recall = right / sum(map(len, pairs)), right / int((held * (held - 1) // 2).sum())
    assert 2 * precision * recall / (precision + recall) >= 0.95


def test_no_record_stands_in_two_rows(linked):
    for agency in AGENCIES:
        assert linked.crosswalk[agency].dropna().is_unique
    assert (linked.crosswalk.notna().sum(axis=1) >= 2).all()


def test_every_pair_of_agencies_has_a_model_of_what_both_hold(linked):
    held = {
        pair: {comparison["output_column_name"] for comparison in model["comparisons"]}
        for pair, model in linked.models.items()
    }
    assert set(held) == {"SDE-CSCU", "SDE-DOL", "CSCU-DOL"}
    assert {"dob", "sasid"} <= held["SDE-CSCU"] and "ssn" not in held["SDE-CSCU"]
    assert "ssn" in held["CSCU-DOL"] and "dob" not in held["CSCU-DOL"]
    assert not {"dob", "ssn", "sasid"} & held["SDE-DOL"]


def test_the_same_files_give_the_same_crosswalk(linked, files):
    again = link_many({name: files[name] for name in AGENCIES}, roles=STATE_ROLES, method=Method(threshold=0.5))
    pd.testing.assert_frame_equal(again.crosswalk, linked.crosswalk)
    assert again.report == linked.report


def test_two_agencies_that_share_only_names_are_refused(files):
    with pytest.raises(RoleError, match="one of dob, ssn, sasid"):
        link_many({name: files[name] for name in ("SDE", "DOL")}, roles=STATE_ROLES)


def test_the_duplicates_of_febrl3_are_found():
    table = febrl3()
    found = find_duplicates(table, roles=FEBRL_ROLES, id_column="rec_id", method=Method(threshold=0.5))
    true = table["rec_id"].str.split("-").str[1]
    both = pd.crosstab(true, found.clusters["cluster"])
    assert (both.gt(0).sum(axis=1) == 1).mean() >= 0.998
    assert (both.gt(0).sum(axis=0) == 1).mean() >= 0.998
    assert sum(size * n for size, n in found.report["clusters_by_size"].items()) == len(table)


def clusters(*rows: tuple[int, int, float], agencies: list[int] | None, size: int) -> list[set[int]]:
    pairs = pd.DataFrame(list(rows), columns=["left", "right", "match_weight"])
    group = None if agencies is None else np.array(agencies)
    of_record = pd.Series(merge(pairs, group, size).of_record)
    return sorted((set(members.index) for _, members in of_record.groupby(of_record)), key=min)


def test_two_records_of_an_agency_never_meet_through_a_third():
    met = clusters((0, 2, 9.0), (1, 2, 8.0), (1, 3, 7.0), (2, 3, 6.0), agencies=[0, 0, 1, 2], size=4)
    assert met == [{0, 2}, {1, 3}]


def test_a_chain_holds_only_if_its_ends_do_not_speak_against_it():
    assert clusters((0, 1, 9.0), (1, 2, 3.0), (0, 2, -6.0), agencies=[0, 1, 2], size=3) == [{0, 1}, {2}]
    assert clusters((0, 1, 9.0), (1, 2, 8.0), (0, 2, -6.0), agencies=[0, 1, 2], size=3) == [{0, 1, 2}]
    assert clusters((0, 1, 9.0), (1, 2, 0.5), agencies=None, size=3) == [{0, 1}, {2}]


def test_rivals_of_one_weight_are_nobodys():
    assert clusters((0, 1, 5.0), (0, 2, 5.0), (3, 4, 5.0), agencies=[0, 1, 1, 0, 1], size=5) == [
        {0},
        {1},
        {2},
        {3, 4},
    ]


edges = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-3, 6).map(float)),
    max_size=25,
    unique_by=lambda row: frozenset(row[:2]),
)


@given(edges, st.lists(st.integers(0, 2), min_size=10, max_size=10))
def test_no_cluster_ever_holds_two_records_of_an_agency(listed, agencies):
    across = [(a, b, w) for a, b, w in listed if agencies[a] != agencies[b]]
    for members in clusters(*across, agencies=agencies, size=10):
        assert len({agencies[i] for i in members}) == len(members)


def test_the_roles_of_a_file_that_lacks_a_column_are_those_it_has(linked):
    dol = next(file for file in linked.report["files"] if file["agency"] == "DOL")
    assert "dob" not in dol["completeness"] and "ssn" in dol["completeness"]
