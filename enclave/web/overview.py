"""All projects of those who govern and audit: how each stands, which clocks run, what is still open.

Source: EM XVII.B; DSA VI.H; DSA VI.G.1; ExC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from starlette.exceptions import HTTPException

from enclave import board, incidents, reports
from enclave.agreement import InForce, of
from enclave.clocks import Running, running
from enclave.messages import Letter, post_of
from enclave.people import Listing, holds
from enclave.review import Case, State
from enclave.store import View
from enclave.terms import ANALYSTS, Role
from enclave.web.access import governing
from enclave.web.home import SOONEST
from enclave.web.visit import Document, Page, Visit

_PAGE = "overview", "EM XVII.B"
_YEAR = re.compile(r"2[01]\d\d")


@dataclass(frozen=True)
class Row:
    """One project.

    Parameters
    ----------
    state : str
        ``in force``, or the newest reason why not.
    tone : str
        ``good``, ``wait`` or ``stop``.
    researchers, reviews : int
        Persons on the list, and requests in review.
    next : Running or None
        The clock that runs out first.
    """

    project: str
    title: str
    state: str
    tone: str
    agencies: tuple[str, ...]
    researchers: int
    reviews: int
    next: Running | None = None


@dataclass(frozen=True)
class Overview:
    """All projects of a person, every clock of them, and the ledger's size and root (hex)."""

    rows: list[Row]
    clocks: list[Running]
    clocks_in_all: int
    today: date
    size: int
    root: str
    given_up: list[Letter]


def show(visit: Visit) -> Page[Overview]:
    """Show every project on which the person at the browser governs or audits."""
    with visit.view() as view:
        mine = governing(view, visit.me.name, *_PAGE)
        agreements = (view.get(InForce, project) for project in sorted(mine[Role.OPM] | mine[Role.AUDITOR]))
        known = [each for each in agreements if each is not None]
        clocks = _clocks(view, known)
        soonest = {clock.project: clock for clock in reversed(clocks)}
        frontier = view.frontier()
        model = Overview(
            rows=[replace(view.derive(_row, each.project), next=soonest.get(each.project)) for each in known],
            clocks=clocks[:SOONEST],
            clocks_in_all=len(clocks),
            today=view.today,
            size=frontier.size,
            root=frontier.root().hex(),
            given_up=_given_up(view, known),
        )
    return Page("overview", "All projects at a glance", model)


def year(visit: Visit) -> Document:
    """Give the report of a year, for the boards, the legislature and whoever funds the programme."""
    return Document(reports.yearly_page(_year(visit)).encode())


def printed_year(visit: Visit) -> Document:
    """Give the PDF of the report of a year, to hand on."""
    found = _year(visit)
    return Document(reports.yearly_print(found), "application/pdf", f"p20-win-{found.year}.pdf")


def _year(visit: Visit) -> reports.Yearly:
    name = visit.path["name"]
    if not _YEAR.fullmatch(name):
        raise HTTPException(404)
    with visit.view() as view:
        governing(view, visit.me.name, *_PAGE)
        return reports.yearly(view, visit.enclave.settings, int(name))


def _row(view: View, project: str) -> Row:
    agreement = of(view, project)
    policy = agreement.policy
    reasons = agreement.reasons_not_in_force(view.today)
    held = holds(view, project)
    state = f"{held[0].scope} is held since {held[0].since}" if held else reasons[-1][2] if reasons else "in force"
    return Row(
        project=project,
        title=policy.agreement.title,
        state=state,
        tone="stop" if held else "wait" if reasons else "good",
        agencies=tuple(policy.agencies),
        researchers=sum(listing.role in ANALYSTS for listing in view.find(Listing, project)),
        reviews=len(view.find(Case, project, state=State.OPEN)),
    )


def _given_up(view: View, agreements: Sequence[InForce]) -> list[Letter]:
    """Give the letters about these projects that no mail server took; their messages stand on people's pages."""
    post, projects = post_of(view), {"", *(agreement.project for agreement in agreements)}
    return [letter for letter in post.given_up if letter.message.project in projects] if post else []


def read_ahead(view: View) -> None:
    """Work out what takes long, of every project."""
    running(view)
    for agreement in view.find(InForce):
        view.derive(_row, agreement.project)


def _clocks(view: View, agreements: Sequence[InForce]) -> list[Running]:
    """Give every clock that runs on these projects, for their agencies and in what is before the programme.

    Soonest first; reviews are among them.
    """
    projects = {agreement.project for agreement in agreements}
    agencies = {agency for agreement in agreements for agency in agreement.policy.agencies}
    programme = {case.key for case in incidents.cases(view)} | {each.key for each in board.proposals(view)}
    of_all = agencies | programme
    found = [c for c in running(view) if c.project in projects or (not c.project and c.about in of_all)]
    found += [
        Running(case.project, "review", case.request_id, "DSA VI.G.1", case.due_on)
        for case in view.find(Case, state=State.OPEN)
        if case.project in projects
    ]
    return sorted(found, key=lambda clock: (clock.due_on, clock.about, clock.what))
