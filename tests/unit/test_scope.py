"""Whose rows are cut: the schools, years, grades and cohorts of the request, and nobody else's.

Source: ExA 3.a.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from enclave.agreement import compile_agreement
from enclave.agreement.cohorts import FALL, GRADE, LAST_FALL, SCHOOL
from enclave.agreement.model import Cohort, School
from enclave.errors import Invalid
from enclave.resultant.scope import cohort_filter
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
    assert cut_of((ASKED,), school, fall, grade, last) == int(cut)


def cut_of(
    schools: tuple[School, ...], school: str, fall: int, grade: int, last: int, of: int | None = 2020
) -> int:  # fmt: skip
    """Count who is cut of one student."""
    agreement = POLICY.agreement.model_copy(update={"schools": schools, "cross_section_fall": of})
    where, values = cohort_filter(POLICY.model_copy(update={"agreement": agreement}))
    students = pd.DataFrame({SCHOOL: [school], FALL: [str(fall)], GRADE: [str(grade)], LAST_FALL: [str(last)]})
    with duckdb.connect() as connection:
        connection.register("students", students)
        found = connection.execute(f"select count(*) from students where {where}", values).fetchall()
    return int(found[0][0])


def test_where_schools_are_named_and_nothing_is_asked_of_them_nobody_is_cut() -> None:
    student = ("Cedar", 2016, 9, 2020)
    bare = ASKED.model_copy(update={"grades": (), "cohorts": ()})
    assert [cut_of(schools, *student) for schools in ((), (ASKED,), (bare,))] == [1, 1, 0]
    without_cohorts = ASKED.model_copy(update={"cohorts": ()})
    assert cut_of((without_cohorts,), *student, of=None) == 0


@pytest.mark.parametrize("name", [SCHOOL, FALL, GRADE, LAST_FALL])
def test_the_columns_by_which_persons_are_told_are_asked_for_and_not_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        POLICY.without({"SDE": (name,)})
    (finding,) = caught.value.findings
    assert (finding.rule, finding.clause) == ("scope-column", "ExA 3.a") and name in finding.what


def test_a_school_of_which_nobody_could_be_cut_does_not_compile(tmp_path: Path) -> None:
    shutil.copytree(PACKAGED_POLICIES, tmp_path / "policies")
    path = tmp_path / "policies" / "agreements" / "DR-0034.yaml"
    whole = yaml.safe_load(path.read_text("utf-8"))

    def rules(**changed: object) -> list[str]:
        path.write_text(yaml.safe_dump(whole | changed), "utf-8")
        with pytest.raises(Invalid) as caught:
            compile_agreement(tmp_path / "policies", "DR-0034")
        return [finding.rule for finding in caught.value.findings]

    first, *others = whole["schools"]
    with_grades = sum("grades" in school and bool(school["grades"]) for school in whole["schools"])
    assert rules(cross_section_fall=None) == ["scope-fall"] * with_grades
    assert rules(schools=[first | {"grades": [], "cohorts": []}, *others]) == ["scope-school"]
    files = [
        layout | {"elements": [name for name in layout["elements"] if name != SCHOOL]} for layout in whole["files"]
    ]
    assert rules(files=files) == ["scope-column"]
