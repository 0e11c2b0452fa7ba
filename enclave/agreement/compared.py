"""What one policy asks for and another does not: of persons, and of one agency elements, persons and purposes.

Source: DSA VII; EM XI.B.1; ExA 3.a; ExA 3.b; ExA elements.
"""

from __future__ import annotations

from collections.abc import Collection

from enclave.agreement.model import Cohort, Element
from enclave.agreement.policy import Policy

ELEMENTS, PERSONS, PURPOSE = "more elements", "more persons", "another purpose"


def persons_taken_away(before: Policy, after: Policy, agency: str = "") -> bool:
    """Tell whether a policy asks for fewer persons than another, or for less of some: by school, grade and cohort.

    Source: DSA VII; ExA 3.a; ExA memo.

    Parameters
    ----------
    agency : str
        Only whose records it is asked for count; all agencies' where none is named.
    """
    old, new = before.agreement, after.agreement
    if not new.schools:
        return False  # everybody is asked for
    now = {school.name: school for school in new.schools if agency not in school.withholds}
    return not old.schools or any(
        school.name not in now
        or not all(_begins(cohort, now[school.name].cohorts) for cohort in school.cohorts)
        or {*school.grades} - {*now[school.name].grades}
        or (not agency and {*now[school.name].withholds} - {*school.withholds})
        or (school.grades and old.cross_section_fall != new.cross_section_fall)
        for school in old.schools
        if agency not in school.withholds
    )


def asked_anew(before: Policy, after: Policy, agency: str) -> tuple[str, ...]:
    """Give what a policy asks of an agency and another did not; empty where it asks for nothing new.

    More elements: one not asked for before, or kept from the Data Recipient, or encoded; or one that is defined in
    other words or may have other values. More persons: of a school, a grade or a cohort, or of a year before. Another
    purpose: in other words, or a question, or the matching, that an element was not for. Other words are taken for
    another meaning.

    Source: EM XI.B.1; ExA 3.a; ExA 3.b; ExA elements.
    """
    if not after.agreement.elements.get(agency):
        return ()
    news = {
        ELEMENTS: _more_elements(before, after, agency),
        PERSONS: persons_taken_away(after, before, agency),
        PURPOSE: before.agreement.purpose != after.agreement.purpose or _more_purposes(before, after, agency),
    }
    return tuple(what for what, new in news.items() if new)


def _begins(cohort: Cohort, among: Collection[Cohort]) -> bool:
    """Tell whether who begins in a cohort's grade, in its fall or later, begins in one of others."""
    return any(
        each.starting_grade == cohort.starting_grade and each.starting_fall <= cohort.starting_fall for each in among
    )


def _more_elements(before: Policy, after: Policy, agency: str) -> bool:
    if _asked(after, agency) - _asked(before, agency):
        return True
    known = {element.name: element for element in before.agreement.elements.get(agency, ())}
    return any(_other(known[element.name], element) for element in after.agreement.elements[agency])


def _asked(policy: Policy, agency: str) -> frozenset[tuple[str, str]]:
    """Give an agency's elements, which of them the Data Recipient has, and which the hub has as they are."""
    asked = policy.agreement.elements.get(agency, ())
    sent = {
        name
        for file in policy.agreement.files
        if file.agency == agency and not file.encoded
        for name in file.elements
    }
    return frozenset(
        (element.name, how)
        for element in asked
        for how, holds in {"": True, "given": not element.matching, "plain": element.name in sent}.items()
        if holds
    )


def _other(old: Element, new: Element) -> bool:
    """Tell whether an element is defined in other words, or may have values that it might not."""
    return (
        old.definition != new.definition
        or (old.pattern not in ("", new.pattern))
        or bool(old.codes and (not new.codes or {*new.codes} - {*old.codes}))
    )


def _more_purposes(before: Policy, after: Policy, agency: str) -> bool:
    """Tell whether an element of both is for a question, or for the matching, that it was not for.

    A new question that no element is for could be answered with any.
    """
    known = {element.name for element in before.agreement.elements.get(agency, ())}
    uses = {use for use in _uses(after, agency) if use[0] in known}
    cited = {id for asked in after.agreement.elements.values() for element in asked for id in element.questions}
    old = {question.text for question in before.agreement.questions}
    new = {question.text for question in after.agreement.questions if question.id not in cited}
    return bool(uses - _uses(before, agency) or new - old)


def _uses(policy: Policy, agency: str) -> frozenset[tuple[str, str]]:
    """Give an agency's elements, each with the words of what it is for."""
    words = {question.id: question.text for question in policy.agreement.questions}
    asked = policy.agreement.elements.get(agency, ())
    linked = {(element.name, element.links_as) for element in asked if element.links_as}
    return frozenset(linked | {(element.name, words[id]) for element in asked for id in element.questions})
