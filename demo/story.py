"""The chapters of the story; each works on the installation the chapters before it left."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from demo.cast import CHECKER, HUB_STAFF, JOINED, NEWCOMER, PROJECT, STEWARDS, attach_exhibits, enlist_all, sign_all
from demo.show import Teller
from demo.stage import send, sftp_server, ssh_key
from enclave import (
    agreement,
    board,
    intake,
    matching,
    people,
    resultant,
)
from enclave.app import Enclave
from enclave.errors import EnclaveError
from enclave.ledger import Entry
from enclave.people import Admission
from enclave.scratch import scratch
from enclave.terms import Action
from enclave.vault import PrivateKeys, new_keys
from p20kit import synthetic

AS_OF = date(2022, 4, 11)


@dataclass
class Story:
    """What the chapters share."""

    enclave: Enclave
    teller: Teller
    students: int
    wage_earners: int
    summary: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, PrivateKeys] = field(default_factory=dict)
    files: synthetic.AgencyFiles | None = None

    def day(self, day: str) -> None:
        """Turn the calendar; a demonstration may."""
        self.enclave.settings.demo_day.write_text(day, "utf-8")
        self.enclave.store.enter(Entry("demonstration", "demo.day", day))

    def admitted(self, person: str, action: Action) -> Admission:
        """Ask the one question."""
        with self.enclave.store.view() as view:
            return people.may(view, person, action, PROJECT)

    def expect_refusal(self, doing: str, step: Callable[[], object]) -> EnclaveError:
        """Do what must be refused, and show the refusal."""
        try:
            step()
        except EnclaveError as error:
            self.teller.refused(error, doing)
            return error
        raise AssertionError(f"{doing} was not refused")


def agree(story: Story) -> None:
    """The agreement becomes policy; the parties sign; people are listed, one is not admitted yet."""
    enclave, say = story.enclave, story.teller.say
    policy = agreement.compile_agreement(enclave.settings.policies, PROJECT)
    with enclave.store.transaction() as tx:
        board.request(tx, policy, CHECKER.id)
    enlist_all(enclave)
    with enclave.store.transaction() as tx:
        for steward in STEWARDS[:2]:
            people.join(tx, steward.agency, JOINED, CHECKER.id)
            admission = people.may(tx, steward.id, Action.DECIDE, PROJECT)
            board.confirm_available(tx, admission)
            board.answer(tx, admission, board.MotionKind.INITIAL, board.Decision.APPROVAL)
    statements = attach_exhibits(enclave)
    known = sign_all(enclave)
    terms = policy.agreement
    elements = sum(len(part) for part in terms.elements.values())
    conflicts = agreement.conflicts_of(enclave.settings.policies, PROJECT)
    say(f"{PROJECT} {terms.title}: {elements} elements, {len(terms.schools)} schools")
    say(
        f"its documents say {len(conflicts)} things in two ways or not at all; a reading of each is recorded: "
        f"{conflicts[0].subject}, {conflicts[0].taken}"
    )
    say(f"its exhibits are attached and hashed; the requestor signed {statements} statements, each by itself")
    say(f"policy {policy.hash[:16]} in force from {known.effective_on}, access ends {known.ends_on}")
    story.expect_refusal(f"{NEWCOMER.name} asks to analyse", lambda: story.admitted(NEWCOMER.id, Action.ANALYSE))
    story.summary["policy"] = policy.hash


def transmit(story: Story) -> None:
    """Agencies and schools seal and send over SFTP; one file is turned away with every finding, and mended."""
    enclave, teller = story.enclave, story.teller
    with teller.progress("inventing a Connecticut") as (bar, task):
        world = synthetic.universe(students=story.students, wage_earners=story.wage_earners, seed=34)
        folder = enclave.settings.home / "agencies"
        files = world.write(
            folder, dr="0034", as_of=AS_OF,
            progress=lambda what, share: bar.update(task, description=f"writing {what}", completed=share),
        )  # fmt: skip
    story.files = files
    wanted = [path for name, path in files.paths.items() if name.split(".")[0] in {"SDE", "DOL"}]
    flawed = _flawed(files.paths["SDE.analytical"], enclave.settings.home / "flawed")
    with sftp_server(enclave) as port:
        _seal_and_send(story, [flawed], port)
        (turned_away,) = _receive_waiting(story)[2]
        teller.refused(turned_away, "the first analytical file of SDE")
        sent = [*wanted, *files.finder]
        agencies = sorted({path.name.split(".")[0] for path in sent})
        with teller.progress("sealing and sending") as (bar, task):
            for number, agency in enumerate(agencies, start=1):
                _seal_and_send(story, [p for p in sent if p.name.split(".")[0] == agency], port)
                bar.update(task, description=f"sealing and sending {agency}", completed=number / len(agencies))
    teller.say(f"{len(sent)} sealed files of {len(agencies)} senders arrived over SFTP")
    received, rows, refused = _receive_waiting(story)
    if refused:
        raise refused[0]
    teller.say(f"{received} files received, {rows:,} rows, every one verified, checked and sealed at rest")
    findings = [finding.as_dict() for finding in turned_away.findings]
    with enclave.store.view() as view:
        held = intake.holdings(view, PROJECT)
    rows_of = Counter[str]()
    for holding in held:
        rows_of[f"{holding.source} {holding.contents}"] += holding.rows
    story.summary["invented"] = {"students": story.students, "wage_earners": story.wage_earners}
    story.summary["intake"] = {"files": received, "rows": rows, "rows_of": rows_of, "turned_away": findings}


def _flawed(good: Path, folder: Path) -> Path:
    """Make what goes wrong in practice: a column nobody approved, students twice, a code that is none."""
    folder.mkdir(parents=True)
    lines = good.read_text("utf-8").splitlines()
    lines[0] += "\tHomeAddress"
    body = [line + "\t1 Elm Street" for line in lines[1:]]
    body[4] = body[4].replace("\tN\t", "\tNo\t", 1)
    path = folder / good.name
    path.write_text("\n".join([lines[0], *body, *body[:3]]) + "\n", "utf-8")
    return path


def _seal_and_send(story: Story, plain: list[Path], port: int) -> None:
    enclave = story.enclave
    agency = plain[0].name.split(".")[0]
    desk = enclave.settings.home / "agencies" / "desk"
    desk.mkdir(exist_ok=True)
    ssh = desk / f"{agency}.ssh"
    if agency not in story.keys:
        story.keys[agency] = new_keys(agency)
        with enclave.store.transaction() as tx:
            intake.register_key(tx, story.keys[agency].public, HUB_STAFF.id)
        inbox = enclave.settings.home / "inbox" / "keys"
        inbox.mkdir(parents=True, exist_ok=True)
        ssh = ssh_key(desk, agency)
        (inbox / f"{agency}.pub").write_bytes(ssh.with_suffix(".ssh.pub").read_bytes())
    policy = agreement.compile_agreement(enclave.settings.policies, PROJECT)
    out = Path(tempfile.mkdtemp(prefix=f"{agency}-", dir=desk))
    sealed = [
        intake.seal_transmittal(
            path, policy=policy, sender=story.keys[agency], hub=enclave.hub_keys.public,
            as_of=AS_OF, out=out, created=datetime.now(UTC),
        )
        for path in plain
    ]  # fmt: skip
    send(sealed, agency, ssh, port)


def _receive_waiting(story: Story) -> tuple[int, int, list[EnclaveError]]:
    """Receive everything in the inboxes; give files and rows received, and the refusals."""
    enclave, rows = story.enclave, 0
    refused: list[EnclaveError] = []
    waiting, admission = intake.waiting(enclave.settings), story.admitted(HUB_STAFF.id, Action.RECEIVE)
    tools = enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys
    with story.teller.progress("receiving") as (bar, task):
        for number, sealed in enumerate(waiting, start=1):
            bar.update(task, description=f"receiving {sealed.parent.name}", completed=number / len(waiting))
            try:
                rows += intake.receive(*tools, sealed, admission).rows
            except EnclaveError as error:
                refused.append(error)
    return len(waiting) - len(refused), rows, refused


def match(story: Story) -> None:
    """An approved notebook runs in a sandbox; four Representatives agree; the deletion clock starts."""
    enclave, teller = story.enclave, story.teller
    with teller.progress("opening files") as (bar, task):

        def follow(event: dict[str, Any]) -> None:
            if event["event"] == "stage":
                bar.update(task, description=event["name"], completed=event["fraction"])

        run = matching.run(
            enclave.store,
            enclave.keystore,
            enclave.settings,
            story.admitted(HUB_STAFF.id, Action.MATCH),
            progress=follow,
        )
    precision, recall = _held_against_truth(story, run)
    teller.say(f"against the truth: precision {precision:.4f}, recall {recall:.4f} (the hub never sees the truth)")
    for steward in STEWARDS:
        with enclave.store.transaction() as tx:
            latest = matching.latest(tx, PROJECT)
            run = matching.agree(tx, latest, people.may(tx, steward.id, Action.AGREE, PROJECT))
    teller.say(
        f"{run.persons:,} linked by {run.method} {run.version}, match rate {run.match_rate} % of SDE's students"
    )
    teller.say(f"complete on {run.completed_on}; data used for matching are destroyed by {run.delete_by}")
    story.summary["match"] = {
        "links": run.persons,
        "rate_percent": float(run.match_rate),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "delete_by": str(run.delete_by),
    }


def cut(story: Story) -> None:
    """Resultant Data are cut: approved elements, new ids, sealed under the project's own key."""
    enclave, teller = story.enclave, story.teller
    with enclave.store.view() as view:
        run = matching.latest(view, PROJECT)
    delivery = resultant.cut(
        enclave.store, enclave.keystore, enclave.settings, story.admitted(HUB_STAFF.id, Action.CUT), run
    )
    tables = {table.name: table.rows for table in delivery.tables}
    teller.say(f"{delivery.persons:,} persons delivered: " + ", ".join(f"{n} {r:,} rows" for n, r in tables.items()))
    story.summary["delivery"] = {"persons": delivery.persons, "tables": tables}


def _held_against_truth(story: Story, run: matching.MatchRun) -> tuple[float, float]:
    enclave = story.enclave
    assert story.files is not None
    with scratch(enclave.settings.runtime, "truth") as folder:
        matching.open_crosswalk(enclave.keystore, enclave.settings, run, folder / "crosswalk.parquet")
        links = pd.read_parquet(folder / "crosswalk.parquet")
    truth = pd.read_parquet(story.files.truth)
    who = {agency: part.set_index("generic_id")["person"] for agency, part in truth.groupby("agency")}
    right = int((links["SDE"].map(who["SDE"]) == links["DOL"].map(who["DOL"])).sum())
    both = len(set(who["SDE"]) & set(who["DOL"]))
    return right / len(links), right / both
