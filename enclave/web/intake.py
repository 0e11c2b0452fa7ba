"""What agencies send: what is expected by when, what came, what was turned away, whose keys seal and sign it.

Source: EM XII; EM XV.D; EM XIII.C.3; EM XVII.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from enclave import intake
from enclave.errors import invalid, refuse
from enclave.intake import Expected, Holding, SenderKey
from enclave.people import hold_to_party
from enclave.resultant import Delivery
from enclave.store import View
from enclave.terms import Role
from enclave.vault import ALGORITHM, read_public
from enclave.web.access import Place, look
from enclave.web.agency import Answer, answers_to
from enclave.web.visit import Done, Page, Visit


@dataclass(frozen=True)
class Withdrawn:
    """A list of persons who withdrew their consent, and whether the data that were cut leave them out."""

    source: str
    name: str
    received_on: date
    rows: int
    left_out: bool


@dataclass(frozen=True)
class Sender:
    """Who sends, the fingerprint of their key and what it seals with; empty where none is registered."""

    source: str
    fingerprint: str
    algorithm: str


@dataclass(frozen=True)
class Arrived:
    """A file that lies in an inbox and waits to be received."""

    source: str
    file: str


@dataclass(frozen=True)
class Intake:
    """What is held, missing and was turned away (entries of the ledger); `rows` are records held.

    Parameters
    ----------
    waiting : list of Arrived
        Files to be received, for the hub's staff; empty for others.
    away : list of Answer
        Files turned away for which none has come since, with their findings.
    destroyed : list of Expected
        Files whose data were destroyed, and for which none has come since.
    plans : list of Expected
        Files of which the person at the browser sets the day; empty for others.
    registers : bool
        Whether they enter the keys of who sends.
    """

    held: list[Holding]
    missing: list[Expected]
    late: list[str]
    lists: list[Withdrawn]
    cut_on: date | None
    turned_away: list[dict[str, Any]]
    waiting: list[Arrived]
    away: list[Answer]
    destroyed: list[Expected]
    senders: list[Sender]
    rows: int
    plans: list[Expected]
    registers: bool
    today: date


def show(visit: Visit) -> Page[Intake]:
    """Show what is expected, received and turned away."""
    with visit.view() as view:
        standing = look(view, visit.me.name, visit.project, Place.INTAKE)
        policy = standing.agreement.policy
        held = intake.holdings(view, visit.project)
        delivery = view.get(Delivery, visit.project)
        plan = intake.expected(view, policy)
        model = Intake(
            held=held,
            missing=[file for file in plan if file.received_on is None],
            late=[f"{file.source} {file.contents}" for file in plan if file.late],
            lists=[
                Withdrawn(
                    listed.source, listed.name, listed.received_on, listed.rows,
                    delivery is not None and listed.id in delivery.withdrawals,
                )
                for listed in intake.withdrawals(view, visit.project)
            ],
            cut_on=delivery.delivered_on if delivery else None,
            turned_away=list(view.entries(project=visit.project, action="intake.refuse")),
            waiting=_waiting(visit) if standing.role is Role.HUB_STAFF else [],
            away=[answer for answer in answers_to(view, visit.project) if answer.findings],
            destroyed=[file for file in plan if file.destroyed_on is not None],
            senders=[
                Sender(source, *_known_key(view, source))
                for source in sorted({source for source, _ in policy.expected()})
            ],
            rows=sum(h.rows for h in held),
            plans=plan if standing.role is Role.OPM else [],
            registers=standing.role is Role.HUB_STAFF,
            today=view.today,
        )  # fmt: skip
    return Page("intake", f"{standing.project} intake", model, standing)


def _waiting(visit: Visit) -> list[Arrived]:
    here = intake.waiting(visit.enclave.settings, visit.project)
    return [Arrived(path.parent.name, path.name) for path in here]


def _known_key(view: View, source: str) -> tuple[str, str]:
    known: SenderKey | None = intake.sender_key(view, source)
    return (known.fingerprint, known.algorithm) if known else ("", "")


def schedule(visit: Visit) -> Done:
    """Set the day by which an agency is to send a file, as the Operating Group; the agency is told."""
    source, _, contents = visit.text("file").partition(" ")
    with visit.enclave.store.transaction() as tx:
        hold_to_party(tx, visit.project, visit.me.name, "EM XII", role=Role.OPM, project=visit.project)
        by = visit.day("by", "EM XII")
        if by < tx.today:
            what = f"{by} is over"
            raise invalid(
                visit.project, "day", "EM XII", what, "Choose a day on which the file can still come.", "by"
            )
        known = intake.schedule(tx, visit.project, source, contents, by, visit.me.name)
    said = f"{known.source} is to send its {known.contents} file by {known.due_on}. It is told."
    return Done(f"projects/{visit.project}/intake", said)


def register_key(visit: Visit) -> Done:
    """Enter the public keys of who sends, when their fingerprint is the one that was read out on the telephone.

    They are ours, an OpenPGP key or a certificate: what the party agreed to seal its files with (EM XIV.A).
    """
    with visit.view() as view:
        hold_to_party(view, visit.project, visit.me.name, "EM XV.D", role=Role.HUB_STAFF, project=visit.project)
        policy = look(view, visit.me.name, visit.project, Place.INTAKE).agreement.policy
    owner = visit.text("owner")
    if owner not in {source for source, _ in policy.expected()}:
        what, next = f"nothing of {owner or 'nobody'} is expected", "Choose a party that sends."
        raise refuse("keys", "sender", "EM XV.D", what, next, "owner")
    with visit.document("keys", "EM XV.D") as path:
        agreed = intake.read_agreed_key(visit.enclave.settings, path, owner)
        public = agreed or read_public(path)
    if public.owner != owner:
        what, next = f"the keys are those of {public.owner}, not of {owner}", "Ask the party for its own public keys."
        raise refuse(owner, "sender", "EM XV.D", what, next)
    algorithm = agreed.algorithm if agreed else ALGORITHM
    with visit.enclave.store.transaction() as tx:
        known = intake.register_key(tx, public, visit.me.name, algorithm, heard=visit.text("fingerprint"))
    said = f"The keys of {known.owner} are registered; its files are held to them from now on."
    return Done(f"projects/{visit.project}/intake", said)
