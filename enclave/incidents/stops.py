"""Stop a project, a person, an agency's data or a recipient, and let them go on; the log of it all.

The Operating Group stops a project or a person. An agency that suspends itself says so a day before, and may extend
it; a recipient is stopped at once, for a time, by any agency. An agency is suspended for cause in the case of a
complaint (`complaint`), and by its end alone goes on.
Whatever is stopped is stopped in every project it is in: no session, no request, no release, and what runs ends.

Source: DSA VI.F; EM A1.2; EM A1.2.A; EM A1.2.B; EM A1.3; EM A2.2.B.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from enclave.agreement import InForce, PartyKind
from enclave.calendar import SUSPENSION
from enclave.errors import Refused, refuse
from enclave.incidents.words import hold_clean
from enclave.people import (
    Hold,
    Listing,
    begin,
    extend,
    hold_to_party,
    holds,
    lift,
    listing_of,
    place,
    suspend,
    unsuspend,
)
from enclave.store import Transaction, View
from enclave.terms import Role

_BY_ITSELF = "EM A1.2.A"
_AT_ONCE = "DSA VI.F"
FOR_CAUSE = "EM A1.2.B"
_NO_CAUSE = frozenset({_BY_ITSELF, "EM XVII.C"})
"""An agency's own notice, and access that somebody's work no longer requires."""
_BEGINS = {"incident.hold": "incident.lift", "people.suspend": "people.unsuspend"}


def hold_project(tx: Transaction, project: str, clause: str, actor: str) -> Hold:
    """Stop a project at once, as the Operating Group: no session, no request, no release until it is lifted.

    Source: DSA VI.F.

    Raises
    ------
    Refused
        If who stops it is not of the Operating Group on it.
    """
    hold_to_party(tx, project, actor, _AT_ONCE, role=Role.OPM, project=project)
    hold = Hold(project, f"project {project}", tx.today, clause, actor)
    place(tx, hold)
    return hold


def lift_project(tx: Transaction, project: str, actor: str) -> None:
    """Let a stopped project go on, as the Operating Group (EM A1.2).

    Raises
    ------
    Refused
        If it is not stopped, or who lets it go on is not of the Operating Group on it.
    """
    hold_to_party(tx, project, actor, _AT_ONCE, role=Role.OPM, project=project)
    for hold in holds(tx, project):
        if hold.scope == f"project {project}":
            lift(tx, hold, actor)
            return
    raise refuse(project, "not-held", "EM A1.2", "the project is not suspended", "Nothing is to lift.")


def suspend_person(tx: Transaction, project: str, person: str, clause: str, actor: str) -> Listing:
    """Take one person's access to a project away at once, as the Operating Group (DSA VI.F).

    Raises
    ------
    Refused
        If the person is not on its list, or who suspends them is not of the Operating Group on it.
    """
    hold_to_party(tx, person, actor, _AT_ONCE, role=Role.OPM, project=project)
    return suspend(tx, project, person, clause, actor)


def reinstate_person(tx: Transaction, project: str, person: str, actor: str) -> Listing:
    """Give a suspended person's access to a project back, as the Operating Group; nobody reinstates themselves.

    Source: EM A1.3; DSA VI.F.

    Raises
    ------
    Refused
        If the person is not suspended, or who reinstates them is the person, or not of the Operating Group on it.
    """
    if actor == person:
        raise refuse(
            person, "self-reinstatement", "EM A1.3", "nobody reinstates themselves",
            "Another of the Operating Group does.",
        )  # fmt: skip
    hold_to_party(tx, person, actor, "EM A1.3", role=Role.OPM, project=project)
    if listing_of(tx, project, person).suspension is None:
        raise refuse(person, "not-suspended", "EM A1.3", "the person is not suspended", "Nothing is to lift.")
    return unsuspend(tx, project, person, actor)


def suspend_agency(
    tx: Transaction, agency: str, actor: str, since: date, reason: str, until: date | None = None
) -> Hold:
    """Take an agency's data out of every project for a time, by its own notice, or let that last longer.

    A notice that goes on where an earlier one ends, or before, extends it: its data stay out without a break.

    Source: EM A1.2.A; EM A1.3.

    Parameters
    ----------
    since : date
        At the earliest the second day after, when 24 hours are over whatever the hour; earlier where it extends.
    reason : str
        In writing; all members are told.
    until : date, optional
        Last day; then its data are back by themselves.

    Raises
    ------
    Refused
        If no project has its data, who gives notice is not its steward, the notice is too short, or it extends
        nothing.
    """
    hold_known_agency(tx, agency)
    hold_to_party(tx, agency, actor, _BY_ITSELF, party=agency)
    going_on = [hold for hold in own_notices(tx, agency) if hold.since <= since and not _breaks(hold, since)]
    first = first_day(tx.today)
    if not going_on and since < first:
        raise refuse(agency, "notice", _BY_ITSELF, "24 hours are not over by then", f"Begin on {first} or later.")
    reason = hold_clean(f"notice of {agency}", "reason", reason)
    if going_on:
        return _extend(tx, going_on[-1], until, reason, actor)
    scope = f"agency {agency} by its own notice ({since})"
    return _stop(tx, Hold("", scope, since, _BY_ITSELF, actor, agency, until, agency, reason))


def begin_announced(tx: Transaction, actor: str) -> list[Hold]:
    """Enter of each suspension that was announced, and stands by now, that it has begun, once.

    Source: EM A1.2.A.
    """
    begun = [hold for hold in tx.find(Hold, announced=True) if hold.stands(tx.today)]
    for hold in begun:
        begin(tx, hold, actor)
    return begun


def own_notices(view: View, agency: str) -> list[Hold]:
    """Give an agency's own suspensions that stand or are announced, the one that lasts longest last (EM A1.2.A)."""
    found = [h for h in view.find(Hold, "", party=agency) if h.asked_by == agency and not h.over(view.today)]
    return sorted(found, key=lambda hold: (hold.until or date.max, hold.since))


