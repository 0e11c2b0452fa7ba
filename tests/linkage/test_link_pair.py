"""Whole matches: files nobody here made, invented people with known truth, and files that are wrong."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from p20kit import synthetic
from p20kit.linkage import Linked, Method, link_pair
from tests.linkage.agencies import FEBRL_ROLES, STATE_ROLES, febrl4, students_and_wage_earners

CANARY = {
    "GenericID": "SDE-CANARYCANARY2345",
    "FirstName": "Zyxwvut",
    "MiddleName": "Qwopquist",
    "LastName": "Canaryfield",
    "DOB": "19971231",
    "Gender": "F",
}


@pytest.fixture(scope="module")
def febrl() -> Linked:
    a, b = febrl4()
    return link_pair(a, b, roles=FEBRL_ROLES, id_column="rec_id", names=("A", "B"))


@pytest.fixture(scope="module")
def agencies(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    sde, dol, truth = students_and_wage_earners(tmp_path_factory.mktemp("agencies"), 4_000, 9_600)
    dol_canary = pd.DataFrame([CANARY | {"GenericID": "DOL-CANARYCANARY2345"}])
    return (
        pd.concat([sde, pd.DataFrame([CANARY])]).fillna(""),
        pd.concat([dol, dol_canary]).fillna(""),
        truth[["left_id", "right_id"]],
    )


@pytest.fixture(scope="module")
def state(agencies: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> tuple[Linked, list[tuple[str, float]]]:
    sde, dol, _ = agencies
    stages: list[tuple[str, float]] = []
    groups = sde[["GenericID"]].assign(sex=sde["Gender"], name_length=sde["LastName"].str.len().gt(6).astype(str))
    told = lambda name, fraction: stages.append((name, fraction))  # noqa: E731
    return link_pair(sde, dol, roles=STATE_ROLES, groups=groups, progress=told), stages


def correct(links: pd.DataFrame) -> int:
    person = [links[side].str.split("-").str[1] for side in ("left_id", "right_id")]
    return int((person[0] == person[1]).sum())


def test_febrl4_is_matched(febrl):
    right = correct(febrl.links)
    assert right / len(febrl.links) >= 0.995
    assert right / 5_000 >= 0.995


def test_febrl4_uses_every_role_both_files_hold(febrl):
    assert set(febrl.report["roles"]["used"]) == set(FEBRL_ROLES)
    identifiers = {c["identifier"] for c in febrl.report["comparisons"]}
    assert {"SSN", "ZIP code", "Street", "Second address line", "House number", "Town", "State"} <= identifiers


def test_students_are_found_among_wage_earners(state, agencies):
    links, truth = state[0].links, agencies[2]
    right = len(links.merge(truth, on=["left_id", "right_id"]))
    precision, recall = right / len(links), right / len(truth)
    assert 2 * precision * recall / (precision + recall) >= 0.97


def test_every_record_is_linked_once_at_or_above_the_threshold(state):
    links = state[0].links
    assert links["left_id"].is_unique and links["right_id"].is_unique
    assert links["match_probability"].min() >= 0.9
    assert links["rule"].isin([rule["rule"] for rule in state[0].report["rules"]]).all()


def test_counts_of_the_report_add_up(state):
    linked, _ = state
    report = linked.report
    assert sum(rule["links"] for rule in report["rules"]) == len(linked.links)
    assert sum(rule["first_to_propose"] for rule in report["rules"]) == report["quality"]["candidate_pairs_scored"]
    rates = report["match_rate"]
    assert rates["overall"] == rates["by_agency"]["SDE"]
    assert rates["overall"]["linked"] == rates["by_agency"]["DOL"]["linked"] == len(linked.links)
    in_force = [row["links"] for row in report["quality"]["thresholds"] if row["in_force"]]
    assert in_force == [len(linked.links)]
    assert report["roles"]["missing_in_a_file"] == ["ssn", "sasid"]
    assert [grouping["grouping"] for grouping in report["by_group"]] == ["sex", "name_length"]
    assert sum(group["linked"] for group in report["by_group"][1]["groups"]) == len(linked.links)


def test_weights_have_the_signs_they_should(state):
    for name in ("First name", "Surname", "Date of birth"):
        own = [c["match_weight"] for c in state[0].report["comparisons"] if c["identifier"] == name]
        assert own[0] > 3 and own[-1] < -3, name


def test_a_level_seen_in_no_match_never_speaks_for_one(state, febrl):
    unseen = [c for linked in (state[0], febrl) for c in linked.report["comparisons"] if "m" in c["unseen"]]
    assert unseen
    assert max(c["match_weight"] for c in unseen) <= 0


def test_neither_report_nor_model_holds_a_value_of_a_person(state):
    linked, _ = state
    text = (json.dumps(linked.report) + json.dumps(linked.model)).upper()
    assert (linked.links["left_id"] == CANARY["GenericID"]).any(), "the canary was matched, so it could have leaked"
    for field in ("GenericID", "FirstName", "MiddleName", "LastName", "DOB"):
        assert CANARY[field].upper() not in text, field


def test_progress_goes_forward_to_the_end(state):
    fractions = [fraction for _, fraction in state[1]]
    assert fractions == sorted(fractions) and fractions[0] == 0.0 and fractions[-1] == 1.0
    assert "scoring" in [name for name, _ in state[1]]


def test_the_same_method_gives_the_same_links_and_a_stricter_one_fewer(tmp_path):
    sde, dol, _ = students_and_wage_earners(tmp_path, 400, 1_000)
    first, again, strict = (
        link_pair(sde, dol, roles=STATE_ROLES, method=Method(threshold=t)) for t in (0.5, 0.5, 0.9999)
    )
    pd.testing.assert_frame_equal(first.links, again.links)
    assert first.report == again.report
    assert set(strict.links["left_id"]) < set(first.links["left_id"])


def test_records_equal_in_all_that_is_compared_are_ties_and_nobody_is_linked_by_a_guess(tmp_path: Path):
    sde, dol, _ = students_and_wage_earners(tmp_path, 400, 1_000)
    again = dol.iloc[:90].assign(GenericID=dol["GenericID"].iloc[:90] + "X")
    linked = link_pair(sde, pd.concat([dol, again]), roles=STATE_ROLES)
    assert not linked.links["right_id"].isin([*again["GenericID"], *dol["GenericID"].iloc[:90]]).any()
    assert linked.report["files"][1]["likely_duplicates"] > 80
    assert linked.report["quality"]["tied_records"][0] >= 20


def test_a_rule_that_would_explode_is_counted_and_not_run(tmp_path: Path):
    sde, dol, _ = students_and_wage_earners(tmp_path, 600, 1_440)
    sde.loc[:, "DOB"] = dol.loc[:, "DOB"] = "20010101"
    rules = {rule["rule"]: rule for rule in link_pair(sde, dol, roles=STATE_ROLES).report["rules"]}
    assert rules["date of birth"]["pairs_proposed"] == 600 * 1_440
    assert not rules["date of birth"]["used"]
    assert rules["sound of both names"]["used"]


def test_a_column_of_nulls_is_no_evidence(tmp_path: Path):
    sde, dol, truth = students_and_wage_earners(tmp_path, 400, 1_000)
    linked = link_pair(sde.assign(MiddleName=""), dol, roles=STATE_ROLES)
    assert "Middle name" not in {c["identifier"] for c in linked.report["comparisons"]}
    assert len(linked.links.merge(truth, on=["left_id", "right_id"])) > 0.8 * len(truth)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 1.0},
        {"threshold": 0.0},
        {"max_pairs": 10},
        {"threads": 0},
        {"deterministic": ("dob",)},
        {"engine": "dask"},
    ],
)
def test_a_method_out_of_range_is_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Method(**wrong)


@pytest.fixture(scope="module")
def college() -> tuple[pd.DataFrame, pd.DataFrame]:
    world = synthetic.universe(students=1_000, wage_earners=200, college_students=1_000, seed=34)
    return world.matching("SDE"), world.matching("CSCU")


def test_an_identifier_links_first_where_something_else_agrees(college):
    sde, cscu = college
    same = sde.merge(cscu, on="SASID")
    same = same[(same["LastName_x"] == same["LastName_y"]) & (same["DOB_x"] == same["DOB_y"])].iloc[0]
    # One person under another first name, of another sex: only the identifier's rule is sure of it.
    changed = cscu["GenericID"] == same["GenericID_y"]
    other = cscu.assign(
        FirstName=cscu["FirstName"].mask(changed, "Quorra"),
        LastName=cscu["LastName"].mask(changed, "Vexley"),
        Gender=cscu["Gender"].mask(changed, "M" if same["Gender_x"] == "F" else "F"),
    )
    strict = Method(threshold=0.9999999)
    without = link_pair(sde, other, roles=STATE_ROLES, method=strict)
    by_rule = link_pair(sde, other, roles=STATE_ROLES, method=replace(strict, deterministic=("sasid",)))
    assert same["GenericID_y"] not in set(without.links["right_id"])
    assert same["GenericID_y"] in set(by_rule.links["right_id"])
    assert without.report["quality"]["linked_by_identifier"] == 0
    assert by_rule.report["quality"]["linked_by_identifier"] > 100


def test_an_identifier_alone_is_left_to_clerical_review(college):
    sde, cscu = college
    wrong = cscu[cscu["SASID"] == ""].iloc[0]["GenericID"]
    stolen = sde[~sde["SASID"].isin(cscu["SASID"])].iloc[0]["SASID"]
    changed = cscu["GenericID"] == wrong
    other = cscu.assign(
        SASID=cscu["SASID"].mask(changed, stolen),
        FirstName=cscu["FirstName"].mask(changed, "Quorra"),
        LastName=cscu["LastName"].mask(changed, "Vexley"),
        DOB=cscu["DOB"].mask(changed, "19311122"),
    )
    linked = link_pair(sde, other, roles=STATE_ROLES, method=Method(deterministic=("sasid",)))
    assert linked.report["quality"]["identifier_alone_agrees"] == 1
    assert wrong not in set(linked.links["right_id"])
