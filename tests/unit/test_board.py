"""Requests, later ends, amendments, notices: each holds once everybody who must has agreed in writing.

Source: EM XI.B; EM XI.B.1; EM VIII; ExA 1.a; DSA VI.H; DSA VII; DSA XI; DSA III.F.3.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml

from enclave import agreement, board, matching, people
from enclave.agreement import InForce, Policy, Signature, compile_agreement, policy_of
from enclave.board import Decision, MotionKind, State
from enclave.destruction import due
from enclave.errors import EnclaveError, Invalid, Refused
from enclave.ledger import Entry
from enclave.matching import MatchRun
from enclave.people import Admission, Listing, Person
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store, Transaction
from enclave.terms import Action, Role
from tests import registry
from tests.parties import (
    NEWCOMER,
    SIGNED,
    ask,
    attach,
    bring_into_force,
    change_terms,
    let_join,
    listed,
    pretend,
    representative,
    say_yes,
    vote,
    with_newcomer,
)

DR, DAY, END = "DR-0034", date(2022, 4, 11), date(2022, 8, 31)
PARTIES = ("SDE", "DOL", "DOL-HUB", "WESTED")
YES, NO, IF = Decision.APPROVAL, Decision.DISAPPROVAL, Decision.CONDITIONAL


@cache
def packaged() -> Policy:
    """Compile the packaged agreement, once for all tests."""
    return compile_agreement(PACKAGED_POLICIES, DR)


class Office:
    """A registry in which DR-0034 can be asked for; `day` is the calendar day."""

    def __init__(self, home: Path) -> None:
        self.day, self.home = DAY, home
        self.policy = packaged()
        self.store = Store(registry.address(home), lambda: self.day)

    def may(self, tx: Transaction, party: str) -> Admission:
        return people.may(tx, representative(party), Action.DECIDE, DR)

    def answer(self, party: str, on: MotionKind, decision: Decision = YES, reason: str = "") -> State:
        with self.store.transaction() as tx:
            return vote(tx, DR, party, on, decision, reason).state

    @property
    def known(self) -> InForce:
        with self.store.view() as view:
            return agreement.of(view, DR)

    def refused(self, step: Callable[[Transaction], object]) -> list[str]:
        """Do what must not pass; give the rules."""
        with pytest.raises(EnclaveError) as caught, self.store.transaction() as tx:
            step(tx)
        assert all(finding.clause and finding.next for finding in caught.value.findings)
        return [finding.rule for finding in caught.value.findings]

    def last(self, action: str) -> dict[str, object]:
        with self.store.view() as view:
            entry: dict[str, object] = [*view.entries(action=action)][-1]
            return entry

    def amended(self, folder: Path, **change: object) -> Policy:
        """Compile the agreement after a change of its file."""
        shutil.copytree(PACKAGED_POLICIES, folder)
        path = folder / "agreements" / f"{DR}.yaml"
        body = yaml.safe_load(path.read_text("utf-8")) | change
        path.write_text(yaml.safe_dump(body), "utf-8")
        return compile_agreement(folder, DR)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A request that waits for its agencies."""
    made = Office(tmp_path)
    with made.store.transaction() as tx:
        ask(tx, made.policy)
    yield made
    made.store.close()


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Office]:
    """An agreement in force."""
    made = Office(tmp_path)
    with made.store.transaction() as tx:
        bring_into_force(tx, made.policy)
    yield made
    made.store.close()


def match(office: Office) -> MatchRun:
    run = MatchRun(
        DR, "match-01", "match_pair", "1", "0" * 64, {}, ("SDE", "DOL"), {}, DAY, 40, "90.0", *["0" * 64] * 5
    )
    with office.store.transaction() as tx:
        tx.write(run, Entry("hub", "match.run", run.key, DR, "EM XII"))
    return run


def complete_match(office: Office) -> MatchRun:
    run = match(office)
    with office.store.transaction() as tx:
        for party in PARTIES:
            run = matching.agree(tx, run, people.may(tx, representative(party), Action.AGREE, DR))
    return run


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
