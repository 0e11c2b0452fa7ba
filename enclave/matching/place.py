"""Where one of the hub's staff sits with a match's files open: a folder of their own, mounted in their sandbox alone.

A desk is for judging pairs while a review is open, a workbench for trying the match. Only the approved notebook runs
at either.

Source: EM VII.B.1.c; EM XII; DSA III.F.1.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from enclave.ledger import Entry
from enclave.matching.job import Job, mounts_of
from enclave.matching.methods import ApprovedMethod, approved_method
from enclave.people import Admission
from enclave.sandbox import Mount
from enclave.scratch import wipe
from enclave.settings import Settings
from enclave.store import Transaction
from enclave.terms import ApprovedNotebook, project_id

Kind = Literal["reviews", "trials"]
KINDS: tuple[Kind, ...] = ("reviews", "trials")
"""Folders of the runtime folder in which places stand."""


@dataclass(frozen=True)
class Place:
    """Where one person sits: what a sandbox of theirs mounts.

    Parameters
    ----------
    name : str
        Project and person; unique among places.
    folder : Path
        On the runtime tmpfs, with the opened files.
    notebook : ApprovedNotebook
        What alone may run there.
    purpose : str
        What identifiers are open for, in a few words.
    """

    name: str
    folder: Path
    mounts: tuple[Mount, ...]
    notebook: ApprovedNotebook
    purpose: str


_BEGUN, _REFUSED = ("match.review-begin", "match.trial-begin"), "match.refuse-inside"


def places(settings: Settings, project: str = "", kind: Kind = "reviews") -> list[str]:
    """Give the names of the places in which files stand open, of one project or of all."""
    return sorted(folder.name for folder in (settings.runtime / kind).glob(f"{project.lower() or 'dr-'}*"))


def place_of(settings: Settings, kind: Kind, name: str) -> Path:
    """Say where a place is."""
    return settings.runtime / kind / name


def name_of(admission: Admission) -> str:
    """Name the place of a person on a project."""
    return f"{admission.project.lower()}-{admission.person.lower()}"


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a place that nobody else can read; it is gone again when it cannot be laid out."""
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)  # what lies below is for the sandbox that mounts it, and no one else
    try:
        yield
    except BaseException:
        wipe(folder)
        raise


def enter_refused(tx: Transaction, name: str, counts: Mapping[str, int]) -> None:
    """Enter what was refused at a place for the first time since it was opened.

    Source: EM VII.B.1.c.
    """
    project, person = project_id(name[:7]), name[8:]
    known: set[str] = set()
    for entry in tx.entries(project=project, action=(*_BEGUN, _REFUSED)):
        if entry["actor"].lower() == person:
            known = known | {entry["details"]["what"]} if entry["action"] == _REFUSED else set()
    for what in sorted(counts.keys() - known):
        tx.append(Entry(person, _REFUSED, name, project, "EM VII.B.1.c", "refused", {"what": what}))


def mounts_with_notebook(job: Job) -> tuple[Mount, ...]:
    """Give what a sandbox sees of a place."""
    return (*mounts_of(job), Mount(job.folder / "project", "/project"))


def lay_out_notebook(settings: Settings, method: ApprovedMethod, folder: Path, today: date) -> ApprovedMethod:
    """Put a copy of the notebook where the server shows it; it is the copy that is held against the approval."""
    templates = folder / "project" / "templates"
    templates.mkdir(parents=True)
    copy = templates / method.notebook.name
    shutil.copyfile(method.notebook, copy)
    return approved_method(settings.policies, method.id, copy, today)
