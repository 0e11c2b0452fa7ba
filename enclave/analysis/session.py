"""Open sealed Resultant Data for one person's session, and put everything away when it ends.

Originals are read-only and per person: who may not see UC unit records gets neither the columns nor the rows
(ExA 2.h). The key never enters the sandbox. The person's own files are Resultant Data too until a release says
otherwise (DSA I): they rest sealed under the project's key.

Source: DSA I; DSA VI.E; DSA VI.H; DSA II.F; ExA 2.h.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tarfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from enclave import matching
from enclave.agreement import Policy, of
from enclave.ledger import Detail, Entry
from enclave.people import Admission
from enclave.resultant import Delivery, SealedTable, delivery_of, open_table
from enclave.sandbox import Mount
from enclave.scratch import engine, scratch
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import UNIT, Action, ApprovedNotebook, project_id, reached
from enclave.vault import Keystore

RESEARCHER_TEMPLATES = ("getting_started.ipynb", "cohort_outcomes.ipynb")
_HOME_LIMIT = 2 * 1024**3


@dataclass(frozen=True)
class Session:
    """What a sandbox of this person and project mounts.

    Parameters
    ----------
    name : str
        Unique among sessions: project and person.
    folder : Path
        Its place on the runtime tmpfs.
    expires_on : date
        Last day of access: agreement, destroy date or Exhibit C, whichever is first.
    days_left : int
        Of access, when it was opened.
    clearance : str
        What may be seen there, in a few words.
    only : ApprovedNotebook, optional
        What alone may run there, where identifiers are open; None where it is a person's own code.
    """

    name: str
    project: str
    person: str
    folder: Path
    expires_on: date
    mounts: tuple[Mount, ...]
    days_left: int
    clearance: str
    environment: Mapping[str, str] = field(default_factory=dict)
    uid: int | None = None
    only: ApprovedNotebook | None = None


def open_session(store: Store, keystore: Keystore, settings: Settings, admission: Admission) -> Session:
    """Open the project's data for an admitted person.

    Source: DSA VI.E; DSA VI.H; ExA 2.h.

    Raises
    ------
    Refused
        If Resultant Data are missing, altered or destroyed: never an empty folder in their place.
    """
    admission.hold_to(Action.ANALYSE, admission.project)
    with store.view() as view:
        policy = of(view, admission.project).policy
        delivery = delivery_of(view, admission.project)
        today = view.today
    name = session_name(admission.project, admission.person)
    folder = settings.runtime / "sessions" / name
    close_session(store, keystore, settings, name)  # what a crash left of an earlier one
    # What reaches outside is entered first: opening the files is a disclosure to this person.
    store.enter(_entry(admission, name, "session.open", {"expires_on": admission.ends_on.isoformat()}))
    folder.mkdir(parents=True, mode=0o755)
    folder.parent.chmod(0o700)  # what lies below is for the sandboxes that mount it, and no one else
    project = folder / "project"
    (project / "data").mkdir(parents=True, mode=0o755)
    (project / "templates").mkdir(mode=0o755)
    try:
        masked = [_open_for(keystore, settings, delivery, t, admission, project / "data") for t in delivery.tables]
        about = _about(policy, delivery, admission, [m for ms in masked for m in ms], today)
        (project / "project.json").write_text(json.dumps(about, indent=1), "utf-8")
        for template in RESEARCHER_TEMPLATES:
            shutil.copyfile(settings.notebooks / template, project / "templates" / template)
        _restore_home(keystore, settings, name, admission.project, folder / "home")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    reached("analysis.opened")
    mounts = (Mount(project, "/project"), Mount(folder / "home", "/home/analyst", writable=True))
    clearance = "UC unit records masked (ExA 2.h)" if any(masked) else "every approved column"
    return Session(
        name, admission.project, admission.person, folder, admission.ends_on, mounts,
        days_left=(admission.ends_on - today).days, clearance=clearance,
    )  # fmt: skip


def session_name(project: str, person: str) -> str:
    """Name a person's session on a project."""
    return f"{project.lower()}-{person.lower()}"


