"""DSA VI.H, III.F.3, Exhibit F: erased by key, proven by a failed attempt, certified; the packages survive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from enclave import board, intake, people
from enclave.agreement import compile_agreement
from enclave.destruction import (
    Destruction,
    Recovery,
    destroy,
    destroy_match_data,
    due,
    file_certificate,
    read_certificate,
    recover,
)
from enclave.errors import Fault, Refused
from enclave.intake import Holding
from enclave.ledger import Entry
from enclave.sandbox import Bubblewrap, SandboxSpec, python
from enclave.settings import PACKAGED_POLICIES
from enclave.terms import Action, listen
from enclave.vault import Header, Keystore, KeyVolume, Seal, new_keys, seal_file
from tests.parties import representative, vote
from tests.release.world import LAST_DAY, PROJECT, REQUEST, World, unmounted

AFFIRMATION = (
    "I hereby affirm that the unit record data provided as a part of the Data Request Number listed above has been "
    "completely destroyed including all original unit record data and any copies of the unit record data that were "
    "made in paper or electronic form."
)


@pytest.fixture
def runtime() -> Iterator[Path]:
    """A folder that the uid of a sandbox can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="enclave-run-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    Bubblewrap(folder).reap(())
    shutil.rmtree(folder)


def destroyed(world: World, verb=destroy):
    return verb(world.store, world.keystore, world.settings, world.admission("opm", Action.DESTROY))


def opens(world: World, path: Path, key: str, context: str) -> bool:
    plain = world.settings.home / "attempt"
    try:
        world.keystore.unseal(Seal(path, key, context), plain)
    except Refused:
        return False
    plain.unlink()
    return True


def test_every_key_and_file_of_the_project_is_gone_and_the_other_projects_is_there(world: World):
    paths = world.held()
    other = paths.pop()
    certificate = destroyed(world)
    assert [path for path in paths if path.exists()] == []
    assert not world.keystore.exists("project-DR-0034") and not world.keystore.exists("match-DR-0034")
    assert opens(world, other, "project-DR-0099", "project-DR-0099/sde.resultant")
    assert certificate.files_deleted == 4
    assert not any(b"CANARY" in p.read_bytes() for p in world.settings.home.rglob("*") if p.is_file())


def test_a_copy_of_a_sealed_file_kept_elsewhere_does_not_open(world: World, tmp_path: Path):
    path, context = world.held()[2], "project-DR-0034/sde.resultant"
    copy = tmp_path / "backup"
    copy.write_bytes(path.read_bytes())
    assert opens(world, copy, "project-DR-0034", context)
    destroyed(world)
    assert not opens(world, copy, "project-DR-0034", context)


def test_the_attempt_on_what_was_set_aside_is_in_certificate_and_ledger(world: World):
    world.held()
    certificate = destroyed(world)
    assert [proof.key_id for proof in certificate.proofs] == ["project-DR-0034", "match-DR-0034"]
    for proof in certificate.proofs:
        assert len(proof.file_sha256) == 64
        assert "its key has been destroyed" in proof.attempt
    with world.store.view() as view:
        (entry,) = view.entries(action="destruction.prove")
    assert entry["details"]["attempts"] == [proof.attempt for proof in certificate.proofs]
    assert not any((world.settings.home / "set-aside").iterdir())


def leaking_whole(world: World) -> Keystore:
    class Leaky(Keystore):
        def shred(self, key_id: str) -> None:
            """Destroy nothing."""

    return Leaky(world.keystore.keys, world.keystore.wraps, world.hub_keys)


def leaking_half(world: World) -> Keystore:
    class Leaky(KeyVolume):
        def destroy(self, key_id: str) -> None:
            """Destroy nothing."""

    return Keystore(Leaky(world.settings.keys), world.keystore.wraps, world.hub_keys)


@pytest.mark.parametrize("leaking", [leaking_whole, leaking_half])
def test_a_key_that_survives_is_a_fault_and_no_certificate(world: World, leaking: Callable[[World], Keystore]):
    world.held()
    leaky = leaking(world)
    with pytest.raises(Fault):
        destroy(world.store, leaky, world.settings, world.admission("opm", Action.DESTROY))
    assert not (world.settings.home / "certificates").exists()
    assert world.actions("destruction") == ["destruction.begin"]


