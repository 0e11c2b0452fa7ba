"""Transmittals of agencies that cannot run `enclave seal`: a file and its manifest, encrypted with gpg or openssl.

The manifest says what our own seal has in its header and a plain file has not: for which day the data are complete,
what the agency says of consent and of limitations; and, so that no two go together that were not sent together, the
name of the file and the SHA-256 of what was sent. It is opened first: the file is held to what the agency signed,
byte for byte, before anything of it is opened.

Source: EM XIV.A; EM XV.D; EM XII; DSA II.H.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from enclave.errors import Finding, Invalid, Refused, invalid, refuse
from enclave.intake import cms, openpgp
from enclave.intake.names import is_enveloped_name, manifest_name, parse_file_name
from enclave.intake.senders import SenderKey, sender_key
from enclave.intake.textfile import read_columns, scan
from enclave.ledger import Details, Entry
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.store import Store
from enclave.terms import GENERIC_ID, HUB
from enclave.vault import Consent, Header, PublicKeys
from enclave.vault.agreed import CMS, OPENPGP, AgreedKey, certificate, new_certificate
from enclave.vault.sealed import END

ALGORITHM_OF = {"gpg": OPENPGP, "p7m": CMS}
_MANIFEST_LIMIT = 1 << 16


class Manifest(BaseModel):
    """What an agency signs of its file (DSA II.H.1; EM XIII.C; DSA II.H); `sha256` is of the encrypted one."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    as_of: date
    consent: Consent
    limitations: str = ""


@dataclass(frozen=True)
class Envelope:
    """A transmittal whose manifest was opened; of the file itself nothing was.

    Parameters
    ----------
    header : Header
        What our own seal would say; rows and elements are known when the file is open.
    """

    settings: Settings
    sent: Path
    key: AgreedKey
    header: Header
    today: date

    def open(self, plain: Path) -> Header:
        """Verify and decrypt the file to `plain`, and give the whole header.

        Source: EM XV.D; EM XII; DSA II.I.

        Raises
        ------
        Refused
            If it is not signed, encrypted and addressed as agreed. Nothing is left then.
        """
        _open(self.settings, self.sent, self.key, plain, self.today)
        columns = read_columns(plain)
        elements = tuple(column for column in columns if column != GENERIC_ID)
        return self.header.model_copy(update={"elements": elements, "rows": scan(plain, len(columns)).rows})


def read_envelope(store: Store, settings: Settings, hub: PublicKeys, sent: Path) -> Envelope | None:
    """Open the manifest that came with a file, with the registered key of its agency; None if it is sealed our way.

    Source: EM XIV.A; EM XV.D; DSA II.H.

    Raises
    ------
    Refused
        If the agency agreed to another algorithm, its signature does not hold, or the file is not, byte for byte, the
        one that the manifest is of.
    Invalid
        If there is no manifest, or it cannot be read.
    """
    if not is_enveloped_name(sent.name):
        return None
    named = sent.with_name(manifest_name(sent.name))
    if not sent.is_file() or not named.is_file():
        missing = sent if not sent.is_file() else named
        raise invalid(sent.name, "manifest", "EM XV.D", f"there is no {missing.name}", "Send both files.")
    name = _plain_name(sent)
    source = parse_file_name(name).source
    with store.view() as view:
        known, today = sender_key(view, source), view.today
    key = _agreed(known, sent)
    manifest = _manifest(settings, named, key, today)
    digest = _digest(sent)
    if (manifest.name, manifest.sha256) != (name, digest):
        raise _no(sent, "manifest-of-another", "it is not the file that its manifest is of, or was altered")
    header = Header(
        alg=key.algorithm,
        id=str(uuid5(NAMESPACE_URL, digest)),
        source=source,
        source_key=key.fingerprint,
        destination=HUB,
        destination_key=hub.fingerprint,
        project=parse_file_name(name).project,
        name=name,
        contents=parse_file_name(name).contents,
        elements=_flag(sent, name),
        rows=0,
        as_of=manifest.as_of,
        created=datetime.combine(today, time(), UTC),
        limitations=manifest.limitations,
        consent=manifest.consent,
    )
    return Envelope(settings, sent, key, header, today)


def read_agreed_key(settings: Settings, path: Path, owner: str) -> AgreedKey | None:
    """Read the OpenPGP key or the certificate of a party; None of a file of another kind.

    Source: EM XIV.A; EM XIV.B.
    """
    content = path.read_bytes() if path.stat().st_size <= _MANIFEST_LIMIT else b""
    if b"-----BEGIN PGP PUBLIC KEY BLOCK-----" in content:
        return openpgp.read_key(settings, content, owner)
    return certificate(content, owner) if b"-----BEGIN CERTIFICATE-----" in content else None


