"""Every clock that runs, whoever has to act when it runs out.

Source: DSA VI.H; DSA III.F.3; DSA VI.G; ExC; ExF; EM XII; EM XV.E; EM XVIII.B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from enclave import destruction, incidents, intake, matching, publication
from enclave.agreement import InForce
from enclave.calendar import EXHIBIT_C, FINAL_COPY, MATCH_DATA, MEMBERSHIP
from enclave.destruction import Due
from enclave.people import Listing, Membership, exceptions
from enclave.publication import Publication
from enclave.store import View

WARNED_AT = (30, 14, 7)
"""Days before its end at which a clock is named in the ledger."""


@dataclass(frozen=True)
class Running:
    """One clock.

    Parameters
    ----------
    what : str
        What ends.
    about : str
        Whose clock it is: a project, a run, a person's listing, a request.
    due : Due, optional
        What is destroyed when it runs out, with nobody present.
    """

    project: str
    what: str
    about: str
    clause: str
    due_on: date
    due: Due | None = None

    def days_left(self, today: date) -> int:
        """Calendar days; negative when it has run out."""
        return (self.due_on - today).days


def running(view: View) -> list[Running]:
    """Give every clock that runs, soonest first.

    Source: DSA VI.H; DSA III.F.3; DSA VI.G; ExC; ExF; EM XVIII.B.
    """
    owed = (
        Running(due.project, due.what, due.project, due.clause, due.due_on, due)
        for due in destruction.due(view, view.today)
    )
    papers = (*_papers(view), *_members(view), *_copies(view))
    found = [*owed, *_open_matches(view), *papers, *_cases(view), *_files(view)]
    return sorted(found, key=lambda clock: (clock.due_on, clock.about, clock.what))


def _alive(view: View) -> list[InForce]:
    return [each for each in view.find(InForce) if each.destroyed_on is None and each.effective_on is not None]


def _open_matches(view: View) -> Iterator[Running]:
    """Find matches to which a party has not agreed: the clock of their data has never started."""
    for agreement in _alive(view):
        runs = matching.runs(view, agreement.project)
        if runs and runs[-1].completed_on is None:
            yield Running(
                agreement.project, "written agreement with the match", runs[-1].key, MATCH_DATA.clause,
                MATCH_DATA.due(runs[-1].ran_on),
            )  # fmt: skip


def _papers(view: View) -> Iterator[Running]:
    ends = {agreement.project: agreement.ends_on for agreement in _alive(view)}
    for listing in view.find(Listing):
        until = listing.exhibit_c_until
        if until is not None and listing.project in ends and until < ends[listing.project]:
            yield Running(listing.project, EXHIBIT_C.name, listing.key, EXHIBIT_C.clause, until)


def _members(view: View) -> Iterator[Running]:
    for member in view.find(Membership):
        yield Running("", MEMBERSHIP.name, member.agency, MEMBERSHIP.clause, member.until)
    for each in exceptions(view):
        yield Running("", f"exception from {each.standard}", each.agency, "EM XV.E", each.until)


def _copies(view: View) -> Iterator[Running]:
    for each in view.find(Publication, state=publication.State.DONE, final_copy=None):
        if each.final_copy_due_on is not None:
            yield Running(each.project, FINAL_COPY.name, each.request_id, FINAL_COPY.clause, each.final_copy_due_on)


def _files(view: View) -> Iterator[Running]:
    for agreement in _alive(view):
        for file in intake.expected(view, agreement.policy):
            if file.due_on is not None and file.received_on is None:
                about = f"{agreement.project}/{file.source}/{file.contents}"
                yield Running(agreement.project, "transmission of a file", about, "EM XII", file.due_on)


def _cases(view: View) -> Iterator[Running]:
    for case in incidents.cases(view):
        for each in incidents.owed(case):
            yield Running(case.project, each.what, case.key, each.clause, each.due_at.date())
