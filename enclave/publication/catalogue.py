"""The catalogue of open data: every public package with what a portal needs to list it, as a folder anyone can serve.

::

    catalog.json           DCAT-US 3, JSON-LD with a context of its own: no reader has to fetch one
    index.html             the same, for people
    DR-0034-out-…/         each package as it was put out, signature and all
    DR-0034-out-….zip

In it is what was published to an audience that names the public, and no other package: what was cleared for
stakeholders stays with them.

Source: DSA VI.G.1; DSA VI.G.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave.agreement import Policy, Version, of
from enclave.egress import Clearance
from enclave.errors import Finding, Invalid, Refused, invalid, refuse
from enclave.ledger import Details, Entry, refusal
from enclave.people import hold_to_party
from enclave.publication.disk import replace_folder
from enclave.publication.package import MANIFEST, read_package, verify_package
from enclave.publication.public import published
from enclave.publication.readme import said, template
from enclave.publication.record import Publication, folder_of
from enclave.publication.uptake import Uptake, uptake_of
from enclave.settings import OpenData, Settings
from enclave.store import Store, View
from enclave.terms import Role
from enclave.vault.keys import public_from_text

_CLAUSE = "DSA VI.G.1"
_TITLE = "P20 WIN open data"
_ABOUT = (
    "Aggregates made from linked records of Connecticut's state agencies, each table proven safe to release and "
    "confirmed by every agency whose data contributed. No record of a person is in any of them."
)
_NAMESPACES = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcat-us": "http://data.resources.gov/ontology/dcat-us#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "org": "http://www.w3.org/ns/org#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
}
_TERMS: Mapping[str, Iterable[str]] = {
    "dcat": ("Catalog", "Dataset", "Distribution", "byteSize", "contactPoint", "dataset", "distribution", "keyword",
             "mediaType", "packageFormat"),
    "dcat-us": ("purpose",),
    "dcterms": ("Location", "Standard", "accessRights", "conformsTo", "contributor", "description", "format",
                "identifier", "issued", "language", "license", "modified", "provenance", "publisher", "rights",
                "spatial", "title"),
    "foaf": ("Agent", "Document", "name"),
    "org": ("Organization",),
    "skos": ("prefLabel",),
    "spdx": ("Checksum", "algorithm", "checksum", "checksumValue"),
    "vcard": ("Kind", "fn"),
}  # fmt: skip
_LINKS = {
    "accessURL": "dcat:accessURL",
    "describedBy": "dcat-us:describedBy",
    "downloadURL": "dcat:downloadURL",
    "hasEmail": "vcard:hasEmail",
    "homepage": "foaf:homepage",
    "landingPage": "dcat:landingPage",
}
CONTEXT: Mapping[str, Any] = {
    **_NAMESPACES,
    **{term: f"{space}:{term}" for space, terms in _TERMS.items() for term in terms},
    **{term: {"@id": name, "@type": "@id"} for term, name in _LINKS.items()},
}
"""What each word of the catalogue means, in the vocabularies of DCAT-US 3."""


@dataclass(frozen=True)
class Catalogue:
    """A catalogue as it was written: where, of which requests, and the SHA-256 of its catalog.json."""

    folder: Path
    requests: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class _Listed:
    """A public package: its record, what was cleared, under which policy, its files, and how often it was taken."""

    publication: Publication
    clearance: Clearance
    policy: Policy
    files: Mapping[str, bytes]
    uptake: Uptake

    @property
    def licences(self) -> dict[str, str]:
        """Licences of programs, by the names of their files; everything else is under the catalogue's."""
        id = self.clearance.request_id
        return {f"{id}_{name}": licence for name, licence in self.clearance.record.get("licences", {}).items()}


def entry_of(view: View, settings: Settings, request: str) -> dict[str, Any]:
    """Give the entry of a public package as the catalogue has it, from the package held against its signature.

    Source: DSA VI.G.1; DSA VI.G.2.

    Raises
    ------
    Refused
        If it was not published to the public, or is not as it was put out.
    Invalid
        If the settings do not say under which address and by whom it is served.
    """
    terms = _terms(settings)
    for publication, clearance in published(view):
        if publication.request_id == request:
            return _dataset(_verified(view, settings, publication, clearance), terms)
    what, next = "it was not published to the public", "See which were on the page of open data."
    raise refuse(request, "not-public", _CLAUSE, what, next)


