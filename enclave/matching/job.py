"""A folder with opened files, the order of what is to be done with them, and a sandbox that does it.

Source: EM VII.B.1.c; EM XII; DSA VI.B.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any

from enclave import intake
from enclave.agreement import Policy
from enclave.errors import EnclaveError, Fault, invalid
from enclave.intake import Holding
from enclave.matching.methods import ApprovedMethod
from enclave.people import Admission, may
from enclave.sandbox import Bubblewrap, Limits, Mount, Sandboxed, SandboxSpec, python
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import GENERIC_ID, reached
from enclave.vault import Keystore

Parameters = Mapping[str, int | float | str]
Progress = Callable[[dict[str, Any]], None]
GROUPS, LAST, KEPT = "groups.parquet", "last-report.json", "kept-model.json"
_PAUSE = 0.5
"""Seconds between two looks at whether a match that runs was stopped."""
_LIMITS = Limits(file_bytes=8 * 1024**3, tmp_bytes=2 * 1024**3)


@dataclass(frozen=True)
class Job:
    """A run of an approved notebook over agencies' files.

    Parameters
    ----------
    run : str
        Id of the match run.
    folder : Path
        Private: `inputs`, `out`, `job.json` and `params.json` stand in it.
    files : tuple of Holding
        One for each agency, in the order of the agreement.
    model_from : str
        Id of the run whose model is taken; empty to train one.
    """

    run: str
    folder: Path
    files: tuple[Holding, ...]
    method: ApprovedMethod
    model_from: str = ""

    @property
    def agencies(self) -> tuple[str, ...]:
        """Whose files they are; the first one's is the population asked for."""
        return tuple(file.source for file in self.files)

    @property
    def inputs(self) -> Path:
        """Where the opened files stand."""
        return self.folder / "inputs"

    @property
    def out(self) -> Path:
        """Where the notebook writes."""
        return self.folder / "out"


def check_parameters(method: ApprovedMethod, given: Parameters) -> None:
    """Hold parameters against the notebook's own.

    Raises
    ------
    Invalid
        If one is unknown to the notebook, or of another type.
    """
    from p20kit.runner import ParameterError  # heavy: papermill and nbconvert
    from p20kit.runner import check_parameters as check

    try:
        check(method.notebook, given)
    except ParameterError as error:
        raise invalid(
            f"method {method.id}", "method-parameters", "EM VII.B.1.c", str(error), "Give parameters it takes.",
        ) from None  # fmt: skip


def open_files(keystore: Keystore, settings: Settings, job: Job) -> None:
    """Open the agencies' matching files into the job's folder."""
    job.inputs.mkdir()
    job.out.mkdir()
    for holding in job.files:
        intake.open_holding(keystore, settings, holding, job.inputs / f"{holding.source}.parquet")


def let_read(job: Job) -> None:
    """Let the sandbox's own uid read what was opened; the folder above is closed to all others."""
    for path in job.inputs.iterdir():
        path.chmod(0o444)


def write_order(policy: Policy, job: Job, parameters: Parameters, review: Mapping[str, object] | None = None) -> None:
    """Write job.json and params.json.

    The order names agencies, roles, groups of the match rate, the run before, a kept model, and who agrees.

    Parameters
    ----------
    review : mapping, optional
        For a clerical review: `reviewer`, and for a third one `settles`, the numbers of the pairs.
    """
    groups = {"table": GROUPS, "columns": list(policy.agreement.match_groups)}
    order = {
        "job": job.run,
        "project": policy.project,
        "agencies": job.agencies,
        "id_column": GENERIC_ID,
        "roles": _shared_roles(policy, job),
        "encoded": any(file.key_check for file in job.files),
        "groups": groups if (job.inputs / GROUPS).exists() else None,
        "last": LAST if (job.inputs / LAST).exists() else None,
        "model": KEPT if (job.inputs / KEPT).exists() else None,
        "signatories": [
            {"party": p.code, "representative": p.representative}
            for p in policy.agreement.parties
            if p.code in policy.signatories
        ],
        **({"review": review} if review else {}),
    }
    (job.folder / "job.json").write_text(json.dumps(order), "utf-8")
    (job.folder / "params.json").write_text(json.dumps({**parameters, "job": "/job"}), "utf-8")


def _shared_roles(policy: Policy, job: Job) -> dict[str, str]:
    """Give the roles that two agencies or more hold under one name: nothing else can be compared."""
    names: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for file in job.files:
        layout = intake.layout_of(policy, file.source, file.contents)
        for element in layout.elements.values() if layout else ():
            if element.links_as and element.name in file.elements:
                names[element.links_as][element.name] += 1
    most = {role: held.most_common(1)[0] for role, held in names.items()}
    return {role: name for role, (name, agencies) in most.items() if agencies > 1}


