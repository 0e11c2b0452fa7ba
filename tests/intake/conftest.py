"""A hub with an agreement in force, agencies with keys, and files of invented people."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from enclave import intake, people
from enclave.agreement import Policy, compile_agreement
from enclave.errors import EnclaveError
from enclave.people import Admission
from enclave.settings import PACKAGED_POLICIES, Settings
from enclave.store import Store
from enclave.terms import Action
from enclave.vault import Keystore, KeyVolume, PrivateKeys, new_keys
from enclave.vault.keys import write_keys
from tests import registry
from tests.parties import bring_into_force, staff

BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
DAY = date(2022, 4, 20)
WHO = "hub-staff-1"
SDE_MATCHING = ["GenericID", "SASID", "FirstName", "MiddleName", "LastName", "DOB", "Gender"]
DOL_MATCHING = ["GenericID", "SSN", "FirstName", "MiddleName", "LastName", "DOB", "Gender"]
WAGES = ["GenericID", "WageYear", "WageQuarter", "QuarterlyWages", "EmployerID", "EmployerNAICS"]
FIRST = ["Ada", "Bea", "Cleo", "Dora", "Elsa", "Fay", "Gwen", "Hope", "Iris", "Joy"]
LAST = ["Quimby", "Thistlewood", "Larkspur", "Fennimore", "Oakenshaw", "Marrowby", "Pennywhistle", "Underhill"]

Rows = list[list[str]]


@dataclass
class World:
    """One hub and its agencies in a folder."""

    root: Path
    settings: Settings
    store: Store
    keystore: Keystore
    policy: Policy
    hub: PrivateKeys
    today: list[date]
    parties: dict[str, PrivateKeys] = field(default_factory=dict)
    _random: random.Random = field(default_factory=lambda: random.Random(20220420))

    def generic_id(self, agency: str) -> str:
        return f"{agency}-{''.join(self._random.choices(BASE32, k=16))}"

    def people(self, agency: str, count: int) -> Rows:
        """Give rows of a matching file, header line first; numbers of people never repeat."""
        header, length = (SDE_MATCHING, 10) if agency == "SDE" else (DOL_MATCHING, 9)
        numbers = self._random.sample(range(10**8, 9 * 10**8), count)
        born = (f"{self._random.randrange(1990, 2005)}{self._random.randrange(1, 13):02}15" for _ in numbers)
        choose = self._random.choice
        return [list(header)] + [
            [self.generic_id(agency), f"{n:0{length}}", choose(FIRST), "", choose(LAST), day, choose("MFU")]
            for n, day in zip(numbers, born, strict=True)
        ]

    def wages(self, people: Rows) -> Rows:
        employer = self.generic_id("DOLE")
        return [list(WAGES)] + [
            [row[0], "2021", quarter, "8123.45", employer, "336"] for row in people[1:] for quarter in "12"
        ]

    def write(self, name: str, rows: Rows) -> Path:
        path = self.root / name
        path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8", newline="")
        return path

    def seal(self, plain: Path, **changed: object) -> Path:
        """Seal a file with the keys of its agency into a fresh outbox."""
        out = self.root / f"out{len(list(self.root.glob('out*')))}"
        out.mkdir()
        given: dict[str, object] = {
            "policy": self.policy,
            "sender": self.parties[plain.name.split(".")[0]],
            "hub": self.hub.public,
            "as_of": date(2022, 4, 11),
            "created": datetime(2022, 4, 11, 12, tzinfo=UTC),
            "out": out,
        }
        return intake.seal_transmittal(plain, **{**given, **changed})  # type: ignore[arg-type]

    def admission(self, project: str = "DR-0034", person: str = WHO, action: Action = Action.RECEIVE) -> Admission:
        with self.store.view() as view:
            return people.may(view, person, action, project)

    def receive(self, sealed: Path, project: str | Admission = "DR-0034") -> intake.Holding:
        """Receive a file; the admission is asked for now, or given where it was asked for before."""
        admission = self.admission(project) if isinstance(project, str) else project
        return intake.receive(self.store, self.keystore, self.settings, self.hub, sealed, admission)

    def send(self, name: str, rows: Rows) -> intake.Holding:
        return self.receive(self.seal(self.write(name, rows)))

    def turned_away(
        self, sealed: Path, kind: type[EnclaveError], project: str | Admission = "DR-0034"
    ) -> EnclaveError:
        """Expect a refusal, and that it changed nothing but the ledger, by one entry without a value."""
        before = self.kept()
        with pytest.raises(kind) as caught:
            self.receive(sealed, project)
        assert self.kept() == before
        with self.store.view() as view:
            *_, entry = view.entries()
        assert (entry["action"], entry["outcome"]) == ("intake.refuse", "refused")
        assert entry["details"]["rules"] == sorted({finding.rule for finding in caught.value.findings})
        told = f"{entry}{caught.value}{caught.value.findings}"
        assert not [word for word in (*FIRST, *LAST) if word in told]
        return caught.value

    def kept(self) -> tuple[object, ...]:
        """Give everything kept outside the ledger."""
        files = sorted(str(p) for p in self.root.glob("home/**/*") if "enclave.db" not in p.name and p.is_file())
        with self.store.view() as view:
            held = [h.id for h in intake.holdings(view, "DR-0034")]
        return files, held, self.opened()

    def opened(self) -> list[Path]:
        return list(self.settings.runtime.glob("spool/*"))

    def register(self, owner: str) -> PrivateKeys:
        self.parties[owner] = new_keys(owner)
        with self.store.transaction() as tx:
            intake.register_key(tx, self.parties[owner].public, WHO)
        return self.parties[owner]

    def agree(self, dr: str) -> Policy:
        """Put the same agreement in force under another number."""
        folder = self.root / "policies"
        if not folder.exists():
            shutil.copytree(PACKAGED_POLICIES, folder)
        text = (folder / "agreements" / "DR-0034.yaml").read_text("utf-8")
        (folder / "agreements" / f"{dr}.yaml").write_text(text.replace("dr: DR-0034", f"dr: {dr}"), "utf-8")
        policy = compile_agreement(folder, dr)
        with self.store.transaction() as tx:
            bring_into_force(tx, policy, actor="opm-1")
            staff(tx, dr, WHO)
        return policy


@pytest.fixture(scope="session")
def policy() -> Policy:
    return compile_agreement(PACKAGED_POLICIES, "DR-0034")


def a_world(root: Path, policy: Policy) -> World:
    """Set up a hub, its agreement and the keys of who sends, in a folder of their own."""
    (root / "home").mkdir()
    hub = new_keys("DOL-HUB")
    write_keys(hub, root / "keys")
    made = opened(root, policy, hub)
    made.agree("DR-0034")
    for owner in ("SDE", "DOL", "LEA-HAMDEN"):
        made.register(owner)
    return made


def opened(root: Path, policy: Policy, hub: PrivateKeys) -> World:
    """Open the hub whose home and keys lie in a folder."""
    home, today = root / "home", [DAY]
    database = registry.address(home)
    settings = Settings(home=home, keys=root / "keys", runtime=root / "run", database=database)
    keystore = Keystore(KeyVolume(settings.keys), home / "wraps", hub)
    return World(root, settings, Store(database, lambda: today[0]), keystore, policy, hub, today)


@pytest.fixture(scope="session")
def resting_world(policy: Policy, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Make the world that is copied, and close it."""
    made = a_world(tmp_path_factory.mktemp("intake"), policy)
    made.store.close()
    return made


@pytest.fixture
def world(resting_world: World, tmp_path: Path) -> Iterator[World]:
    """Give a world of the test's own."""
    shutil.copytree(resting_world.root, tmp_path, dirs_exist_ok=True)
    registry.copy(of=resting_world.root / "home", to=tmp_path / "home")
    made = opened(tmp_path, resting_world.policy, resting_world.hub)
    made.parties.update(resting_world.parties)
    yield made
    made.store.close()