def test_exhibit_f_has_its_fields(world: World):
    world.held()
    world.today = date(2022, 7, 1)
    destroyed(world)
    folder = world.settings.home / "certificates"
    certificate = read_certificate(folder / "DR-0034-project-1.json")
    assert certificate.approved_requestor == "WestEd"
    assert certificate.data_request == "Manufacturing Skills for CT (DR-0034)"
    assert (certificate.approved_from, certificate.approved_to) == (date(2022, 4, 1), date(2022, 8, 31))
    assert certificate.destroyed_on == date(2022, 7, 1)
    assert certificate.due_on == date(2022, 7, 7)  # 3 working days: the Fourth of July is none
    assert "NIST SP 800-88" in certificate.method
    page = (folder / "DR-0034-project-1.html").read_text()
    for needed in (AFFIRMATION, "Signature of Approved Requestor or Agency Representative", "Extensions: none"):
        assert needed in page
    assert "http" not in page.replace("http-equiv", "")


def test_exhibit_f_lists_the_extensions(world: World):
    until = date(2023, 3, 31)
    with world.store.transaction() as tx:
        admission = people.may(tx, representative("WESTED"), Action.DECIDE, PROJECT)
        board.continue_until(tx, admission, until, "The wages came late.")
        for party in world.policy.signatories:
            vote(tx, PROJECT, party, board.MotionKind.CONTINUATION)
    certificate = destroyed(world)
    assert certificate.extensions == ((until, world.today),) and certificate.approved_to == date(2022, 8, 31)
    page = (world.settings.home / "certificates" / "DR-0034-project-1.html").read_text()
    assert "2022-04-01 to 2022-08-31" in page and "Extension to 2023-03-31 granted on 2022-06-01" in page
    assert "Extensions: none" not in page


def test_the_agreement_is_closed_and_held_meanwhile_only(world: World):
    world.held()
    destroyed(world)
    with pytest.raises(Refused) as caught:
        world.admission("opm", Action.PUBLISH)
    assert [f.rule for f in caught.value.findings] == ["destroyed"]
    assert world.actions("incident") == ["incident.hold", "incident.lift"]
    with pytest.raises(Refused):
        destroyed(world)
    assert world.actions("destruction")[-1] == "destruction.refuse"


def test_the_admission_must_be_to_destroy(world: World):
    paths = world.held()
    with pytest.raises(Refused):
        destroy(world.store, world.keystore, world.settings, world.admission("opm", Action.PUBLISH))
    assert all(path.exists() for path in paths)


def test_match_data_go_alone(world: World):
    paths = world.held()
    certificate = destroyed(world, destroy_match_data)
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert world.keystore.exists("project-DR-0034")
    assert [proof.key_id for proof in certificate.proofs] == ["match-DR-0034"]
    with pytest.raises(Refused):
        destroyed(world, destroy_match_data)


def test_transmittals_are_deleted_for_no_shredded_key_covers_them(world: World):
    inbox = world.settings.home / "inbox" / "SDE"
    inbox.mkdir(parents=True)
    sender = new_keys("SDE")
    world.held()

    def sent(project: str, contents: str) -> Path:
        plain = world.settings.home / "plain"
        plain.write_text("GenericID\nSDE-AAAAAAAAAAAAAAAA\n")
        header = Header(
            id=f"{project}{contents}", source="SDE", source_key=sender.public.fingerprint, destination="DOL-HUB",
            destination_key=world.hub_keys.public.fingerprint, project=project, name="x", contents=contents,
            elements=(), rows=1, as_of=date(2022, 4, 11), created=datetime(2022, 4, 11, 12),
        )  # fmt: skip
        path = seal_file(plain, inbox / f"{project}.{contents}", header, sender, world.hub_keys.public)
        plain.unlink()
        return path

    matching, analytical, other = (
        sent(PROJECT, "matching"), sent(PROJECT, "analytical"), sent("DR-0099", "matching"),
    )  # fmt: skip
    destroyed(world, destroy_match_data)
    assert [p.exists() for p in (matching, analytical, other)] == [False, True, True]
    destroyed(world)
    assert [p.exists() for p in (analytical, other)] == [False, True]


