"""What stands of a running server: the line above its lab, and the one notebook that may run there, if it is so.

Written by the spawner, read by the proxy; both stand outside the sandbox. A server of which nothing stands is closed.

Source: EM VII.B.1.c.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from enclave.glass import Posted
from enclave.terms import ApprovedNotebook


class Admitted(Protocol):
    """What stands of a session that was opened.

    Attributes
    ----------
    days_left : int
        Of access, on the day it was opened.
    clearance : str
        What may be seen there, in a few words.
    """

    project: str
    person: str
    expires_on: date
    days_left: int
    clearance: str
    only: ApprovedNotebook | None


def write(folder: Path, server: str, session: Admitted, today: date) -> None:
    """Write down what holds for 'person/dr-NNNN' from today on, whole or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    only = session.only
    told = {
        "project": session.project,
        "person": session.person,
        "expires_on": session.expires_on.isoformat(),
        "days_left": session.days_left,
        "clearance": session.clearance,
        "opened_on": today.isoformat(),
        "only": None if only is None else asdict(only) | {"cells": sorted(only.cells)},
    }
    replace(file_of(folder, server), told)


def replace(file: Path, told: object) -> None:
    """Write a file of JSON, whole or not at all."""
    begun = file.with_suffix(".partial")
    begun.write_text(json.dumps(told), "utf-8")
    begun.replace(file)


def remove(folder: Path, server: str) -> None:
    """Forget a server that stopped."""
    file_of(folder, server).unlink(missing_ok=True)


def reader(folder: Path) -> Callable[[str], Posted | None]:
    """Return a function that gives what stands of a server; None where nothing does, or it cannot be read.

    Every request asks it. What was read holds while its file is the same one, untouched, and the day has not turned.
    """
    read: dict[str, tuple[object, Posted | None]] = {}

    def posted(server: str) -> Posted | None:
        file = file_of(folder, server)
        try:
            state, today = file.stat(), date.today()
        except OSError:
            read.pop(server, None)
            return None
        seen = (state.st_ino, state.st_mtime_ns, state.st_size, today)
        earlier, found = read.get(server, (None, None))
        if earlier != seen:
            found = _read(file, today)
            read[server] = (seen, found)
        return found

    return posted


def _read(file: Path, today: date) -> Posted | None:
    try:
        told = json.loads(file.read_text("utf-8"))
        only, until = told["only"], f"{date.fromisoformat(told['expires_on']):%-d %B %Y}"
        # A demonstration has a calendar of its own: days that went by since are counted, not the date held to it.
        days = max(0, told["days_left"] - (today - date.fromisoformat(told["opened_on"])).days)
        left = f"{days} {'day' if days == 1 else 'days'} left, until {until}"
        banner = " · ".join((told["project"], told["person"], told["clearance"], left))
        notebook = None if only is None else ApprovedNotebook(only["name"], frozenset(only["cells"]), only["numbers"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if notebook is not None:
        banner = f"{banner} · only {notebook.name} runs here"
        banner += ", with your numbers" if notebook.numbers else ""
    return Posted(html.escape(banner), notebook)


@lru_cache(maxsize=1024)
def file_of(folder: Path, server: str) -> Path:
    """Name the file of a server."""
    return folder / f"{hashlib.sha256(server.encode()).hexdigest()[:16]}.json"
