"""Refusals, invalid input and faults: three bases, mapped once to exit code and HTTP status.

Every error carries findings; a finding says which rule, which clause, where, what, and what to do next.
It holds ids and counts, never a row, a name or a value of a person.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Finding:
    """One reason why something does not pass.

    Parameters
    ----------
    rule : str
        Name of the rule in the code, e.g. ``one-record-per-individual``.
    clause : str
        Where the agreement says so, an id of ``policies/clauses.yaml``.
    where : str
        File, line numbers, table or cell; never a value.
    what : str
        What was found, in lower case, with counts.
    next : str
        What the person can do about it.
    """

    rule: str
    clause: str
    where: str
    what: str
    next: str

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what} ({self.clause}). {self.next}"

    def as_dict(self) -> dict[str, str]:
        """Give the finding as plain JSON values."""
        return asdict(self)


class EnclaveError(Exception):
    """Base of everything the enclave raises on purpose."""

    exit_code: ClassVar[int] = 70
    http_status: ClassVar[int] = 500

    def __init__(self, subject: str, findings: Iterable[Finding] = ()) -> None:
        super().__init__(subject)
        self.subject = subject
        self.findings = tuple(findings)

    def __str__(self) -> str:
        if not self.findings:
            return self.subject
        if len(self.findings) == 1:
            return f"{self.subject}: {self.findings[0]}"
        lines = "\n".join(f"  - {finding}" for finding in self.findings)
        return f"{self.subject}: {len(self.findings)} findings\n{lines}"


class Refused(EnclaveError):
    """A rule says no. Always entered in the ledger by the room that refuses."""

    exit_code = 3
    http_status = 403


class Invalid(EnclaveError):
    """A file, a form or a request is malformed."""

    exit_code = 4
    http_status = 422


class Fault(EnclaveError):
    """Ours: something the person in front of it cannot mend."""


def no_room(error: BaseException) -> Fault | None:
    """Give the fault of a disk, or of a memory, that is full, where an error comes from that; None of any other.

    Libraries say it in their own errors: it is known by the system's words.
    """
    if not any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT)):
        return None
    then = "Whoever runs the hub makes room; try again then. What was entered before stands."
    return Fault("no room left", [Finding("no-room", "EM XV", "", "there is no room left to write in", then)])


def refuse(subject: str, rule: str, clause: str, what: str, next: str, where: str = "") -> Refused:
    """Make a refusal with a single finding."""
    return Refused(subject, [Finding(rule, clause, where, what, next)])


def invalid(subject: str, rule: str, clause: str, what: str, next: str, where: str = "") -> Invalid:
    """Make an invalid-input error with a single finding."""
    return Invalid(subject, [Finding(rule, clause, where, what, next)])