def test_what_sessions_left_goes_and_released_packages_stay(world: World):
    package = world.publish(world.reviewed())
    world.held()
    session = world.settings.runtime / "sessions" / "dr-0034-rae" / "project" / "data"
    neighbour = world.settings.runtime / "sessions" / "dr-00345-rae"
    for folder in (session, neighbour):
        folder.mkdir(parents=True)
        (folder / "sde.parquet").write_bytes(b"CANARY")
    destroyed(world)
    assert not (world.settings.runtime / "sessions" / "dr-0034-rae").exists()
    assert (neighbour / "sde.parquet").exists()
    assert not (world.settings.home / "cleared" / REQUEST).exists()
    assert (package.folder / "results" / "t1.csv").exists() and package.archive.exists()
    assert "publication.done" in world.actions()


def test_a_running_sandbox_of_the_project_is_ended(world: World, runtime: Path):
    world.held()
    world.settings = world.settings.model_copy(update={"runtime": runtime})
    command = (python(), "-c", "import time; time.sleep(600)")
    mine, other = (
        Bubblewrap(runtime).start(SandboxSpec(name, command, ())) for name in ("dr-0034-rae", "dr-0099-rae")
    )
    try:
        destroyed(world)
        mine.wait(60)
        assert other.poll() is None
    finally:
        mine.kill()
        other.kill()


def test_deadlines_count_by_themselves(world: World):
    with world.store.transaction() as tx:
        tx.append(Entry("sde-steward", "match.complete", f"{PROJECT}/match-01", PROJECT, "DSA III.F.3"))
    world.held()
    with world.store.view() as view:
        owed = due(view, date(2022, 6, 16))
    assert [(d.what, d.due_on, d.overdue) for d in owed] == [
        ("match data", LAST_DAY, True), ("project data", date(2022, 8, 31), False),
    ]  # fmt: skip
    destroyed(world, destroy_match_data)
    with world.store.view() as view:
        assert [d.what for d in due(view, world.today)] == ["certificate", "project data"]
    with world.store.transaction() as tx:
        file_certificate(tx, "DR-0034/match/1", "Director of Research", world.today, "opm")
    destroyed(world)
    with world.store.view() as view:
        assert [(d.what, d.due_on) for d in due(view, world.today)] == [("certificate", date(2022, 6, 6))]


def test_recovery_of_nothing_does_nothing(world: World):
    world.held()
    assert recover(world.store, world.keystore, world.settings) == Recovery()
    with world.store.view() as view:
        assert view.find(Destruction) == []


@pytest.mark.parametrize(
    ("verb", "opened"),
    [(destroy, "project-DR-0034/sde.resultant"), (destroy_match_data, "match-DR-0034/match-01.crosswalk")],
)
def test_what_a_backup_brings_back_is_destroyed_again(world: World, tmp_path: Path, verb, opened: str):
    """Keys and files of the day before are put back: nothing of it stays, and it is told; another project's does."""
    paths = world.held()
    backed_up(world, tmp_path)
    destroyed(world, verb)
    put_back(world, tmp_path)
    key = opened.partition("/")[0]
    assert opens(world, world.settings.sealed / opened, key, opened)
    recover(world.store, world.keystore, world.settings)
    assert not world.keystore.exists(key) and not (world.settings.sealed / opened).exists()
    assert opens(world, paths[-1], "project-DR-0099", "project-DR-0099/sde.resultant")
    with world.store.view() as view:
        (entry,) = view.entries(action="destruction.again")
    assert key in entry["details"]["keys"] and entry["details"]["files"] >= 2
    recover(world.store, world.keystore, world.settings)
    assert world.actions("destruction.again") == ["destruction.again"]


