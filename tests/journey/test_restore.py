"""What docs/operating.md says of backup and restore, done: all is lost, put back, and the work goes on.

Source: EM XVII.B; DSA II.I; DSA VI.H.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import At
from tests.journey.every import moved, settle_on
from tests.journey.killing import sound
from tests.postgresql import PostgreSQL, programs
from tests.world import Installation

pytestmark = pytest.mark.sqlite("runs on both by itself")


class OnSQLite:
    """The registry is a file of the home."""

    def __init__(self, made: Installation, folder: Path) -> None:
        self._registry, self._copy = made.home / "enclave.db", folder / "copy.db"

    def back_up(self) -> None:
        with closing(sqlite3.connect(self._registry)) as registry, closing(sqlite3.connect(self._copy)) as copy:
            registry.backup(copy)

    def put_back(self) -> None:
        shutil.copy(self._copy, self._registry)


class OnPostgreSQL:
    """The registry is a database of a server."""

    def __init__(self, made: Installation, folder: Path, server: PostgreSQL) -> None:
        self._made, self._server, self._copy = made, server, folder / "copy.sql"
        self._address = server.database()
        moved(made, self._address)

    def back_up(self) -> None:
        self._run("pg_dump", self._address, "--no-owner", "--file", self._copy)

    def put_back(self) -> None:
        anew = self._server.database()
        self._run("psql", anew, "--quiet", "--set", "ON_ERROR_STOP=1", "--file", self._copy)
        settle_on(self._made, anew)

    @staticmethod
    def _run(program: str, address: str, *arguments: object) -> None:
        parts = urlsplit(address)
        at = ("--host", parse_qs(parts.query)["host"][0], "--username", "enclave", "--dbname", parts.path[1:])
        command = [programs() / program, *at, *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


KINDS: dict[str, Callable[..., Any]] = {"SQLite": OnSQLite, "PostgreSQL": OnPostgreSQL}


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_lost_and_put_back(kind: str, at: At, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A session ends while it is backed up: what it entered is not in the backup, what was worked in it is."""
    made, held, later = at("delivered"), tmp_path / "held.txt", tmp_path / "later.txt"
    server = (request.getfixturevalue("postgresql"),) if kind == "PostgreSQL" else ()
    registry = KINDS[kind](made, tmp_path, *server)
    work(made, "first")
    made.run("ledger", "checkpoint", held)
    registry.back_up()
    work(made, "second")
    shutil.copytree(made.home, tmp_path / "home", ignore=shutil.ignore_patterns("keys", "enclave.db*"))
    shutil.copytree(made.home / "keys", tmp_path / "keys")
    made.run("ledger", "checkpoint", later)
    made.close()
    shutil.rmtree(made.home)

    shutil.copytree(tmp_path / "home", made.home)
    shutil.copytree(tmp_path / "keys", made.home / "keys")
    registry.put_back()
    made = Installation(made.root)
    made.run("upgrade")
    made.run("recover")
    sound(made, "put back")
    exported, key = made.root / "ledger.jsonl", made.root / "ledger.pub"
    made.run("ledger", "verify", exported, "--key", key, "--held", held)
    made.run("ledger", "verify", exported, "--key", key, "--held", later, code=3)
    made.run("report", "controls", code=None)
    assert work(made, "third") == "second"
    made.close()


def work(made: Installation, text: str) -> str:
    """Open a session of Wren's, where the data are, and leave a note; give what stood in it before."""
    session = made.enclave.broker().admit("wren", made.project)
    assert list((session.folder / "project").rglob("*.parquet"))
    note = session.folder / "home" / "note.txt"
    before = note.read_text() if note.exists() else ""
    note.write_text(text)
    made.enclave.broker().release(session.name)
    return before
