"""The line above the lab: project, person, last day of access. Written by the spawner, read by the proxy."""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from hub_config.config import HubConfig


def write(folder: Path, server: str, project: str, person: str, expires_on: date) -> None:
    """Write down what the banner of 'person/dr-NNNN' says."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    told = {"project": project, "person": person, "expires_on": expires_on.isoformat()}
    _file(folder, server).write_text(json.dumps(told))


def remove(folder: Path, server: str) -> None:
    """Forget the banner of a server that stopped."""
    _file(folder, server).unlink(missing_ok=True)


def reader(config: HubConfig) -> Callable[[str], str]:
    """Return a function that gives a server's banner as HTML text, empty when there is none."""

    def banner(server: str) -> str:
        with suppress(FileNotFoundError, ValueError, KeyError):
            told = json.loads(_file(config.banners, server).read_text())
            until = f"{date.fromisoformat(told['expires_on']):%-d %B %Y}"
            return html.escape(f"{told['project']} · {told['person']} · access until {until}")
        return ""

    return banner


def _file(folder: Path, server: str) -> Path:
    return folder / f"{hashlib.sha256(server.encode()).hexdigest()[:16]}.json"
