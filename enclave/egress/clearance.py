"""What the gate gives when a request holds: the token that review and publication demand.

Source: DSA VI.D.2; DSA VI.G.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, ClassVar

import rfc8785


@dataclass(frozen=True)
class Artefact:
    """A file the gate rendered anew; nothing the User's process wrote.

    Parameters
    ----------
    name : str
        Plain file name below ``cleared/<request_id>/``.
    sha256 : str
        Of the file's bytes (hex).
    media_type : str
    """

    name: str
    sha256: str
    media_type: str


def digest_of(artefacts: Iterable[Artefact]) -> str:
    """Give the SHA-256 (hex) over the canonical JSON (RFC 8785) of the artefacts, in the order of their names."""
    listed = sorted((asdict(artefact) for artefact in artefacts), key=lambda a: str(a["name"]))
    return hashlib.sha256(rfc8785.dumps(listed)).hexdigest()


@dataclass(frozen=True)
class Clearance:
    """A request that holds: what may leave once the agencies have confirmed it.

    Parameters
    ----------
    agencies : tuple of str
        Participating Agencies whose columns contributed.
    digest : str
        `digest_of` the artefacts; what every confirmation is bound to.
    record : dict
        The disclosure record, plain JSON: ``rules``, ``thresholds``, ``cells`` (counts of shown and hidden),
        ``bounds``, ``as_of`` (source -> date), ``notes`` (sentences), ``columns`` (names used),
        ``by`` (for each table its by-columns and their sources), ``sums`` (for each its totals and means by label:
        ``of``, the source of the amounts, ``kind`` and ``decimals``), ``licences`` (of programs, by their files).
    looked_at : str
        What the output checker saw in what only a person can judge; stays inside.
    """

    KIND: ClassVar[str] = "clearance"
    request_id: str
    project: str
    person: str
    title: str
    report: str
    questions: tuple[str, ...]
    audience: str
    policy_hash: str
    cleared_on: date
    agencies: tuple[str, ...]
    artefacts: tuple[Artefact, ...]
    digest: str
    record: dict[str, Any] = field(default_factory=dict)
    looked_at: str = ""

    @property
    def key(self) -> str:
        """The request's id."""
        return self.request_id
