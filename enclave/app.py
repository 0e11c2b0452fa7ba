"""The only wiring: settings, store, keys and clock of one installation, put together for the doors."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path

from enclave import analysis, clocks, destruction, intake, matching, papers, publication
from enclave.calendar import STATE_TIME
from enclave.errors import Finding, invalid
from enclave.ledger import Details, Entry
from enclave.sandbox import Sandboxes
from enclave.scratch import prepare, wipe_leftovers
from enclave.settings import Settings, defaults, load
from enclave.store import Store, require_empty
from enclave.terms import HUB
from enclave.vault import KeyEncryptingKeys, Keystore, KeyVolume, LedgerKey, PrivateKeys, new_keys, read_private
from enclave.vault.keys import write_keys


@dataclass(frozen=True)
class Enclave:
    """One installation."""

    settings: Settings

    @cached_property
    def store(self) -> Store:
        """Registry and ledger."""
        return Store(self.settings.database, self.today)

    @cached_property
    def keystore(self) -> Keystore:
        """Keys of projects and match jobs."""
        return Keystore(_wrapping(self.settings), self.settings.sealed / "wraps", self.hub_keys)

    @cached_property
    def hub_keys(self) -> PrivateKeys:
        """The Data Integration Hub's own keys."""
        return read_private(self.settings.keys / f"{HUB}.private.json")

    @cached_property
    def ledger_key(self) -> LedgerKey:
        """The key that signs the ledger's checkpoints."""
        return LedgerKey.open(self.settings.keys)

    def today(self) -> date:
        """Give the enclave's calendar day: Connecticut's, or the demonstration's."""
        if self.settings.demo and self.settings.demo_day.exists():
            return date.fromisoformat(self.settings.demo_day.read_text("utf-8").strip())
        return datetime.now(STATE_TIME).date()

    def reading(self) -> clocks.Reading:
        """Read the machine's clock, and beside it the machine's own count of the time it has run."""
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return clocks.Reading(datetime.now(UTC), boot, time.clock_gettime(time.CLOCK_BOOTTIME))

    def go_round(self) -> clocks.Round:
        """Act on every clock that has run out."""
        return clocks.go_round(self.store, self.keystore, self.settings, self.reading())

    def checkpoint(self) -> str:
        """Give a signed checkpoint of the ledger."""
        with self.store.view() as view:
            return view.checkpoint(self.ledger_key.name, self.ledger_key.key_id, self.ledger_key.sign)

    def broker(self) -> analysis.Broker:
        """Give what the hub asks before and while a server runs."""
        return analysis.Broker(self.store, self.keystore, self.settings)

    def recover(self) -> tuple[Finding, ...]:
        """Finish or void what a crash left half done, and wipe its plaintext. Run at the start of each service.

        Returns
        -------
        tuple of Finding
            Why a destruction could not be finished; it is entered, and tried again by the clocks.
        """
        prepare(self.settings.runtime)
        wipe_leftovers(self.settings.runtime)
        matching.recover(self.settings)
        intake.recover(self.settings, self.store, self.keystore)
        intake.give_receipts(self.settings, self.store, self.ledger_key)
        running = frozenset(sandbox.name for sandbox in Sandboxes(self.settings.runtime).running())
        papers.recover(self.store, self.settings)
        analysis.recover(self.store, self.keystore, self.settings, running)
        publication.recover(self.store, self.settings)
        return destruction.recover(self.store, self.keystore, self.settings).stuck


def open_enclave(home: Path) -> Enclave:
    """Open the installation in `home`."""
    enclave = Enclave(load(home))
    prepare(enclave.settings.runtime)
    return enclave


def initialise(home: Path, *, demo: bool = False, database: str = "") -> Enclave:
    """Make a new installation: settings, hub keys, ledger key, registry.

    Parameters
    ----------
    home : Path
    demo : bool
        The calendar day can be set.
    database : str
        SQLAlchemy address of an empty database for the registry; SQLite's file in `home` if none is given.

    Raises
    ------
    Invalid
        If there is one in `home` already, or the address names neither SQLite nor PostgreSQL.
    Refused
        If the database holds a registry.
    Fault
        If the database cannot be read. Whatever is raised, no settings were written.
    """
    path = home / "enclave.toml"
    if path.exists():
        raise invalid(
            path.name, "installation-exists", "EM XV", "there is an installation in this home already",
            "Choose another home.",
        )  # fmt: skip
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)  # also a folder that was there: a volume, say
    values = defaults(home, demo=demo) | ({"database": database} if database else {})
    with closing(Store(str(values["database"]), date.today)) as registry:
        require_empty(registry)
    # a text or a truth value is written the same in JSON and in TOML
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    enclave = open_enclave(home)
    enclave.settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_keys(new_keys(HUB), enclave.settings.keys)
    details: Details = {
        "hub": enclave.hub_keys.public.fingerprint,
        "ledger": enclave.ledger_key.verifier.line,
        "demo": demo,
    }
    enclave.store.enter(Entry("installation", "enclave.init", HUB, "", "EM XV", details=details))
    return enclave


def broker(home: Path) -> analysis.Broker:
    """Give the hub its broker, after what an earlier one left half done is put right."""
    enclave = open_enclave(home)
    enclave.recover()
    return enclave.broker()


def _wrapping(settings: Settings) -> KeyEncryptingKeys:
    at = settings.key_service
    if at is None:
        return KeyVolume(settings.keys)
    from enclave.vault.service import KeyService  # who has none does not load its client

    return KeyService(at.address, at.token, at.mount, at.namespace, at.authority)
