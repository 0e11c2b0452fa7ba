"""What becomes of a file in an inbox: who is told that it came, when it leaves, and what its sender can read."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enclave import intake, people
from enclave.destruction import take_back
from enclave.errors import EnclaveError, Refused
from enclave.ledger import Entry, Receipt, verify_receipt
from enclave.terms import Action
from enclave.vault import LedgerKey
from enclave.vault.keys import write_keys
from tests.intake.test_inbox import keys, session
from tests.intake.test_receiving import DOL, SDE, rules
from tests.intake.test_receiving_crash import kill_at

__all__ = ["keys"]  # a fixture
DR = "DR-0034"


def arrive(world: Any, sealed: Path) -> Path:
    """Put a sealed file where the server of the inboxes puts it."""
    folder = world.settings.home / "inbox" / sealed.name.split(".")[0]
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(sealed, folder / sealed.name))


def flawed(world: Any, name: str = SDE) -> Path:
    """Give a file of which two lines name one person."""
    rows = world.people("SDE", 20)
    return Path(world.seal(world.write(name, [*rows, rows[3]])))


def refused(world: Any, sealed: Path) -> EnclaveError:
    with pytest.raises(EnclaveError) as caught:
        world.receive(sealed)
    return caught.value


def entries(world: Any, action: str) -> list[Any]:
    with world.store.view() as view:
        return list(view.entries(action=action))


def answers(world: Any, source: str = "SDE") -> list[Any]:
    with world.store.view() as view:
        return intake.answers(view, DR, source)


def test_a_file_that_is_received_leaves_the_inbox_and_its_digest_stays(world: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    held = world.receive(arrive(world, sealed))
    assert intake.waiting(world.settings) == []
    (entry,) = entries(world, "intake.receive")
    assert (entry["seq"], entry["details"]["told"], held.sent_as) == (held.entry, ["SDE"], sealed.name)
    assert entry["details"]["file_sha256"] == hashlib.sha256(sealed.read_bytes()).hexdigest()


def test_a_file_that_is_turned_away_leaves_and_its_findings_stay_until_one_is_accepted(world: Any) -> None:
    error = refused(world, arrive(world, flawed(world)))
    assert intake.waiting(world.settings) == []
    (away,) = answers(world)
    assert away.findings == error.findings and "line" in away.findings[0].where
    assert answers(world, "DOL") == []
    (entry,) = entries(world, "intake.refuse")
    assert (entry["seq"], entry["details"]["told"]) == (away.entry, ["SDE"])
    held = world.receive(arrive(world, world.seal(world.write(SDE, world.people("SDE", 20)))))  # the same name again
    assert answers(world) == [held]


@pytest.mark.parametrize("against", ["already-held", "sender-known", "project", "suspended"])
def test_what_stands_against_a_file_without_lying_in_it_leaves_it_waiting(world: Any, against: str) -> None:
    admission = world.admission()
    sealed = world.seal(world.write("SDE.0034.04_18_2022.matching", world.people("SDE", 20)))
    if against == "already-held":
        world.send(SDE, world.people("SDE", 20))
    if against == "sender-known":
        with world.store.transaction() as tx:
            tx.delete(intake.sender_key(tx, "SDE"), Entry("opm", "intake.register-key", "SDE"))
    if against == "project":
        world.agree("DR-0035")
        admission = world.admission("DR-0035")
    if against == "suspended":
        with world.store.transaction() as tx:
            people.place(tx, people.Hold(DR, "a pause", world.today[0], "DSA VI.H", "opm"))
    here = arrive(world, sealed)
    with pytest.raises(Refused) as caught:
        world.receive(here, admission)
    assert against in rules(caught.value)
    assert intake.waiting(world.settings) == [here]
    (entry,) = entries(world, "intake.refuse")
    assert entry["details"]["told"] == [] and not [a for a in answers(world) if isinstance(a, intake.TurnedAway)]


def test_a_better_file_takes_the_place_of_one_that_is_withdrawn_under_the_same_name_too(world: Any) -> None:
    held = world.receive(arrive(world, world.seal(world.write(SDE, world.people("SDE", 20)))))
    better = arrive(world, world.seal(world.write(SDE, world.people("SDE", 21))))
    assert held.id in refused(world, better).findings[0].next
    with pytest.raises(Refused):
        take_back(world.store, world.keystore, world.settings, world.admission(action=Action.MATCH), held.id)
    take_back(world.store, world.keystore, world.settings, world.admission(), held.id)
    (entry,) = entries(world, "intake.withdraw")
    assert entry["details"]["told"] == ["SDE"]
    assert world.receive(better).rows == 21


def test_killed_after_the_record_the_file_leaves_at_the_next_start(world: Any) -> None:
    write_keys(world.hub, world.root)
    here = arrive(world, world.seal(world.write(SDE, world.people("SDE", 20))))
    kill_at(world, here, "store.after-commit")
    assert intake.waiting(world.settings) == [here]
    intake.recover(world.settings, world.store, world.keystore)
    assert intake.waiting(world.settings) == []
    away = arrive(world, world.seal(world.write(DOL, [*(rows := world.people("DOL", 20)), rows[3]])))
    kill_at(world, away, "store.after-commit")
    assert intake.waiting(world.settings) == [away]
    intake.recover(world.settings, world.store, world.keystore)
    assert intake.waiting(world.settings) == [] and len(answers(world, "DOL")) == 1


def test_the_very_file_sent_once_more_is_another_arrival(world: Any) -> None:
    sealed = flawed(world)
    refused(world, arrive(world, sealed))
    again = arrive(world, sealed)
    intake.recover(world.settings, world.store, world.keystore)
    assert intake.waiting(world.settings) == [again]
    assert [path.name for path in intake.notice(world.settings, world.store, "SDE")] == [sealed.name]


def test_what_arrives_is_entered_once(world: Any) -> None:
    here = arrive(world, world.seal(world.write(SDE, world.people("SDE", 20))))
    assert intake.notice(world.settings, world.store, "SDE") == [here]
    assert intake.notice(world.settings, world.store, "SDE") == []
    (entry,) = entries(world, "intake.arrive")
    assert (entry["object"], entry["project"], entry["details"]["source"]) == (here.name, DR, "SDE")


def test_a_sender_reads_the_receipt_and_the_findings_in_its_folder_and_nothing_else(
    world: Any, keys: Callable[[str], Path], tmp_path: Path
) -> None:
    key, name = LedgerKey.open(world.settings.keys, "test/ledger"), f"{SDE}.sealed"
    error = refused(world, arrive(world, flawed(world)))
    world.receive(arrive(world, world.seal(world.write("SDE.0034.04_12_2022.matching", world.people("SDE", 20)))))
    assert len(intake.give_receipts(world.settings, world.store, key)) == 2
    assert intake.give_receipts(world.settings, world.store, key) == []

    get = [f"get {name}.receipt.json {tmp_path}/one\n", f"get {name}.findings.json {tmp_path}/two\n"]
    outcomes = session(world, *[("SDE", keys("SDE"), batch) for batch in get])
    assert [status for status, _ in outcomes] == [0, 0], outcomes
    entry = verify_receipt(Receipt.model_validate_json((tmp_path / "one").read_text("utf-8")), key.verifier)
    assert (entry["action"], entry["outcome"]) == ("intake.refuse", "refused")
    assert json.loads((tmp_path / "two").read_text("utf-8")) == [finding.as_dict() for finding in error.findings]

    other, mine = tmp_path / "mine", f"/{name}.receipt.json"
    other.write_text("{}", "utf-8")
    tries = (
        ("SDE", f"put {other} {name}.receipt.json\n"),
        ("SDE", f"rm {name}.receipt.json\n"),
        ("SDE", f"rename {name}.receipt.json x\n"),
        ("DOL", f"get ../SDE{mine} {tmp_path}/stolen\n"),
        ("DOL", f"get {name}.receipt.json {tmp_path}/stolen\n"),
    )
    before = (world.settings.home / "inbox" / "SDE" / f"{name}.receipt.json").read_bytes()
    outcomes = session(world, *[(agency, keys(agency), batch) for agency, batch in tries])
    assert all(status for status, _ in outcomes), outcomes
    assert (world.settings.home / "inbox" / "SDE" / f"{name}.receipt.json").read_bytes() == before
    assert not (tmp_path / "stolen").exists()
