"""The record of a breach: its eight items, when it became known and was reported, and what was added since.

Source: EM A2.1.A; EM A2.1.B; EM A2.2.A; EM V.A.14; DSA VI.F.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class Status(StrEnum):
    """Item 7 of a breach notice."""

    INVESTIGATION = "under investigation"
    RESOLVED = "resolved"


class Determination(StrEnum):
    """What the Data Governing Board found; the record is kept in each case."""

    ACTUAL = "breach"
    POTENTIAL = "potential breach"
    NONE = "not a breach"


@dataclass(frozen=True)
class Breach:
    """The eight items of a breach notice.

    Source: EM A2.1.B.

    Parameters
    ----------
    description : str
        One or two sentences on the actual or potential breach.
    roles : str
        Roles of the people involved, never names.
    type : str
    parties : tuple of str
        Codes of those likely impacted.
    estimated : int
        Users or records impacted, estimated.
    mitigation : str
    status : Status
    corrective_action : str
        Taken, and planned against another of the kind.
    """

    description: str
    roles: str
    type: str
    parties: tuple[str, ...]
    estimated: int
    mitigation: str
    status: Status
    corrective_action: str


@dataclass(frozen=True)
class Matters:
    """What the board determines when it reviews a notice.

    Source: EM A2.2.A.

    Parameters
    ----------
    impact : str
        On privacy, security, confidentiality and integrity.
    suspension : str
        Whether a party is to be suspended.
    measures : str
        Other measures, or none.
    inquiries : str
        What more is asked of the parties, or nothing.
    """

    impact: str
    suspension: str
    measures: str
    inquiries: str


@dataclass(frozen=True)
class Supplement:
    """What became known later; nothing that was said before is changed."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Affected:
    """A party of which it became known later that the breach concerns it.

    Source: EM A2.1.A; EM A2.1.B.

    Parameters
    ----------
    reason : str
        What shows that it is affected.
    known_at : datetime
        When that was discovered, or reasonably believed.
    entered_at : datetime
        When the notice was widened, and the party told.
    due_at : datetime
        24 hours after it became known.
    """

    party: str
    reason: str
    known_at: datetime
    entered_at: datetime
    due_at: datetime
    by: str

    @property
    def late(self) -> bool:
        """Tell whether it was entered after the 24 hours."""
        return self.entered_at > self.due_at


@dataclass(frozen=True)
class Notice:
    """A breach as reported, with what was added and how it was resolved.

    Parameters
    ----------
    recipients : tuple of str
        The Operating Group and each Participating Agency whose data are in the project.
    told : tuple of str
        Who reads of it: once it is resolved, all parties of the project and all members.
    due_at : datetime
        24 hours after the discovery or reasonable belief.
    reviewed : Matters, optional
        What the board determined.
    secured : mapping of party -> Supplement
        Who confirmed that the security of its systems is restored.
    affected : tuple of Affected
        Who was found to be concerned after the report.
    """

    KIND: ClassVar[str] = "breach"
    number: int
    project: str
    breach: Breach
    discovered_at: datetime
    reported_at: datetime
    due_at: datetime
    recipients: tuple[str, ...]
    told: tuple[str, ...]
    by: str
    supplements: tuple[Supplement, ...] = ()
    determination: Determination | None = None
    lessons: str = ""
    reviewed: Matters | None = None
    secured: dict[str, Supplement] = field(default_factory=dict)
    affected: tuple[Affected, ...] = ()

    @property
    def key(self) -> str:
        """Project and number."""
        return f"{self.project}/{self.number}"

    @property
    def parties(self) -> tuple[str, ...]:
        """Those named in it as impacted, at once or later."""
        return (*self.breach.parties, *(each.party for each in self.affected))

    @property
    def concerned(self) -> tuple[str, ...]:
        """Those for whom the whole notice is: who must have it, and the parties named in it."""
        return tuple(dict.fromkeys((*self.recipients, *self.parties)))

    @property
    def unsecured(self) -> tuple[str, ...]:
        """The parties named in it that have not confirmed that their systems are secure again."""
        return tuple(party for party in self.parties if party not in self.secured)

    @property
    def late(self) -> bool:
        """Tell whether it was reported after the 24 hours; a late report is taken all the same."""
        return self.reported_at > self.due_at
