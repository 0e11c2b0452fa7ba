"""Open sealed Resultant Data for one person's session, and put everything away when it ends.

Originals are read-only and per person: who may not see UC unit records gets neither the columns nor the rows
(ExA 2.h). The key never enters the sandbox. The person's own files are Resultant Data too until a release says
otherwise (DSA I): they rest sealed under the project's key.

Source: DSA I; DSA VI.E; DSA VI.H; DSA II.F; ExA 2.h.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from enclave.agreement import Policy, of
from enclave.analysis import home
from enclave.analysis.seeing import hidden_from, note
from enclave.clauses import clauses
from enclave.errors import Fault
from enclave.ledger import Details, Entry
from enclave.people import Admission
from enclave.people.sight import clause_of
from enclave.resultant import Delivery, SealedTable, delivery_of, open_table
from enclave.sandbox import Mount
from enclave.scratch import Bounds, bound, engine, is_bound, scratch, wipe, within_reach
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import Action, ApprovedNotebook, project_id, reached
from enclave.vault import Keystore

ASK, ASK_INSIDE = "ask", "/run/enclave/ask"
"""Where a session asks for figures of records it may not see: the hub's socket lies in it, read-only inside."""
RESEARCHER_TEMPLATES = ("getting_started.ipynb", "cohort_outcomes.ipynb")
# A place of its own: the list of mounts, which a session can read, says nothing of others. Records are not counted.
_PLACE = Bounds(0, 0, executable=False)


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
    close_session(store, keystore, settings, name, {})  # what a crash left of an earlier one
    # What reaches outside is entered first: opening the files is a disclosure to this person.
    hidden = hidden_from(delivery, admission.sight)
    details: Details = {
        "expires_on": admission.ends_on.isoformat(),
        "files": [table.name for table in delivery.tables if not table.wholly(hidden[table.name])],
        "columns_masked": sum(map(len, hidden.values())),
    }  # fmt: skip
    store.enter(_entry(admission, name, "session.open", details))
    folder.mkdir(parents=True, mode=0o755)
    folder.parent.chmod(0o700)  # what lies below is for the sandboxes that mount it, and no one else
    bound(folder, _PLACE)
    note(folder, hidden)
    try:
        masked = _lay_out(keystore, settings, policy, delivery, admission, today, folder / "project")
        if masked and not admission.sight.government:
            (folder / ASK).mkdir(mode=0o755)
        home.restore(keystore, settings, name, admission.project, home.bounded(folder))
    except BaseException:
        wipe(folder)
        raise
    reached("analysis.opened")
    by = ", ".join(sorted({each["clause"] for each in masked}))
    clearance = f"{len(masked)} columns masked ({by})" if masked else "every approved column"
    return Session(
        name, admission.project, admission.person, folder, admission.ends_on, _mounts(folder),
        days_left=(admission.ends_on - today).days, clearance=clearance,
    )  # fmt: skip


def open_again(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, folder: Path
) -> tuple[Mount, ...]:
    """Lay out the same data for a person in a folder of its own, with an empty home: to run a notebook again.

    Source: DSA VI.G.1; ExA 2.h.

    Parameters
    ----------
    folder : Path
        Private, on the runtime tmpfs; whoever made it wipes it.
    """
    admission.hold_to(Action.ANALYSE, admission.project)
    with store.view() as view:
        policy, delivery, today = of(view, admission.project).policy, delivery_of(view, admission.project), view.today
    _lay_out(keystore, settings, policy, delivery, admission, today, folder / "project")
    (home.bounded(folder) / "outbox").mkdir(mode=0o700, exist_ok=True)
    return _mounts(folder)


def _mounts(folder: Path) -> tuple[Mount, ...]:
    home, ask = folder / "home", folder / ASK
    # as a mount of its own the outbox keeps what its file system forbids
    own = (home, home / "outbox") if is_bound(home / "outbox") else (home,)
    writable = (Mount(path, f"/home/analyst{str(path).removeprefix(str(home))}", writable=True) for path in own)
    asking = (Mount(ask, ASK_INSIDE),) if ask.is_dir() else ()
    return (Mount(folder / "project", "/project"), *asking, *writable)


