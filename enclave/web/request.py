"""One release request: the table as it will leave, the gate's findings, the agencies' statements, what is missing.

Source: DSA III.G.2; DSA VI.G.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from threading import Lock

from starlette.exceptions import HTTPException

from enclave import egress, people, review
from enclave.app import Enclave
from enclave.egress import Clearance, ReleaseRequest, Rerun
from enclave.egress.memory import Remembered
from enclave.errors import EnclaveError, Finding, Refused
from enclave.publication import Publication
from enclave.publication import State as Put
from enclave.resultant import delivery_of
from enclave.review import Case, Confirmation, State, Statement
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role
from enclave.web.access import Place, Standing, look
from enclave.web.beside import Beside, beside_tables
from enclave.web.cells import Shown, of_clearance, of_verdict
from enclave.web.queue import Turn, concerns, turn_of
from enclave.web.visit import Document, Page, Visit

_LONGEST = 200
_one_judges = Lock()


@dataclass(frozen=True)
class Alike:
    """A finding, and how many more there are of its rule; the cells they are about are marked in the table."""

    finding: Finding
    more: int


@dataclass(frozen=True)
class Looked:
    """What the gate says of a request and the tables it is about, without anything of a unit."""

    verdict: str
    findings: tuple[Alike, ...]
    look_at: tuple[Finding, ...]
    ran: tuple[str, ...]
    tables: tuple[Shown, ...]
    about: tuple[tuple[str, str], ...] = ()
    beside: Beside | None = None


@dataclass(frozen=True)
class Buttons:
    """What the person can do with the request now; each form asks again."""

    clear: bool
    confirm: bool
    publish: bool
    withdraw: bool


@dataclass(frozen=True)
class Stated:
    """The four statements of an agency: who confirmed each, or nobody yet."""

    agency: str
    statements: list[Confirmation | None]


@dataclass(frozen=True)
class OneRequest:
    """A release request as the person at the browser may see it.

    Parameters
    ----------
    missing : tuple of Finding
        What keeps it from being published.
    looked : Looked or None
        Its tables, and what the gate says of them.
    """

    id: str
    requester: str
    received_on: date
    request_title: str
    turn: Turn
    case: Case | None
    matrix: list[Stated]
    missing: tuple[Finding, ...]
    publication: Publication | None
    buttons: Buttons
    looked: Looked | None
    cleared: Clearance | None


def show(visit: Visit) -> Page[OneRequest]:
    """Show a request to the requester, to OPM, or to a steward whose agency's review it is in."""
    with visit.view() as view:
        standing, request = found(view, visit)
        clearance, case = view.get(Clearance, request.id), view.get(Case, request.id)
        publication = view.get(Publication, request.id)
        published = publication is not None and publication.state is Put.DONE
        turn = turn_of(view, request)
        missing = _missing(view, clearance) if clearance and case and not published else ()
        buttons = _buttons(view, standing, request, case, published=published)
    model = OneRequest(
        id=request.id,
        requester=request.person,
        received_on=request.received_on,
        request_title=clearance.title if clearance else "",
        turn=turn,
        case=case,
        matrix=_matrix(case),
        missing=missing,
        publication=publication if published else None,
        buttons=buttons,
        looked=_looked(visit.enclave, standing, request, clearance),
        cleared=clearance,
    )
    return Page("request", f"Request {request.id}", model, standing)


def found(view: View, visit: Visit) -> tuple[Standing, ReleaseRequest]:
    """Give the request of the address, if this person may look at it.

    Raises
    ------
    Refused
        When it is another's: one answer, whether it exists or not.
    """
    standing = look(view, visit.me.name, visit.project, Place.REQUEST)
    request = view.get(ReleaseRequest, f"{visit.project}/{visit.path['request']}")
    if request is not None and concerns(view, request, standing):
        return standing, request
    if standing.role is Role.OPM:
        raise HTTPException(404)
    what = "no request of this number is yours, or shared with your agency"
    raise Refused("request", [Finding("not-yours", "DSA VI.G.1", "", what, "Go back to the list of requests.")])


def leaving(visit: Visit) -> Document:
    """Give a file exactly as it will leave."""
    with visit.view() as view:
        standing, request = found(view, visit)
        clearance = view.get(Clearance, request.id)
    names = {a.name: a.media_type for a in clearance.artefacts} if clearance else {}
    name = visit.path["name"]
    if clearance is None or name not in names:
        raise HTTPException(404)
    if standing.role in ANALYSTS:
        visit.admitted(Action.REQUEST)
    folder = egress.rendered(visit.enclave.settings, request.id)
    of_clearance(folder, clearance)  # the bytes are those that were cleared, or nothing is shown
    return Document(folder / name, names[name])


