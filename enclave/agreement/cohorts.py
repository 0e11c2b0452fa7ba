"""By which columns the persons asked for are told from others: school, cohort, grade.

Source: ExA 3.a; ExA memo.
"""

from __future__ import annotations

from enclave.agreement.model import Agreement, PartyKind, School
from enclave.errors import Finding

SCHOOL, FALL, GRADE, LAST_FALL = (
    "LastReportingSchoolName",
    "CohortStartFallOfYear",
    "CohortStartGrade",
    "FallOfYear",
)


def without_scope(agreement: Agreement) -> list[Finding]:
    """Find schools of which nobody could be cut, and columns without which nobody could be told from others.

    Source: ExA 3.a.
    """
    findings = [found for school in agreement.schools for found in _of_school(school, agreement.cross_section_fall)]
    first = next(party.code for party in agreement.parties if party.kind is PartyKind.AGENCY)
    sent = {
        name
        for layout in agreement.files
        if (layout.agency, layout.contents) == (first, "analytical")
        for name in layout.elements
    }
    missing = [name for name in _needed(agreement) if name not in sent]
    if missing:
        what = f"whose records are asked for is told by {', '.join(missing)}, which {first} does not send"
        where, mend = f"files.{first}.analytical", "Have it sent, or name no schools."
        findings.append(Finding("scope-column", "ExA 3.a", where, what, mend))
    return findings


def _needed(agreement: Agreement) -> list[str]:
    """Give the columns of the first agency's analytical file that the schools' grades and cohorts are told by."""
    if not agreement.schools:
        return []
    cross_section = any(school.grades for school in agreement.schools)
    return [SCHOOL, FALL, GRADE, *([LAST_FALL] if cross_section else [])]


def _of_school(school: School, fall: int | None) -> list[Finding]:
    where = f"schools.{school.code}"
    if school.grades and fall is None:
        what = "it has grades, and the fall in which they are meant is not said"
        return [Finding("scope-fall", "ExA 3.a", where, what, "Set cross_section_fall.")]
    if not school.grades and not school.cohorts:
        what = "it has neither grades nor cohorts: nobody of it is asked for"
        return [Finding("scope-school", "ExA 3.a", where, what, "Name grades or cohorts, or leave it out.")]
    return []