def write_catalogue(store: Store, settings: Settings, folder: Path, actor: str) -> Catalogue:
    """Write the catalogue of all public packages into a folder; an earlier catalogue there is replaced.

    What is in it depends on the packages, and on how often they were taken, alone: written again it is the same, byte
    for byte.

    Source: DSA VI.G.1; DSA VI.G.2.

    Raises
    ------
    Refused
        If who asks is not of the Operating Group, nothing public has been published, or a package is not as it was
        put out.
    Invalid
        If the settings do not say under which address and by whom it is served, or the folder holds something else.
    """
    terms = _terms(settings)
    _hold_free(folder)
    try:
        with store.transaction() as tx:
            hold_to_party(tx, "catalogue", actor, _CLAUSE, role=Role.OPM)
            listed = _listed(tx, settings)
            files = _composed(listed, terms)
            digest = hashlib.sha256(files["catalog.json"]).hexdigest()
            requests = tuple(each.publication.request_id for each in listed)
            details: Details = {"sha256": digest, "packages": len(listed), "requests": list(requests)}
            tx.append(Entry(actor, "publication.catalogue", "catalogue", "", _CLAUSE, details=details))
    except Refused as error:
        store.enter(refusal(error, actor, "publication.refuse", "catalogue"))
        raise
    replace_folder(folder, files)
    return Catalogue(folder, requests, digest)


def _terms(settings: Settings) -> OpenData:
    if settings.open_data is None:
        next = "Write the table [open_data] into enclave.toml; see docs/install.md."
        raise invalid("enclave.toml", "open-data", _CLAUSE, "nothing says where open data are served", next)
    return settings.open_data


def _hold_free(folder: Path) -> None:
    """Refuse to replace anything but a catalogue."""
    if folder.exists() and not (
        folder.is_dir() and (not any(folder.iterdir()) or (folder / "catalog.json").is_file())
    ):
        what, next = "it is there, and no catalogue", "Name a new folder, or that of an earlier catalogue."
        raise Invalid(str(folder.name), [Finding("folder", _CLAUSE, "", what, next)])


def _listed(view: View, settings: Settings) -> list[_Listed]:
    """Give what was published to the public, newest first, each package held against its signature."""
    found, findings = [], list[Finding]()
    for publication, clearance in published(view):
        try:
            found.append(_verified(view, settings, publication, clearance))
        except Refused as refused:
            findings += refused.findings
    if findings:
        raise Refused("catalogue", findings)
    if not found:
        next = "Publish a request whose audience is the public, then write the catalogue."
        raise refuse("catalogue", "nothing-public", _CLAUSE, "nothing has been published to the public", next)
    return found


def _verified(view: View, settings: Settings, publication: Publication, clearance: Clearance) -> _Listed:
    folder = folder_of(settings, publication)
    manifest = verify_package(folder, public_from_text(publication.signer)).manifest_sha256
    if (manifest, clearance.digest) != (publication.manifest_sha256, publication.digest):
        next = "Ask the Operating Group which of the two was published."
        what = "it is not the package that was entered"
        raise refuse("catalogue", "package-digest", _CLAUSE, what, next, publication.request_id)
    files = {f"{folder.name}/{name}": body for name, body in read_package(folder).items()}
    files[f"{folder.name}.zip"] = folder.with_name(f"{folder.name}.zip").read_bytes()
    return _Listed(publication, clearance, _policy(view, clearance), files, uptake_of(view, publication))


def _policy(view: View, clearance: Clearance) -> Policy:
    """Give the policy a request was cleared under, also after an amendment."""
    now = of(view, clearance.project).policy
    earlier = (version.policy for version in view.find(Version, clearance.project))
    return next((policy for policy in (now, *earlier) if policy.hash == clearance.policy_hash), now)


def _composed(listed: list[_Listed], terms: OpenData) -> dict[str, bytes]:
    files = {name: body for each in listed for name, body in each.files.items()}
    catalogue = _catalogue(listed, terms)
    files["catalog.json"] = (json.dumps(catalogue, indent=1, ensure_ascii=False) + "\n").encode()
    files["index.html"] = _page(catalogue, listed, terms)
    return files


