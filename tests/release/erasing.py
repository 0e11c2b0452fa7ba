"""Destroying what a world holds, and what a backup brings back."""

from __future__ import annotations

import shutil
from pathlib import Path

from enclave.destruction import (
    destroy,
)
from enclave.errors import Refused
from enclave.terms import Action
from enclave.vault import Seal
from tests.release.world import World


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


def backed_up(world: World, folder: Path) -> None:
    """Copy keys and sealed files, as a backup does."""
    for name in ("keys", "sealed"):
        shutil.copytree(world.settings.home / name, folder / name)


def put_back(world: World, folder: Path, *names: str) -> None:
    """Put a backup, or parts of it, over what is there."""
    for name in names or ("keys", "sealed"):
        shutil.copytree(folder / name, world.settings.home / name, dirs_exist_ok=True)
