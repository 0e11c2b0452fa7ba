"""Keys of projects, match jobs and transmittals: made, used through files only, shredded.

Each has a data key, kept wrapped beside the data, and a key-encrypting key, kept elsewhere. Destroying either makes
what they seal unreadable; `shred` destroys both (NIST SP 800-88 Rev. 2, cryptographic erase).

A file at rest is ciphertext, then the hub's signature (ECDSA, DER) over it and over what the file is, whose, and for
whom, then the signature's length in two bytes. Without the signature it does not open.

Source: DSA VI.H; DSA II.I; DSA III.F.3; EM XV.D.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from enclave.errors import Refused, refuse
from enclave.vault.keys import PrivateKeys
from enclave.vault.once import overwrite
from enclave.vault.wrapping import KeyEncryptingKeys

CHUNK = 1 << 20
_DOMAIN = b"p20win-at-rest/v1\0"
_LENGTH = 2


@dataclass(frozen=True)
class Seal:
    """A file at rest: where it is, what it is sealed under, and what stands there.

    Parameters
    ----------
    key_id : str
        Of its data key.
    context : str
        Project, file, version, whose and for whom; it is signed with the file, so that a sealed file put in another's
        place does not open.
    sha256 : str
        Of the sealed file as it was entered (hex); empty where it was not.
    """

    path: Path
    key_id: str
    context: str
    sha256: str = ""


@dataclass(frozen=True)
class Keystore:
    """Data keys by id; no method gives a key away.

    Parameters
    ----------
    keys : KeyEncryptingKeys
        On another volume in production, or a service's.
    wraps : Path
        Folder of the wrapped data keys, beside what they seal.
    hub : PrivateKeys
        The hub's own: it signs what is kept, and its signature is asked for at each use.
    """

    keys: KeyEncryptingKeys
    wraps: Path
    hub: PrivateKeys

    def create(self, key_id: str) -> None:
        """Make the data key `key_id`; does nothing when it is there (a crash before the entry was written).

        One process at a time: what one had sealed would not open with the key another made a moment later.

        Raises
        ------
        Refused
            If there is a wrapped key of this id that nothing unwraps.
        """
        with _alone_in(self.wraps):
            if not self.exists(key_id):
                if self._wrap(key_id).exists():  # another key in its place would close what was sealed for good
                    raise self._no(key_id, "its key-encrypting key is not there, and there is a key that needs it")
                self.keys.create(key_id)
                _write(self._wrap(key_id), self.keys.wrap(key_id, Cobblestone256Encryptor.generate_key()))

    def named(self, prefix: str = "") -> list[str]:
        """Give the ids of the wrapped keys that begin with `prefix`, in order."""
        return sorted(path.stem for path in self.wraps.glob(f"{prefix}*.wrap"))

    def exists(self, key_id: str) -> bool:
        """Tell whether the key can still be used."""
        return self._wrap(key_id).exists() and self.keys.exists(key_id)

    def fingerprint(self, key_id: str) -> str:
        """Give the SHA-256 of the wrapped key (hex), empty where there is none: it names the key."""
        wrap = self._wrap(key_id)
        return hashlib.sha256(wrap.read_bytes()).hexdigest() if wrap.exists() else ""

    def lost(self, key_id: str) -> bool:
        """Tell whether the key-encrypting key is not where it is kept, though there is a wrapped key that needs it.

        It was not destroyed here, which leaves neither. Whoever has both, out of copies, opens what they seal.
        """
        return self._wrap(key_id).exists() and not self.keys.exists(key_id)

    def seal(self, plain: Path, seal: Seal) -> str:
        """Seal a file at rest and sign it; give the SHA-256 (hex) of what is written.

        Source: DSA II.I; EM XV.D.
        """
        encryptor = Cobblestone256Encryptor(self._data_key(seal.key_id), seal.context.encode())
        digest = hashlib.sha256()
        partial = seal.path.with_name(seal.path.name + ".partial")
        seal.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with plain.open("rb") as source, partial.open("wb") as target:

                def emit(block: bytes) -> None:
                    digest.update(block)
                    target.write(block)

                while block := source.read(CHUNK):
                    emit(encryptor.update(block))
                emit(encryptor.finalize())
                signature = self.hub.signs(_statement(seal.context, digest.digest()))
                emit(signature + len(signature).to_bytes(_LENGTH, "big"))
                target.flush()
                os.fsync(target.fileno())
        except OSError:
            partial.unlink(missing_ok=True)  # on a full disk it would be in the way of the next
            raise
        partial.replace(seal.path)
        return digest.hexdigest()

    def unseal(self, seal: Seal, plain: Path) -> None:
        """Open a file sealed at rest, if the hub's signature over it holds.

        Source: EM XV.D.

        Raises
        ------
        Refused
            If the key is shredded, or the file is missing, altered, not signed by the hub for this place, or not the
            one that was entered; `plain` is not left.
        """
        if not seal.path.is_file():
            raise self._no(seal.key_id, "the sealed file is missing")
        digest = hashlib.sha256()
        decryptor = Cobblestone256Decryptor(self._data_key(seal.key_id), seal.context.encode())
        try:
            handle = os.open(plain, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with seal.path.open("rb") as source, os.fdopen(handle, "wb") as target:
                left, end = _parts(source)
                while left and (block := source.read(min(CHUNK, left))):
                    left -= len(block)
                    digest.update(block)
                    target.write(decryptor.update(block))
                target.write(decryptor.finalize())
        except (InvalidTag, ValueError) as error:
            plain.unlink(missing_ok=True)
            raise self._no(seal.key_id, "the sealed file is altered or not of this place") from error
        if not self.hub.public.verifies(end[:-_LENGTH], _statement(seal.context, digest.digest())):
            plain.unlink(missing_ok=True)
            raise self._no(seal.key_id, "the hub's signature over the sealed file does not hold")
        digest.update(end)
        if seal.sha256 not in ("", digest.hexdigest()):
            plain.unlink(missing_ok=True)
            raise self._no(seal.key_id, "the sealed file is not the one in the manifest")

    def intact(self, seal: Seal) -> bool:
        """Tell whether a file is byte for byte what the hub sealed in its place; no key is asked for, nothing opened.

        Source: EM XV.D.
        """
        digest = hashlib.sha256()
        try:
            with seal.path.open("rb") as source:
                left, end = _parts(source)
                while left and (block := source.read(min(CHUNK, left))):
                    left -= len(block)
                    digest.update(block)
        except (OSError, ValueError):
            return False
        signed = self.hub.public.verifies(end[:-_LENGTH], _statement(seal.context, digest.digest()))
        digest.update(end)
        return signed and seal.sha256 in ("", digest.hexdigest())

    def hold_usable(self, key_id: str) -> None:
        """See that a key opens; it is not kept.

        Raises
        ------
        Refused
            If it is not there, was altered, or the place of the keys does not answer.
        """
        self._data_key(key_id)

    def shred(self, key_id: str) -> None:
        """Destroy both halves of a key. Safe to repeat after a crash."""
        self.keys.destroy(key_id)
        overwrite(self._wrap(key_id))

    def came_back(self, key_id: str, destroyed: Collection[str] | None) -> bool:
        """Tell whether a key is there again, or half of it.

        Parameters
        ----------
        destroyed : collection of str or None
            Fingerprints of the keys of this id that were destroyed; None where no other can be made in their place.
        """
        with _alone_in(self.wraps):
            return self._came_back(key_id, destroyed)

    def shred_again(self, key_id: str, destroyed: Collection[str] | None) -> None:
        """Destroy a key that has come back, unless another is made in its place in this moment.

        Source: DSA VI.H.
        """
        with _alone_in(self.wraps):
            if self._came_back(key_id, destroyed):
                self.shred(key_id)

    def _came_back(self, key_id: str, destroyed: Collection[str] | None) -> bool:
        fingerprint = self.fingerprint(key_id)
        if fingerprint and destroyed is not None:
            return fingerprint in destroyed
        return bool(fingerprint) or self.keys.exists(key_id)

    def _data_key(self, key_id: str) -> bytes:
        try:
            if self.exists(key_id):
                return self.keys.unwrap(key_id, self._wrap(key_id).read_bytes())
        except FileNotFoundError:  # destroyed in this moment
            pass
        except InvalidTag as error:
            raise self._no(key_id, "its key does not open") from error
        raise self._no(key_id, "its key has been destroyed or was never made")

    def _wrap(self, key_id: str) -> Path:
        return self.wraps / f"{key_id}.wrap"

    @staticmethod
    def _no(key_id: str, what: str) -> Refused:
        return refuse(
            key_id, "sealed-at-rest", "DSA VI.H", what,
            "Nothing was opened. If it should be there, open an incident; if not, see its certificate.",
        )  # fmt: skip


def _statement(context: str, ciphertext: bytes) -> bytes:
    """Give the SHA-256 of what the hub signs: that this ciphertext (its SHA-256) is what `context` names."""
    return hashlib.sha256(_DOMAIN + context.encode() + b"\0" + ciphertext).digest()


def _parts(sealed: BinaryIO) -> tuple[int, bytes]:
    """Give the length of the ciphertext, and what stands behind it: the signature and its length."""
    size = sealed.seek(0, os.SEEK_END)
    sealed.seek(max(0, size - _LENGTH))
    behind = int.from_bytes(sealed.read(_LENGTH), "big") + _LENGTH
    if behind > size:
        raise ValueError(behind)
    sealed.seek(size - behind)
    end = sealed.read(behind)
    sealed.seek(0)
    return size - behind, end


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
