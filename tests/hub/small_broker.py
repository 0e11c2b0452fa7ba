"""A broker small enough to see through: a folder says who is admitted and what was released."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from enclave.errors import refuse
from enclave.sandbox import Mount
from enclave.terms import ApprovedNotebook


@dataclass(frozen=True)
class SmallSession:
    """What a person is admitted to."""

    name: str
    project: str
    person: str
    mounts: tuple[Mount, ...]
    expires_on: date = date(2099, 12, 31)
    days_left: int = 141
    clearance: str = "every approved column"
    uid: int | None = None
    environment: dict[str, str] = field(default_factory=dict)
    only: ApprovedNotebook | None = None


class SmallBroker:
    """Admits who has a file in `admitted`; removing it ends the session."""

    def __init__(self, home: Path, only: ApprovedNotebook | None = None) -> None:
        self._home = home
        self._only = only

    def admit(self, username: str, project: str) -> SmallSession:
        """Open a session, or refuse."""
        if reasons := self.still_admitted(username, project):
            raise refuse(f"session refused for {username}", "named", "DSA 2.g", reasons[0], "Ask to be named.")
        scratch = self._home / "scratch" / username
        scratch.mkdir(parents=True, exist_ok=True)
        mounts = (
            Mount(self._home / "project", "/project"),
            Mount(scratch, "/home/analyst", writable=True),
        )
        return SmallSession(f"{username}-{project}", project.upper(), username, mounts, only=self._only)

    def refused(self, session_name: str, counts: Mapping[str, int]) -> None:
        """Note what was refused."""

    def release(self, session_name: str, counted: Mapping[str, int | str], refused: Mapping[str, int]) -> None:
        """Note that the server has stopped."""
        with (self._home / "released").open("a") as file:
            file.write(f"{session_name}\n")

    def still_admitted(self, username: str, project: str) -> list[str]:
        """Return why not."""
        return [] if (self._home / "admitted" / username).exists() else [f"not named in {project}"]

    def projects(self, username: str) -> list[tuple[str, str]]:
        """Return the one project there is, for whom is admitted to it."""
        return [("DR-0034", "Manufacturing pathways")] if (self._home / "admitted" / username).exists() else []

    def revision(self) -> str:
        """Change whenever somebody is admitted or no longer is."""
        return str((self._home / "admitted").stat().st_mtime_ns)


def broker(home: Path) -> SmallBroker:
    """Make the broker."""
    return SmallBroker(home)


def desk(home: Path) -> SmallBroker:
    """Make a broker that opens servers on which one notebook runs and nothing else."""
    return SmallBroker(home, ApprovedNotebook("getting_started.ipynb", frozenset({"print('template')"})))
