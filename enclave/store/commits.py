"""One commit for all who write at the same moment: what waits for the disk waits for it together.

Writers take turns on one connection, each within a savepoint. Who finishes while another waits leaves the commit
to that one; nobody is told that it is done before it is on the disk. Alone, a writer commits at once.

Source: EM XVII.B.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition, Lock

import sqlalchemy as sa

from enclave.errors import EnclaveError, refuse
from enclave.store.schema import PATIENCE, writing
from enclave.terms import reached

TOGETHER = 64
"""Most writers of one commit, so that other processes get their turn."""


@dataclass
class _Group:
    """The writers of one commit: how many have written, and how it ended."""

    connection: sa.Connection
    wrote: int = 0
    over: bool = False
    error: BaseException | None = None


class Commits:
    """The writers of one process on one database.

    Parameters
    ----------
    engine : Engine
        As `connect` gives it.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        lock = Lock()
        self._free, self._over = Condition(lock), Condition(lock)
        self._waiting, self._busy = 0, False
        self._group: _Group | None = None

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection to write with; what was written is on the disk when this ends.

        An exception undoes what this writer wrote. An error of the database undoes the whole group, of which
        nobody has been told that it is done.

        Raises
        ------
        Refused
            If the ledger cannot be written: then nothing is done (fail closed).
        """
        group = self._enter()
        try:
            with group.connection.begin_nested():
                yield group.connection
        except BaseException as error:
            self._fail(group, error)
            raise
        group.wrote += 1
        self._rest()
        self._settle(group)

    def _enter(self) -> _Group:
        """Wait for one's turn; open a group where there is none."""
        with self._free:
            self._waiting += 1
            mine = False
            try:
                mine = self._free.wait_for(self._open, PATIENCE)
            finally:
                self._waiting -= 1
                self._busy |= mine
                if not mine:
                    self._over.notify_all()  # somebody may have left the commit to this one
        if not mine:
            raise _unavailable()
        try:
            self._group = self._group or _Group(self._begin())
        except BaseException:
            self._rest()
            raise
        return self._group

    def _open(self) -> bool:
        return not self._busy and (self._group is None or self._group.wrote < TOGETHER)

    def _begin(self) -> sa.Connection:
        connection = writing(self._engine)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def _fail(self, group: _Group, error: BaseException) -> None:
        """End the turn of a writer whose own part is undone; what the database failed at, or is empty, ends too."""
        if isinstance(error, sa.exc.DBAPIError):
            group.error = error
        if group.error is not None or not group.wrote:
            self._end(group)
        self._rest()

    def _rest(self) -> None:
        """Let the next one in, or tell those who have written that nobody comes."""
        with self._free:
            self._busy = False
            self._free.notify()
            if self._group is None or self._last(self._group):
                self._over.notify_all()

    def _last(self, group: _Group) -> bool:
        return not self._busy and (not self._waiting or group.wrote >= TOGETHER)

    def _settle(self, group: _Group) -> None:
        """Wait until the group is committed; do it where nobody else is about to write."""
        with self._over:
            self._over.wait_for(lambda: group.over or self._last(group))
            mine = not group.over
            self._busy |= mine
        if mine:
            try:
                reached("store.before-commit")
                group.connection.commit()
                reached("store.after-commit")
            except BaseException as error:
                group.error = error
                raise
            finally:
                self._end(group)
                self._rest()
        elif group.error is not None:
            raise _unavailable() from group.error

    def _end(self, group: _Group) -> None:
        group.over, self._group = True, None
        group.connection.close()


@contextmanager
def closed_when_failing() -> Iterator[None]:
    """Refuse, where the database does not take what is written."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _unavailable() from error


def _unavailable() -> EnclaveError:
    return refuse(
        "ledger", "ledger-unavailable", "EM XVII.B",
        "the ledger cannot be written, so nothing was done",
        "Free the database (disk full or locked?) and try again.",
    )  # fmt: skip
