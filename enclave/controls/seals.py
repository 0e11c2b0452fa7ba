"""Looks at what is sealed: whether it is there, is what the hub sealed in its place, opens, and is all there is.

The hub's signature over each file covers every byte of it and what the file is, so none has to be opened to be known.

Source: EM XV.D; DSA II.I.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from enclave import analysis, egress, intake, matching, papers, resultant
from enclave.controls.evidence import Evidence, Installed, deviates, holds
from enclave.destruction import Destruction, Scope, State
from enclave.errors import EnclaveError
from enclave.matching import MatchRun
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore, Seal

_WRAPS = "wraps"
_MISSING, _ALTERED, _STRAY = "missing", "altered", "named by no record"


def intact_seals(installed: Installed) -> Evidence:
    """Look whether everything sealed is there as it was entered, signed for its place, named, and opens (EM XV.D).

    What does not hold is looked at once more: what was sealed, replaced or destroyed meanwhile holds then.
    """
    settings = installed.settings
    named = _named(installed.view, settings)
    wrong = _wrong(installed, named, named.keys() | _there(installed.view, settings))
    closed = _closed(installed.keystore, named.values())
    if wrong or closed:
        with installed.store.view() as view:
            now = _named(view, settings)
            wrong = _wrong(installed, now, wrong.keys() & (now.keys() | _there(view, settings)))
        closed = _closed(installed.keystore, (seal for seal in now.values() if seal.key_id in closed))
    found = [
        f"{len(which)} {why}: {', '.join(which)}"
        for why in (_MISSING, _ALTERED, _STRAY)
        if (which := sorted(str(path.relative_to(settings.sealed)) for path in wrong if wrong[path] == why))
    ]
    found += [f"the key {key_id}: {why}" for key_id, why in closed.items()]
    if not found:
        return holds(f"{len(named)} of {len(named)} are there as they were sealed, and nothing else")
    next = (
        "Restore from a backup what is missing or altered, and open an incident; nothing of it is opened meanwhile. "
        "What no record names was left by a crash or put there: compare it with the ledger before it is deleted."
    )
    return deviates(f"of {len(named)}: {'; '.join(found)}", next)


def _wrong(installed: Installed, named: Mapping[Path, Seal], paths: Iterable[Path]) -> dict[Path, str]:
    """Give what is wrong with which of some files."""
    judged = {path: _judged(installed.keystore, path, named.get(path)) for path in paths}
    return {path: why for path, why in judged.items() if why}


def _judged(keystore: Keystore, path: Path, seal: Seal | None) -> str:
    if seal is None:
        return _STRAY
    if not path.is_file():
        return _MISSING
    return "" if keystore.intact(seal) else _ALTERED


def _closed(keystore: Keystore, seals: Iterable[Seal]) -> dict[str, str]:
    """Give the keys that do not open, and why."""
    closed = {}
    for key_id in sorted({seal.key_id for seal in seals}):
        try:
            keystore.hold_usable(key_id)
        except EnclaveError as error:
            closed[key_id] = error.findings[0].what
    return closed


def _there(view: View, settings: Settings) -> set[Path]:
    """Give every file that lies where sealed files do, but for what a destruction is at work on."""
    at_work = {each.project for each in view.find(Destruction) if each.state is not State.DONE}
    files = (path for path in settings.sealed.rglob("*") if path.is_file() and path.suffix != ".partial")
    return {path for path in files if not _places(settings, path) & {_WRAPS, *at_work}}


def _places(settings: Settings, path: Path) -> set[str]:
    """Give the project, or the kind, that a file is of by its place."""
    first, *rest = path.relative_to(settings.sealed).parts
    return {first, first.partition("-")[2], *rest[:1]}


def _named(view: View, settings: Settings) -> dict[Path, Seal]:
    """Give what is sealed, whose key has not been destroyed since."""
    ended = {each.project for each in view.find(Destruction, scope=Scope.PROJECT)}
    begun = {each.project for each in view.find(Destruction) if each.state is not State.DONE}
    gone = {key for project in ended | begun for key in Scope.PROJECT.stems(project)}
    rooms = (intake.seals, resultant.seals, analysis.seals, egress.seals, papers.seals)
    found = [seal for room in rooms for seal in room(view, settings)]
    found += (seal for run in _runs(view) for seal in matching.seals(view, settings, run))
    return {seal.path: seal for seal in found if seal.key_id.partition(".")[0] not in gone}


def _runs(view: View) -> Iterator[MatchRun]:
    """Give the runs whose data were not destroyed since; others may have come under a key of the same name."""
    last = {
        entry["project"]: entry["seq"]
        for entry in view.entries(action="destruction.begin")
        if matching.match_key(entry["project"]) in entry["details"]["keys"]
    }
    ran = {entry["object"]: entry["seq"] for entry in view.entries(action="match.run")}
    yield from (run for run in view.find(MatchRun) if ran.get(run.key, -1) > last.get(run.project, -1))
