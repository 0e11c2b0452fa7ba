"""Who is let in, by whom and until when, and every reason that ends it; `test_access_matrix` has who may do what.

Source: DSA VI.E; DSA III.F.1; ExA 2.g; ExA 2.h; ExC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from enclave import people
from enclave.errors import Invalid, Refused
from enclave.ledger import Entry
from enclave.people import Hold, Listing, Person
from enclave.store import Store
from enclave.terms import Action, Role
from tests import registry
from tests.parties import JOINED, keeper, let_in, listed, representative

DAY, SIGNED = date(2022, 4, 11), date(2022, 4, 1)


class Office:
    """A store with DR-0034 in force, and the calendar day."""

    def __init__(self, home: Path) -> None:
        self.day = DAY
        self.store = Store(registry.address(home), lambda: self.day)

    def enlist(
        self, id: str, role: Role, *, signed_on: date | None = SIGNED, approvals: tuple[str, ...] = ("SDE", "DOL")
    ) -> None:
        person = Person(id, f"Invented {id}", "Staff", "WestEd", f"{id}@example.org", "555-0100", True)
        with self.store.transaction() as tx:
            people.enlist(tx, person, listed(id, "DR-0034", role), "olga")
            if signed_on:
                let_in(tx, "DR-0034", id, government=role is Role.HUB_STAFF, signed_on=signed_on, actor="olive")
            for agency in approvals:
                people.approve(tx, "DR-0034", id, agency, representative(agency))

    def rules(self, person: str, action: Action, project: str = "DR-0034") -> list[str]:
        with self.store.view() as view:
            return [finding.rule for finding in people.reasons_against(view, person, action, project)]


@pytest.fixture
def office(in_force: Path) -> Iterator[Office]:
    made = Office(in_force)
    yield made
    made.store.close()


def lose_an_approval(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, approvals=("SDE",))


def have_an_approval_withdrawn(office: Office) -> None:
    with office.store.transaction() as tx:
        people.withdraw(tx, "DR-0034", "wren", "DOL", representative("DOL"))


def let_exhibit_c_run_out(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, signed_on=date(2021, 4, 10))


def end_the_project(office: Office) -> None:
    office.day = date(2022, 9, 1)


def come_too_early(office: Office) -> None:
    office.day = date(2022, 3, 31)


def suspend(office: Office) -> None:
    with office.store.transaction() as tx:
        people.suspend(tx, "DR-0034", "wren", "DSA VI.F", "olga")


def hold(office: Office) -> None:
    with office.store.transaction() as tx:
        people.place(tx, Hold("DR-0034", "project DR-0034", DAY, "DSA VI.F", "olga"))


def end_a_membership(office: Office) -> None:
    with office.store.transaction() as tx:
        people.leave(tx, "DOL", keeper(tx, "DR-0034"), breach=True)


@pytest.mark.parametrize(
    ("happens", "rule"),
    [
        (end_a_membership, "membership"),
        (lose_an_approval, "approval"),
        (have_an_approval_withdrawn, "approval"),
        (let_exhibit_c_run_out, "exhibit-c"),
        (end_the_project, "project-end"),
        (come_too_early, "effective"),
        (suspend, "suspended"),
        (hold, "suspended"),
    ],
)
def test_every_reason_ends_access(office: Office, happens: Callable[[Office], None], rule: str) -> None:
    office.enlist("wren", Role.RESEARCHER)
    assert office.rules("wren", Action.ANALYSE) == []
    happens(office)
    assert office.rules("wren", Action.ANALYSE) == [rule]


def test_all_reasons_are_told_at_once_with_clause_and_next_step(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, signed_on=None, approvals=())
    suspend(office)
    hold(office)
    end_the_project(office)
    with office.store.view() as view, pytest.raises(Refused) as caught:
        people.may(view, "wren", Action.MATCH, "DR-0034")
    rules = [finding.rule for finding in caught.value.findings]
    assert sorted(rules) == [
        "approval", "exhibit-b", "exhibit-c", "project-end", "role", "suspended", "suspended", "training",
    ]  # fmt: skip
    assert all(finding.clause and finding.next for finding in caught.value.findings)


def test_who_is_not_listed_and_what_is_not_registered(office: Office) -> None:
    assert office.rules("nobody", Action.ANALYSE) == ["not-listed"]
    assert office.rules("nobody", Action.ANALYSE, "DR-0099") == ["unknown-project"]


def test_destruction_and_audit_are_possible_after_the_end(office: Office) -> None:
    office.enlist("olga", Role.OPM, approvals=())
    end_the_project(office)
    hold(office)
    assert [a for a in people.PERMITTED[Role.OPM] if office.rules("olga", a) == []] != []
    assert {a for a in people.PERMITTED[Role.OPM] if office.rules("olga", a) == []} == {
        Action.DESTROY,
        Action.DECIDE,
        Action.AUDIT,
    }


def test_an_admission_ends_with_exhibit_c_or_the_project(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, signed_on=date(2021, 6, 1))
    office.enlist("rae", Role.RESEARCHER)
    with office.store.view() as view:
        ends = [people.may(view, who, Action.ANALYSE, "DR-0034").ends_on for who in ("wren", "rae")]
    assert ends == [date(2022, 6, 1), date(2022, 8, 31)]


def test_nobody_approves_themselves_and_a_listing_is_complete(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER)
    with office.store.transaction() as tx, pytest.raises(Refused, match="own access"):
        people.approve(tx, "DR-0034", "wren", "SDE", "wren")
    person = Person("x", "", "", "Office", "x@example.org", "555", False)
    listing = Listing("x", "DR-0034", Role.AGENCY_ANALYST, "2.h")
    with office.store.transaction() as tx, pytest.raises(Invalid) as caught:
        people.enlist(tx, person, listing, "olga")
    assert [finding.rule for finding in caught.value.findings] == [
        "contact-field",
        "contact-field",
        "purpose",
        "agency",
    ]


NO_PURPOSE = {"purpose": "", "justification": "", "until": None}


@pytest.mark.parametrize(
    ("role", "changed", "rules"),
    [
        (Role.RESEARCHER, {"basis": "2.h"}, ["basis"]),
        (Role.RESEARCHER, {"basis": "9.z"}, ["basis"]),
        (Role.RESEARCHER, {"agency": "SDE"}, ["agency"]),
        (Role.AGENCY_ANALYST, {"basis": "2.g", **NO_PURPOSE}, ["basis", "purpose"]),
        (Role.AGENCY_ANALYST, {"purpose": "d"}, ["purpose"]),
        (Role.AGENCY_ANALYST, {"agency": ""}, ["agency"]),
        (Role.AGENCY_ANALYST, {"agency": "WESTED"}, ["agency"]),
        (Role.HUB_STAFF, {"basis": "office"}, ["basis"]),
        (Role.STEWARD, {"basis": "2.g"}, ["basis"]),
        (Role.STEWARD, {"agency": ""}, ["agency"]),
        (Role.STEWARD, {"agency": "CSCU"}, ["agency"]),
        (Role.OPM, {"agency": "SDE"}, ["agency"]),
        (Role.AUDITOR, {"agency": "SDE"}, ["agency"]),
    ],
)
def test_role_list_purpose_and_agency_belong_together(
    office: Office, role: Role, changed: dict[str, Any], rules: list[str]
) -> None:
    person = Person("x", "Invented x", "Staff", "WestEd", "x@example.org", "555-0100", True)
    right = listed("x", "DR-0034", role)
    with office.store.transaction() as tx, pytest.raises(Invalid) as caught:
        people.enlist(tx, person, replace(right, **changed), "olga")
    assert [finding.rule for finding in caught.value.findings] == rules
    with office.store.transaction() as tx:
        people.enlist(tx, person, right, "olga")


def test_a_member_that_takes_no_part_has_a_steward_and_so_has_who_would_join(office: Office) -> None:
    person = Person("x", "Invented x", "Staff", "CSCU", "x@example.org", "555-0100", True)
    listing = replace(listed("x", "DR-0034", Role.STEWARD), agency="CSCU")
    with office.store.transaction() as tx:
        people.enlist(tx, person, listing, "olga", joining={"CSCU"})
    with office.store.transaction() as tx:
        people.join(tx, "CSCU", DAY, "olga")
        people.enlist(tx, person, listing, "olga")


def test_an_agency_approves_through_its_own_steward(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, approvals=())

    def approve(agency: str, actor: str) -> None:
        with office.store.transaction() as tx:
            people.approve(tx, "DR-0034", "wren", agency, actor)

    for actor in ("olga", representative("DOL"), representative("WESTED")):
        with pytest.raises(Refused, match="does not speak for SDE"):
            approve("SDE", actor)
    with office.store.transaction() as tx:
        people.suspend(tx, "DR-0034", representative("SDE"), "DSA VI.F", "olga")
    with pytest.raises(Refused, match="does not speak for SDE"):
        approve("SDE", representative("SDE"))
    assert office.rules("wren", Action.ANALYSE) == ["approval"]


def test_an_agency_takes_its_approval_back_through_its_own_steward(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER)
    with office.store.transaction() as tx, pytest.raises(Refused, match="does not speak for DOL"):
        people.withdraw(tx, "DR-0034", "wren", "DOL", representative("SDE"))


def test_an_agency_is_a_member_for_three_years_and_leaves_with_thirty_days(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER)
    with office.store.transaction() as tx:
        people.join(tx, "SDE", date(2019, 4, 15), keeper(tx, "DR-0034"))
    office.day = date(2022, 4, 15)
    assert office.rules("wren", Action.ANALYSE) == []
    office.day = date(2022, 4, 16)
    assert office.rules("wren", Action.ANALYSE) == ["membership"]
    with office.store.transaction() as tx:
        with pytest.raises(Refused, match="no member"):
            people.leave(tx, "SDE", keeper(tx, "DR-0034"))
        with pytest.raises(Invalid):
            people.join(tx, "SDE", date(2022, 4, 17), keeper(tx, "DR-0034"))
        people.join(tx, "SDE", date(2022, 4, 16), keeper(tx, "DR-0034"))
        assert people.leave(tx, "SDE", keeper(tx, "DR-0034")).until == date(2022, 5, 16)
    assert office.rules("wren", Action.ANALYSE) == []
    office.day = date(2022, 5, 17)
    assert office.rules("wren", Action.ANALYSE) == ["membership"]


@pytest.mark.parametrize("breach", [False, True])
def test_an_agency_that_left_comes_back_by_a_later_signature_alone(office: Office, breach: bool) -> None:
    office.enlist("wren", Role.RESEARCHER)
    with office.store.transaction() as tx:
        people.join(tx, "SDE", JOINED, keeper(tx, "DR-0034"))  # of the same day: nothing changes
        last = people.leave(tx, "SDE", keeper(tx, "DR-0034"), breach=breach).until
    office.day = last + timedelta(days=1)
    for earlier in (JOINED, last):
        with office.store.transaction() as tx, pytest.raises(Refused, match="not after its last day"):
            people.join(tx, "SDE", earlier, keeper(tx, "DR-0034"))
    assert office.rules("wren", Action.ANALYSE) == ["membership"]
    with office.store.transaction() as tx:
        people.join(tx, "SDE", office.day, keeper(tx, "DR-0034"))
    assert office.rules("wren", Action.ANALYSE) == []


def test_the_operating_group_records_a_membership_and_before_it_is_listed_who_sets_up(office: Office) -> None:
    with office.store.view() as view:
        assert not view.find(Listing, role=Role.OPM) and people.members(view), "they joined before it was listed"
    office.enlist("olga", Role.OPM)
    for actor in ("operator", representative("SDE"), "olga"):
        allowed = nullcontext() if actor == "olga" else pytest.raises(Refused, match="for the Operating Group")
        with allowed, office.store.transaction() as tx:
            assert people.join(tx, "CSCU", office.day, actor).since == office.day
    with office.store.transaction() as tx:
        people.suspend(tx, "DR-0034", "olga", "DSA VI.F", "olga")
        assert people.join(tx, "OHE", office.day, "operator").agency == "OHE", "as where nobody is listed"


def test_a_breach_ends_a_membership_at_once(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER)
    end_a_membership(office)
    assert office.rules("wren", Action.ANALYSE) == ["membership"]
    assert office.rules(representative("DOL"), Action.DECIDE) == []


def test_an_agency_that_never_joined_opens_nothing(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER)
    with office.store.transaction() as tx:
        member = tx.get(people.Membership, "SDE")
        assert member is not None
        tx.delete(member, Entry("olga", "test", "SDE"))
    with office.store.view() as view:
        (finding,) = people.reasons_against(view, "wren", Action.ANALYSE, "DR-0034")
    assert "has not joined" in finding.what


def test_what_was_not_approved_cannot_be_withdrawn(office: Office) -> None:
    office.enlist("wren", Role.RESEARCHER, approvals=("SDE",))
    with office.store.transaction() as tx, pytest.raises(Refused, match="no approval of DOL stands"):
        people.withdraw(tx, "DR-0034", "wren", "DOL", "dora")


def test_an_admission_is_for_what_it_was_given_for(office: Office) -> None:
    office.enlist("sam", Role.STEWARD)
    with office.store.view() as view:
        admission = people.may(view, "sam", Action.AGREE, "DR-0034")
    admission.hold_to(Action.AGREE, "DR-0034")
    for action, project in ((Action.CUT, "DR-0034"), (Action.AGREE, "DR-0035")):
        with pytest.raises(Refused, match="admission"):
            admission.hold_to(action, project)
