"""The tables, the database they stand in, and its version.

SQLite on one machine, PostgreSQL in production. The tables are made and changed by migrations (Alembic); a database
of another version is not opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from enclave.errors import Fault, Finding, invalid, refuse
from enclave.ledger import Entry, encode, leaf_hash

LOOKED_AT = 100
"""Characters of an entry's actor and object that can be looked for; an index takes no longer ones."""

SCHEMA = sa.MetaData()
RECORDS = sa.Table(
    "record",
    SCHEMA,
    sa.Column("kind", sa.String(40), primary_key=True),
    sa.Column("key", sa.String(200), primary_key=True),
    sa.Column("project", sa.String(20), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
)
LEDGER = sa.Table(
    "ledger",
    SCHEMA,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("project", sa.String(20), nullable=False),
    sa.Column("action", sa.String(60), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    # who acted and on what, in lower case and cut: what is looked for
    sa.Column("actor", sa.String(LOOKED_AT), nullable=False, server_default=""),
    sa.Column("object", sa.String(LOOKED_AT), nullable=False, server_default=""),
    # the record that changed with the entry, if one did
    sa.Column("kind", sa.String(40), nullable=False, server_default=""),
    sa.Column("key", sa.String(200), nullable=False, server_default=""),
    sa.Index("ix_ledger_project_action", "project", "action"),
    sa.Index("ix_ledger_project_parts", "project", "seq", "actor", "action", "object"),
)
FRONTIER = sa.Table(
    "frontier",
    SCHEMA,
    sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("peaks", sa.Text, nullable=False),
)
VERSION = "0004"
"""The migration this program works with: the last of `migrations/versions`."""

PATIENCE = 30
"""Seconds a writer waits for its turn."""


def ledger_row(entry: Entry, seq: int, at: datetime, day: date) -> dict[str, Any]:
    """Give an entry's row at its place in the ledger."""
    body = encode(entry, seq, at, day)
    return {
        "seq": seq, "project": entry.project, "action": entry.action, "body": body.decode(), "leaf": leaf_hash(body),
        **looked_for(entry.actor, entry.object),
    }  # fmt: skip


def looked_for(actor: str, object: str) -> dict[str, str]:
    """Give who acted and on what as they are looked for."""
    return {"actor": actor.lower()[:LOOKED_AT], "object": object.lower()[:LOOKED_AT]}


def connect(address: str) -> sa.Engine:
    """Give an engine whose transactions are whole: one snapshot to read, one writer at a time.

    Raises
    ------
    Invalid
        If the address names neither SQLite nor PostgreSQL.
    """
    try:
        driver = sa.make_url(address).drivername
    except sa.exc.ArgumentError:
        driver = ""
    # an error's text must not hold what was being written
    if driver == "sqlite":
        engine = sa.create_engine(address, hide_parameters=True)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    elif driver == "postgresql+psycopg":
        # one snapshot for a whole view, as SQLite gives it; what a restart of the server cut is made anew
        engine = sa.create_engine(
            address, hide_parameters=True, isolation_level="REPEATABLE READ", pool_pre_ping=True
        )
        sa.event.listen(engine, "begin", _begin_postgresql)
    else:
        raise invalid(
            "registry", "database-address", "EM XVII.B", "the database's address names neither SQLite nor PostgreSQL",
            "Write sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME.",
        )  # fmt: skip
    return engine


def writing(engine: sa.Engine) -> sa.Connection:
    """Give a connection whose transaction writes: it waits for whoever writes now."""
    return engine.connect().execution_options(write=True)


def prepare(engine: sa.Engine) -> None:
    """Make the tables of an empty database; refuse one of another version.

    Source: EM XVII.B.

    Raises
    ------
    Refused
        If the database was made by an older or a newer program.
    Fault
        If the database cannot be read.
    """
    with reading():
        with engine.connect() as connection:
            found = version(connection)
        if found is None:
            with engine.begin() as connection:
                migrate(connection)
    if found not in (None, VERSION):
        raise refuse(
            "registry", "registry-version", "EM XVII.B",
            f"the database is of version {found}, this program works with {VERSION}",
            "Back it up, and run `enclave upgrade` of the newer program.",
        )  # fmt: skip


@contextmanager
def reading() -> Iterator[None]:
    """Give a fault where the database does not answer, is no database or may not be read."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        what, next = "the database cannot be read", "See that it runs, and that its address and its rights are right."
        raise Fault("registry", [Finding("database-unreadable", "EM XVII.B", "", what, next)]) from error


def version(connection: sa.Connection) -> str | None:
    """Give the version of the tables; None where there are none."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("select version_num from alembic_version")).scalar_one_or_none()


def migrate(connection: sa.Connection, to: str = VERSION) -> None:
    """Bring the tables to a version, within the connection's transaction."""
    settings = Config()
    settings.set_main_option("script_location", "enclave.store:migrations")
    settings.attributes["connection"] = connection
    command.upgrade(settings, to)


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; sqlite3 must not do it behind our back
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", f"busy_timeout={PATIENCE * 1_000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _writes(connection) else "BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    # One writer at a time, before anything is read: LOCK comes before the snapshot is taken, a SELECT would not.
    if _writes(connection):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
        connection.exec_driver_sql(f"LOCK TABLE {FRONTIER.name} IN EXCLUSIVE MODE")


def _writes(connection: sa.Connection) -> bool:
    return bool(connection.get_execution_options().get("write", False))
