"""The people are plausible: families, twins, ages, the 169 towns, the schools, employers and wages."""

import numpy as np
import pandas as pd
import pytest

from p20kit.synthetic.schools import cohorts
from p20kit.synthetic.tables import nicknames, table


def test_connecticut_has_169_towns_in_nine_planning_regions(people):
    towns = table("towns")
    assert len(towns) == towns["town"].nunique() == 169
    assert towns["planning_region"].nunique() == 9 and towns["county"].nunique() == 8
    adults = people[people["role"] == "other"]
    share = adults["town"].value_counts(normalize=True)
    expected = towns.set_index("town")["population"] / towns["population"].sum()
    assert np.abs(share - expected).max() < 0.01
    assert share.head(10).sum() > 0.25


def test_students_are_born_when_their_cohort_was(world, people):
    students = people[people["role"] == "student"]
    starts = world.students.starts
    assert students["birth"].dt.year.between(1992, 2008).all()
    delay = starts.fall - starts.grade - 5 - students["birth"].dt.year
    assert (delay == 0).mean() > 0.85 and delay.between(-1, 2).all()


def test_children_of_a_mother_are_twins_or_ten_months_apart(people):
    children = people[people["role"].isin(["student", "sibling"])].sort_values(["family", "birth"])
    gap = children["birth"].diff().dt.days
    same_family = children["family"] == children["family"].shift()
    same_twins = (children["twin"] == children["twin"].shift()) & (children["twin"] >= 0)
    assert (gap[same_family & ~same_twins] >= 300).all()
    assert (gap[same_family & same_twins] == 0).all()
    assert same_family.mean() > 0.15


def test_twins(people):
    students = people[people["role"] == "student"]
    twins = students[students["twin"] >= 0]
    assert 0.012 < len(twins) / len(students) < 0.018
    for _, pair in twins.groupby("twin"):
        assert len(pair) == 2 and pair["first_name"].nunique() == 2
        assert pair[["birth", "family", "surname", "second_surname", "town", "race"]].nunique().eq(1).all()


def test_no_two_children_of_a_family_have_one_name(people):
    children = people[people["role"].isin(["student", "sibling"])]
    assert not children.duplicated(["family", "first_name"]).any()


def test_parents_are_old_enough_and_give_their_names(people):
    by_role = {role: people[people["role"] == role].set_index("family") for role in ("mother", "father")}
    students = people[people["role"] == "student"]
    for parent in by_role.values():
        years = (students["birth"].to_numpy() - parent.loc[students["family"], "birth"].to_numpy()).astype(
            "timedelta64[D]"
        ).astype(int) / 365.25
        assert years.min() > 16
        assert 25 < np.median(years) < 36
    fathers = by_role["father"].loc[students["family"]]
    assert 0.8 < (students["surname"].to_numpy() == fathers["surname"].to_numpy()).mean() < 0.95


def test_juniors_are_called_like_their_fathers(people):
    fathers = people[people["role"] == "father"].set_index("family")
    juniors = people[people["junior"]]
    father = fathers.loc[juniors["family"]]
    assert len(juniors) > 20 and (juniors["sex"] == "M").all()
    for name in ("first_name", "middle_name", "surname"):
        assert (juniors[name].to_numpy() == father[name].to_numpy()).all()


def test_hispanic_families_often_have_two_surnames(people):
    students = people[people["role"] == "student"]
    two = students["second_surname"] != ""
    assert two[students["race"] == "Hispanic"].mean() > 0.45
    assert two[students["race"] == "White"].mean() < 0.05


def test_given_names_go_with_the_year_of_birth(people):
    older = people[(people["birth"] < "1965-01-01") & (people["sex"] == "F")]["first_name"]
    younger = people[(people["birth"] > "1998-01-01") & (people["sex"] == "F")]["first_name"]
    assert (older == "Linda").mean() > 5 * (younger == "Linda").mean()
    assert (younger == "Emily").mean() > 5 * (older == "Emily").mean()


def test_schools_and_cohorts_are_those_of_the_agreement(written, read):
    listed = cohorts()
    assert listed["school"].nunique() == 14
    names = table("schools")["name"]
    began = listed.groupby(listed["school"].map(names))["fall"].min()
    assert began["Eli Whitney Technical High School"] == 2009
    assert began["Waterbury Career Academy"] == 2013
    frame = read(written.paths["SDE.analytical"])
    assert set(frame["LastReportingSchoolName"]) == set(names)
    manchester = frame[frame["LastReportingSchoolName"] == "Manchester High School"]
    # A few moved there from another school, whose cohort they keep.
    assert manchester["CohortStartGrade"].isin(["10", "11"]).mean() > 0.8
    sizes = frame["LastReportingSchoolName"].value_counts()
    assert sizes.max() > 4 * sizes.min()


def test_the_programme_takes_four_to_twelve_percent(world):
    students = world.students
    share = pd.Series(students.programme).groupby(students.starts.school).mean()
    assert 0.05 < students.programme.mean() < 0.10
    assert share.between(0.02, 0.16).all()


def test_who_is_listed_was_in_the_programme_and_at_school_that_year(world):
    students = world.students
    for rule in ("taking", "completed", "one-course"):
        listed = students.flagged(rule, 2019)
        assert listed.any() and students.programme[listed].all()
        assert (students.starts.fall[listed] <= 2019).all() and (students.last_fall[listed] >= 2019).all()
    assert not (students.flagged("completed", 2019) & students.flagged("completed", 2020)).any()
    with pytest.raises(ValueError, match="unknown rule"):
        students.flagged("attending", 2019)


def test_most_students_who_could_have_graduated_did(world):
    students = world.students
    due = students.starts.fall + 12 - students.starts.grade <= 2020
    assert not students.graduated[~due].any()
    assert 0.8 < students.graduated[due].mean() < 0.95


def test_employers_are_skewed_and_wages_plausible(written, read):
    wages = read(written.paths["DOL.analytical"])
    jobs = wages["EmployerID"].value_counts()
    assert jobs.head(len(jobs) // 10).sum() > 0.4 * len(wages)
    assert wages.groupby("EmployerID")["EmployerNAICS"].nunique().max() == 1
    dollars = wages["QuarterlyWages"].astype(float)
    assert 5_000 < dollars.median() < 14_000 and dollars.min() >= 5
    spring = (wages["WageYear"] + "Q" + wages["WageQuarter"]).value_counts()
    assert spring["2020Q2"] < spring["2020Q1"]
    assert len(wages) / wages["GenericID"].nunique() > 6


def test_nobody_works_before_fifteen(world, people, written, read):
    truth = world.truth[world.truth["agency"] == "DOL"].set_index("generic_id")["person"]
    wages = read(written.paths["DOL.analytical"])
    birth = people["birth"].loc[truth.loc[wages["GenericID"]]].to_numpy()
    month = (wages["WageQuarter"].astype(int) * 3).astype(str).str.zfill(2)
    end = pd.to_datetime(wages["WageYear"] + month + "28", format="%Y%m%d").to_numpy()
    assert ((end - birth).astype("timedelta64[D]").astype(int) / 365.25).min() > 14


def test_nicknames_are_a_short_table_without_the_name_itself():
    for formal, short in nicknames().items():
        assert formal not in short and len(set(short)) == len(short)
