"""A key tried from its making to its destruction: an installation shows that what it destroys stays closed.

Source: DSA VI.H.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from enclave.errors import Refused, refuse
from enclave.vault.keystore import Keystore, Seal


def try_keys(keystore: Keystore) -> str:
    """Make a key, seal with it, open, destroy it, and see that it opens no more; give the key's id.

    Source: DSA VI.H.

    Raises
    ------
    Refused
        If a step fails, or what was sealed still opens; the key is destroyed all the same.
    """
    key_id = f"trial-{os.urandom(8).hex()}"
    with tempfile.TemporaryDirectory() as folder:
        plain, sealed, opened = (Path(folder) / name for name in ("plain", "sealed", "opened"))
        seal = Seal(sealed, key_id, key_id)
        plain.write_bytes(os.urandom(1 << 16))
        try:
            keystore.create(key_id)
            keystore.seal(plain, seal)
            keystore.unseal(seal, opened)
        finally:
            keystore.shred(key_id)
        if opened.read_bytes() != plain.read_bytes() or _still_opens(keystore, seal):
            raise refuse(
                key_id, "keys", "DSA VI.H", "what was sealed with a key does not open, or still opens after its end",
                "Rely on nothing that is destroyed here before this is understood.",
            )  # fmt: skip
    return key_id


def _still_opens(keystore: Keystore, seal: Seal) -> bool:
    try:
        keystore.unseal(seal, seal.path.with_name("again"))
    except Refused as refused:
        if [finding.rule for finding in refused.findings] != ["sealed-at-rest"]:
            raise  # the key service, say, did not answer: nothing is known
        return keystore.exists(seal.key_id)
    return True
