"""Lines appended to a file whose disk may be full: what it does not take waits until there is room."""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)


class Lines:
    """A file that grows by whole lines.

    Parameters
    ----------
    path : Path
        Made if need be, readable by its owner alone.
    """

    def __init__(self, path: Path) -> None:
        """Open the file."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._waiting = b""

    def add(self, line: str) -> None:
        """Add a line, which waits for `settle`."""
        self._waiting += f"{line}\n".encode()

    def settle(self) -> bool:
        """Write what waits; tell whether all of it is written.

        A full disk may take part of a line: the rest follows it.
        """
        try:
            while self._waiting:
                self._waiting = self._waiting[os.write(self._file, self._waiting) :]
        except OSError as error:
            log.error("bytes shown cannot be written down (%s); it is tried again", error.strerror)
        return not self._waiting

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
