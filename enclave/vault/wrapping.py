"""Key-encrypting keys: what every place for them does, and files on another volume.

Source: DSA VI.H; EM XV.D.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from enclave.errors import refuse
from enclave.terms import HUB
from enclave.vault.once import overwrite, read_or_make


class KeyEncryptingKeys(Protocol):
    """Keys by id that wrap data keys, each with its own; none is ever given away.

    A place that cannot be asked refuses (``key-service``, ``key-volume``): that a key is not seen there is no word
    that there is none.
    """

    def create(self, key_id: str) -> None:
        """Make the key of this id; one that is there stays."""

    def exists(self, key_id: str) -> bool:
        """Tell whether there is one."""

    def wrap(self, key_id: str, data_key: bytes) -> bytes:
        """Encrypt a data key, bound to the id."""

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Decrypt a data key.

        Raises
        ------
        InvalidTag
            If this was not wrapped with the key of this id.
        """

    def destroy(self, key_id: str) -> None:
        """Destroy a key for good; safe to repeat after a crash."""


@dataclass(frozen=True)
class KeyVolume:
    """Files in a folder: on another volume than what they open, and not in its backups.

    Where the volume is not mounted an empty folder stands in its place; the hub's own keys, which lie on the volume
    too, tell the two apart.
    """

    folder: Path

    def create(self, key_id: str) -> None:
        """Make the key of this id; one that is there stays."""
        read_or_make(self._file(key_id), lambda: AESGCM.generate_key(256))

    def exists(self, key_id: str) -> bool:
        """Tell whether there is one; a volume that is not mounted is no answer."""
        return self._file(key_id).exists()

    def wrap(self, key_id: str, data_key: bytes) -> bytes:
        """Encrypt a data key: a nonce of 12 bytes, then AES-256-GCM."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self._file(key_id).read_bytes()).encrypt(nonce, data_key, key_id.encode())

    def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Decrypt a data key."""
        return AESGCM(self._file(key_id).read_bytes()).decrypt(wrapped[:12], wrapped[12:], key_id.encode())

    def destroy(self, key_id: str) -> None:
        """Overwrite and unlink a key."""
        overwrite(self._file(key_id))

    def _file(self, key_id: str) -> Path:
        if not (self.folder / f"{HUB}.private.json").is_file():
            raise refuse(
                key_id, "key-volume", "EM XV.D", "the volume of the keys is not there",
                "Nothing was opened or changed. Mount it where `keys` of enclave.toml says; then try again.",
            )  # fmt: skip
        return self.folder / f"{key_id}.kek"
