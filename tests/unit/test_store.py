"""A record and the entry that tells why: together or not at all.

Source: EM XVII.B.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import pytest

from enclave.errors import Fault, Refused
from enclave.ledger import Entry, leaf_hash, root_of
from enclave.store import Store


@dataclass(frozen=True)
class Thing:
    """A record for these tests."""

    KIND: ClassVar[str] = "thing"
    project: str
    name: str
    on: date = date(2022, 4, 11)

    @property
    def key(self) -> str:
        return f"{self.project}/{self.name}"


def entry(what: str = "test.step", project: str = "DR-0034") -> Entry:
    return Entry("olga", what, "x", project)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'enclave.db'}", lambda: date(2022, 4, 11))
    yield made
    made.close()


def size(store: Store) -> int:
    with store.view() as view:
        return view.frontier().size


def test_a_record_is_read_back_replaced_and_deleted_each_with_an_entry(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.write(Thing("DR-0034", "a"), entry()) == 0
        tx.write(Thing("DR-0034", "b"), entry())
        tx.write(Thing("DR-0035", "a"), entry(project="DR-0035"))
        tx.write(Thing("DR-0034", "a", date(2022, 5, 1)), entry())
    with store.view() as view:
        assert view.get(Thing, "DR-0034/a") == Thing("DR-0034", "a", date(2022, 5, 1))
        assert view.get(Thing, "DR-0034/z") is None
        assert [thing.name for thing in view.find(Thing, "DR-0034")] == ["a", "b"]
        assert [thing.key for thing in view.find(Thing, name="a")] == ["DR-0034/a", "DR-0035/a"]
        assert len(list(view.entries(project="DR-0034"))) == 3
        assert [e["seq"] for e in view.entries(since=2)] == [2, 3]
    with store.transaction() as tx:
        tx.delete(Thing("DR-0034", "b"), entry("test.delete"))
    with store.view() as view:
        assert view.get(Thing, "DR-0034/b") is None
        assert [e["seq"] for e in view.entries(action="test.delete")] == [4]


def test_an_exception_undoes_record_and_entry(store: Store) -> None:
    with pytest.raises(RuntimeError, match="half way"), store.transaction() as tx:
        tx.write(Thing("DR-0034", "a"), entry())
        raise RuntimeError("half way")
    with store.view() as view:
        assert (view.get(Thing, "DR-0034/a"), view.frontier().size, list(view.bodies())) == (None, 0, [])


def test_the_frontier_is_that_of_the_entries(store: Store) -> None:
    for n in range(13):
        store.enter(entry(f"test.{n}"))
    with store.view() as view:
        leaves = [leaf_hash(body.encode()) for body in view.bodies()]
        assert leaves == view.leaves()
        assert view.frontier().root() == root_of(leaves)


def test_two_writers_do_not_lose_an_entry(store: Store, tmp_path: Path) -> None:
    other = Store(f"sqlite:///{tmp_path / 'enclave.db'}", lambda: date(2022, 4, 11))

    def write(into: Store) -> None:
        for _ in range(20):
            into.enter(entry())

    threads = [threading.Thread(target=write, args=(each,)) for each in (store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.view() as view:
        assert [e["seq"] for e in view.entries()] == list(range(40))
        assert view.frontier().root() == root_of(view.leaves())
    other.close()


def test_what_cannot_be_entered_is_not_done(store: Store, tmp_path: Path) -> None:
    store.enter(entry())
    base = sqlite3.connect(tmp_path / "enclave.db")
    base.execute("drop table frontier")
    base.commit()
    base.close()
    with pytest.raises(Refused, match="nothing was done"), store.transaction() as tx:
        tx.write(Thing("DR-0034", "a"), entry())
    with store.view() as view:
        assert view.get(Thing, "DR-0034/a") is None


def test_an_error_of_the_database_holds_nothing_of_a_record(store: Store, tmp_path: Path) -> None:
    store.enter(entry())
    base = sqlite3.connect(tmp_path / "enclave.db")
    base.execute("drop table record")
    base.commit()
    base.close()
    with pytest.raises(Refused) as refused, store.transaction() as tx:
        tx.write(Thing("DR-0034", "canary"), entry())
    assert "canary" not in str(refused.value.__cause__)
    with pytest.raises(Fault) as fault, store.view() as view:
        view.get(Thing, "DR-0034/canary")
    assert "canary" not in f"{fault.value}{fault.value.__cause__}"