def mounts_of(job: Job) -> tuple[Mount, ...]:
    """Give what a sandbox sees of a job."""
    return (
        Mount(job.folder / "job.json", "/job/job.json"),
        Mount(job.inputs, "/job/inputs"),
        Mount(job.out, "/job/out", writable=True),
    )


def execute(store: Store, settings: Settings, admission: Admission, job: Job, progress: Progress) -> None:
    """Run the job's notebook in a sandbox that ends with this process, and when its person may not match any more.

    Source: EM VII.B.1.c; DSA XI; EM A1.2.

    Raises
    ------
    Refused
        If the project was stopped, or the person's access ended, while it ran.
    Fault
        If the notebook failed; the error names a cell, never a value.
    """
    command = (
        python(), "-m", "p20kit.runner", f"/job/{job.method.notebook.name}",
        "--parameters", "/job/params.json", "--out", "/job/out", "--report", f"{job.files[0].project} {job.run}",
    )  # fmt: skip
    mounts = (
        *mounts_of(job),
        Mount(job.folder / "params.json", "/job/params.json"),
        Mount(job.method.notebook, f"/job/{job.method.notebook.name}"),
    )
    name = f"{job.files[0].project.lower()}-{job.run}"
    spec = SandboxSpec(name, command, mounts, limits=_LIMITS, tethered=True)
    failure = ""
    reading, writing = os.pipe()
    with (job.folder / "runner.log").open("wb") as errors, os.fdopen(reading) as events:
        try:
            sandboxed = Bubblewrap(settings.runtime).start(spec, stdout=writing, stderr=errors)
        finally:
            os.close(writing)
        reached("matching.started")
        try:
            with _watched(store, admission, sandboxed):
                for line in events:
                    event = json.loads(line)
                    progress(event)
                    if event.get("event") == "failed":
                        failure = f"cell {event.get('cell')}: {event.get('error')}"
                code = sandboxed.wait()
            _ask(store, admission)
        finally:
            sandboxed.kill()  # also when whoever follows the progress gave up: it has identifiers open
    if code != 0 or failure:
        # The log may hold values: it stays inside the job's folder and goes with it.
        raise Fault(f"{job.method.id} failed in {failure or 'the sandbox'} (exit {code}); nothing was kept")
    reached("matching.executed")


@contextmanager
def _watched(store: Store, admission: Admission, sandboxed: Sandboxed) -> Iterator[None]:
    """End the sandbox as soon as its person may not match any more; it has identifiers open."""
    ended = Event()

    def watch() -> None:
        while not ended.wait(_PAUSE):
            try:
                _ask(store, admission)
            except EnclaveError:
                sandboxed.kill()
                return

    watcher = Thread(target=watch, name="match-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _ask(store: Store, admission: Admission) -> None:
    with store.view() as view:
        may(view, admission.person, admission.action, admission.project)


def keep_model(settings: Settings, job: Job) -> str:
    """Keep the model of a run, which holds no value of any person; give its SHA-256 (hex).

    With it, the same files and parameters give the same links again.
    """
    kept = model_of(settings, job.files[0].project, job.run)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.out / "model.json", kept)
    return sha256(kept.read_bytes()).hexdigest()


def model_of(settings: Settings, project: str, run: str) -> Path:
    """Say where the model of a run is kept."""
    return settings.home / "reports" / project / run / "match-model.json"


def keep_pages(settings: Settings, job: Job, what: str) -> dict[str, str]:
    """Keep the page, its print, the executed notebook and the figures of a run: aggregates only.

    They outlive the match data.

    Parameters
    ----------
    what : str
        ``report`` keeps ``match-report.html``, ``.pdf``, ``.ipynb`` and ``.json``.

    Returns
    -------
    dict of str to str
        SHA-256 (hex) by suffix: of the page, of its print and of the executed notebook.
    """
    kept = settings.home / "reports" / job.files[0].project / job.run
    kept.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job.out / f"{what}.json", kept / f"match-{what}.json")
    digests = {}
    for suffix in (".html", ".pdf", ".ipynb"):
        target = kept / f"match-{what}{suffix}"
        shutil.copyfile(job.out / f"{job.method.notebook.stem}{suffix}", target)
        digests[suffix] = sha256(target.read_bytes()).hexdigest()
    return digests
