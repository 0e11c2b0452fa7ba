"""The breach notice: eight items within 24 hours, to those whose data they are, and the record of what came of it.

Source: DSA VI.F; EM A2.1.A; EM A2.1.B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from enclave.agreement import of
from enclave.calendar import BREACH
from enclave.errors import Finding, Invalid, Refused, refuse
from enclave.incidents.words import CONTENT, digest, hold_clean, unsaid
from enclave.ledger import Details, Entry
from enclave.store import Transaction


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
class Supplement:
    """What became known later; nothing that was said before is changed."""

    text: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Notice:
    """A breach as reported, with what was added and how it was resolved.

    Parameters
    ----------
    recipients : tuple of str
        The Operating Group and each Participating Agency whose data are in the project.
    due_at : datetime
        24 hours after the discovery or reasonable belief.
    """

    KIND: ClassVar[str] = "breach"
    number: int
    project: str
    breach: Breach
    discovered_at: datetime
    reported_at: datetime
    due_at: datetime
    recipients: tuple[str, ...]
    by: str
    supplements: tuple[Supplement, ...] = ()
    determination: Determination | None = None
    lessons: str = ""

    @property
    def key(self) -> str:
        """Project and number."""
        return f"{self.project}/{self.number}"

    @property
    def late(self) -> bool:
        """Tell whether it was reported after the 24 hours; a late report is taken all the same."""
        return self.reported_at > self.due_at


def report_breach(
    tx: Transaction, project: str, breach: Breach, discovered_at: datetime, reported_at: datetime, actor: str
) -> Notice:
    """Take a breach notice and say who must have it.

    Source: EM A2.1.A; EM A2.1.B; DSA VI.F.

    Parameters
    ----------
    discovered_at, reported_at : datetime
        With time zone; both are kept, and a report after 24 hours is marked late.

    Raises
    ------
    Invalid
        If an item is missing, or anything in it looks like data of a person.
    """
    findings = [*_missing(breach), *_of_times(discovered_at, reported_at), *unsaid(_texts(breach))]
    policy = of(tx, project).policy
    findings += [
        Finding("item", CONTENT, "parties", f"{code} is not a party of {project}", "Use the codes of the agreement.")
        for code in breach.parties
        if policy.party(code) is None
    ]
    if findings:
        raise Invalid(f"breach notice of {project}", findings)
    number = len(tx.find(Notice, project)) + 1
    due_at = discovered_at + timedelta(days=BREACH.length)
    notice = Notice(
        number, project, breach, discovered_at, reported_at, due_at, ("Operating Group", *policy.agencies), actor
    )
    details: Details = {
        "discovered_at": discovered_at.isoformat(),
        "reported_at": reported_at.isoformat(),
        "late": notice.late,
        "estimated": breach.estimated,
        "parties": list(breach.parties),
        "recipients": list(notice.recipients),
        "content_sha256": digest("\n".join(text for _, text in _texts(breach))),
    }
    tx.write(notice, Entry(actor, "incident.breach", notice.key, project, "EM A2.1.A", "reported", details))
    return notice


def supplement(tx: Transaction, key: str, text: str, at: datetime, actor: str) -> Notice:
    """Add what has become known to a notice; earlier words stay as they are (EM A2.1.B)."""
    notice = _unresolved(tx, key)
    hold_clean(f"breach notice {key}", "supplement", text)
    notice = replace(notice, supplements=(*notice.supplements, Supplement(text.strip(), actor, at)))
    details: Details = {"number": len(notice.supplements), "content_sha256": digest(text.strip())}
    tx.write(notice, Entry(actor, "incident.supplement", key, notice.project, CONTENT, details=details))
    return notice


def resolve(tx: Transaction, key: str, determination: Determination, lessons: str, actor: str) -> Notice:
    """Record what the Data Governing Board determined and the lessons that go to all parties.

    The record is kept also where it was not a breach (EM A2.1.B).
    """
    notice = _unresolved(tx, key)
    hold_clean(f"breach notice {key}", "lessons", lessons)
    breach = replace(notice.breach, status=Status.RESOLVED)
    notice = replace(notice, breach=breach, determination=determination, lessons=lessons.strip())
    details = {"determination": determination, "content_sha256": digest(lessons.strip())}
    tx.write(notice, Entry(actor, "incident.resolve", key, notice.project, CONTENT, "resolved", details))
    return notice


def _unresolved(tx: Transaction, key: str) -> Notice:
    notice = tx.get(Notice, key)
    if notice is None or notice.determination is not None:
        raise _no(key, "there is no such notice" if notice is None else "the notice is resolved and closed")
    return notice


def _missing(breach: Breach) -> Iterator[Finding]:
    for where, text in _texts(breach):
        if not text.strip():
            yield Finding("item", CONTENT, where, "the item is empty", "Give all eight; `unknown yet` is an answer.")
    if not breach.parties:
        yield Finding("item", CONTENT, "parties", "no party is named", "Name those likely impacted.")
    if breach.estimated < 0:
        yield Finding("item", CONTENT, "estimated", "the number is negative", "Give an estimate of 0 or more.")


def _of_times(discovered_at: datetime, reported_at: datetime) -> Iterator[Finding]:
    if discovered_at.tzinfo is None or reported_at.tzinfo is None:
        yield Finding("time", "EM A2.1.A", "", "a time has no time zone", "Give both times with their zone.")
    elif reported_at < discovered_at:
        yield Finding("time", "EM A2.1.A", "", "it is reported before it was discovered", "Mend the times.")


def _texts(breach: Breach) -> list[tuple[str, str]]:
    values = [(field.name, getattr(breach, field.name)) for field in fields(breach)]
    return [(name, value) for name, value in values if isinstance(value, str)]


def _no(key: str, what: str) -> Refused:
    return refuse(f"breach notice {key}", "notice", CONTENT, what, "Report a new one.")