@contextmanager
def opened_outbox(keystore: Keystore, settings: Settings, project: str, person: str) -> Iterator[Path]:
    """Give a person's outbox: of the session that runs, else of the files put away when the last one ended."""
    name = session_name(project, person)
    live = settings.runtime / "sessions" / name / "home"
    if live.is_dir():
        yield live / "outbox"
        return
    with scratch(settings.runtime, "outbox") as folder:
        _restore_home(keystore, settings, name, project, folder / "home")
        yield folder / "home" / "outbox"


def close_session(
    store: Store, keystore: Keystore, settings: Settings, name: str, shown_bytes: int | None = None
) -> None:
    """Seal the person's own files under the project's key and wipe the session's tmpfs.

    After destruction there is no key any more: then nothing is kept (DSA VI.H). Files that would go over 2 GiB in all
    are not kept either, and the entry counts them: a session must always end. The folder goes last: after a crash it
    is there to be closed again, and no session ends without its entry.
    """
    project, person = project_id(name[:7]), name[8:]
    folder = settings.runtime / "sessions" / name
    if folder.exists():
        left_out = _put_away_home(keystore, settings, name, project)
        reached("analysis.put-away")
        details: dict[str, Detail] = {} if shown_bytes is None else {"shown_bytes_today": shown_bytes}
        if left_out:
            details["files_over_limit"] = left_out
        store.enter(Entry(person, "session.close", name, project, "DSA VI.C", details=details))
        shutil.rmtree(folder, ignore_errors=True)


def sandbox_name(project: str, person: str) -> str:
    """Name the sandbox of a session: short for its socket's path, and shaped by no user name."""
    return f"s{hashlib.sha256(f'{person}/{project.lower()}'.encode()).hexdigest()[:14]}"


def recover(store: Store, keystore: Keystore, settings: Settings, running: Collection[str]) -> None:
    """Put away sessions, and places of reviewers, that a crash left without a sandbox.

    Parameters
    ----------
    running : collection of str
        Names of the sandboxes that run.
    """
    for folder in sorted((settings.runtime / "sessions").glob("dr-*")):
        if sandbox_name(folder.name[:7], folder.name[8:]) not in running:
            close_session(store, keystore, settings, folder.name)
    for place in matching.places(settings):
        if sandbox_name(place[:7], place[8:]) not in running:
            matching.stand_up(store, keystore, settings, place)


def _open_for(
    keystore: Keystore,
    settings: Settings,
    delivery: Delivery,
    table: SealedTable,
    admission: Admission,
    folder: Path,
) -> list[dict[str, str]]:
    """Open a table, or the part of it this person may see; give what was masked and why.

    Source: ExA 2.h; DSA I (Confidential UC Information: also whether an individual has wages at all).
    """
    hidden = [] if admission.government else [c.name for c in table.columns if c.uc]
    why = {"clause": "ExA 2.h", "why": "only state government employees or officials may see UC unit records"}
    if table.column_is_unit_uc(UNIT) and hidden:
        return [{"column": f"{table.name}.{c.name}", **why} for c in table.columns if c.name != UNIT]
    target = folder / f"{table.name}.parquet"
    if not hidden:
        open_table(keystore, settings, delivery, table, target)
        target.chmod(0o444)
        return []
    whole = folder.parent.parent / f"whole-{table.name}.parquet"
    open_table(keystore, settings, delivery, table, whole)
    chosen = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in hidden)
    with engine(whole.parent) as connection:
        connection.execute(f"copy (select {chosen} from '{whole}') to '{target}' (format parquet)")  # noqa: S608
    whole.unlink()
    target.chmod(0o444)
    return [{"column": f"{table.name}.{name}", **why} for name in hidden]


