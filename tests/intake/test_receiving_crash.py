"""Whenever the process is killed: no plaintext stays, nothing half is held, and the file can be received again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from enclave import intake
from enclave.vault.keys import write_keys

ROOT = Path(__file__).resolve().parents[2]
KILLED = 137
SCRIPT = """
import os, sys
from datetime import date
from pathlib import Path
from enclave import intake, people, terms
from enclave.settings import Settings
from enclave.store import Store
from enclave.vault import Keystore, KeyVolume, read_private
from tests import registry

root, sealed, label = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
home = root / "home"
settings = Settings(home=home, keys=root / "keys", runtime=root / "run", database=registry.address(home))
terms.listen(lambda here: os._exit(137) if here == label else None)
store = Store(settings.database, lambda: date(2022, 4, 20))
hub = read_private(root / "DOL-HUB.private.json")
keystore = Keystore(KeyVolume(settings.keys), home / "wraps", hub)
with store.view() as view:
    admission = people.may(view, "hub-staff-1", terms.Action.RECEIVE, "DR-0034")
intake.receive(store, keystore, settings, hub, sealed, admission)
"""


def kill_at(world: Any, sealed: Path, label: str) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(world.root), str(sealed), label]
    assert subprocess.run(arguments, cwd=ROOT, check=False).returncode == KILLED


def readable(world: Any, canary: bytes) -> list[Path]:
    """Give the files of the hub in which a value can be read, plain or in an open Parquet file."""
    files = [p for folder in ("home", "run", "keys") for p in (world.root / folder).rglob("*") if p.is_file()]
    return [p for p in files if canary in p.read_bytes() or p.read_bytes()[:4] == b"PAR1"]


@pytest.mark.parametrize("label", ["intake.decrypted", "intake.sealed", "store.before-commit"])
def test_killed_before_the_record(world: Any, label: str) -> None:
    write_keys(world.hub, world.root)
    rows = world.people("SDE", 20)
    sealed = world.seal(world.write("SDE.0034.04_11_2022.matching", rows))
    kill_at(world, sealed, label)
    assert readable(world, rows[1][1].encode()), "the process was killed with nothing open: this proves nothing"

    intake.recover(world.settings, world.store, world.keystore)
    assert readable(world, rows[1][1].encode()) == []
    assert list(world.settings.sealed.rglob("*.sealed")) == []
    assert world.keystore.named() == list(world.settings.keys.glob("match-*")) == []
    with world.store.view() as view:
        assert intake.holdings(view, "DR-0034") == []
        assert list(view.entries(action="intake.receive")) == []
    assert world.receive(sealed).rows == 20


def test_killed_after_the_record(world: Any) -> None:
    write_keys(world.hub, world.root)
    rows = world.people("SDE", 20)
    sealed = world.seal(world.write("SDE.0034.04_11_2022.matching", rows))
    kill_at(world, sealed, "store.after-commit")

    intake.recover(world.settings, world.store, world.keystore)
    assert readable(world, rows[1][1].encode()) == []
    with world.store.view() as view:
        (held,) = intake.holdings(view, "DR-0034")
        (entry,) = view.entries(action="intake.receive")
    assert entry["object"] == held.id
    intake.open_holding(world.keystore, world.settings, held, world.root / "opened.parquet")
