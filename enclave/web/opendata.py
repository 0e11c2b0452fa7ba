"""What was cleared to the public: each package with its entry of the catalogue, and the catalogue written anew.

Source: DSA VI.G.1; DSA VI.G.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.exceptions import HTTPException

from enclave import publication
from enclave.errors import invalid
from enclave.people import hold_to_party
from enclave.publication import Publication, State
from enclave.terms import Role
from enclave.web.access import governing
from enclave.web.visit import Done, Page, Visit

_CLAUSE = "DSA VI.G.1"


@dataclass(frozen=True)
class Public:
    """A package that was put out to the public; `listed` is whether the last catalogue has it."""

    request: str
    project: str
    title: str
    audience: str
    published_on: date | None
    results: int
    listed: bool


@dataclass(frozen=True)
class Written:
    """The last catalogue: when, by whom, of how many packages, and the SHA-256 of its catalog.json."""

    on: date
    by: str
    packages: int
    sha256: str


@dataclass(frozen=True)
class OpenData:
    """What is open to everybody.

    Parameters
    ----------
    others : int
        Packages that were put out to some, and stay with them.
    written : Written or None
    address : str
        Where the catalogue is served; empty where the installation does not say.
    writes : bool
        Whether the person at the browser can write it anew, here.
    """

    public: list[Public]
    others: int
    written: Written | None
    address: str
    writes: bool


@dataclass(frozen=True)
class Listed:
    """A package's entry of the catalogue, in the words of DCAT-US 3."""

    request: str
    project: str
    entry: dict[str, Any]


def show(visit: Visit) -> Page[OpenData]:
    """Show what was put out to the public, and whether the catalogue has it."""
    terms = visit.enclave.settings.open_data
    with visit.view() as view:
        mine = governing(view, visit.me.name, "open data", _CLAUSE)
        entries, _ = view.newest(1, action="publication.catalogue")
        last = entries[0] if entries else None
        listed = set(last["details"]["requests"]) if last else set()
        found = [
            Public(
                each.request_id, each.project, clearance.title, clearance.audience, each.published_on,
                len(clearance.artefacts), each.request_id in listed,
            )
            for each, clearance in publication.published(view)
        ]  # fmt: skip
        model = OpenData(
            public=found,
            others=len(view.find(Publication, state=State.DONE)) - len(found),
            written=_written(last) if last else None,
            address=terms.address if terms else "",
            writes=bool(found and terms and terms.folder) and bool(mine[Role.OPM]),
        )
    return Page("opendata", "Open data", model)


def entry(visit: Visit) -> Page[Listed]:
    """Show a package's entry of the catalogue, made of the package as it lies there."""
    request = visit.path["request"]
    with visit.view() as view:
        governing(view, visit.me.name, "open data", _CLAUSE)
        known = next((each for each, _ in publication.published(view) if each.request_id == request), None)
        if known is None:
            raise HTTPException(404)
        made = publication.entry_of(view, visit.enclave.settings, request)
    return Page("dataset", str(made["title"]), Listed(request, known.project, made))


def write(visit: Visit) -> Done:
    """Write the catalogue anew into the folder that is served, as the Operating Group."""
    enclave, terms = visit.enclave, visit.enclave.settings.open_data
    with visit.view() as view:
        hold_to_party(view, "catalogue", visit.me.name, _CLAUSE, role=Role.OPM)
    if terms is None or terms.folder is None:
        next = "Set `folder` in its table [open_data], or use `enclave publication catalogue`."
        raise invalid("enclave.toml", "open-data", _CLAUSE, "nothing says which folder is served", next)
    made = publication.write_catalogue(enclave.store, enclave.settings, terms.folder, visit.me.name)
    return Done("open-data", f"The catalogue is written anew: {len(made.requests)} packages.")


def _written(last: dict[str, Any]) -> Written:
    details = last["details"]
    return Written(date.fromisoformat(last["day"]), last["actor"], details["packages"], details["sha256"])
