"""The copy of the published work, due within 30 days of publication.

Source: DSA VI.G; DSA VI.G.2.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

from enclave.agreement import of
from enclave.ledger import Entry
from enclave.people import Admission
from enclave.publication.disk import write_whole
from enclave.publication.record import FinalCopy, Publication, State, barred
from enclave.settings import Settings
from enclave.store import Transaction, View
from enclave.terms import Action, Role

_TEXTUAL = {".txt", ".md", ".html", ".htm"}


def file_final_copy(
    tx: Transaction, settings: Settings, request_id: str, copy: Path, admission: Admission
) -> Publication:
    """File the electronic copy of the published work and keep it.

    Where the copy is text, the acknowledgement must stand in it word for word.

    Source: DSA VI.G; DSA VI.G.2.

    Parameters
    ----------
    copy : Path
        The published work as a file; the ending of its name is kept.
    admission : Admission
        To decide: of the Data Recipient, whose duty it is, or of the Operating Group, which takes it in.

    Raises
    ------
    Refused
        If nothing was published under this request, it is another party's to file, or the acknowledgement is not in
        it.
    """
    publication = tx.get(Publication, request_id)
    if publication is None or publication.state is not State.DONE:
        raise barred(request_id, "not-published", "DSA VI.G", "nothing was published under it", "Publish it first.")
    admission.hold_to(Action.DECIDE, publication.project)
    policy = of(tx, publication.project).policy
    if admission.role is not Role.OPM and admission.agency != policy.recipient:
        raise barred(
            request_id, "party", "DSA VI.G", f"{policy.recipient} files it, as the Data Recipient",
            f"Who speaks for {policy.recipient} files it, or the Operating Group.",
        )  # fmt: skip
    body, sentence = copy.read_bytes(), policy.agreement.acknowledgement
    if copy.suffix.lower() in _TEXTUAL and _flat(sentence) not in _flat(body.decode("utf-8", "replace")):
        raise barred(
            request_id, "acknowledgement", "DSA VI.G.2", "the acknowledgement does not stand in it word for word",
            "Add the sentence of the package's README, then file it again.",
        )  # fmt: skip
    digest = hashlib.sha256(body).hexdigest()
    kept = settings.home / "final-copies" / publication.folder / f"{digest[:12]}{copy.suffix.lower()}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_whole(kept, body)
    publication = replace(publication, final_copy=FinalCopy(kept.name, digest, tx.today))
    details = {"sha256": digest, "due_on": str(publication.final_copy_due_on)}
    actor, project = admission.person, publication.project
    tx.write(publication, Entry(actor, "publication.final-copy", request_id, project, "DSA VI.G", details=details))
    return publication


def overdue(view: View, today: date) -> list[Publication]:
    """Give the publications whose final copy has not been filed in time (DSA VI.G)."""
    done = view.find(Publication, state=State.DONE, final_copy=None)
    return [p for p in done if p.final_copy_due_on is not None and p.final_copy_due_on < today]


def _flat(text: str) -> str:
    return " ".join(text.split())
