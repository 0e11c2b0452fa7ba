"""One round of the clocks: destroy what is due, warn of what is near, raise alarms, and tell everybody it concerns.

Nobody has to be there (DSA VI.H: "not contingent upon action by the Data Integration Hub"). A round that is repeated
does nothing again: what was destroyed is no longer due, and what was noted stands in the ledger.

Source: DSA VI.H; DSA III.F.3; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from enclave import destruction, intake, messages
from enclave.clocks.machine import Reading, look
from enclave.clocks.running import WARNED_AT, Running, running
from enclave.destruction import Certificate, Due, Scope
from enclave.errors import Finding, Refused
from enclave.ledger import Entry
from enclave.people import CLOCK, by_clock
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.store import Store, Transaction, View
from enclave.vault import Keystore

_VERBS = {Scope.PROJECT: destruction.destroy, Scope.MATCH: destruction.destroy_match_data}


@dataclass(frozen=True)
class Round:
    """What one round did.

    Parameters
    ----------
    doubts : tuple of Finding
        Why the machine's clock was not believed; then nothing was destroyed.
    noted : tuple of Running
        Warned of, or alarmed about, for the first time.
    told : int
        Messages that came to people's pages.
    sent : Sent
        What became of those that go by mail.
    """

    destroyed: tuple[Certificate, ...] = ()
    noted: tuple[Running, ...] = ()
    doubts: tuple[Finding, ...] = ()
    told: int = 0
    sent: messages.Sent = field(default_factory=messages.Sent)


def go_round(store: Store, keystore: Keystore, settings: Settings, reading: Reading) -> Round:
    """Act on every clock that has run out; does nothing while another process goes round.

    Source: DSA VI.H; DSA III.F.3.
    """
    with alone(settings.runtime, "clocks", wait=False) as held:
        if not held:
            return Round()
        with store.transaction() as tx:
            doubts = look(tx, reading, CLOCK)
        destroyed = [] if doubts else _destroy(store, keystore, settings)
        intake.notice(settings, store)
        with store.transaction() as tx:
            noted = _note(tx)
            told = messages.take_in(tx, reading.at, by_mail=settings.mail is not None)
        sent = messages.send(store, settings, reading.at)
        return Round(tuple(destroyed), tuple(noted), tuple(doubts), told, sent)


def _destroy(store: Store, keystore: Keystore, settings: Settings) -> list[Certificate]:
    destroyed = destruction.recover(store, keystore, settings, CLOCK)
    with store.view() as view:
        fallen = [clock.due for clock in running(view) if clock.due and clock.due.falls]
        tried = _tried_today(view)
    whole = {due.project for due in fallen if due.scope is Scope.PROJECT}
    for due in fallen:
        covered = due.scope is Scope.MATCH and due.project in whole
        if not covered and (due.project, due.scope) not in tried:
            destroyed += _destroy_one(store, keystore, settings, due)
    return destroyed


def _destroy_one(store: Store, keystore: Keystore, settings: Settings, due: Due) -> list[Certificate]:
    assert due.scope is not None  # noqa: S101 - else it does not fall
    with store.view() as view:
        admission = by_clock(view, due.project)
    try:
        return [_VERBS[due.scope](store, keystore, settings, admission)]
    except Refused:
        return []  # entered by the room; tried again tomorrow, and overdue until then


def _tried_today(view: View) -> set[tuple[str, str]]:
    return {
        (entry["project"], entry["details"]["scope"])
        for entry in view.entries(action="destruction.refuse")
        if (entry["actor"], entry["day"]) == (CLOCK, view.today.isoformat())
    }


def _note(tx: Transaction) -> list[Running]:
    """Enter what is near its end, at 30, 14 and 7 days, and what has passed it, each once."""
    known = {
        (entry["object"], entry["details"]["what"], entry["details"]["due_on"], entry["details"]["at"])
        for action in ("clocks.warn", "clocks.alarm")
        for entry in tx.entries(action=action)
    }
    noted = []
    for clock in running(tx):
        at = _mark(clock.days_left(tx.today))
        details = {"what": clock.what, "due_on": clock.due_on.isoformat(), "at": at}
        if at is not None and (clock.about, clock.what, clock.due_on.isoformat(), at) not in known:
            action, outcome = ("clocks.alarm", "overdue") if at < 0 else ("clocks.warn", "near")
            tx.append(Entry(CLOCK, action, clock.about, clock.project, clock.clause, outcome, details))
            noted.append(clock)
    return noted


def _mark(days_left: int) -> int | None:
    """Give the warning that is due, -1 for the alarm, or None."""
    if days_left < 0:
        return -1
    return min((days for days in WARNED_AT if days_left <= days), default=None)