@pytest.mark.parametrize("half", ["keys", "sealed/wraps", "sealed/project-DR-0034"])
def test_half_of_what_was_destroyed_is_destroyed_again(world: World, tmp_path: Path, half: str):
    world.held()
    backed_up(world, tmp_path)
    destroyed(world)
    put_back(world, tmp_path, half)
    recover(world.store, world.keystore, world.settings)
    assert [path for path in world.settings.home.rglob("*-DR-0034*") if path.parts[-2] != "certificates"] == []
    assert world.actions("destruction.again") == ["destruction.again"]


@pytest.mark.parametrize("verb", [destroy, destroy_match_data])
def test_nothing_is_begun_while_the_volume_of_keys_is_not_there(world: World, tmp_path: Path, verb):
    """An empty folder in its place is no proof that a key is gone: no certificate; afterwards all goes as it must."""
    paths = world.held()
    backed_up(world, tmp_path)
    with unmounted(world):
        with pytest.raises(Refused) as caught:
            destroyed(world, verb)
        assert [finding.rule for finding in caught.value.findings] == ["key-volume"]
        assert not any(world.settings.keys.iterdir())
    assert all(path.exists() for path in paths) and world.actions("destruction") == ["destruction.refuse"]
    destroyed(world, verb)
    put_back(world, tmp_path, "sealed")
    recover(world.store, world.keystore, world.settings)
    assert not opens(world, paths[1], "match-DR-0034", "match-DR-0034/match-01.crosswalk")
    assert not (world.settings.keys / "match-DR-0034.kek").exists()


def test_what_was_begun_waits_for_the_volume_of_keys(world: World):
    """It is taken away between the entry and the shredding: nothing is proven, and the next recovery finishes."""
    world.held()

    class Stopped(BaseException):
        """The process ends here."""

    def stop(label: str) -> None:
        if label == "destruction.begun":
            raise Stopped

    listen(stop)
    try:
        with pytest.raises(Stopped):
            destroyed(world)
    finally:
        listen(lambda label: None)
    with unmounted(world):
        recovery = recover(world.store, world.keystore, world.settings)
        assert recovery.finished == () and {finding.rule for finding in recovery.stuck} == {"key-volume"}
        assert not (world.settings.home / "certificates").exists()
    assert len(recover(world.store, world.keystore, world.settings).finished) == 1
    assert not list(world.settings.keys.glob("*-DR-0034.kek"))


@pytest.mark.parametrize(("verb", "lost"), [(destroy, "project-DR-0034"), (destroy_match_data, "match-DR-0034")])
def test_a_key_that_is_gone_for_good_is_certified_as_lost(world: World, tmp_path: Path, verb, lost: str):
    """Nothing begins on the word of a missing file; a person says why, and it is destroyed when it is found."""
    path = world.held()[1 if verb is destroy_match_data else 2]
    context = path.relative_to(world.settings.sealed).as_posix()
    backed_up(world, tmp_path)
    (world.settings.keys / f"{lost}.kek").unlink()
    with pytest.raises(Refused, match="--key-lost") as caught:
        destroyed(world, verb)
    assert [finding.rule for finding in caught.value.findings] == ["key-not-there"]
    admission, reason = world.admission("opm", Action.DESTROY), "The disk died in a fire at Cedar Street."
    certificate = verb(world.store, world.keystore, world.settings, admission, reason)
    assert f"key of {lost} was lost before it could be destroyed, so it was not shredded" in certificate.method
    with world.store.view() as view:
        (begun,) = view.entries(action="destruction.begin")
        (record,) = view.find(Destruction)
    assert begun["details"]["lost"] == [lost] and "fire" not in str(begun) and record.why_lost == reason
    assert "fire" not in certificate.to_json()
    put_back(world, tmp_path)
    assert opens(world, path, lost, context)
    recover(world.store, world.keystore, world.settings)
    assert not opens(world, path, lost, context) and not (world.settings.keys / f"{lost}.kek").exists()
    assert world.actions("destruction.again") == ["destruction.again"]


