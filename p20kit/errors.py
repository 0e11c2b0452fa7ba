"""Errors of p20kit: each says what was found, which clause is behind it, and what to do next.

No message ever holds a value of a person: columns, positions and counts only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

FAILED = 70
"""Exit code of a program that failed, as sysexits.h has it for software."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    rule : str
        Short name of the rule, for example ``threshold``.
    clause : str
        Clause of the agreement behind the rule; empty where the rule is only one of form.
    where : str
        Table, cell or field.
    what : str
        What was found, in one sentence.
    next : str
        What would make it pass.
    """

    rule: str
    clause: str
    where: str
    what: str
    next: str

    def __str__(self) -> str:
        """Return the finding as one line of text."""
        clause = f" ({self.clause})" if self.clause else ""
        return f"{self.where}: {self.what}{clause}. {self.next}".strip()

    def to_dict(self) -> dict[str, str]:
        """Return the finding as the mapping that `enclave egress check --json` prints."""
        return asdict(self)


class P20KitError(Exception):
    """Base of p20kit's errors; `findings` holds every reason at once.

    Parameters
    ----------
    message : str
        What was refused, lower case.
    findings : iterable of Finding
        Every reason; never empty in a raised error.
    """

    def __init__(self, message: str, findings: Iterable[Finding] = ()) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("\n".join([message, *(f"  - {finding}" for finding in self.findings)]))


class PolicyInvalid(P20KitError):
    """A cell policy is malformed, or looser than the agreement's floor."""


class TableInvalid(P20KitError):
    """A table cannot be made from what was given: it would not add up, or would not count persons."""


class ModelInvalid(P20KitError):
    """A model cannot be fitted to what was given: the formula, its columns, or who the rows are."""


class ModelUnsafe(P20KitError):
    """A model tells too much of a few individuals to be read in the form that is released."""


class ChartInvalid(P20KitError):
    """A chart cannot be drawn: not from a protected table, or not of the columns named."""


class Unprotectable(P20KitError):
    """No choice of hidden cells protects what must be protected; the findings name the cells."""


class ProjectInvalid(P20KitError):
    """The project folder is missing, malformed, or lacks what was asked of it."""


class RequestInvalid(P20KitError):
    """A release request is malformed or incomplete."""
