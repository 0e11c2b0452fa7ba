"""Installations for tests: a hub and its agencies in one folder, brought to a stage of the journey once and copied.

Everything is made of real parts; the people are invented. Factories take keywords only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from enclave import intake, people
from enclave.agreement import Policy, compile_agreement
from enclave.analysis import sandbox_name
from enclave.app import Enclave, open_enclave
from enclave.cli import main
from enclave.people import Admission
from enclave.sandbox import Bubblewrap, SandboxSpec, python
from enclave.scratch import wipe
from enclave.settings import defaults
from enclave.store.schema import connect
from enclave.terms import Action
from enclave.vault import PrivateKeys, PublicKeys, read_private
from p20kit import synthetic
from tests import registry

PROJECT = "DR-0034"
FIRST_DAY = date(2022, 4, 11)


@dataclass(frozen=True)
class Canary:
    """One invented person planted in the agencies' files: nothing outside a seal may ever hold a word of it."""

    first: str = "Zephyrantha"
    last: str = "Quillfeather"
    ssn: str = "907530864"
    sasid: str = "9753086421"

    @property
    def words(self) -> tuple[str, ...]:
        """The values to look for, in any case."""
        return (self.first.lower(), self.last.lower(), self.ssn, self.sasid)


CANARY = Canary()


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    text: str

    @property
    def body(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.text)

    @property
    def rules(self) -> list[str]:
        """Rules of the findings it printed."""
        return sorted({finding["rule"] for finding in self.body["findings"]})


def command(*arguments: object) -> Said:
    """Run one `enclave` command in this process, with the program's own exit codes."""
    out, before = io.StringIO(), sys.argv
    sys.argv = ["enclave", *map(str, arguments)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main()
    except SystemExit as stop:
        code = int(stop.code or 0)
    finally:
        sys.argv = before
    return Said(code, out.getvalue())


@dataclass
class Installation:
    """A hub (`root/hub`) and its agencies (`root/agencies`)."""

    root: Path
    project: str = PROJECT
    stores: list[Any] = field(default_factory=list)

    @property
    def home(self) -> Path:
        """The hub's home."""
        return self.root / "hub"

    @property
    def agencies(self) -> Path:
        """What lies with the agencies: their files, their keys, the truth."""
        return self.root / "agencies"

    @cached_property
    def enclave(self) -> Enclave:
        """The installation, opened."""
        opened = open_enclave(self.home)
        self.stores.append(opened.store)
        return opened

    def run(self, *arguments: object, who: str = "operator", code: int | None = 0) -> Said:
        """Run a command here as somebody; what it says is kept for the canary test. `code` None accepts any."""
        if arguments[0] == "init":
            arguments = (*arguments, "--database", registry.address(self.home))
        said = command("--home", self.home, "--as", who, *arguments)
        with (self.root / "transcript.txt").open("a", encoding="utf-8") as transcript:
            transcript.write(said.text)
        assert code is None or said.code == code, f"{arguments} gave {said.code}:\n{said.text}"
        return said

    def today(self, day: date) -> None:
        """Set the calendar day."""
        self.enclave.settings.demo_day.write_text(day.isoformat(), "utf-8")

    def admission(self, person: str, action: Action) -> Admission:
        """Ask for leave."""
        with self.enclave.store.view() as view:
            return people.may(view, person, action, self.project)

    def keys(self, owner: str) -> PrivateKeys:
        """Give a party's own keys."""
        return read_private(self.agencies / "keys" / f"{owner}.private.json")

    def policy(self) -> Policy:
        """Compile the agreement."""
        return compile_agreement(self.enclave.settings.policies, self.project)

    def seal(self, plain: Path, *, out: Path, sender: Any = None, hub: PublicKeys | None = None) -> Path:
        """Seal a file as its agency does."""
        out.mkdir(parents=True, exist_ok=True)
        return intake.seal_transmittal(
            plain,
            policy=self.policy(),
            sender=sender or self.keys(plain.name.split(".")[0]),
            hub=hub or self.enclave.hub_keys.public,
            as_of=FIRST_DAY,
            out=out,
            created=datetime(2022, 4, 11, 12, tzinfo=UTC),
        )

    def actions(self, prefix: str = "") -> list[str]:
        """Give the actions of the ledger, in order."""
        with self.enclave.store.view() as view:
            return [e["action"] for e in view.entries() if e["action"].startswith(prefix)]

    def kept(self) -> dict[str, str]:
        """Give the digest of every record and of every file of the hub but the ledger's own, and what says why.

        Why a match came to nothing is told on its page, and why a file was turned away to its sender, as the ledger
        tells it.
        """
        engine = connect(self.enclave.settings.database)
        with engine.connect() as base:
            rows = base.execute(sa.text("select kind, key, body from record where kind <> 'turned-away'")).fetchall()
        engine.dispose()
        found = {f"record {kind} {key}": _digest(body.encode()) for kind, key, body in rows}
        places = (self.home, self.enclave.settings.runtime)
        told = set(self.enclave.settings.runtime.glob("match-*.json"))
        for path in sorted(path for place in places for path in place.rglob("*") if path.is_file()):
            locks = path.suffix == ".lock"  # empty; held or not
            if not path.name.startswith("enclave.") and not locks and path not in told:
                found[str(path)] = _digest(path.read_bytes())
        return found

    def verified(self) -> int:
        """Export the ledger, verify the file with the public key alone, and give the number of entries."""
        target, key = self.root / "ledger.jsonl", self.root / "ledger.pub"
        self.run("ledger", "export", target)
        key.write_text(self.enclave.ledger_key.verifier.line, "utf-8")
        return int(command("ledger", "verify", target, "--key", key, "--json").body["entries"])

    def close(self) -> None:
        """Close the database, end what runs, wipe the runtime folder."""
        for store in self.stores:
            store.close()
        runtime = Path(str(defaults(self.home)["runtime"]))
        if runtime.exists():
            Bubblewrap(runtime).reap(())
            wipe(runtime)


def once(folder: Path, make: Callable[[], object]) -> None:
    """Have a folder and the home in it made by whichever worker asks first; the others wait for it."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        complete = folder / "complete"
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            registry.drop(folder / "hub")
            make()
            complete.touch()


def a_copy(*, of: Path, to: Path, project: str = PROJECT) -> Installation:
    """Copy an installation at rest: its settings name the new folder, its sessions get a runtime folder of their own.

    Parameters
    ----------
    of : Path
        A snapshot made by `put_to_rest`.
    """
    shutil.copytree(of, to, symlinks=True)
    made = Installation(to, project)
    registry.copy(of=of / "hub", to=made.home)
    write_settings(home=made.home, policies=_policies_of(of, to))
    runtime, resting = Path(str(defaults(made.home)["runtime"])), to / "runtime"
    wipe(runtime)
    if resting.exists():
        shutil.copytree(resting, runtime)
        shutil.rmtree(resting)
        runtime.chmod(0o711)
    return made


def put_to_rest(made: Installation) -> None:
    """Close an installation and keep what its runtime folder holds beside it."""
    runtime = Path(str(defaults(made.home)["runtime"]))
    if (runtime / "sessions").exists():
        shutil.copytree(runtime / "sessions", made.root / "runtime" / "sessions")
    made.close()


def write_settings(*, home: Path, policies: Path | None = None, notebooks: Path | None = None) -> None:
    """Write `enclave.toml` for a demonstration in `home`, with policies or notebooks of its own if given."""
    own = {"policies": policies, "notebooks": notebooks}
    values = defaults(home, demo=True) | {"database": registry.address(home)}
    values |= {name: str(path) for name, path in own.items() if path}
    lines = [f"{key} = {'true' if value is True else repr(value)}" for key, value in values.items()]
    (home / "enclave.toml").write_text("\n".join(lines) + "\n", "utf-8")


def agency_files(*, folder: Path, students: int, wage_earners: int, seed: int = 34) -> synthetic.AgencyFiles:
    """Write the files of SDE, DOL and the schools, with the canary among the linked; CSCU's file comes along."""
    world = synthetic.universe(students=students, wage_earners=wage_earners, seed=seed)
    files = world.write(folder, dr="0034", as_of=FIRST_DAY)
    truth = pd.read_parquet(files.truth).pivot(index="person", columns="agency", values="generic_id")
    both = truth.dropna(subset=["SDE", "DOL"])
    listed = {line.split("\t")[0] for path in files.finder for line in path.read_text("utf-8").splitlines()}
    sde = rows_of(files.paths["SDE.matching"])
    free = [row[0] for row in sde[1:] if row[1] not in listed and row[0] in set(both["SDE"])]
    pair = both[both["SDE"] == free[0]].iloc[0]
    _plant(files.paths["SDE.matching"], pair["SDE"], [CANARY.sasid, CANARY.first, "", CANARY.last])
    _plant(files.paths["DOL.matching"], pair["DOL"], [CANARY.ssn, CANARY.first.upper(), "", CANARY.last.upper()])
    return files


def rows_of(path: Path) -> list[list[str]]:
    """Read a tab-delimited file."""
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def write_rows(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write a tab-delimited file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows), "utf-8", newline="")
    return path


