"""What is told to the Operating Group: problems, FOIA requests, subpoenas, complaints, what a project's users ask.

Source: ExC; EM X; EM XVIII.M; EM A2.1.A; EM A1.2.B; DSA VI.B; ExA 6.a; ExA 4.b.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from enclave.agreement import of
from enclave.calendar import QUESTIONS
from enclave.errors import Invalid, invalid, refuse
from enclave.incidents.words import digest, hold_clean
from enclave.ledger import Details, Entry
from enclave.people import Listing
from enclave.store import Transaction, View
from enclave.terms import Role


class CaseKind(StrEnum):
    """What has come in."""

    PROBLEM = "problem"
    FOIA = "foia"
    SUBPOENA = "subpoena"
    COMPLAINT = "complaint"
    QUESTION = "question"
    PROTOCOL = "protocol-change"
    CLOSING = "early-destruction"

    @property
    def clause(self) -> str:
        """Where the documents say what is to be done."""
        return _RULES[self][0]

    @property
    def hours(self) -> int | None:
        """Within how many hours something must have been done; None where it is asked for and nothing runs."""
        return _RULES[self][1]


_RULES = {
    # what a user notices may be a breach, and 24 hours run from then
    CaseKind.PROBLEM: ("EM A2.1.A", 24),
    CaseKind.FOIA: ("EM X", 24),
    CaseKind.SUBPOENA: ("EM XVIII.M", 0),
    CaseKind.COMPLAINT: ("EM A1.2.B", None),  # its clocks are its own
    CaseKind.QUESTION: ("DSA VI.B", None),
    CaseKind.PROTOCOL: ("ExA 6.a", None),
    CaseKind.CLOSING: ("ExA 4.b", None),
}
OF_USERS = (CaseKind.PROBLEM, CaseKind.QUESTION, CaseKind.PROTOCOL, CaseKind.CLOSING)
"""What somebody on a project's list tells or asks; nobody else."""


@dataclass(frozen=True)
class Step:
    """What was done; nothing that was said before is changed.

    Parameters
    ----------
    act : str
        What it is in the case of a complaint; empty elsewhere.
    due_at : datetime, optional
        The moment it had to be done by.
    until : datetime, optional
        A later end that was agreed to.
    """

    text: str
    by: str
    at: datetime
    act: str = ""
    due_at: datetime | None = None
    until: datetime | None = None

    @property
    def late(self) -> bool:
        """Tell whether it was done after its moment."""
        return self.due_at is not None and self.at > self.due_at


@dataclass(frozen=True)
class Case:
    """One thing that came in, whom it is told, and what was done.

    Parameters
    ----------
    project : str
        Empty where it concerns the programme.
    came_at : datetime
        When it was noticed or received.
    due_at : datetime, optional
        By when the first step must have been taken; None where nothing is set.
    told : tuple of str
        The Operating Group and the agencies whose data are concerned.
    about : str
        Agency a complaint is about; empty for other kinds.
    asked_late : bool
        A question that came after its ten business days; it is taken all the same.
    """

    KIND: ClassVar[str] = "incident-case"
    project: str
    number: int
    kind: CaseKind
    text: str
    by: str
    came_at: datetime
    due_at: datetime | None
    told: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    closed: bool = False
    about: str = ""
    asked_late: bool = False

    @property
    def key(self) -> str:
        """Kind and number."""
        return f"{self.kind}-{self.number:03}"

    @property
    def late(self) -> bool:
        """Tell whether a step came after its hour, or the question after its days."""
        return self.asked_late or any(step.late for step in self.steps)


