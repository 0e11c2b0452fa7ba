"""Files that are wrong: refused with clause and next step, or matched for what they are worth."""

import json
from pathlib import Path

import pandas as pd
import pytest

from p20kit.linkage import LinkageRefused, Method, RoleError, find_duplicates, link_pair
from p20kit.linkage import job as jobs
from p20kit.linkage.engine import score_files
from p20kit.linkage.standardise import standardise
from tests.linkage.agencies import STATE_ROLES, students_and_wage_earners

Files = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return students_and_wage_earners(tmp_path_factory.mktemp("agencies"), 500, 1_200)


def refusal(left: pd.DataFrame, right: pd.DataFrame) -> str:
    with pytest.raises(LinkageRefused) as refused:
        link_pair(left, right, roles=STATE_ROLES)
    assert all(finding.clause and finding.next for finding in refused.value.findings)
    text = str(refused.value)
    for column in ("FirstName", "LastName", "DOB", "GenericID"):
        assert not set(text.split()) & set(left.get(column, pd.Series(dtype=str)).loc[lambda v: v.str.len() > 3])
    return text


def found(left: pd.DataFrame, right: pd.DataFrame, truth: pd.DataFrame) -> float:
    links = link_pair(left, right, roles=STATE_ROLES, method=Method(threshold=0.5)).links
    right_ones = len(links.merge(truth, on=["left_id", "right_id"]))
    return 2 * right_ones / (len(links) + len(truth))


def test_an_empty_file(files):
    text = refusal(files[0], files[1].iloc[:0])
    assert "the file of DOL: holds no record (EM XII)" in text


def test_a_generic_identifier_that_stands_twice_or_is_missing(files):
    sde, dol, _ = files
    wrong = pd.concat([sde, sde.iloc[:2], sde.iloc[2:3].assign(GenericID="")])
    text = refusal(wrong, dol.drop(columns="GenericID"))
    assert "GenericID of SDE: 1 missing, 2 repeated (EM XII.A)" in text
    assert "the file of DOL: has no column GenericID (EM XII.B)" in text, "both files are spoken of at once"


def test_one_file_twice(files):
    sde = files[0]
    assert "share 500 generic identifiers (EM XII.B)" in refusal(sde, sde)
    assert "hold the same records (EM XII)" in refusal(
        sde, sde.sample(frac=1, random_state=1).assign(GenericID="DOL" + sde["GenericID"].str[3:])
    )


def test_thirty_per_cent_duplicates(files):
    sde, dol, _ = files
    twice = pd.concat(
        [sde, sde.sample(frac=0.3, random_state=1).assign(GenericID=lambda f: f["GenericID"] + "-again")]
    )
    text = refusal(twice, dol)
    assert "of 650 records repeat another in names and date of birth (EM XII.A)" in text
    clusters = find_duplicates(twice, roles=STATE_ROLES).clusters
    of = clusters.set_index("GenericID")["cluster"]
    copies = [name for name in of.index if name.endswith("-again")]
    assert sum(of[name] == of[name.removesuffix("-again")] for name in copies) >= 0.97 * len(copies)


def test_a_column_of_nulls_or_of_one_number_is_no_evidence(files):
    sde, dol, truth = files
    usual = found(sde, dol, truth)
    for number in ("", "041234567", "999999999", None):
        assert found(sde.assign(SSN=number), dol.assign(SSN=number), truth) == pytest.approx(usual, abs=0.01)


def test_all_that_tells_persons_apart_is_missing(files):
    sde, dol, _ = files
    with pytest.raises(RoleError, match="needs first_name, last_name and one of dob, ssn, sasid"):
        link_pair(sde.drop(columns="DOB"), dol, roles=STATE_ROLES)
    text = refusal(sde, dol.assign(DOB="", FirstName="", LastName=""))
    assert "share no value of the identifiers" in text


