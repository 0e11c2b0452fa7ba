"""A PostgreSQL server of the tests' own: Debian's programs, a fresh cluster, a socket and no network."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg


def programs() -> Path:
    """Give the folder of the newest PostgreSQL that Debian installed."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))


@dataclass
class PostgreSQL:
    """A running server; `database` gives the address of a new, empty database.

    Parameters
    ----------
    folder : Path
        Holds cluster and socket.
    """

    folder: Path

    def __post_init__(self) -> None:
        self._numbers = count()

    @classmethod
    def start(cls, *options: str) -> PostgreSQL:
        """Make a cluster and start its server; as root on behalf of an ordinary user, for it refuses root."""
        # short: a socket's path ends at 108 bytes
        server = cls(Path(tempfile.mkdtemp(prefix="pg-")))
        if os.geteuid() == 0:
            shutil.chown(server.folder, "postgres", "postgres")
        server._run("initdb", "-D", "data", "-A", "trust", "-U", "enclave", "-E", "UTF8", "--no-locale")
        given = ["listen_addresses=", f"unix_socket_directories={server.folder}", *options]
        told = " ".join(f"-c {option}" for option in given)
        server._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", told, "start")
        return server

    def database(self, name: str = "") -> str:
        """Make a database, a new one or the one of that name if it is not there; give its SQLAlchemy address."""
        name = name or f"enclave_{next(self._numbers)}"
        with self.connection("postgres") as connection, contextlib.suppress(psycopg.errors.DuplicateDatabase):
            connection.autocommit = True
            connection.execute(f"create database {name}".encode())
        return f"postgresql+psycopg://enclave@/{name}?host={self.folder}"

    def copied(self, of: str, to: str) -> bool:
        """Make a database as the server copies one, files and all; False if somebody is connected to that one."""
        with self.connection("postgres") as connection:
            connection.autocommit = True
            connected = "select from pg_stat_activity where datname = %s and backend_type = 'client backend'"
            if connection.execute(connected, [of]).fetchone() is not None:
                return False  # the server would wait five seconds for them to leave
            # the other strategy writes every page to the log besides
            connection.execute(f"create database {to} template {of} strategy file_copy".encode())
        return True

    def drop(self, name: str) -> None:
        """Delete a database, whoever is connected to it."""
        with self.connection("postgres") as connection:
            connection.autocommit = True
            connection.execute(f"drop database if exists {name} with (force)".encode())

    def connection(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        """Connect to a database as its owner."""
        return psycopg.connect(host=str(self.folder), user="enclave", dbname=name)

    def crash(self) -> None:
        """Stop as a power cut does, and start again: what was committed is there."""
        self._run("pg_ctl", "-D", "data", "-w", "-m", "immediate", "restart")

    def stop(self) -> None:
        """Stop the server and delete its cluster."""
        self._run("pg_ctl", "-D", "data", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, program: str, *arguments: str) -> None:
        as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        # a server keeps what it was started with: no pipe of ours may be among it
        subprocess.run(
            [*as_user, programs() / program, *arguments],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip
