"""What a destruction sweeps, place by place, for its certificate: what is sealed, what stands open, what waits.

Source: DSA VI.H; DSA III.F.3; ExF.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from enclave import matching
from enclave.destruction.certificate import Swept
from enclave.destruction.record import Scope
from enclave.destruction.remains import count, doomed
from enclave.intake import Holding
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore

_KEYS = "Keys: the key-encrypting key, and the data key wrapped under it"
_FOR_MATCHING = "Sealed files that agencies sent for matching"
_FOR_ANALYSIS = "Sealed files that agencies sent for analysis"
_RESULTANT = "Sealed Resultant Data"
_OTHER = "Other sealed files"
_INBOX = "Agencies' transmittals, as they were sent, in the inbox"
_RENDERED = "Results that the gate had cleared, as it wrote them"
_DESKS = "Desks and workbenches of the hub's staff, in memory"
_SESSIONS = "Open sessions of Users, in memory"
_WORKING = "Working files of intake, matching, cutting and the gate, in memory"
_SEALED = {
    ".crosswalk": "Sealed links of match runs",
    ".answers": "Sealed answers of clerical reviewers",
    ".resultant": _RESULTANT,
    ".home": "Sealed folders of Users",
    ".request": "Sealed requests for release, with their evidence",
    ".release": "Sealed memory of what was released",
}
_OF_MATCH = (_FOR_MATCHING, _SEALED[".crosswalk"], _SEALED[".answers"], _INBOX, _DESKS)
_PLACES = {
    Scope.MATCH: _OF_MATCH,
    Scope.PROJECT: (
        *_OF_MATCH, _FOR_ANALYSIS, _RESULTANT, _SEALED[".home"], _SEALED[".request"], _SEALED[".release"], _RENDERED,
        _SESSIONS, _WORKING,
    ),
}  # fmt: skip
"""Looked at for a scope, found or not."""


def sweep(
    view: View, keystore: Keystore, settings: Settings, project: str, scope: Scope, key_ids: Collection[str]
) -> tuple[Swept, ...]:
    """Count what a destruction would cover today, place by place: keys, then files; together they are all it deletes.

    Source: DSA VI.H; DSA III.F.3; ExF.
    """
    received = {settings.sealed / held.sealed: held for held in view.find(Holding, project)}
    found: Counter[str] = Counter()
    for path in doomed(view, settings, project, scope, key_ids):
        for file in (path, *path.rglob("*")):
            if file.is_file() and count([file]):
                found[_place(settings, received, file)] += 1
    keys = sum(map(keystore.exists, key_ids))
    places = dict.fromkeys((*_PLACES.get(scope, ()), *found))
    return (Swept(_KEYS, keys), *(Swept(place, found[place]) for place in places))


def _place(settings: Settings, received: dict[Path, Holding], file: Path) -> str:
    if file in received:
        return _FOR_MATCHING if received[file].of_match else _FOR_ANALYSIS
    if file.is_relative_to(settings.sealed):
        return _SEALED.get(file.suffix, _OTHER)
    if file.is_relative_to(settings.home / "inbox"):
        return _INBOX
    if not file.is_relative_to(settings.runtime):
        return _RENDERED
    room = file.relative_to(settings.runtime).parts[0]
    if room in matching.KINDS:
        return _DESKS
    return _SESSIONS if room == "sessions" else _WORKING
