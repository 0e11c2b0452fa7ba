"""What is looked at in a running installation, and what was found.

Source: EM XV.A.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from enclave.settings import Settings
from enclave.store import Store, View
from enclave.vault import Keystore, LedgerKey


@dataclass(frozen=True)
class Evidence:
    """What one look found.

    Parameters
    ----------
    holds : bool
        False for a deviation.
    found : str
        Numbers, modes and days; never a value of a person.
    next : str
        The next step where it deviates.
    """

    holds: bool
    found: str
    next: str = ""


@dataclass(frozen=True)
class Entrance:
    """What the hub's own file says of the way in.

    Parameters
    ----------
    public_url, issuer : str
        Where browsers reach the hub, and who says who they are.
    second_factors : tuple of str
        What shows a second factor; empty lets nobody in.
    rooms : str
        What runs sessions.
    shown_bytes : int or None
        What one person may be shown of one project in a day; None where no glass counts it.
    asked_every : int
        Seconds between two questions whether a person may stay.
    """

    public_url: str
    issuer: str
    second_factors: tuple[str, ...]
    rooms: str
    shown_bytes: int | None
    asked_every: int


@dataclass(frozen=True)
class Installed:
    """A running installation, as it is looked at.

    Parameters
    ----------
    view : View
        Of the store, at which the look began.
    entrance : Entrance, optional
        None where the hub's file was not named.
    kernel, groups : Path
        Where the kernel tells of mounts and swap, and where control groups are.
    """

    settings: Settings
    store: Store
    view: View
    keystore: Keystore
    ledger_key: LedgerKey
    entrance: Entrance | None = None
    kernel: Path = Path("/proc")
    groups: Path = Path("/sys/fs/cgroup")


def holds(found: str) -> Evidence:
    """Say what holds."""
    return Evidence(True, found)


def deviates(found: str, next: str) -> Evidence:
    """Say what deviates, and the next step."""
    return Evidence(False, found, next)
