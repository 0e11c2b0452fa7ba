"""Later ends, other terms, notices: each holds once everybody who must has agreed in writing.

Source: EM VIII; EM XI.B; EM XI.B.1; DSA VI.H; DSA VII; DSA XI.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from enclave import agreement, board, people
from enclave.agreement import Policy, Signature, compile_agreement, policy_of
from enclave.board import MotionKind, State
from enclave.destruction import due
from enclave.errors import Refused
from enclave.people import Listing, Person
from enclave.settings import PACKAGED_POLICIES
from enclave.terms import Action, Role
from tests.parties import (
    NEWCOMER,
    SIGNED,
    ask,
    attach,
    change_terms,
    let_join,
    representative,
    say_yes,
    vote,
    with_newcomer,
)
from tests.unit.office import DAY, DR, END, NO, PARTIES, Office, complete_match, signed

__all__ = ["signed"]


def extend(office: Office, until: date = date(2023, 3, 31)) -> None:
    with office.store.transaction() as tx:
        board.continue_until(tx, office.may(tx, "WESTED"), until, "The wages came late.")


def test_all_parties_grant_a_later_end(signed: Office) -> None:
    extend(signed)
    for party in PARTIES[:-1]:
        assert signed.answer(party, MotionKind.CONTINUATION) is State.OPEN
        assert signed.known.ends_on == END
    assert signed.answer(PARTIES[-1], MotionKind.CONTINUATION) is State.CARRIED
    assert signed.known.ends_on == date(2023, 3, 31)
    assert [(each.until, each.granted_on) for each in signed.known.extensions] == [(date(2023, 3, 31), DAY)]
    with signed.store.view() as view:
        assert [d.due_on for d in due(view, DAY) if d.what == "project data"] == [date(2023, 3, 31)]


@pytest.mark.parametrize(("days", "late"), [(30, False), (29, True)])
def test_a_later_end_is_asked_for_thirty_days_before(signed: Office, days: int, late: bool) -> None:
    signed.day = END - timedelta(days=days)
    if late:
        assert signed.refused(lambda tx: board.continue_until(tx, signed.may(tx, "WESTED"), END, "x")) == ["too-late"]
    else:
        extend(signed)


def test_a_later_end_that_one_party_declines_is_none(signed: Office) -> None:
    extend(signed)
    assert signed.answer("SDE", MotionKind.CONTINUATION, NO, "The study is done.") is State.DECLINED
    assert signed.known.ends_on == END
    assert signed.refused(lambda tx: vote(tx, DR, "DOL", MotionKind.CONTINUATION)) == ["no-motion"]


def test_a_day_no_later_an_empty_reason_and_a_second_question_are_refused(signed: Office) -> None:
    def asked(until: date, reason: str = "A reason.") -> list[str]:
        return signed.refused(lambda tx: board.continue_until(tx, signed.may(tx, "WESTED"), until, reason))

    assert asked(END) == ["not-later"]
    assert asked(END + timedelta(days=1), " ") == ["reason"]
    extend(signed)
    assert asked(END + timedelta(days=9)) == ["asked-already"]


def test_an_end_that_has_passed_is_not_extended_any_more(signed: Office) -> None:
    extend(signed)
    for party in PARTIES[:-1]:
        signed.answer(party, MotionKind.CONTINUATION)
    signed.day = END + timedelta(days=1)
    assert signed.refused(lambda tx: vote(tx, DR, PARTIES[-1], MotionKind.CONTINUATION)) == ["project-end"]


def test_a_party_ends_it_by_notice_of_sixty_days(signed: Office) -> None:
    with signed.store.transaction() as tx:
        known = board.terminate(tx, signed.may(tx, "DOL"), "The law has changed.")
    assert known.ends_on == date(2022, 6, 10) and signed.known == known
    assert signed.refused(lambda tx: board.terminate(tx, signed.may(tx, "SDE"), "Too.")) == ["termination"]
    assert signed.refused(
        lambda tx: board.continue_until(tx, signed.may(tx, "WESTED"), date(2023, 1, 1), "More time.")
    ) == ["terminated"]
    signed.day = date(2022, 6, 11)
    assert [rule for rule, _, _ in signed.known.reasons_not_in_force(signed.day)] == ["project-end"]


def test_a_notice_given_late_does_not_prolong_it(signed: Office) -> None:
    signed.day = END - timedelta(days=10)
    with signed.store.transaction() as tx:
        assert board.terminate(tx, signed.may(tx, "DOL"), "A reason.").ends_on == END


def amend(office: Office, policy: Policy) -> None:
    with office.store.transaction() as tx:
        board.amend(tx, office.may(tx, "WESTED"), policy, "A report more.")


def test_other_terms_hold_when_all_parties_have_agreed_and_the_old_are_kept(signed: Office, tmp_path: Path) -> None:
    old, new = signed.policy, signed.amended(tmp_path / "policies", title="Manufacturing skills, and after")
    amend(signed, new)
    for party in PARTIES[:-1]:
        signed.answer(party, MotionKind.MODIFICATION)
    assert signed.known.policy.hash == old.hash
    signed.answer(PARTIES[-1], MotionKind.MODIFICATION)
    known = signed.known
    assert (known.policy.hash, known.version, known.unsigned) == (new.hash, 2, ())
    with signed.store.view() as view:
        assert policy_of(view, DR, 1).hash == old.hash
        assert [change.where for change in agreement.diff(policy_of(view, DR, 1), policy_of(view, DR))] == [
            "agreement.title"
        ]
        with pytest.raises(Refused, match="no version 3"):
            policy_of(view, DR, 3)


def test_what_changes_nothing_or_the_end_is_no_modification(signed: Office, tmp_path: Path) -> None:
    later = signed.amended(tmp_path / "policies", retention={
        "project_end": "2024-04-01", "destroy_by": "2022-08-31", "months_after_delivery": 12,
        "match_data_business_days": 10, "review_business_days": 10,
    })  # fmt: skip
    for policy, rule in ((signed.policy, "no-change"), (later, "continuation")):
        assert signed.refused(lambda tx, p=policy: board.amend(tx, signed.may(tx, "WESTED"), p, "Why.")) == [rule]


def test_an_agency_that_joins_by_amendment_answers_too(signed: Office, tmp_path: Path) -> None:
    parties = [party.model_dump(mode="json") for party in signed.policy.agreement.parties]
    third = parties[0] | {"code": "CSCU", "name": "Colleges", "representative": "Director"}
    folder = tmp_path / "agencies.yaml"
    folder.write_text(
        (PACKAGED_POLICIES / "agencies" / "SDE.yaml").read_text("utf-8").replace("SDE", "CSCU"), "utf-8"
    )
    shutil.copytree(PACKAGED_POLICIES, tmp_path / "own")
    shutil.copy(folder, tmp_path / "own" / "agencies" / "CSCU.yaml")
    path = tmp_path / "own" / "agreements" / f"{DR}.yaml"
    body = yaml.safe_load(path.read_text("utf-8")) | {"parties": [*parties, third]}
    path.write_text(yaml.safe_dump(body), "utf-8")
    amend(signed, compile_agreement(tmp_path / "own", DR))
    entry = signed.last("board.ask")["details"]
    assert isinstance(entry, dict) and "CSCU" in entry["asked"]
    with signed.store.view() as view:
        assert board.joining(view, DR) == {*PARTIES, "CSCU"}
    for party in PARTIES:
        assert signed.answer(party, MotionKind.MODIFICATION) is State.OPEN


@pytest.fixture
def less(tmp_path: Path) -> Iterator[Office]:
    """An agreement in force without an element that SDE does not share."""
    made = Office(tmp_path)
    with made.store.transaction() as tx:
        ask(tx, made.policy)
        board.refuse_element(tx, made.may(tx, "SDE"), "SpecialEd", "Not needed for the questions asked.")
        for agency in made.policy.agencies:
            say_yes(tx, DR, agency)
        attach(tx, made.policy)
        for party in PARTIES:
            agreement.sign(tx, DR, Signature(party, "Representative", SIGNED), "opm")
    yield made
    made.store.close()


def changes(office: Office, policy: Policy, *again: str) -> list[str]:
    """Give where what would be asked for differs from what is in force."""
    with office.store.view() as view:
        asked = board.terms_asked(view, DR, policy, again)
        return [change.where for change in agreement.diff(agreement.of(view, DR).policy, asked)]


def test_what_an_agency_refused_does_not_come_back_because_it_stands_in_the_file(
    less: Office, tmp_path: Path
) -> None:
    assert changes(less, less.policy) == []
    assert less.refused(lambda tx: board.amend(tx, less.may(tx, "WESTED"), less.policy, "Why.")) == ["no-change"]
    new = less.amended(tmp_path / "policies", title="Manufacturing skills, and after")
    assert changes(less, new) == ["agreement.title"]
    amend(less, new)
    for party in PARTIES:
        less.answer(party, MotionKind.MODIFICATION)
    known = less.known
    assert (known.version, known.policy.agreement.title) == (2, "Manufacturing skills, and after")
    assert known.policy.element("SDE", "SpecialEd") is None and known.not_shared == ("SDE.SpecialEd",)


def test_what_was_refused_is_asked_for_again_by_name_confirmed_and_answered(less: Office) -> None:
    def again(*names: str) -> board.Motion:
        with less.store.transaction() as tx:
            return board.amend(tx, less.may(tx, "WESTED"), less.policy, "It is needed now.", names)

    assert "agreement.elements.SDE.SpecialEd" in changes(less, less.policy, "SDE.SpecialEd")
    with pytest.raises(Refused) as caught:
        again("SDE.Gender")
    assert [finding.rule for finding in caught.value.findings] == ["not-refused"]
    assert again("SDE.SpecialEd").again == ("SDE.SpecialEd",)
    entry = less.last("board.ask")["details"]
    assert isinstance(entry, dict) and entry["again"] == ["SDE.SpecialEd"]
    assert less.refused(lambda tx: vote(tx, DR, "SDE", MotionKind.MODIFICATION)) == ["available"]
    less.answer("DOL", MotionKind.MODIFICATION)  # is asked for nothing more
    with less.store.transaction() as tx:
        board.confirm_available(tx, less.may(tx, "SDE"))
    for party in ("SDE", "DOL-HUB", "WESTED"):
        less.answer(party, MotionKind.MODIFICATION)
    assert less.known.policy.element("SDE", "SpecialEd") is not None and less.known.not_shared == ()


def test_an_element_is_refused_of_other_terms_and_who_answered_answers_anew(less: Office) -> None:
    with less.store.transaction() as tx:
        board.amend(tx, less.may(tx, "WESTED"), less.policy, "It is needed now.", ["SDE.SpecialEd"])
    less.answer("WESTED", MotionKind.MODIFICATION)
    with less.store.transaction() as tx:
        motion = board.refuse_element(tx, less.may(tx, "SDE"), "Gender", "Not needed any more.")
        motion = board.refuse_element(tx, less.may(tx, "SDE"), "SpecialEd", "Still not needed.")
    assert motion.answers == {}
    with less.store.view() as view:
        refused = [entry["details"]["anew"] for entry in view.entries(action="board.refuse-element")]
        then = board.terms_carried(view, motion)
    assert refused == [[], ["WESTED"], []]
    for party in PARTIES:
        less.answer(party, MotionKind.MODIFICATION)
    known = less.known
    assert then is not None and known.policy.hash == then.hash
    assert [known.policy.element("SDE", name) for name in ("Gender", "SpecialEd")] == [None, None]
    assert sorted(known.not_shared) == ["SDE.Gender", "SDE.SpecialEd"]


def test_terms_that_the_law_does_not_allow_any_more_are_not_shown_as_if_they_came(less: Office) -> None:
    with less.store.transaction() as tx:
        motion = board.amend(tx, less.may(tx, "WESTED"), less.policy, "It is needed now.", ["SDE.SpecialEd"])
        person = Person("opm", "Invented Olga", "Staff", "OPM", "opm@example.org", "555-0100", True)
        people.enlist(tx, person, Listing("opm", DR, Role.OPM, "office"), "opm")
        strict = less.policy.cells.model_copy(update={"minimum_count": 11})
        board.change_law(tx, strict, 5, "Public Act 26-9 asks it.", "opm")
        then = board.terms_carried(tx, motion)
    assert then is not None and then.cells.minimum_count == 11
    assert changes(less, less.policy) == []


@pytest.fixture
def joined(signed: Office) -> Office:
    """An agreement in force that one agency more has joined by an amendment, and not signed."""
    with signed.store.transaction() as tx:
        let_join(tx, signed.policy)
    return signed


def against_work(office: Office) -> list[str]:
    with office.store.view() as view:
        return [finding.rule for finding in people.reasons_against(view, representative("SDE"), Action.CONFIRM, DR)]


def test_who_joins_by_amendment_signs_before_work_goes_on_and_the_agreement_stays_effective(joined: Office) -> None:
    assert (joined.known.effective_on, joined.known.unsigned) == (SIGNED, (NEWCOMER,))
    assert against_work(joined) == ["signatures"]
    assert joined.known.reasons_not_running(joined.day) == []
    signature = Signature(NEWCOMER, "Director", DAY)
    again = replace(signature, party="SDE")
    assert joined.refused(lambda tx: agreement.sign(tx, DR, again, "opm")) == ["signed"]
    with joined.store.transaction() as tx:
        agreement.sign(tx, DR, signature, "opm")
    assert (joined.known.effective_on, joined.known.unsigned, against_work(joined)) == (SIGNED, (), [])
    entry = joined.last("agreement.sign")["details"]
    assert isinstance(entry, dict) and entry["effective_on"] == SIGNED.isoformat()
    assert joined.refused(lambda tx: agreement.sign(tx, DR, signature, "opm")) == ["signed"]


def test_what_a_newcomer_has_not_signed_is_extended_and_ended_by_notice(signed: Office) -> None:
    complete_match(signed)
    with signed.store.transaction() as tx:
        let_join(tx, signed.policy)
    extend(signed)
    for party in (*PARTIES, NEWCOMER):
        signed.answer(party, MotionKind.CONTINUATION)
    assert signed.known.ends_on == date(2023, 3, 31)
    with signed.store.transaction() as tx:
        board.keep_match_data(tx, signed.may(tx, "DOL-HUB"), date(2022, 5, 20), "A review is asked for.")
        known = board.terminate(tx, signed.may(tx, "SDE"), "The law has changed.")
    assert known.ends_on == DAY + timedelta(days=60)


def test_what_a_newcomer_has_not_signed_is_amended_back_without_its_word(joined: Office) -> None:
    with joined.store.transaction() as tx:
        change_terms(tx, joined.policy, but=[NEWCOMER])
    assert (joined.known.version, joined.known.unsigned) == (3, ()) and NEWCOMER not in joined.known.policy.agencies
    assert (joined.known.effective_on, against_work(joined)) == (SIGNED, [])


def test_who_has_signed_answers_for_terms_without_it_and_signs_again_when_it_comes_back(joined: Office) -> None:
    with joined.store.transaction() as tx:
        agreement.sign(tx, DR, Signature(NEWCOMER, "Director", DAY), "opm")
        change_terms(tx, joined.policy, but=[NEWCOMER])
    assert joined.known.version == 2
    assert joined.answer(NEWCOMER, MotionKind.MODIFICATION) is State.CARRIED
    with joined.store.transaction() as tx:
        change_terms(tx, with_newcomer(joined.policy))
    assert (joined.known.unsigned, joined.known.effective_on) == ((NEWCOMER,), SIGNED)
