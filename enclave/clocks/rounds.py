"""One round of the clocks: destroy what is due, warn of what is near, raise alarms, and tell everybody it concerns.

Nobody has to be there (DSA VI.H: "not contingent upon action by the Data Integration Hub"). A round that is repeated
does nothing again: what was destroyed is no longer due, and what was noted stands in the ledger. What cannot be
destroyed is tried again at every round, stops nothing else, and is told once a day.

Source: DSA VI.H; DSA III.F.3; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from enclave import destruction, intake, messages
from enclave.clocks.machine import Reading, look
from enclave.clocks.running import WARNED_AT, Running, running
from enclave.destruction import Certificate, Destruction, Due, Guard, Scope, State
from enclave.errors import Finding
from enclave.ledger import Details, Entry
from enclave.people import CLOCK, by_clock
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.store import Store, Transaction
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
    stuck : tuple of Finding
        Why what is due is not destroyed.
    told : int
        Messages that came to people's pages.
    sent : Sent
        What became of those that go by mail.
    """

    destroyed: tuple[Certificate, ...] = ()
    noted: tuple[Running, ...] = ()
    doubts: tuple[Finding, ...] = ()
    stuck: tuple[Finding, ...] = ()
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
        destroyed, stuck = ([], []) if doubts else _destroy(store, keystore, settings)
        intake.notice(settings, store)
        with store.transaction() as tx:
            noted = _note(tx, reading.at)
            told = messages.take_in(tx, reading.at, by_mail=settings.mail is not None)
        sent = messages.send(store, settings, reading.at)
        return Round(tuple(destroyed), tuple(noted), tuple(doubts), tuple(stuck), told, sent)


def _destroy(store: Store, keystore: Keystore, settings: Settings) -> tuple[list[Certificate], list[Finding]]:
    recovery = destruction.recover(store, keystore, settings, CLOCK)
    destroyed, guard = list(recovery.finished), Guard(store, CLOCK, list(recovery.stuck))
    with store.view() as view:
        fallen = [clock.destroys for clock in running(view) if clock.destroys and clock.destroys.falls]
        begun = {(each.project, each.scope) for each in view.find(Destruction) if each.state is not State.DONE}
    whole = {due.project for due in fallen if due.scope is Scope.PROJECT}
    for due in fallen:
        covered = due.scope is Scope.MATCH and due.project in whole
        if not covered and (due.project, due.scope) not in begun:
            with guard.over(due.project, due.project, due.clause):
                destroyed.append(_destroy_one(store, keystore, settings, due))
    return destroyed, guard.stuck


def _destroy_one(store: Store, keystore: Keystore, settings: Settings, due: Due) -> Certificate:
    assert due.scope is not None  # noqa: S101 - else it does not fall
    with store.view() as view:
        admission = by_clock(view, due.project)
    return _VERBS[due.scope](store, keystore, settings, admission)


def _note(tx: Transaction, now: datetime) -> list[Running]:
    """Enter what is near its end, at 30, 14 and 7 days, and what has passed it, each once."""
    known = {
        (entry["object"], entry["details"]["what"], entry["details"]["due_on"], entry["details"]["at"])
        for action in ("clocks.warn", "clocks.alarm")
        for entry in tx.entries(action=action)
    }
    noted = []
    for clock in running(tx):
        at = _mark(clock, tx.today, now)
        if at is not None and (clock.about, clock.what, clock.due_on.isoformat(), at) not in known:
            action, outcome = ("clocks.alarm", "overdue") if at < 0 else ("clocks.warn", "near")
            details: Details = {
                "what": clock.what, "due_on": clock.due_on.isoformat(), "at": at, "left": clock.left(tx.today, now),
            }  # fmt: skip
            tx.append(Entry(CLOCK, action, clock.about, clock.project, clock.clause, outcome, details))
            noted.append(clock)
    return noted


def _mark(clock: Running, today: date, now: datetime) -> int | None:
    """Give the warning that is due, -1 for the alarm, or None."""
    if clock.over(today, now):
        return -1
    return min((days for days in WARNED_AT if clock.days_left(today) <= days), default=None)
