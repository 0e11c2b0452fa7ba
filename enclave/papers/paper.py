"""A paper: a document of a known kind that is kept, and whether it stands on a day.

Executed agreements, exhibits, approvals of a review board, contracts, training, attestations, procedures: they differ
only in what the table of kinds wants of them.

Source: EM VII.A.1.m; EM XVIII.P.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from enclave.errors import refuse
from enclave.papers.kinds import Kind, kind_of
from enclave.store import View


@dataclass(frozen=True)
class Mark:
    """Something a person did with a paper on a day: ticked an item, looked at it, withdrew it."""

    on: date
    by: str


@dataclass(frozen=True)
class Kept:
    """Where a document rests, sealed, and the digests of it.

    Parameters
    ----------
    sealed : str
        Name in the folder of papers.
    sha256, sealed_sha256 : str
        Of the document and of what is sealed (hex).
    """

    sealed: str
    sha256: str
    sealed_sha256: str


@dataclass(frozen=True)
class Paper:
    """One version of a paper; a later one stands beside it and never in its place.

    Parameters
    ----------
    kind : str
        Of `policies/papers.yaml`.
    about : str
        Whom or what it is about; empty where project or programme say it all.
    number : int
        Counts the versions.
    since, until : date
        First and last day on which it holds.
    names : str
        The number it bears, or the login it names.
    ticked : mapping of item -> Mark
    seen : Mark, optional
        The second person who looked at it.
    """

    KIND: ClassVar[str] = "paper"
    kind: str
    about: str
    kept: Kept
    added: Mark
    since: date
    until: date | None = None
    names: str = ""
    status: str = ""
    number: int = 1
    ticked: dict[str, Mark] = field(default_factory=dict)
    seen: Mark | None = None
    withdrawn: Mark | None = None
    project: str = ""

    @property
    def key(self) -> str:
        """Kind, project, subject and number; the number stands in the order of adding."""
        return f"{self.series}/{self.number:03}"

    @property
    def series(self) -> str:
        """What all versions of a paper have in common."""
        return series_of(self.kind, self.project, self.about)

    @property
    def of(self) -> Kind:
        """What is wanted of its kind."""
        return kind_of(self.kind)

    def lacks(self, today: date) -> list[str]:
        """Say what it lacks to stand on a day; empty when it stands."""
        reasons = []
        if self.withdrawn:
            reasons.append(f"it was withdrawn on {self.withdrawn.on}")
        if today < self.since:
            reasons.append(f"it holds from {self.since}")
        if self.until and today > self.until:
            reasons.append(f"it ran out on {self.until}")
        if open_items := [item for item in self.of.items if item not in self.ticked]:
            reasons.append(f"{len(open_items)} of its {len(self.of.items)} items are open: {', '.join(open_items)}")
        if self.of.second and self.seen is None:
            reasons.append("no second person has looked at it")
        return reasons


def series_of(kind: str, project: str, about: str) -> str:
    """Name what all versions of a paper have in common; no part of it has a slash."""
    return "/".join(part for part in (kind, project, about) if part)


def paper_of(view: View, key: str) -> Paper:
    """Give a paper by its key.

    Raises
    ------
    Refused
        If there is none.
    """
    known = view.get(Paper, key)
    if known is None:
        raise refuse(key, "unknown-paper", "EM XVIII.P", "no such paper is kept", "See `enclave papers list`.")
    return known


def versions(view: View, kind: str, project: str = "", about: str = "") -> list[Paper]:
    """Give the versions of a paper, oldest first."""
    series = series_of(kind, project, about)
    found: list[Paper] = []
    while known := view.get(Paper, f"{series}/{len(found) + 1:03}"):
        found.append(known)
    return found


def latest(view: View, project: str | None = None) -> list[Paper]:
    """Give the newest version of every paper, or of those of a project; those of none have an empty one."""
    return list({each.series: each for each in sorted(view.find(Paper, project), key=lambda p: p.number)}.values())


def standing(view: View, kind: str, project: str = "", about: str = "", status: str = "") -> Paper | None:
    """Give the newest version that stands today, or None.

    What was withdrawn takes with it what came before: an older attestation does not revive.
    """
    for each in reversed(versions(view, kind, project, about)):
        if each.withdrawn:
            return None
        if status in ("", each.status) and not each.lacks(view.today):
            return each
    return None