def _lay_out(
    keystore: Keystore,
    settings: Settings,
    policy: Policy,
    delivery: Delivery,
    admission: Admission,
    today: date,
    project: Path,
) -> list[dict[str, str]]:
    """Open what this person may see, say what it is, lay the templates beside it; give what was masked and why."""
    (project / "data").mkdir(parents=True, mode=0o755)
    (project / "templates").mkdir(mode=0o755)
    opened = (_open_for(keystore, settings, delivery, t, admission, project / "data") for t in delivery.tables)
    masked = [column for columns in opened for column in columns]
    about = _about(policy, delivery, admission, masked, today)
    (project / "project.json").write_text(json.dumps(about, indent=1), "utf-8")
    for template in RESEARCHER_TEMPLATES:
        shutil.copyfile(settings.notebooks / template, project / "templates" / template)
    return masked


def session_name(project: str, person: str) -> str:
    """Name a person's session on a project."""
    return f"{project.lower()}-{person.lower()}"


@contextmanager
def opened_outbox(keystore: Keystore, settings: Settings, project: str, person: str) -> Iterator[Path]:
    """Give a person's outbox: of the session that runs, else of the files put away when the last one ended."""
    name = session_name(project, person)
    live = settings.runtime / "sessions" / name / "home"
    if live.parent.is_dir():
        if not within_reach(live.parent):
            raise Fault(f"session {name}: its files are mounted where this process does not see them; ask the hub")
        yield live / "outbox"
        return
    with scratch(settings.runtime, "outbox") as folder:
        own = folder / "home"
        own.mkdir(mode=0o700)
        home.restore(keystore, settings, name, project, own)
        yield own / "outbox"


def overfull(settings: Settings, name: str) -> list[str]:
    """Give the reasons why a session holds too much, where no file system of its own keeps it within bounds."""
    own = settings.runtime / "sessions" / name / "home"
    places = {"home": (own, home.HOME), "outbox": (own / "outbox", home.OUTBOX)}
    return [
        f"the {called} holds more than {bounds.size_bytes >> 20} MiB or {bounds.files} files"
        for called, (folder, bounds) in places.items()
        if folder.is_dir() and not is_bound(folder) and bounds.exceeded_by(folder)
    ]


def close_session(store: Store, keystore: Keystore, settings: Settings, name: str, counted: Details) -> None:
    """Seal the person's own files under the project's key and wipe the session's tmpfs.

    After destruction there is no key any more: then nothing is kept (DSA VI.H). Files that would go over 2 GiB in all
    are not kept either, and the entry counts them: a session must always end. The folder goes last: after a crash it
    is there to be closed again, and no session ends without its entry.
    """
    project, person = project_id(name[:7]), name[8:]
    folder = settings.runtime / "sessions" / name
    if folder.exists():
        details = {**counted, **home.put_away(keystore, settings, name, project)}
        reached("analysis.put-away")
        store.enter(Entry(person, home.CLOSED, name, project, "DSA VI.C", details=details))
        wipe(folder)


def sandbox_name(project: str, person: str) -> str:
    """Name the sandbox of a session: short for its socket's path, and shaped by no user name."""
    return f"s{hashlib.sha256(f'{person}/{project.lower()}'.encode()).hexdigest()[:14]}"


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
    hidden = table.hidden_from(admission.sight)
    masked = [
        {"column": f"{table.name}.{name}", "clause": clause_of(why), "why": why} for name, why in hidden.items()
    ]
    if table.wholly(hidden):
        return masked
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
    return masked


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
                        "uc": c.uc,
                        "employer": c.employer,
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
        "policy": policy.terms,
        "policy_hash": policy.hash,
        "persons": delivery.persons,
        "sees_uc": admission.sight.government,
        "names": [policy.project, agreement.title, *clauses()],
        "tables": tables,
        "masked": masked,
        "limitations": [
            {"owner": said.owner, "contents": said.contents, "text": said.text} for said in delivery.limitations
        ],
        "reports": [{"id": r.id, "title": r.title, "audience": r.audience} for r in agreement.reports],
        "questions": [{"id": q.id, "text": q.text} for q in agreement.questions],
        "methods": list(agreement.methods),
    }


def _entry(admission: Admission, name: str, action: str, details: Details) -> Entry:
    return Entry(admission.person, action, name, admission.project, "DSA VI.E", details=details)
