"""Requests, and what else the parties decide: each holds once everybody who must has agreed in writing.

Source: EM XI.B; EM XI.B.1; ExA 1.a; DSA VII; DSA III.F.3.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from enclave import agreement, board, matching, people
from enclave.agreement import Signature
from enclave.board import Decision, MotionKind, State
from enclave.destruction import due
from enclave.errors import Invalid, Refused
from enclave.matching import MatchRun
from enclave.people import Admission
from enclave.store import Transaction
from enclave.terms import Action, Role
from tests.parties import (
    SIGNED,
    attach,
    listed,
    pretend,
    representative,
    say_yes,
    vote,
)
from tests.unit.office import DAY, DR, IF, NO, PARTIES, YES, Office, complete_match, match, office, signed

__all__ = ["office", "signed"]


def test_an_agency_approves_when_it_has_confirmed_that_its_data_are_there(office: Office) -> None:
    assert office.refused(lambda tx: vote(tx, DR, "SDE", MotionKind.INITIAL)) == ["available"]
    with office.store.transaction() as tx:
        say_yes(tx, DR, "SDE")
    assert office.known.approved_on is None
    office.day += timedelta(days=2)
    with office.store.transaction() as tx:
        say_yes(tx, DR, "DOL")
    assert office.known.approved_on == DAY + timedelta(days=2)
    entry = office.last("board.answer")
    assert (entry["outcome"], entry["clause"]) == ("carried", "EM XI.B")


def of_the_group(tx: Transaction) -> Admission:
    """Give leave to decide of somebody of the Operating Group whose listing names an agency."""
    return replace(people.may(tx, representative("SDE"), Action.DECIDE, DR), role=Role.OPM)


def test_only_its_steward_answers_for_an_agency_whatever_a_listing_names(office: Office) -> None:
    yes = MotionKind.INITIAL, YES
    assert office.refused(lambda tx: board.confirm_available(tx, of_the_group(tx))) == ["agency"]
    assert office.refused(lambda tx: board.refuse_element(tx, of_the_group(tx), "SpecialEd", "Why.")) == ["agency"]
    assert office.refused(lambda tx: board.answer(tx, of_the_group(tx), *yes)) == ["voter"]


def test_only_its_steward_gives_notice_for_a_party(signed: Office) -> None:
    assert signed.refused(lambda tx: board.terminate(tx, of_the_group(tx), "Why.")) == ["termination"]


def test_a_match_is_agreed_to_by_the_designated_representative_and_no_other_steward(signed: Office) -> None:
    run, second = match(signed), "sam"

    def agree(tx: Transaction, person: str) -> MatchRun:
        return matching.agree(tx, run, people.may(tx, person, Action.AGREE, DR))

    with signed.store.transaction() as tx:
        person = people.Person(second, "Invented sam", "Staff", "SDE", "sam@example.org", "555-0100", True)
        people.enlist(tx, person, listed(second, DR, Role.STEWARD), "opm")
    assert signed.refused(lambda tx: agree(tx, second)) == ["representative"]
    with signed.store.transaction() as tx:
        people.designate(tx, DR, "SDE", second, pretend(), DAY, "opm")
    assert signed.refused(lambda tx: agree(tx, representative("SDE"))) == ["representative"]
    with signed.store.transaction() as tx:
        assert set(agree(tx, second).agreements) == {"SDE"}


def test_who_is_not_asked_does_not_answer(office: Office) -> None:
    with office.store.transaction() as tx:
        for party in ("WESTED", "DOL-HUB"):
            with pytest.raises(Refused) as caught:
                vote(tx, DR, party, MotionKind.INITIAL)
            assert [finding.rule for finding in caught.value.findings] == ["voter"]
    assert office.refused(lambda tx: board.confirm_available(tx, office.may(tx, "WESTED"))) == ["agency"]
    assert office.refused(lambda tx: vote(tx, DR, "SDE", MotionKind.CONTINUATION)) == ["no-motion"]


def test_a_disapproval_has_a_reason_and_declines_the_request(office: Office) -> None:
    assert office.refused(lambda tx: vote(tx, DR, "DOL", MotionKind.INITIAL, NO)) == ["reason"]
    assert office.answer("DOL", MotionKind.INITIAL, NO, "Wages may not be used for this.") is State.DECLINED
    with office.store.view() as view:
        (motion,) = board.motions(view, DR)
        assert motion.answers["DOL"].reason == "Wages may not be used for this."
        assert not any("Wages may not" in body for body in view.bodies())
    assert office.refused(lambda tx: say_yes(tx, DR, "SDE")) == ["no-motion"]


def test_a_condition_returns_it_and_it_is_asked_anew(office: Office) -> None:
    with office.store.transaction() as tx:
        say_yes(tx, DR, "SDE")
        board.confirm_available(tx, office.may(tx, "DOL"))
    assert office.answer("DOL", MotionKind.INITIAL, IF, "Without the wages of 2014.") is State.RETURNED
    with office.store.transaction() as tx:
        again = board.request(tx, office.policy, "opm")
    assert again.number == 2 and not again.answers
    with office.store.view() as view:
        assert [motion.state for motion in board.motions(view, DR)] == [State.REPLACED, State.OPEN]
    with office.store.transaction() as tx:
        for agency in office.policy.agencies:
            say_yes(tx, DR, agency)
    assert office.known.approved_on == DAY


def test_an_element_that_an_agency_does_not_share_leaves_the_policy(office: Office) -> None:
    with office.store.transaction() as tx:
        board.refuse_element(tx, office.may(tx, "SDE"), "SpecialEd", "Not needed for the questions asked.")
        for agency in office.policy.agencies:
            say_yes(tx, DR, agency)
    known = office.known
    assert known.policy.element("SDE", "SpecialEd") is None
    assert known.policy.element("SDE", "Gender") is not None
    assert not any("SpecialEd" in layout.elements for layout in known.policy.agreement.files)
    assert known.refused == {"SDE": ("SpecialEd",)}
    assert known.policy.hash == office.policy.without(known.refused).hash != office.policy.hash
    entry = office.last("board.refuse-element")["details"]
    assert isinstance(entry, dict) and entry["element"] == "SpecialEd"


def test_what_an_agency_is_not_asked_for_or_nothing_could_go_without_is_not_refused(office: Office) -> None:
    def refuse(agency: str, element: str, reason: str = "A reason.") -> list[str]:
        return office.refused(lambda tx: board.refuse_element(tx, office.may(tx, agency), element, reason))

    assert refuse("DOL", "SpecialEd") == ["element"]
    assert refuse("SDE", "SpecialEd", " ") == ["reason"]
    key = next(name for f in office.policy.agreement.files for name in f.unique if name != "GenericID")
    assert set(refuse("DOL", key)) == {"element-reference"}


def test_an_agreement_signed_in_part_is_registered_anew_and_its_signatures_are_void(
    office: Office, tmp_path: Path
) -> None:
    with office.store.transaction() as tx:
        for agency in office.policy.agencies:
            say_yes(tx, DR, agency)
        attach(tx, office.policy)
        agreement.sign(tx, DR, Signature("SDE", "Commissioner", SIGNED), "opm")
    new = office.amended(tmp_path / "policies", title="Manufacturing skills, as agreed")
    with pytest.raises(Refused, match="agreement register"), office.store.transaction() as tx:
        board.amend(tx, office.may(tx, "SDE"), new, "The title is wrong.")
    with office.store.transaction() as tx:
        board.request(tx, new, "opm")
    known, entry = office.known, office.last("agreement.register")["details"]
    assert (known.signatures, known.approved_on, known.policy.hash) == ((), None, new.hash)
    assert isinstance(entry, dict) and entry["void"] == ["SDE"]
    again = Signature("SDE", "Commissioner", DAY)
    assert office.refused(lambda tx: agreement.sign(tx, DR, again, "opm")) == ["not-approved"]
    with office.store.transaction() as tx:
        for agency in office.policy.agencies:
            say_yes(tx, DR, agency)
        for party in PARTIES:
            agreement.sign(tx, DR, replace(again, party=party), "opm")
    assert office.known.effective_on == DAY
    assert office.refused(lambda tx: board.request(tx, office.policy, "opm")) == ["modification"]


@pytest.mark.parametrize("decision", [YES, NO, IF])
def test_the_data_recipient_is_told_how_its_request_ended(office: Office, decision: Decision) -> None:
    def told() -> object:
        entry = office.last("board.answer")["details"]
        assert isinstance(entry, dict)
        return entry["told"]

    with office.store.transaction() as tx:
        say_yes(tx, DR, "SDE")
        board.confirm_available(tx, office.may(tx, "DOL"))
    assert told() == ["Operating Group", "SDE", "DOL"]
    office.answer("DOL", MotionKind.INITIAL, decision, "A reason.")
    assert told() == ["Operating Group", "SDE", "DOL", "WESTED"]


def test_a_signed_agreement_is_not_registered_again(signed: Office) -> None:
    assert signed.refused(lambda tx: board.request(tx, signed.policy, "opm")) == ["modification"]


def test_no_signature_is_written_over_once_all_have_signed(signed: Office) -> None:
    """A later one would move the day from which it is in force."""
    again = Signature("SDE", "Commissioner", DAY)
    assert signed.refused(lambda tx: agreement.sign(tx, DR, again, "opm")) == ["signed"]


def test_all_parties_keep_match_data_longer(signed: Office) -> None:
    run = complete_match(signed)
    assert run.delete_by == date(2022, 4, 26)
    until = date(2022, 5, 20)
    with signed.store.transaction() as tx:
        board.keep_match_data(tx, signed.may(tx, "DOL-HUB"), until, "A review is asked for.")
    for party in PARTIES:
        with signed.store.view() as view:
            assert [d.due_on for d in due(view, DAY) if d.what == "match data"] == [run.delete_by]
        signed.answer(party, MotionKind.MATCH_DATA)
    with signed.store.view() as view:
        assert [d.due_on for d in due(view, DAY) if d.what == "match data"] == [until]
        assert matching.latest(view, DR).delete_by == until


def test_a_match_whose_clock_does_not_run_is_not_kept(signed: Office) -> None:
    def keep(until: date) -> list[str]:
        return signed.refused(lambda tx: board.keep_match_data(tx, signed.may(tx, "SDE"), until, "Why."))

    assert keep(date(2022, 5, 20)) == ["no-match"]
    match(signed)
    assert keep(date(2022, 5, 20)) == ["match-clock"]
    run = complete_match(signed)
    assert run.delete_by is not None
    assert keep(run.delete_by) == ["not-later"]
    signed.day = run.delete_by
    assert keep(date(2022, 5, 20)) == ["match-clock"]


def test_only_a_partys_own_representative_decides(signed: Office) -> None:
    with signed.store.view() as view:
        admission = people.may(view, representative("SDE"), Action.AGREE, DR)
    assert signed.refused(lambda tx: board.terminate(tx, admission, "Why.")) == ["admission"]
    with pytest.raises(Invalid), signed.store.transaction() as tx:
        board.terminate(tx, signed.may(tx, "SDE"), "")
