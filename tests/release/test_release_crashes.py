"""A process ended at each labelled point of publishing and destroying; recovery finishes or voids, never halves."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from enclave import destruction, publication
from enclave.publication import Publication, State, verify_package
from enclave.terms import Action
from enclave.vault.keys import read_private, write_keys
from tests.release.world import LAST_DAY, PROJECT, REQUEST, World, open_world

ROOT = Path(__file__).resolve().parents[2]
CRASH = 42
_CHILD = """
import os, sys
from pathlib import Path
from enclave.egress import Clearance
from enclave.destruction import destroy
from enclave.terms import Action, listen
from enclave.vault.keys import read_private
from tests.release.world import LAST_DAY, open_world

home, step, label = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
world = open_world(home)
world.hub_keys = read_private(home / "hub" / "DOL-HUB.private.json")
world.today = LAST_DAY
if step == "publish":
    with world.store.view() as view:
        clearance = view.find(Clearance)[0]
    listen(lambda reached: os._exit(42) if reached == label else None)
    world.publish(clearance)
else:
    admission = world.admission("opm", Action.DESTROY)
    listen(lambda reached: os._exit(42) if reached == label else None)
    destroy(world.store, world.keystore, world.settings, admission)
"""


def crashed(world: World, step: str, label: str) -> World:
    """Let another process do a step and end at a label; give the installation as the next process finds it."""
    write_keys(world.hub_keys, world.settings.home / "hub")
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(world.settings.home), step, label],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == CRASH, done.stderr
    found = open_world(world.settings.home)
    found.hub_keys = read_private(world.settings.home / "hub" / "DOL-HUB.private.json")
    found.today = LAST_DAY
    return found


@pytest.mark.parametrize(
    ("label", "end"),
    [("publication.begun", State.VOID), ("publication.built", State.VOID), ("publication.renamed", State.DONE)],
)
def test_a_publication_is_finished_or_void(world: World, label: str, end: State):
    clearance = world.reviewed()
    found = crashed(world, "publish", label)
    (recovered,) = publication.recover(found.store, found.settings)
    published = found.settings.home / "published"
    assert recovered.state is end
    left = sorted(path.name for path in published.iterdir()) if published.exists() else []
    if end is State.VOID:
        assert left == []
        assert found.publish(clearance).archive.exists()
    else:
        assert left == [f"{PROJECT}-{REQUEST}", f"{PROJECT}-{REQUEST}.zip"]
        archive = published / left[1]
        assert verify_package(archive, found.hub_keys.public).request_id == REQUEST
        assert zipfile.is_zipfile(archive)
    assert publication.recover(found.store, found.settings) == []
    with found.store.view() as view:
        assert [p.state for p in view.find(Publication)] == [State.DONE]
    found.store.close()


@pytest.mark.parametrize("label", ["destruction.begun", "destruction.shredded", "destruction.deleted"])
def test_a_destruction_is_finished(world: World, label: str):
    paths = world.held()
    found = crashed(world, "destroy", label)
    with found.store.view() as view:
        assert [e["action"] for e in view.entries() if e["action"].startswith("destruction")] == ["destruction.begin"]
    (certificate,) = destruction.recover(found.store, found.keystore, found.settings).finished
    assert [path.exists() for path in paths] == [False, False, False, False, True]
    assert certificate.files_deleted == 4
    assert all(len(proof.file_sha256) == 64 and "destroyed" in proof.attempt for proof in certificate.proofs)
    assert (found.settings.home / "certificates" / "DR-0034-project-1.html").exists()
    assert not any((found.settings.home / "set-aside").iterdir())
    assert found.actions("destruction") == ["destruction.begin", "destruction.prove", "destruction.done"]
    assert destruction.recover(found.store, found.keystore, found.settings) == destruction.Recovery()
    assert found.admission("opm", Action.AUDIT).person == "opm"
    found.store.close()
