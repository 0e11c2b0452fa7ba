"""The ledger's own key: Ed25519 signed notes (C2SP), verified by anyone who holds the public line."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from enclave.errors import invalid
from enclave.vault.once import read_or_make

_ED25519 = b"\x01"
LEDGER = "p20win-enclave/ledger"
"""What the ledger is called in every checkpoint."""


def _key_id(name: str, raw: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]


@dataclass(frozen=True)
class NoteVerifier:
    """The ledger's public key, as the one line ``name+id+key`` of the signed-note format."""

    name: str
    key: ed25519.Ed25519PublicKey

    @property
    def line(self) -> str:
        """The verifier line that agencies keep."""
        raw = self.key.public_bytes_raw()
        return f"{self.name}+{_key_id(self.name, raw).hex()}+{base64.b64encode(_ED25519 + raw).decode()}"

    def __call__(self, keyed: bytes, message: bytes) -> bool:
        """Tell whether `keyed` (four bytes that name the key, then the signature) holds over `message`."""
        try:
            self.key.verify(keyed[4:], message)
        except InvalidSignature:
            return False
        return keyed[:4] == _key_id(self.name, self.key.public_bytes_raw())

    @classmethod
    def from_line(cls, line: str) -> NoteVerifier:
        """Read a verifier line."""
        try:
            name, _, key = line.strip().split("+", 2)
            raw = base64.b64decode(key, validate=True)
            if raw[:1] == _ED25519:
                return cls(name, ed25519.Ed25519PublicKey.from_public_bytes(raw[1:]))
        except ValueError:
            pass
        raise invalid(
            "ledger key", "verifier-line", "EM XVII.B", "not the public key of a ledger",
            "Give the line printed by `enclave ledger key`.",
        )  # fmt: skip


@dataclass(frozen=True)
class LedgerKey:
    """The private key that signs checkpoints."""

    name: str
    key: ed25519.Ed25519PrivateKey

    @property
    def verifier(self) -> NoteVerifier:
        """The public half."""
        return NoteVerifier(self.name, self.key.public_key())

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key in a note."""
        return _key_id(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a checkpoint's text."""
        return self.key.sign(message)

    @classmethod
    def open(cls, folder: Path, name: str = LEDGER) -> LedgerKey:
        """Read the ledger's key in `folder`, or make it the first time."""
        key = serialization.load_der_private_key(read_or_make(folder / "ledger.key", _new_key), None)
        if not isinstance(key, ed25519.Ed25519PrivateKey):
            raise invalid("ledger key", "key-file", "EM XVII.B", "not an Ed25519 key", "Restore it from backup.")
        return cls(name, key)


def _new_key() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
