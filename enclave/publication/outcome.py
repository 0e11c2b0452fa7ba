"""How a publication ends: finished when its folder came to its place whole, void otherwise.

Source: DSA VI.G; DSA VI.G.1.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

from enclave.agreement import PartyKind, of
from enclave.calendar import FINAL_COPY
from enclave.errors import Refused
from enclave.ledger import Details
from enclave.publication.disk import write_whole
from enclave.publication.package import read_package, verify_package, zip_bytes
from enclave.publication.record import STEP, Package, Publication, State, building_of, entry_of, folder_of
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.store import Store, View
from enclave.terms import HUB
from enclave.vault.keys import public_from_text


def recover(store: Store, settings: Settings, actor: str = "recover") -> list[Publication]:
    """Finish what was put out wholly before a crash, void the rest; safe to repeat.

    Returns
    -------
    list of Publication
        Those that were between begin and done, as they are now.
    """
    with alone(settings.runtime, STEP, wait=False) as held:
        if not held:
            return []  # another process is publishing; what stands begun is its own
        with store.view() as view:
            begun = view.find(Publication, state=State.BEGUN)
        for publication in begun:
            if _is_whole(settings, publication):
                finish(store, settings, publication, actor)
            else:
                _void(store, settings, publication, actor)
    with store.view() as view:
        return [now for p in begun if (now := view.get(Publication, p.key)) is not None]


def finish(store: Store, settings: Settings, publication: Publication, actor: str) -> Package:
    """Make the zip from the folder as it stands, and enter that it is out."""
    folder = folder_of(settings, publication)
    files = read_package(folder)
    archive = folder.with_name(folder.name + ".zip")
    body = zip_bytes(files)
    write_whole(archive, body)
    with store.transaction() as tx:
        done = replace(
            publication,
            state=State.DONE,
            published_on=publication.begun_on,
            manifest_sha256=hashlib.sha256(files["manifest.json"]).hexdigest(),
            archive_sha256=hashlib.sha256(body).hexdigest(),
        )
        due = FINAL_COPY.due(publication.begun_on)
        details: Details = {
            "manifest_sha256": done.manifest_sha256,
            "archive_sha256": done.archive_sha256,
            "files": len(files),
            "final_copy_due_on": due.isoformat(),
            "elements": done.elements,
            "sent_by": HUB,
            "received_by": _recipients(tx, publication.project),
        }
        tx.write(done, entry_of(done, actor, "publication.done", details))
        return Package(
            done.request_id, done.project, folder, archive, done.manifest_sha256, done.archive_sha256,
            publication.begun_on, due,
        )  # fmt: skip


def _recipients(view: View, project: str) -> list[str]:
    return [p.code for p in of(view, project).policy.agreement.parties if p.kind is PartyKind.RECIPIENT]


def _is_whole(settings: Settings, publication: Publication) -> bool:
    """Tell whether the folder came to its place whole; only then has anything been put out."""
    folder = folder_of(settings, publication)
    if not folder.is_dir():
        return False
    try:
        verify_package(folder, public_from_text(publication.signer))
    except Refused:
        return False
    return True


def _void(store: Store, settings: Settings, publication: Publication, actor: str) -> None:
    for path in (building_of(settings, publication), folder_of(settings, publication)):
        if path.exists():
            shutil.rmtree(path)
    with store.transaction() as tx:
        void = replace(publication, state=State.VOID)
        tx.write(void, entry_of(void, actor, "publication.void", {"digest": publication.digest}, "void"))
