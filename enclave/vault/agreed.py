"""The keys of those who cannot seal as we do: an OpenPGP key, or a certificate for CMS (EM XIV.A).

Each party agrees to one algorithm. Our own stands in `sealed`; these two are what every transfer product speaks.

Source: EM XIV.A; EM XV.D; EM XIV.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from enclave.errors import Invalid, invalid
from enclave.vault.once import write_once

OPENPGP = "OpenPGP-AES256"
CMS = "CMS-AES256-GCM"
_YEARS = timedelta(days=3652)
_RSA_BITS = 2048


@dataclass(frozen=True)
class AgreedKey:
    """The public key or certificate of a party that agreed to another algorithm than our own.

    Parameters
    ----------
    fingerprint : str
        Of the OpenPGP primary key, or SHA-256 of the certificate; lower-case hex.
    text : str
        The key, ASCII-armoured, or the certificate in PEM.
    """

    owner: str
    algorithm: str
    fingerprint: str
    text: str

    def to_text(self) -> str:
        """Give what is kept of it."""
        return self.text


def certificate(pem: bytes, owner: str) -> AgreedKey:
    """Read the certificate of a party, as `openssl req -x509` makes one.

    Source: EM XIV.B; EM XV.A.1.

    Raises
    ------
    Invalid
        If it is not one certificate in PEM, with a key on a NIST curve or of RSA of 2048 bits or more.
    """
    try:
        (found,) = x509.load_pem_x509_certificates(pem)
        key = found.public_key()
    except ValueError as error:
        raise _no_certificate("it is not one certificate in PEM") from error
    strong = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1
    )
    if not strong and not (isinstance(key, rsa.RSAPublicKey) and key.key_size >= _RSA_BITS):
        raise _no_certificate("its key is neither on a NIST curve nor of RSA of 2048 bits or more")
    text = found.public_bytes(serialization.Encoding.PEM).decode()
    return AgreedKey(owner, CMS, found.fingerprint(hashes.SHA256()).hex(), text)


def last_day(known: str) -> date:
    """Give the last day of a certificate's validity."""
    return x509.load_pem_x509_certificate(known.encode()).not_valid_after_utc.date()


def new_certificate(owner: str, keys: Path, today: date) -> AgreedKey:
    """Make the hub's own key and certificate for CMS, or give those it has; the private key stays in `keys`.

    Source: EM XIV.B; EM XV.D.
    """
    place = certificate_of(keys, owner)
    if not place.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner)])
        begins = datetime.combine(today, time(), UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(begins + _YEARS)
            .sign(key, hashes.SHA256())
        )
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        # both stand in one file: it is there whole, or not at all
        write_once(place, private + made.public_bytes(serialization.Encoding.PEM))
    return certificate(place.read_bytes().partition(b"-----END PRIVATE KEY-----\n")[2], owner)


def certificate_of(keys: Path, owner: str) -> Path:
    """Say where the hub's own key and certificate for CMS are kept."""
    return keys / f"{owner}.cms.pem"


def openpgp_of(keys: Path, owner: str) -> Path:
    """Say where the hub's own OpenPGP key is kept."""
    return keys / f"{owner}.openpgp"


def _no_certificate(what: str) -> Invalid:
    return invalid(
        "certificate", "key-file", "EM XIV.B", what, "Make one as the steward's guide says, with `openssl req`."
    )
