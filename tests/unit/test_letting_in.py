"""What access asks for beyond a listing: papers that stand, a verified status, a purpose that has not ended.

Source: DSA III.B; DSA VI.A; DSA VI.E; DSA XII; ExA 2.h; ExB; EM XVII.C; EM XVIII.C.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from enclave import papers, people
from enclave.agreement import Extension, of
from enclave.clocks import running
from enclave.errors import Refused
from enclave.ledger import Entry
from enclave.people import Listing, Person
from enclave.store import Store, Transaction
from enclave.terms import Action, Role
from tests import registry
from tests.parties import FAR, SIGNED, bring_into_force, let_in, listed, packaged, pretend, record, representative

DAY = date(2022, 4, 11)
SOON = DAY + timedelta(days=20)
T = TypeVar("T")
A = Action.ANALYSE


class Office:
    """A store with an agreement in force, olga of the Operating Group, and the calendar day."""

    def __init__(self, home: Path, project: str) -> None:
        self.day, self.project = DAY, project
        self.store = Store(registry.address(home), lambda: self.day)
        self.policy = packaged(project)
        if project != "DR-0034":  # which is in force there
            self.do(lambda tx: bring_into_force(tx, self.policy))
        self.enlist("olga", Role.OPM, "office", "OPM")

    def do(self, step: Callable[[Transaction], T]) -> T:
        """Change records."""
        with self.store.transaction() as tx:
            return step(tx)

    def enlist(
        self, id: str, role: Role, basis: str = "2.g", organization: str = "WestEd", *, purpose: str = "",
        agency: str = "", until: date | None = None,
    ) -> None:  # fmt: skip
        person = Person(id, f"Invented {id}", "Staff", organization, f"{id}@example.org", "555-0100", True)
        listing = Listing(id, self.project, role, basis, purpose, "for the agency", agency, until=until)
        self.do(lambda tx: people.enlist(tx, person, listing, "olga"))
        for code in self.policy.agencies if role in (Role.RESEARCHER, Role.AGENCY_ANALYST) else ():
            self.do(lambda tx, code=code: people.approve(tx, self.project, id, code, representative(code)))

    def let_in(self, id: str, *, government: bool = False) -> None:
        self.do(lambda tx: let_in(tx, self.project, id, government=government))

    def rules(self, person: str, action: Action = A) -> list[str]:
        with self.store.view() as view:
            return [finding.rule for finding in people.reasons_against(view, person, action, self.project)]

    def clocks(self, what: str) -> list[tuple[str, date]]:
        with self.store.view() as view:
            return [(each.about, each.due_on) for each in running(view) if each.what == what]


@pytest.fixture
def opened(in_force: Path) -> Iterator[Callable[[str], Office]]:
    made: list[Office] = []

    def office(project: str = "DR-0034") -> Office:
        made.append(Office(in_force, project))
        return made[-1]

    yield office
    for each in made:
        each.store.close()


@pytest.fixture
def office(opened: Callable[[str], Office]) -> Office:
    """DR-0034 in force, and wren let in."""
    made = opened("DR-0034")
    made.enlist("wren", Role.RESEARCHER)
    made.let_in("wren")
    assert made.rules("wren") == []
    return made


def test_training_ends_and_access_with_it(office: Office) -> None:
    office.do(lambda tx: papers.withdraw(tx, "training/wren/001", "olga"))
    assert office.rules("wren") == ["training"]
    office.do(lambda tx: papers.add(tx, "training", pretend(), "olga", about="wren", until=SOON))
    with office.store.view() as view:
        assert people.may(view, "wren", A, "DR-0034").ends_on == SOON
    assert office.clocks("a record of training") == [("training/wren", SOON)]
    office.day = SOON + timedelta(days=1)
    assert office.rules("wren") == ["training"]


def test_another_person_does_not_come_under_a_known_login(opened: Callable[[str], Office]) -> None:
    office, other = opened("DR-0034"), opened("DR-0101")
    office.enlist("ann", Role.RESEARCHER)
    office.let_in("ann", government=True)
    somebody = Person("ann", "Somebody Else", "Staff", "WestEd", "ann@example.org", "555-0100", True)
    with pytest.raises(Refused, match="known under another name"):
        other.do(lambda tx: people.enlist(tx, somebody, listed("ann", "DR-0101", Role.RESEARCHER), "olga"))
    assert office.rules("ann") == [] and "not-listed" in other.rules("ann")
    with office.store.view() as view:
        assert people.may(view, "ann", A, "DR-0034").sight.government


FIELDS = ("name", "position", "organization", "email", "telephone")
ANEW = ["exhibit-b", "exhibit-c", "approval"]


@pytest.mark.parametrize(
    ("changed", "rules"),
    [
        ({}, []),
        ({"email": "another@example.org", "telephone": "555-0199"}, []),
        ({"position": "An Invented Director"}, ANEW),
        ({"organization": "An Invented Contractor", "email": "another@example.org"}, [*ANEW, "contract"]),
    ],
)
def test_who_comes_to_be_something_else_is_approved_signs_and_is_attested_anew(
    opened: Callable[[str], Office], changed: dict[str, str], rules: list[str]
) -> None:
    office, other = opened("DR-0034"), opened("DR-0101")
    for each in (office, other):
        each.enlist("ann", Role.RESEARCHER)
        each.let_in("ann", government=True)
    with office.store.view() as view:
        known, entered = view.get(Person, "ann"), len(list(view.entries()))
    assert known is not None
    ann = replace(known, **changed)
    other.do(lambda tx: people.enlist(tx, ann, listed("ann", "DR-0101", Role.RESEARCHER), "olga"))
    assert office.rules("ann") == rules
    with office.store.view() as view:
        assert people.is_government(view, "ann") is (rules == [])
        entries = list(view.entries())[entered:]
        assert not any(value in json.dumps(entries) for value in changed.values())
    said = [entry["details"]["changed"] for entry in entries if entry["action"] == "people.person"]
    assert said == ([[field for field in FIELDS if field in changed]] if changed else [])
    lapsed = [(entry["project"], entry["clause"]) for entry in entries if entry["action"] == "people.lapse"]
    assert lapsed == ([("DR-0034", "DSA VI.E"), ("DR-0101", "DSA VI.E")] if rules else [])


def test_exhibit_b_is_asked_for(office: Office) -> None:
    office.do(lambda tx: papers.withdraw(tx, "exhibit-b-signed/DR-0034/wren/001", "olga"))
    assert office.rules("wren") == ["exhibit-b"]
    office.do(lambda tx: record(tx, "DR-0034", "wren", "B"))
    assert office.rules("wren") == []


def test_whose_organization_signs_nothing_needs_a_contract_with_all_it_must_say(office: Office) -> None:
    office.enlist("nia", Role.RESEARCHER, organization="An Invented Contractor")
    office.let_in("nia")
    assert office.rules("nia") == ["contract"]
    said = {"project": "DR-0034", "about": "An Invented Contractor", "until": SOON}
    contract = office.do(lambda tx: papers.add(tx, "contract", pretend(), "olga", **said))
    for item in contract.of.items:
        assert office.rules("nia") == ["contract"]
        office.do(lambda tx, item=item: papers.tick(tx, contract.key, item, "olga"))
    assert office.rules("nia") == []
    office.day = SOON + timedelta(days=1)
    assert office.rules("nia") == ["contract"]


def test_where_a_review_board_must_approve_access_ends_with_its_approval(opened: Callable[[str], Office]) -> None:
    office = opened("DR-0101")
    office.enlist("wren", Role.RESEARCHER, organization="OPW")
    office.let_in("wren")
    assert office.rules("wren") == []
    office.do(lambda tx: papers.withdraw(tx, "exhibit-d/DR-0101/001", "olga"))
    assert office.rules("wren") == ["review-board"]
    said = {"project": "DR-0101", "names": "IRB-2022-3"}
    office.do(lambda tx: papers.add(tx, "exhibit-d", pretend(), "olga", status="requested", **said))
    assert office.rules("wren") == ["review-board"]
    office.do(lambda tx: papers.add(tx, "exhibit-d", pretend(), "olga", status="approved", until=SOON, **said))
    assert office.rules("wren") == []
    title = papers.kind_of("exhibit-d").title
    assert office.clocks(title) == [("exhibit-d/DR-0101", SOON)]
    office.day = SOON + timedelta(days=1)
    assert office.rules("wren") == ["review-board"]


def test_employment_by_the_state_is_attested_and_verified_by_the_operating_group(office: Office) -> None:
    def government() -> bool:
        with office.store.view() as view:
            return people.may(view, "wren", A, "DR-0034").sight.government

    def verify(actor: str) -> None:
        office.do(lambda tx: people.verify_status(tx, "wren", actor))

    with pytest.raises(Refused, match="nothing is attested"):
        verify("olga")
    office.do(lambda tx: papers.add(tx, "government-status", pretend(), "olga", about="wren"))
    for actor, why in (("olga", "olga added it"), (representative("SDE"), "does not speak"), ("wren", "does not")):
        assert not government()
        with pytest.raises(Refused, match=why):
            verify(actor)
    office.enlist("olive", Role.OPM, "office", "OPM")
    verify("olive")
    assert government()
    office.do(lambda tx: papers.withdraw(tx, "government-status/wren/001", "olive"))
    assert not government()


def test_hub_staff_whose_employment_is_not_verified_touch_no_uc_records(office: Office) -> None:
    office.enlist("hubert", Role.HUB_STAFF, "III.F.1", "DOL-HUB")
    office.let_in("hubert")
    touched = {action: office.rules("hubert", action) for action in (Action.RECEIVE, Action.MATCH, Action.CUT)}
    assert all(rules == ["government"] for rules in touched.values())
    assert office.rules("hubert", Action.DESTROY) == []
    office.let_in("hubert", government=True)
    assert not any(office.rules("hubert", action) for action in touched)


@pytest.mark.parametrize(
    ("agency", "purpose", "closed"),
    [
        ("SDE", "a", {"DOL", "CSCU"}),
        ("SDE", "b", set()),
        ("SDE", "c", {"CSCU"}),
        ("DOL", "a", {"SDE", "CSCU"}),
        ("DOL", "c", {"SDE", "CSCU"}),
    ],
)
def test_the_purpose_of_an_agencys_person_says_whose_data_are_open(
    opened: Callable[[str], Office], agency: str, purpose: str, closed: set[str]
) -> None:
    office = opened("DR-0101")
    office.enlist("grace", Role.AGENCY_ANALYST, "2.h", agency, purpose=purpose, agency=agency, until=SOON)
    office.let_in("grace", government=True)
    with office.store.view() as view:
        sight = people.may(view, "grace", A, "DR-0101").sight
    assert {code for code in office.policy.agencies if sight.hides(code, "anything", uc=code == "DOL")} == closed


def test_a_purpose_ends_on_its_day(office: Office) -> None:
    office.enlist("grace", Role.AGENCY_ANALYST, "2.h", "SDE", purpose="c", agency="SDE", until=SOON)
    office.let_in("grace")
    with office.store.view() as view:
        assert people.may(view, "grace", A, "DR-0034").ends_on == SOON
    assert office.clocks("purpose c of an agency's person") == [("DR-0034/grace", SOON)]
    office.day = SOON + timedelta(days=1)
    assert office.rules("grace") == ["purpose"]


def test_the_words_of_an_approval_are_kept_and_the_ledger_has_their_digest(office: Office) -> None:
    words = "The Department approves, for the analysis of Exhibit A alone."
    sde, dol = representative("SDE"), representative("DOL")
    office.do(lambda tx: people.approve(tx, "DR-0034", "wren", "SDE", sde, f" {words} "))
    with office.store.view() as view:
        given = people.listing_of(view, "DR-0034", "wren").approvals or {}
        entry = [*view.entries(action="people.approve")][-1]
        assert not any("for the analysis" in body for body in view.bodies())
    assert (given["SDE"].on, given["SDE"].by, given["SDE"].text) == (DAY, sde, words)
    assert (given["DOL"].by, given["DOL"].text) == (dol, people.approval_text("DR-0034", "wren", "DOL"))
    assert entry["details"]["text_sha256"] == hashlib.sha256(words.encode()).hexdigest()


def test_who_still_needs_access_is_looked_at_every_six_months(office: Office) -> None:
    office.do(lambda tx: bring_later_end(tx, office))
    first, hub = date(2022, 10, 11), representative("DOL-HUB")
    assert office.clocks("review of who needs access") == [("DR-0034/wren", first)]
    for actor, why in (("wren", "nobody reviews"), ("olga", "does not speak"), (representative("SDE"), "does not")):
        with pytest.raises(Refused, match=why):
            office.do(lambda tx, by=actor: people.review_access(tx, "DR-0034", "wren", needed=True, actor=by))
    office.day = DAY + timedelta(days=40)
    office.do(lambda tx: people.review_access(tx, "DR-0034", "wren", needed=True, actor=hub))
    assert office.clocks("review of who needs access") == [("DR-0034/wren", date(2022, 11, 21))]
    assert office.rules("wren") == []
    office.do(lambda tx: people.review_access(tx, "DR-0034", "wren", needed=False, actor=hub))
    assert office.rules("wren") == ["suspended"]
    assert office.clocks("review of who needs access") == []


def test_a_party_for_which_nobody_speaks_is_named_until_it_designates_somebody(office: Office) -> None:
    sde, what = representative("SDE"), "a current Representative"
    assert office.clocks(what) == []
    office.do(lambda tx: people.suspend(tx, "DR-0034", sde, "DSA VI.F", "olga"))
    assert office.clocks(what) == [("DR-0034/SDE", SIGNED)]
    with pytest.raises(Refused, match="does not speak for SDE"):
        designate(office, "wren", DAY)
    office.enlist("sam", Role.STEWARD, "office", "SDE", agency="SDE")
    designate(office, "sam", DAY)
    with office.store.view() as view:
        assert people.representative(view, "DR-0034", "SDE") == "sam"
        assert [paper.names for paper in papers.versions(view, "representative", "DR-0034", "SDE")] == [sde, "sam"]
    assert office.clocks(what) == []


@pytest.mark.parametrize(("told_after", "outcome"), [(0, "told"), (14, "told"), (15, "late")])
def test_a_change_is_told_within_ten_business_days(office: Office, told_after: int, outcome: str) -> None:
    since = date(2022, 4, 18)  # the tenth business day after it is 2 May
    office.day = since + timedelta(days=told_after)
    designate(office, representative("DOL"), since, party="DOL")
    with office.store.view() as view:
        entry = [*view.entries(action="people.representative")][-1]
    assert (entry["outcome"], entry["details"]["told"]) == (outcome, ["SDE", "DOL-HUB", "WESTED"])


def designate(office: Office, person: str, since: date, party: str = "SDE") -> None:
    office.do(lambda tx: people.designate(tx, "DR-0034", party, person, pretend(), since, "olga"))


def bring_later_end(tx: Transaction, office: Office) -> None:
    """Extend the agreement, so that a review falls due before it ends."""
    known = replace(of(tx, office.project), extensions=(Extension(FAR, DAY),))
    tx.write(known, Entry("olga", "test", office.project, office.project))
