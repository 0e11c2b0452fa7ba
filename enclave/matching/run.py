"""Run an approved notebook over the sealed files, in a sandbox, with nothing else in reach.

Source: EM VII.B.1.c; EM XII; DSA VI.B; DSA III.G.1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path

from enclave import intake
from enclave.agreement import of
from enclave.errors import EnclaveError, Fault, Refused, refuse
from enclave.ledger import Detail, Details, Entry, refusal
from enclave.matching.answers import sealed_at
from enclave.matching.attempt import attempted
from enclave.matching.inputs import hold_to_agencies, job_of, open_inputs
from enclave.matching.job import (
    Job,
    Parameters,
    Progress,
    check_parameters,
    execute,
    keep_model,
    keep_pages,
    model_of,
    write_order,
)
from enclave.matching.methods import approved_method
from enclave.matching.record import MatchRun, match_key, runs
from enclave.matching.reviewed import Review
from enclave.people import Admission, may
from enclave.sandbox import Sandboxes
from enclave.scratch import alone, engine, in_use, scratch
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import GENERIC_ID, Action, reached
from enclave.vault import Keystore, Seal

_JOB_NAME = re.compile(r"dr-\d{4}-match-\d+")


def run(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    *,
    method: str = "match_pair",
    parameters: Parameters | None = None,
    model: str = "",
    progress: Progress = lambda event: None,
) -> MatchRun:
    """Match the files of the project's agencies with an approved notebook.

    Source: EM VII.B.1.c; EM XII; DSA VI.B.

    Parameters
    ----------
    admission : Admission
        Of hub staff to match on this project.
    method : str
        Id in ``policies/matching_methods.yaml``.
    parameters : mapping, optional
        Notebook parameters other than its defaults; an unknown name is refused.
    model : str
        Id of an earlier run of the project, whose model is taken; empty to train one.
    progress : callable
        Told each event of `p20kit.runner`.

    Raises
    ------
    Refused
        If a file is missing, the notebook is not the approved one or is for another number of agencies, or no such
        model was kept.
    Invalid
        If a parameter is unknown to the notebook, or of another type.
    Fault
        If the notebook failed; its error names a cell, never a value.
    """
    try:
        admission.hold_to(Action.MATCH, admission.project)
        with (
            attempted(settings, admission.project, admission.person, progress) as follow,
            alone(settings.runtime, "matching"),  # a machine has room for the memory of one
        ):
            return _run(store, keystore, settings, admission, method, dict(parameters or {}), model, follow)
    except Refused as error:
        store.enter(refusal(error, admission.person, "match.refuse", admission.project, admission.project))
        raise


def _run(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    admission: Admission,
    method: str,
    given: Parameters,
    model: str,
    progress: Progress,
) -> MatchRun:
    project = admission.project
    with store.view() as view:
        today = view.today
    progress({"event": "stage", "name": "opening the files", "fraction": 0.0})
    approved = approved_method(settings.policies, method, settings.notebooks / f"{method}.ipynb", today)
    check_parameters(approved, given)
    with scratch(settings.runtime, "job") as folder:
        with store.view() as view:
            policy = of(view, project).policy
            hold_to_agencies(approved, policy)
            number = len(runs(view, project)) + 1
            job = job_of(view, keystore, folder, policy, approved, f"match-{number:02}", model)
            kept = _kept_model(view, settings, job) if model else None
        keystore.create(match_key(project))  # now: one destroyed while the match runs is not made again
        open_inputs(store, keystore, settings, policy, job, kept)
        write_order(policy, job, given)
        store.enter(_entry(admission, job, "match.begin"))
        try:
            execute(store, settings, admission, job, progress)
            return _keep(store, keystore, settings, admission, job, given)
        except Fault:
            store.enter(replace(_entry(admission, job, "match.fail"), outcome="failed"))
            raise


def open_crosswalk(keystore: Keystore, settings: Settings, run: MatchRun, target: Path) -> None:
    """Open a run's crosswalk to `target` as Parquet.

    One row for each individual found with two agencies or more; one column for each agency, named after it, with
    the generic identifier or null.

    Raises
    ------
    Refused
        If it was destroyed or altered.
    """
    keystore.unseal(_crosswalk(settings, run.project, run.id, run.crosswalk_sha256), target)


def seals(view: View, settings: Settings, run: MatchRun) -> Iterator[Seal]:
    """Give what is sealed of a run: its crosswalk, and the answers of who reviewed it."""
    yield _crosswalk(settings, run.project, run.id, run.crosswalk_sha256)
    review = view.get(Review, run.key)
    for person, digest in (review.answers if review else {}).items():
        yield sealed_at(settings, match_key(run.project), run.key, person, digest)


def _crosswalk(settings: Settings, project: str, run: str, sha256: str = "") -> Seal:
    key_id = match_key(project)
    return Seal(settings.sealed / key_id / f"{run}.crosswalk", key_id, f"{project}|{run}|crosswalk", sha256)


def recover(settings: Settings) -> None:
    """End sandboxes of match runs whose process died; they have identifiers open.

    They end with it by themselves (`SandboxSpec.tethered`), unless it died in the moment of their start. While any
    match runs they are left for the next recovery.
    """
    if not in_use(settings.runtime, "job"):
        for sandbox in Sandboxes(settings.runtime).running():
            if _JOB_NAME.fullmatch(sandbox.name):
                sandbox.kill()


def _kept_model(view: View, settings: Settings, job: Job) -> bytes:
    """Give the model of an earlier run of the same agencies, as it was entered."""
    project = job.files[0].project
    earlier = view.get(MatchRun, f"{project}/{job.model_from}")
    where = f"{project}/{job.model_from}"
    if earlier is None or earlier.agencies != job.agencies:
        raise refuse(
            where, "kept-model", "EM VII.B.1.c", "it is no run of the project that matched these agencies",
            "Name one of the runs on the page of matches, or train a model.",
        )  # fmt: skip
    path = model_of(settings, project, earlier.id)
    kept = path.read_bytes() if path.is_file() else b""
    if sha256(kept).hexdigest() != earlier.model_sha256:
        raise refuse(
            where, "kept-model", "EM VII.B.1.c", "its model is not the one that was entered",
            "Restore it from a backup, or train a model.",
        )  # fmt: skip
    return kept


def _keep(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, job: Job, parameters: Parameters
) -> MatchRun:
    """Check what the notebook made, seal it, keep report and executed notebook, enter the run."""
    persons = _checked_crosswalk(job)
    report = json.loads((job.out / "report.json").read_text("utf-8"))
    seal = _crosswalk(settings, admission.project, job.run)
    digest = keystore.seal(job.out / "crosswalk.parquet", seal)
    kept = keep_pages(settings, job, "report")
    model_sha256 = keep_model(settings, job)
    reached("matching.sealed")
    rate = report["match_rate"]["overall"]["rate"]
    record = MatchRun(
        project=admission.project,
        id=job.run,
        method=job.method.id,
        version=job.method.version,
        notebook_sha256=job.method.sha256,
        parameters=dict(parameters),
        agencies=job.agencies,
        inputs={file.source: file.sha256 for file in job.files},
        ran_on=date.min,
        persons=persons,
        match_rate=f"{100 * rate:.2f}",
        crosswalk_sha256=digest,
        report_sha256=kept[".html"],
        printed_sha256=kept[".pdf"],
        executed_sha256=kept[".ipynb"],
        model_sha256=model_sha256,
        model_from=job.model_from,
    )
    try:
        return _entered(store, admission, job, record)
    except EnclaveError:
        seal.path.unlink(missing_ok=True)
        raise


def _entered(store: Store, admission: Admission, job: Job, record: MatchRun) -> MatchRun:
    with store.transaction() as tx:
        may(tx, admission.person, Action.MATCH, admission.project)
        intake.hold_to_held(tx, job.files)
        record = replace(record, ran_on=tx.today)
        details: Details = {
            "elements": [f"{file.source}.{name}" for file in job.files for name in file.elements],
            "persons": record.persons,
            "crosswalk": record.crosswalk_sha256,
            "report": record.report_sha256,
            "printed": record.printed_sha256,
            "executed": record.executed_sha256,
            "model": record.model_sha256,
            "model_from": record.model_from,
            "rate": record.match_rate,
        }
        tx.write(record, _entry(admission, job, "match.run", details))
    return record


def _checked_crosswalk(job: Job) -> int:
    """Check that every record stands with one individual at most, and was sent; give the number of individuals.

    Source: EM XII.A.
    """
    out = job.out / "crosswalk.parquet"
    if not out.exists():
        raise Fault(f"{job.method.id} gave no crosswalk; nothing was kept")
    with engine(job.folder) as connection:
        columns = [row[0] for row in connection.execute(f"describe select * from '{out}'").fetchall()]  # noqa: S608
        if columns != list(job.agencies):
            raise Fault(f"{job.method.id} gave a crosswalk of other agencies; nothing was kept")
        found = " + ".join(f'("{agency}" is not null)::int' for agency in columns)
        persons, alone_ = connection.execute(
            f"select count(*), count(*) filter ({found} < 2) from '{out}'"  # noqa: S608 - names of the agreement
        ).fetchall()[0]
        for agency in columns:
            sent = f"select {GENERIC_ID} from '{job.inputs}/{agency}.parquet'"  # noqa: S608
            counts = connection.execute(
                f"""
                select count("{agency}"), count(distinct "{agency}"), count(*) filter ("{agency}" in ({sent}))
                from '{out}'
                """  # noqa: S608
            ).fetchall()[0]
            if len(set(counts)) != 1:
                raise Fault(f"{job.method.id} gave a record of {agency} twice, or one not sent; nothing was kept")
    if alone_:
        raise Fault(f"{job.method.id} gave {alone_} individuals of one agency alone; nothing was kept")
    return int(persons)


def _entry(admission: Admission, job: Job, action: str, more: Details | None = None) -> Entry:
    details: dict[str, Detail] = {
        "method": job.method.id,
        "version": job.method.version,
        "notebook": job.method.sha256,
        "files": [file.name for file in job.files],
        **(more or {}),
    }
    where = f"{admission.project}/{job.run}"
    return Entry(admission.person, action, where, admission.project, "EM VII.B.1.c", details=details)
