"""Exhibit F, filled: its fields, its affirmation word for word, and a signature block left for a person.

Source: ExF; DSA VI.H.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import jinja2
from pydantic import TypeAdapter

from enclave.ledger import Receipt

AFFIRMATION = (
    "I hereby affirm that the unit record data provided as a part of the Data Request Number listed above has been "
    "completely destroyed including all original unit record data and any copies of the unit record data that were "
    "made in paper or electronic form."
)
"""Section 2 of Exhibit F, verbatim; paper copies stay an attestation of the person who signs."""

OF_ONE_FILE = (
    "The file named below has been destroyed, with its key, because its agency takes it back. Nothing else is said "
    "to be: what was made of it before stays as listed below, under keys of its own."
)
"""What the hub says of a file that was taken back, in the place of Exhibit F's affirmation, which says more."""

METHOD = (
    "Clear, with cryptographic erase (NIST SP 800-88 Rev. 2): data were on the medium in encrypted form only; the "
    "data encryption key and the key-encrypting key were overwritten and unlinked, and the encrypted files deleted. "
    "(Purge is claimed only where the key-encrypting key is kept in a hardware module.)"
)


@dataclass(frozen=True)
class Proof:
    """An attempt to open what was left of a key's files, after the key was destroyed.

    Parameters
    ----------
    file_sha256 : str
        Of the sealed file set aside for the attempt (hex); empty when the key sealed nothing.
    attempt : str
        What the keystore answered: the message of its refusal.
    """

    key_id: str
    file_sha256: str
    attempt: str


@dataclass(frozen=True)
class Swept:
    """A place that was swept, and how many of its kind were found there and destroyed; none is said too."""

    place: str
    count: int


@dataclass(frozen=True)
class Outside:
    """What the destruction does not reach.

    Parameters
    ----------
    until : str
        The day on which the last copy is gone (ISO), or in words why there is none: ``not stated``, ``no end``.
    says : str
        What it means for the data that were destroyed.
    """

    what: str
    until: str
    says: str


@dataclass(frozen=True)
class Certificate:
    """The P20 WIN Data Destruction Certificate.

    Parameters
    ----------
    approved_requestor : str
        The organisation (field 1).
    data_request : str
        Its name and number (field 2).
    approved_from, approved_to : date
        The approved timeframe (field 3), as it was before any extension.
    extensions : tuple of (extension to, granted on)
    destroyed_on : date
        Field 4.
    method : str
        Field 5.
    ledger_proof : Receipt
        Of the entry that says which keys were destroyed and that nothing opened afterwards.
    due_on : date, optional
        Last day on which it is provided to the P20 WIN System Administrator; None where nobody has to.
    affirmation : str
        What it affirms: Exhibit F's words; `OF_ONE_FILE`, which nobody signs.
    """

    approved_requestor: str
    data_request: str
    approved_from: date
    approved_to: date
    extensions: tuple[tuple[date, date], ...]
    destroyed_on: date
    method: str
    scope: str
    files_deleted: int
    swept: tuple[Swept, ...]
    proofs: tuple[Proof, ...]
    outside: tuple[Outside, ...]
    ledger_proof: Receipt
    due_on: date | None
    affirmation: str = AFFIRMATION

    def to_json(self) -> str:
        """Give the certificate as JSON."""
        return json.dumps(_FORM.dump_python(self, mode="json"), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def to_html(self) -> str:
        """Give the certificate as a page to print and sign; nothing is loaded from elsewhere."""
        return _page().render(certificate=self, entry=json.loads(self.ledger_proof.entry))

    def to_pdf(self) -> bytes:
        """Give the page as a PDF, word for word."""
        from enclave.printing import print_page  # who destroys nothing does not load the printer

        return print_page(self.to_html(), self.destroyed_on)


_FORM = TypeAdapter(Certificate)


def read_certificate(path: Path) -> Certificate:
    """Read a certificate's JSON."""
    return _FORM.validate_json(path.read_bytes())


@cache
def _page() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(Path(__file__).with_name("certificate.html.j2").read_text("utf-8"))
