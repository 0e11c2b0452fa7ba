"""Exhibits B and C: signed by the person alone under the words shown, or recorded from paper by another.

Source: ExB; ExC; DSA VI.E; DSA III.F.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from enclave import papers, people
from enclave.agreement import of
from enclave.errors import EnclaveError, Invalid, Refused
from enclave.ledger import Entry
from enclave.papers import Kept, Paper
from enclave.people import Letter, Listing, Person
from enclave.store import Store, Transaction
from enclave.terms import Action, Role
from tests import registry
from tests.parties import pretend

DR = "DR-0034"
DAY, LAST = date(2022, 4, 11), date(2023, 4, 11)
NAME = "Wren <Invented>"
T = TypeVar("T")


class Office:
    """A store in which DR-0034 is in force, two of the Operating Group, and a researcher who has signed nothing."""

    def __init__(self, home: Path) -> None:
        self.day, self.sealed = DAY, 0
        self.store = Store(registry.address(home), lambda: self.day)
        for id, role in (("olga", Role.OPM), ("otto", Role.OPM), ("wren", Role.RESEARCHER)):
            self.enlist(id, role)

    def do(self, step: Callable[[Transaction], T]) -> T:
        """Change records."""
        with self.store.transaction() as tx:
            return step(tx)

    def enlist(self, id: str, role: Role, organization: str = "WestEd") -> None:
        name, basis = NAME if id == "wren" else f"Invented {id}", "office" if role is Role.OPM else "2.g"
        person = Person(id, name, "Staff", organization, f"{id}@example.org", "555-0100", False)
        self.do(lambda tx: people.enlist(tx, person, Listing(id, DR, role, basis), "olga"))

    def words(self, letter: Letter) -> str:
        with self.store.view() as view:
            return people.exhibit_words(view, DR, "wren", letter)

    def sign(self, letter: Letter, who: str = "wren", *, name: str = NAME, words: str = "") -> Paper:
        """Sign as the page does: what is shown is what stands there, unless other words are given."""
        shown = hashlib.sha256((words or self.words(letter)).encode()).hexdigest()

        def seal(signed: str) -> Kept:
            self.sealed += 1
            return Kept("0123456789abcdef.sealed", hashlib.sha256(signed.encode()).hexdigest(), "0" * 64)

        return self.do(lambda tx: people.sign_exhibit(tx, DR, letter, seal, who, name=name, shown=shown))

    def record(self, letter: Letter, signed_on: date = DAY, who: str = "olga", of: str = "wren") -> Paper:
        return self.do(lambda tx: people.record_exhibit(tx, DR, of, letter, signed_on, pretend(), who))

    def waiting(self) -> tuple[Letter, ...]:
        with self.store.view() as view:
            return people.unsigned(view, people.listing_of(view, DR, "wren"))

    def against(self) -> set[str]:
        with self.store.view() as view:
            return {each.rule for each in people.reasons_against(view, "wren", Action.ANALYSE, DR)}

    def entries(self) -> list[dict[str, object]]:
        with self.store.view() as view:
            return [entry for entry in view.entries() if str(entry["action"]).startswith("people.exhibit")]

    def refused(self, step: Callable[[], object], *, by: type[EnclaveError] = Refused) -> str:
        """Give the rule by which a step is refused, which leaves nothing behind."""
        with self.store.view() as view:
            before, sealed = view.frontier(), self.sealed
        with pytest.raises(by) as caught:
            step()
        with self.store.view() as view:
            assert (view.frontier(), self.sealed) == (before, sealed)
        return caught.value.findings[0].rule


@pytest.fixture
def office(in_force: Path) -> Iterator[Office]:
    made = Office(in_force)
    yield made
    made.store.close()


def test_a_person_signs_the_words_shown_and_access_asks_no_more(office: Office) -> None:
    assert office.waiting() == ("B", "C") and {"exhibit-b", "exhibit-c"} <= office.against()
    for letter in people.LETTERS:
        digest = hashlib.sha256(office.words(letter).encode()).hexdigest()
        signed = office.sign(letter, name="  wren   <INVENTED> ")
        assert (signed.about, signed.status, signed.since, signed.kept.sha256) == ("wren", "browser", DAY, digest)
        entry = office.entries()[-1]
        assert (entry["actor"], entry["object"], entry["clause"]) == ("wren", "wren", f"Ex{letter}")
        assert entry["details"] == {
            "exhibit": letter, "version": 1, "signed_on": "2022-04-11", "how": "browser", "sha256": digest,
        }  # fmt: skip
        assert not {f"exhibit-{letter.lower()}"} & office.against()
    assert office.waiting() == () and NAME not in str(office.entries())
    assert not {"exhibit-b", "exhibit-c"} & office.against()


def test_the_words_name_the_person_the_project_and_its_version_and_are_escaped(office: Office) -> None:
    words = office.words("C")
    assert "Wren &lt;Invented&gt;" in words and NAME not in words
    assert f"{DR}, " in words and "version 1 of the agreement" in words


def test_who_types_another_name_has_not_signed(office: Office) -> None:
    for name in ("", "Wren", "Invented olga", f"{NAME} Junior"):
        assert office.refused(partial(office.sign, "C", name=name), by=Invalid) == "exhibit-name"
    assert office.waiting() == ("B", "C")


def test_words_that_changed_meanwhile_are_shown_again(office: Office) -> None:
    read = office.words("B")
    office.enlist("rae", Role.RESEARCHER)
    assert office.refused(lambda: office.sign("B", words=read)) == "exhibit-words"
    read = office.words("B")
    office.do(lambda tx: tx.write(replace(of(tx, DR), version=2), Entry("olga", "test", DR, DR)))
    assert office.refused(lambda: office.sign("B", words=read)) == "exhibit-words"
    office.sign("B")
    assert office.entries()[-1]["details"]["version"] == 2  # type: ignore[index]


def test_nobody_signs_who_is_not_on_the_list_or_of_whom_none_is_asked(office: Office) -> None:
    read = office.words("C")
    assert office.refused(lambda: office.sign("C", "nora", words=read)) == "not-listed"
    assert office.refused(lambda: office.sign("C", "olga", words=read)) == "exhibit-signed"


def test_exhibit_c_is_signed_again_in_the_days_of_warning_and_valid_for_another_year(office: Office) -> None:
    for letter in people.LETTERS:
        office.sign(letter)
    for day, waiting in ((date(2023, 3, 11), ()), (date(2023, 3, 12), ("C",)), (date(2023, 4, 12), ("C",))):
        office.day = day
        assert office.waiting() == waiting, day
        assert ("exhibit-c" in office.against()) == (day > LAST)
    office.day = date(2023, 3, 11)
    assert office.refused(lambda: office.sign("C")) == "exhibit-signed"
    office.day = date(2023, 3, 28)
    assert office.sign("C").until == date(2024, 3, 28)
    assert office.waiting() == ()


def test_the_operating_group_records_what_another_signed_on_paper(office: Office) -> None:
    signed = office.record("C", date(2022, 4, 1))
    assert (signed.status, signed.since, signed.until) == ("paper", date(2022, 4, 1), date(2023, 4, 1))
    entry = office.entries()[-1]
    assert (entry["actor"], entry["object"]) == ("olga", "wren")
    assert entry["details"] == {
        "exhibit": "C", "version": 1, "signed_on": "2022-04-01", "how": "paper", "sha256": pretend().sha256,
    }  # fmt: skip
    assert "exhibit-b" in office.against() and "exhibit-c" not in office.against()


def test_nobody_records_a_paper_of_themselves_or_a_day_to_come_nor_does_another_office(office: Office) -> None:
    assert office.refused(lambda: office.record("C", of="olga")) == "own-exhibit"
    office.record("C", of="olga", who="otto")
    for who in ("wren", "for-sde", "nora", "operator"):
        rule = "own-exhibit" if who == "wren" else "spokesman"
        assert office.refused(partial(office.record, "C", who=who)) == rule, who
    assert office.refused(lambda: office.record("C", date(2022, 4, 12)), by=Invalid) == "signed-on"
    assert office.refused(lambda: office.record("C", of="nora")) == "not-listed"
    office.do(lambda tx: people.suspend(tx, DR, "olga", "DSA VI.F", "otto"))
    assert office.refused(lambda: office.record("C")) == "spokesman"


def test_what_is_withdrawn_or_signed_for_another_organization_waits_again(office: Office) -> None:
    for letter in people.LETTERS:
        office.sign(letter)
    office.do(lambda tx: papers.withdraw(tx, f"exhibit-c-signed/{DR}/wren/001", "olga"))
    assert office.waiting() == ("C",) and "exhibit-c" in office.against()
    office.sign("C")
    office.enlist("wren", Role.RESEARCHER)
    assert office.waiting() == (), "who is listed anew has signed"
    office.enlist("wren", Role.RESEARCHER, "Elsewhere Institute")
    assert office.waiting() == ("B", "C") and {"exhibit-b", "exhibit-c"} <= office.against()


@pytest.mark.parametrize("kind", [*people.SIGNED.values(), "representative"])
def test_what_another_act_enters_is_not_added_as_a_mere_paper(kind: str) -> None:
    with pytest.raises(Refused) as caught:
        papers.added_as_is(kind)
    assert "`enclave people" in caught.value.findings[0].next
    assert papers.added_as_is("training").about == "person"