def open_case(
    tx: Transaction, kind: CaseKind, project: str, text: str, came_at: datetime, entered_at: datetime, actor: str
) -> Case:
    """Take in what somebody noticed, received or asks; the clock runs from when it came.

    Source: ExC; EM X; EM XVIII.M; DSA VI.B; ExA 6.a; ExA 4.b.

    Parameters
    ----------
    came_at, entered_at : datetime
        With time zone; the first no later than the second.

    Raises
    ------
    Refused
        If it is for the project's users and somebody else's, or about data that have not been delivered.
    Invalid
        If the text holds what looks like data of a person, or a time is malformed.
    """
    if kind is CaseKind.COMPLAINT:
        raise refuse(kind, "complaint", kind.clause, "it is of an agency", "Enter it by `enclave agency complain`.")
    text = hold_clean(f"{kind} of {actor}", "text", text)
    hold_times(kind, came_at, entered_at)
    came_at = came_at.astimezone(UTC)  # where no hour is left out or comes twice
    agencies = of(tx, project).policy.agencies if project else ()
    if kind in OF_USERS and not tx.get(Listing, f"{project}/{actor}"):
        what = f"{actor} is not on the list of {project or 'any project'}"
        raise refuse(kind, "not-listed", kind.clause, what, "Tell your supervisor at once.")
    number = sum(each.kind is kind for each in tx.find(Case)) + 1
    due_at = None if kind.hours is None else came_at + timedelta(hours=kind.hours)
    late = kind is CaseKind.QUESTION and tx.today > _last_day(tx, project)
    told = ("Operating Group", *agencies)
    case = Case(project, number, kind, text, actor, came_at, due_at, told, asked_late=late)
    details: Details = {
        "came_at": came_at.isoformat(), "entered_at": entered_at.isoformat(), "due_at": str(due_at or ""),
        "late": late, "told": list(case.told), "text_sha256": digest(text),
    }  # fmt: skip
    tx.write(case, Entry(actor, f"incident.{kind}", case.key, project, kind.clause, "opened", details))
    return case


def take_step(tx: Transaction, key: str, text: str, at: datetime, actor: str, *, close: bool = False) -> Case:
    """Enter what was done about a case, and close it where that was all.

    Source: EM X; EM XVIII.M; EM A2.1.A.

    Raises
    ------
    Refused
        If there is no such open case, or the person is neither of the Operating Group nor of the hub.
    """
    found = [c for c in tx.find(Case, closed=False) if c.key == key and c.kind is not CaseKind.COMPLAINT]
    roles = {each.role for each in tx.find(Listing, person=actor, suspension=None)}
    if not found or not roles & {Role.OPM, Role.HUB_STAFF}:
        what = f"{actor} is neither of the Operating Group nor of the hub" if found else "there is no such open case"
        raise refuse(key, "case", "EM A2.1.A", what, "Look at `enclave incident cases`.")
    case = found[0]
    due_at = None if case.steps else case.due_at
    step = Step(hold_clean(key, "text", text), actor, at, due_at=due_at)
    case = replace(case, steps=(*case.steps, step), closed=close)
    details: Details = {"at": at.isoformat(), "late": case.late, "text_sha256": digest(step.text)}
    outcome = "closed" if close else "open"
    tx.write(case, Entry(actor, "incident.step", key, case.project, case.kind.clause, outcome, details))
    return case


def cases(view: View) -> list[Case]:
    """Give all cases, by kind and number."""
    return view.find(Case)


def _last_day(view: View, project: str) -> date:
    """Give the last day for questions on what was delivered."""
    delivered_on = of(view, project).delivered_on
    if delivered_on is None:
        raise refuse(
            project, "not-delivered", QUESTIONS.clause, "no Resultant Data have been delivered", "Ask when they are.",
        )  # fmt: skip
    return QUESTIONS.due(delivered_on)


def hold_times(kind: CaseKind, came_at: datetime, entered_at: datetime) -> None:
    """Refuse times that cannot be.

    Source: EM A2.1.A.

    Raises
    ------
    Invalid
        If one has no zone, or it is entered before it came.
    """
    if came_at.tzinfo is None or entered_at.tzinfo is None:
        raise _mend(kind, "a time has no time zone")
    if came_at > entered_at:
        raise _mend(kind, "it is entered before it came")


def _mend(kind: CaseKind, what: str) -> Invalid:
    return invalid(kind, "time", kind.clause, what, "Give the time when it came, with its zone.")
