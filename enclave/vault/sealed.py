"""The sealed file, version 1: what an agency sends.

::

    "SLDSEAL1" | u32 length | header (RFC 8785 JSON) | u16 length | HPKE | Cobblestone-256 body
               | ECDSA signature (DER) | u16 length | "1LAESDLS"

The signature is over the SHA-256 of every byte before it; it is checked over the whole file before the first
plaintext byte is written. Header, sender and recipient are bound to the key through the HPKE info and the
Cobblestone context. Nothing is negotiated: an unknown algorithm is refused.

Source: EM XV.D; DSA II.I; EM XII.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import rfc8785
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from pydantic import BaseModel, ConfigDict

from enclave.errors import Refused, refuse
from enclave.vault.keys import PrivateKeys, PublicKeys

MAGIC, END = b"SLDSEAL1", b"1LAESDLS"
ALGORITHM = "HPKE-P256-SHA256-AES256GCM+Cobblestone256+ECDSA-P256-SHA256"
CHUNK = 1 << 20
_HEADER_LIMIT = 1 << 16
_DOMAIN = b"slds-sealed-file/v1\0"
_SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class Consent(StrEnum):
    """What an agency says of the consent of those in a file (EM XIII.C).

    `OBTAINED` says that the agency knows of none in it that has expired, is not filled out, was revoked, is made a
    condition or is false (EM XIII.C.2).
    """

    NOT_REQUIRED = "not required"
    OBTAINED = "obtained"


class EncodedWith(BaseModel):
    """What encodings were made with: SHA-256 of the parameters, and a check value of the agencies' secret (hex).

    Source: EM IX.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_sha256: str
    key_check: str


class Header(BaseModel):
    """The transmittal's manifest, readable without a key and covered by the signature.

    Source: EM XV.D (source and destination); DSA II.H.1 (as-of date); EM XVII.B (elements, DR).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    v: int = 1
    alg: str = ALGORITHM
    id: str
    source: str
    source_key: str
    destination: str
    destination_key: str
    project: str
    name: str
    contents: str
    elements: tuple[str, ...]
    rows: int
    as_of: date
    created: datetime
    specification: str = "P20WIN-files/2022"
    limitations: str = ""
    consent: Consent = Consent.NOT_REQUIRED
    encoded_with: EncodedWith | None = None

    def canonical(self) -> bytes:
        """Give the canonical bytes that stand in the file."""
        return rfc8785.dumps(self.model_dump(mode="json"))


def seal_file(plain: Path, sealed: Path, header: Header, sender: PrivateKeys, recipient: PublicKeys) -> Path:
    """Seal a file to one recipient and sign it; in constant memory, and never half written.

    Source: DSA II.I; EM XV.D.
    """
    head = header.canonical()
    context = _DOMAIN + head
    key = Cobblestone256Encryptor.generate_key()
    wrapped = _SUITE.encrypt(key, recipient.seal, info=context)
    partial = sealed.with_name(sealed.name + ".partial")
    digest = hashlib.sha256()
    with plain.open("rb") as source, partial.open("wb") as target:

        def emit(block: bytes) -> None:
            digest.update(block)
            target.write(block)

        emit(MAGIC + struct.pack(">I", len(head)) + head + struct.pack(">H", len(wrapped)) + wrapped)
        encryptor = Cobblestone256Encryptor(key, context)
        while block := source.read(CHUNK):
            emit(encryptor.update(block))
        emit(encryptor.finalize())
        signature = sender.signs(digest.digest())
        target.write(signature + struct.pack(">H", len(signature)) + END)
        target.flush()
        os.fsync(target.fileno())
    partial.replace(sealed)
    return sealed


def read_header(path: Path) -> Header:
    """Read the manifest of a sealed file; nothing is verified yet.

    Raises
    ------
    Refused
        If it is not a sealed file of version 1, or names another algorithm.
    """
    with path.open("rb") as file:
        return _read_header(file, path.name)[0]


def unseal_file(path: Path, plain: Path, recipient: PrivateKeys, sender: PublicKeys) -> Header:
    """Verify a sealed file wholly, then decrypt it to `plain`.

    Source: EM XV.D; DSA II.I.

    Raises
    ------
    Refused
        If one bit was altered, the sender is another, or it was sealed to another hub. Nothing is written then.
    """
    with path.open("rb") as file:
        header, wrapped, start = _read_header(file, path.name)
        if header.destination_key != recipient.public.fingerprint:
            raise _no(path, "recipient", f"it is sealed to another key of {header.destination}")
        if header.source_key != sender.fingerprint:
            raise _no(path, "sender", f"it is not made with the registered key of {header.source}")
        end = _verify(file, path, sender)
        context = _DOMAIN + header.canonical()
        try:
            key = _SUITE.decrypt(wrapped, recipient.seal, info=context)
            _decrypt(file, start, end, Cobblestone256Decryptor(key, context), plain)
        except (InvalidTag, ValueError) as error:
            plain.unlink(missing_ok=True)
            raise _no(path, "decryption", "the content does not open with its key") from error
    return header


def _read_header(file: BinaryIO, name: str) -> tuple[Header, bytes, int]:
    path = Path(name)
    if file.read(len(MAGIC)) != MAGIC:
        raise _no(path, "format", "it is not a sealed file of version 1")
    try:
        (length,) = struct.unpack(">I", file.read(4))
        raw = file.read(min(length, _HEADER_LIMIT))
        header = Header.model_validate_json(raw)
        (size,) = struct.unpack(">H", file.read(2))
        wrapped = file.read(size)
        canonical = header.canonical()
    except (struct.error, ValueError) as error:  # not JSON, not a header, or a number JSON cannot hold
        raise _no(path, "header", "its header cannot be read") from error
    if header.alg != ALGORITHM or header.v != 1:
        raise _no(path, "algorithm", "it is sealed with another algorithm than the one agreed on")
    if canonical != raw or len(wrapped) != size:
        raise _no(path, "header", "its header is not in canonical form")
    return header, wrapped, file.tell()


def _verify(file: BinaryIO, path: Path, sender: PublicKeys) -> int:
    """Check the signature over the whole file; give the offset where the body ends."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - len(END) - 2))
    tail = file.read()
    if len(tail) != len(END) + 2 or tail[2:] != END:
        raise _no(path, "signature", "it is cut short")
    length = int.from_bytes(tail[:2], "big")
    body_end = size - len(END) - 2 - length
    if body_end <= 0:
        raise _no(path, "signature", "it is cut short")
    digest = hashlib.sha256()
    for block in _blocks(file, 0, body_end):
        digest.update(block)
    if not sender.verifies(file.read(length), digest.digest()):
        raise _no(path, "signature", f"the signature of {sender.owner} does not hold over its bytes")
    return body_end


def _decrypt(file: BinaryIO, start: int, end: int, decryptor: Cobblestone256Decryptor, plain: Path) -> None:
    handle = os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as target:
        for block in _blocks(file, start, end):
            target.write(decryptor.update(block))
        target.write(decryptor.finalize())


def _blocks(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    left = end - start
    while left > 0:
        block = file.read(min(CHUNK, left))
        if not block:
            return
        left -= len(block)
        yield block


def _no(path: Path, rule: str, what: str) -> Refused:
    return refuse(
        path.name, f"sealed-{rule}", "EM XV.D", what,
        "Nothing was opened. Ask the sending agency to seal the file again with `enclave seal` and its "
        "registered keys.",
    )  # fmt: skip
