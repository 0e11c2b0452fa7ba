"""DSA II.H: a file that its agency takes back is destroyed by its own key, and certified; what else is held stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from enclave import destruction, intake, people
from enclave.destruction import Certificate, Destruction, Scope, take_back
from enclave.errors import EnclaveError, Invalid, Refused
from enclave.people import Listing, Person
from enclave.terms import Action, Role, listen

DR = "DR-0034"
SDE = "SDE.0034.04_11_2022.matching"
DOL = "DOL.0034.04_11_2022.matching"
WAGES = "DOL.0034.04_11_2022.analytical"


@pytest.fixture
def held(world: Any) -> Any:
    """A hub that holds three files; the one of the state's education agency is taken back."""
    with world.store.transaction() as tx:
        known = Person("olga", "Invented olga", "Staff", "OPM", "olga@example.org", "555-0100", True)
        people.enlist(tx, known, Listing("olga", DR, Role.OPM, "office"), "opm")
    persons = world.people("DOL", 20)
    world.sde = world.send(SDE, world.people("SDE", 20))
    world.others = world.send(DOL, persons), world.send(WAGES, world.wages(persons))
    return world


def taken(world: Any, id: str = "", why: str = "") -> Certificate:
    return take_back(world.store, world.keystore, world.settings, world.admission(), id or world.sde.id, why)


def opens(world: Any, holding: intake.Holding) -> bool:
    plain = world.root / "attempt"
    try:
        intake.open_holding(world.keystore, world.settings, holding, plain)
    except Refused:
        return False
    plain.unlink()
    return True


def actions(world: Any, prefix: str) -> list[str]:
    with world.store.view() as view:
        return [entry["action"] for entry in view.entries() if entry["action"].startswith(prefix)]


def copied(world: Any, folder: Path, *names: str) -> None:
    for name in names:
        shutil.copytree(world.root / name, folder / name, dirs_exist_ok=True)


def test_its_key_goes_and_a_copy_of_it_does_not_open_while_every_other_file_does(held: Any, tmp_path: Path) -> None:
    copied(held, tmp_path / "copy", "home/sealed")
    taken(held)
    with held.store.view() as view:
        assert {each.id for each in intake.holdings(view, DR)} == {each.id for each in held.others}
    assert held.sde.key_id not in held.keystore.named() and not (held.settings.sealed / held.sde.sealed).exists()
    assert not (held.settings.keys / f"{held.sde.key_id}.kek").exists()
    shutil.copytree(tmp_path / "copy" / "home/sealed", held.settings.sealed, dirs_exist_ok=True)
    assert (held.settings.sealed / held.sde.sealed).exists() and not opens(held, held.sde)
    assert all(opens(held, each) for each in held.others)


def test_its_agency_reads_the_file_the_proof_and_what_stays_in_a_certificate_that_nobody_has_to_sign(
    held: Any,
) -> None:
    certificate = taken(held)
    assert certificate.scope == f"A file that an agency sent, taken back (SDE: {SDE})"
    assert (certificate.files_deleted, certificate.due_on) == (1, None)
    (proof,) = certificate.proofs
    assert proof.key_id == held.sde.key_id and len(proof.file_sha256) == 64
    assert "its key has been destroyed" in proof.attempt
    stays = {each.what: each.until for each in certificate.outside}
    assert (
        stays["Resultant Data and derived data"] == "2022-08-31" and "Links that a match has found with it" in stays
    )
    with held.store.view() as view:
        (record,) = view.find(Destruction)
        entries = {entry["action"]: entry for entry in view.entries()}
        assert destruction.due(view, view.today, DR) == [
            due for due in destruction.due(view, view.today) if due.scope
        ]
    assert (record.key, record.scope, record.transmittal) == ("DR-0034/transmittal/1", Scope.TRANSMITTAL, held.sde.id)
    page = destruction.issued(held.settings, record, destruction.Form.PAGE).decode()
    assert SDE in page and "no signature is waited for" in page and "within 3 working days" not in page
    assert "completely destroyed" not in page and "Signature of" not in page  # that would say too much
    assert entries["destruction.begin"]["details"]["sha256"] == held.sde.sha256
    assert entries["destruction.done"]["details"]["keys"] == [held.sde.key_id]
    assert (entries["intake.withdraw"]["object"], entries["intake.withdraw"]["details"]["told"]) == (
        held.sde.id, ["SDE"],
    )  # fmt: skip


def test_only_who_may_receive_takes_back_and_only_what_is_held_of_the_project(held: Any) -> None:
    tools = held.store, held.keystore, held.settings
    held.agree("DR-0035")
    with pytest.raises(Refused) as caught:
        take_back(*tools, held.admission(action=Action.MATCH), held.sde.id)
    assert [finding.rule for finding in caught.value.findings] == ["admission"]
    for admission, id in ((held.admission("DR-0035"), held.sde.id), (held.admission(), "no-such-file")):
        with pytest.raises(Invalid) as none:
            take_back(*tools, admission, id)
        assert [finding.rule for finding in none.value.findings] == ["no-holding"]
    assert opens(held, held.sde) and actions(held, "destruction") == ["destruction.refuse"]
    taken(held)
    with pytest.raises(Invalid):
        taken(held)


