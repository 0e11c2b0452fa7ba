"""A transmittal becomes a Holding, or is turned away with every finding; nothing in between.

Source: EM XII; EM XV.D; EM XVII.B; DSA VI.A.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from enclave.errors import EnclaveError, Fault, Finding, Invalid, Refused
from enclave.intake.admission import findings_before_opening, layout_for
from enclave.intake.enveloped import Envelope, read_envelope
from enclave.intake.examine import Examined, examine, turn_away
from enclave.intake.holdings import Holding, key_of, place_of, seal_context
from enclave.intake.names import WITHDRAWN, Layout, is_sealed_name, parse_sealed_name, sealed_name
from enclave.intake.reuse import Digests, digests_of, keep_digests, reuse_findings
from enclave.intake.scanner import scan
from enclave.intake.senders import SenderKey, sender_key
from enclave.intake.settling import TurnedAway, came_at, leave, stays
from enclave.intake.sheet import Sheet
from enclave.intake.spool import hold_to_room, spool
from enclave.intake.withdrawals import unknown_findings
from enclave.ledger import Detail, Entry
from enclave.people import Admission
from enclave.settings import Settings
from enclave.store import Store, Transaction
from enclave.terms import GENERIC_ID, HUB, Action, reached
from enclave.vault import Header, Keystore, PrivateKeys, Seal, read_header, unseal_file


class Channel(StrEnum):
    """How a sealed file came to the hub (EM VII.B.1.h.3)."""

    SFTP = "sftp"
    VPN = "vpn"
    HANDED = "handed over"


@dataclass(frozen=True)
class _Receipt:
    """One transmittal on its way in."""

    store: Store
    keystore: Keystore
    settings: Settings
    hub: PrivateKeys
    sealed: Path
    header: Header
    admission: Admission
    channel: Channel
    envelope: Envelope | None
    came: str

    @property
    def project(self) -> str:
        return self.admission.project

    @property
    def subject(self) -> str:
        return f"transmittal {self.header.id}"


def receive(
    store: Store,
    keystore: Keystore,
    settings: Settings,
    hub_keys: PrivateKeys,
    sealed: Path,
    admission: Admission,
    channel: Channel = Channel.HANDED,
) -> Holding:
    """Verify, open, check, re-encode, seal at rest and record a transmittal.

    Every refusal is entered in the ledger with its rules and counts; its findings are kept for the sender. A file in
    the inbox leaves it in the same step, unless what stands against it does not lie in it.

    Source: EM XII; EM XV.D; EM XVII.B; DSA VI.A.

    Parameters
    ----------
    sealed : Path
        The file as it was sent; beside one that was encrypted with gpg or openssl lies its manifest.
    admission : Admission
        To receive; it names who does, and the Data Request.
    channel : Channel
        How it came; what lies in the hub's inbox came over SFTP, whatever is said.

    Raises
    ------
    Refused
        If the admission is to something else, or a rule says no: the sender, the seal, the project, an element, a
        repeated individual, an identifier.
    Invalid
        If the file is only malformed.
    """
    came = came_at(settings, sealed)
    try:
        admission.hold_to(Action.RECEIVE, admission.project)
        envelope = read_envelope(store, settings, hub_keys.public, sealed)
        header = envelope.header if envelope else _manifest(sealed)
        over = Channel.SFTP if came else channel
        receipt = _Receipt(store, keystore, settings, hub_keys, sealed, header, admission, over, envelope, came)
        with spool(settings, header.id) as folder:  # one process at a time asks whether it was received before
            known, layout = _admit(receipt)
            held = _open(receipt, known, layout, folder)
    except (Refused, Invalid) as error:
        _refuse(store, error, sealed, came, admission)
        if not stays(error.findings):
            leave(settings, sealed, came)
        raise
    leave(settings, sealed, came)
    return held


def _manifest(sealed: Path) -> Header:
    try:
        return read_header(sealed)
    except FileNotFoundError as error:
        finding = Finding("sealed-format", "EM XV.D", "", "there is no such file", "Name the sealed file.")
        raise Invalid("transmittal", [finding]) from error
    except Refused as error:  # its own subject is the file's name, which anyone may have chosen
        raise Refused(_shown(sealed), error.findings) from None


def _admit(receipt: _Receipt) -> tuple[SenderKey, Layout]:
    with receipt.store.view() as view:
        found = findings_before_opening(view, receipt.header, receipt.hub.public, receipt.project)
        turn_away(_shown(receipt.sealed), found)
        known = sender_key(view, receipt.header.source)
        layout = layout_for(view, receipt.header, receipt.project)
    if known is None or layout is None:
        raise Fault(receipt.subject)  # turn_away has said so already: both are findings
    return known, layout


def _open(receipt: _Receipt, known: SenderKey, layout: Layout, folder: Path) -> Holding:
    """Decrypt into the spool, check, seal; the plaintext does not outlive this call."""
    plain = folder / "plain"
    hold_to_room(receipt.settings, receipt.sealed, _shown(receipt.sealed))
    try:
        if receipt.envelope:
            receipt = replace(receipt, header=receipt.envelope.open(plain))
            _, layout = _admit(receipt)
        else:
            unseal_file(receipt.sealed, plain, receipt.hub, known.public)
    except Refused as error:
        raise Refused(_shown(receipt.sealed), error.findings) from None
    reached("intake.decrypted")
    scanner = receipt.settings.scanner
    scanned_by = scan(plain, scanner, receipt.header.name) if scanner else ""
    with examine(plain, receipt.header.name, layout, folder) as examined:
        findings = [*examined.findings, *_against_manifest(examined, receipt.header)]
        digests: Digests | None = None
        if examined.sheet and GENERIC_ID in examined.sheet.columns:
            digests = digests_of(examined.sheet, receipt.settings)
            source, project = receipt.header.source, receipt.project
            findings += reuse_findings(examined.sheet, digests, receipt.settings, source, project)
            if receipt.header.contents == WITHDRAWN:
                findings += _of_list(receipt, examined.sheet, folder)
        turn_away(receipt.header.name, findings)
    return _keep(receipt, folder / "canonical.parquet", digests, scanned_by)


def _of_list(receipt: _Receipt, sheet: Sheet, folder: Path) -> list[Finding]:
    with receipt.store.view() as view:
        held = view.find(
            Holding, receipt.project, source=receipt.header.source, contents="matching", destroyed_on=None
        )
    return unknown_findings(receipt.keystore, receipt.settings, sheet, held[0] if held else None, folder)


def _against_manifest(examined: Examined, header: Header) -> list[Finding]:
    findings = []
    if examined.rows != header.rows:
        what = f"the file has {examined.rows} records, its manifest says {header.rows}"
        findings.append(Finding("row-count", "EM XII.A", header.name, what, "Seal the whole file again."))
    if tuple(column for column in examined.columns if column != GENERIC_ID) != header.elements:
        what = "the header line and the manifest name different elements"
        findings.append(Finding("manifest-elements", "EM XVII.B", header.name, what, "Seal the file again."))
    return findings


def _keep(receipt: _Receipt, parquet: Path, digests: Digests | None, scanned_by: str) -> Holding:
    """Seal the canonical file and record it with its entry, in one transaction."""
    header, project = receipt.header, receipt.project
    key_id, place = key_of(project, header.contents, header.id), place_of(project, header.id)
    receipt.keystore.create(key_id)
    target = receipt.settings.sealed / place
    context = seal_context(header.source, project, header.id)
    digest = receipt.keystore.seal(parquet, Seal(target, key_id, context))
    if digests is not None:
        keep_digests(digests, receipt.settings, header.source, project)
    reached("intake.sealed")
    sent = _digest(receipt.sealed)
    try:
        with receipt.store.transaction() as tx:
            turn_away(receipt.subject, findings_before_opening(tx, header, receipt.hub.public, project))
            return _record(tx, receipt, place, digest, key_id, scanned_by, sent)
    except EnclaveError:
        receipt.keystore.shred(key_id)
        target.unlink(missing_ok=True)
        raise


def _record(
    tx: Transaction, receipt: _Receipt, place: str, digest: str, key_id: str, scanned_by: str, sent: str | None
) -> Holding:
    header = receipt.header
    holding = Holding(
        id=header.id,
        project=receipt.project,
        source=header.source,
        contents=header.contents,
        name=header.name,
        rows=header.rows,
        elements=header.elements,
        as_of=header.as_of,
        received_on=tx.today,
        sealed=place,
        sha256=digest,
        key_id=key_id,
        header_sha256=hashlib.sha256(header.canonical()).hexdigest(),
        limitations=header.limitations,
        key_check=header.encoded_with.key_check if header.encoded_with else "",
        channel=receipt.channel,
        consent=header.consent,
        sent_as=_sent_as(receipt),
        came=receipt.came,
        entry=tx.frontier().size,
    )
    details: dict[str, Detail] = {
        "source": holding.source,
        "destination": HUB,
        "contents": holding.contents,
        "name": holding.name,
        "rows": holding.rows,
        "elements": holding.elements,
        "as_of": holding.as_of.isoformat(),
        "specification": header.specification,
        "encoded": header.encoded_with is not None,
        "sender_key": header.source_key,
        "algorithm": header.alg,
        "header_sha256": holding.header_sha256,
        "sha256": holding.sha256,
        "key_id": holding.key_id,
        "scanned_by": scanned_by,
        "channel": holding.channel,
        "consent": holding.consent,
        "file_sha256": sent,
        "told": [holding.source],
    }
    tx.write(
        holding,
        Entry(receipt.admission.person, "intake.receive", holding.id, holding.project, "EM XII", details=details),
    )
    return holding


def _refuse(store: Store, error: EnclaveError, sealed: Path, came: str, admission: Admission) -> None:
    """Enter a refusal; keep its findings for the sender, where the name tells it and the file is what is refused."""
    named = parse_sealed_name(sealed.name)
    if named is None or stays(error.findings):
        store.enter(_refusal(error, sealed, admission, []))
        return
    entry = _refusal(error, sealed, admission, [named.source])
    with store.transaction() as tx:
        away = TurnedAway(
            admission.project, named.source, named.contents, named.flag, sealed.name, tx.today, tx.frontier().size,
            error.findings, came,
        )  # fmt: skip
        tx.write(away, entry)


def _refusal(error: EnclaveError, sealed: Path, admission: Admission, told: list[str]) -> Entry:
    """Make the entry of a refusal: rules and how often, the digest of what was sent, and who is told of it."""
    rules = Counter(finding.rule for finding in error.findings)
    details: dict[str, Detail] = {
        "rules": sorted(rules),
        "counts": [rules[rule] for rule in sorted(rules)],
        "findings": len(error.findings),
        "malformed_only": isinstance(error, Invalid),
        "file_sha256": _digest(sealed),
        "told": told,
    }
    clause = error.findings[0].clause if error.findings else "EM XII"
    return Entry(admission.person, "intake.refuse", _shown(sealed), admission.project, clause, "refused", details)


def _sent_as(receipt: _Receipt) -> str:
    """Give the name under which a file was sent, or should have been."""
    name, header = receipt.sealed.name, receipt.header
    return name if is_sealed_name(name, header.source) else sealed_name(header.name, header.elements)


def _shown(sealed: Path) -> str:
    """Name a file that was sent; by its digest where its name is not of the programme's form."""
    return sealed.name if is_sealed_name(sealed.name) else "a sealed file of another name"


def _digest(sealed: Path) -> str | None:
    if not sealed.is_file():
        return None
    with sealed.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
