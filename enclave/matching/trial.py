"""A trial of a match: one of the hub's staff runs the approved notebook cell by cell, with other numbers.

Nothing of it counts and nothing is kept. A match that counts is a run, executed and recorded as a whole; of the same
files and numbers it gives the same links.

Source: EM VII.B.1.c; EM XII; DSA III.F.1.
"""

from __future__ import annotations

from enclave.agreement import of
from enclave.ledger import Details, Entry
from enclave.matching.inputs import job_of, method_for, open_inputs
from enclave.matching.job import write_order
from enclave.matching.place import (
    Place,
    lay_out_notebook,
    made,
    mounts_with_notebook,
    name_of,
    place_of,
)
from enclave.people import Admission
from enclave.scratch import wipe
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import Action, project_id, reached
from enclave.vault import Keystore

TRIAL = "trial"
_CLAUSE = "EM VII.B.1.c"


def try_out(store: Store, keystore: Keystore, settings: Settings, admission: Admission) -> Place:
    """Open everything a match of the project reads at one person's workbench.

    Source: EM VII.B.1.c; EM XII; DSA III.F.1.

    Raises
    ------
    Refused
        If a file is missing, or no approved notebook matches so many agencies.
    """
    admission.hold_to(Action.MATCH, admission.project)
    name = name_of(admission)
    folder = place_of(settings, "trials", name)
    put_back(store, settings, name, {})  # what a crash left of an earlier time
    with store.view() as view:
        today, policy = view.today, of(view, admission.project).policy
        method = method_for(settings, policy, today)
        job = job_of(view, keystore, folder, policy, method, TRIAL)
    # What reaches outside is entered first: opening the files is a disclosure to this person.
    files: Details = {
        "method": method.id, "version": method.version, "notebook": method.sha256,
        "files": [file.name for file in job.files],
    }  # fmt: skip
    store.enter(_entry(admission.person, "match.trial-begin", admission.project, files))
    with made(folder):
        open_inputs(store, keystore, settings, policy, job)
        write_order(policy, job, {})
        notebook = lay_out_notebook(settings, method, folder, today).cells()
    reached("matching.sat-down")
    return Place(name, folder, mounts_with_notebook(job), notebook, "identifiers, to try the match")


def put_back(
    store: Store,
    settings: Settings,
    name: str,
    counted: Details,
) -> None:
    """Wipe what was opened at a workbench; does nothing where nobody sits.

    What was opened goes first, whether the ledger can be written or not, and the folder last: after a crash it is
    there to be put back again, and no trial ends without its entry.
    """
    folder = place_of(settings, "trials", name)
    if folder.exists():
        for opened in folder.iterdir():
            wipe(opened) if opened.is_dir() else opened.unlink()
        details = dict(counted)
        store.enter(_entry(name[8:], "match.trial-end", project_id(name[:7]), details))
        wipe(folder)


def _entry(person: str, action: str, project: str, details: Details) -> Entry:
    return Entry(person, action, f"{project}/{TRIAL}", project, _CLAUSE, details=details)
