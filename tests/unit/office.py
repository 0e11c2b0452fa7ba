"""A registry in which DR-0034 is asked for, or in force: for tests of what its parties decide."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml

from enclave import agreement, matching, people
from enclave.agreement import InForce, Policy, compile_agreement
from enclave.board import Decision, MotionKind, State
from enclave.errors import EnclaveError
from enclave.ledger import Entry
from enclave.matching import MatchRun
from enclave.people import Admission
from enclave.settings import PACKAGED_POLICIES
from enclave.store import Store, Transaction
from enclave.terms import Action
from tests import registry
from tests.parties import (
    ask,
    packaged,
    representative,
    vote,
)

DR, DAY, END = "DR-0034", date(2022, 4, 11), date(2022, 8, 31)
PARTIES = ("SDE", "DOL", "DOL-HUB", "WESTED")
YES, NO, IF = Decision.APPROVAL, Decision.DISAPPROVAL, Decision.CONDITIONAL


class Office:
    """A registry in which DR-0034 can be asked for; `day` is the calendar day."""

    def __init__(self, home: Path) -> None:
        self.day, self.home = DAY, home
        self.policy = packaged(DR)
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
def signed(in_force: Path) -> Iterator[Office]:
    """An agreement in force."""
    made = Office(in_force)
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
