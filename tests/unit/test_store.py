"""A record and the entry that tells why: together or not at all.

Source: EM XVII.B.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from enclave.errors import Fault, Refused
from enclave.ledger import Entry, leaf_hash, root_of
from enclave.store import VERSION, Store, move, schema, upgrade
from enclave.store.schema import SCHEMA, connect, migrate, version, writing
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.sqlite("runs on both by itself")


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


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'enclave.db'}"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.database()


def today() -> date:
    return date(2022, 4, 11)


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    made = Store(address, today)
    yield made
    made.close()


def execute(address: str, statement: str) -> None:
    """Do to the database what its owner could do."""
    with sa.create_engine(address, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text(statement))


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


def test_what_was_loaded_is_what_is_asked_and_a_change_is_seen(store: Store) -> None:
    things = [Thing("DR-0034", "a"), Thing("DR-0034", "b", date(2022, 5, 1)), Thing("DR-0035", 'quo"te_%')]
    with store.transaction() as tx:
        for thing in things:
            tx.write(thing, entry())
    for load in (False, True):
        with store.transaction() as tx:
            if load:
                tx.load(Thing)
            assert tx.find(Thing) == things and tx.find(Thing, "DR-0034") == things[:2]
            assert tx.find(Thing, on=date(2022, 5, 1)) == things[1:2] and tx.find(Thing, "DR-0035", name="a") == []
            assert tx.find(Thing, name='quo"te_%') == things[2:] and tx.get(Thing, "DR-0034/a") == things[0]
            tx.write(Thing("DR-0034", "a", date(2022, 6, 1)), entry())
            assert tx.get(Thing, "DR-0034/a") == tx.find(Thing)[0] == Thing("DR-0034", "a", date(2022, 6, 1))
            tx.delete(things[1], entry())
            assert tx.get(Thing, "DR-0034/b") is None and len(tx.find(Thing)) == 2
            tx.write(things[0], entry())
            tx.write(things[1], entry())


def test_what_views_load_is_loaded_anew_after_any_change_and_after_none_that_was_undone(
    store: Store, address: str
) -> None:
    def names() -> list[str]:
        with store.view() as view:
            view.load(Thing)
            return [thing.name for thing in view.find(Thing)]

    other = Store(address, today)
    assert names() == []
    with store.transaction() as tx:
        tx.write(Thing("DR-0034", "a"), entry())
    assert names() == names() == ["a"]
    with other.transaction() as tx:
        tx.write(Thing("DR-0034", "b"), entry())
    assert names() == ["a", "b"]
    with pytest.raises(RuntimeError), store.transaction() as tx:
        tx.write(Thing("DR-0034", "c"), entry())
        tx.load(Thing)
        raise RuntimeError
    with other.transaction() as tx:
        tx.delete(Thing("DR-0034", "a"), entry())
    assert names() == ["b"]
    other.close()


def test_the_newest_entries_are_found_by_parts_of_their_fields(store: Store) -> None:
    for n in range(30):
        store.enter(Entry("Olga" if n % 3 else "sam_%", f"test.{n % 2}", f"x{n}", "DR-0034" if n % 5 else "DR-0035"))
    with store.view() as view:
        found, count = view.newest(4)
        assert ([e["seq"] for e in found], count) == ([29, 28, 27, 26], 30)
        found, count = view.newest(2, project="DR-0035", action="test.1")
        assert ([e["object"] for e in found], count) == (["x25", "x15"], 3)
        found, count = view.newest(3, project="DR-0034", parts={"actor": "OLG", "object": "2", "action": ""})
        assert ([e["object"] for e in found], count) == (["x29", "x28", "x26"], 6)
        assert view.newest(9, parts={"actor": "_%"})[1] == 10 and view.newest(9, parts={"object": "olga"}) == ([], 0)
        assert [e["seq"] for e in view.entries(action={"test.0", "test.2"}, since=25)] == [26, 28]


def test_who_is_named_is_found_whole_and_by_the_same_letters(store: Store) -> None:
    for told in (["SDE"], ["SDE-2"], ["sde"], []):
        store.enter(Entry("olga", "test.tell", "case", details={"told": told}))
    with store.view() as view:
        named = {code: view.newest(9, naming=[code])[1] for code in ("SDE", "SDE-2", "TOLD", "ACTOR", "SD_")}
        assert view.newest(9, naming=[]) == ([], 0)
        found, count = view.newest(2, naming=["SDE"], or_of={"test.tell"})
    assert named == {"SDE": 1, "SDE-2": 1, "TOLD": 0, "ACTOR": 0, "SD_": 0}
    assert (count, [entry["seq"] for entry in found]) == (4, [3, 2])


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


def test_two_writers_do_not_lose_an_entry(store: Store, address: str) -> None:
    other = Store(address, today)

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


def test_what_cannot_be_entered_is_not_done(store: Store, address: str) -> None:
    store.enter(entry())
    execute(address, "drop table frontier")
    with pytest.raises(Refused, match="nothing was done"), store.transaction() as tx:
        tx.write(Thing("DR-0034", "a"), entry())
    with store.view() as view:
        assert view.get(Thing, "DR-0034/a") is None


def test_an_error_of_the_database_holds_nothing_of_a_record(store: Store, address: str) -> None:
    store.enter(entry())
    execute(address, "drop table record")
    with pytest.raises(Refused) as refused, store.transaction() as tx:
        tx.write(Thing("DR-0034", "canary"), entry())
    assert "canary" not in str(refused.value.__cause__)
    with pytest.raises(Fault) as fault, store.view() as view:
        view.get(Thing, "DR-0034/canary")
    assert "canary" not in f"{fault.value}{fault.value.__cause__}"


@pytest.mark.parametrize("deed", ["update ledger set action = 'test.other'", "delete from ledger"])
def test_the_database_itself_keeps_entries_as_they_are(store: Store, address: str, deed: str) -> None:
    store.enter(entry())
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        execute(address, deed)
    with store.view() as view:
        assert [e["action"] for e in view.entries()] == ["test.step"]


def test_what_was_acknowledged_outlives_a_power_cut_of_the_server(postgresql: PostgreSQL) -> None:
    store = Store(postgresql.database(), today)
    with store.transaction() as tx:
        tx.write(Thing("DR-0034", "a"), entry())
    postgresql.crash()
    store.enter(entry("test.after"))
    with store.view() as view:
        assert view.get(Thing, "DR-0034/a") == Thing("DR-0034", "a")
        assert [e["action"] for e in view.entries()] == ["test.step", "test.after"]
        assert view.frontier().root() == root_of(view.leaves())
    store.close()


def test_the_migrations_make_the_tables_this_program_works_with(store: Store, address: str) -> None:
    store.enter(entry())
    engine = connect(address)
    with engine.connect() as connection:
        assert version(connection) == VERSION
        assert compare_metadata(MigrationContext.configure(connection), SCHEMA) == []
    engine.dispose()
    assert ScriptDirectory("enclave/store/migrations").get_current_head() == VERSION


def test_a_database_of_an_older_program_is_refused_until_it_is_upgraded(address: str) -> None:
    engine = connect(address)
    with engine.begin() as connection:
        migrate(connection, "0001")
    engine.dispose()
    with pytest.raises(Refused, match="version 0001") as refused:
        Store(address, today)
    assert [finding.rule for finding in refused.value.findings] == ["registry-version"]
    assert upgrade(address, today(), "olga") == "0001"
    store = Store(address, today)
    with store.view() as view:
        assert [(e["action"], e["details"]) for e in view.entries()] == [
            ("store.upgrade", {"from": "0001", "to": VERSION})
        ]
    assert upgrade(address, today(), "olga") == VERSION
    assert size(store) == 1
    store.close()


@pytest.mark.parametrize("earlier", ["0001", "0002", "0003"])
def test_what_was_entered_before_an_upgrade_is_whole_found_and_gone_on_from(
    earlier: str, address: str, tmp_path: Path
) -> None:
    now = Store(f"sqlite:///{tmp_path / 'now.db'}", today)
    with now.transaction() as tx:
        for n in range(2_500):  # more than a migration reads at once
            tx.write(Thing("DR-0034", str(n % 100), date(2022, 1, 1)), entry(f"test.{n % 3}"))
    engine = connect(address)
    with engine.begin() as connection, now.view() as view:
        migrate(connection, earlier)
        for table in SCHEMA.sorted_tables:
            old = sa.Table(table.name, sa.MetaData(), autoload_with=connection)
            names = {column.name for column in old.columns}
            kept = [{name: row[name] for name in names} for row in view.rows(table)]
            connection.execute(sa.insert(old), kept)
    engine.dispose()
    assert upgrade(address, today(), "Oscar") == earlier
    store = Store(address, today)
    with store.transaction() as tx:
        tx.write(Thing("DR-0034", "7"), entry("test.after"))
    with store.view() as view, now.view() as before:
        assert list(view.bodies())[:-2] == list(before.bodies())
        assert view.frontier().root() == root_of(view.leaves()) and view.frontier().size == 2_502
        assert view.newest(1, parts={"actor": "oscar"})[0][0]["action"] == "store.upgrade"
        assert view.newest(0, parts={"actor": "OLGA", "object": "x"})[1] == 2_501
        assert len(view.find(Thing)) == 100 and view.find(Thing, on=today()) == [Thing("DR-0034", "7")]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"):
        execute(address, "update ledger set body = ''")
    store.close()
    now.close()


def test_an_upgrade_that_fails_leaves_the_old_version(address: str) -> None:
    engine = connect(address)
    with engine.begin() as connection:
        migrate(connection, "0001")
    execute(address, "drop table frontier")
    with pytest.raises(sa.exc.DBAPIError):
        upgrade(address, today(), "olga")
    with engine.connect() as connection:
        assert version(connection) == "0001"
    engine.dispose()


def test_a_registry_is_moved_whole_into_an_empty_database(tmp_path: Path, postgresql: PostgreSQL) -> None:
    store = Store(f"sqlite:///{tmp_path / 'enclave.db'}", today)
    for n in range(5):
        with store.transaction() as tx:
            tx.write(Thing("DR-0034", str(n)), entry(f"test.{n}"))
    target = postgresql.database()
    assert move(store, target, today, "olga") == 6
    other = Store(target, today)
    with store.view() as old, other.view() as new:
        assert new.find(Thing) == old.find(Thing) and list(new.bodies()) == list(old.bodies())
        assert new.frontier() == old.frontier() and old.frontier().root() == root_of(new.leaves())
        assert [e["action"] for e in new.entries()][-1] == "store.move"
    other.enter(entry("test.after"))
    with pytest.raises(Refused, match="holds a registry already"):
        move(store, target, today, "olga")
    assert (size(store), size(other)) == (6, 7)
    other.close()
    store.close()


def test_who_waits_too_long_for_another_writer_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE", 1)
    store, hung = Store(address, today), connect(address)
    with writing(hung) as connection:
        connection.execute(sa.text("select 1"))
        with pytest.raises(Refused) as refused:
            store.enter(entry())
    assert [found.rule for found in refused.value.findings] == ["ledger-unavailable"]
    store.enter(entry())
    assert size(store) == 1
    store.close()
    hung.dispose()
