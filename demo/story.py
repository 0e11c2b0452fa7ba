"""The chapters of the story; each works on the installation the chapters before it left."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from demo.cast import ANALYST, CHECKER, HUB_STAFF, NEWCOMER, PROJECT, RESEARCHER, SIGNED, STEWARDS, enlist_all
from demo.hub_client import HubError, login, run_cells, run_notebook, start_server, stop_server
from demo.show import Teller
from demo.stage import Hub, send, sftp_server, ssh_key
from enclave import (
    agreement,
    destruction,
    egress,
    incidents,
    intake,
    matching,
    people,
    publication,
    reports,
    resultant,
    review,
)
from enclave.app import Enclave
from enclave.errors import EnclaveError, Refused
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
    signatories = (("SDE", "Deputy Commissioner"), ("DOL", "Commissioner"), ("DOL-HUB", "Commissioner"),
                   ("WESTED", "Interim Director, Contracts and Grants"))  # fmt: skip
    with enclave.store.transaction() as tx:
        agreement.register(tx, policy, CHECKER.id)
        for party, title in signatories:
            known = agreement.sign(tx, PROJECT, agreement.Signature(party, title, SIGNED), CHECKER.id)
    enlist_all(enclave)
    terms = policy.agreement
    elements = sum(len(part) for part in terms.elements.values())
    say(
        f"{PROJECT} {terms.title}: {elements} elements, {len(terms.schools)} schools, "
        f"{len(terms.assumed)} assumptions"
    )
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
    story.summary["intake"] = {"files": received, "rows": rows, "turned_away": findings}


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
            intake.register_key(tx, story.keys[agency].public, CHECKER.id)
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
    waiting = intake.waiting(enclave.settings)
    with story.teller.progress("receiving") as (bar, task):
        for number, sealed in enumerate(waiting, start=1):
            bar.update(task, description=f"receiving {sealed.parent.name}", completed=number / len(waiting))
            try:
                rows += intake.receive(
                    enclave.store, enclave.keystore, enclave.settings, enclave.hub_keys, sealed, PROJECT, HUB_STAFF.id
                ).rows
            except EnclaveError as error:
                refused.append(error)
            sealed.unlink()
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
    teller.say(f"{run.links:,} links by {run.method} {run.version}, match rate {run.match_rate} % of SDE's students")
    teller.say(f"complete on {run.completed_on}; data used for matching are destroyed by {run.delete_by}")
    story.summary["match"] = {
        "links": run.links,
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
        matching.open_links(enclave.keystore, enclave.settings, run, folder / "links.parquet")
        links = pd.read_parquet(folder / "links.parquet")
    truth = pd.read_parquet(story.files.truth)
    who = {agency: part.set_index("generic_id")["person"] for agency, part in truth.groupby("agency")}
    right = int((links["left_id"].map(who["SDE"]) == links["right_id"].map(who["DOL"])).sum())
    both = len(set(who["SDE"]) & set(who["DOL"]))
    return right / len(links), right / both


def analyse(story: Story, hub: Hub) -> None:
    """A real login, a server in a sandbox, a notebook; a table that is unsafe and one that holds."""
    teller = story.teller
    newcomer = login(hub.url, NEWCOMER.id)
    try:
        start_server(newcomer, hub.url, NEWCOMER.id, "dr-0034")
    except HubError as error:
        teller.refused(Refused(str(error)), f"{NEWCOMER.name} starts a server")
    session = login(hub.url, RESEARCHER.id)
    server = start_server(session, hub.url, RESEARCHER.id, "dr-0034")
    teller.say(f"{RESEARCHER.name} signed in through OpenID Connect; a server runs in a sandbox without a network")
    notebook = story.enclave.settings.notebooks / "getting_started.ipynb"
    outputs = run_notebook(session, server, notebook)
    failed = [output.error for output in outputs if output.error]
    if failed:
        raise AssertionError(f"the notebook failed: {failed}")
    probe = run_cells(session, server, [_PROBE, _UNSAFE])
    teller.say(f"getting_started ran; inside: {probe[0].text.strip()}")
    answer = session.get(f"{server}files/templates/getting_started.ipynb", timeout=30)
    teller.say(f"a file download through the browser answers {answer.status_code}")


_PROBE = """
import socket, pathlib
try:
    socket.create_connection(("1.1.1.1", 53), timeout=2); reached = "reached the network"
