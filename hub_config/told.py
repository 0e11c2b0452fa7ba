"""What the glass counted at each server, as it tells the hub: a file of a few words and numbers for each.

Written by the proxy, which reaches no ledger; read by the spawner, which has the broker enter it.

Source: EM VII.B.1.c; DSA III.C.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub_config.posted import file_of, replace

log = logging.getLogger(__name__)


def writer(folder: Path) -> Callable[[str, Mapping[str, Any]], bool]:
    """Return a function that writes down the counts of a server, and tells whether it could."""

    def write(server: str, counts: Mapping[str, Any]) -> bool:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace(file_of(folder, server), counts)
        except OSError as error:
            log.error("what was counted cannot be written down (%s); it is tried again", error.strerror)
            return False
        return True

    return write


def reader(folder: Path) -> Callable[[str], Mapping[str, Any]]:
    """Return a function that gives the counts of a server; none where nothing was counted."""

    def read(server: str) -> Mapping[str, Any]:
        with suppress(FileNotFoundError):
            counts: dict[str, Any] = json.loads(file_of(folder, server).read_text("utf-8"))
            return counts
        return {}

    return read


def remove(folder: Path, server: str) -> None:
    """Forget a server that stopped."""
    file_of(folder, server).unlink(missing_ok=True)
