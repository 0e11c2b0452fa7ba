"""The chapters from the analysis to the certificate; they go on with what `demo.story` delivered."""

from __future__ import annotations

import json
import subprocess
import sys

from demo.cast import ANALYST, CHECKER, HUB_STAFF, NEWCOMER, PROJECT, RESEARCHER, STEWARDS, sign_and_train
from demo.hub_client import HubError, login, run_cells, run_notebook, start_server, stop_server, until
from demo.stage import Hub
from demo.story import Story
from enclave import agreement, destruction, egress, incidents, matching, people, publication, reports, review
from enclave.errors import EnclaveError, Refused
from enclave.terms import Action


def analyse(story: Story, hub: Hub) -> None:
    """A real login, a server in a sandbox, a notebook; a table that is unsafe and one that holds."""
    teller = story.teller
    newcomer = login(hub.url, NEWCOMER.id)
    try:
        start_server(newcomer, hub.url, NEWCOMER.id, "dr-0034")
    except HubError as error:
        teller.refused(Refused(str(error)), f"{NEWCOMER.name} starts a server")
    with story.enclave.store.transaction() as tx:
        sign_and_train(story.enclave, tx, NEWCOMER)
    start_server(newcomer, hub.url, NEWCOMER.id, "dr-0034")
    stop_server(newcomer, hub.url, NEWCOMER.id, "dr-0034")
    teller.say(f"{NEWCOMER.name} signs Exhibits B and C, is trained, and is admitted: the server runs")
    story.summary["admitted"] = NEWCOMER.id
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


def release(story: Story, hub: Hub) -> None:
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
    kinds = ", ".join(f"{number} of {kind}" for kind, number in clearance.record["kinds"].items())
    teller.say(f"{clearance.request_id} cleared: {cells['shown']} cells shown, {cells['hidden']} hidden ({kinds})")
    teller.say(f"the gate wrote {', '.join(a.name.partition('_')[2] for a in clearance.artefacts)}")
    with enclave.store.transaction() as tx:
        case = review.open_case(tx, clearance, CHECKER.id)
    page = login(hub.url, CHECKER.id).get(
        f"{hub.pages}projects/{PROJECT}/requests/{clearance.request_id}", timeout=60
    )
    teller.say(f"{CHECKER.name} sees it as it will leave, every cell marked: the page answers {page.status_code}")
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
    story.summary["refused_request"] = [f.as_dict() for error in refused for f in error.findings]
    story.summary["release"] = {
        "request": clearance.request_id, "cells_shown": cells["shown"], "cells_hidden": cells["hidden"],
        "package_sha256": package.archive_sha256, "manifest_sha256": package.manifest_sha256,
    }  # fmt: skip


def first_refused(story: Story) -> str:
    """Take the outbox in and give the id of the request the gate refuses."""
    enclave = story.enclave
    collected = egress.take_in(enclave.store, enclave.keystore, enclave.settings, PROJECT, RESEARCHER.id)
    checker = story.admitted(CHECKER.id, Action.CHECK)
    for taken in collected.taken:
        try:
            egress.clear(enclave.store, enclave.keystore, enclave.settings, checker, taken.id)
        except EnclaveError:
            return taken.id
    raise AssertionError("nothing was refused")


def _match_clock(story: Story) -> None:
    """The clock of DSA III.F.3 fires while the agencies still look: ten business days after the match."""
    enclave = story.enclave
    with enclave.store.view() as view:
        delete_by = matching.latest(view, PROJECT).delete_by
    story.day(str(delete_by))
    (early,) = enclave.go_round().destroyed
    story.teller.say(
        f"{delete_by}: the clock destroys the data used for matching, nobody asked: {early.files_deleted} files, "
        "key shredded"
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
    until(lambda: not running.exists())
    teller.say("DR-0034 held under DSA VI.F: every running server is gone, its files sealed, its plaintext wiped")
    with enclave.store.transaction() as tx:
        incidents.lift_project(tx, PROJECT, CHECKER.id)
    teller.say("hold lifted after review")


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
    own = [proof for proof in certificate.proofs if "." in proof.key_id]
    for proof in certificate.proofs:
        if proof not in own:
            teller.say(f"opening a file of {proof.key_id} now: [red]{proof.attempt.split('. ')[0]}[/]")
    teller.say(f"and each of {len(own)} files that agencies sent, under a key of its own: [red]none opens[/]")
    issued = enclave.settings.home / "certificates" / f"{PROJECT}-project-1.json"
    key = enclave.ledger_key.verifier.line
    proven = json.loads(_enclave(["ledger", "verify-receipt", str(issued), "--key", key, "--json"]))
    teller.say(
        f"Exhibit F is issued as page, PDF and JSON ({issued.stem}); entry {proven['seq']} of the ledger, "
        f"{proven['action']}, is proven offline by the certificate itself"
    )
    story.expect_refusal(f"{RESEARCHER.name} asks to analyse", lambda: story.admitted(RESEARCHER.id, Action.ANALYSE))
    story.summary["destruction"] = {
        "destroyed_on": str(certificate.destroyed_on), "files": certificate.files_deleted,
        "attempts_to_open": [proof.attempt for proof in certificate.proofs],
        "certificate": str(issued), "proven_by_entry": proven["seq"],
    }  # fmt: skip


def verify(story: Story) -> None:
    """An auditor verifies the exported ledger with nothing but the file and the public key."""
    enclave, teller = story.enclave, story.teller
    export = enclave.settings.home / "ledger.jsonl"
    exported = reports.export_ledger(enclave.store, enclave.ledger_key, export)
    key = enclave.ledger_key.verifier.line
    verified = json.loads(_enclave(["ledger", "verify", str(export), "--key", key, "--json"]))
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
