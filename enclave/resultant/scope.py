"""Whose rows, and which agency's columns for which school.

Source: ExA 3.a (schools, grades, cohorts); ExA memo (no DOL data for two schools).
"""

from __future__ import annotations

from pathlib import Path

from enclave.agreement import Policy
from enclave.agreement.cohorts import FALL, GRADE, LAST_FALL, SCHOOL
from enclave.resultant.delivery import Delivery
from enclave.terms import GENERIC_ID


def cohort_filter(policy: Policy) -> tuple[str, list[str]]:
    """Give the SQL condition and its parameters for the students of ExA 3.a; true where no school is named at all.

    Longitudinal: who begins in a cohort's starting grade in its starting year or a later one ("forward").
    Cross-section: who was enrolled in one of the school's grades in the fall of the cross-section.
    """
    parts, values = [], []
    for school in policy.agreement.schools:
        for cohort in school.cohorts:
            parts.append(f'("{SCHOOL}" = ? and "{FALL}"::bigint >= ? and "{GRADE}"::bigint = ?)')
            values += [school.name, str(cohort.starting_fall), str(cohort.starting_grade)]
        if school.grades and policy.agreement.cross_section_fall:
            grade = f'"{GRADE}"::bigint + "{LAST_FALL}"::bigint - "{FALL}"::bigint'
            marks = ", ".join("?" for _ in school.grades)
            parts.append(f'("{SCHOOL}" = ? and "{LAST_FALL}"::bigint = ? and ({grade}) in ({marks}))')
            values += [school.name, str(policy.agreement.cross_section_fall), *map(str, school.grades)]
    if not parts:
        return ("false" if policy.agreement.schools else "true"), []
    return " or ".join(parts), values


def withheld_schools(policy: Policy, agency: str, first: str, analytical: Path) -> tuple[str, list[str]]:
    """Give the SQL condition that keeps an agency's rows away from schools they were not asked for."""
    names = [s.name for s in policy.agreement.schools if agency in s.withholds]
    if not names:
        return "true", []
    marks = ", ".join("?" for _ in names)
    inner = f"select {GENERIC_ID} from '{analytical}' where \"{SCHOOL}\" in ({marks})"  # noqa: S608
    return f'c."{first}" not in ({inner})', names


def not_asked_for(policy: Policy, delivery: Delivery, records: str) -> list[tuple[str, str]]:
    """Give column and value of the schools of which no such records were asked for: nobody of them has any.

    Source: ExA memo.

    Parameters
    ----------
    records : str
        Table of the records, as delivered.
    """
    names = [school.name for school in policy.agreement.schools if records.upper() in school.withholds]
    tables = [table.name for table in delivery.tables if any(column.name == SCHOOL for column in table.columns)]
    return [(f"{table}.{SCHOOL}", name) for table in tables for name in names]