@pytest.mark.parametrize(
    "label", ["destruction.begun", "destruction.shredded", "destruction.deleted", "store.after-commit"]
)
def test_what_stops_half_way_is_finished_at_the_next_start(held: Any, label: str) -> None:
    class Stopped(BaseException):
        """The process ends here."""

    def stop(here: str) -> None:
        if here == label:
            raise Stopped

    listen(stop)
    try:
        with pytest.raises(Stopped):
            taken(held)
    finally:
        listen(lambda here: None)
    intake.recover(held.settings, held.store, held.keystore)
    (certificate,) = destruction.recover(held.store, held.keystore, held.settings).finished
    assert SDE in certificate.scope and len(certificate.proofs[0].file_sha256) == 64
    assert not opens(held, held.sde) and all(opens(held, each) for each in held.others)
    assert actions(held, "intake.withdraw") == ["intake.withdraw"]


@pytest.mark.parametrize("half", [("keys", "home"), ("keys",), ("home",)])
def test_what_a_backup_brings_back_of_it_is_destroyed_again(held: Any, tmp_path: Path, half: tuple[str, ...]) -> None:
    """Whole, the folder of keys alone, the sealed files and wrapped keys alone."""
    kept = {"keys": ["keys"], "home": ["home/sealed", "home/wraps"]}
    for part in ("keys", "home"):
        copied(held, tmp_path / "backup", *kept[part])
    taken(held)
    for part in half:
        for name in kept[part]:
            shutil.copytree(tmp_path / "backup" / name, held.root / name, dirs_exist_ok=True)
    assert opens(held, held.sde) is (len(half) == 2)
    destruction.recover(held.store, held.keystore, held.settings)
    intake.recover(held.settings, held.store, held.keystore)
    shutil.copytree(tmp_path / "backup" / "home/sealed", held.settings.sealed, dirs_exist_ok=True)
    assert not opens(held, held.sde) and all(opens(held, each) for each in held.others)


def test_a_key_that_is_gone_for_good_is_told_with_the_command_that_says_so(held: Any) -> None:
    (held.settings.keys / f"{held.sde.key_id}.kek").unlink()
    with pytest.raises(Refused) as caught:
        taken(held)
    (finding,) = caught.value.findings
    assert finding.rule == "key-not-there"
    assert f"enclave intake withdraw {DR} {held.sde.id} --key-lost REASON" in finding.next
    assert "was lost before it could be destroyed" in taken(held, why="The disk of the keys died.").method


@pytest.mark.parametrize("scope", [Scope.MATCH, Scope.PROJECT])
def test_match_data_and_a_project_go_with_the_keys_of_their_files(held: Any, scope: Scope) -> None:
    admission = held.admission(person="olga", action=Action.DESTROY)
    verb = destruction.destroy if scope is Scope.PROJECT else destruction.destroy_match_data
    certificate = verb(held.store, held.keystore, held.settings, admission)
    matching, analytical = held.others
    gone = {held.sde.key_id, matching.key_id} | ({analytical.key_id} if scope is Scope.PROJECT else set())
    assert gone == {proof.key_id for proof in certificate.proofs if proof.file_sha256}
    assert not opens(held, held.sde) and not opens(held, matching)
    assert opens(held, analytical) is (scope is Scope.MATCH)


def test_the_key_of_a_file_whose_wrapped_key_is_lost_goes_too(held: Any) -> None:
    """A copy of the wrapped key may lie in a backup of the home."""
    (held.keystore.wraps / f"{held.sde.key_id}.wrap").unlink()
    admission = held.admission(person="olga", action=Action.DESTROY)
    destruction.destroy_match_data(held.store, held.keystore, held.settings, admission)
    assert list(held.settings.keys.glob("match-*.kek")) == []


def test_no_key_that_a_project_ever_had_may_come_back_after_its_end(held: Any, tmp_path: Path) -> None:
    """A file taken back, match data, then all: a backup of the folder of keys brings half of each."""
    copied(held, tmp_path / "backup", "keys")
    taken(held)
    admission = held.admission(person="olga", action=Action.DESTROY)
    for verb in (destruction.destroy_match_data, destruction.destroy):
        verb(held.store, held.keystore, held.settings, admission)
    shutil.copytree(tmp_path / "backup" / "keys", held.settings.keys, dirs_exist_ok=True)
    destruction.recover(held.store, held.keystore, held.settings)
    assert list(held.settings.keys.glob("*.kek")) == []


def test_a_file_turned_away_at_the_last_moment_leaves_no_key(world: Any) -> None:
    """Its agency sends two at once; what was sealed of the second is gone with its key, and the first opens."""
    one = world.seal(world.write(SDE, world.people("SDE", 20)))
    two = world.seal(world.write("SDE.0034.04_18_2022.matching", world.people("SDE", 21)))
    first: list[intake.Holding] = []

    def meanwhile(label: str) -> None:
        if label == "intake.sealed":
            listen(lambda here: None)
            first.append(world.receive(one))

    listen(meanwhile)
    try:
        with pytest.raises(EnclaveError) as caught:
            world.receive(two)
    finally:
        listen(lambda here: None)
    assert [finding.rule for finding in caught.value.findings] == ["already-held"]
    assert world.keystore.named() == [first[0].key_id] and opens(world, first[0])
    assert [path.stem for path in world.settings.keys.glob("*.kek")] == [first[0].key_id]
