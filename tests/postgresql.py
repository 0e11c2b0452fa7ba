"""A PostgreSQL server of the tests' own: Debian's programs, a fresh cluster, a socket and no network."""

from __future__ import annotations

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
    def start(cls) -> PostgreSQL:
        """Make a cluster and start its server; as root on behalf of an ordinary user, for it refuses root."""
        # short: a socket's path ends at 108 bytes
        server = cls(Path(tempfile.mkdtemp(prefix="pg-")))
        if os.geteuid() == 0:
            shutil.chown(server.folder, "postgres", "postgres")
        server._run("initdb", "-D", "data", "-A", "trust", "-U", "enclave", "-E", "UTF8", "--no-locale")
        options = f"-c listen_addresses= -c unix_socket_directories={server.folder}"
        server._run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")
        return server

    def database(self) -> str:
        """Make a database; give its SQLAlchemy address."""
        name = f"enclave_{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user="enclave", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return f"postgresql+psycopg://enclave@/{name}?host={self.folder}"

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
