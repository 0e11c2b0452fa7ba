"""Data are destroyed before their day, when nobody needs them any more: what goes, what stays, and no way back.

Source: DSA VI.H; DSA III.F.3; ExA 4.b; ExF.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date

from starlette.exceptions import HTTPException

from enclave import destruction, matching
from enclave.calendar import CERTIFICATE
from enclave.destruction import Scope
from enclave.errors import invalid
from enclave.incidents import Case, CaseKind
from enclave.people import Listing, reasons_against
from enclave.publication import Publication
from enclave.publication import State as Published
from enclave.resultant import Delivery
from enclave.review import Case as ReviewCase
from enclave.review import State
from enclave.store import View
from enclave.terms import ANALYSTS, Action
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Done, Page, Visit

_WHOLE = (Scope.MATCH, Scope.PROJECT)
"""What goes of a project as a whole; one file is taken back at the intake."""


@dataclass(frozen=True)
class Goes:
    """One thing that can be destroyed.

    Parameters
    ----------
    words : str
        What it covers, as the certificate will say.
    files : int
        Sealed files, transmittals and leftovers of today.
    due_on : date or None
        The day on which it would go by itself.
    """

    scope: Scope
    words: str
    clause: str
    files: int
    due_on: date | None


@dataclass(frozen=True)
class Closing:
    """What one must know before data are destroyed.

    Parameters
    ----------
    destroyed_on : date or None
        When all of the project was; then nothing is left to do.
    people : list of str
        Logins of those who may work today and could not afterwards.
    reviews : list of str
        Requests in review, which could not be published any more.
    released : int
        Packages that were put out; they stay.
    match : str
        The newest match; empty where none was run.
    cut_on : date or None
        When Resultant Data were cut; None where they never were, and could not be without match data.
    asked : list of Case
        What users asked, that is still open.
    certificate_by : date
        Last day for the signed certificate, if the data go today.
    seen : str
        Digest of all this, as it was shown.
    """

    goes: list[Goes]
    destroyed_on: date | None
    people: list[str]
    reviews: list[str]
    released: int
    match: str
    cut_on: date | None
    asked: list[Case]
    certificate_by: date
    seen: str


def show(visit: Visit) -> Page[Closing]:
    """Show what would be destroyed, and who would stand still."""
    visit.admitted(Action.DESTROY)
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.DESTRUCTION)
        return Page(
            "closing", f"{standing.project}: destroy before its day", _closing(view, visit, standing), standing
        )


def destroy(visit: Visit) -> Done:
    """Destroy what was chosen, if what goes with it is still what was shown."""
    admission, enclave = visit.admitted(Action.DESTROY), visit.enclave
    chosen = [each for each in _WHOLE if each == visit.text("scope")]
    if not chosen:
        raise HTTPException(404)
    (scope,) = chosen
    with visit.view() as view:
        shown = _closing(view, visit, look(view, visit.me.name, visit.project, Place.DESTRUCTION))
    if visit.text("number") != visit.project:
        what, next = "the number was not written out", f"Write {visit.project}, if it is that which shall go."
        raise invalid(visit.project, "confirmation", scope.clause, what, next, "number")
    if visit.text("seen") != shown.seen:
        what = "what would be destroyed is no longer what the page showed"
        raise invalid(visit.project, "consequences", scope.clause, what, "Read it again, then decide.")
    act = destruction.destroy if scope is Scope.PROJECT else destruction.destroy_match_data
    certificate = act(enclave.store, enclave.keystore, enclave.settings, admission)
    said = f"{scope.words}: {certificate.files_deleted:,} files are destroyed."
    return Done(f"projects/{visit.project}/destruction", f"{said} The certificate is due on {certificate.due_on}.")


def _closing(view: View, visit: Visit, standing: Standing) -> Closing:
    project, agreement, enclave = standing.project, standing.agreement, visit.enclave
    days = {due.scope: due.due_on for due in destruction.due(view, view.today, project) if due.scope}
    delivery, runs = view.get(Delivery, project), matching.runs(view, project)
    people = [each.person for each in view.find(Listing, project) if each.role in ANALYSTS]
    found = Closing(
        goes=[
            Goes(
                scope, scope.words, scope.clause,
                destruction.covered(view, enclave.keystore, enclave.settings, project, scope), days.get(scope),
            )
            for scope in _WHOLE
        ],
        destroyed_on=agreement.destroyed_on,
        people=[person for person in people if not reasons_against(view, person, Action.ANALYSE, project)],
        reviews=[case.request_id for case in view.find(ReviewCase, project, state=State.OPEN)],
        released=len(view.find(Publication, project, state=Published.DONE)),
        match=runs[-1].id if runs else "",
        cut_on=delivery.delivered_on if delivery else None,
        asked=[case for case in view.find(Case, project, closed=False) if case.kind is CaseKind.CLOSING],
        certificate_by=CERTIFICATE.due(view.today),
        seen="",
    )  # fmt: skip
    return replace(found, seen=hashlib.sha256(repr(found).encode()).hexdigest())
