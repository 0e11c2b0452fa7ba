"""One release request: the table as it will leave, the gate's findings, the agencies' statements, what is missing.

Source: DSA III.G.2; DSA VI.G.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from starlette.exceptions import HTTPException

from enclave import egress, people, review
from enclave.app import Enclave
from enclave.egress import Clearance, ReleaseRequest, Rerun
from enclave.errors import EnclaveError, Finding, Refused
from enclave.publication import Publication
from enclave.publication import State as Put
from enclave.review import Case, Confirmation, State, Statement
from enclave.store import View
from enclave.terms import ANALYSTS, Action, Role
from enclave.web.access import Place, Standing, look
from enclave.web.cells import of_clearance
from enclave.web.looked import Looked, alike, judged, to_judge
from enclave.web.queue import Turn, concerns, turn_of
from enclave.web.visit import Document, Page, Visit


@dataclass(frozen=True)
class Buttons:
    """What the person can do with the request now; each form asks again."""

    clear: bool
    confirm: bool
    publish: bool
    withdraw: bool
    file: bool


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
    again : Rerun or None
        What came of its notebook when it was run again, for who checks it.
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
    again: Rerun | None


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
        again = view.get(Rerun, request.key) if standing.role is Role.OPM else None
        against = people.reasons_against(view, standing.listing.person, Action.CHECK, standing.project)
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
        looked=_looked(visit.enclave, standing, request, clearance, against),
        cleared=clearance,
        again=again,
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
    enclave: Enclave, standing: Standing, request: ReleaseRequest, clearance: Clearance | None, against: list[Finding]
) -> Looked | None:
    """Give what this person may see of the tables: all for a checker, what was cleared for the others."""
    try:
        if standing.role is Role.OPM and not standing.agreement.destroyed_on:
            if not against:
                with enclave.store.view() as view:
                    asked = to_judge(view, request)
                return judged(enclave, asked)
            if clearance is None:  # of a project that stands still no record is opened
                return Looked("not shown", alike(tuple(against)), (), (), ())
        findings = alike(tuple(Finding(**f) for f in request.findings))
        if clearance is None:
            return Looked(request.state, findings, (), (), ())
        if standing.role in ANALYSTS:
            with enclave.store.view() as view:
                people.may(view, standing.listing.person, Action.REQUEST, standing.project)
        leaves = of_clearance(egress.rendered(enclave.settings, request.id), clearance)
        return Looked("cleared", findings, (), tuple(clearance.record["rules"]), leaves, _about(clearance))
    except EnclaveError as error:
        return Looked("not shown", alike(error.findings), (), (), ())


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

    files = standing.role is Role.OPM or standing.listing.agency == standing.agreement.policy.recipient
    mine = case is not None and standing.listing.agency in case.agencies
    return Buttons(
        clear=(request.state != "cleared" or case is None) and not published and free(Action.CHECK),
        confirm=open_case and mine and free(Action.CONFIRM),
        publish=open_case and free(Action.PUBLISH),
        withdraw=open_case and request.person == me,
        file=published and files and free(Action.DECIDE),
    )
