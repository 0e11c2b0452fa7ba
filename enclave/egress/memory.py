"""The release memory: what has left, as sets of individuals.

Two tables that differ by three people are so caught as three people.

It is Resultant Data and rests sealed under the project's key; a returned or refused request leaves no memory.

Source: DSA I (a single release or a combination of multiple releases); DSA III.G.2.d; DSA VI.H.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore
from p20kit.policy import CellPolicy
from p20kit.request import read_request
from p20kit.verdict import Released, rebuilt


@dataclass(frozen=True)
class Remembered:
    """A cleared request whose cells are known to the world, or will be."""

    KIND: ClassVar[str] = "remembered"
    project: str
    request_id: str
    sha256: str
    persons: int

    @property
    def key(self) -> str:
        """The request's id."""
        return f"{self.project}/{self.request_id}"


def sealed_request(settings: Settings, project: str, request_id: str) -> tuple[Path, str, str]:
    """Give path, key id and context of a request at rest."""
    key_id = f"project-{project}"
    return settings.sealed / key_id / "requests" / f"{request_id}.request", key_id, f"{project}|request|{request_id}"


def open_request(keystore: Keystore, settings: Settings, project: str, request_id: str, folder: Path) -> bytes:
    """Give a request's bytes from its sealed copy, through a private folder of the runtime tmpfs."""
    sealed, key_id, context = sealed_request(settings, project, request_id)
    plain = folder / f"{request_id}.json"
    keystore.unseal(sealed, plain, key_id, context)
    content = plain.read_bytes()
    plain.unlink()
    return content


def earlier_releases(
    view: View, keystore: Keystore, settings: Settings, project: str, policy: CellPolicy, folder: Path
) -> list[Released]:
    """Give everything released for the project, with the persons behind each cell, each figure and each model."""
    return [
        rebuilt(read_request(open_request(keystore, settings, project, known.request_id, folder)), policy)
        for known in view.find(Remembered, project)
    ]
