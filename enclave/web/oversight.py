"""The pages of the hub's staff and of those who oversee: matches and destruction. No data on any.

Source: DSA III.F.3; DSA VI.H; ExF.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from starlette.exceptions import HTTPException

from enclave import destruction, matching, people
from enclave.destruction import Destruction, Due
from enclave.matching import MatchRun, Review
from enclave.people import Listing, reasons_against
from enclave.resultant import Delivery
from enclave.store import View
from enclave.terms import Action, Role
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Document, Done, Page, Visit


@dataclass(frozen=True)
class Matches:
    """The match runs of a project, newest first.

    Parameters
    ----------
    agree_to : str
        The run this person can still agree to; empty when there is none.
    days_left : mapping of run to days
        Until its data are destroyed.
    reviews : mapping of run to Review
    sitting : list of str
        Who is at the desk.
    trying : list of str
        Who is at a workbench.
    desk : str
        Address of the desk, or of the workbench where no review is open, for this person; empty where there is none.
    cuts : str
        The run of which this person can cut Resultant Data; empty when there is none.
    delivery : Delivery or None
        What was cut.
    """

    runs: list[MatchRun]
    signatories: tuple[str, ...]
    agree_to: str
    days_left: dict[str, int]
    destroyed: list[Destruction]
    reviews: dict[str, Review]
    sitting: list[str]
    trying: list[str]
    desk: str
    cuts: str
    delivery: Delivery | None


def matches(visit: Visit) -> Page[Matches]:
    """Show the match runs, who has agreed in writing, and the deletion clock."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.MATCHING)
        runs = matching.runs(view, visit.project)
        signatories = standing.agreement.policy.signatories
        model = Matches(
            runs=runs[::-1],
            signatories=signatories,
            agree_to=agree_to(view, standing, runs),
            days_left={r.id: (r.delete_by - view.today).days for r in runs if r.delete_by},
            destroyed=[d for d in view.find(Destruction, visit.project) if d.done_on],
            reviews={review.run: review for review in view.find(Review, visit.project)},
            sitting=_at(visit, "reviews"),
            trying=_at(visit, "trials"),
            desk=desk(view, visit, standing.listing),
            cuts=_cuts(view, standing.listing, runs),
            delivery=view.get(Delivery, visit.project),
        )
    return Page("matching", f"{standing.project} matches", model, standing)


def _at(visit: Visit, kind: Literal["reviews", "trials"]) -> list[str]:
    return [place[8:] for place in matching.places(visit.enclave.settings, visit.project, kind)]


def desk(view: View, visit: Visit, listing: Listing) -> str:
    """Give the address at which this person may judge or settle pairs or try the match; empty where there is none."""
    if listing.role is not Role.HUB_STAFF or reasons_against(view, listing.person, Action.MATCH, listing.project):
        return ""
    return f"{visit.hub}spawn/{listing.person}/{listing.project.lower()}"


def _cuts(view: View, listing: Listing, runs: list[MatchRun]) -> str:
    """Give the id of the run of which this person can cut Resultant Data; empty when there is none."""
    if listing.role is not Role.HUB_STAFF or not runs or runs[-1].completed_on is None:
        return ""
    return "" if reasons_against(view, listing.person, Action.CUT, listing.project) else runs[-1].id


def agree_to(view: View, standing: Standing, runs: list[MatchRun]) -> str:
    """Give the id of the run this person can still agree to; empty when there is none."""
    listing = standing.listing
    if (
        not runs
        or runs[-1].agencies != standing.agreement.policy.agencies
        or listing.agency not in standing.agreement.policy.signatories
        or listing.agency in runs[-1].agreements
        or people.representative(view, standing.project, listing.agency) != listing.person
    ):
        return ""
    return "" if reasons_against(view, listing.person, Action.AGREE, standing.project) else runs[-1].id


def match_report(visit: Visit) -> Document:
    """Give the report of a match run, if it is the one whose digest was entered."""
    run = _run_of(visit)
    return Document(_kept(visit, run.id, "match-report.html", run.report_sha256))


