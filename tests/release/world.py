"""An installation in which a request of DR-0034 has been cleared; invented people only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from enclave import people
from enclave.agreement import Policy
from enclave.egress import Artefact, Clearance, ReleaseRequest, digest_of
from enclave.intake import Holding
from enclave.ledger import Entry
from enclave.people import Admission, Approval, Listing, Person
from enclave.publication import Package, publish
from enclave.review import ALL_STATEMENTS, approve, confirm, open_case
from enclave.settings import Settings, defaults
from enclave.store import Store
from enclave.store.schema import RECORDS, connect
from enclave.terms import Action, Role
from enclave.vault import Keystore, KeyVolume, LedgerKey, PrivateKeys, Seal, new_keys, read_private
from enclave.vault.keys import write_keys
from tests import registry
from tests.parties import bring_into_force, let_in, packaged

PROJECT, REQUEST = "DR-0034", "out-0147"
FIRST_DAY = date(2022, 6, 1)
LAST_DAY = date(2022, 6, 15)
"""Ten business days later; Juneteenth 2022 falls on a Sunday, after it."""

STAFF = {
    "rae": (Role.RESEARCHER, "2.g", "", False),
    "sde-steward": (Role.STEWARD, "office", "SDE", True),
    "dol-steward": (Role.STEWARD, "office", "DOL", True),
    "opm": (Role.OPM, "office", "", True),
    "hub": (Role.HUB_STAFF, "III.F.1", "", True),
}


@dataclass
class World:
    """Everything a room asks for; `day` is the enclave's calendar day."""

    settings: Settings
    store: Store
    keystore: Keystore
    hub_keys: PrivateKeys
    ledger_key: LedgerKey
    policy: Policy
    clock: list[date] = field(default_factory=lambda: [FIRST_DAY])

    @property
    def today(self) -> date:
        return self.clock[0]

    @today.setter
    def today(self, day: date) -> None:
        self.clock[0] = day

    def admission(self, person: str, action: Action) -> Admission:
        with self.store.view() as view:
            return people.may(view, person, action, PROJECT)

    def checkpoint(self) -> str:
        with self.store.view() as view:
            return view.checkpoint(self.ledger_key.name, self.ledger_key.key_id, self.ledger_key.sign)

    def actions(self, prefix: str = "") -> list[str]:
        with self.store.view() as view:
            return [e["action"] for e in view.entries() if e["action"].startswith(prefix)]

    def clearance(self, bodies: dict[str, bytes] | None = None, audience: str = "Programme managers") -> Clearance:
        """Clear a request: its rendered files lie where the gate leaves them."""
        bodies = bodies or {"t1.csv": b"School,count\nCedar,31\nHemlock,\n", "t1.html": b"<table></table>"}
        folder = self.settings.home / "cleared" / REQUEST
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in bodies.items():
            (folder / name).write_bytes(body)
        artefacts = tuple(
            Artefact(name, hashlib.sha256(body).hexdigest(), "text/csv") for name, body in bodies.items()
        )
        clearance = Clearance(
            REQUEST, PROJECT, "rae", "Diplomas & programmes, by school", self.policy.agreement.reports[0].id,
            ("RQ0",), audience, self.policy.hash, self.today, ("SDE", "DOL"), artefacts,
            digest_of(artefacts),
            {"as_of": {"SDE": "2022-04-11"}, "notes": ["Hemlock is hidden."], "columns": ["sde.Gender"]},
        )  # fmt: skip
        with self.store.transaction() as tx:
            tx.write(clearance, Entry("opm", "egress.clear", REQUEST, PROJECT, "DSA VI.D.2"))
            request = ReleaseRequest(PROJECT, REQUEST, "rae", "0" * 64, self.today, "cleared")
            tx.write(request, Entry("rae", "egress.state", REQUEST, PROJECT, "DSA VI.D.2"))
        return clearance

    def reviewed(self, audience: str = "Programme managers", bodies: dict[str, bytes] | None = None) -> Clearance:
        """Clear it, let both agencies confirm all four statements, and let ten business days pass."""
        clearance = self.clearance(bodies, audience)
        with self.store.transaction() as tx:
            open_case(tx, clearance, "rae")
        self.confirmed("sde-steward", clearance)
        self.confirmed("dol-steward", clearance)
        self.today = LAST_DAY
        return clearance

    def confirmed(self, steward: str, clearance: Clearance) -> None:
        admission = self.admission(steward, Action.CONFIRM)
        with self.store.transaction() as tx:
            confirm(tx, REQUEST, admission, clearance.digest, ALL_STATEMENTS)

    def publish(self, clearance: Clearance) -> Package:
        with self.store.view() as view:
            approval = approve(view, clearance)
        admission = self.admission("opm", Action.PUBLISH)
        return publish(
            self.store, self.settings, clearance, approval, admission, self.hub_keys, self.checkpoint()
        )  # fmt: skip

    def held(self) -> list[Path]:
        """Seal what a hub holds of a project: a holding, Resultant Data, a session's home; one of another project."""
        plain = self.settings.home / "plain"
        plain.write_bytes(b"P20ID\tCANARY-QUERCUS\n" * 500)
        places = [
            ("match-DR-0034.one", f"holdings/{PROJECT}/one.parquet.sealed"),
            ("match-DR-0034", "match-DR-0034/match-01.crosswalk"),
            ("project-DR-0034", "project-DR-0034/sde.resultant"),
            ("project-DR-0034", "project-DR-0034/homes/dr-0034-rae.home"),
            ("project-DR-0099", "project-DR-0099/sde.resultant"),
        ]
        for key, place in places:
            self.keystore.create(key)
            self.keystore.seal(plain, Seal(self.settings.sealed / place, key, place))
        plain.unlink()
        held = Holding(
            "one", PROJECT, "SDE", "matching", "SDE.0034.04_11_2022.matching", 500, ("SASID", "DOB"),
            date(2022, 4, 11), FIRST_DAY, places[0][1], "0" * 64, "match-DR-0034.one", "0" * 64,
        )  # fmt: skip
        details = {"source": "SDE", "contents": "matching", "rows": 500, "elements": held.elements,
                   "destination": "DOL-HUB", "key_id": held.key_id}  # fmt: skip
        with self.store.transaction() as tx:
            tx.write(held, Entry("hub", "intake.receive", "one", PROJECT, "EM XII", details=details))
        return [self.settings.sealed / place for _, place in places]


