"""What was refused at servers where identifiers are open: counted by kind, so that it can be entered.

The hub enters the first of each kind and, at the end, how often each was; who tries a million times fills nothing.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Refusals:
    """Count refusals by server and kind.

    Parameters
    ----------
    read : callable
        Gives what was written of a server, from before a restart.
    write : callable
        Writes down the counts of a server; tells whether it could.
    """

    def __init__(
        self, read: Callable[[str], Mapping[str, int]], write: Callable[[str, Mapping[str, int]], bool]
    ) -> None:
        """Store the parts; nothing has been counted."""
        self._read, self._write = read, write
        self._counts: dict[str, dict[str, int]] = {}
        self._unwritten: set[str] = set()

    def note(self, server: str, what: str) -> None:
        """Count one; the first of its kind is written down at once.

        Parameters
        ----------
        server : str
            Person and project, e.g. 'ana/dr-0034'.
        what : str
            One of a few words of ours.
        """
        if server not in self._counts:
            self._counts[server] = dict(self._read(server))
        counts = self._counts[server]
        counts[what] = counts.get(what, 0) + 1
        self._unwritten.add(server)
        if counts[what] == 1:
            self.flush()

    def flush(self) -> None:
        """Write down what has been counted since; what could not be written is tried again the next time."""
        self._unwritten = {server for server in self._unwritten if not self._write(server, self._counts[server])}

    def forget(self, server: str) -> None:
        """Write down the last counts of a server that stops, and count anew for the next."""
        self.flush()
        self._unwritten.discard(server)
        self._counts.pop(server, None)
