"""The files err as often as the error model says, and not at all when it says never."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from p20kit import synthetic
from p20kit.synthetic import ErrorModel
from p20kit.synthetic.records import wage_ssns

STUDENTS, EARNERS = 6_000, 30_000


def joined(errors, agency="DOL"):
    """Records of one agency beside the people they are about."""
    world = synthetic.universe(students=STUDENTS, wage_earners=EARNERS, seed=5, errors=errors)
    truth = world.truth[world.truth["agency"] == agency]
    records = world.matching(agency).merge(truth, left_on="GenericID", right_on="generic_id")
    people = world.people.frame().loc[records["person"]].reset_index()
    people["ssn"] = [f"{ssn:09d}" for ssn in world.people.ssn[records["person"]]]
    return pd.concat([records.drop(columns="person"), people], axis=1)


def only(**rates):
    """An error model in which nothing but `rates` goes wrong."""
    return ErrorModel(**{**{each.name: 0.0 for each in fields(ErrorModel)}, **rates})


def upper(column):
    return column.str.upper().str[:20]


def birth_text(frame):
    return frame["birth"].dt.strftime("%Y%m%d")


def test_a_model_without_errors_gives_records_without_errors():
    frame = joined(ErrorModel().scaled(0.0))
    assert (frame["FirstName"] == upper(frame["first_name"])).all()
    assert (frame["DOB"] == birth_text(frame)).all()
    assert (frame["Gender"] == frame["sex"]).all()
    assert (frame["SSN"] == frame["ssn"]).all()


@pytest.mark.parametrize(
    ("errors", "wrong"),
    [
        (only(typo=0.1), lambda frame: frame["FirstName"] != upper(frame["first_name"])),
        (only(first_initial=0.1), lambda frame: frame["FirstName"].str.len() == 1),
        (only(swapped_names=0.1), lambda frame: frame["LastName"] == upper(frame["first_name"])),
        (only(dob_digit=0.1), lambda frame: frame["DOB"] != birth_text(frame)),
        (only(dob_missing=0.1), lambda frame: frame["DOB"] == ""),
        (only(dob_first_of_january=0.1), lambda frame: frame["DOB"].str.endswith("0101")),
        (only(sex_wrong=0.1), lambda frame: frame["Gender"] != frame["sex"]),
        (only(sex_unknown=0.1), lambda frame: frame["Gender"] == "U"),
        (only(ssn_wrong=0.1), lambda frame: frame["SSN"] != frame["ssn"]),
        (only(middle_as_first=0.1), lambda frame: frame["FirstName"] == upper(frame["middle_name"])),
    ],
    ids=lambda case: (
        next((each.name for each in fields(case) if getattr(case, each.name)), "")
        if isinstance(case, ErrorModel)
        else ""
    ),
)
def test_an_error_happens_at_its_rate(errors, wrong):
    frame = joined(errors)
    assert wrong(frame).mean() == pytest.approx(0.1, abs=0.015)


def test_day_and_month_change_places_where_they_can():
    frame = joined(only(dob_day_month=0.2))
    birth = frame["birth"]
    can = (birth.dt.day <= 12) & (birth.dt.day != birth.dt.month)
    swapped = frame["DOB"] == birth.dt.strftime("%Y%d%m")
    assert swapped[can].mean() == pytest.approx(0.2, abs=0.02)
    assert (frame["DOB"] == birth_text(frame))[~can].all()


def test_nicknames_replace_names_that_have_one():
    frame = joined(only(nickname=0.5))
    called_liz = frame.loc[frame["first_name"] == "Elizabeth", "FirstName"]
    assert called_liz.isin(["LIZ", "BETH", "BETSY", "LIZZIE"]).mean() == pytest.approx(0.5, abs=0.15)
    assert set(frame.loc[frame["first_name"] == "Brian", "FirstName"]) == {"BRIAN"}


def test_surnames_change_on_marriage_and_only_womens():
    frame = joined(only(surname_changed=0.5))
    students = frame[frame["role"] == "student"]
    changed = students["married_surname"] != ""
    assert not changed[students["sex"] == "M"].any()
    older = (students["sex"] == "F") & (students["birth"] < "1997-01-01")
    assert 0.25 < changed[older].mean() < 0.45
    assert (students.loc[changed, "LastName"] == upper(students.loc[changed, "married_surname"])).all()


def test_two_surnames_may_lose_one():
    frame = joined(only(second_surname_dropped=0.45))
    two = frame[(frame["second_surname"] != "") & (frame["married_surname"] == "")]
    assert (two["LastName"] == upper(two["surname"])).mean() == pytest.approx(0.45, abs=0.05)


def test_college_records_lack_numbers():
    frame = joined(only(ssn_missing=0.14, sasid_present=0.42, ssn_placeholder=0.02), agency="CSCU")
    assert (frame["SSN"] == "").mean() == pytest.approx(0.14, abs=0.03)
    assert (frame["SASID"] != "").mean() == pytest.approx(0.42, abs=0.04)
    assert (frame["SSN"] == "999999999").mean() == pytest.approx(0.017, abs=0.012)


def test_a_wrong_ssn_is_never_that_of_another_record():
    block = np.arange(40_010_001, 40_011_001)
    written = wage_ssns(np.random.default_rng(1), block, only(ssn_wrong=0.5))
    changed = written != np.array([f"{ssn:09d}" for ssn in block])
    assert len(set(written)) == 1_000 and 100 < changed.sum() < 500


def test_the_school_register_is_cleaner_than_the_wage_record():
    def wrong(agency):
        frame = joined(ErrorModel(), agency)
        return (frame["DOB"] != birth_text(frame)).mean()

    assert wrong("SDE") < 0.5 * wrong("DOL")


def test_scaled_multiplies_errors_and_leaves_habits():
    model = ErrorModel()
    assert model.scaled(2).typo == 2 * model.typo
    assert model.scaled(2).middle_initial == model.middle_initial
    assert model.scaled(100).typo == 1.0


def test_what_is_not_a_share_is_refused():
    with pytest.raises(ValueError, match="typo"):
        ErrorModel(typo=1.2)
    with pytest.raises(ValueError, match="is not a share"):
        ErrorModel().scaled(-1)