def test_names_in_other_scripts_are_matched(files):
    sde, dol, truth = files
    names = [("Иван", "Петров"), ("小明", "王"), ("Γιώργος", "Παπαδόπουλος"), ("محمد", "الحسن")]
    here, there = sde.copy(), dol.copy()
    for i, (first, last) in enumerate(names):
        pair = truth.iloc[i]
        here.loc[here["GenericID"] == pair["left_id"], ["FirstName", "LastName", "DOB"]] = [
            first,
            last,
            f"1999010{i + 1}",
        ]
        there.loc[there["GenericID"] == pair["right_id"], ["FirstName", "LastName", "DOB"]] = [
            first.upper(), last.upper(), f"1999010{i + 1}",
        ]  # fmt: skip
    links = link_pair(here, there, roles=STATE_ROLES, method=Method(threshold=0.5)).links
    assert len(links.merge(truth.iloc[: len(names)], on=["left_id", "right_id"])) == len(names)


def test_dates_of_three_formats_are_one(files):
    sde, dol, truth = files
    when = dol["DOB"]
    american = when.str[4:6] + "/" + when.str[6:] + "/" + when.str[:4]
    dashed = when.str[:4] + "-" + when.str[4:6] + "-" + when.str[6:]
    mixed = when.where(dol.index % 3 > 0, american).where(dol.index % 3 < 2, dashed).where(when != "", "")
    assert found(sde, dol.assign(DOB=mixed), truth) == pytest.approx(found(sde, dol, truth))
    assert "are in no format that is read (EM XII)" in refusal(sde, dol.assign(DOB=when.str[2:]))


def test_a_blocking_rule_that_explodes_is_predicted_and_refused_with_the_number(files):
    roles = {"first_name": "FirstName", "last_name": "LastName", "dob": "DOB"}
    sides = [
        standardise(pd.concat([file] * 6).assign(FirstName="Ana", LastName="Rios", DOB="20010101"), roles)
        for file in files[:2]
    ]
    with pytest.raises(LinkageRefused, match=r"would compare 21,600,000 pairs \(EM VII.B.1.c\)"):
        score_files(*sides, seed=1, max_pairs=10_000, threads=1)


@pytest.fixture
def order(files: Files, tmp_path: Path) -> Path:
    (tmp_path / "inputs").mkdir()
    for name, table in zip(("SDE", "DOL"), files, strict=False):
        table.to_parquet(tmp_path / "inputs" / f"{name}.parquet")
    written = {"job": "M-1", "project": "DR-TEST", "left": "SDE", "right": "DOL", "id_column": "GenericID"}
    (tmp_path / "job.json").write_text(json.dumps(written | {"roles": STATE_ROLES}))
    return tmp_path


def test_a_file_that_changes_during_the_run(order):
    job = jobs.read_job(str(order))
    linked = link_pair(job.left, job.right, roles=job.roles)
    job.right.iloc[:-1].to_parquet(order / "inputs" / "DOL.parquet")
    with pytest.raises(LinkageRefused, match=r"inputs/DOL.parquet: changed .* \(EM XII\)"):
        jobs.write_result(job, linked)
    assert not (order / "out").exists()


def test_an_interrupted_run_starts_clean(order):
    job = jobs.read_job(str(order))
    jobs.write_result(job, link_pair(job.left, job.right, roles=job.roles))
    (order / "out" / "links.parquet.unfinished").write_bytes(b"half")
    jobs.read_job(str(order))
    assert list((order / "out").iterdir()) == []


def test_a_full_disk_keeps_nothing(order):
    job = jobs.read_job(str(order))
    linked = link_pair(job.left, job.right, roles=job.roles)
    (order / "out").mkdir()
    (order / "out" / "report.json.unfinished").symlink_to("/dev/full")
    with pytest.raises(LinkageRefused, match=r"No space left on device \(DSA VI.B\). Make room"):
        jobs.write_result(job, linked)
    assert list((order / "out").iterdir()) == []
