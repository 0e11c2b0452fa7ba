"""Whose rows are cut: the schools, years, grades and cohorts of the request, and nobody else's.

Source: ExA 3.a.
"""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from enclave.agreement import compile_agreement
from enclave.agreement.model import Cohort, School
from enclave.resultant.scope import FALL, GRADE, LAST_FALL, SCHOOL, cohort_filter
from enclave.settings import PACKAGED_POLICIES

POLICY = compile_agreement(PACKAGED_POLICIES, "DR-0034")
ASKED = School(code="CEDAR", name="Cedar", grades=(11, 12), cohorts=(Cohort(starting_fall=2016, starting_grade=9),))


@pytest.mark.parametrize(
    ("school", "fall", "grade", "last", "cut"),
    [
        ("Cedar", 2016, 9, 2017, True),  # begins in the cohort's year and grade
        ("Cedar", 2018, 9, 2018, True),  # "forward": begins later
        ("Cedar", 2015, 9, 2017, False),  # begins too early
        ("Cedar", 2016, 10, 2017, False),  # begins in another grade
        ("Cedar", 2015, 7, 2020, True),  # in grade 12 in the fall of the cross-section
        ("Cedar", 2015, 5, 2020, False),  # in grade 10 in that fall
        ("Cedar", 2015, 8, 2019, False),  # in grade 12, in another fall
        ("Hemlock", 2016, 9, 2020, False),  # at a school nobody asked for
    ],
)
def test_only_the_cohorts_and_grades_asked_for_are_cut(
    school: str, fall: int, grade: int, last: int, cut: bool
) -> None:
    agreement = POLICY.agreement.model_copy(update={"schools": (ASKED,), "cross_section_fall": 2020})
    where, values = cohort_filter(POLICY.model_copy(update={"agreement": agreement}))
    students = pd.DataFrame({SCHOOL: [school], FALL: [str(fall)], GRADE: [str(grade)], LAST_FALL: [str(last)]})
    with duckdb.connect() as connection:
        connection.register("students", students)
        found = connection.execute(f"select count(*) from students where {where}", values).fetchall()
    assert found == [(int(cut),)]
