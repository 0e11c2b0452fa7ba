"""What was destroyed and has come back: a backup that was put back holds keys and files of its own day.

No key of a project that was destroyed whole may be there, whatever key it is. A match may be made anew, under a key
of the same name: each key that was destroyed before its project leaves its fingerprint behind, and one of that
fingerprint is destroyed again wherever it is met, and with it what it seals.

Source: DSA VI.H; DSA III.F.3; DSA II.H.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from enclave.destruction.record import Destruction, Scope, State
from enclave.destruction.remains import count, delete_all, kept_of, keys_of, sealed_under
from enclave.destruction.stuck import Guard
from enclave.ledger import Details, Entry
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.vault import Keystore


@dataclass(frozen=True)
class CameBack:
    """Keys and files of a finished destruction that are there again."""

    keys: tuple[str, ...]
    paths: tuple[Path, ...]


def destroy_again(store: Store, keystore: Keystore, settings: Settings, guard: Guard) -> None:
    """Destroy what has come back, each by itself.

    Source: DSA VI.H; DSA III.F.3.
    """
    with store.view() as view:
        finished = view.find(Destruction, state=State.DONE)
    for destruction in finished:
        with guard.over(destruction.what, destruction.project, destruction.scope.clause):
            _destroy_again(store, keystore, settings, destruction, guard.actor)
        if guard.silent:
            break  # the others' keys lie in the same place


def _destroy_again(
    store: Store, keystore: Keystore, settings: Settings, destruction: Destruction, actor: str
) -> None:
    """Destroy one's keys and files; it is entered first, so that a crash leaves no trace of it untold."""
    with store.view() as view:
        back = _came_back(view, keystore, settings, destruction)
    if back is None:
        return
    key, scope = destruction.key, destruction.scope
    details: Details = {"scope": scope, "keys": list(back.keys), "files": count(back.paths)}
    with store.transaction() as tx:
        known = ((e["object"], e["day"], e["details"]) for e in tx.entries(action="destruction.again"))
        if (key, tx.today.isoformat(), details) not in known:  # it is tried at every round of the clocks
            tx.append(Entry(actor, "destruction.again", key, destruction.project, scope.clause, details=details))
    for key_id in back.keys:
        keystore.shred_again(key_id, _known_by(destruction))
    delete_all(back.paths)


def _came_back(view: View, keystore: Keystore, settings: Settings, destruction: Destruction) -> CameBack | None:
    project, whole = destruction.project, destruction.scope is Scope.PROJECT
    known = _keys_ever(view, keystore, project) if whole else destruction.keys
    keys = tuple(key_id for key_id in known if keystore.came_back(key_id, _known_by(destruction)))
    if whole:  # nothing of it may be there, whatever it is sealed with
        paths = tuple(kept_of(view, settings, project, known))
    else:
        paths = tuple(sealed_under(settings, project, *keys))
    return CameBack(keys, paths) if keys or count(paths) else None


def _keys_ever(view: View, keystore: Keystore, project: str) -> tuple[str, ...]:
    """Give every key that a project had: those destroyed before its end, those destroyed with it, those there now."""
    destroyed = [key_id for each in view.find(Destruction, project) for key_id in each.keys]
    return tuple(dict.fromkeys([*destroyed, *keys_of(view, keystore, project, Scope.PROJECT)]))


def _known_by(destruction: Destruction) -> Collection[str] | None:
    return None if destruction.scope is Scope.PROJECT else destruction.fingerprints