def open_world(home: Path) -> World:
    """Open the installation in `home`, made the first time; the keys of a world stay with it."""
    settings = Settings.model_validate({
        **defaults(home), "home": home, "keys": home / "keys", "runtime": home / "runtime",
        "database": registry.address(home),
    })  # fmt: skip
    settings.keys.mkdir(parents=True, exist_ok=True)
    clock = [FIRST_DAY]
    own = settings.keys / "DOL-HUB.private.json"
    hub_keys = read_private(own) if own.exists() else new_keys("DOL-HUB")
    if not own.exists():
        write_keys(hub_keys, settings.keys)
    return World(
        settings, Store(settings.database, lambda: clock[0]),
        Keystore(KeyVolume(settings.keys), settings.sealed / "wraps", hub_keys), hub_keys,
        LedgerKey.open(settings.keys, "p20win-enclave/ledger"),
        packaged(PROJECT), clock,
    )  # fmt: skip


def a_world(home: Path) -> World:
    """Make an installation in which DR-0034 is in force and its people are listed."""
    world = open_world(home)
    with world.store.transaction() as tx:
        bring_into_force(tx, world.policy)
        for person, (role, basis, agency, government) in STAFF.items():
            known = Person(
                person, f"Invented {person}", "Staff", "WestEd", f"{person}@example.org", "555-0100", government
            )
            listing = Listing(person, PROJECT, role, basis, agency=agency)
            if role is Role.RESEARCHER:
                given = Approval(date(2022, 5, 1), "a steward", "approved")
                listing = replace(listing, approvals=dict.fromkeys(world.policy.agencies, given))
            people.enlist(tx, known, listing, "opm")
        for person, (_, _, _, government) in STAFF.items():
            let_in(tx, PROJECT, person, government=government, signed_on=date(2022, 5, 1), actor="a second person")
    return world


@contextmanager
def unmounted(world: World) -> Iterator[None]:
    """Take the volume of keys away: an empty folder is left in its place."""
    keys, away = world.settings.keys, world.settings.home / "volume"
    keys.rename(away)
    keys.mkdir()
    try:
        yield
    finally:
        keys.rmdir()
        away.rename(keys)


@contextmanager
def damaged(world: World, kind: str, key: str) -> Iterator[None]:
    """Leave a record as nobody can read it, put there if there is none; afterwards it is as it was."""
    engine, one = connect(world.settings.database), (RECORDS.c.kind == kind) & (RECORDS.c.key == key)
    bad = {"kind": kind, "key": key, "project": key.partition("/")[0], "body": "{}"}
    with engine.begin() as connection:
        before = [dict(row) for row in connection.execute(sa.select(RECORDS).where(one)).mappings()]
        connection.execute(sa.delete(RECORDS).where(one))
        connection.execute(sa.insert(RECORDS).values(bad))
    try:
        yield
    finally:
        with engine.begin() as connection:
            connection.execute(sa.delete(RECORDS).where(one))
            for row in before:
                connection.execute(sa.insert(RECORDS).values(row))
        engine.dispose()