def own_key(store: Store, settings: Settings, algorithm: str, actor: str) -> AgreedKey:
    """Make the key to which agencies encrypt that agreed to another algorithm, or give the one there is.

    Source: EM XIV.B; EM XV.D.
    """
    with store.view() as view:
        today = view.today
        entered = {entry["details"]["fingerprint"] for entry in view.entries(action="intake.own-key")}
    key = openpgp.own_key(settings) if algorithm == OPENPGP else new_certificate(HUB, settings.keys, today)
    if key.fingerprint not in entered:
        details: Details = {"fingerprint": key.fingerprint, "algorithm": algorithm}
        store.enter(Entry(actor, "intake.own-key", HUB, clause="EM XIV.B", details=details))
    return key


def is_whole(handle: int, name: str) -> bool:
    """Tell whether the last byte of a file that was sent has come, by its form."""
    match name.rpartition(".")[2]:
        case "gpg":
            return openpgp.is_whole(handle)
        case "p7m":
            return cms.is_whole(handle)
    size = os.fstat(handle).st_size
    return size > len(END) and os.pread(handle, len(END), size - len(END)) == END


def is_to_receive(path: Path) -> bool:
    """Tell whether a file in the inbox is received by itself: no manifest, and not without its own."""
    if is_enveloped_name(path.name):
        return path.with_name(manifest_name(path.name)).is_file()
    return path.name.endswith(".sealed")


def _agreed(known: SenderKey | None, sent: Path) -> AgreedKey:
    if known is None:
        raise _no(sent, "sender-known", "no key is registered for its sender", "Register it first.")
    if known.algorithm != ALGORITHM_OF[sent.name.rpartition(".")[2]]:
        what = f"the algorithm agreed on with {known.owner} is {known.algorithm}"
        raise refuse(sent.name, "algorithm", "EM XIV.A", what, "Ask the agency to send it so, or agree anew.")
    return AgreedKey(known.owner, known.algorithm, known.fingerprint, known.text)


def _open(settings: Settings, sent: Path, key: AgreedKey, plain: Path, today: date) -> None:
    """Open one message; it may not become longer than it was sent, so what was compressed much is not taken."""
    limit = max(sent.stat().st_size, _MANIFEST_LIMIT)
    if key.algorithm == OPENPGP:
        openpgp.open_message(settings, sent, key, plain, limit)
    else:
        cms.open_message(settings, sent, key, plain, limit, today)


def _manifest(settings: Settings, named: Path, key: AgreedKey, today: date) -> Manifest:
    if named.stat().st_size > _MANIFEST_LIMIT:
        raise _no(named, "manifest", "it is longer than a manifest can be")
    with scratch(settings.runtime, "manifest") as folder:
        _open(settings, named, key, folder / "plain", today)
        try:
            return Manifest.model_validate_json((folder / "plain").read_bytes())
        except ValidationError as error:
            wrong = ", ".join(sorted({str(e["loc"][0]) for e in error.errors(include_input=False) if e["loc"]}))
            next = 'Write {"name": …, "sha256": …, "as_of": …, "consent": …, "limitations": …} as the guide says.'
            what = "it is no manifest" + (f"; missing, unknown or malformed: {_known(wrong)}" if wrong else "")
            raise Invalid(named.name, [Finding("manifest", "DSA II.H", "", what, next)]) from None


def _known(wrong: str) -> str:
    """Name only the keys of a manifest: others may hold anything."""
    return ", ".join(key if key in Manifest.model_fields else "a key of another name" for key in wrong.split(", "))


def _plain_name(sent: Path) -> str:
    """Give the name of the file inside: without its ending, and without the flag of a school's table."""
    return ".".join(sent.name.split(".")[:4])


def _flag(sent: Path, name: str) -> tuple[str, ...]:
    """Give the elements of a school's table as far as its name says them."""
    flag = sent.name.removeprefix(f"{name}.").rpartition(".")[0]
    return ("SASID", flag) if flag else ()


def _digest(sent: Path) -> str:
    with sent.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no(sent: Path, rule: str, what: str, next: str = "Ask the agency to send both files again.") -> Refused:
    return refuse(sent.name, rule, "EM XV.D", what, next)
