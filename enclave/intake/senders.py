"""Whose signature counts: one registered public key for each party that sends.

Source: EM XV.D; EM XIV.B.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.ledger import Entry
from enclave.store import Transaction, View
from enclave.terms import party_id
from enclave.vault import PublicKeys
from enclave.vault.keys import public_from_text


@dataclass(frozen=True)
class SenderKey:
    """A party's registered public keys, as exchanged."""

    KIND: ClassVar[str] = "sender-key"
    project: ClassVar[str] = ""
    owner: str
    fingerprint: str
    text: str
    registered_on: date

    @property
    def key(self) -> str:
        """The party's code."""
        return self.owner

    @property
    def public(self) -> PublicKeys:
        """The keys themselves."""
        return public_from_text(self.text, Path(f"{self.owner}.public.json"))


def register_key(tx: Transaction, public: PublicKeys, actor: str) -> SenderKey:
    """Register a party's public keys, in place of those before; compare the fingerprint by telephone first.

    Source: EM XV.D; EM XIV.B.
    """
    owner = party_id(public.owner)
    before = tx.get(SenderKey, owner)
    known = SenderKey(owner, public.fingerprint, public.to_text(), tx.today)
    details = {"fingerprint": known.fingerprint, "replaces": before.fingerprint if before else None}
    tx.write(known, Entry(actor, "intake.register-key", owner, clause="EM XV.D", details=details))
    return known


def sender_key(view: View, source: str) -> SenderKey | None:
    """Give the registered keys of a party, or None."""
    return view.get(SenderKey, source)
