"""End what a session or a place of the hub's staff had open, and enter where a stop ended it and who still works.

How long it took until nobody worked on a stopped project is the time from the entry of the stop to that of the last
server it ended; the ledger has both, so the time can be proven and is written nowhere else.

Source: DSA VI.F.2; DSA VI.H; DSA III.F.3.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from enclave import matching
from enclave.analysis.session import close_session, sandbox_name
from enclave.ledger import Detail, Details, Entry
from enclave.people import Listing, holds
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import project_id
from enclave.vault import Keystore

NONE: Mapping[str, int] = MappingProxyType({})
_FOLDERS = ("sessions", *matching.KINDS)


def end(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    name: str,
    counted: Mapping[str, int | str] = NONE,
    refused: Mapping[str, int] = NONE,
) -> None:
    """Put away everything of a name, and enter that a stop ended it where one stands.

    Nobody works there any more when this is called. It is entered before anything is put away: after a crash the
    files that still stand open say what is left to do.

    Source: DSA III.C; DSA VI.F.2.
    """
    if name in _open(settings):
        _enter_stopped(store, settings, name)
    close_session(store, keystore, settings, name, counted)
    said: dict[str, Detail] = dict(counted)
    if refused:
        said["refused"] = [f"{what}: {times}" for what, times in sorted(refused.items())]
    matching.stand_up(store, keystore, settings, name, said)
    matching.put_back(store, settings, name, said)


def recover(store: Store, keystore: Keystore, settings: Settings, running: Collection[str]) -> None:
    """Put away what a crash left without a sandbox.

    Parameters
    ----------
    running : collection of str
        Names of the sandboxes that run.
    """
    for name in sorted(_open(settings)):
        if sandbox_name(name[:7], name[8:]) not in running:
            end(store, keystore, settings, name)


def _open(settings: Settings) -> set[str]:
    """Give the names under which files stand open."""
    return {path.name for kind in _FOLDERS for path in (settings.runtime / kind).glob("dr-*")}


def _enter_stopped(store: Store, settings: Settings, name: str) -> None:
    project, person = project_id(name[:7]), name[8:]
    with store.transaction() as tx:
        stop = next(_stops(tx, project, person), None)
        if stop is None:
            return
        ended = {
            entry["object"]
            for entry in tx.entries(action="incident.server-ended")
            if entry["details"]["stop"] == stop["seq"]
        }
        if name not in ended:
            left = sum(_ends(tx, stop, each) for each in _open(settings) - ended - {name})
            details: Details = {"stop": stop["seq"], "still_open": left}
            tx.append(Entry(person, "incident.server-ended", name, project, "DSA VI.F.2", details=details))


def _ends(view: View, stop: dict[str, Any], name: str) -> bool:
    """Tell whether what is open under a name has to end for a stop as well."""
    return any(each["seq"] == stop["seq"] for each in _stops(view, project_id(name[:7]), name[8:]))


def _stops(view: View, project: str, person: str) -> Iterator[dict[str, Any]]:
    """Give the entries of what stands against a person on a project and was to take effect at once, oldest first.

    A notice given a day before has its own beginning, and is no stop that somebody waits for.
    """
    scopes = {hold.scope for hold in holds(view, project)}
    listed = view.get(Listing, f"{project}/{person}")
    last: dict[str, dict[str, Any]] = {}
    for entry in view.entries(action=("incident.hold", "people.suspend")):
        scope, whom = entry["details"].get("scope"), (entry["project"], entry["object"])
        if scope in scopes and entry["details"]["since"] == entry["day"]:
            last[scope] = entry
        elif whom == (project, person) and listed is not None and listed.suspension is not None:
            last[""] = entry
    yield from sorted(last.values(), key=lambda entry: int(entry["seq"]))