def _breaks(hold: Hold, since: date) -> bool:
    """Tell whether a day lies between the end of a suspension and the beginning of another."""
    return hold.until is not None and hold.until + timedelta(days=1) < since


def _extend(tx: Transaction, hold: Hold, until: date | None, reason: str, actor: str) -> Hold:
    if hold.until is None or (until is not None and until <= hold.until):
        what = f"it is suspended until {hold.until or 'it is lifted'} already"
        next = "Give a later last day, or lift it: `enclave agency reinstate`."
        raise refuse(hold.party, "not-later", "EM A1.3", what, next)
    hold = replace(hold, until=until, reason=reason, by=actor)
    extend(tx, hold)
    return hold


def first_day(today: date) -> date:
    """Give the first day on which an agency's own notice of today can begin: 24 hours are over whatever the hour.

    Source: EM A1.2.A.
    """
    return SUSPENSION.due(today) + timedelta(days=1)


def refuse_recipient(tx: Transaction, recipient: str, agency: str, actor: str, until: date | None = None) -> Hold:
    """Refuse a recipient further data for a time, in all its projects at once, as an agency may after a breach.

    Source: DSA VI.F.

    Raises
    ------
    Refused
        If no project has this recipient, or who refuses is not the agency's steward.
    """
    _hold_known(tx, recipient, PartyKind.RECIPIENT)
    hold_to_party(tx, recipient, actor, "DSA VI.F", party=agency)
    scope = f"data recipient {recipient} by {agency}"
    return _stop(tx, Hold("", scope, tx.today, "DSA VI.F", actor, recipient, until, agency))


def reinstate(tx: Transaction, party: str, actor: str) -> list[Hold]:
    """Let an agency or a recipient go on before its day: what the person's own agency placed.

    Source: EM A1.3.

    Raises
    ------
    Refused
        If nothing stands that this person may lift.
    """
    theirs = {each.agency for each in tx.find(Listing, person=actor, role=Role.STEWARD, suspension=None)} - {""}
    placed = tx.find(Hold, "", party=party)
    lifted = [hold for hold in placed if hold.asked_by in theirs and not hold.over(tx.today)]
    if not lifted:
        raise refuse(
            party, "not-held", "EM A1.3", f"no suspension of {party} is {actor}'s to lift",
            "Who placed it lifts it; one for cause ends with its case (`enclave agency case`).",
        )  # fmt: skip
    for hold in lifted:
        lift(tx, hold, actor)
    return lifted


