"""A certificate is issued once: filled from the agreement and what was done, kept as JSON, page and print.

Source: ExF; DSA VI.H.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from enclave.agreement import InForce, PartyKind
from enclave.destruction.certificate import AFFIRMATION, OF_ONE_FILE, Certificate, Outside
from enclave.destruction.record import Destruction, Scope
from enclave.errors import Fault, Refused, refuse
from enclave.ledger import Receipt
from enclave.publication import Publication
from enclave.publication import State as Published
from enclave.publication.disk import write_whole
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import LedgerKey

_NOT_STATED = "not stated"
_NO_END = "no end"


class Form(StrEnum):
    """What a certificate is given as."""

    JSON = "json"
    PAGE = "html"
    PRINT = "pdf"


def proof_of(view: View, settings: Settings, destruction: Destruction) -> Receipt:
    """Give the ledger's receipt of the entry that proves a destruction: its keys, and that nothing opened.

    Raises
    ------
    Fault
        If it was not entered: then the destruction is not done.
    """
    key = LedgerKey.open(settings.keys)
    for entry in view.entries(project=destruction.project, action="destruction.prove"):
        if entry["object"] == destruction.key:
            return view.receipt(entry["seq"], key.name, key.key_id, key.sign)
    raise Fault(f"{destruction.key} is not proven")


def fill(
    view: View, settings: Settings, agreement: InForce, destruction: Destruction, ledger_proof: Receipt
) -> Certificate:
    """Fill Exhibit F from the agreement and what was done.

    Source: ExF; DSA VI.H.
    """
    policy, done_on = agreement.policy, destruction.done_on
    if done_on is None:
        raise Fault(f"{destruction.key} is not done")
    recipient = next((p.name for p in policy.agreement.parties if p.kind is PartyKind.RECIPIENT), "")
    return Certificate(
        approved_requestor=recipient,
        data_request=f"{policy.agreement.title} ({policy.project})",
        approved_from=agreement.effective_on or policy.agreement.approved_on,
        approved_to=policy.ends_on(agreement.delivered_on),
        extensions=tuple((each.until, each.granted_on) for each in agreement.extensions),
        destroyed_on=done_on,
        method=destruction.method,
        scope=destruction.words,
        files_deleted=destruction.files,
        swept=destruction.swept,
        proofs=destruction.proofs,
        outside=_outside(view, settings, agreement, destruction.scope, done_on),
        ledger_proof=ledger_proof,
        due_on=destruction.certificate_due_on,
        affirmation=OF_ONE_FILE if destruction.scope is Scope.TRANSMITTAL else AFFIRMATION,
    )


def issue(settings: Settings, destruction: Destruction, certificate: Certificate) -> Destruction:
    """Keep the certificate in each form, and give the record with their digests, for the entry."""
    bodies = {
        Form.JSON: certificate.to_json().encode(),
        Form.PAGE: certificate.to_html().encode(),
        Form.PRINT: certificate.to_pdf(),
    }
    for form, body in bodies.items():
        path = _path(settings, destruction, form)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, body)
    return replace(
        destruction, issued={form.value: hashlib.sha256(body).hexdigest() for form, body in bodies.items()}
    )


def issued(settings: Settings, destruction: Destruction, form: Form) -> bytes:
    """Give a certificate as it was issued, to the byte.

    Source: ExF.

    Raises
    ------
    Refused
        If there is none yet, or the file kept is not the one whose digest was entered.
    """
    if form not in destruction.issued:
        raise _no(destruction, "unfinished", "it is not finished", "Finish it: `enclave recover`.")
    path = _path(settings, destruction, form)
    body = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(body).hexdigest() != destruction.issued[form]:
        what, next = f"{path.name} is not the file that was entered", "Put it back from a backup of the home."
        raise _no(destruction, "certificate-altered", what, next)
    return body


def _outside(view: View, settings: Settings, agreement: InForce, scope: Scope, done_on: date) -> tuple[Outside, ...]:
    """Tell what the destruction does not reach, and until when, as far as the installation states it."""
    home, keys = settings.backups.home, settings.backups.keys
    of_keys = "Snapshots of the key service" if settings.key_service else "Backups of the keys' volume"
    found = [
        Outside(
            "Backups of the home and of the registry", _until(done_on, home),
            "What was sealed under the destroyed keys does not open without a copy of them. A transmittal that "
            "waited in the inbox opens with the hub's own key.",
        ),
        Outside(
            of_keys, _until(done_on, keys),
            "A copy of a destroyed key that lies there opens copies of the files it sealed.",
        ),
    ]  # fmt: skip
    if scope is Scope.TRANSMITTAL:
        says = "A match that is made anew takes the better file; they are destroyed after it (DSA III.F.3)."
        found.append(Outside("Links that a match has found with it", _NOT_STATED, says))
    if scope is not Scope.PROJECT:
        says = "They stay in the enclave under a key of their own, and are destroyed then (DSA VI.H)."
        found.append(Outside("Resultant Data and derived data", agreement.ends_on.isoformat(), says))
    published = [each.request_id for each in view.find(Publication, agreement.project, state=Published.DONE)]
    return (
        *found,
        Outside(
            f"Released packages: {', '.join(sorted(published)) or 'none'}", _NO_END,
            "What the agencies have confirmed stays with those who received it (DSA VI.H).",
        ),
        Outside(
            "Agencies' own records, and files returned to them", _NO_END,
            "They are the agencies'; this certificate says nothing of them.",
        ),
        Outside(
            "The ledger, papers, reports of matches and this certificate", _NO_END,
            "They hold no value of a person (EM XVII.B).",
        ),
        Outside(
            "Paper, pictures of a screen, copies made by hand", "not known", "The affirmation alone covers them."
        ),
    )  # fmt: skip


def _until(done_on: date, days: int | None) -> str:
    return _NOT_STATED if days is None else (done_on + timedelta(days)).isoformat()


def _path(settings: Settings, destruction: Destruction, form: Form) -> Path:
    return settings.home / "certificates" / f"{destruction.name}.{form}"


def _no(destruction: Destruction, rule: str, what: str, next: str) -> Refused:
    return refuse(f"certificate of {destruction.key}", rule, "ExF", what, next)
