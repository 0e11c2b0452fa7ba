"""The package: signed, verifiable by anyone, with the acknowledgement word for word; and its final copy."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from enclave.errors import Refused
from enclave.ledger import open_checkpoint
from enclave.publication import Package, Publication, State, file_final_copy, overdue, publish, verify_package
from enclave.review import approve, return_with_comment
from enclave.terms import Action
from enclave.vault import new_keys
from tests.release.world import LAST_DAY, PROJECT, REQUEST, World

SENTENCE = (
    "This work would not be possible without data provided by the P20 WIN participating agencies. The findings do "
    "not necessarily reflect the opinions of the State of Connecticut or the organizations and agencies "
    "contributing data."
)


@pytest.fixture
def package(world: World) -> Package:
    return world.publish(world.reviewed())


def test_the_cleared_files_leave_byte_for_byte(world: World, package: Package):
    assert (package.folder / "results" / "t1.csv").read_bytes() == b"School,count\nCedar,31\nHemlock,\n"
    with zipfile.ZipFile(package.archive) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.read("results/t1.html") == b"<table></table>"


def test_it_verifies_as_folder_and_as_zip_with_the_hubs_key_only(world: World, package: Package):
    for path in (package.folder, package.archive):
        verified = verify_package(path, world.hub_keys.public)
        assert (verified.project, verified.request_id) == (PROJECT, REQUEST)
        with pytest.raises(Refused):
            verify_package(path, new_keys("DOL-HUB").public)


def test_the_acknowledgement_is_verbatim(package: Package):
    text = (package.folder / "README.txt").read_text()
    assert SENTENCE in text.splitlines()
    assert SENTENCE in (package.folder / "README.html").read_text()
    assert json.loads((package.folder / "manifest.json").read_text())["acknowledgement"] == SENTENCE


def test_the_readme_says_what_a_reader_must_know_and_loads_nothing(package: Package):
    page = (package.folder / "README.html").read_text()
    for needed in ("Diplomas &amp; programmes, by school", "Programme managers", "2022-04-11", "Hemlock is hidden."):
        assert needed in page
    assert "http://" not in page and "https://" not in page and "<script" not in page


def test_codebook_and_record_name_what_was_used(world: World, package: Package):
    rows = list(csv.DictReader((package.folder / "codebook.csv").read_text().splitlines()))
    assert [(row["element"], row["agency"]) for row in rows] == [("Gender", "SDE")]
    assert rows[0]["standard"] == "CEDS 000255 Sex"
    assert json.loads((package.folder / "disclosure.json").read_text())["policy_sha256"] == world.policy.hash


def test_the_hashes_check_with_the_standard_tool(package: Package):
    done = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=package.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_manifest_holds_the_ledgers_signed_checkpoint_and_no_person(world: World, package: Package):
    text = (package.folder / "manifest.json").read_text()
    _, size, _ = open_checkpoint(json.loads(text)["checkpoint"], world.ledger_key.verifier)
    assert size > 0
    everything = b"".join(path.read_bytes() for path in package.folder.rglob("*") if path.is_file())
    assert b"steward" not in everything and b"rae" not in everything


@pytest.mark.parametrize("harm", ["alter", "add", "remove", "manifest"])
def test_one_changed_file_is_found(world: World, package: Package, tmp_path: Path, harm: str):
    copy = tmp_path / "copy"
    shutil.copytree(package.folder, copy)
    victim = copy / "results" / "t1.csv"
    match harm:
        case "alter":
            victim.write_bytes(victim.read_bytes().replace(b"31", b"32"))
        case "add":
            (copy / "results" / "t2.csv").write_bytes(b"x")
        case "remove":
            victim.unlink()
        case "manifest":
            manifest = copy / "manifest.json"
            manifest.write_text(manifest.read_text().replace(REQUEST, "out-0148"))
    with pytest.raises(Refused) as caught:
        verify_package(copy, world.hub_keys.public)
    assert len(caught.value.findings) == 1


def test_it_is_entered_before_and_after(world: World, package: Package):
    assert world.actions("publication") == ["publication.begin", "publication.done"]
    with world.store.view() as view:
        known = view.get(Publication, REQUEST)
    assert known is not None and known.state is State.DONE
    assert known.archive_sha256 == package.archive_sha256


def test_a_cleared_file_that_was_touched_does_not_leave(world: World):
    clearance = world.reviewed()
    (world.settings.home / "cleared" / REQUEST / "t1.csv").write_bytes(b"School,count\nHemlock,3\n")
    with pytest.raises(Refused) as caught:
        world.publish(clearance)
    assert [(f.rule, f.where) for f in caught.value.findings] == [("cleared-file", "t1.csv")]
    assert not (world.settings.home / "published").exists()
    assert world.actions("publication") == ["publication.refuse"]


def test_a_case_returned_after_the_approval_stops_it(world: World):
    clearance = world.reviewed()
    with world.store.view() as view:
        approval = approve(view, clearance)
    steward, opm = world.admission("dol-steward", Action.CONFIRM), world.admission("opm", Action.PUBLISH)
    with world.store.transaction() as tx:
        return_with_comment(tx, REQUEST, steward, "Please wait.")
    with pytest.raises(Refused) as caught:
        publish(world.store, world.settings, clearance, approval, opm, world.hub_keys, world.checkpoint())
    assert [f.rule for f in caught.value.findings] == ["state"]


def test_an_approval_of_another_clearance_does_not_serve(world: World):
    clearance = world.reviewed()
    with world.store.view() as view:
        approval = approve(view, clearance)
    opm = world.admission("opm", Action.PUBLISH)
    for other in (replace(approval, digest="0" * 64), replace(approval, request_id="out-0001")):
        with pytest.raises(Refused) as caught:
            publish(world.store, world.settings, clearance, other, opm, world.hub_keys, world.checkpoint())
        assert [f.rule for f in caught.value.findings] == ["approval"]


def test_nothing_is_published_twice(world: World, package: Package):
    with world.store.view() as view:
        clearance = view.get(type(world.clearance()), REQUEST)
    assert clearance is not None
    with pytest.raises(Refused):
        world.publish(clearance)


def test_the_final_copy_is_due_within_thirty_days(world: World, package: Package, tmp_path: Path):
    due = LAST_DAY + timedelta(days=30)
    assert package.final_copy_due_on == due == date(2022, 7, 15)
    with world.store.view() as view:
        assert overdue(view, due) == []
        assert [p.request_id for p in overdue(view, due + timedelta(days=1))] == [REQUEST]
    without, with_it = tmp_path / "report.md", tmp_path / "report.txt"
    without.write_text("# Findings")
    with_it.write_text("Findings.\n\n" + SENTENCE.replace("agencies. The", "agencies.\nThe"))
    for person, copy, clause in (("sde-steward", with_it, "DSA VI.G"), ("opm", without, "DSA VI.G.2")):
        admission = world.admission(person, Action.DECIDE)
        with world.store.transaction() as tx, pytest.raises(Refused) as caught:
            file_final_copy(tx, world.settings, REQUEST, copy, admission)
        assert caught.value.findings[0].clause == clause
    with world.store.transaction() as tx:
        filed = file_final_copy(tx, world.settings, REQUEST, with_it, world.admission("opm", Action.DECIDE))
    assert not filed.late
    with world.store.view() as view:
        assert overdue(view, due + timedelta(days=1)) == []
