"""Publishing: entered before it is done and again after.

Source: DSA VI.G.1; DSA VI.G.2.
"""

from __future__ import annotations

import hashlib
import re

from enclave.agreement import of
from enclave.egress import Clearance, rendered
from enclave.errors import Finding, Invalid, Refused
from enclave.ledger import Details, Entry
from enclave.people import Admission
from enclave.publication.disk import sync_folder, write_folder
from enclave.publication.outcome import finish
from enclave.publication.package import Contents, compose
from enclave.publication.record import STEP, Package, Publication, State, barred, building_of, entry_of, folder_of
from enclave.review import Approval, approve
from enclave.scratch import alone
from enclave.settings import Settings
from enclave.store import Store, Transaction
from enclave.terms import Action, reached
from enclave.vault import PrivateKeys

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def publish(
    store: Store,
    settings: Settings,
    clearance: Clearance,
    approval: Approval,
    admission: Admission,
    hub_keys: PrivateKeys,
    checkpoint: str,
) -> Package:
    """Build, sign and put out the package of one approved clearance.

    Source: DSA VI.G.1; DSA VI.G.2.

    Parameters
    ----------
    approval : Approval
        Asked for again inside: a case returned or a project held since then is not published.
    admission : Admission
        To `Action.PUBLISH` on this project.
    hub_keys : PrivateKeys
        The Data Integration Hub's; they sign the manifest.
    checkpoint : str
        The ledger's signed checkpoint.

    Raises
    ------
    Refused
        If approval and clearance do not belong together, or a cleared file is not as it was cleared.
    """
    with alone(settings.runtime, STEP):
        try:
            _hold_tokens(clearance, approval, admission)
            artefacts = _read_cleared(settings, clearance)
            with store.transaction() as tx:
                publication = _begin(tx, clearance, approval, admission.person, hub_keys)
                policy = of(tx, clearance.project).policy
        except (Refused, Invalid) as error:
            store.enter(_refusal(clearance, admission.person, error))
            raise
        reached("publication.begun")
        files = compose(Contents(clearance, approval, policy, artefacts, checkpoint, publication.begun_on), hub_keys)
        building = building_of(settings, publication)
        write_folder(building, files)
        reached("publication.built")
        building.rename(folder_of(settings, publication))
        sync_folder(settings.home / "published")
        reached("publication.renamed")
        return finish(store, settings, publication, admission.person)


def _hold_tokens(clearance: Clearance, approval: Approval, admission: Admission) -> None:
    """Hold the three tokens against each other."""
    bound = (clearance.request_id, clearance.project, clearance.digest, clearance.policy_hash)
    if (approval.request_id, approval.project, approval.digest, approval.policy_hash) != bound:
        raise barred(
            clearance.request_id, "approval", "DSA VI.G.1", "the approval is of another clearance", "Approve it."
        )
    if (admission.project, admission.action) != (clearance.project, Action.PUBLISH):
        raise barred(clearance.request_id, "admission", "DSA VI.G.1", "the admission is not for this", "Ask OPM.")


def _read_cleared(settings: Settings, clearance: Clearance) -> dict[str, bytes]:
    """Read what the gate rendered; every file must be, byte for byte, what was confirmed."""
    names = [clearance.request_id, *(artefact.name for artefact in clearance.artefacts)]
    if not all(_PLAIN_NAME.fullmatch(name) for name in names) or len(set(names)) != len(names):
        what = "a request id or file name is not plain, or stands twice"
        raise Invalid("package", [Finding("name", "DSA VI.G.1", "", what, "Clear the request again.")])
    folder = rendered(settings, clearance.request_id)
    bodies, findings = {}, []
    for artefact in clearance.artefacts:
        path = folder / artefact.name
        body = path.read_bytes() if path.is_file() and not path.is_symlink() else None
        if body is None or hashlib.sha256(body).hexdigest() != artefact.sha256:
            what = "it is missing" if body is None else "it is not the file that was cleared"
            findings.append(Finding("cleared-file", "DSA VI.G.1", artefact.name, what, "Clear the request again."))
        else:
            bodies[artefact.name] = body
    if findings:
        raise Refused(f"publication of {clearance.request_id}", findings)
    return bodies


def _begin(
    tx: Transaction, clearance: Clearance, approval: Approval, actor: str, hub_keys: PrivateKeys
) -> Publication:
    """Announce it, having asked for the approval once more."""
    now = approve(tx, clearance)
    if now.confirmations != approval.confirmations:
        raise barred(
            clearance.request_id, "approval", "DSA VI.G.1", "confirmations have changed since", "Approve again."
        )
    known = tx.get(Publication, clearance.request_id)
    if known is not None and known.state is not State.VOID:
        next = "Nothing is to do." if known.state is State.DONE else "Recover first: `enclave recover`."
        raise barred(clearance.request_id, "published", "DSA VI.G.1", f"its publication is {known.state}", next)
    folder = f"{clearance.project}-{clearance.request_id}"
    publication = Publication(
        clearance.request_id, clearance.project, clearance.digest, folder, hub_keys.public.to_text(),
        tuple(clearance.record.get("columns") or ()), tx.today,
    )  # fmt: skip
    details: Details = {
        "digest": clearance.digest,
        "policy": clearance.policy_hash,
        "signer": hub_keys.public.fingerprint,
        "waived": approval.waived,
        "files": [artefact.sha256 for artefact in clearance.artefacts],
    }
    tx.write(publication, entry_of(publication, actor, "publication.begin", details))
    return publication


def _refusal(clearance: Clearance, actor: str, error: Refused | Invalid) -> Entry:
    details: Details = {"rules": [finding.rule for finding in error.findings], "digest": clearance.digest}
    return Entry(
        actor, "publication.refuse", clearance.request_id, clearance.project, "DSA VI.G.1", "refused", details
    )  # fmt: skip