def _about(
    policy: Policy, delivery: Delivery, admission: Admission, masked: list[dict[str, str]], today: date
) -> dict[str, object]:
    """Say what `p20kit.open_project` shows."""
    agreement = policy.agreement
    gone = {m["column"] for m in masked}
    tables = {}
    for table in delivery.tables:
        columns = [c for c in table.columns if f"{table.name}.{c.name}" not in gone]
        if len(columns) > 1:
            tables[table.name] = {
                "file": f"data/{table.name}.parquet",
                "rows": table.rows,
                "columns": [
                    {
                        "name": c.name,
                        "definition": c.definition,
                        "owner": c.owner,
                        "type": c.kind,
                        "codes": list(c.codes) or None,
                        "questions": list(c.questions),
                        "as_of": c.as_of.isoformat() if c.as_of else None,
                    }
                    for c in columns
                ],
            }
    return {
        "project": policy.project,
        "title": agreement.title,
        "person": admission.person,
        "expires_on": admission.ends_on.isoformat(),
        "days_left": (admission.ends_on - today).days,
        "policy": {
            "minimum_count": policy.cells.minimum_count,
            "minimum_base": policy.cells.minimum_base,
            "zeros": policy.cells.zeros,
            "minimum_employers": policy.cells.minimum_employers,
        },
        "policy_hash": policy.hash,
        "tables": tables,
        "masked": masked,
        "reports": [{"id": r.id, "title": r.title, "audience": r.audience} for r in agreement.reports],
        "questions": [{"id": q.id, "text": q.text} for q in agreement.questions],
        "methods": list(agreement.methods),
    }


def _sealed_home(settings: Settings, project: str, name: str) -> tuple[Path, str]:
    return settings.sealed / f"project-{project}" / "homes" / f"{name}.home", f"{project}|home|{name}"


def _restore_home(keystore: Keystore, settings: Settings, name: str, project: str, home: Path) -> None:
    home.mkdir(mode=0o700)
    sealed, context = _sealed_home(settings, project, name)
    if sealed.exists():
        archive = home.parent / "home.tar"
        keystore.unseal(sealed, archive, f"project-{project}", context)
        with tarfile.open(archive) as tar:
            for member in tar:  # regular files only stand in it, under names we walked ourselves
                target = home / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None  # noqa: S101
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)
        archive.unlink()
    (home / "outbox").mkdir(exist_ok=True)


def _put_away_home(keystore: Keystore, settings: Settings, name: str, project: str) -> int:
    """Seal the home of a session that ended, by intent or by a crash; give the number of files over the limit."""
    folder = settings.runtime / "sessions" / name
    home = folder / "home"
    if not home.is_dir() or not keystore.exists(f"project-{project}"):
        return 0
    archive = folder / "home.tar"
    archive.unlink(missing_ok=True)
    with tarfile.open(archive, "w") as tar:
        left_out = _add_plain_files(tar, home)
    sealed, context = _sealed_home(settings, project, name)
    keystore.seal(archive, sealed, f"project-{project}", context)
    return left_out


def _add_plain_files(tar: tarfile.TarFile, home: Path) -> int:
    """Add regular single-link files only; the folder was another's to write in. Requests come first."""
    kept = left_out = 0
    for root, folders, files, descriptor in os.fwalk(home, follow_symlinks=False):
        folders[:] = sorted((f for f in folders if f != ".cache"), key=lambda f: f != "outbox")
        for file in files:
            state = os.stat(file, dir_fd=descriptor, follow_symlinks=False)
            if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
                continue
            if kept + state.st_size > _HOME_LIMIT:
                left_out += 1
                continue
            kept += state.st_size
            handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)
            with os.fdopen(handle, "rb") as content:
                info = tarfile.TarInfo(str((Path(root) / file).relative_to(home)))
                info.size, info.mtime = os.fstat(handle).st_size, int(state.st_mtime)
                tar.addfile(info, content)
    return left_out


def _entry(admission: Admission, name: str, action: str, details: Mapping[str, str]) -> Entry:
    return Entry(admission.person, action, name, admission.project, "DSA VI.E", details=details)