def _page(catalogue: Mapping[str, Any], listed: list[_Listed], terms: OpenData) -> bytes:
    shown = [(dataset, each.uptake) for dataset, each in zip(catalogue["dataset"], listed, strict=True)]
    return template("catalogue.html.j2").render(catalogue=catalogue, shown=shown, terms=terms).encode()


def _catalogue(listed: list[_Listed], terms: OpenData) -> dict[str, Any]:
    return {
        "@context": CONTEXT,
        "@type": "Catalog",
        "@id": terms.address,
        "title": _TITLE,
        "description": _ABOUT,
        "publisher": {"@type": "Agent", "name": terms.publisher},
        "conformsTo": {"@type": "Standard", "title": "DCAT-US 3.0"},
        "homepage": {"@type": "Document", "title": _TITLE, "accessURL": f"{terms.address}index.html"},
        "language": ["en"],
        "modified": str(listed[0].publication.published_on),
        "dataset": [_dataset(each, terms) for each in listed],
    }


def _dataset(each: _Listed, terms: OpenData) -> dict[str, Any]:
    clearance, publication = each.clearance, each.publication
    words = said(clearance, each.policy, publication.published_on or publication.begun_on)
    address = f"{terms.address}{publication.folder}/"
    agencies = [party.name for code in clearance.agencies if (party := each.policy.party(code))]
    columns = [column.rpartition(".")[2] for column in publication.elements]
    population = str(clearance.record.get("population") or "")
    return {
        "@type": "Dataset",
        "@id": address,
        "identifier": address,
        "title": clearance.title,
        "description": " ".join(
            line for line in (population and f"Population: {population}.", *words["notes"]) if line
        ),
        "purpose": " ".join(text for _, text in words["questions"]),
        "publisher": {"@type": "Organization", "name": terms.publisher},
        "contactPoint": {"@type": "Kind", "fn": terms.contact, "hasEmail": f"mailto:{terms.email}"},
        "contributor": [{"@type": "Agent", "name": name} for name in agencies],
        "accessRights": "public",
        "rights": [words["acknowledgement"]],
        "issued": str(publication.published_on),
        "language": ["en"],
        "spatial": {"@type": "Location", "prefLabel": "Connecticut"},
        "keyword": list(dict.fromkeys(["P20 WIN", publication.project, *agencies, *columns])),
        "provenance": [f"{source}: as of {day}" if source else str(day) for source, day in words["as_of"]],
        "landingPage": {"@type": "Document", "title": clearance.title, "accessURL": f"{address}README.html"},
        "describedBy": _distribution(each, terms, "codebook.csv", "Codebook", "text/csv"),
        "distribution": list(_distributions(each, terms)),
    }


def _distributions(each: _Listed, terms: OpenData) -> Iterator[dict[str, Any]]:
    """Give every result, tables first, and the whole package as it was signed."""
    for artefact in sorted(each.clearance.artefacts, key=lambda a: (a.media_type != "text/csv", a.name)):
        licence = each.licences.get(artefact.name)
        own = {"license": f"https://spdx.org/licenses/{licence}.html"} if licence else {}
        yield _distribution(each, terms, f"results/{artefact.name}", artefact.name, artefact.media_type) | own
    body = each.files[f"{each.publication.folder}.zip"]
    whole = f"{terms.address}{each.publication.folder}.zip"
    signed = f"Signed; {MANIFEST} has the SHA-256 of every file."
    archive = _file(whole, "The whole package, signed", "application/zip", body, terms)
    yield {**archive, "packageFormat": "application/zip", "description": signed}


def _distribution(each: _Listed, terms: OpenData, name: str, title: str, media_type: str) -> dict[str, Any]:
    place = f"{each.publication.folder}/{name}"
    return _file(f"{terms.address}{place}", title, media_type, each.files[place], terms)


def _file(address: str, title: str, media_type: str, body: bytes, terms: OpenData) -> dict[str, Any]:
    checksum = {"@type": "Checksum", "algorithm": "SHA-256", "checksumValue": hashlib.sha256(body).hexdigest()}
    return {
        "@type": "Distribution",
        "title": title,
        "downloadURL": address,
        "mediaType": media_type,
        "format": address.rpartition(".")[2].upper(),
        "byteSize": str(len(body)),
        "checksum": checksum,
        **({"license": terms.license} if terms.license else {}),
    }
