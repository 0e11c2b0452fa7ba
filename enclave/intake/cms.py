"""Files that were signed and encrypted with `openssl cms`, for agencies that have a certificate and no gpg.

DER throughout: authenticated-enveloped data with AES-256-GCM, and in it signed data with one signer, who is the one
whose certificate is registered. openssl holds a file two and a half times in memory, so none over 1 GiB is opened.

Source: EM XIV.A; EM XV.D; DSA II.I.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from enclave.errors import Refused, refuse
from enclave.intake.programs import OWN_KEY, OWN_KEY_NEXT, run
from enclave.settings import Settings
from enclave.terms import HUB
from enclave.vault.agreed import AgreedKey, certificate_of, last_day

SIZE_CAP = 1024**3
_SEQUENCE, _SET, _OID, _CONTENT = 0x30, 0x31, 0x06, 0xA0
_AUTH_ENVELOPED = bytes.fromhex("2a864886f70d0109100117")
_SIGNED = bytes.fromhex("2a864886f70d010702")
_DATA = bytes.fromhex("2a864886f70d010701")
_AES256_GCM = bytes.fromhex("60864801650304012e")
_HASHES = {bytes.fromhex(f"60864801650304020{n}") for n in (1, 2, 3)}
"""SHA-256, SHA-384 and SHA-512."""
# the private key is opened by a path: a descriptor that is shared would be at its end the second time
_DECRYPT = "cat <&$own >own; openssl cms -decrypt -binary -inform DER -inkey own -recip own <&$sent"
_VERIFY = (
    "cat <&$public >signer; openssl cms -verify -binary -inform DER -nointern -certfile signer -noverify <&$signed"
)


class _Part(NamedTuple):
    """A part of a DER file: its tag, and where its content begins and ends."""

    tag: int
    start: int
    end: int


def is_whole(handle: int) -> bool:
    """Tell whether a file is one CMS structure in DER, to its last byte."""
    try:
        (whole,) = _parts(handle, 0, os.fstat(handle).st_size)
    except ValueError:
        return False
    return whole.tag == _SEQUENCE


def open_message(settings: Settings, sent: Path, known: AgreedKey, plain: Path, limit: int, today: date) -> None:
    """Decrypt and verify a message to `plain`; nothing is there unless it is wholly as it must be.

    Source: EM XV.D; DSA II.I.

    Raises
    ------
    Refused
        If one bit was altered, it is longer than 1 GiB, or it was not signed with the registered certificate,
        encrypted to ours, and with AES-256-GCM.
    """
    if sent.stat().st_size > SIZE_CAP:
        raise _no(sent, "length", "it is longer than 1 GiB", "Agree on OpenPGP, or on our own seal, for such a file.")
    if last_day(known.text) < today:
        raise _no(sent, "expired", "the registered certificate has expired", "Register the agency's new one.")
    _hold_to(sent, _enveloped, "form", "it is no CMS file in DER with AES-256-GCM, or was cut short")
    own, signed = certificate_of(settings.keys, HUB), plain.with_name(f"{plain.name}.signed")
    if not own.exists():
        raise _no(sent, OWN_KEY, "the hub's own certificate is not there", OWN_KEY_NEXT)
    try:
        if run(settings, _DECRYPT, {"own": own, "sent": sent}, signed, limit)[0] != 0:
            raise _no(sent, "decryption", "it does not open with the hub's key, or was altered")
        _hold_to(sent, _signed_once, "unsigned", "it is not signed once, inside, with SHA-2", signed)
        given: dict[str, Path | bytes] = {"public": known.text.encode(), "signed": signed}
        if run(settings, _VERIFY, given, plain, limit)[0] != 0:
            raise _no(sent, "signature", "the signature of the registered certificate does not hold over it")
    except BaseException:
        plain.unlink(missing_ok=True)
        raise
    finally:
        signed.unlink(missing_ok=True)


def _hold_to(sent: Path, form: Callable[[int], bool], rule: str, what: str, read: Path | None = None) -> None:
    with (read or sent).open("rb") as file:
        try:
            fits = form(file.fileno())
        except ValueError:
            fits = False
    if not fits:
        raise _no(sent, rule, what)


def _enveloped(handle: int) -> bool:
    """Tell whether it is authenticated-enveloped data with AES-256-GCM (RFC 5083, RFC 5084)."""
    _, parts = _content(handle, _AUTH_ENVELOPED)
    (inner,) = [part for part in parts if part.tag == _SEQUENCE]
    kind, algorithm, _ = _parts(handle, inner.start, inner.end)
    return _oid(handle, kind) == _DATA and _oid(handle, _first(handle, algorithm)) == _AES256_GCM


def _signed_once(handle: int) -> bool:
    """Tell whether it is signed data of one signer, who used SHA-2 (RFC 5652, 5.1)."""
    _, parts = _content(handle, _SIGNED)
    hashes, signers = [part for part in parts if part.tag == _SET]
    used = {_oid(handle, _first(handle, one)) for one in _parts(handle, hashes.start, hashes.end)}
    return bool(used) and used <= _HASHES and len(list(_parts(handle, signers.start, signers.end))) == 1


def _content(handle: int, oid: bytes) -> tuple[_Part, list[_Part]]:
    """Give the content of a file of one kind, and its parts.

    Raises
    ------
    ValueError
        If it is of another kind, or not DER.
    """
    (whole,) = _parts(handle, 0, os.fstat(handle).st_size)
    kind, wrapped = _parts(handle, whole.start, whole.end)
    (content,) = _parts(handle, wrapped.start, wrapped.end)
    if (whole.tag, wrapped.tag, content.tag) != (_SEQUENCE, _CONTENT, _SEQUENCE) or _oid(handle, kind) != oid:
        raise ValueError("another kind")
    return content, list(_parts(handle, content.start, content.end))


def _parts(handle: int, at: int, end: int) -> Iterator[_Part]:
    """Give the parts that lie side by side between two places, and fill what is between them.

    Raises
    ------
    ValueError
        If one is cut short, or has no definite length.
    """
    while at < end:
        head = os.pread(handle, 10, at)
        if len(head) < 2 or head[0] & 0x1F == 0x1F or not 0 <= (octets := max(0, head[1] - 0x80)) <= 8:
            raise ValueError("not DER")
        if head[1] == 0x80 or len(head) < 2 + octets:
            raise ValueError("no definite length")
        length = int.from_bytes(head[2 : 2 + octets]) if octets else head[1]
        start = at + 2 + octets
        at = start + length
        if at > end:
            raise ValueError("cut short")
        yield _Part(head[0], start, at)


def _first(handle: int, part: _Part) -> _Part:
    return next(_parts(handle, part.start, part.end), _Part(0, 0, 0))


def _oid(handle: int, part: _Part) -> bytes:
    return os.pread(handle, min(part.end - part.start, 32), part.start) if part.tag == _OID else b""


def _no(sent: Path, rule: str, what: str, next: str = "") -> Refused:
    then = "Nothing of it was kept. The agency signs and encrypts it again as the steward's guide says."
    return refuse(sent.name, f"cms-{rule}", "EM XV.D", what, next or then)
