"""The agency's side: one plain file becomes one sealed transmittal. Needs no store and no hub.

Source: DSA II.I; EM XV.D; EM XII.
"""

from __future__ import annotations

import tempfile
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

from enclave.agreement import Policy
from enclave.errors import Finding, Refused, refuse
from enclave.intake.checks import header_findings, looks_like_header
from enclave.intake.encodings import encode_file, encoded_with
from enclave.intake.examine import examine, turn_away
from enclave.intake.names import FileName, Layout, is_encoded, own_layout, parse_file_name, sealed_name
from enclave.intake.textfile import read_columns, scan
from enclave.terms import GENERIC_ID, HUB
from enclave.vault import Consent, EncodingSecret, Header, PrivateKeys, PublicKeys, seal_file


def seal_transmittal(
    plain: Path,
    *,
    policy: Policy,
    sender: PrivateKeys,
    hub: PublicKeys,
    as_of: date,
    out: Path,
    created: datetime,
    limitations: str = "",
    consent: Consent = Consent.NOT_REQUIRED,
    secret: EncodingSecret | None = None,
) -> Path:
    """Seal an agency's file to the hub and sign it; name and header line give most of the manifest.

    Source: DSA II.I; DSA II.H; EM XV.D; EM XVII.B.

    Parameters
    ----------
    policy : Policy
        The agreement, for its layouts; an agency compiles it from its own copy.
    as_of : date
        Day for which the data are complete (DSA II.H.1).
    consent : Consent
        What the agency says of the consent of those in the file (EM XIII.C).
    out : Path
        The sealed file, or an existing folder in which it gets the name the hub's inbox expects.
    secret : EncodingSecret, optional
        What identifiers are encoded with, where the agreement promises encodings; nothing else is sealed then.

    Returns
    -------
    Path
        The sealed file.

    Raises
    ------
    Invalid
        If the file is wrongly named or has no header line: then a person's values would stand in the manifest.
    Refused
        If the file is of another project or party, or not expected; if encodings are promised and there is no secret
        to make them with, or the other way round.
    """
    name = parse_file_name(plain.name)
    columns = read_columns(plain)
    layout = _expected(policy, name, columns, sender.owner)
    if not looks_like_header(columns, layout):
        turn_away(plain.name, header_findings(columns, layout, plain.name))
    _hold_promise(policy, name, secret)
    target = out / sealed_name(plain.name, columns) if out.is_dir() else out

    def seal(sent: Path) -> Path:
        header = _header(sent, policy, sender, hub, as_of, created, limitations, consent, secret)
        return seal_file(sent, target, header, sender, hub)

    if secret is None:
        return seal(plain)
    with tempfile.TemporaryDirectory(prefix=".encode-", dir=plain.parent) as folder:
        return seal(encode_file(plain, layout, policy, secret, Path(folder)))


def _header(
    sent: Path,
    policy: Policy,
    sender: PrivateKeys,
    hub: PublicKeys,
    as_of: date,
    created: datetime,
    limitations: str,
    consent: Consent,
    secret: EncodingSecret | None,
) -> Header:
    columns = read_columns(sent)
    return Header(
        id=str(uuid4()),
        source=sender.owner,
        source_key=sender.public.fingerprint,
        destination=HUB,
        destination_key=hub.fingerprint,
        project=policy.project,
        name=sent.name,
        contents=parse_file_name(sent.name).contents,
        elements=tuple(column for column in columns if column != GENERIC_ID),
        rows=scan(sent, len(columns)).rows,
        as_of=as_of,
        created=created,
        limitations=limitations,
        consent=consent,
        encoded_with=encoded_with(policy, secret) if secret else None,
    )


def check_file(plain: Path, policy: Policy) -> tuple[Finding, ...]:
    """Run the hub's checks before sending; give what the hub would turn the file away for.

    Source: EM XII.A; EM XII.B; DSA II.H.
    """
    name = parse_file_name(plain.name)
    layout = _expected(policy, name, read_columns(plain), name.source)
    with (
        tempfile.TemporaryDirectory(prefix=".check-", dir=plain.parent) as spool,
        examine(plain, plain.name, layout, Path(spool)) as examined,
    ):
        return examined.findings


def _expected(policy: Policy, name: FileName, columns: tuple[str, ...], sender: str) -> Layout:
    if name.project != policy.project:
        raise _no(name, f"it is for {name.project}", f"Seal it with the agreement of {name.project}.")
    if name.source != sender:
        raise _no(name, f"it is of {name.source}, the keys are of {sender}", "Use the keys of the file's agency.")
    layout = own_layout(policy, name.source, name.contents, columns)
    if layout is None:
        expected = ", ".join(" ".join(pair) for pair in policy.expected())
        raise _no(name, "the agreement expects no such file of this party", f"Expected: {expected}.")
    return layout


def _hold_promise(policy: Policy, name: FileName, secret: EncodingSecret | None) -> None:
    """Seal identifiers only where no encodings are promised, and encodings only where they are.

    Source: EM IX; DSA VI.A.
    """
    promised = is_encoded(policy, name.source, name.contents)
    if promised and secret is None:
        raise refuse(
            f"{name.source} {name.contents}", "encodings-promised", "EM IX",
            "the agreement promises encodings of this file, not identifiers",
            "Seal it with --pprl and the secret the agencies share.",
        )  # fmt: skip
    if secret is not None and not promised:
        raise refuse(
            f"{name.source} {name.contents}", "encodings-not-promised", "DSA VI.A",
            "the agreement has no encodings of this file", "Seal it without --pprl.",
        )  # fmt: skip


def _no(name: FileName, what: str, next: str) -> Refused:
    return refuse(f"{name.source} {name.contents}", "file-expected", "ExA 1.e", what, next)