except OSError as error:
    reached = f"no network ({error.strerror})"
tables = sorted(path.stem for path in pathlib.Path("/project/data").iterdir())
print(f"{reached}; tables {tables}; {len(socket.if_nameindex())} interface")
"""

_UNSAFE = """
import json, pathlib
from p20kit import open_project, request_release, tabulate, protect
project = open_project()
table = tabulate(project.frame("sde"), by=(by := ["LastReportingSchoolName", "RaceEthnicityReportingText"]),
                 name="school-by-race", sources={c: f"sde.{c}" for c in by})
path = request_release(protect(table, project.policy), title="Race by school", report="site-visit",
                       questions=["RQ1"], audience="stakeholders", population="all students", project=project)
body = json.loads(path.read_text())
cells = table.cells  # everything shown, small cells and all
body["tables"][0]["cells"]["count"] = [int(n) for n in cells["count"]]
body["tables"][0]["cells"]["status"] = ["shown"] * len(cells)
path.write_text(json.dumps(body))
project.frame("sde").head(5).to_csv("/home/analyst/outbox/rows.csv")
"""


def release(story: Story) -> None:
    """The gate: what is unsafe is refused with every finding, what holds is cleared and shared with the agencies."""
    enclave, teller = story.enclave, story.teller
    collected = egress.take_in(enclave.store, enclave.keystore, enclave.settings, PROJECT, RESEARCHER.id)
    teller.found(list(collected.findings), "a loose file in the outbox")
    checker = story.admitted(CHECKER.id, Action.CHECK)
    refused, cleared = [], []
    for taken in collected.taken:
        try:
            cleared.append(egress.clear(enclave.store, enclave.keystore, enclave.settings, checker, taken.id))
        except EnclaveError as error:
            refused.append(error)
    for error in refused:
        teller.refused(error, "a request with cells under 6")
    (clearance,) = cleared
    cells = clearance.record["cells"]
    teller.say(f"{clearance.request_id} cleared: {cells['shown']} cells shown, {cells['hidden']} hidden")
    with enclave.store.transaction() as tx:
        case = review.open_case(tx, clearance, CHECKER.id)
    story.expect_refusal("publication before the agencies have confirmed", lambda: _approval(story, clearance))
    for steward in STEWARDS:
        if steward.agency in clearance.agencies:
            with enclave.store.transaction() as tx:
                admission = people.may(tx, steward.id, Action.CONFIRM, PROJECT)
                review.confirm(tx, case.request_id, admission, case.digest, frozenset(review.Statement))
            teller.say(f"{steward.agency} confirms the four statements of DSA VI.G.1")
    _match_clock(story)
    story.day(case.due_on.isoformat())
    package = publication.publish(
        enclave.store, enclave.settings, clearance, _approval(story, clearance),
        story.admitted(CHECKER.id, Action.PUBLISH), enclave.hub_keys, enclave.checkpoint(),
    )  # fmt: skip
    publication.verify_package(package.archive, enclave.hub_keys.public)
    teller.say(f"{package.archive.name} published on {package.published_on}, signed, and verified offline")
    story.summary["refused_request"] = [f.as_dict() for error in refused for f in error.findings[:20]]
    story.summary["release"] = {
        "request": clearance.request_id, "cells_shown": cells["shown"], "cells_hidden": cells["hidden"],
        "package_sha256": package.archive_sha256, "manifest_sha256": package.manifest_sha256,
    }  # fmt: skip


def _match_clock(story: Story) -> None:
    """The clock of DSA III.F.3 fires while the agencies still look: ten business days after the match."""
    enclave = story.enclave
    with enclave.store.view() as view:
        delete_by = matching.latest(view, PROJECT).delete_by
    story.day(str(delete_by))
    early = destruction.destroy_match_data(
        enclave.store, enclave.keystore, enclave.settings, story.admitted(HUB_STAFF.id, Action.DESTROY)
    )
    story.teller.say(
        f"{delete_by}: data used for matching destroyed as due: {early.files_deleted} sealed files, key shredded"
    )


def _approval(story: Story, clearance: egress.Clearance) -> review.Approval:
    with story.enclave.store.view() as view:
        return review.approve(view, clearance)


def suspend(story: Story, hub: Hub) -> None:
    """A hold empties a running session within seconds; it is lifted again."""
    enclave, teller = story.enclave, story.teller
    session = login(hub.url, ANALYST.id)
    start_server(session, hub.url, ANALYST.id, "dr-0034")
    running = enclave.settings.runtime / "sessions" / f"dr-0034-{ANALYST.id}"
    with enclave.store.transaction() as tx:
        incidents.hold_project(tx, PROJECT, "DSA VI.F", CHECKER.id)
    hub_ended = subprocess.run(
        ["timeout", "60", "sh", "-c", f"while [ -e '{running}' ]; do sleep 0.2; done"], check=False
    )
    if hub_ended.returncode:
        raise AssertionError("the hold did not end the session")
    teller.say("DR-0034 held under DSA VI.F: every running server is gone, its files sealed, its plaintext wiped")
    with enclave.store.transaction() as tx:
        incidents.lift_project(tx, PROJECT, CHECKER.id)
    teller.say("hold lifted after review")


def leave(story: Story, hub: Hub) -> None:
    """The researcher's server is stopped."""
    session = login(hub.url, RESEARCHER.id)
    stop_server(session, hub.url, RESEARCHER.id, "dr-0034")


