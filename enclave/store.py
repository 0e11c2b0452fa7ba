"""The only SQL: records of the rooms and the ledger, changed together or not at all.

A record is a frozen dataclass with a class variable `KIND`, a property `key` and a field `project`. It can be
written only with the ledger entry that tells why; both are one transaction (DESIGN mechanism 10).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import sqlalchemy as sa
from pydantic import TypeAdapter

from enclave.errors import Fault, refuse
from enclave.ledger import Entry, Frontier, Sign, checkpoint, encode, leaf_hash
from enclave.terms import reached

_schema = sa.MetaData()
_records = sa.Table(
    "record",
    _schema,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("project", sa.String(20), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
_ledger = sa.Table(
    "ledger",
    _schema,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("project", sa.String(20), nullable=False, index=True),
    sa.Column("action", sa.String(60), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
)
_frontier = sa.Table(
    "frontier",
    _schema,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("peaks", sa.Text, nullable=False),
)


class Record(Protocol):
    """What a room keeps."""

    KIND: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> str:
        """Name of this record among its kind."""

    @property
    def project(self) -> str:
        """Data Request it belongs to; empty for what belongs to none."""


R = TypeVar("R", bound=Record)


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


class View:
    """A consistent look at the records and the ledger."""

    def __init__(self, connection: sa.Connection, today: date) -> None:
        self._connection = connection
        self.today = today

    def get(self, kind: type[R], key: str) -> R | None:
        """Give one record, or None."""
        where = (_records.c.kind == kind.KIND) & (_records.c.key == key)
        row = self._connection.execute(sa.select(_records.c.body).where(where)).first()
        return None if row is None else _adapter(kind).validate_json(row.body)

    def find(self, kind: type[R], project: str | None = None, **fields: object) -> list[R]:
        """Give the records of a kind, in the order of their keys, whose fields equal those given."""
        query = sa.select(_records.c.body).where(_records.c.kind == kind.KIND).order_by(_records.c.key)
        if project is not None:
            query = query.where(_records.c.project == project)
        found = (_adapter(kind).validate_json(row.body) for row in self._connection.execute(query))
        return [record for record in found if all(getattr(record, k) == v for k, v in fields.items())]

    def entries(
        self, *, project: str | None = None, action: str | None = None, since: int = 0
    ) -> Iterator[dict[str, Any]]:
        """Give ledger entries in order, as they stand in the ledger."""
        query = sa.select(_ledger.c.body).where(_ledger.c.seq >= since).order_by(_ledger.c.seq)
        if project is not None:
            query = query.where(_ledger.c.project == project)
        if action is not None:
            query = query.where(_ledger.c.action == action)
        for row in self._connection.execute(query):
            yield json.loads(row.body)

    def bodies(self) -> Iterator[str]:
        """Give every ledger entry's canonical text, in order."""
        for row in self._connection.execute(sa.select(_ledger.c.body).order_by(_ledger.c.seq)):
            yield row.body

    def leaves(self) -> list[bytes]:
        """Give every leaf hash, in order."""
        return [row.leaf for row in self._connection.execute(sa.select(_ledger.c.leaf).order_by(_ledger.c.seq))]

    def frontier(self) -> Frontier:
        """Give the ledger's size and peaks."""
        row = self._connection.execute(sa.select(_frontier.c.size, _frontier.c.peaks)).first()
        if row is None:
            return Frontier()
        return Frontier(row.size, tuple(bytes.fromhex(peak) for peak in row.peaks.split()))

    def checkpoint(self, origin: str, key_id: bytes, sign: Sign) -> str:
        """Give a signed checkpoint of the ledger as it is now."""
        return checkpoint(origin, self.frontier(), key_id, sign)


class Transaction(View):
    """Changes and their entries, together or not at all."""

    def write(self, record: Record, entry: Entry) -> int:
        """Write a record (new or in place of the one with its key) and the entry that tells why.

        Returns
        -------
        int
            Sequence number of the entry.
        """
        body = _adapter(type(record)).dump_json(record).decode()
        where = (_records.c.kind == record.KIND) & (_records.c.key == record.key)
        self._connection.execute(sa.delete(_records).where(where))
        values = {"kind": record.KIND, "key": record.key, "project": record.project, "body": body}
        self._connection.execute(sa.insert(_records).values(values))
        return self.append(entry)

    def delete(self, record: Record, entry: Entry) -> int:
        """Delete a record and enter why."""
        where = (_records.c.kind == record.KIND) & (_records.c.key == record.key)
        self._connection.execute(sa.delete(_records).where(where))
        return self.append(entry)

    def append(self, entry: Entry) -> int:
        """Enter an event; give its sequence number."""
        frontier = self.frontier()
        body = encode(entry, frontier.size, datetime.now(UTC), self.today)
        leaf = leaf_hash(body)
        row = {"seq": frontier.size, "project": entry.project, "action": entry.action}
        self._connection.execute(sa.insert(_ledger).values(**row, body=body.decode(), leaf=leaf))
        grown = frontier.append(leaf)
        self._connection.execute(sa.delete(_frontier))
        peaks = " ".join(peak.hex() for peak in grown.peaks)
        self._connection.execute(sa.insert(_frontier).values(one=1, size=grown.size, peaks=peaks))
        return frontier.size


class Store:
    """The registry and ledger of one installation.

    Parameters
    ----------
    address : str
        SQLAlchemy address.
    today : callable
        Gives the enclave's calendar day; asked once for each transaction.
    """

    def __init__(self, address: str, today: Callable[[], date]) -> None:
        self._today = today
        # An error's text must not hold what was being written.
        if sa.make_url(address).get_backend_name() == "sqlite":
            self._engine = sa.create_engine(address, hide_parameters=True)
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)
        else:
            # one snapshot for a whole view, as SQLite gives it
            self._engine = sa.create_engine(address, hide_parameters=True, isolation_level="REPEATABLE READ")
            sa.event.listen(self._engine, "begin", _begin_postgresql)
        _schema.create_all(self._engine)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Change records and enter why, in one SQL transaction; an exception undoes both.

        Raises
        ------
        Refused
            If the ledger cannot be written: then nothing is done (fail closed).
        """
        with self._engine.connect().execution_options(write=True) as connection, _closing_fails(connection):
            yield Transaction(connection, self._today())
            reached("store.before-commit")
            connection.commit()
            reached("store.after-commit")

    @contextmanager
    def view(self) -> Iterator[View]:
        """Look at records and ledger, as they were at one moment, without changing them.

        Raises
        ------
        Fault
            If the database cannot be read.
        """
        with self._engine.connect() as connection, _unreadable():
            yield View(connection, self._today())

    def enter(self, entry: Entry) -> int:
        """Enter one event that changes no record."""
        with self.transaction() as tx:
            return tx.append(entry)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def _closing_fails(connection: sa.Connection) -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        connection.rollback()
        raise refuse(
            "ledger", "ledger-unavailable", "EM XVII.B",
            "the ledger cannot be written, so nothing was done",
            "Free the database (disk full or locked?) and try again.",
        ) from error  # fmt: skip


@contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except sa.exc.OperationalError as error:
        raise Fault("the registry cannot be read") from error


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; sqlite3 must not do it behind our back
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    # One writer at a time, before anything is read: LOCK comes before the snapshot is taken, a SELECT would not.
    if _writes(connection):
        connection.exec_driver_sql(f"LOCK TABLE {_frontier.name} IN EXCLUSIVE MODE")


def _writes(connection: sa.Connection) -> bool:
    return bool(connection.get_execution_options().get("write", False))
