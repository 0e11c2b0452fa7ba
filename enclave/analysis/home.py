"""A person's own files of a project: within bounds while a session runs, sealed under the project's key between.

Source: DSA I; DSA VI.H.
"""

from __future__ import annotations

import os
import resource
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from enclave.ledger import Details
from enclave.scratch import Bounds, bound, within_reach
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore, Seal

HOME = Bounds(2 * 1024**3, 200_000)
OUTBOX = Bounds(256 * 1024**2, 20_000, executable=False)
CLOSED = "session.close"
"""Entered when a session ended and its home was put away."""


def _seal(settings: Settings, project: str, name: str, sha256: str = "") -> Seal:
    key_id = f"project-{project}"
    return Seal(settings.sealed / key_id / "homes" / f"{name}.home", key_id, f"{project}|home|{name}", sha256)


def bounded(folder: Path) -> Path:
    """Make a home and its outbox, each a file system of its own where this process may mount."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    if bound(home, HOME):
        (home / "outbox").mkdir(mode=0o700)
        bound(home / "outbox", OUTBOX)
    return home


def restore(keystore: Keystore, settings: Settings, name: str, project: str, home: Path) -> None:
    """Bring back what was put away when the last session of this name ended."""
    seal = _seal(settings, project, name)
    if seal.path.exists():
        archive = home.parent / "home.tar"
        keystore.unseal(seal, archive)
        with tarfile.open(archive) as tar:
            for member in tar:  # regular files only stand in it, under names we walked ourselves
                target = home / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)
        archive.unlink()
    (home / "outbox").mkdir(exist_ok=True)


def put_away(keystore: Keystore, settings: Settings, name: str, project: str) -> Details:
    """Seal the home of a session that ended, by intent or by a crash; give what is to be entered of it.

    Where its file system is not to be seen from here, what was put away before stays.
    """
    folder = settings.runtime / "sessions" / name
    home = folder / "home"
    if not within_reach(folder):
        return {"files": "out of reach; as they were put away before"}
    if not home.is_dir() or not keystore.exists(f"project-{project}"):
        return {}
    archive = folder / "home.tar"
    archive.unlink(missing_ok=True)
    with tarfile.open(archive, "w") as tar:
        left_out = _add_plain_files(tar, home)
    details: Details = {"sealed": keystore.seal(archive, _seal(settings, project, name))}
    return {**details, "files_over_limit": left_out} if left_out else details


def seals(view: View, settings: Settings) -> Iterator[Seal]:
    """Give what is sealed of every home that was put away, as it was the last time."""
    last = {
        (entry["project"], entry["object"]): entry["details"]["sealed"]
        for entry in view.entries(action=CLOSED)
        if "sealed" in entry["details"]
    }
    yield from (_seal(settings, project, name, sha256) for (project, name), sha256 in last.items())


def _add_plain_files(tar: tarfile.TarFile, home: Path) -> int:
    """Add regular single-link files only; the folder was another's to write in. Requests come first."""
    left_out = 0
    # what is put away must fit again: a file with holes has none when it comes back
    room = {"outbox": OUTBOX.size_bytes, "home": HOME.size_bytes}
    for root, folders, files, descriptor in os.fwalk(home, follow_symlinks=False):
        folders[:] = sorted((f for f in folders if f != ".cache"), key=lambda f: f != "outbox")
        place = "outbox" if Path(root).is_relative_to(home / "outbox") else "home"
        for file in files:
            state = os.stat(file, dir_fd=descriptor, follow_symlinks=False)
            if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
                continue
            pages = -(-state.st_size // resource.getpagesize()) * resource.getpagesize()
            if pages > room[place]:
                left_out += 1
                continue
            room[place] -= pages
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
            with os.fdopen(handle, "rb") as content:
                info = tarfile.TarInfo(str((Path(root) / file).relative_to(home)))
                info.size, info.mtime = os.fstat(handle).st_size, int(state.st_mtime)
                tar.addfile(info, content)
    return left_out