def destroy(story: Story) -> None:
    """The clocks run out: match data, then the project; the failed decryption is the proof."""
    enclave, teller = story.enclave, story.teller
    with enclave.store.view() as view:
        ends_on = agreement.of(view, PROJECT).ends_on
    story.day(ends_on.isoformat())
    certificate = destruction.destroy(
        enclave.store, enclave.keystore, enclave.settings, story.admitted(HUB_STAFF.id, Action.DESTROY)
    )
    teller.say(f"{PROJECT} destroyed on {certificate.destroyed_on}: {certificate.files_deleted} sealed files")
    for proof in certificate.proofs:
        teller.say(f"opening a file of {proof.key_id} now: [red]{proof.attempt.split('.')[0]}[/]")
    story.expect_refusal(f"{RESEARCHER.name} asks to analyse", lambda: story.admitted(RESEARCHER.id, Action.ANALYSE))
    story.summary["destruction"] = {
        "destroyed_on": str(certificate.destroyed_on), "files": certificate.files_deleted,
        "attempts_to_open": [proof.attempt for proof in certificate.proofs],
    }  # fmt: skip


def verify(story: Story) -> None:
    """An auditor verifies the exported ledger with nothing but the file and the public key."""
    enclave, teller = story.enclave, story.teller
    export = enclave.settings.home / "ledger.jsonl"
    exported = reports.export_ledger(enclave.store, enclave.ledger_key, export)
    key = enclave.ledger_key.verifier.line
    command = ["enclave", "ledger", "verify", str(export), "--key", key, "--json"]
    verified = json.loads(_enclave(command[1:]))
    teller.say(f"{exported.size} ledger entries verified offline, root {verified['root'][:16]}…")
    lines = export.read_text("utf-8").splitlines(keepends=True)
    export.with_name("edited.jsonl").write_text("".join([*lines[:5], *lines[6:]]), "utf-8")
    cut_out = _enclave(["ledger", "verify", str(export.with_name("edited.jsonl")), "--key", key], code=3)
    teller.say(f"one entry cut out: [red]{' '.join(cut_out.split('→')[0].split())}[/]")
    story.summary["ledger"] = {"entries": exported.size, "root": verified["root"]}


def _enclave(arguments: list[str], code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "enclave.cli", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != code:
        raise AssertionError(
            f"enclave {arguments[0]} {arguments[1]} ended with {done.returncode}: {done.stdout}{done.stderr}"
        )
    return done.stdout