def _looked(
    enclave: Enclave, standing: Standing, request: ReleaseRequest, clearance: Clearance | None
) -> Looked | None:
    """Give what this person may see of the tables: all for a checker, what was cleared for the others."""
    try:
        if standing.role is Role.OPM and not standing.agreement.destroyed_on:
            with enclave.store.view() as view:
                known = tuple(r.sha256 for r in view.find(Remembered, request.project))
                known += tuple(run.key for run in view.find(Rerun, request.project))
                tables = tuple(t.sha256 for t in delivery_of(view, request.project).tables)
            with _one_judges:  # whoever asks for the same waits for the one answer
                return _judged(enclave, request.project, request.id, (request.sha256, *known, *tables))
        findings = _alike(tuple(Finding(**f) for f in request.findings))
        if clearance is None:
            return Looked(request.state, findings, (), (), ())
        if standing.role in ANALYSTS:
            with enclave.store.view() as view:
                people.may(view, standing.listing.person, Action.REQUEST, standing.project)
        leaves = of_clearance(egress.rendered(enclave.settings, request.id), clearance)
        return Looked("cleared", findings, (), tuple(clearance.record["rules"]), leaves, _about(clearance))
    except EnclaveError as error:
        return Looked("not shown", _alike(error.findings), (), (), ())


@lru_cache(maxsize=32)
def _judged(enclave: Enclave, project: str, request: str, state: tuple[str, ...]) -> Looked:
    """Judge a request once for each state of request, release memory and delivery.

    Kept are the cells as they would leave, never the persons behind them.
    """
    verdict = egress.judge(enclave.store, enclave.keystore, enclave.settings, project, request)
    asked = verdict.request
    about = () if asked is None else (
        ("Title", asked.title), ("For the report", asked.report), ("Questions", ", ".join(asked.questions)),
        ("Audience", asked.audience), ("Population", asked.population), ("Methods", ", ".join(asked.methods)),
        ("Notes", asked.notes),
    )  # fmt: skip
    said = tuple((name, text) for name, text in about if text)
    return Looked(
        verdict.verdict, _alike(verdict.findings), verdict.look_at, verdict.ran, of_verdict(verdict), said,
        beside_tables(verdict),
    )  # fmt: skip


def _about(clearance: Clearance) -> tuple[tuple[str, str], ...]:
    record = clearance.record
    said = (
        ("Title", clearance.title), ("For the report", clearance.report),
        ("Questions", ", ".join(clearance.questions)),
        ("Audience", clearance.audience), ("Population", record.get("population", "")),
        ("Methods", ", ".join(record.get("methods", ()))), ("Notes", " ".join(record.get("notes", ()))),
        ("As of", "; ".join(f"{agency} {day}" for agency, day in record.get("as_of", {}).items())),
    )  # fmt: skip
    return tuple((name, text) for name, text in said if text)


def _matrix(case: Case | None) -> list[Stated]:
    """Give the four statements of each agency: who confirmed it, or nobody yet."""
    if case is None:
        return []
    held = [c for c in case.confirmations if c.digest == case.digest]
    return [
        Stated(
            agency,
            [
                next((c for c in held if c.agency == agency and statement in c.statements), None)
                for statement in Statement
            ],
        )
        for agency in case.agencies
    ]


def _missing(view: View, clearance: Clearance) -> tuple[Finding, ...]:
    """Give everything that keeps the publish button locked."""
    try:
        review.approve(view, clearance)
    except Refused as refusal:
        return refusal.findings
    return ()


def _buttons(
    view: View, standing: Standing, request: ReleaseRequest, case: Case | None, *, published: bool
) -> Buttons:
    me, project = standing.listing.person, request.project
    open_case = case is not None and case.state is State.OPEN and not published

    def free(action: Action) -> bool:
        return request.person != me and not people.reasons_against(view, me, action, project)

    mine = case is not None and standing.listing.agency in case.agencies
    return Buttons(
        clear=(request.state != "cleared" or case is None) and not published and free(Action.CHECK),
        confirm=open_case and mine and free(Action.CONFIRM),
        publish=open_case and free(Action.PUBLISH),
        withdraw=open_case and request.person == me,
    )


def _alike(findings: tuple[Finding, ...]) -> tuple[Alike, ...]:
    """Put findings of one rule and next step together, the first of each for all, its place cut short.

    A place repeats labels the requester chose. Were all of them shown, findings would be a way out of the sandbox
    that no one meters.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.clause, finding.next), []).append(finding)
    return tuple(
        Alike(replace(first, where=first.where[:_LONGEST], what=first.what[:_LONGEST]), len(more))
        for first, *more in groups.values()
    )
