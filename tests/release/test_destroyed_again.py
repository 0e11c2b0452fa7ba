"""DSA VI.H: what a crash left half destroyed, a backup brings back, or a silent key volume held up is destroyed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from enclave import intake
from enclave.agreement import compile_agreement
from enclave.destruction import (
    Destruction,
    Recovery,
    destroy,
    destroy_match_data,
    recover,
)
from enclave.errors import Refused
from enclave.intake import Holding
from enclave.ledger import Entry
from enclave.settings import PACKAGED_POLICIES
from enclave.terms import Action, listen
from tests.release.erasing import backed_up, destroyed, opens, put_back
from tests.release.world import PROJECT, World, unmounted


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
    new = replace(old, id="two", sealed="holdings/DR-0034/two.parquet.sealed", key_id="match-DR-0034.two")

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
