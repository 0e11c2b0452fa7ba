"""Keys, sealing, shredding: the only room that touches cryptography.

Transmittals are sealed with HPKE (P-256), Cobblestone-256 and ECDSA P-256; what the hub keeps is sealed with
Cobblestone-256 under the key of its project or match job, which is shredded when the agreement says so.
"""

from enclave.vault.fips import Module, module
from enclave.vault.keys import PrivateKeys, PublicKeys, new_keys, read_private, read_public
from enclave.vault.keystore import Keystore, Seal
from enclave.vault.sealed import ALGORITHM, Consent, EncodedWith, Header, read_header, seal_file, unseal_file
from enclave.vault.secret import EncodingSecret, new_secret, read_secret, write_secret
from enclave.vault.signing import LedgerKey, NoteVerifier
from enclave.vault.trial import try_keys
from enclave.vault.wrapping import KeyEncryptingKeys, KeyVolume

__all__ = [
    "ALGORITHM",
    "Consent",
    "EncodedWith",
    "EncodingSecret",
    "Header",
    "KeyEncryptingKeys",
    "KeyVolume",
    "Keystore",
    "LedgerKey",
    "Module",
    "NoteVerifier",
    "PrivateKeys",
    "PublicKeys",
    "Seal",
    "module",
    "new_keys",
    "new_secret",
    "read_header",
    "read_private",
    "read_public",
    "read_secret",
    "seal_file",
    "try_keys",
    "unseal_file",
    "write_secret",
]
