"""The release requests of a project: where each stands, whose turn it is, how much time is left.

Source: DSA VI.G.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from enclave.calendar import business_days_between
from enclave.egress import Answered, Clearance, ReleaseRequest
from enclave.publication import Publication
from enclave.publication import State as Put
from enclave.review import Case, State
from enclave.store import View
from enclave.terms import ANALYSTS, Role
from enclave.web.access import Place, Standing, look
from enclave.web.visit import Page, Visit


@dataclass(frozen=True)
class Turn:
    """Where a request stands: a word for the state, a sentence for whose turn it is, the clock that runs.

    `tone` is good, wait, act or stop, so that a list can be read at a glance.
    """

    state: str
    tone: str
    whose: str
    due_on: date | None = None
    days_left: int | None = None


@dataclass(frozen=True)
class Row:
    """One line of the queue."""

    id: str
    title: str
    person: str
    received_on: date
    turn: Turn


@dataclass(frozen=True)
class Queue:
    """The requests a person may know of; whether they collect an outbox, and may open a request.

    `answered` is what was answered about records that its asker may not see (ExA 2.h), newest first.
    """

    rows: list[Row]
    collects: bool
    opens: bool
    answered: list[Answered]


def show(visit: Visit) -> Page[Queue]:
    """Show the requests this person may know of, those with the shortest clock first."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.REQUESTS)
        rows = [
            Row(r.id, title_of(view, r), r.person, r.received_on, turn_of(view, r))
            for r in view.find(ReleaseRequest, visit.project)
            if concerns(view, r, standing)
        ]
        answered = [each for each in view.find(Answered, visit.project) if _knows(each, standing)]
    rows.sort(key=lambda row: (row.turn.due_on or date.max, row.received_on, row.id))
    answered.sort(key=lambda each: (each.answered_on, each.id), reverse=True)
    model = Queue(rows, standing.role in ANALYSTS, standing.role is not Role.AUDITOR, answered)
    return Page("queue", f"{standing.project} release requests", model, standing)


def concerns(view: View, request: ReleaseRequest, standing: Standing) -> bool:
    """Tell whether a request is for these eyes: one's own, one's agency's once shared, or all for OPM and auditor.

    The Data Recipient's steward is shown what was published, of which the copy is theirs to file (DSA VI.G).
    """
    if standing.role in ANALYSTS:
        return request.person == standing.listing.person
    if standing.role is not Role.STEWARD:
        return True
    case, put = view.get(Case, request.id), view.get(Publication, request.id)
    agency = standing.listing.agency
    files = agency == standing.agreement.policy.recipient and put is not None and put.state is Put.DONE
    return files or (case is not None and agency in case.agencies)


def _knows(answered: Answered, standing: Standing) -> bool:
    """Tell whether an answer is for these eyes: one's own, or all for the Operating Group and auditors."""
    return standing.role in {Role.OPM, Role.AUDITOR} or answered.person == standing.listing.person


def title_of(view: View, request: ReleaseRequest) -> str:
    """Give the title once it is cleared; before that nobody has read it yet."""
    cleared = view.get(Clearance, request.id)
    return cleared.title if cleared else ""


def turn_of(view: View, request: ReleaseRequest) -> Turn:
    """Say where a request stands and whose turn it is."""
    publication = view.get(Publication, request.id)
    if publication is not None and publication.state is Put.DONE:
        return _published(view, publication)
    case = view.get(Case, request.id)
    if case is not None and request.state == "cleared":
        return _in_review(view, case)
    if request.state == "refused":
        return Turn("refused by the gate", "stop", f"{request.person} sends a changed request")
    if request.state == "needs-review":
        return Turn("needs a person's look", "act", "an OPM output checker looks at it")
    if request.state == "cleared":
        return Turn("cleared", "act", "an OPM output checker shares it with the agencies")
    return Turn("received", "act", "an OPM output checker checks it")


def _in_review(view: View, case: Case) -> Turn:
    if case.state is not State.OPEN:
        return Turn(f"{case.state} in review", "stop", f"{case.requester} sends a changed request")
    left = business_days_between(view.today, case.due_on)
    waiting = [agency for agency in case.agencies if case.missing(agency)]
    if waiting:
        whose = f"{', '.join(waiting)} confirm{'' if len(waiting) > 1 else 's'}"
        return Turn("in review", "act", whose, case.due_on, left)
    if view.today < case.due_on and case.waiver is None:
        return Turn("confirmed", "wait", "the review period runs", case.due_on, left)
    return Turn("approved", "act", "OPM publishes", case.due_on, left)


def _published(view: View, publication: Publication) -> Turn:
    due = publication.final_copy_due_on
    if publication.final_copy is not None or due is None:
        return Turn("published", "good", "nobody; it is done")
    return Turn("published", "good", "the Data Recipient files the final copy", due, (due - view.today).days)
