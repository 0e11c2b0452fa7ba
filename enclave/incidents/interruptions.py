"""The notice board of interruptions of service: a party says so before a planned one, else as soon as it can.

Source: EM A1.2.A.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from enclave.errors import invalid, refuse
from enclave.incidents.words import digest, hold_clean
from enclave.ledger import Details, Entry
from enclave.people import hold_to_party, members
from enclave.store import Transaction, View
from enclave.terms import HUB, Role

CLAUSE = "EM A1.2.A.1"


@dataclass(frozen=True)
class Interruption:
    """A service that stops for a time.

    Parameters
    ----------
    planned : bool
        Notice was given before it began.
    ended_at : datetime, optional
        When the service was back.
    told : tuple of str
        The Operating Group, the hub and all members.
    """

    KIND: ClassVar[str] = "interruption"
    number: int
    party: str
    text: str
    begins_at: datetime
    given_at: datetime
    told: tuple[str, ...]
    by: str
    ended_at: datetime | None = None
    project: str = ""

    @property
    def key(self) -> str:
        """The number."""
        return f"interruption-{self.number:03}"

    @property
    def planned(self) -> bool:
        """Tell whether notice was given before it began."""
        return self.given_at < self.begins_at


def announce(
    tx: Transaction, party: str, text: str, begins_at: datetime, given_at: datetime, actor: str
) -> Interruption:
    """Tell all members at once that a party's service stops, or has stopped.

    Source: EM A1.2.A.1.

    Raises
    ------
    Refused
        If the person speaks for neither the party nor, where it is the hub's service, the hub.
    Invalid
        If the text holds what looks like data of a person, or a time has no zone.
    """
    _hold_to(tx, party, actor)
    text = hold_clean(f"notice of {party}", "text", text)
    if begins_at.tzinfo is None or given_at.tzinfo is None:
        raise invalid(party, "time", CLAUSE, "a time has no time zone", "Give the time with its zone.")
    told = tuple(dict.fromkeys(("Operating Group", HUB, *members(tx))))
    notice = Interruption(len(tx.find(Interruption)) + 1, party, text, begins_at, given_at, told, actor)
    details: Details = {
        "party": party, "begins_at": begins_at.isoformat(), "planned": notice.planned, "told": list(told),
        "text_sha256": digest(text),
    }  # fmt: skip
    tx.write(notice, Entry(actor, "incident.interruption", notice.key, "", CLAUSE, "announced", details))
    return notice


def back(tx: Transaction, key: str, at: datetime, actor: str) -> Interruption:
    """Say that the service is back; the notice leaves the board.

    Source: EM A1.2.A.1.

    Raises
    ------
    Refused
        If there is no such notice on the board, or the person does not speak for its party.
    """
    notice = next((each for each in interruptions(tx) if each.key == key), None)
    if notice is None:
        raise refuse(key, "notice", CLAUSE, "there is no such notice on the board", "See `enclave incident notices`.")
    _hold_to(tx, notice.party, actor)
    notice = replace(notice, ended_at=at)
    details: Details = {"party": notice.party, "ended_at": at.isoformat(), "told": list(notice.told)}
    tx.write(notice, Entry(actor, "incident.interruption-over", key, "", CLAUSE, "over", details))
    return notice


def interruptions(view: View) -> list[Interruption]:
    """Give what stands on the notice board: announced and not over."""
    return view.find(Interruption, ended_at=None)


def _hold_to(view: View, party: str, actor: str) -> None:
    if party == HUB:
        hold_to_party(view, party, actor, CLAUSE, role=Role.HUB_STAFF)
    else:
        hold_to_party(view, party, actor, CLAUSE, party=party)
