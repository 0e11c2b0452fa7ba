"""DSA VI.H, III.F.3, Exhibit F: erased by key, proven by a failed attempt, certified; the packages survive."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from enclave import board, people
from enclave.destruction import (
    destroy,
    destroy_match_data,
    due,
    file_certificate,
    read_certificate,
)
from enclave.errors import Fault, Refused
from enclave.ledger import Entry
from enclave.sandbox import Bubblewrap, SandboxSpec, python
from enclave.terms import Action
from enclave.vault import Header, Keystore, KeyVolume, new_keys, seal_file
from tests.parties import representative, vote
from tests.release.erasing import destroyed, opens
from tests.release.world import LAST_DAY, PROJECT, REQUEST, World

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
    assert [proof.key_id for proof in certificate.proofs] == ["project-DR-0034", "match-DR-0034", "match-DR-0034.one"]
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
    assert [proof.key_id for proof in certificate.proofs] == ["match-DR-0034", "match-DR-0034.one"]
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
