"""The switch with which an agency takes its data out of every project, and what stands still when it is pulled.

Source: EM A1.2.A; EM A1.3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from enclave import incidents
from enclave.agreement import InForce, of
from enclave.errors import invalid, refuse
from enclave.people import Hold, Listing, reasons_against
from enclave.review import Case, State
from enclave.store import View
from enclave.terms import ANALYSTS, Action
from enclave.web.agency import stewarded
from enclave.web.visit import SHOWN, Done, Page, Visit

_CLAUSE = "EM A1.2.A"


@dataclass(frozen=True)
class Stopped:
    """What stands still on one project.

    Parameters
    ----------
    others : tuple of str
        Agencies whose data stand still with it: they were linked through the missing ones.
    people : tuple of str
        Logins of those who may work today and may not then; their sessions end within seconds.
    reviews : tuple of str
        Requests in review that cannot be published while it lasts.
    ends_on : date
        Last day of the project, which comes all the same.
    """

    project: str
    title: str
    others: tuple[str, ...]
    people: tuple[str, ...]
    reviews: tuple[str, ...]
    ends_on: date


@dataclass(frozen=True)
class Switch:
    """What one must know before the switch is pulled.

    Parameters
    ----------
    earliest : date
        First day on which it can begin, after a day's notice.
    seen : str
        Digest of what stands still, as it was shown.
    standing_holds : list of Hold
        Suspensions of this agency that stand or are announced.
    own : bool
        Whether one of them is by its own notice.
    extends_from : date, optional
        First day by which its own would last longer; None where none has a last day.
    """

    agency: str
    stopped: list[Stopped]
    earliest: date
    seen: str
    standing_holds: list[Hold]
    own: bool
    extends_from: date | None


def show(visit: Visit) -> Page[Switch]:
    """Show what would stand still, and what stands still already."""
    agency = visit.path["agency"]
    with visit.view() as view:
        stopped = _stopped(view, visit.me.name, agency)
        own = incidents.own_notices(view, agency)
        last = own[-1].until if own else None
        model = Switch(
            agency=agency,
            stopped=stopped,
            earliest=incidents.first_day(view.today),
            seen=_digest(stopped),
            standing_holds=[hold for hold in view.find(Hold, "", party=agency) if not hold.over(view.today)],
            own=bool(own),
            extends_from=last + timedelta(days=1) if last else None,
        )
    return Page("suspension", f"Suspend {agency}", model)


def pull(visit: Visit) -> Done:
    """Take the agency's data out of every project from a day on, or longer, if what stands still is as shown."""
    agency, since = visit.path["agency"], visit.day("since", _CLAUSE)
    until = visit.day("until", _CLAUSE) if visit.text("until") else None
    with visit.enclave.store.transaction() as tx:
        tx.load(*SHOWN)
        if _digest(_stopped(tx, visit.me.name, agency)) != visit.text("seen"):
            what = "what would stand still is no longer what the page showed"
            raise invalid(agency, "consequences", _CLAUSE, what, "Read it again, then decide.")
        hold = incidents.suspend_agency(tx, agency, visit.me.name, since, visit.text("reason"), until)
    said = f"{agency} is suspended from {hold.since} {_end(hold)}. Everybody is told."
    return Done(f"agency/{agency}/suspension", said)


def reinstate(visit: Visit) -> Done:
    """Let the agency's data back in before the day."""
    agency = visit.path["agency"]
    with visit.enclave.store.transaction() as tx:
        _hold_to_steward(tx, visit.me.name, agency)
        lifted = incidents.reinstate(tx, agency, visit.me.name)
    return Done(f"agency/{agency}/suspension", f"Lifted: {', '.join(hold.scope for hold in lifted)}.")


def _end(hold: Hold) -> str:
    return f"to {hold.until}" if hold.until else "until you lift it"


def _stopped(view: View, person: str, agency: str) -> list[Stopped]:
    """Give what stands still, for a steward of a Participating Agency alone."""
    _hold_to_steward(view, person, agency)
    concerned = (each for each in view.find(InForce) if agency in each.policy.agencies and not each.destroyed_on)
    projects = sorted(each.project for each in concerned)
    return [view.derive(_one, agency, project) for project in projects]


def _hold_to_steward(view: View, person: str, agency: str) -> None:
    mine = (s.agreement.policy for s in stewarded(view, person) if s.listing.agency == agency)
    if not any(agency in policy.agencies for policy in mine):
        what = f"you are no steward of a Participating Agency {agency}"
        raise refuse("suspension", "role", _CLAUSE, what, "Its own steward opens this page.")


def _one(view: View, agency: str, project: str) -> Stopped:
    agreement = of(view, project)
    return Stopped(
        project=project,
        title=agreement.policy.agreement.title,
        others=tuple(code for code in agreement.policy.agencies if code != agency),
        people=tuple(
            listing.person
            for listing in view.find(Listing, project)
            if listing.role in ANALYSTS and not reasons_against(view, listing.person, Action.ANALYSE, project)
        ),
        reviews=tuple(case.request_id for case in view.find(Case, project, state=State.OPEN)),
        ends_on=agreement.ends_on,
    )


def _digest(stopped: list[Stopped]) -> str:
    return hashlib.sha256(repr(stopped).encode()).hexdigest()
