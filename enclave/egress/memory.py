"""The release memory: what has left, as sets of individuals.

Two tables that differ by three people are so caught as three people.

It is Resultant Data and rests sealed under the project's key, as the gate wrote it from what it cleared and not as
the session did; a returned or refused request leaves no memory.

Source: DSA I (a single release or a combination of multiple releases); DSA III.G.2.d; DSA VI.H.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore, Seal
from p20kit.message import Known, pack, unpack
from p20kit.policy import CellPolicy
from p20kit.request import Request
from p20kit.verdict import Released, rebuilt


@dataclass(frozen=True)
class Remembered:
    """A cleared request whose cells are known to the world, or will be; or an answer, known to who asked."""

    KIND: ClassVar[str] = "remembered"
    project: str
    request_id: str
    sha256: str
    persons: int

    @property
    def key(self) -> str:
        """The request's id."""
        return f"{self.project}/{self.request_id}"


def sealed_request(settings: Settings, project: str, request_id: str) -> Seal:
    """Give the seal of a request at rest."""
    key_id = f"project-{project}"
    place = settings.sealed / key_id / "requests" / f"{request_id}.request"
    return Seal(place, key_id, f"{project}|request|{request_id}")


def open_request(keystore: Keystore, settings: Settings, project: str, request_id: str, folder: Path) -> bytes:
    """Give a request's bytes from its sealed copy, through a private folder of the runtime tmpfs."""
    return _opened(keystore, sealed_request(settings, project, request_id), folder)


def keep_release(
    keystore: Keystore, settings: Settings, project: str, request_id: str, request: Request, folder: Path
) -> None:
    """Seal what is cleared, for the verdicts to come; without a `Remembered` of it nobody opens it."""
    plain = folder / "released"
    plain.write_bytes(pack(request))
    keystore.seal(plain, released_as(settings, project, request_id))
    plain.unlink()


def earlier_releases(
    view: View, keystore: Keystore, settings: Settings, project: str, policy: CellPolicy, folder: Path
) -> list[Released]:
    """Give everything released for the project, with the persons behind each cell, each figure and each model."""
    known: Known = {}
    return [
        rebuilt(unpack(_opened(keystore, released_as(settings, project, release.request_id), folder), known), policy)
        for release in view.find(Remembered, project)
    ]


def kept_release(
    keystore: Keystore, settings: Settings, project: str, request_id: str, folder: Path
) -> tuple[Request, str]:
    """Give what was kept of one release or answer, and the SHA-256 (hex) of it."""
    content = _opened(keystore, released_as(settings, project, request_id), folder)
    return unpack(content), hashlib.sha256(content).hexdigest()


def released_as(settings: Settings, project: str, request_id: str) -> Seal:
    """Give the seal of what is remembered of a release."""
    key_id = f"project-{project}"
    place = settings.sealed / key_id / "released" / f"{request_id}.release"
    return Seal(place, key_id, f"{project}|released|{request_id}")


def _opened(keystore: Keystore, seal: Seal, folder: Path) -> bytes:
    plain = folder / seal.path.name
    keystore.unseal(seal, plain)
    content = plain.read_bytes()
    plain.unlink()
    return content