def printed_report(visit: Visit) -> Document:
    """Give the PDF of a match run's report, to sign on paper, if its digest was entered."""
    run = _run_of(visit)
    path = _kept(visit, run.id, "match-report.pdf", run.printed_sha256)
    return Document(path, "application/pdf", f"{run.project}-{run.id}.pdf")


def _run_of(visit: Visit) -> MatchRun:
    with visit.view() as view:
        look(view, visit.me.name, visit.project, Place.MATCHING)
        run = view.get(MatchRun, f"{visit.project}/{visit.path['run']}")
    if run is None:
        raise HTTPException(404)
    return run


def match_review(visit: Visit) -> Document:
    """Give the page of a review that was closed, if it is the one whose digest was entered."""
    with visit.view() as view:
        look(view, visit.me.name, visit.project, Place.MATCHING)
        review = view.get(Review, f"{visit.project}/{visit.path['run']}")
    if review is None or not review.page_sha256:
        raise HTTPException(404)
    return Document(_kept(visit, review.run, "match-review.html", review.page_sha256))


def _kept(visit: Visit, run: str, name: str, digest: str) -> Path:
    path = visit.enclave.settings.home / "reports" / visit.project / run / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise HTTPException(404)
    return path


@dataclass(frozen=True)
class Destructions:
    """What must be destroyed by when, and what has been; whether the person at the browser files the certificates.

    `destroys` is whether they can destroy before the day.
    """

    due: list[Due]
    done: list[Destruction]
    files: bool
    destroys: bool
    today: date


def destructions(visit: Visit) -> Page[Destructions]:
    """Show what must be destroyed by when, and what has been, with its certificate."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.DESTRUCTION)
        model = Destructions(
            due=destruction.due(view, view.today, visit.project),
            done=view.find(Destruction, visit.project),
            files=standing.role is Role.OPM,
            destroys=not (
                standing.agreement.destroyed_on or reasons_against(view, visit.me.name, Action.DESTROY, visit.project)
            ),
            today=view.today,
        )
    return Page("destruction", f"{standing.project} destruction", model, standing)


def certificate(visit: Visit) -> Document:
    """Give a certificate of destruction as a page, to print and sign."""
    return Document(_certificate(visit, destruction.Form.PAGE))


def printed_certificate(visit: Visit) -> Document:
    """Give the PDF of a certificate of destruction, to sign on paper."""
    body = _certificate(visit, destruction.Form.PRINT)
    return Document(body, "application/pdf", f"{visit.path['name']}.pdf")


def certificate_data(visit: Visit) -> Document:
    """Give the JSON of a certificate of destruction, whose proof is verified without the enclave."""
    body = _certificate(visit, destruction.Form.JSON)
    return Document(body, "application/json", f"{visit.path['name']}.json")


def _certificate(visit: Visit, form: destruction.Form) -> bytes:
    with visit.view() as view:
        look(view, visit.me.name, visit.project, Place.DESTRUCTION)
        found = next(
            (each for each in view.find(Destruction, visit.project) if each.name == visit.path["name"]), None
        )
    if found is None or not found.issued:
        raise HTTPException(404)
    return destruction.issued(visit.enclave.settings, found, form)


def certificate_signed(visit: Visit) -> Done:
    """File a certificate of destruction that has come in, signed, as the Operating Group (ExF)."""
    signed_on, name = visit.day("signed_on", "ExF"), visit.path["name"]
    with visit.enclave.store.transaction() as tx:
        people.hold_to_party(tx, name, visit.me.name, "ExF", role=Role.OPM, project=visit.project)
        known = next((each for each in tx.find(Destruction, visit.project) if each.name == name), None)
        if known is None:
            raise HTTPException(404)
        filed = destruction.file_certificate(tx, known.key, visit.text("title"), signed_on, visit.me.name)
    return Done(f"projects/{visit.project}/destruction", f"The certificate of {filed.key} is filed.")