def test_a_key_that_is_there_is_not_called_lost(world: World):
    world.held()
    with pytest.raises(Refused) as caught:
        destroy(
            world.store, world.keystore, world.settings, world.admission("opm", Action.DESTROY), "It cannot be found."
        )
    assert [finding.rule for finding in caught.value.findings] == ["key-there"]
    assert world.keystore.exists("project-DR-0034")


def test_no_key_of_a_destroyed_project_may_be_there(world: World):
    """Also one that nothing was known of when it was destroyed."""
    world.held()
    destroyed(world)
    for key in ("project-DR-0034", "match-DR-0034"):
        world.keystore.create(key)
    recover(world.store, world.keystore, world.settings)
    assert not world.keystore.exists("project-DR-0034") and not world.keystore.exists("match-DR-0034")
    assert world.keystore.exists("project-DR-0099")


def test_what_came_back_and_cannot_be_destroyed_is_entered_once_a_day(world: World):
    world.held()
    destroyed(world)
    (world.settings.keys / "project-DR-0034.kek").mkdir()
    for _ in range(2):
        recovery = recover(world.store, world.keystore, world.settings)
        assert [finding.rule for finding in recovery.stuck] == ["stuck"]
    assert world.actions("destruction")[-2:] == ["destruction.again", "destruction.stuck"]


def test_match_data_that_are_received_anew_stay(world: World):
    """They have a key of their own, though of the same name."""
    world.held()
    destroyed(world, destroy_match_data)
    path, context = world.held()[1], "match-DR-0034/match-01.crosswalk"
    recover(world.store, world.keystore, world.settings)
    assert opens(world, path, "match-DR-0034", context)
    assert world.actions("destruction.again") == []


@pytest.mark.parametrize("verb", [destroy, destroy_match_data])
def test_a_file_whose_data_are_destroyed_is_held_no_more(world: World, verb):
    """A new match's file can be received, and nothing counts the old one; for being destroyed it is not late."""
    world.held()
    policy = compile_agreement(PACKAGED_POLICIES, PROJECT)
    with world.store.view() as view:
        (held,) = intake.holdings(view, PROJECT)
        assert ("SDE", "matching") not in intake.missing(view, policy)
    destroyed(world, verb)
    with world.store.view() as view:
        assert intake.holdings(view, PROJECT) == [] and ("SDE", "matching") in intake.missing(view, policy)
        (kept,) = view.find(Holding)
        (entry,) = view.entries(action="intake.destroyed")
        (file,) = [e for e in intake.expected(view, policy) if (e.source, e.contents) == ("SDE", "matching")]
    assert (kept.id, kept.destroyed_on, entry["object"]) == (held.id, world.today, held.id)
    assert (file.received_on, file.late, file.destroyed_on) == (held.received_on, False, world.today)


def test_what_comes_in_while_match_data_are_destroyed_is_held(world: World):
    """It comes after the keys were shredded, and lies under a key of its own."""
    world.held()
    with world.store.view() as view:
        (old,) = intake.holdings(view, PROJECT)
    new = replace(old, id="two", sealed="holdings/DR-0034/two.sealed")

    def come(label: str) -> None:
        if label == "destruction.deleted":
            path = world.settings.sealed / new.sealed
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"sealed under a new key")
            with world.store.transaction() as tx:
                tx.write(new, Entry("hub", "intake.receive", "two", PROJECT, "EM XII"))

    listen(come)
    try:
        destroyed(world, destroy_match_data)
    finally:
        listen(lambda label: None)
    with world.store.view() as view:
        assert [held.id for held in intake.holdings(view, PROJECT)] == ["two"]


def backed_up(world: World, folder: Path) -> None:
    """Copy keys and sealed files, as a backup does."""
    for name in ("keys", "sealed"):
        shutil.copytree(world.settings.home / name, folder / name)


def put_back(world: World, folder: Path, *names: str) -> None:
    """Put a backup, or parts of it, over what is there."""
    for name in names or ("keys", "sealed"):
        shutil.copytree(folder / name, world.settings.home / name, dirs_exist_ok=True)
