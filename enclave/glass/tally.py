"""What the glass counted at a server, so that the hub can enter it: kept in memory, written down now and then.

Who tries or works a million times fills nothing: it is counted, and the count is written over the one before.

Source: DSA III.C; EM VII.B.1.c.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

V = TypeVar("V", bound=int | str)
CELLS, CODE, DOCUMENTS = "cells_run", "code_sha256", "documents_opened"


class Tally(Generic[V]):
    """Keep what is counted of each server, and have it written down.

    Parameters
    ----------
    read : callable
        Gives what was written of a server, from before a restart.
    write : callable
        Writes down what was counted of a server; tells whether it could.
    """

    def __init__(self, read: Callable[[str], Mapping[str, V]], write: Callable[[str, Mapping[str, V]], bool]) -> None:
        """Store the parts; nothing has been counted."""
        self._read, self._write = read, write
        self._counts: dict[str, dict[str, V]] = {}
        self._unwritten: set[str] = set()

    def _of(self, server: str) -> dict[str, V]:
        """Give what is counted of a server, to be changed: it is written down at the next flush."""
        if server not in self._counts:
            self._counts[server] = dict(self._read(server))
        self._unwritten.add(server)
        return self._counts[server]

    def flush(self) -> None:
        """Write down what has been counted since; what could not be written is tried again the next time."""
        self._unwritten = {server for server in self._unwritten if not self._write(server, self._counts[server])}

    def forget(self, server: str) -> None:
        """Write down the last counts of a server that stops, and count anew for the next."""
        self.flush()
        self._unwritten.discard(server)
        self._counts.pop(server, None)


class Refusals(Tally[int]):
    """Count by kind what was refused at servers where identifiers are open.

    Source: EM VII.B.1.c.
    """

    def note(self, server: str, what: str) -> None:
        """Count one; the first of its kind is written down at once.

        Parameters
        ----------
        server : str
            Person and project, e.g. 'ana/dr-0034'.
        what : str
            One of a few words of ours.
        """
        counts = self._of(server)
        counts[what] = counts.get(what, 0) + 1
        if counts[what] == 1:
            self.flush()


class Activity(Tally[int | str]):
    """Count the cells that were run and the documents that were opened; of their code only a digest is kept.

    Source: DSA III.C; ExA 4.b.
    """

    def ran(self, server: str, code: str) -> None:
        """Count a cell that goes to the kernel.

        The digest (SHA-256, hex) is of the one before and of this code's: whoever is given the cells in their order
        can prove that it was these and no others, and nobody can read them from it.
        """
        counts = self._of(server)
        counts[CELLS] = int(counts.get(CELLS, 0)) + 1
        before, this = str(counts.get(CODE, "")), hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
        counts[CODE] = hashlib.sha256(f"{before}{this}".encode()).hexdigest()

    def opened(self, server: str) -> None:
        """Count a notebook or another file of text whose content a browser is shown."""
        counts = self._of(server)
        counts[DOCUMENTS] = int(counts.get(DOCUMENTS, 0)) + 1
