"""Who is asked by other terms for more elements, more persons or another purpose confirms anew; nobody else does.

Source: EM XI.B.1; DSA VII; ExA 3.a; ExA 3.b; ExA elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from enclave import agreement, board
from enclave.agreement import Agreement, Policy
from enclave.board import MotionKind, State
from enclave.errors import Refused
from tests.parties import NEWCOMER, packaged, with_newcomer
from tests.unit.office import DR, NO, PARTIES, Office, signed

__all__ = ["signed"]

Change = Callable[[Agreement], Agreement]
ELEMENTS, PERSONS, PURPOSE = "more elements", "more persons", "another purpose"
BOTH = ("SDE", "DOL")


def also(field: str, *more: object, **named: object) -> Change:
    """Give a change of the agreement: something added to a list, or put in the place of another."""
    return lambda known: known.model_copy(update={field: (*getattr(known, field), *more), **named})


def put(**change: object) -> Change:
    return lambda known: known.model_copy(update=change)


def of_first(field: str, change: Callable[[Any], object]) -> Change:
    """Give a change of the first school, which has grades 10 to 12 and a cohort of 2018 in grade 10."""

    def changed(known: Agreement) -> Agreement:
        first, *others = known.schools
        new = first.model_copy(update={field: change(getattr(first, field))})
        return known.model_copy(update={"schools": (new, *others)})

    return changed


def of_element(agency: str, name: str, **change: object) -> Change:
    def changed(known: Agreement) -> Agreement:
        elements = tuple(
            each.model_copy(update=change if each.name == name else {}) for each in known.elements[agency]
        )
        return known.model_copy(update={"elements": {**known.elements, agency: elements}})

    return changed


def of_question(id: str, text: str) -> Change:
    def changed(known: Agreement) -> Agreement:
        asked = (each.model_copy(update={"text": text} if each.id == id else {}) for each in known.questions)
        return known.model_copy(update={"questions": tuple(asked)})

    return changed


def begin(fall: int, grade: int = 10) -> Callable[[Any], object]:
    return lambda known: (known[0].model_copy(update={"starting_fall": fall, "starting_grade": grade}),)


def school(*withheld: str) -> Change:
    def changed(known: Agreement) -> Agreement:
        new = known.schools[0].model_copy(
            update={"code": "LEA-CEDAR", "name": "Cedar High School", "withholds": withheld}
        )
        return known.model_copy(update={"schools": (*known.schools, new)})

    return changed


def without_element(known: Agreement) -> Agreement:
    left = tuple(element for element in known.elements["SDE"] if element.name != "SpecialEd")
    return known.model_copy(update={"elements": {**known.elements, "SDE": left}})


def encoded(known: Agreement) -> Agreement:
    files = (f.model_copy(update={"encoded": (f.agency, f.contents) == ("DOL", "matching")}) for f in known.files)
    return known.model_copy(update={"files": tuple(files)})


def new_question(known: Agreement) -> Agreement:
    question = known.questions[0].model_copy(update={"id": "RQ9", "text": "Who moves to another state?"})
    return known.model_copy(update={"questions": (*known.questions, question)})


def for_question(agency: str, name: str, *ids: str) -> Change:
    return of_element(agency, name, questions=ids)


def with_change(change: Change) -> Policy:
    policy = packaged(DR)
    return Policy(
        agreement=change(policy.agreement), cells=policy.cells, columns=policy.columns, retention=policy.retention
    )


def more(before: Policy, after: Policy) -> dict[str, list[str]]:
    """Give what each agency is asked for anew."""
    asked = {agency: list(agreement.asked_anew(before, after, agency)) for agency in after.agencies}
    return {agency: what for agency, what in asked.items() if what}


def each(agencies: tuple[str, ...], what: str) -> dict[str, list[str]]:
    return {agency: [what] for agency in agencies}


NOBODY: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("change", "what", "who", "back"),
    [
        pytest.param(put(title="And after"), "", NOBODY, NOBODY, id="another title"),
        pytest.param(put(reports=()), "", NOBODY, NOBODY, id="no report"),
        pytest.param(put(purpose="To grade teachers."), PURPOSE, BOTH, BOTH, id="another purpose"),
        pytest.param(of_question("RQ6A", "Who earns most?"), PURPOSE, ("DOL",), ("DOL",), id="a question of DOL's"),
        pytest.param(of_question("RQ3A", "Who leaves?"), PURPOSE, ("SDE",), ("SDE",), id="a question of SDE's"),
        pytest.param(new_question, PURPOSE, BOTH, NOBODY, id="a question that no element is for"),
        pytest.param(
            for_question("DOL", "EmployerID", "RQ6", "RQ6B"), PURPOSE, ("DOL",), NOBODY, id="an element for one more"
        ),
        pytest.param(of_element("SDE", "BirthYear", links_as="dob"), PURPOSE, ("SDE",), NOBODY, id="to match by it"),
        pytest.param(school(), PERSONS, BOTH, NOBODY, id="a school"),
        pytest.param(school("DOL"), PERSONS, ("SDE",), NOBODY, id="a school of which DOL is asked for nobody"),
        pytest.param(put(schools=(), cross_section_fall=None), PERSONS, BOTH, NOBODY, id="everybody"),
        pytest.param(of_first("grades", lambda known: (9, *known)), PERSONS, BOTH, NOBODY, id="a grade"),
        pytest.param(of_first("cohorts", begin(2016)), PERSONS, BOTH, NOBODY, id="two years more"),
        pytest.param(of_first("cohorts", begin(2018, 9)), PERSONS, BOTH, BOTH, id="another grade"),
        pytest.param(of_first("name", lambda known: f"New {known}"), PERSONS, BOTH, BOTH, id="another school"),
        pytest.param(of_first("finder", lambda known: known[:1]), "", NOBODY, NOBODY, id="fewer lists of a school"),
        pytest.param(put(cross_section_fall=2021), PERSONS, BOTH, BOTH, id="another fall"),
        pytest.param(of_first("withholds", lambda _: ("DOL",)), PERSONS, NOBODY, ("DOL",), id="fewer of DOL's"),
        pytest.param(without_element, ELEMENTS, NOBODY, ("SDE",), id="an element less"),
        pytest.param(of_element("SDE", "SASID", matching=False), ELEMENTS, ("SDE",), NOBODY, id="given out"),
        pytest.param(of_element("SDE", "Gender", codes=("M", "F")), ELEMENTS, NOBODY, ("SDE",), id="a code less"),
        pytest.param(of_element("SDE", "Gender", codes=()), ELEMENTS, ("SDE",), NOBODY, id="any code"),
        pytest.param(of_element("DOL", "WageYear", pattern=""), ELEMENTS, ("DOL",), NOBODY, id="any year"),
        pytest.param(of_element("DOL", "WageYear", pattern=r"202\d"), ELEMENTS, ("DOL",), ("DOL",), id="a pattern"),
        pytest.param(of_element("SDE", "White", definition="X."), ELEMENTS, ("SDE",), ("SDE",), id="a definition"),
        pytest.param(of_element("SDE", "White", standard=None, sensitive=False, assumed="So."), "", NOBODY, NOBODY,
                     id="what is said of an element"),
        pytest.param(encoded, ELEMENTS, NOBODY, ("DOL",), id="encodings and not names"),
    ],
)  # fmt: skip
def test_what_an_agency_is_asked_for_anew(
    change: Change, what: str, who: tuple[str, ...], back: tuple[str, ...]
) -> None:
    now, then = packaged(DR), with_change(change)
    assert then.hash != now.hash
    assert more(now, then) == each(who, what)
    assert more(then, now) == each(back, what)
    assert more(now, now) == more(then, then) == {}


def test_of_several_changes_each_is_told_and_who_is_asked_for_no_element_is_asked_for_nothing() -> None:
    changes = [school("DOL"), put(purpose="To grade teachers."), of_element("SDE", "SASID", matching=False)]
    now, then = packaged(DR), with_change(lambda known: changes[2](changes[1](changes[0](known))))
    assert more(now, then) == {"SDE": [ELEMENTS, PERSONS, PURPOSE], "DOL": [PURPOSE]}
    assert more(now, with_newcomer(now)) == {}
    newcomer = with_newcomer(now)
    asked = {**now.agreement.elements, NEWCOMER: now.agreement.elements["DOL"]}
    with_elements = with_change(lambda _: newcomer.agreement.model_copy(update={"elements": asked}))
    assert more(newcomer, with_elements) == {NEWCOMER: [ELEMENTS]}


def ask(office: Office, change: Change) -> board.Motion:
    with office.store.transaction() as tx:
        return board.amend(tx, office.may(tx, "WESTED"), with_change(change), "A wider study.")


def confirming(office: Office) -> dict[str, tuple[str, ...]]:
    with office.store.view() as view:
        return board.confirming(view, board.motions(view, DR)[-1])


@pytest.mark.parametrize(
    ("change", "what"), [(school("DOL"), PERSONS), (of_question("RQ3A", "Who leaves?"), PURPOSE)]
)
def test_who_is_asked_for_more_confirms_before_it_agrees_and_who_is_not_agrees_at_once(
    signed: Office, change: Change, what: str
) -> None:
    motion = ask(signed, change)
    assert motion.available == {} and confirming(signed) == {"SDE": (what,)}
    entry = signed.last("board.ask")["details"]
    assert isinstance(entry, dict)
    assert (entry["asked"], entry["confirming"]) == (list(PARTIES), ["SDE"])
    for party in PARTIES[1:]:
        assert signed.answer(party, MotionKind.MODIFICATION) is State.OPEN
    with pytest.raises(Refused, match=rf"SDE is asked for {what}, and has not confirmed .*EM XI.B.1.*available"):
        signed.answer("SDE", MotionKind.MODIFICATION)
    with signed.store.transaction() as tx:
        board.confirm_available(tx, signed.may(tx, "SDE"))
    assert signed.last("board.available")["details"] == {"agency": "SDE", "asked": [what]}
    assert confirming(signed) == {}
    assert signed.answer("SDE", MotionKind.MODIFICATION) is State.CARRIED


def test_who_will_not_give_more_confirms_nothing(signed: Office) -> None:
    ask(signed, school())
    assert signed.answer("SDE", MotionKind.MODIFICATION, NO, "Not of that school.") is State.DECLINED
    assert confirming(signed) == {}


def test_what_was_confirmed_of_a_narrower_study_does_not_hold_for_a_wider_one(signed: Office) -> None:
    for change, who in ((school(), BOTH), (put(schools=()), BOTH), (put(title="And after", schools=()), ())):
        motion = ask(signed, change)
        assert {*confirming(signed)} == {*who}
        for party in PARTIES:
            if party in who:
                with signed.store.transaction() as tx:
                    board.confirm_available(tx, signed.may(tx, party))
            state = signed.answer(party, MotionKind.MODIFICATION)
        assert state is State.CARRIED and motion.policy is not None
        assert signed.known.policy.hash == motion.policy.hash
