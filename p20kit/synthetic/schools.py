"""The schools of DR-0034 and who began in them when.

Source: ExA 3.a; ExA memo.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from p20kit.synthetic.streams import Ints
from p20kit.synthetic.tables import table

LAST_FALL = 2020
JOINED_LATER = 0.06


@dataclass(frozen=True)
class Starts:
    """Where, when and in which grade each student enters the file; sorted by school, fall and grade.

    Attributes
    ----------
    school : ndarray of int64
        Position in `schools.csv`.
    fall, grade : ndarray of int64
    """

    school: Ints
    fall: Ints
    grade: Ints


def cohorts() -> pd.DataFrame:
    """List every cohort of Exhibit A 3.a with its expected size.

    A school that starts in 2018-2019 with grade 10 has the cohorts that began grade 10 in fall 2018, 2019
    and 2020. Where a programme may be entered later, the first year counts every listed grade in full and
    later years a few newcomers. The cross-section of 2020-2021 adds the upper grades no cohort covers.

    Returns
    -------
    DataFrame
        Columns school, fall, grade, size.
    """
    rows = []
    for number, school in enumerate(table("schools").to_dict("records")):
        first, size = int(school["cohort_fall"]), float(school["per_grade"])
        grades = [int(grade) for grade in str(school["cohort_grades"]).split(";")]
        for fall in range(first, LAST_FALL + 1):
            rows.append((number, fall, grades[0], size))
            later = size if fall == first else size * JOINED_LATER
            rows += [(number, fall, grade, later) for grade in grades[1:]]
        covered = {grade + years for grade in grades for years in range(LAST_FALL - first + 1)}
        missing = set(range(int(school["lowest_grade_2020"]), 13)) - covered
        rows += [(number, LAST_FALL, grade, size) for grade in sorted(missing)]
    return pd.DataFrame(rows, columns=["school", "fall", "grade", "size"]).sort_values(
        ["school", "fall", "grade"], ignore_index=True
    )


def enrol(rng: np.random.Generator, students: int) -> Starts:
    """Spread `students` over the cohorts in proportion to their sizes, give or take a few."""
    listed = cohorts()
    size = listed["size"].to_numpy() * rng.lognormal(0, 0.08, len(listed))
    exact = size / size.sum() * students
    counts = np.floor(exact).astype(np.int64)
    short = np.argsort(counts - exact, kind="stable")[: students - int(counts.sum())]
    counts[short] += 1
    school, fall, grade = (
        np.repeat(listed[column].to_numpy(dtype=np.int64), counts) for column in ("school", "fall", "grade")
    )
    return Starts(school, fall, grade)
