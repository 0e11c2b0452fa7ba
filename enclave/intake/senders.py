"""Whose signature counts: one registered public key for each party that sends.

Source: EM XV.D; EM XIV.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.errors import refuse
from enclave.ledger import Entry
from enclave.people import hold_to_party
from enclave.store import Transaction, View
from enclave.terms import Role, party_id
from enclave.vault import ALGORITHM, PublicKeys
from enclave.vault.agreed import CMS, OPENPGP, AgreedKey
from enclave.vault.keys import public_from_text


@dataclass(frozen=True)
class SenderKey:
    """A party's registered public keys, as exchanged, and the algorithm it agreed to (EM XIV.A; EM XV.D)."""

    KIND: ClassVar[str] = "sender-key"
    project: ClassVar[str] = ""
    owner: str
    fingerprint: str
    text: str
    registered_on: date
    algorithm: str

    @property
    def key(self) -> str:
        """The party's code."""
        return self.owner

    @property
    def public(self) -> PublicKeys:
        """The keys themselves."""
        return public_from_text(self.text, Path(f"{self.owner}.public.json"))


def register_key(
    tx: Transaction, public: PublicKeys | AgreedKey, actor: str, algorithm: str = ALGORITHM, heard: str | None = None
) -> SenderKey:
    """Register a party's public keys and the algorithm agreed on with it, in place of those before.

    The fingerprint is compared by telephone first, and the algorithm named there. A party sends with one algorithm.

    Source: EM XV.D; EM XIV.A; EM XIV.B.

    Parameters
    ----------
    heard : str, optional
        The fingerprint as the party read it out, with spaces or colons as it likes; None where it was compared
        elsewhere.

    Raises
    ------
    Refused
        If it is an algorithm that nothing here opens with, or that its keys are not for; not the fingerprint that was
        heard; or who enters it is not of the hub's staff.
    """
    owner = party_id(public.owner)
    hold_to_party(tx, owner, actor, "EM XV.D", role=Role.HUB_STAFF)
    if heard is not None and "".join(heard.replace(":", " ").split()).lower() != public.fingerprint:
        raise refuse(
            owner, "fingerprint", "EM XV.D", "it is not the fingerprint that was read out",
            "Ask the party which key is its own.",
        )  # fmt: skip
    if algorithm != (public.algorithm if isinstance(public, AgreedKey) else ALGORITHM):
        raise refuse(
            owner, "algorithm", "EM XIV.A", "files cannot be sealed with this algorithm and these keys",
            f"Agree on {ALGORITHM}, or with who cannot on {OPENPGP} or {CMS}.",
        )  # fmt: skip
    before = tx.get(SenderKey, owner)
    known = SenderKey(owner, public.fingerprint, public.to_text(), tx.today, algorithm)
    details = {
        "fingerprint": known.fingerprint,
        "algorithm": algorithm,
        "replaces": before.fingerprint if before else None,
    }
    tx.write(known, Entry(actor, "intake.register-key", owner, clause="EM XV.D", details=details))
    return known


def sender_key(view: View, source: str) -> SenderKey | None:
    """Give the registered keys of a party, or None."""
    return view.get(SenderKey, source)