@dataclass(frozen=True)
class Suspended:
    """One suspension as the ledger has it.

    Parameters
    ----------
    whom : str
        A project, a person on a project, an agency, a recipient.
    cause : bool
        It was for cause: neither an agency's own notice, nor the end of access that is no longer needed.
    party : str
        Code of the agency or recipient; empty for a project or a person.
    until : date, optional
        Its last day, by which it ends by itself; None where it stands until it is lifted.
    lifted_on : date, optional
    servers : int
        How many servers ended because of it.
    closed_seconds : float, optional
        From its entry to that of the last server it ended; None where none ran, or one still does.
    """

    whom: str
    since: date
    clause: str
    by: str
    cause: bool
    party: str = ""
    until: date | None = None
    lifted_on: date | None = None
    servers: int = 0
    closed_seconds: float | None = None

    @property
    def counted_as(self) -> str:
        """Give under what its causes are counted: the party, whatever the case, or what was stopped."""
        return self.party or self.whom


def suspensions(view: View) -> list[Suspended]:
    """Give the log of all suspensions, oldest first (EM A2.2.B)."""
    return [suspended for _, suspended in sorted(_suspensions(view), key=lambda found: found[0])]


def with_cause(view: View) -> dict[str, int]:
    """Count suspensions with cause, of a party whatever the case: several may lead to a permanent one (EM A1.3)."""
    return dict(Counter(each.counted_as for each in suspensions(view) if each.cause))


def _suspensions(view: View) -> Iterator[tuple[int, Suspended]]:
    ended: dict[int, list[dict[str, Any]]] = {}
    for entry in view.entries(action="incident.server-ended"):
        ended.setdefault(entry["details"]["stop"], []).append(entry)
    longer = list(view.entries(action="incident.extend"))
    for begins, ends in _BEGINS.items():
        lifted = list(view.entries(action=ends))
        for entry in view.entries(action=begins):
            whom, seq = _whom(entry), entry["seq"]
            if not whom.startswith("destruction"):  # which stops a project while it is destroyed
                over = next((each for each in lifted if each["seq"] > seq and _whom(each) == whom), None)
                before = over["seq"] if over else math.inf
                last = [entry, *(each for each in longer if seq < each["seq"] < before and _whom(each) == whom)][-1]
                yield seq, _suspended(entry, last, over, ended.get(seq, []))


def _suspended(
    entry: dict[str, Any], last: dict[str, Any], over: dict[str, Any] | None, servers: list[dict[str, Any]]
) -> Suspended:
    """Give one suspension from the entries of its beginning, its newest last day, its lifting, the servers' ends."""
    until = last["details"].get("until")
    return Suspended(
        whom=_whom(entry),
        since=date.fromisoformat(entry["details"].get("since") or entry["day"]),
        clause=entry["clause"],
        by=entry["actor"],
        cause=entry["clause"] not in _NO_CAUSE,
        party="" if entry["project"] else entry["object"],
        until=date.fromisoformat(until) if until else None,
        lifted_on=date.fromisoformat(over["day"]) if over else None,
        servers=len(servers),
        closed_seconds=_seconds_until_closed(entry, servers),
    )


def _seconds_until_closed(stop: dict[str, Any], servers: list[dict[str, Any]]) -> float | None:
    """Give the time from a stop to the last server it ended (DSA VI.F.2)."""
    if not servers or servers[-1]["details"]["still_open"]:
        return None
    stopped_at, closed_at = (datetime.fromisoformat(entry["at"]) for entry in (stop, servers[-1]))
    return (closed_at - stopped_at).total_seconds()


def _whom(entry: dict[str, object]) -> str:
    details = entry["details"]
    assert isinstance(details, dict)  # noqa: S101 - as every entry has them
    return str(details.get("scope") or f"{entry['object']} on {entry['project']}")


def _stop(tx: Transaction, hold: Hold) -> Hold:
    if hold.until is not None and hold.until < hold.since:
        raise refuse(hold.party, "not-later", hold.clause, "it ends before it begins", "Give a later last day.")
    place(tx, hold)
    return hold


def hold_known_agency(view: View, agency: str) -> None:
    """Refuse a code under which no project has an agency (EM A1.2)."""
    _hold_known(view, agency, PartyKind.AGENCY)


def _hold_known(view: View, code: str, kind: PartyKind) -> None:
    parties = (each.policy.party(code) for each in view.find(InForce))
    if not any(party is not None and party.kind is kind for party in parties):
        raise _unknown(code, kind)


def _unknown(code: str, kind: PartyKind) -> Refused:
    return refuse(code, "party", "EM A1.2", f"no project has this {kind}", "Use the codes of the agreements.")
