"""The files of a match, complete and opened: the same for a run that counts and for a trial of it.

Source: EM XII; EM VII.B.1.c.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from enclave import intake
from enclave.agreement import Policy
from enclave.errors import Finding, Refused, refuse
from enclave.intake import Holding
from enclave.matching.job import GROUPS, KEPT, LAST, Job, let_read, open_files
from enclave.matching.methods import ApprovedMethod, approved_method, registered_methods
from enclave.matching.record import reports_of, runs
from enclave.scratch import engine
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import GENERIC_ID, reached
from enclave.vault import Keystore


def hold_to_agencies(method: ApprovedMethod, policy: Policy) -> None:
    """Refuse a method that is no match, or one for fewer or more agencies than the project has."""
    number = len(policy.agencies)
    if method.does == "match" and method.agencies.take(number):
        return
    what = f"it does not match the files of {number} agencies: {method.title}"
    raise refuse(
        f"method {method.id}", "method-agencies", "EM VII.B.1.c", what,
        "Choose with --method: match_pair for two agencies, match_many for three and more.",
    )  # fmt: skip


def method_for(settings: Settings, policy: Policy, today: date) -> ApprovedMethod:
    """Give the approved notebook that matches as many agencies as the project has.

    Source: EM VII.B.1.c.

    Raises
    ------
    Refused
        If there is none, or what is installed is not what was approved.
    """
    number = len(policy.agencies)
    methods = registered_methods(settings.policies)
    found = [method.id for method in methods if method.does == "match" and method.agencies.take(number)]
    if not found:
        raise refuse(
            f"match of {policy.project}", "method-agencies", "EM VII.B.1.c", f"no method is for {number} agencies",
            "Have the Data Governing Board approve one.",
        )  # fmt: skip
    return approved_method(settings.policies, found[0], settings.notebooks / f"{found[0]}.ipynb", today)


def absent(view: View, keystore: Keystore, policy: Policy) -> list[tuple[str, str]]:
    """Give (source, contents) of the files a match needs that were not received yet, or are destroyed.

    Source: EM XII; DSA III.F.3.
    """
    held = _held(view, policy.project)
    of_agencies = [(agency, "matching") for agency in policy.agencies]
    destroyed = [file for file, holding in held.items() if not keystore.exists(holding.key_id)]
    missing = intake.missing(view, policy)
    return [*dict.fromkeys([*missing, *(file for file in of_agencies if file not in held), *destroyed])]


def job_of(
    view: View, keystore: Keystore, folder: Path, policy: Policy, method: ApprovedMethod, run: str, model: str = ""
) -> Job:
    """Give the job of a project's match.

    Source: EM XII.

    Raises
    ------
    Refused
        If a file was not received yet, or is destroyed.
    """
    needed = absent(view, keystore, policy)
    if needed:
        raise Refused(
            f"match of {policy.project}",
            [
                Finding(
                    "all-inputs",
                    "EM XII",
                    f"{source} {contents}",
                    "not received yet, or destroyed after its match",
                    "Wait for the file, or have it sent again.",
                )
                for source, contents in needed
            ],
        )
    held = _held(view, policy.project)
    return Job(run, folder, tuple(held[agency, "matching"] for agency in policy.agencies), method, model)


def _held(view: View, project: str) -> Mapping[tuple[str, str], Holding]:
    return {(h.source, h.contents): h for h in intake.holdings(view, project)}


def open_inputs(
    store: Store, keystore: Keystore, settings: Settings, policy: Policy, job: Job, model: bytes | None = None
) -> None:
    """Open everything a match reads, and let its sandbox read it: files, groups, the report of the run before."""
    open_files(keystore, settings, job)
    if model is not None:
        (job.inputs / KEPT).write_bytes(model)
    with store.view() as view:
        held = _held(view, policy.project)
        before = runs(view, policy.project)
    if before:
        shutil.copyfile(reports_of(settings, before[-1]) / "match-report.json", job.inputs / LAST)
    analytical = held.get((job.agencies[0], "analytical"))
    columns = policy.agreement.match_groups
    if analytical and columns:
        whole = job.folder / "analytical.parquet"
        intake.open_holding(keystore, settings, analytical, whole)
        chosen = ", ".join(f'"{name}"' for name in (GENERIC_ID, *columns))
        with engine(job.folder) as connection:
            target = job.inputs / GROUPS
            connection.execute(f"copy (select {chosen} from '{whole}') to '{target}' (format parquet)")  # noqa: S608
        whole.unlink()
    let_read(job)
    reached("matching.inputs-open")
