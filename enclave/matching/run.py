"""Run an approved notebook over the sealed files, in a sandbox, with nothing else in reach.

Source: EM VII.B.1.c; EM XII; DSA VI.B; DSA III.G.1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from enclave import intake
from enclave.agreement import Policy, of
from enclave.errors import Fault, Finding, Refused, invalid
from enclave.intake import Holding
from enclave.ledger import Detail, Details, Entry, refusal
from enclave.matching.methods import ApprovedMethod, approved_method
from enclave.matching.record import MatchRun, runs
from enclave.people import Admission
from enclave.sandbox import Bubblewrap, Limits, Mount, SandboxSpec, python
from enclave.scratch import alone, engine, in_use, scratch
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import GENERIC_ID, Action, reached
from enclave.vault import Keystore

Progress = Callable[[dict[str, Any]], None]

_JOB_NAME = re.compile(r"dr-\d{4}-match-\d+")
_LAST = "last-report.json"
_JOB_LIMITS = Limits(file_bytes=8 * 1024**3, tmp_bytes=2 * 1024**3)


def match_key(project: str) -> str:
    """Name the key under which everything used for matching is sealed; shredded with it (DSA III.F.3)."""
    return f"match-{project}"


@dataclass(frozen=True)
class _Job:
    run: str
    folder: Path
    left: Holding
    right: Holding
    method: ApprovedMethod


def run(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    *,
    method: str = "match_pair",
    parameters: dict[str, int | float | str] | None = None,
    progress: Progress = lambda event: None,
) -> MatchRun:
    """Match the project's two agencies' files with an approved notebook.

    Source: EM VII.B.1.c; EM XII; DSA VI.B.

    Parameters
    ----------
    admission : Admission
        Of hub staff to match on this project.
    method : str
        Id in ``policies/matching_methods.yaml``.
    parameters : mapping, optional
        Notebook parameters other than its defaults; an unknown name is refused.
    progress : callable
        Told each event of `p20kit.runner`.

    Raises
    ------
    Refused
        If a file is missing, or the notebook is not the approved one.
    Invalid
        If a parameter is unknown to the notebook, or of another type.
    Fault
        If the notebook failed; its error names a cell, never a value.
    """
    try:
        admission.hold_to(Action.MATCH, admission.project)
        with alone(settings.runtime, "matching"):  # two at once would take the same number
            return _run(store, keystore, settings, admission, method, dict(parameters or {}), progress)
    except Refused as error:
        store.enter(refusal(error, admission.person, "match.refuse", admission.project, admission.project))
        raise


def _run(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    method: str,
    given: dict[str, int | float | str],
    progress: Progress,
) -> MatchRun:
    project = admission.project
    approved = approved_method(settings.policies, method, settings.notebooks / f"{method}.ipynb")
    _check_parameters(approved, given)
    with scratch(settings.runtime, "job") as folder:
        with store.view() as view:
            policy = of(view, project).policy
            job = _prepare(view, folder, policy, approved)
        _open_inputs(store, keystore, settings, policy, job)
        _write_order(policy, job, given)
        store.enter(_entry(admission, job, "match.begin"))
        try:
            _execute(settings, job, progress)
            return _keep(store, keystore, settings, admission, job, given)
        except Fault:
            store.enter(replace(_entry(admission, job, "match.fail"), outcome="failed"))
            raise


def open_links(keystore: Keystore, settings: Settings, run: MatchRun, target: Path) -> None:
    """Open a run's links (left_id, right_id, match_weight ...) to `target` as Parquet.

    Raises
    ------
    Refused
        If they were destroyed or altered.
    """
    key = match_key(run.project)
    sealed = settings.sealed / key / f"{run.id}.links"
    keystore.unseal(sealed, target, key, _context(run.project, run.id), run.links_sha256)


def _context(project: str, run: str) -> str:
    return f"{project}|{run}|links"


def recover(settings: Settings) -> None:
    """End sandboxes of match runs whose process died; they have identifiers open.

    They end with it by themselves (`SandboxSpec.tethered`), unless it died in the moment of their start. While any
    match runs they are left for the next recovery.
    """
    if not in_use(settings.runtime, "job"):
        for sandbox in Bubblewrap(settings.runtime).running():
            if _JOB_NAME.fullmatch(sandbox.name):
                sandbox.kill()


def _prepare(view: View, folder: Path, policy: Policy, method: ApprovedMethod) -> _Job:
    absent = intake.missing(view, policy)
    if absent:
        raise Refused(
            f"match of {policy.project}",
            [
                Finding("all-inputs", "EM XII", f"{source} {contents}", "not received yet", "Wait for the file.")
                for source, contents in absent
            ],
        )
    held = {(h.source, h.contents): h for h in intake.holdings(view, policy.project)}
    left, right = policy.agencies[:2]
    number = len(runs(view, policy.project)) + 1
    return _Job(f"match-{number:02}", folder, held[left, "matching"], held[right, "matching"], method)


def _open_inputs(store: Store, keystore: Keystore, settings: Settings, policy: Policy, job: _Job) -> None:
    inputs = job.folder / "inputs"
    inputs.mkdir()
    (job.folder / "out").mkdir()
    for holding in (job.left, job.right):
        intake.open_holding(keystore, settings, holding, inputs / f"{holding.source}.parquet")
    with store.view() as view:
        held = {(h.source, h.contents): h for h in intake.holdings(view, policy.project)}
        before = runs(view, policy.project)
    if before:
        report = settings.home / "reports" / before[-1].key / "match-report.json"
        shutil.copyfile(report, inputs / _LAST)
    analytical = held.get((job.left.source, "analytical"))
    columns = policy.agreement.match_groups
    if analytical and columns:
        whole = job.folder / "analytical.parquet"
        intake.open_holding(keystore, settings, analytical, whole)
        chosen = ", ".join(f'"{name}"' for name in (GENERIC_ID, *columns))
        target = inputs / "groups.parquet"
        with engine(job.folder) as connection:
            connection.execute(f"copy (select {chosen} from '{whole}') to '{target}' (format parquet)")  # noqa: S608
        whole.unlink()
    for path in inputs.iterdir():
        path.chmod(0o444)  # for the sandbox's own uid; the folder above is closed to all others
    reached("matching.inputs-open")


def _write_order(policy: Policy, job: _Job, parameters: dict[str, int | float | str]) -> None:
    """Write job.json: the roles both files have, the groups of the match rate, the run before, and who agrees."""
    roles = {
        e.links_as: e.name
        for e in policy.agreement.elements[job.left.source]
        if e.links_as and e.name in job.left.elements
    }
    others = {
        e.links_as: e.name
        for e in policy.agreement.elements[job.right.source]
        if e.links_as and e.name in job.right.elements
    }
    groups = {"table": "groups.parquet", "columns": list(policy.agreement.match_groups)}
    order = {
        "job": job.run,
        "project": policy.project,
        "left": job.left.source,
        "right": job.right.source,
        "id_column": GENERIC_ID,
        "roles": {role: name for role, name in roles.items() if others.get(role) == name},
        "groups": groups if (job.folder / "inputs" / "groups.parquet").exists() else None,
        "last": _LAST if (job.folder / "inputs" / _LAST).exists() else None,
        "signatories": [
            {"party": p.code, "representative": p.representative}
            for p in policy.agreement.parties
            if p.code in policy.signatories
        ],
    }
    (job.folder / "job.json").write_text(json.dumps(order), "utf-8")
    (job.folder / "params.json").write_text(json.dumps({**parameters, "job": "/job"}), "utf-8")


def _execute(settings: Settings, job: _Job, progress: Progress) -> None:
    command = (
        python(), "-m", "p20kit.runner", f"/job/{job.method.notebook.name}",
        "--parameters", "/job/params.json", "--out", "/job/out", "--report",
    )  # fmt: skip
    mounts = (
        Mount(job.folder / "job.json", "/job/job.json"),
        Mount(job.folder / "params.json", "/job/params.json"),
        Mount(job.folder / "inputs", "/job/inputs"),
        Mount(job.method.notebook, f"/job/{job.method.notebook.name}"),
        Mount(job.folder / "out", "/job/out", writable=True),
    )
    name = f"{job.left.project.lower()}-{job.run}"
    spec = SandboxSpec(name, command, mounts, limits=_JOB_LIMITS, tethered=True)
    failure = ""
    reading, writing = os.pipe()
    with (job.folder / "runner.log").open("wb") as errors, os.fdopen(reading) as events:
        try:
            sandboxed = Bubblewrap(settings.runtime).start(spec, stdout=writing, stderr=errors)
        finally:
            os.close(writing)
        reached("matching.started")
        try:
            for line in events:
                event = json.loads(line)
                progress(event)
                if event.get("event") == "failed":
                    failure = f"cell {event.get('cell')}: {event.get('error')}"
            code = sandboxed.wait()
        finally:
            sandboxed.kill()  # also when whoever follows the progress gave up: it has identifiers open
    if code != 0 or failure:
        # The log may hold values: it stays inside the job's folder and goes with it.
        raise Fault(f"{job.method.id} failed in {failure or 'the sandbox'} (exit {code}); nothing was kept")
    reached("matching.executed")


def _keep(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    job: _Job,
    parameters: dict[str, int | float | str],
) -> MatchRun:
    """Check what the notebook made, seal it, keep the report, enter the run."""
    out = job.folder / "out"
    links = _checked_links(job)
    report = json.loads((out / "report.json").read_text("utf-8"))
    html = out / f"{job.method.notebook.stem}.html"
    key = match_key(admission.project)
    sealed = settings.sealed / key / f"{job.run}.links"
    links_sha256 = keystore.seal(out / "links.parquet", sealed, key, _context(admission.project, job.run))
    kept = settings.home / "reports" / admission.project / job.run
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(html, kept / "match-report.html")
    (kept / "match-report.json").write_text(json.dumps(report, indent=1), "utf-8")
    reached("matching.sealed")
    rate = report["match_rate"]["overall"]["rate"]
    with store.transaction() as tx:
        record = MatchRun(
            project=admission.project,
            id=job.run,
            method=job.method.id,
            version=job.method.version,
            notebook_sha256=job.method.sha256,
            parameters=parameters,
            left=job.left.source,
            right=job.right.source,
            inputs={h.source: h.sha256 for h in (job.left, job.right)},
            ran_on=tx.today,
            links=links,
            match_rate=f"{100 * rate:.2f}",
            links_sha256=links_sha256,
            report_sha256=sha256((kept / "match-report.html").read_bytes()).hexdigest(),
        )
        details: Details = {"links": links, "report": record.report_sha256, "rate": record.match_rate}
        tx.write(record, _entry(admission, job, "match.run", details))
    return record


def _check_parameters(method: ApprovedMethod, given: dict[str, int | float | str]) -> None:
    from p20kit.runner import ParameterError, check_parameters  # heavy: papermill and nbconvert

    try:
        check_parameters(method.notebook, given)
    except ParameterError as error:
        raise invalid(
            f"method {method.id}", "method-parameters", "EM VII.B.1.c", str(error), "Give parameters it takes.",
        ) from None  # fmt: skip


def _checked_links(job: _Job) -> int:
    """Check that links are one to one and between records that were sent; give their number.

    Source: EM XII.A.
    """
    out, inputs = job.folder / "out" / "links.parquet", job.folder / "inputs"
    if not out.exists():
        raise Fault(f"{job.method.id} gave no links between two files; nothing was kept")
    with engine(job.folder) as connection:
        counts = connection.execute(
            f"""
            select count(*), count(distinct left_id), count(distinct right_id),
                   count(*) filter (left_id in (select {GENERIC_ID} from '{inputs}/{job.left.source}.parquet')),
                   count(*) filter (right_id in (select {GENERIC_ID} from '{inputs}/{job.right.source}.parquet'))
            from '{out}'
            """  # noqa: S608 - names of our own making
        ).fetchall()[0]
    if len(set(counts)) != 1:
        raise Fault(f"{job.method.id} gave links that are not one to one between the files; nothing was kept")
    return int(counts[0])


def _entry(admission: Admission, job: _Job, action: str, more: Details | None = None) -> Entry:
    details: dict[str, Detail] = {
        "method": job.method.id,
        "version": job.method.version,
        "notebook": job.method.sha256,
        "files": [job.left.name, job.right.name],
        **(more or {}),
    }
    where = f"{admission.project}/{job.run}"
    return Entry(admission.person, action, where, admission.project, "EM VII.B.1.c", details=details)
