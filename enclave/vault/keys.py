"""A party's two key pairs: one seals to it (HPKE), one signs for it (ECDSA), both on P-256.

P-256 throughout, so that a FIPS 140 module can do all of it (EM XV.A.1).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from enclave.errors import invalid
from enclave.vault.once import write_once

PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))


@dataclass(frozen=True)
class PublicKeys:
    """What others need to know of a party: seal to it, check its signatures."""

    owner: str
    seal: ec.EllipticCurvePublicKey
    sign: ec.EllipticCurvePublicKey

    @property
    def fingerprint(self) -> str:
        """SHA-256 over both public keys (hex): what two people read to each other on the telephone."""
        return hashlib.sha256(_spki(self.seal) + _spki(self.sign)).hexdigest()

    def verifies(self, signature: bytes, digest: bytes) -> bool:
        """Tell whether `signature` is this party's over the SHA-256 `digest`."""
        try:
            self.sign.verify(signature, digest, PREHASHED)
        except InvalidSignature:
            return False
        return True

    def to_text(self) -> str:
        """Give the public keys as the JSON that is exchanged."""
        body = {"owner": self.owner, "seal": _spki(self.seal).hex(), "sign": _spki(self.sign).hex()}
        return json.dumps({"p20win-public-keys": 1, **body}, indent=1)


@dataclass(frozen=True)
class PrivateKeys:
    """A party's own keys; they stay with it."""

    owner: str
    seal: ec.EllipticCurvePrivateKey
    sign: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> PublicKeys:
        """The public half."""
        return PublicKeys(self.owner, self.seal.public_key(), self.sign.public_key())

    def signs(self, digest: bytes) -> bytes:
        """Sign a SHA-256 `digest`; gives an ECDSA signature in DER."""
        return self.sign.sign(digest, PREHASHED)

    def to_text(self) -> str:
        """Give the private keys as JSON; write it where only the owner reads it."""
        body = {"owner": self.owner, "seal": _pkcs8(self.seal).hex(), "sign": _pkcs8(self.sign).hex()}
        return json.dumps({"p20win-private-keys": 1, **body}, indent=1)


def new_keys(owner: str) -> PrivateKeys:
    """Make both key pairs of a party."""
    curve = ec.SECP256R1()
    return PrivateKeys(owner, ec.generate_private_key(curve), ec.generate_private_key(curve))


def write_keys(keys: PrivateKeys, folder: Path) -> tuple[Path, Path]:
    """Write ``OWNER.private.json`` (mode 0400) and ``OWNER.public.json``; never over existing keys."""
    private, public = folder / f"{keys.owner}.private.json", folder / f"{keys.owner}.public.json"
    try:
        write_once(private, keys.to_text().encode())
    except FileExistsError as error:
        raise invalid(
            private.name, "keys-exist", "EM XIV.B", "there are keys of this party here already",
            "Choose another folder; the old keys are still needed to open what was sealed to them.",
        ) from error  # fmt: skip
    public.write_text(keys.public.to_text(), "utf-8")
    return private, public


def read_private(path: Path) -> PrivateKeys:
    """Read a party's own keys."""
    body = _body(_text(path), "p20win-private-keys", path)
    try:
        seal, sign = (serialization.load_der_private_key(bytes.fromhex(body[k]), None) for k in ("seal", "sign"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_keys(path) from error
    if not isinstance(seal, ec.EllipticCurvePrivateKey) or not isinstance(sign, ec.EllipticCurvePrivateKey):
        raise _not_keys(path)
    return PrivateKeys(body["owner"], seal, sign)


def read_public(path: Path) -> PublicKeys:
    """Read a party's public keys."""
    return public_from_text(_text(path), path)


def public_from_text(text: str, path: Path = Path("public keys")) -> PublicKeys:
    """Read a party's public keys from their JSON."""
    body = _body(text, "p20win-public-keys", path)
    try:
        seal, sign = (serialization.load_der_public_key(bytes.fromhex(body[k])) for k in ("seal", "sign"))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _not_keys(path) from error
    if not isinstance(seal, ec.EllipticCurvePublicKey) or not isinstance(sign, ec.EllipticCurvePublicKey):
        raise _not_keys(path)
    if not all(isinstance(key.curve, ec.SECP256R1) for key in (seal, sign)):
        raise _not_keys(path)
    return PublicKeys(body["owner"], seal, sign)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise _not_keys(path) from error


def _body(text: str, mark: str, path: Path) -> dict[str, str]:
    try:
        body = json.loads(text)
        if body[mark] == 1 and {"owner", "seal", "sign"} <= body.keys():
            return {k: str(body[k]) for k in ("owner", "seal", "sign")}
    except (ValueError, KeyError, TypeError):
        pass
    raise _not_keys(path)


def _not_keys(path: Path) -> Exception:
    return invalid(
        path.name, "key-file", "EM XIV.B", "no key file of the expected kind",
        "Make one with `enclave keys new`, or name the right file.",
    )  # fmt: skip


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