def canary_in(folder: Path, *, words: Sequence[str] = CANARY.words) -> Iterator[Path]:
    """Find every file in which a word of the canary can be read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes().lower()
            if any(word.encode() in content for word in words):
                yield path


def without_side_effect(made: Installation, deed: Callable[[], Said], *, asking: bool = False) -> Said:
    """Do what is to be refused: it must name clause and next step, and change nothing but the ledger.

    A refusal (exit 3) is one entry there; what is malformed (exit 4), or only asked, is none.
    """
    before, entries = made.kept(), len(made.actions())
    said = deed()
    assert said.code in (3, 4), said.text
    for finding in said.body["findings"]:
        assert finding["clause"] and finding["what"] and finding["next"], finding
    assert said.body["findings"]
    assert made.kept() == before
    with made.enclave.store.view() as view:
        new = list(view.entries(since=entries))
    entered = ["refused"] if said.code == 3 and not asking else []
    assert [entry["outcome"] for entry in new] == entered, new
    return said


def idle(made: Installation, person: str) -> SandboxSpec:
    """Describe a sandbox that stands for a person's running server and does nothing."""
    return SandboxSpec(sandbox_name(made.project, person), (python(), "-c", "import signal; signal.pause()"))


def _plant(path: Path, generic_id: str, values: Sequence[str]) -> None:
    rows = rows_of(path)
    row = next(row for row in rows if row[0] == generic_id)
    row[1 : 1 + len(values)] = values
    write_rows(path, rows)


def _policies_of(of: Path, to: Path) -> Path | None:
    own = of / "agencies" / "policies"
    return to / "agencies" / "policies" if own.exists() else None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
