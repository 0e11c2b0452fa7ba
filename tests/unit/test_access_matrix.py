"""The program holds every combination of role, action, and states of agreement, project and person to the table.

Source: DSA VI.E; DSA III.F.2; EM II; DSA XI; DSA VI.F; ExC; ExA 2.h.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from shutil import copyfile

import pytest

from enclave import agreement, papers, people
from enclave.agreement import Signature, compile_agreement
from enclave.clauses import clauses
from enclave.ledger import Entry
from enclave.people import Hold, Listing, Person
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store, Transaction
from enclave.terms import ANALYSTS, Action, Role
from tests.parties import JOINED, ask, attach, let_in, pretend, record, representative, say_yes
from tests.unit import access
from tests.unit.access import AGREEMENTS, PEOPLE, PROJECTS

DR = "DR-0034"
AGENCIES = ("SDE", "DOL")
SIGNED, DAY, ENDED = date(2022, 4, 1), date(2022, 4, 11), date(2022, 9, 1)


def enlist(tx: Transaction, id: str, role: Role, state: str) -> None:
    """List a person in a state."""
    person = Person(id, f"Invented {id}", "Staff", "WestEd", f"{id}@example.org", "555-0100", True)
    people.enlist(tx, person, Listing(id, DR, role, "2.g"), "olga")
    if state == "listed, without papers":
        return
    signed_on = date(2021, 3, 1) if state == "Exhibit C has run out" else SIGNED
    verified = role is Role.HUB_STAFF and state != "employment by the State not verified"
    if state == "training has run out":
        if people.signs_exhibits(people.listing_of(tx, DR, id)):
            record(tx, DR, id, "BC", signed_on=signed_on)
        papers.add(tx, "training", pretend(), "olga", about=id, since=JOINED, until=date(2022, 3, 1))
        if verified:
            attested = papers.add(tx, "government-status", pretend(), "the-employer", about=id, since=JOINED)
            papers.look_at(tx, attested.key, "olga")
    else:
        let_in(tx, DR, id, government=verified, signed_on=signed_on, actor="olga")
    approving = AGENCIES[:1] if state == "one agency has not approved" else AGENCIES
    for agency in approving if role in ANALYSTS else ():
        people.approve(tx, DR, id, agency, representative(agency))
    if state == "an approval withdrawn" and role in ANALYSTS:
        people.withdraw(tx, DR, id, "DOL", representative("DOL"))
    if state == "suspended":
        people.suspend(tx, DR, id, "DSA VI.F", "olga")


def who(role: Role, state: str) -> str:
    return f"{role.value}-{[each.name for each in PEOPLE].index(state)}"


def sign(tx: Transaction, *parties: str) -> None:
    for party in parties:
        agreement.sign(tx, DR, Signature(party, "Representative", SIGNED), "olga")
        people.designate(tx, DR, party, representative(party), pretend(), SIGNED, "olga")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a registry with a person of every role in every state, and one signature missing."""
    path = tmp_path_factory.mktemp("access") / "enclave.db"
    store = Store(f"sqlite:///{path}", lambda: DAY)
    policy = compile_agreement(PACKAGED_POLICIES, DR)
    with store.transaction() as tx:
        ask(tx, policy)
        for agency in policy.agencies:
            say_yes(tx, DR, agency)
        attach(tx, policy)
        sign(tx, *policy.signatories[:-1])
        for role in access.MAY:
            for state in PEOPLE:
                if state.name != "not listed":
                    enlist(tx, who(role, state.name), role, state.name)
    store.close()
    return path


def destroy(tx: Transaction) -> None:
    entry = Entry("olga", "destruction.done", DR, DR, "DSA VI.H")
    tx.write(replace(agreement.of(tx, DR), destroyed_on=ENDED), entry)


LEADS_TO: dict[str, tuple[date, Callable[[Transaction], object] | None]] = {
    "in force": (DAY, None),
    "a signature is missing": (DAY, None),
    "signed, not yet effective": (date(2022, 3, 31), None),
    "ended": (ENDED, None),
    "ended, its data destroyed": (ENDED, destroy),
    "an agency left the Enterprise MOU": (DAY, lambda tx: people.leave(tx, "DOL", "olga", breach=True)),
    "running": (DAY, None),
    "stopped": (DAY, lambda tx: people.place(tx, Hold(DR, f"project {DR}", JOINED, "DSA VI.F", "olga"))),
    "an agency's data stopped": (
        DAY,
        lambda tx: people.place(tx, Hold("", "agency SDE", JOINED, "EM A1.2", "olga", "SDE")),
    ),
}


@pytest.mark.parametrize("project", PROJECTS, ids=lambda state: state.name)
@pytest.mark.parametrize("standing", AGREEMENTS, ids=lambda state: state.name)
def test_every_role_action_and_person_is_answered_as_the_table_says(
    office: Path, tmp_path: Path, standing: access.State, project: access.State
) -> None:
    copyfile(office, tmp_path / "enclave.db")
    day, leads = LEADS_TO[standing.name]
    if standing.name != "a signature is missing":
        with closing(Store(f"sqlite:///{tmp_path / 'enclave.db'}", lambda: DAY)) as store, store.transaction() as tx:
            sign(tx, agreement.of(tx, DR).policy.signatories[-1])
    store = Store(f"sqlite:///{tmp_path / 'enclave.db'}", lambda: day)
    with store.transaction() as tx:
        for step in (leads, LEADS_TO[project.name][1]):
            if step is not None:
                step(tx)
    wrong = []
    with store.view() as view:
        for role in access.MAY:
            for state in PEOPLE:
                for action in Action:
                    found = people.reasons_against(view, who(role, state.name), action, DR)
                    assert all(finding.clause and finding.next for finding in found)
                    rules = sorted(finding.rule for finding in found)
                    if rules != (told := access.expected(role, action, standing, project, state)):
                        wrong.append(f"{role} {action} {state.name}: {rules}, not {told}")
    store.close()
    assert not wrong


def test_the_table_names_every_role_and_every_clause_of_it_exists() -> None:
    assert {*access.MAY, Role.CLOCK} == set(Role)
    assert {**access.MAY, Role.CLOCK: {Action.DESTROY}} == people.PERMITTED
    assert {state.clause for state in (*AGREEMENTS, *PROJECTS, *PEOPLE)} - {""} <= set(clauses())


def test_the_page_is_the_table() -> None:
    assert access.PAGE.read_text("utf-8") == access.page()
