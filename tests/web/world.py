"""One populated installation of DR-0034: matched, cut, requests made in a lab and collected. Invented people only."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from enclave import agreement, egress, intake, matching, papers, people, resultant
from enclave.app import Enclave, initialise, open_enclave
from enclave.ledger import Entry
from enclave.people import Admission, Listing, Person
from enclave.scratch import wipe
from enclave.settings import OpenData, defaults
from enclave.terms import Action, Role
from enclave.vault import new_keys
from p20kit import Rate, chart, open_project, protect, request_release, synthetic, tabulate
from tests import registry
from tests.parties import SIGNED, bring_into_force, let_in, representative

PROJECT = "DR-0034"
AS_OF = date(2022, 4, 11)
OPEN_DATA = OpenData(
    address="https://data.example.gov/p20win/", publisher="P20 WIN", contact="Operating Group",
    email="p20win@example.gov",
)  # fmt: skip
SCRIPT = "<script>document.title='stolen'</script>"
STAFF = {
    "hubert": (Role.HUB_STAFF, "III.F.1", "", True),
    "wren": (Role.RESEARCHER, "2.g", "", False),
    "rita": (Role.RESEARCHER, "2.g", "", False),
    "sam": (Role.STEWARD, "office", "SDE", True),
    "dora": (Role.STEWARD, "office", "DOL", True),
    "hal": (Role.STEWARD, "office", "DOL-HUB", True),
    "wes": (Role.STEWARD, "office", "WESTED", False),
    "olga": (Role.OPM, "office", "", True),
    "audrey": (Role.AUDITOR, "office", "", True),
}


@dataclass(frozen=True)
class World:
    """An installation and the ids of the requests in it."""

    enclave: Enclave
    good: str
    unsafe: str

    def admission(self, person: str, action: Action) -> Admission:
        """Admit a person of the register."""
        with self.enclave.store.view() as view:
            return people.may(view, person, action, PROJECT)

    def on(self, day: date) -> None:
        """Set the calendar day."""
        self.enclave.settings.demo_day.write_text(day.isoformat())

    def before_the_last_agreement(self, home: Path) -> World:
        """Give the installation as it was when one party had not yet agreed to the match."""
        earlier = self.enclave.settings.home
        return self.copy(home, earlier.with_name(f"{earlier.name}-before-wes"))

    def copy(self, home: Path, of: Path | None = None) -> World:
        """Give the same installation in another home, to change."""
        shutil.copytree(of or self.enclave.settings.home, home, ignore=shutil.ignore_patterns("agency", "out"))
        registry.copy(of=of or self.enclave.settings.home, to=home)
        values = defaults(home, demo=True) | {"database": registry.address(home)}
        lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
        (home / "enclave.toml").write_text("\n".join(lines) + "\n")
        return World(open_enclave(home), self.good, self.unsafe)

    def with_settings(self, **changed: object) -> World:
        """Give the same installation, its registry open as it is, with other settings."""
        other = Enclave(self.enclave.settings.model_copy(update=changed))
        vars(other)["store"] = self.enclave.store
        return World(other, self.good, self.unsafe)

    def close(self) -> None:
        """Close the registry and wipe the runtime folder."""
        self.enclave.store.close()
        wipe(self.enclave.settings.runtime)


def build(home: Path) -> World:
    """Make the installation: everything from the signed agreement to the collected requests."""
    enclave = initialise(home, demo=True, database=registry.address(home))
    world = World(enclave, "", "")
    world.on(AS_OF)
    _sign_and_enlist(enclave)
    _receive(world, home)
    run = matching.run(enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.MATCH))
    for person in ("sam", "dora", "hal"):
        with enclave.store.transaction() as tx:
            run = matching.agree(tx, run, world.admission(person, Action.AGREE))
    world.copy(home.with_name(f"{home.name}-before-wes")).close()
    with enclave.store.transaction() as tx:
        run = matching.agree(tx, run, world.admission("wes", Action.AGREE))
    resultant.cut(enclave.store, enclave.keystore, enclave.settings, world.admission("hubert", Action.CUT), run)
    return _ask(enclave)


def _sign_and_enlist(enclave: Enclave) -> None:
    policy = agreement.compile_agreement(enclave.settings.policies, PROJECT)
    letter = enclave.settings.home / "letter.txt"
    letter.write_text("An invented document.\n", "utf-8")
    keep = partial(papers.seal, enclave.keystore, enclave.settings, letter)
    with enclave.store.transaction() as tx:
        bring_into_force(tx, policy, keep=keep)
        for name, (role, basis, agency, government) in STAFF.items():
            person = Person(
                name, f"{name.title()} Invented", "Staff", agency or "WestEd", f"{name}@example.org", "555-0100",
                government,
            )  # fmt: skip
            people.enlist(tx, person, Listing(name, PROJECT, role, basis, agency=agency), "opm")
        for name, (role, _, agency, government) in STAFF.items():
            if name != "rita":
                let_in(tx, PROJECT, name, government=government, keep=keep)
            if role is Role.STEWARD:
                people.designate(tx, PROJECT, agency, name, keep(), SIGNED, "opm")
            for code in policy.agencies:
                people.approve(tx, PROJECT, name, code, representative(code))
        stranger = Person("nora", "Nora Invented", "Staff", "Elsewhere", "nora@example.org", "555-0100", True)
        tx.write(stranger, Entry("opm", "people.person", "nora", "", "DSA VI.E"))


def _receive(world: World, home: Path) -> None:
    enclave = world.enclave
    policy = agreement.compile_agreement(enclave.settings.policies, PROJECT)
    files = synthetic.universe(students=1200, wage_earners=2400, seed=34).write(
        home / "agency", dr="0034", as_of=AS_OF
    )
    (home / "out").mkdir()
    keys = {}
    wanted = [files.paths[k] for k in files.paths if k.split(".")[0] in {"SDE", "DOL"}] + list(files.finder)
    for path in wanted:
        owner = path.name.split(".")[0]
        if owner not in keys:
            keys[owner] = new_keys(owner)
            with enclave.store.transaction() as tx:
                intake.register_key(tx, keys[owner].public, "hubert")
        sealed = intake.seal_transmittal(
            path, policy=policy, sender=keys[owner], hub=enclave.hub_keys.public, as_of=AS_OF, out=home / "out",
            created=datetime.now(UTC),
        )  # fmt: skip
        tools = enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys
        intake.receive(*tools, sealed, world.admission("hubert", Action.RECEIVE))


def _ask(enclave: Enclave) -> World:
    """Make one request that holds, with script in its free texts, and one that does not; collect both."""
    session = enclave.broker().admit("wren", PROJECT)
    project = open_project(session.folder / "project")
    by = ["ManufacturingStudent", "RaceEthnicityReportingText"]
    table = tabulate(
        project.frame("sde"),
        by=by,
        measures=[Rate("IsExitTypeGraduated", "Y")],
        name="race",
        title=f"Who takes part {SCRIPT}",
        sources={c: f"sde.{c}" for c in (*by, "IsExitTypeGraduated")},
    )
    protected = protect(table, project.policy)
    drawn = chart(protected, x="RaceEthnicityReportingText", colour="ManufacturingStudent")
    said = {
        "title": f"Who takes part {SCRIPT}", "report": "cumulative", "questions": ["RQ1"], "audience": "public",
        "population": f"all students {SCRIPT}", "project": project, "outbox": session.folder / "home" / "outbox",
        "methods": ["aggregation", "complementary suppression"],
    }  # fmt: skip
    good = request_release(protected, charts=[drawn], **said)
    asked = json.loads(good.read_text())
    cells = table.cells
    asked["tables"][0]["cells"] = {
        **{c: cells[c].tolist() for c in by},
        "count": [int(n) for n in cells["count"]],
        "status": ["shown"] * len(cells),
    }
    unsafe = good.parent.with_name("out-aaaaaaaaaaaa")
    unsafe.mkdir()
    (unsafe / "request.json").write_text(json.dumps(asked))
    taken = egress.take_in(enclave.store, enclave.keystore, enclave.settings, PROJECT, "wren").taken
    enclave.broker().release(session.name)
    (bad,) = {request.id for request in taken} - {good.parent.name}
    return World(enclave, good.parent.name, bad)
