"""What was destroyed and has come back: a backup that was put back holds keys and files of its own day.

Each key that is destroyed leaves its fingerprint behind; a key of that fingerprint is destroyed again wherever it is
met, and with it what it seals. A key that was made since, for match data that were received anew, is another.

Source: DSA VI.H; DSA III.F.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from enclave.destruction.record import Destruction, Scope, State
from enclave.destruction.remains import count, delete_all, kept_of, sealed_under
from enclave.ledger import Details, Entry
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.vault import Keystore


@dataclass(frozen=True)
class CameBack:
    """Keys and files of a finished destruction that are there again."""

    destruction: Destruction
    keys: tuple[str, ...]
    paths: tuple[Path, ...]


def destroy_again(store: Store, keystore: Keystore, settings: Settings, actor: str) -> list[CameBack]:
    """Destroy what has come back; it is entered first, so that a crash leaves no trace of it untold.

    Source: DSA VI.H; DSA III.F.3.
    """
    with store.view() as view:
        found = [*_came_back(view, keystore, settings)]
    for back in found:
        destruction = back.destruction
        details: Details = {"scope": destruction.scope, "keys": list(back.keys), "files": count(back.paths)}
        clause, key = destruction.scope.clause, destruction.key
        store.enter(Entry(actor, "destruction.again", key, destruction.project, clause, details=details))
        for key_id in back.keys:
            keystore.shred_again(key_id, destruction.fingerprints)
        delete_all(back.paths)
    return found


def _came_back(view: View, keystore: Keystore, settings: Settings) -> Iterator[CameBack]:
    for destruction in view.find(Destruction):
        if destruction.state is not State.DONE:
            continue
        project, scope = destruction.project, destruction.scope
        keys = tuple(k for k in scope.key_ids(project) if keystore.came_back(k, destruction.fingerprints))
        paths = tuple(path for key_id in keys for path in sealed_under(view, settings, project, key_id))
        if scope is Scope.PROJECT:  # nothing of it may be there, whatever it is sealed with
            paths = tuple(kept_of(view, settings, project))
        if keys or count(paths):
            yield CameBack(destruction, keys, paths)
