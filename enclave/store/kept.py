"""Records kept between looks: all of a kind, as they were at one size of the ledger, and what changed since.

Each entry of the ledger names the record that changed with it: whoever kept records at one size of the ledger reads
at a later one what changed and nothing else. What was computed from records is kept with what it was computed from,
and goes when any of that changes. So what is given is what the database gives at the moment of the look.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from threading import Lock
from typing import Any


class Loaded:
    """All records of one kind, in the order of their keys; never changed once it is made."""

    def __init__(self, records: Iterable[Any]) -> None:
        self.by_key = {record.key: record for record in sorted(records, key=_key)}
        self._by: dict[str, dict[str, list[Any]]] = {}

    def find(self, **fields: object) -> list[Any]:
        """Give the records whose fields equal those given, in the order of their keys."""
        few = [self._index(name).get(value, []) for name, value in fields.items() if isinstance(value, str)]
        among = min(few, key=len) if few else self.by_key.values()
        return [record for record in among if all(getattr(record, name) == value for name, value in fields.items())]

    def with_changed(self, now: Mapping[str, Any]) -> Loaded:
        """Give the records after a change: by key what each is now, None where it is gone."""
        if any(record is None or key not in self.by_key for key, record in now.items()):
            after = {**self.by_key, **now}
            return Loaded(record for record in after.values() if record is not None)
        changed = Loaded(())
        changed.by_key = {**self.by_key, **now}  # in the same order
        changes = [(self.by_key[key], record) for key, record in now.items()]
        changed._by = {name: _replaced(name, index, changes) for name, index in self._by.copy().items()}
        return changed

    def _index(self, name: str) -> dict[str, list[Any]]:
        """Give the records by a field that holds text; made when it is first asked for."""
        if name not in self._by:
            index: dict[str, list[Any]] = {}
            for record in self.by_key.values():
                value = getattr(record, name)
                if isinstance(value, str):
                    index.setdefault(value, []).append(record)
            self._by[name] = index
        return self._by[name]


def _key(record: Any) -> str:
    return str(record.key)


def _replaced(name: str, index: Mapping[str, list[Any]], changes: Iterable[tuple[Any, Any]]) -> dict[str, list[Any]]:
    """Give an index by a field after some records have become others; what this does not touch is shared."""
    made = dict(index)
    for before, now in changes:
        value = getattr(before, name)
        if isinstance(value, str):
            rest = made[value].copy()
            del rest[bisect_left(rest, before.key, key=_key)]
            made[value] = rest
        value = getattr(now, name)
        if isinstance(value, str):
            made[value] = [*made.get(value, ())]
            insort(made[value], now, key=_key)
    return made


Source = tuple[str, str | None]
"""A kind of record, or an action of the ledger, and the project it is of; None for those of all."""
Changed = Mapping[type[Any], Mapping[str, Any]]
"""By kind what records are now, by key; None for those that are gone."""
ELSEWHERE: Source = ("elsewhere", None)
"""What is read otherwise: nobody notices when it changes."""


@dataclass(frozen=True)
class Derived:
    """What was computed at a look, and from what."""

    value: Any
    read: frozenset[Source]


@dataclass(frozen=True)
class Kept:
    """Records of some kinds at one size of the ledger, and what was derived from them.

    Parameters
    ----------
    derived : dict of what was computed -> Derived
        The first two of a name are the function and the day.
    """

    size: int = 0
    kinds: Mapping[type[Any], Loaded] = field(default_factory=dict)
    derived: dict[tuple[Any, ...], Derived] = field(default_factory=dict)

    def at(self, size: int, today: date, entered: Iterable[tuple[str, str]], changed: Changed) -> Kept:
        """Give what is kept as it is at a later size.

        Parameters
        ----------
        entered : iterable of (action, project)
            Of the entries since.
        changed : Changed
        """
        touched: set[Source] = {source for action, of in entered for source in ((action, of), (action, None))}
        for kind, now in changed.items():
            before = map(self.kinds[kind].by_key.get, now)
            touched |= {(kind.KIND, record.project) for record in (*before, *now.values()) if record is not None}
            touched.add((kind.KIND, None))
        kinds = {
            kind: loaded.with_changed(changed[kind]) if kind in changed else loaded
            for kind, loaded in self.kinds.items()
        }
        derived = self.derived.copy()  # at once: another thread may be adding to it
        still = {n: each for n, each in derived.items() if n[1] == today and touched.isdisjoint(each.read)}
        return Kept(size, kinds, still)


class Keeper:
    """What the looks of one store keep for those that come after; used by many threads at once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.kept = Kept()

    def keep(self, kept: Kept) -> None:
        """Keep this in the place of what is older."""
        with self._lock:
            if kept.size > self.kept.size:
                self.kept = kept
            elif kept.size == self.kept.size:
                self.kept = Kept(kept.size, {**self.kept.kinds, **kept.kinds}, self.kept.derived)
