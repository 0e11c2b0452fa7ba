"""Stop a project, a person, an agency's data or a recipient, and let them go on; the log of it all.

An agency that suspends itself says so a day before; a recipient is stopped at once, for a time, by any agency. An
agency is suspended for cause in the case of a complaint (`complaint`), and by its end alone goes on.
Whatever is stopped is stopped in every project it is in: no session, no request, no release, and what runs ends.

Source: DSA VI.F; EM A1.2; EM A1.2.A; EM A1.2.B; EM A1.3; EM A2.2.B.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from enclave.agreement import InForce, PartyKind
from enclave.calendar import SUSPENSION
from enclave.errors import Refused, refuse
from enclave.incidents.words import hold_clean
from enclave.people import Hold, Listing, hold_to_party, holds, lift, listing_of, place, suspend, unsuspend
from enclave.store import Transaction, View
from enclave.terms import Role

_BY_ITSELF = "EM A1.2.A"
FOR_CAUSE = "EM A1.2.B"
_NO_CAUSE = frozenset({_BY_ITSELF, "EM XVII.C"})
"""An agency's own notice, and access that somebody's work no longer requires."""
_BEGINS = {"incident.hold": "incident.lift", "people.suspend": "people.unsuspend"}


def hold_project(tx: Transaction, project: str, clause: str, actor: str) -> Hold:
    """Stop a project at once: no session, no request, no release until it is lifted (DSA VI.F)."""
    hold = Hold(project, f"project {project}", tx.today, clause, actor)
    place(tx, hold)
    return hold


def lift_project(tx: Transaction, project: str, actor: str) -> None:
    """Let a stopped project go on (EM A1.2).

    Raises
    ------
    Refused
        If it is not stopped.
    """
    for hold in holds(tx, project):
        if hold.scope == f"project {project}":
            lift(tx, hold, actor)
            return
    raise refuse(project, "not-held", "EM A1.2", "the project is not suspended", "Nothing is to lift.")


def suspend_person(tx: Transaction, project: str, person: str, clause: str, actor: str) -> Listing:
    """Take one person's access to a project away at once (DSA VI.F)."""
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
    """Take an agency's data out of every project for a time, by its own notice.

    Source: EM A1.2.A.

    Parameters
    ----------
    since : date
        At the earliest the second day after, when 24 hours are over whatever the hour.
    reason : str
        In writing; all members are told.
    until : date, optional
        Last day; then its data are back by themselves.

    Raises
    ------
    Refused
        If no project has its data, who gives notice is not its steward, or the notice is too short.
    """
    hold_known_agency(tx, agency)
    hold_to_party(tx, agency, actor, _BY_ITSELF, party=agency)
    first = first_day(tx.today)
    if since < first:
        raise refuse(agency, "notice", _BY_ITSELF, "24 hours are not over by then", f"Begin on {first} or later.")
    reason = hold_clean(f"notice of {agency}", "reason", reason)
    return _stop(tx, Hold("", f"agency {agency}", since, _BY_ITSELF, actor, agency, until, agency, reason))


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
    lifted = [hold for hold in tx.find(Hold, "", party=party) if hold.asked_by in theirs]
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
    lifted_on: date | None = None
    servers: int = 0
    closed_seconds: float | None = None


def suspensions(view: View) -> list[Suspended]:
    """Give the log of all suspensions, oldest first (EM A2.2.B)."""
    return [suspended for _, suspended in sorted(_suspensions(view), key=lambda found: found[0])]


def with_cause(view: View) -> dict[str, int]:
    """Count suspensions with cause: several may lead to a permanent one (EM A1.3)."""
    return dict(Counter(each.whom for each in suspensions(view) if each.cause))


def _suspensions(view: View) -> Iterator[tuple[int, Suspended]]:
    ended: dict[int, list[dict[str, Any]]] = {}
    for entry in view.entries(action="incident.server-ended"):
        ended.setdefault(entry["details"]["stop"], []).append(entry)
    for begins, ends in _BEGINS.items():
        lifted = [(e["seq"], _whom(e), date.fromisoformat(e["day"])) for e in view.entries(action=ends)]
        for entry in view.entries(action=begins):
            whom, seq = _whom(entry), entry["seq"]
            if not whom.startswith("destruction"):  # which stops a project while it is destroyed
                lifted_on = next((day for later, which, day in lifted if later > seq and which == whom), None)
                since = date.fromisoformat(entry["details"].get("since") or entry["day"])
                clause = entry["clause"]
                by, cause, servers = entry["actor"], clause not in _NO_CAUSE, ended.get(seq, [])
                closed = _seconds_until_closed(entry, servers)
                yield seq, Suspended(whom, since, clause, by, cause, lifted_on, len(servers), closed)


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
