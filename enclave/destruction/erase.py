"""Erase by key: announce, shred, delete, prove, certify. Begun is never taken back, only finished.

Source: DSA VI.H; DSA III.F.3; DSA II.H; ExF.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date

from enclave import intake
from enclave.agreement import InForce, of
from enclave.destruction.again import destroy_again
from enclave.destruction.certificate import METHOD, Certificate
from enclave.destruction.deadlines import due
from enclave.destruction.issue import fill, issue, proof_of
from enclave.destruction.record import KEY_LOST, Destruction, Scope, State
from enclave.destruction.remains import (
    count,
    delete_all,
    doomed,
    drop_samples,
    keys_of,
    open_samples,
    set_aside,
    stop_sandboxes,
)
from enclave.destruction.stuck import Guard
from enclave.destruction.swept import sweep
from enclave.errors import Finding, Refused, invalid, refuse
from enclave.ledger import Detail, Details, Entry
from enclave.people import Admission, Hold, holds, lift, place
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.store import Store, Transaction
from enclave.terms import Action, Role, reached
from enclave.vault import Keystore

_STEP = "destruction"
_COMMANDS = {
    Scope.PROJECT: "destruction project {project}",
    Scope.MATCH: "destruction match-data {project}",
    Scope.TRANSMITTAL: "intake withdraw {project} {id}",
}


@dataclass(frozen=True)
class _Wish:
    """What is to be destroyed.

    Parameters
    ----------
    why_lost : str
        Why a key is gone for good, where one is.
    transmittal : str
        Id of the file that is taken back; empty for other scopes.
    """

    scope: Scope
    why_lost: str
    transmittal: str = ""

    @property
    def action(self) -> Action:
        """What its admission is to: who may receive a file may take it back."""
        return Action.RECEIVE if self.scope is Scope.TRANSMITTAL else Action.DESTROY

    def command(self, project: str) -> str:
        """By which it is done."""
        return f"enclave {_COMMANDS[self.scope].format(project=project, id=self.transmittal)}"


@dataclass(frozen=True)
class Recovery:
    """What was finished, and why the rest could not be; it is tried again."""

    finished: tuple[Certificate, ...] = ()
    stuck: tuple[Finding, ...] = ()


def destroy(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, why_lost: str = ""
) -> Certificate:
    """Destroy everything of a project but its released packages and the ledger.

    The project is held from the first entry on, so that no session opens meanwhile.

    Source: DSA VI.H; ExF.

    Parameters
    ----------
    admission : Admission
        To `Action.DESTROY`; names the project.
    why_lost : str
        Why a key is gone for good, where one is: it cannot be shredded then, and the certificate says so.

    Raises
    ------
    Refused
        If the admission is for something else or the clock's before its time, the data are destroyed already, or a
        key is not where it is kept and nobody says that it is lost.
    """
    return _destroy(store, keystore, settings, admission, _Wish(Scope.PROJECT, why_lost.strip()))


def destroy_match_data(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, why_lost: str = ""
) -> Certificate:
    """Destroy the data used for matching alone: agencies' matching files, finder files, links.

    Source: DSA III.F.3.
    """
    return _destroy(store, keystore, settings, admission, _Wish(Scope.MATCH, why_lost.strip()))


def take_back(
    store: Store, keystore: Keystore, settings: Settings, admission: Admission, id: str, why_lost: str = ""
) -> Certificate:
    """Destroy one file that is held, by its own key, so that its agency's better one can be received.

    Match jobs and the places of hub staff that may have it open end. What was made of it before, links and Resultant
    Data, stays until it is made anew or destroyed; the certificate says so.

    Source: DSA II.H; ExF.

    Parameters
    ----------
    admission : Admission
        To `Action.RECEIVE`; names the project.
    id : str
        Of the holding.
    why_lost : str
        Why its key is gone for good, where it is.

    Raises
    ------
    Refused
        If the admission is for something else, or the key is not where it is kept and nobody says that it is lost.
    Invalid
        If no such file of the project is held.
    """
    return _destroy(store, keystore, settings, admission, _Wish(Scope.TRANSMITTAL, why_lost.strip(), id))


def recover(store: Store, keystore: Keystore, settings: Settings, actor: str = "recover") -> Recovery:
    """Finish every destruction that a crash interrupted, and destroy again what came back; safe to repeat.

    One that cannot be finished stops no other: it is entered, once a day, and tried again.

    Source: DSA VI.H; DSA III.F.3.
    """
    guard, finished = Guard(store, actor), list[Certificate]()
    with alone(settings.runtime, _STEP, wait=False) as held:
        if not held:
            return Recovery()  # another process is destroying; what stands begun is its own
        with store.view() as view:
            unfinished = [d for d in view.find(Destruction) if d.state is not State.DONE]
        for destruction in unfinished:
            with guard.over(destruction.what, destruction.project, destruction.scope.clause):
                finished.append(_finish(store, keystore, settings, destruction, actor))
        destroy_again(store, keystore, settings, guard)
    return Recovery(tuple(finished), tuple(guard.stuck))


def file_certificate(tx: Transaction, key: str, title: str, signed_on: date, actor: str) -> Destruction:
    """Record that the signed certificate has come in; by title, never by name (ExF).

    Raises
    ------
    Refused
        If there is no finished destruction of this key (``DR-0034/project/1``).
    Invalid
        If no title is given, or it was signed before the destruction or is yet to be.
    """
    destruction = tx.get(Destruction, key)
    if destruction is None or destruction.state is not State.DONE:
        raise _no(key, "certificate", "ExF", "no finished destruction of this key", "Destroy first.")
    if not title.strip() or not (destruction.done_on or tx.today) <= signed_on <= tx.today:
        what = "it has no title, or a day on which it cannot have been signed"
        next = f"Give the signer's title, and a day from {destruction.done_on} to {tx.today}."
        raise invalid(key, "certificate", "ExF", what, next)
    destruction = replace(destruction, signed_by=title, signed_on=signed_on)
    due_on = str(destruction.certificate_due_on or "")
    details = {"title": title, "signed_on": signed_on.isoformat(), "due_on": due_on}
    tx.write(destruction, Entry(actor, "destruction.certificate", key, destruction.project, "ExF", details=details))
    return destruction


def _destroy(store: Store, keystore: Keystore, settings: Settings, admission: Admission, wish: _Wish) -> Certificate:
    with alone(settings.runtime, _STEP):
        try:
            with store.transaction() as tx:
                destruction = _begin(tx, keystore, settings, admission, wish)
        except Refused as error:
            if admission.role is Role.CLOCK:
                raise  # tried again at every round, and entered once a day
            rules = {"rules": [finding.rule for finding in error.findings], "scope": wish.scope}
            project, clause = admission.project, wish.scope.clause
            store.enter(Entry(admission.person, "destruction.refuse", project, project, clause, "refused", rules))
            raise
        reached("destruction.begun")
        return _finish(store, keystore, settings, destruction, admission.person)


def _begin(tx: Transaction, keystore: Keystore, settings: Settings, admission: Admission, wish: _Wish) -> Destruction:
    project, scope = admission.project, wish.scope
    if admission.action is not wish.action:
        what, next = f"the admission is to {admission.action}, and not to {wish.action}", "Ask for leave to do it."
        raise _no(project, "admission", scope.clause, what, next)
    agreement, known = of(tx, project), tx.find(Destruction, project, scope=scope)
    if admission.role is Role.CLOCK and not any(
        d.falls for d in due(tx, tx.today) if (d.project, d.scope) == (project, scope)
    ):
        what = "nobody asked for it, and it is not due"
        raise _no(project, "not-due", scope.clause, what, "Wait for its day, or let a person give the command.")
    if any(d.state is not State.DONE for d in known):
        raise _no(project, "unfinished", scope.clause, "a destruction was interrupted", "Recover: `enclave recover`.")
    if agreement.destroyed_on is not None:
        what = f"its data were destroyed on {agreement.destroyed_on}"
        raise _no(project, "destroyed", scope.clause, what, "Nothing is left to do.")
    held = intake.held_one(tx, project, wish.transmittal) if scope is Scope.TRANSMITTAL else None
    keys = (held.key_id,) if held else keys_of(tx, keystore, project, scope)
    files = count(doomed(tx, settings, project, scope, keys))
    if scope is Scope.MATCH and not files and not any(map(keystore.exists, keys)):
        raise _no(project, "destroyed", scope.clause, "no data used for matching are held", "Nothing is left to do.")
    lost = _lost(keystore, keys, project, wish)
    destruction = Destruction(
        project, scope, len(known) + 1, _method(keys, lost), admission.person, tx.today, keys,
        transmittal=wish.transmittal, file=f"{held.source}: {held.name}" if held else "",
        fingerprints=tuple(filter(None, map(keystore.fingerprint, keys))), lost=lost, why_lost=wish.why_lost,
        files=files, swept=sweep(tx, keystore, settings, project, scope, keys),
    )  # fmt: skip
    if scope is Scope.PROJECT:
        place(tx, Hold(project, _held(project), tx.today, scope.clause, admission.person))
    details: dict[str, Detail] = {"method": destruction.method, "files": files}
    if held:
        details |= {"transmittal": held.id, "source": held.source, "name": held.name, "sha256": held.sha256}
    if lost:
        details |= {"lost": list(lost), "reason_sha256": hashlib.sha256(wish.why_lost.encode()).hexdigest()}
    tx.write(destruction, _entry(destruction, admission.person, "destruction.begin", details))
    return destruction


def _lost(keystore: Keystore, keys: tuple[str, ...], project: str, wish: _Wish) -> tuple[str, ...]:
    """Give the keys that are gone for good: those of which a person says so, and that are not where they are kept."""
    lost, clause = tuple(filter(keystore.lost, keys)), wish.scope.clause
    if lost and not wish.why_lost:
        what = f"the key-encrypting key of {' and of '.join(lost)} is not where it is kept, and cannot be destroyed"
        next = (
            "Bring the keys back to their place, then destroy. If it is gone for good, a person says why: "
            f"`{wish.command(project)} --key-lost REASON`."
        )
        raise _no(project, "key-not-there", clause, what, next)
    if wish.why_lost and not lost:
        next = f"Destroy without a reason: `{wish.command(project)}`."
        raise _no(project, "key-there", clause, "no key that is needed is lost", next)
    return lost


def _method(keys: tuple[str, ...], lost: tuple[str, ...]) -> str:
    if not lost:
        return METHOD
    told = KEY_LOST.format(keys=" and of ".join(lost))
    return told if len(lost) == len(keys) else f"{told} Everything else: {METHOD}"


def _finish(
    store: Store, keystore: Keystore, settings: Settings, destruction: Destruction, actor: str
) -> Certificate:
    """Do what is left; every step may be repeated."""
    if destruction.state is State.BEGUN:
        destruction = _erase(store, keystore, settings, destruction, actor)
    drop_samples(settings, destruction)
    with store.view() as view:
        ledger_proof = proof_of(view, settings, destruction)
    with store.transaction() as tx:
        agreement = of(tx, destruction.project)
        destruction = replace(destruction, state=State.DONE, done_on=tx.today)
        certificate = fill(tx, settings, agreement, destruction, ledger_proof)
        destruction = issue(settings, destruction, certificate)
        if destruction.transmittal:
            intake.withdraw(tx, destruction.transmittal, actor)
        intake.mark_destroyed(tx, settings, destruction.project, destruction.keys, actor)
        if destruction.scope is Scope.PROJECT:
            _close(tx, replace(agreement, destroyed_on=tx.today), actor)
        details: Details = {
            "destroyed_on": tx.today.isoformat(),
            "method": destruction.method,
            "files": destruction.files,
            **{f"certificate_{form}_sha256": digest for form, digest in destruction.issued.items()},
            "certificate_due_on": str(destruction.certificate_due_on or ""),
        }
        tx.write(destruction, _entry(destruction, actor, "destruction.done", details))
    return certificate


def _erase(store: Store, keystore: Keystore, settings: Settings, destruction: Destruction, actor: str) -> Destruction:
    """Shred, delete, and prove that what was set aside does not open."""
    stop_sandboxes(settings, destruction.project, destruction.scope)
    set_aside(settings, destruction)
    for key_id in destruction.keys:
        keystore.shred(key_id)
    reached("destruction.shredded")
    with store.view() as view:
        delete_all(doomed(view, settings, destruction.project, destruction.scope, destruction.keys))
    reached("destruction.deleted")
    proofs = open_samples(keystore, settings, destruction)
    destruction = replace(destruction, state=State.PROVEN, proofs=proofs)
    details: Details = {
        "samples": [proof.file_sha256 for proof in proofs if proof.file_sha256],
        "attempts": [proof.attempt for proof in proofs],
        "opened": 0,
        "swept": [f"{each.place}: {each.count}" for each in destruction.swept],
    }
    with store.transaction() as tx:
        tx.write(destruction, _entry(destruction, actor, "destruction.prove", details))
    return destruction


def _close(tx: Transaction, agreement: InForce, actor: str) -> None:
    entry = Entry(
        actor, "agreement.destroyed", agreement.project, agreement.project, "DSA VI.H",
        details={"destroyed_on": str(agreement.destroyed_on), "policy": agreement.policy.hash},
    )  # fmt: skip
    tx.write(agreement, entry)
    for hold in holds(tx, agreement.project):
        if hold.scope == _held(agreement.project):
            lift(tx, hold, actor)


def _held(project: str) -> str:
    return f"destruction of {project}"


def _entry(destruction: Destruction, actor: str, action: str, details: Details) -> Entry:
    always: Details = {"scope": destruction.scope, "keys": list(destruction.keys)}
    clause = destruction.scope.clause
    return Entry(actor, action, destruction.key, destruction.project, clause, details={**always, **details})


def _no(subject: str, rule: str, clause: str, what: str, next: str) -> Refused:
    return refuse(f"destruction of {subject}", rule, clause, what, next)
