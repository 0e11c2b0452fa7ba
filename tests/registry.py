"""Where the registry of a test's home stands: in SQLite's file there, or in PostgreSQL with ``pytest --postgresql``.

One server serves a run, its workers and the processes they start; a home's database is found by the home's path.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from enclave.store.schema import SCHEMA, connect, prepare
from tests.postgresql import PostgreSQL

SERVER = "ENCLAVE_TESTS_POSTGRESQL"
"""The variable that names the folder of the run's server to every process of it."""
_MADE: dict[Path, str] = {}
"""Homes whose databases this process made or used, and their names."""


def server() -> PostgreSQL | None:
    """Give the run's server; none where it runs on SQLite."""
    folder = os.environ.get(SERVER)
    return PostgreSQL(Path(folder)) if folder else None


def address(home: Path) -> str:
    """Give the SQLAlchemy address of the registry of `home`; its database is made the first time."""
    running = server()
    return running.database(_name(home)) if running else f"sqlite:///{home / 'enclave.db'}"


def copy(*, of: Path, to: Path) -> None:
    """Give a copied home the registry of the other, open or not; SQLite's file came along with the folder."""
    running = server()
    if running is None or running.copied(_name(of), _name(to)):
        return
    engine = connect(running.database(_name(to)))
    prepare(engine)
    engine.dispose()
    with running.connection(_name(of)) as source, running.connection(_name(to)) as target:
        source.execute("set transaction isolation level repeatable read")
        for table in SCHEMA.sorted_tables:
            name = table.name.encode()
            with (
                source.cursor().copy(b"copy " + name + b" to stdout") as rows,
                target.cursor().copy(b"copy " + name + b" from stdin") as into,
            ):
                for row in rows:
                    into.write(row)


def copy_home(*, of: Path, to: Path) -> None:
    """Copy a home that nobody writes to, its registry with it."""
    shutil.copytree(of, to, dirs_exist_ok=True)
    copy(of=of, to=to)


def forge(address: str, statement: str) -> None:
    """Change the ledger as whoever owns the machine can: past the triggers that forbid it."""
    engine = connect(address)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            for deed in ("update", "delete"):
                connection.exec_driver_sql(f"drop trigger ledger_no_{deed}")
        else:
            connection.exec_driver_sql("drop trigger ledger_no_change on ledger")
        connection.exec_driver_sql(statement)
    engine.dispose()


def drop(home: Path) -> None:
    """Delete the registry of a home."""
    running = server()
    if running is not None:
        running.drop(_name(home))
    for file in home.glob("enclave.db*"):
        file.unlink()


def drop_below(folder: Path) -> None:
    """Delete the databases of all homes in a folder."""
    for home in [home for home in _MADE if home.is_relative_to(folder)]:
        drop(home)
        del _MADE[home]


def _name(home: Path) -> str:
    return _MADE.setdefault(home, f"home_{hashlib.sha256(str(home).encode()).hexdigest()[:20]}")
