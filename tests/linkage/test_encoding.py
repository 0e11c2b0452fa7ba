"""What encodings tell, what they hide, and what a match of them is worth beside one in the clear."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from p20kit import synthetic
from p20kit.linkage import LinkageRefused, Linked, Method, link_many, link_pair
from p20kit.linkage import display as show
from p20kit.linkage import job as jobs
from p20kit.linkage.blocking import ALIKE, RULES
from p20kit.linkage.encoded import COST, read_encoded
from p20kit.linkage.encoding import MAIN, Encoding, encode, encoded_columns, key_check, project_key
from p20kit.linkage.review import repeat_match
from p20kit.linkage.standardise import share_vocabularies, standardise
from p20kit.synthetic.jobs import ROLES as ALL_ROLES
from tests.linkage.agencies import students_and_wage_earners

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "linkage.json"
SECRET = bytes(range(32))
METHOD = Method(threshold=0.5)
People = list[dict[str, str]]
ADA = {"GenericID": "SDE-B", "FirstName": "Ada", "LastName": "Thistlewood", "DOB": "19970312", "Gender": "F"}


def encoded(file: pd.DataFrame, *, secret: bytes = SECRET, project: str = "DR-0034") -> pd.DataFrame:
    parameters = Encoding()
    roles = {role: column for role, column in ALL_ROLES.items() if column in file}
    key = project_key(secret, project, parameters)
    side, columns = standardise(file, roles), encoded_columns(roles)
    return encode(side, file["GenericID"], encoding=parameters, key=key, columns=columns)


def of(people: People, **how: str) -> pd.DataFrame:
    return encoded(pd.DataFrame(people), **how).set_index("GenericID")  # type: ignore[arg-type]


def likeness(table: pd.DataFrame, one: str, other: str, column: str) -> float:
    a, b = (int(table.at[row, column], 16) for row in (one, other))
    return 2 * (a & b).bit_count() / (a.bit_count() + b.bit_count())


def score(links: pd.DataFrame, truth: pd.DataFrame) -> tuple[float, float]:
    right = len(links.merge(truth, on=["left_id", "right_id"]))
    return right / len(links), right / len(truth)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    sde, dol, truth = students_and_wage_earners(tmp_path_factory.mktemp("agencies"), 4_000, 9_600)
    return sde, dol, truth[["left_id", "right_id"]]


@pytest.fixture(scope="module")
def matched(files: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> tuple[Linked, Linked]:
    sde, dol, _ = files
    clear = link_pair(sde, dol, roles=ALL_ROLES, method=METHOD)
    return clear, link_pair(encoded(sde), encoded(dol), roles=MAIN, method=METHOD, encoded=True)


def test_an_encoded_match_is_nearly_as_good_as_one_in_the_clear(matched, files):
    of_clear, of_encoded = (score(linked.links, files[2]) for linked in matched)
    assert of_encoded[0] >= of_clear[0] - 0.01
    assert of_encoded[1] >= of_clear[1] - 0.06
    assert matched[1].links["left_id"].is_unique and matched[1].links["right_id"].is_unique


def test_the_same_encodings_give_the_same_links(matched, files):
    sde, dol, _ = files
    again = link_pair(encoded(sde), encoded(dol), roles=MAIN, method=METHOD, encoded=True)
    pd.testing.assert_frame_equal(again.links, matched[1].links)
    assert again.report["model_sha256"] == matched[1].report["model_sha256"]


def test_strangers_are_learned_from_within_a_file(matched):
    levels = {(c["identifier"], c["level"]): c for c in matched[1].report["comparisons"]}
    assert levels["First name", "equal"]["u"] < 0.02 < 0.7 < levels["First name", "equal"]["m"]
    assert levels["Date of birth", "equal"]["u"] < 0.001
    assert levels["Date of birth", "two of year, month, day equal, and names alike"]["match_weight"] > 10


def test_the_report_says_that_it_is_privacy_preserving_and_what_that_costs(matched):
    clear, private = (show.encodings(linked.report).data for linked in matched)
    assert "Privacy-preserving" in private and f"{COST['encoded']:.3f} encoded" in private
    assert "Privacy-preserving" not in clear


def test_the_cost_stated_is_the_cost_measured():
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"]
    (row,) = [row for row in rows if row["work"] == COST["work"] and row["figure"] == "F1"]
    assert (row["ours"], row["peer"]) == (COST["encoded"], COST["clear"])


def test_the_page_on_encodings_states_what_was_measured():
    page = (ROOT / "docs" / "linkage-encodings.md").read_text("utf-8")
    rows = json.loads(RESULTS.read_text("utf-8"))["rows"]
    measured = {row["figure"]: row for row in rows if row["work"] == COST["work"]}
    for figure in ("F1", "precision", "recall"):
        row = measured[figure]
        assert f"| {figure} | {row['ours']:.3f} | {row['peer']:.3f} |" in page
    attacks = [row for row in rows if row["command"].endswith("ONLY=attack")]
    assert len(attacks) == 4
    for row in attacks:
        for value in (row["ours"], row["peer"]):
            assert value is None or f"{100 * value:.2g} %" in page, row["figure"]


def test_no_value_of_a_person_stands_in_an_encoded_file(files):
    sde = files[0].head(500)
    text = encoded(sde).drop(columns="GenericID").to_csv(sep="\t", index=False).upper()
    fields = {field for line in text.splitlines()[1:] for field in line.split("\t")}
    values = {value.upper() for column in ALL_ROLES.values() if column in sde for value in sde[column] if value}
    assert not fields & values
    assert not [name for name in (*sde["FirstName"], *sde["LastName"]) if len(name) > 3 and name.upper() in text]


def test_names_are_comparable_where_the_salt_agrees_and_noise_elsewhere():
    sibling = ADA | {"GenericID": "SDE-A", "FirstName": "Adah"}
    namesake = ADA | {"GenericID": "SDE-C", "DOB": "19970313"}
    table = of([ADA, sibling, namesake])
    assert likeness(table, "SDE-A", "SDE-B", "ln_dob") == 1
    assert 0.6 < likeness(table, "SDE-A", "SDE-B", "fn_dob") < 1
    assert likeness(table, "SDE-B", "SDE-C", "ln_dob") < 0.5
    assert table.at["SDE-B", "dob_sex"] != table.at["SDE-C", "dob_sex"]


def test_how_often_a_name_occurs_cannot_be_counted(files):
    sde = files[0]
    made = encoded(sde)
    commonest = sde["LastName"].str.upper().value_counts().iloc[0]
    most = made.drop(columns=["GenericID", "dob"]).replace("", None).apply(lambda c: c.value_counts().iloc[0])
    births = sde["DOB"].value_counts().iloc[0]
    assert commonest > 3 * births
    assert most.drop([c for c in most.index if c.startswith("names_")]).max() <= births
    assert most.filter(like="names_").max() <= births


def test_the_weight_of_a_filter_does_not_tell_the_length_of_the_name(files):
    sde = files[0]
    weight = encoded(sde).set_index("GenericID")["ln_dob"].map(lambda bits: int(bits, 16).bit_count())
    length = sde.set_index("GenericID")["LastName"].str.len()
    assert abs(np.corrcoef(weight.reindex(length.index), length)[0, 1]) < 0.1


def test_who_has_two_surnames_is_not_told(files):
    sde = files[0]
    made = encoded(sde)
    assert sde["LastName"].str.contains("[- ]").any()
    assert (made["dob_second"] != "").equals(made["dob_last"] != "")
    assert made["dob_second"].nunique() > 0.98 * len(made)


def test_rows_are_not_in_the_order_of_the_agencys_file(files):
    made = encoded(files[0].sort_values("LastName"))
    assert made["GenericID"].is_monotonic_increasing


@pytest.mark.parametrize("changed", [{"secret": bytes(32)}, {"project": "DR-0035"}])
def test_nothing_is_alike_under_another_secret_or_in_another_project(changed):
    here, there = of([ADA]), of([ADA], **changed)
    assert not set(here.to_numpy().ravel()) & set(there.to_numpy().ravel()) - {""}


def test_other_parameters_have_another_digest_and_another_key():
    one, other = Encoding(), Encoding(draws=48)
    assert one.sha256 != other.sha256
    assert project_key(SECRET, "DR-0034", one) != project_key(SECRET, "DR-0034", other)
    with pytest.raises(ValueError, match="power of two"):
        Encoding(bits=300)


def test_the_check_value_tells_secrets_apart_and_is_no_part_of_the_key():
    keys = [project_key(secret, "DR-0034", Encoding()) for secret in (SECRET, bytes(32))]
    first, second = map(key_check, keys)
    assert first == key_check(keys[0]) != second
    assert first not in keys[0].hex() and first not in SECRET.hex()


def test_an_identifier_that_is_missing_is_missing_in_every_column_made_of_it():
    table = of([ADA | {"DOB": ""}, ADA | {"GenericID": "SDE-A", "Gender": ""}])
    assert set(table.loc["SDE-B"]) == {""}
    empty = {column for column, value in table.loc["SDE-A"].items() if not value}
    assert empty == {"dob_sex"}


def test_three_agencies_are_matched_by_encodings():
    world = synthetic.universe(students=2_000, wage_earners=4_000, college_students=1_600, seed=34)
    tables = {agency: encoded(world.matching(agency)) for agency in ("SDE", "DOL", "CSCU")}
    crosswalk = link_many(tables, roles=MAIN, method=METHOD, encoded=True).crosswalk
    truth = {
        agency: dict(zip(t["generic_id"], t["person"], strict=True)) for agency, t in world.truth.groupby("agency")
    }
    both = crosswalk.dropna(subset=["SDE", "CSCU"])
    right = (both["SDE"].map(truth["SDE"]) == both["CSCU"].map(truth["CSCU"])).sum()
    assert right / len(both) >= 0.97
    assert right / len(set(truth["SDE"].values()) & set(truth["CSCU"].values())) >= 0.9


def test_files_too_small_to_learn_from_are_refused(files):
    sde, dol, _ = files
    with pytest.raises(LinkageRefused, match="no model can be learned") as caught:
        link_pair(encoded(sde.head(200)), encoded(dol.head(200)), roles=MAIN, encoded=True)
    assert findings(caught.value.findings) == [("training", "EM VII.B.1.c")]


def test_an_engine_that_does_not_compare_encodings_is_refused(files):
    spark = Method(engine="spark")
    with pytest.raises(LinkageRefused, match="does not compare encodings"):
        link_pair(*map(encoded, (each.head(50) for each in files[:2])), roles=MAIN, method=spark, encoded=True)


def test_pairs_of_encodings_are_not_shown_to_reviewers(tmp_path):
    (tmp_path / "inputs").mkdir()
    for agency in ("SDE", "DOL"):
        encoded(pd.DataFrame([ADA])).to_parquet(tmp_path / "inputs" / f"{agency}.parquet")
    order = {"job": "M-1", "project": "DR-0034", "agencies": ["SDE", "DOL"], "id_column": "GenericID", "roles": MAIN}
    (tmp_path / "job.json").write_text(json.dumps(order | {"encoded": True}))
    with pytest.raises(LinkageRefused, match="hold encodings"):
        repeat_match(jobs.read_job(str(tmp_path)))


def findings(found: Iterable[object]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.clause) for finding in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["in the clear", "encoded"])
def test_columns_that_a_rule_compares_are_coded_by_one_list_of_values(files, kind):
    """Small files try the loose rules only: what the strict ones compare crosswise is seen at a million."""
    given = [encoded(each).reset_index() if kind == "encoded" else each for each in files[:2]]
    roles, take = (MAIN, read_encoded) if kind == "encoded" else (ALL_ROLES, standardise)
    left, right = (take(file, {role: column for role, column in roles.items() if column in file}) for file in given)
    share_vocabularies(left, right, ALIKE)
    columns = left.filled() & right.filled()
    keys = {key for rule in RULES if rule.held_in(columns) for key in rule.keys} - {
        ("ssn", "ssn"),
        ("sasid", "sasid"),
    }
    assert any(one != other for one, other in keys)
    for one, other in keys:
        assert left.frame[one].cat.categories.equals(right.frame[other].cat.categories), (one, other)
