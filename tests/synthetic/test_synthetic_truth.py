"""The truth says who is whom, and stays out of the files."""

import numpy as np
import pandas as pd


def test_truth_has_each_record_once(world, written, read):
    truth = world.truth
    assert list(truth.columns) == ["person", "agency", "generic_id"]
    assert truth["generic_id"].is_unique
    assert not truth.duplicated(["person", "agency"]).any()
    for agency, rows in truth.groupby("agency"):
        assert set(rows["generic_id"]) == set(read(written.paths[f"{agency}.matching"])["GenericID"])


def test_truth_file_is_the_truth(world, written):
    assert pd.read_parquet(written.truth).equals(world.truth)


def test_truth_points_at_the_person_described(world, people, written, read):
    for agency in ("SDE", "DOL", "CSCU"):
        frame = read(written.paths[f"{agency}.matching"]).merge(
            world.truth, left_on="GenericID", right_on="generic_id"
        )
        person = people.loc[frame["person"]].reset_index()
        same_birth = frame["DOB"] == person["birth"].dt.strftime("%Y%m%d")
        same_name = frame["FirstName"].str.upper() == person["first_name"].str.upper()
        assert (same_birth | same_name).mean() > 0.99
        assert same_birth.mean() > 0.9 and same_name.mean() > 0.85


def test_share_of_students_with_wages(world):
    agencies = world.truth.groupby("person")["agency"].agg(frozenset)
    students = agencies[agencies.map(lambda held: "SDE" in held)]
    assert 0.55 <= students.map(lambda held: "DOL" in held).mean() <= 0.60


def test_manufacturing_students_more_often_work_in_manufacturing(world, written, read):
    truth = world.truth[world.truth["agency"] == "DOL"].set_index("generic_id")["person"]
    wages = read(written.paths["DOL.analytical"])
    manufacturing = wages["EmployerNAICS"].str[:2].isin(["31", "32", "33"])
    ever = manufacturing.groupby(wages["GenericID"]).any()
    person = truth.loc[ever.index].to_numpy()
    students = person < 8_000
    programme = np.zeros(len(person), dtype=bool)
    programme[students] = world.students.programme[person[students]]
    assert ever[programme].mean() > 1.5 * ever[students & ~programme].mean()
