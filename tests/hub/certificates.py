"""A certification authority of a test's own."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Authority:
    """An authority that certifies servers."""

    folder: Path
    _key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)

    @property
    def certificate(self) -> Path:
        """What a client believes in."""
        path = self.folder / "ca.pem"
        if not path.exists():
            path.write_bytes(self._issued(_name("authority of a test"), self._key, None))
        return path

    def issue(self, host: str, certificate: Path, key: Path) -> None:
        """Write a new key, its owner's alone, and a certificate for a host."""
        made = _new_key()
        key.touch(mode=0o600)
        key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificate.write_bytes(self._issued(_name(host), made, x509.SubjectAlternativeName([x509.DNSName(host)])))

    def _issued(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, host: x509.SubjectAlternativeName | None
    ) -> bytes:
        about = x509.CertificateBuilder(
            _name("authority of a test"), subject, key.public_key(), x509.random_serial_number(),
            NOW - datetime.timedelta(days=1), NOW + datetime.timedelta(days=30),
        )  # fmt: skip
        about = about.add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        if host is not None:
            about = about.add_extension(host, critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        about = about.add_extension(identifier, critical=False)
        unused = (
            "content_commitment key_encipherment data_encipherment key_agreement crl_sign encipher_only decipher_only"
        )
        usage = dict.fromkeys(unused.split(), False)
        signs = x509.KeyUsage(digital_signature=host is not None, key_cert_sign=host is None, **usage)
        about = about.add_extension(signs, critical=True)
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        about = about.add_extension(own, critical=False)
        return about.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
