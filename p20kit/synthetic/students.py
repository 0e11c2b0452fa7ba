"""School careers of the students: marks of the analytical file, manufacturing programme, graduation."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p20kit.synthetic.people import People
from p20kit.synthetic.schools import LAST_FALL, Starts
from p20kit.synthetic.streams import Bools, Ints, Texts, distinct, stream
from p20kit.synthetic.tables import table

RACE_TEXT = np.array(
    [
        "White",
        "Hispanic/Latino of any race",
        "Black or African American",
        "Asian",
        "Two or More Races",
        "American Indian or Alaska Native",
        "Native Hawaiian or Other Pacific Islander",
    ],
    dtype=object,
)
RACE_FLAGS = {
    # Share of each reporting category (in the order above) with the flag.
    "AmericanIndianOrAlaskaNative": [0, 0.05, 0, 0, 0.2, 1, 0],
    "Asian": [0, 0.01, 0, 1, 0.3, 0, 0],
    "BlackOrAfricanAmerican": [0, 0.14, 1, 0, 0.55, 0, 0],
    "HispanicOrLatino": [0, 1, 0, 0, 0, 0, 0],
    "NativeHawaiianOrOtherPacificIslander": [0, 0.01, 0, 0, 0.05, 0, 1],
    "White": [1, 0.6, 0, 0, 0.85, 0, 0],
}
LUNCH = np.array([0.25, 0.68, 0.6, 0.3, 0.42, 0.45, 0.45])
ENGLISH_LEARNER = np.array([0.015, 0.16, 0.03, 0.1, 0.01, 0.02, 0.05])


@dataclass(frozen=True)
class Students:
    """School careers, one per student in the order of `People`.

    Attributes
    ----------
    starts : Starts
    sasid : ndarray of int64
        Ten digits, distinct.
    last_fall, last_school : ndarray of int64
        Last year and school reported.
    graduated, programme, english_learner, lunch, special : ndarray of bool
    programme_fall, completed_fall : ndarray of int64
        First year in the programme; year in which all its courses were finished (0: none).
    """

    starts: Starts
    sasid: Ints
    last_fall: Ints
    last_school: Ints
    graduated: Bools
    programme: Bools
    programme_fall: Ints
    completed_fall: Ints
    english_learner: Bools
    lunch: Bools
    special: Bools

    def flagged(self, rule: str, fall: int) -> Bools:
        """Return who belongs in a finder table of the memo.

        Parameters
        ----------
        rule : str
            `taking` a course in the year, `completed` all courses in it, or `one-course`: the programme is a
            single course, finished in the year it is begun.
        fall : int
            The school year begins in this year.

        Returns
        -------
        ndarray of bool

        Raises
        ------
        ValueError
            If `rule` is none of the three.
        """
        enrolled = (self.starts.fall <= fall) & (fall <= self.last_fall)
        match rule:
            case "taking":
                listed = self.programme & (self.programme_fall <= fall)
            case "completed":
                listed = self.completed_fall == fall
            case "one-course":
                listed = self.programme_fall == fall
            case _:
                raise ValueError(f"unknown rule {rule} of a finder table: use taking, completed or one-course")
        return np.asarray(enrolled & listed)


def careers(seed: int, people: People, starts: Starts) -> Students:
    """Draw the school careers of the students."""
    rng = stream(seed, "careers")
    size = len(starts.school)
    race, female = people.race[:size], people.female[:size] == 1
    lunch = rng.random(size) < LUNCH[race]
    learner = rng.random(size) < ENGLISH_LEARNER[race]
    special = rng.random(size) < np.where(female, 0.11, 0.19)
    schools = table("schools")
    share = schools["programme"].to_numpy()[starts.school] / 100
    women = schools["female_share"].to_numpy()[starts.school] / 100
    programme = rng.random(size) < share * np.where(female, women / 0.49, (1 - women) / 0.51)
    finish = starts.fall + 12 - starts.grade
    staying = 0.955 - 0.06 * lunch - 0.09 * learner - 0.07 * special + 0.03 * programme
    stays = rng.random(size) < staying
    latest = np.minimum(finish, LAST_FALL)
    left = starts.fall + (rng.random(size) * (latest - starts.fall + 1)).astype(np.int64)
    last_fall = np.where(stays, latest, left)
    begins = starts.fall + np.array([0, 0, 0, 1, 1, 2])[rng.integers(0, 6, size)]
    begins = np.minimum(begins, last_fall)
    completes = finish - (rng.random(size) < 0.3)
    done = programme & (rng.random(size) < 0.8) & (completes >= begins) & (completes <= last_fall)
    moved = rng.random(size) < 0.04
    return Students(
        starts=starts,
        sasid=distinct(rng, 1_000_000_000, 10_000_000_000, size),
        last_fall=last_fall,
        last_school=np.where(moved, rng.integers(0, len(schools), size), starts.school),
        graduated=stays & (finish <= LAST_FALL),
        programme=programme,
        programme_fall=np.where(programme, begins, 0),
        completed_fall=np.where(done, completes, 0),
        english_learner=learner,
        lunch=lunch,
        special=special,
    )


def analytical(seed: int, people: People, students: Students, register: pd.DataFrame) -> pd.DataFrame:
    """Write SDE's analytical file, one row per student, without the generic identifier.

    Parameters
    ----------
    register : DataFrame
        The matching file in the same order: year of birth and gender are those SDE holds.

    Returns
    -------
    DataFrame
        Text; booleans Y or N (a student still enrolled in 2020-2021 has not graduated: N); the year of the
        assessment is empty where the student had not reached grade 11.
    """
    rng = stream(seed, "analytical")
    race = people.race[: len(students.sasid)]
    schools, starts = table("schools"), students.starts
    school = schools["name"].to_numpy(dtype=object)
    flags = {name: rng.random(len(race)) < np.array(share)[race] for name, share in RACE_FLAGS.items()}
    flags["BlackOrAfricanAmerican"] |= (race == 4) & (sum(flags.values()) < 2)
    flags["White"] |= (race == 4) & (sum(flags.values()) < 2)
    administered = starts.fall + 11 - starts.grade
    tested = (administered <= students.last_fall) & (rng.random(len(race)) < 0.96)
    return pd.DataFrame(
        {
            "AmericanIndianOrAlaskaNative": _yes(flags["AmericanIndianOrAlaskaNative"]),
            "Asian": _yes(flags["Asian"]),
            "BirthYear": register["DOB"].str[:4].to_numpy(dtype=object),
            "BlackOrAfricanAmerican": _yes(flags["BlackOrAfricanAmerican"]),
            "ELL": _yes(students.english_learner),
            "FreeReducedLunchEligible": _yes(students.lunch),
            "Gender": register["Gender"].to_numpy(dtype=object),
            "HispanicOrLatino": _yes(flags["HispanicOrLatino"]),
            "IsExitTypeGraduated": _yes(students.graduated),
            "LastReportingDistrictName": schools["district"].to_numpy(dtype=object)[students.last_school],
            "NativeHawaiianOrOtherPacificIslander": _yes(flags["NativeHawaiianOrOtherPacificIslander"]),
            "RaceEthnicityReportingText": RACE_TEXT[race],
            "SpecialEd": _yes(students.special),
            "White": _yes(flags["White"]),
            "FallOfYear": _year(students.last_fall),
            "SIFYear": _year(students.last_fall + 1),
            "Administered_FallOfYear": _year(np.where(tested, administered, 0)),
            "Administered_SIFYear": _year(np.where(tested, administered + 1, 0)),
            "LastReportingSchoolName": school[students.last_school],
            "CohortStartFallOfYear": _year(starts.fall),
            "CohortStartGrade": _year(starts.grade),
        }
    )


def _yes(flag: Bools) -> Texts:
    return np.where(flag, "Y", "N").astype(object)


def _year(number: Ints) -> Texts:
    text = number.astype(str).astype(object)
    text[number == 0] = ""
    return np.asarray(text, dtype=object)
