"""One round of the clocks: destroy what is due, warn of what is near or begins, raise alarms, tell whom it concerns.

Nobody has to be there (DSA VI.H: "not contingent upon action by the Data Integration Hub"). A round that is repeated
does nothing again: what was destroyed is no longer due, and what was noted stands in the ledger. What cannot be
destroyed, or done otherwise, is tried again at every round, stops nothing else, and is told once a day.

Source: DSA VI.H; DSA III.F.3; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime

from enclave import destruction, incidents, intake, messages
from enclave.agreement import InForce
from enclave.clocks.machine import Reading, look
from enclave.clocks.running import READ, WARNED_AT, Running, parts, soonest
from enclave.destruction import STUCK, Certificate, Destruction, Due, Guard, Scope, State
from enclave.errors import Finding
from enclave.ledger import Details, Entry
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
    stuck : tuple of Finding
        Why what is due is not destroyed, or another part of the round was not done.
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
        guard, doubts = Guard(store, CLOCK, "clocks.stuck"), None
        with guard.over("the machine's clock", "", "DSA VI.H"), store.transaction() as tx:
            doubts = look(tx, reading, CLOCK)
        believed = doubts == []  # one that could not be looked at is not
        destroyed = _destroy(store, keystore, settings, guard) if believed else []
        with guard.over("inbox", "", "EM XII"):
            for party in intake.senders(settings):
                with guard.over(f"inbox of {party}", "", "EM XII"):
                    intake.notice(settings, store, party)
        with guard.over("suspensions", "", "EM A1.2.A"), store.transaction() as tx:
            incidents.begin_announced(tx, CLOCK)
        found, noted, told, sent = _read(store, guard), list[Running](), 0, messages.Sent()
        with guard.over("notes", "", "EM XVII.B"), store.transaction() as tx:
            noted = _note(tx, found, reading.at)
        with guard.over("messages", "", "EM XI.B"):
            told = messages.take_in(store, reading.at, guard, by_mail=settings.mail is not None)
        with guard.over("letters", "", "EM XI.B"):
            sent = messages.send(store, settings, reading.at)
        return Round(tuple(destroyed), tuple(noted), tuple(doubts or ()), tuple(guard.stuck), told, sent)


def _destroy(store: Store, keystore: Keystore, settings: Settings, guard: Guard) -> list[Certificate]:
    """Finish what was begun, and destroy what is due."""
    destroyed, fallen = list[Certificate](), list[Due]()
    with guard.over("destructions that were begun", "", "DSA VI.H"):
        recovery = destruction.recover(store, keystore, settings, CLOCK)
        destroyed += recovery.finished
        guard.stuck.extend(recovery.stuck)
    with guard.over("what is due", "", "DSA VI.H"):
        fallen = _fallen(store, guard)
    for due in fallen:
        with replace(guard, action=STUCK).over(f"{due.project}/{due.scope}", due.project, due.clause):
            destroyed.append(_destroy_one(store, keystore, settings, due))
    return destroyed


def _fallen(store: Store, guard: Guard) -> list[Due]:
    """Give what is to be destroyed now, project by project."""
    fallen = list[Due]()
    with store.view() as view:
        for agreement in view.find(InForce):
            with guard.over("what is due", agreement.project, "DSA VI.H"):
                fallen += _of_one(view, agreement.project)
    return fallen


def _of_one(view: View, project: str) -> list[Due]:
    """Give what of a project is not begun; what goes with the whole project has no turn of its own."""
    fallen = [due for due in destruction.due(view, view.today, project) if due.falls]
    done = {each.scope for each in view.find(Destruction, project) if each.state is not State.DONE}
    done |= {Scope.MATCH for due in fallen if due.scope is Scope.PROJECT}
    return [due for due in fallen if due.scope not in done]


def _destroy_one(store: Store, keystore: Keystore, settings: Settings, due: Due) -> Certificate:
    assert due.scope is not None  # noqa: S101 - else it does not fall
    with store.view() as view:
        admission = by_clock(view, due.project)
    return _VERBS[due.scope](store, keystore, settings, admission)


def _read(store: Store, guard: Guard) -> list[Running]:
    """Give every clock that runs and can be read, soonest first."""
    found = list[Running]()
    with store.view() as view, guard.over("clocks", "", "EM XVII.B"):
        with guard.over("records of the clocks", "", "EM XVII.B"):
            view.load(*READ)
        for part in parts(view):
            with guard.over(f"clocks of {part.what}", part.project, "EM XVII.B"):
                found += part.clocks()
    return sorted(found, key=soonest)


def _note(tx: Transaction, clocks: list[Running], now: datetime) -> list[Running]:
    """Enter what is near its end, at 30, 14 and 7 days, and what has passed it, each once."""
    known = {
        (entry["object"], entry["details"]["what"], entry["details"]["due_on"], entry["details"]["at"])
        for action in ("clocks.warn", "clocks.alarm")
        for entry in tx.entries(action=action)
    }
    noted = []
    for clock in clocks:
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
