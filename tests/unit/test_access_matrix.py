"""The program holds every combination of role, action, and states of agreement, project and person to the table.

Source: DSA VI.E; DSA III.F.2; EM II; DSA XI; DSA VI.F; ExC; ExA 2.h.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from enclave import agreement, board, papers, people
from enclave.agreement import Policy, Signature, compile_agreement
from enclave.agreement.model import ReviewBoard
from enclave.board import MotionKind
from enclave.clauses import clauses
from enclave.errors import Refused
from enclave.ledger import Entry
from enclave.people import Hold, Person
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store, Transaction
from enclave.terms import ANALYSTS, Action, Role
from enclave.web import access as web
from tests import registry
from tests.parties import FAR, JOINED, ask, attach, listed, pretend, record, representative, say_yes, vote
from tests.unit import access
from tests.unit.access import AGREEMENTS, PEOPLE, PROJECTS

DR = "DR-0034"
AGENCIES = ("SDE", "DOL")
SIGNED, DAY, ENDED = date(2022, 4, 1), date(2022, 4, 11), date(2022, 9, 1)
LONG_AGO, NOTICE_OVER = date(2022, 3, 1), date(2022, 6, 11)


def enlist(tx: Transaction, id: str, role: Role, state: str) -> None:
    """List a person in a state."""
    office = "An Invented Contractor" if "signs nothing" in state else "WestEd"
    listing = listed(id, DR, role)
    if state == "the purpose has ended" and listing.until:
        listing = replace(listing, until=LONG_AGO)
    person = Person(id, f"Invented {id}", "Staff", office, f"{id}@example.org", "555-0100", True)
    people.enlist(tx, person, listing, "olga")
    if state == "listed, without papers":
        return
    if people.signs_exhibits(people.listing_of(tx, DR, id)):
        if state != "Exhibit B is not signed":
            record(tx, DR, id, "B")
        record(tx, DR, id, "C", signed_on=date(2021, 3, 1) if state == "Exhibit C has run out" else SIGNED)
    trained_until = LONG_AGO if state == "training has run out" else FAR
    papers.add(tx, "training", pretend(), "olga", about=id, since=JOINED, until=trained_until)
    if role is Role.HUB_STAFF and state != "employment by the State not verified":
        attested = papers.add(tx, "government-status", pretend(), "the-employer", about=id, since=JOINED)
        papers.look_at(tx, attested.key, "olga")
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
    home = tmp_path_factory.mktemp("access")
    store = Store(registry.address(home), lambda: DAY)
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
    return home


def destroy(tx: Transaction) -> None:
    entry = Entry("olga", "destruction.done", DR, DR, "DSA VI.H")
    tx.write(replace(agreement.of(tx, DR), destroyed_on=ENDED), entry)


OPM = who(Role.OPM, PEOPLE[0].name)


def amend(tx: Transaction, **change: object) -> None:
    """Have all who must agree to other terms."""
    policy = agreement.of(tx, DR).policy
    terms = policy.model_copy(update={"agreement": policy.agreement.model_copy(update=change)})
    admission = people.may(tx, representative("SDE"), Action.DECIDE, DR)
    motion = board.amend(tx, admission, Policy.model_validate(terms.model_dump()), "An invented reason.")
    for party in board.voters(tx, motion):
        vote(tx, DR, party, MotionKind.MODIFICATION)


def add_an_agency(tx: Transaction) -> None:
    parties = agreement.of(tx, DR).policy.agreement.parties
    third = parties[0].model_copy(update={"code": "CSCU", "name": "Colleges"})
    people.join(tx, third.code, JOINED, OPM)
    login = representative(third.code)
    person = Person(login, f"Invented {login}", "Staff", third.code, f"{login}@example.org", "555-0100", True)
    people.enlist(tx, person, replace(listed(login, DR, Role.STEWARD), agency=third.code), "olga")
    amend(tx, parties=(*parties, third))


def give_notice(tx: Transaction) -> None:
    board.terminate(tx, people.may(tx, representative("SDE"), Action.DECIDE, DR), "An invented reason.")


LEADS_TO: dict[str, tuple[date, Callable[[Transaction], object] | None]] = {
    "in force": (DAY, None),
    "a signature is missing": (DAY, None),
    "signed, not yet effective": (date(2022, 3, 31), None),
    "an amendment added an agency that has not signed": (DAY, add_an_agency),
    "an amendment asks for a review board that has not approved": (
        DAY,
        lambda tx: amend(tx, review_board=ReviewBoard(needed=True, why="Persons are asked.")),
    ),
    "a party gave notice, and sixty days are over": (NOTICE_OVER, give_notice),
    "ended": (ENDED, None),
    "ended, its data destroyed": (ENDED, destroy),
    "an agency left the Enterprise MOU": (DAY, lambda tx: people.leave(tx, "DOL", OPM, breach=True)),
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
    home = shutil.copytree(office, tmp_path / "home")
    registry.copy(of=office, to=home)
    day, leads = LEADS_TO[standing.name]
    with closing(Store(registry.address(home), lambda: DAY)) as store, store.transaction() as tx:
        if standing.name != "a signature is missing":
            sign(tx, agreement.of(tx, DR).policy.signatories[-1])
        for step in (leads, LEADS_TO[project.name][1]):
            if step is not None:
                step(tx)
    store = Store(registry.address(home), lambda: day)
    wrong = []
    with store.view() as view:
        for role in access.MAY:
            for state in PEOPLE:
                for action in Action:
                    found = people.reasons_against(view, who(role, state.name), action, DR)
                    assert all(finding.next for finding in found)
                    rules = sorted((finding.rule, finding.clause) for finding in found)
                    if rules != (told := access.expected(role, action, standing, project, state)):
                        wrong.append(f"{role} {action} {state.name}: {rules}, not {told}")
    store.close()
    assert not wrong


def test_the_table_names_every_role_and_every_clause_of_it_exists() -> None:
    assert {*access.MAY, Role.CLOCK} == set(Role)
    assert {**access.MAY, Role.CLOCK: {Action.DESTROY}} == people.PERMITTED
    cited = {clause for state in (*AGREEMENTS, *PROJECTS, *PEOPLE) for clause in state.clauses}
    assert {*cited, access.ROLE[1], *(each.clause for each in access.PROGRAMME)} <= set(clauses())
    assert {each.name for each in access.PROGRAMME} == DONE.keys()


DONE: dict[str, Callable[[Transaction, str], object]] = {
    "reading what is entered of no project": web.audits,
    "recording that an agency signed the Enterprise MOU": lambda tx, actor: people.join(tx, "CSCU", DAY, actor),
    "recording that an agency leaves it": lambda tx, actor: people.leave(tx, "DOL", actor),
}


@pytest.mark.parametrize("what", access.PROGRAMME, ids=lambda what: what.name)
def test_what_is_of_no_project_is_done_by_whom_the_table_says(
    office: Path, tmp_path: Path, what: access.OfNoProject
) -> None:
    home = shutil.copytree(office, tmp_path / "home")
    registry.copy(of=office, to=home)
    wrong = []
    with closing(Store(registry.address(home), lambda: DAY)) as store:
        for role, state in product(access.MAY, PEOPLE):
            found = []
            try:
                with store.transaction() as tx:
                    DONE[what.name](tx, who(role, state.name))
            except Refused as error:
                found = [(each.rule, each.clause) for each in error.findings]
            if found != ([] if what.open_to(role, state) else [(what.rule, what.clause)]):
                wrong.append(f"{role} {state.name}: {found}")
    assert not wrong


def test_the_page_is_the_table() -> None:
    assert access.PAGE.read_text("utf-8") == access.page()
