"""What stands in a package, how it is signed, and how anyone checks it with the hub's public keys.

::

    results/...            the cleared artefacts, byte for byte
    README.html README.txt what it is, for whom, as of when, what is hidden, the acknowledgement
    codebook.csv           definition and owner of each element used
    disclosure.json        the disclosure record
    checkpoint.txt         the ledger's signed checkpoint at publication
    hub.public.json        the hub's public keys; compare the fingerprint by telephone
    SHA256SUMS             of all of the above (`sha256sum -c`)
    manifest.json          of all of the above, and what was confirmed by whom
    manifest.sig           ECDSA P-256 over the SHA-256 of manifest.json (DER, base64)

Source: DSA VI.G.1; DSA VI.G.2.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from enclave.agreement import Policy
from enclave.egress import Clearance
from enclave.errors import Finding, Refused
from enclave.publication.readme import html_page, text_page
from enclave.review import Approval, Statement
from enclave.vault import PrivateKeys, PublicKeys

MANIFEST, SIGNATURE, SUMS = "manifest.json", "manifest.sig", "SHA256SUMS"
_UNSIGNED = {MANIFEST, SIGNATURE}
_EPOCH = (1980, 1, 1, 0, 0, 0)

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Contents:
    """All that a package is made of.

    Parameters
    ----------
    artefacts : mapping of file name -> bytes
        The rendered files, verified against the clearance.
    checkpoint : str
        The ledger's signed checkpoint.
    """

    clearance: Clearance
    approval: Approval
    policy: Policy
    artefacts: Files
    checkpoint: str
    published_on: date


@dataclass(frozen=True)
class Verified:
    """What a package proved: whose it is, of which request, and how many files."""

    project: str
    request_id: str
    files: int
    manifest_sha256: str


def compose(contents: Contents, signer: PrivateKeys) -> dict[str, bytes]:
    """Give every file of the package, name -> bytes, signed.

    Source: DSA VI.G.1; DSA VI.G.2.
    """
    clearance, policy = contents.clearance, contents.policy
    files = {f"results/{name}": body for name, body in contents.artefacts.items()}
    files["README.html"] = html_page(clearance, policy, contents.published_on).encode()
    files["README.txt"] = text_page(clearance, policy, contents.published_on).encode()
    files["codebook.csv"] = _codebook(clearance, policy).encode()
    files["disclosure.json"] = _json({**clearance.record, "policy_sha256": clearance.policy_hash})
    files["checkpoint.txt"] = contents.checkpoint.encode()
    files["hub.public.json"] = signer.public.to_text().encode()
    files[SUMS] = "".join(f"{_sha256(files[name])}  {name}\n" for name in sorted(files)).encode()
    files[MANIFEST] = _json(_manifest(contents, files, signer.public))
    signature = signer.signs(hashlib.sha256(files[MANIFEST]).digest())
    files[SIGNATURE] = base64.b64encode(signature) + b"\n"
    return dict(sorted(files.items()))


def zip_bytes(files: Files) -> bytes:
    """Give the files as one zip, the same on every machine: sorted, stored, one fixed time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    return target.getvalue()


def read_package(path: Path) -> dict[str, bytes]:
    """Read a package, a folder or a zip, into name -> bytes."""
    if path.is_dir():
        return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (OSError, zipfile.BadZipFile) as error:
        raise Refused(path.name, [_finding("format", "", "it is not a package that can be read")]) from error


def verify_package(path: Path, public: PublicKeys) -> Verified:
    """Check a package, folder or zip: signature, every file, none added and none missing.

    Source: DSA VI.G.1.

    Raises
    ------
    Refused
        With one finding for each file that is not as signed.
    """
    files = read_package(path)
    findings = list(_unproven(files, public))
    if findings:
        raise Refused(path.name, findings)
    manifest = json.loads(files[MANIFEST])
    return Verified(manifest["project"], manifest["request"], len(files), _sha256(files[MANIFEST]))


def _unproven(files: Files, public: PublicKeys) -> Iterator[Finding]:
    if not files.keys() >= _UNSIGNED:
        yield _finding("signature", MANIFEST, "manifest or signature is missing")
        return
    try:
        signature = base64.b64decode(files[SIGNATURE].strip(), validate=True)
    except ValueError:
        signature = b""
    if not public.verifies(signature, hashlib.sha256(files[MANIFEST]).digest()):
        yield _finding("signature", MANIFEST, f"the signature of {public.owner} does not hold")
        return
    listed = {str(file["name"]): str(file["sha256"]) for file in json.loads(files[MANIFEST])["files"]}
    for name in sorted(listed.keys() | files.keys() - _UNSIGNED):
        if name not in files:
            yield _finding("files", name, "it is missing")
        elif name not in listed:
            yield _finding("files", name, "it was added")
        elif _sha256(files[name]) != listed[name]:
            yield _finding("files", name, "it was altered")


def _manifest(contents: Contents, files: Files, public: PublicKeys) -> dict[str, Any]:
    clearance, approval = contents.clearance, contents.approval
    return {
        "p20win-package": 1,
        "project": clearance.project,
        "request": clearance.request_id,
        "title": clearance.title,
        "published_on": contents.published_on.isoformat(),
        "policy_sha256": clearance.policy_hash,
        "artefacts_sha256": clearance.digest,
        "acknowledgement": contents.policy.agreement.acknowledgement,
        "confirmations": [
            {
                "agency": c.agency,
                "on": c.confirmed_on.isoformat(),
                "statements": [Statement(s).text for s in sorted(c.statements)],
            }
            for c in approval.confirmations
        ],
        "review_period_waived": approval.waived,
        "checkpoint": contents.checkpoint,
        "signer": {"owner": public.owner, "fingerprint": public.fingerprint},
        "files": [
            {"name": name, "sha256": _sha256(files[name]), "bytes": len(files[name])} for name in sorted(files)
        ],
    }


def _codebook(clearance: Clearance, policy: Policy) -> str:
    """Define the elements used; where the record names no columns, all that the contributing agencies share."""
    used = set(clearance.record.get("columns") or ())
    target = io.StringIO()
    table = csv.writer(target, lineterminator="\n")
    table.writerow(["element", "agency", "definition", "kind", "codes", "standard"])
    for agency in clearance.agencies or policy.agencies:
        for element in policy.agreement.elements.get(agency, ()):
            if not element.matching and (not used or used & {element.name, f"{agency.lower()}.{element.name}"}):
                codes = "; ".join(element.codes)
                standard = str(element.standard or "")
                table.writerow([element.name, agency, element.definition, element.kind, codes, standard])
    return target.getvalue()


def _json(body: Any) -> bytes:
    return (json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _finding(rule: str, where: str, what: str) -> Finding:
    return Finding(f"package-{rule}", "DSA VI.G.1", where, what, "Ask the Operating Group for the package anew.")
