"""The files a destruction is about: one of each key set aside, all others deleted, the one tried and deleted.

Source: DSA VI.H; DSA III.F.3.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from enclave import matching
from enclave.analysis import sandbox_name
from enclave.destruction.certificate import Proof
from enclave.destruction.record import Destruction, Scope
from enclave.egress import ReleaseRequest, rendered
from enclave.errors import Fault, Refused
from enclave.intake import Holding, place_of
from enclave.sandbox import Sandboxes
from enclave.scratch import wipe
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore, Seal, read_header

_ANALYTICAL = "analytical"
_PROCESSES = "sandboxes"  # records of running processes, which hold no data


def stop_sandboxes(settings: Settings, project: str, scope: Scope) -> None:
    """End every sandbox that has the data open: all of a project, else its match jobs and the places of hub staff."""
    prefix = f"{project.lower()}-"
    jobs = prefix if scope is Scope.PROJECT else f"{prefix}match-"
    rooms = ("sessions", *matching.KINDS) if scope is Scope.PROJECT else matching.KINDS
    open_to = [f.name.removeprefix(prefix) for room in rooms for f in (settings.runtime / room).glob(f"{prefix}*")]
    sessions = {sandbox_name(project, person) for person in open_to}
    for sandbox in Sandboxes(settings.runtime).running():
        if sandbox.name in sessions or sandbox.name.startswith(jobs):
            sandbox.kill()


def keys_of(view: View, keystore: Keystore, project: str, scope: Scope) -> tuple[str, ...]:
    """Give the ids of a project's keys in a scope: of what is made at the hub, then each transmittal's own.

    Source: DSA VI.H; DSA III.F.3.
    """
    stems = scope.stems(project)
    held = {each.key_id for each in view.find(Holding, project, destroyed_on=None)}
    own = {key for stem in stems for key in keystore.named(f"{stem}.")}  # also what a crash left without a record
    own |= {key for key in held if key.partition(".")[0] in stems}
    return (*stems, *sorted(own))


def set_aside(settings: Settings, destruction: Destruction) -> None:
    """Put one sealed file of each key aside, for the attempt to open it; keeps one set aside before a crash."""
    for key_id in destruction.keys:
        sample = _sample(settings, destruction, key_id)
        files = [file for path in sealed_under(settings, destruction.project, key_id) for file in _files(path)]
        if files and not sample.exists():
            sample.parent.mkdir(parents=True, exist_ok=True)
            files[0].replace(sample)


def doomed(view: View, settings: Settings, project: str, scope: Scope, keys: Collection[str]) -> list[Path]:
    """Find what a destruction of some keys covers.

    Sealed files; transmittals that wait or were kept; what stands open for hub staff; for a project also
    what sessions left in the runtime folder and cleared results (a package published from them has its own copies).
    """
    whole = scope is Scope.PROJECT
    found = kept_of(view, settings, project, keys) if whole else sealed_under(settings, project, *keys)
    if scope is not Scope.TRANSMITTAL:
        found += _transmittals(settings, project, scope)
    for kind in ("",) if whole else matching.KINDS:
        found += _leftovers(settings.runtime / kind, project)
    return found


def kept_of(view: View, settings: Settings, project: str, keys: Collection[str]) -> list[Path]:
    """Find what the home keeps of a project's data: what is sealed under its keys, and cleared results."""
    found = sealed_under(settings, project, *keys)
    for request in view.find(ReleaseRequest, project):
        folder = rendered(settings, request.id)
        found += [folder, folder.with_name(f"{folder.name}.partial")]
    return found


def covered(view: View, keystore: Keystore, settings: Settings, project: str, scope: Scope) -> int:
    """Count the files that a destruction would cover today.

    Source: DSA VI.H; DSA III.F.3.
    """
    return count(doomed(view, settings, project, scope, keys_of(view, keystore, project, scope)))


def count(paths: Iterable[Path]) -> int:
    """Count the files at and below the paths."""
    return sum(len(_files(path)) for path in paths)


def delete_all(paths: Iterable[Path]) -> None:
    """Delete files and folders; what is gone already is passed over."""
    for path in paths:
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            wipe(path)
            if path.exists():
                shutil.rmtree(path)  # which says why it cannot


def open_samples(keystore: Keystore, settings: Settings, destruction: Destruction) -> tuple[Proof, ...]:
    """Try to open what was set aside.

    Raises
    ------
    Fault
        If a key is still there, or something opened: then the destruction is not done.
    """
    return tuple(_attempt(keystore, _sample(settings, destruction, key_id), key_id) for key_id in destruction.keys)


def drop_samples(settings: Settings, destruction: Destruction) -> None:
    """Delete what was set aside."""
    delete_all([_aside(settings, destruction)])


def sealed_under(settings: Settings, project: str, *keys: str) -> list[Path]:
    """Give the place of what is sealed under each key: a folder of its name, or one transmittal."""
    places = ((key_id, key_id.partition(".")[2]) for key_id in keys)
    return [settings.sealed / (place_of(project, id) if id else key_id) for key_id, id in places]


def _attempt(keystore: Keystore, sample: Path, key_id: str) -> Proof:
    held = sample.exists()
    plain = sample.with_name(f"{sample.name}.opened")
    sample.parent.mkdir(parents=True, exist_ok=True)
    if not held:  # the key sealed nothing: the attempt is made on a file of ours, so that the key is asked for
        sample.write_bytes(os.urandom(64))
    digest = hashlib.sha256(sample.read_bytes()).hexdigest() if held else ""
    try:
        keystore.unseal(Seal(sample, key_id, "proof of destruction"), plain)
    except Refused as refusal:
        if not keystore.came_back(key_id, None):  # neither half: a copy of the other would open with it
            return Proof(key_id, digest, str(refusal))
    finally:
        plain.unlink(missing_ok=True)
    raise Fault(f"{key_id}, or half of it, is still there after it was shredded")


def _transmittals(settings: Settings, project: str, scope: Scope) -> Iterator[Path]:
    """Find agencies' sealed files of the project: they are sealed to the hub, so no shredded key covers them."""
    for path in _files(settings.home / "inbox"):
        try:
            header = read_header(path)
        except Refused:
            continue
        if header.project == project and (scope is Scope.PROJECT or header.contents != _ANALYTICAL):
            yield path


def _leftovers(folder: Path, project: str) -> list[Path]:
    """Find what bears the project's number in its name, however deep; nothing below a find is looked at."""
    number = re.compile(rf"(?<![a-z0-9]){re.escape(project.lower())}(?![0-9])")
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if Path(root) / name != folder / _PROCESSES]
        found += [Path(root) / name for name in (*folders, *names) if number.search(name.lower())]
        folders[:] = [name for name in folders if not number.search(name.lower())]
    return found


def _aside(settings: Settings, destruction: Destruction) -> Path:
    return settings.home / "set-aside" / destruction.name


def _sample(settings: Settings, destruction: Destruction, key_id: str) -> Path:
    return _aside(settings, destruction) / key_id


def _files(folder: Path) -> list[Path]:
    """Give the files at or below a path, in order; what is half written is no sealed file."""
    found = [folder] if folder.is_file() else folder.rglob("*")
    return sorted(p for p in found if p.is_file() and not p.is_symlink() and p.suffix != ".partial")
