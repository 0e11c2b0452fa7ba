"""What the Operating Group does when something goes wrong: takes in, tells, reviews, resolves, stops and lets go on.

Source: EM A2.1.A; EM A2.1.B; EM A2.2.A; EM A2.2.C; EM V.A.14; EM X; EM XVIII.M; DSA VI.F.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime

from starlette.exceptions import HTTPException

from enclave import incidents
from enclave.errors import invalid, refuse
from enclave.incidents import Breach, CaseKind, Determination, Matters, Notice, Status
from enclave.people import hold_to_party
from enclave.store import Transaction
from enclave.terms import Role
from enclave.web.visit import Done, Visit

CAME_IN: Mapping[str, str] = {
    CaseKind.FOIA: "a request under the Freedom of Information Act",
    CaseKind.SUBPOENA: "a subpoena",
}
"""What comes in from outside; what users report they enter themselves."""
STOPS: Mapping[str, str] = {
    "DSA VI.F": "a breach, or reason to believe there was one",
    "DSA VI.F.2": "all use must cease at once",
}
"""Clauses by which the Operating Group stops a project."""


def open_case(visit: Visit) -> Done:
    """Take in what came from outside; its hours run from when it came."""
    kind = next((kind for kind in CAME_IN if kind == visit.text("kind")), None)
    if kind is None:
        raise HTTPException(404)
    project, came = visit.text("project"), visit.moment("came", CaseKind(kind).clause)
    with visit.enclave.store.transaction() as tx:
        _hold_to_group(tx, visit, kind, CaseKind(kind).clause, project or None)
        case = incidents.open_case(
            tx, CaseKind(kind), project, visit.text("text"), came, datetime.now(UTC), visit.me.name
        )
    return Done("incidents", f"Taken in as {case.key}, for {', '.join(case.told)}.")


def report(visit: Visit) -> Done:
    """Report a breach with its eight items, to all whose data are in the project, and to the parties named."""
    project, estimated = visit.text("project"), visit.text("estimated")
    if not estimated.isdecimal() or len(estimated) > 9:
        what = "the number of users or records is missing or malformed"
        raise invalid("form", "number", "EM A2.1.B", what, "Give an estimate of 0 or more, in figures.", "estimated")
    breach = Breach(
        description=visit.text("description"),
        roles=visit.text("roles"),
        type=visit.text("type"),
        parties=tuple(visit.form.get("party", ())),
        estimated=int(estimated),
        mitigation=visit.text("mitigation"),
        status=Status.INVESTIGATION,
        corrective_action=visit.text("corrective_action"),
    )
    discovered = visit.moment("discovered", "EM A2.1.A")
    with visit.enclave.store.transaction() as tx:
        _hold_to_group(tx, visit, project, "EM A2.1.A", project)
        notice = incidents.report_breach(tx, project, breach, discovered, datetime.now(UTC), visit.me.name)
    late = " It comes after the 24 hours, and is taken all the same." if notice.late else ""
    return Done("incidents", f"Notice {notice.key} goes to {', '.join(notice.told)}.{late}")


def supplement(visit: Visit) -> Done:
    """Add to a notice what has become known since."""
    with visit.enclave.store.transaction() as tx:
        key = _notice(tx, visit, "EM A2.1.B")
        notice = incidents.supplement(tx, key, visit.text("text"), datetime.now(UTC), visit.me.name)
    return Done("incidents", f"Added to notice {key}: supplement {len(notice.supplements)}.")


def affects(visit: Visit) -> Done:
    """Widen a notice to a party of which it became known later that the breach concerns it."""
    party, known = visit.text("party"), visit.moment("known", "EM A2.1.A")
    with visit.enclave.store.transaction() as tx:
        key = _notice(tx, visit, "EM A2.1.A")
        notice = incidents.affects(tx, key, party, visit.text("reason"), known, datetime.now(UTC), visit.me.name)
    late = " It comes after the 24 hours, and is taken all the same." if notice.affected[-1].late else ""
    return Done("incidents", f"Notice {key} goes to {party} as well.{late}")


def review(visit: Visit) -> Done:
    """Enter what the Data Governing Board determined of the four matters."""
    with visit.enclave.store.transaction() as tx:
        key = _notice(tx, visit, "EM A2.2.A")
        matters = Matters(**{each.name: visit.text(each.name) for each in fields(Matters)})
        incidents.review_breach(tx, key, matters, visit.me.name)
    return Done("incidents", f"The board's review of notice {key} is entered.")


def resolve(visit: Visit) -> Done:
    """Enter what came of a notice, and the lessons that go to all."""
    try:
        found = Determination(visit.text("determination"))
    except ValueError:
        raise HTTPException(404) from None
    with visit.enclave.store.transaction() as tx:
        key = _notice(tx, visit, "EM A2.2.C")
        incidents.resolve(tx, key, found, visit.text("lessons"), visit.me.name)
    return Done("incidents", f"Notice {key} is resolved: {found}. All parties and members read the lessons.")


def secured(visit: Visit) -> Done:
    """Confirm for one's party that the security of its systems is restored, and say how."""
    key, agency, now = f"{visit.project}/{visit.path['name']}", visit.path["agency"], datetime.now(UTC)
    with visit.enclave.store.transaction() as tx:
        incidents.confirm_secure(tx, key, agency, visit.text("text"), now, visit.me.name)
    return Done("agency", f"Confirmed for {agency} on notice {key}.")


def hold(visit: Visit) -> Done:
    """Stop a project at once."""
    clause = next((clause for clause in STOPS if clause == visit.text("clause")), None)
    if clause is None:
        raise HTTPException(404)
    project = visit.text("project")
    with visit.enclave.store.transaction() as tx:
        incidents.hold_project(tx, project, clause, visit.me.name)
    return Done("incidents", f"{project} is stopped: sessions end within seconds, and nothing is released.")


def lift(visit: Visit) -> Done:
    """Let a stopped project go on."""
    project = visit.text("project")
    with visit.enclave.store.transaction() as tx:
        incidents.lift_project(tx, project, visit.me.name)
    return Done("incidents", f"{project} goes on.")


def _notice(tx: Transaction, visit: Visit, clause: str) -> str:
    """Give the key of a notice of a project that the person at the browser governs."""
    key = f"{visit.project}/{visit.path['name']}"
    _hold_to_group(tx, visit, key, clause, visit.project)
    if tx.get(Notice, key) is None:
        raise refuse(key, "notice", clause, "there is no such notice", "Open it on the page of incidents.")
    return key


def _hold_to_group(tx: Transaction, visit: Visit, subject: str, clause: str, project: str | None) -> None:
    hold_to_party(tx, subject, visit.me.name, clause, role=Role.OPM, project=project)
