"""What was answered, as it is kept: a record of the question, and the table with its evidence in the release memory.

Source: ExA 2.h; DSA I; DSA VI.H.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.egress.memory import kept_release
from enclave.errors import invalid, refuse
from enclave.settings import Settings
from enclave.store import View
from enclave.vault import Keystore
from p20kit.request import Request


@dataclass(frozen=True)
class Answered:
    """A question that was answered; the table, with its evidence, is in the release memory under the same id.

    Parameters
    ----------
    question : str
        SHA-256 (hex) of its words.
    records : str
        Table of the records.
    where : dict of str to str
        What was chosen of them.
    sha256 : str
        Of what is kept (hex).
    """

    KIND: ClassVar[str] = "answer"
    project: str
    id: str
    person: str
    question: str
    records: str
    where: dict[str, str]
    sha256: str
    answered_on: date

    @property
    def key(self) -> str:
        """Project and id."""
        return f"{self.project}/{self.id}"


def kept(keystore: Keystore, settings: Settings, answered: Answered, bench: Path) -> Request:
    """Open what was kept of an answer.

    Raises
    ------
    Refused
        If it is not what was answered.
    """
    request, sha256 = kept_release(keystore, settings, answered.project, answered.id, bench)
    if sha256 != answered.sha256:
        raise refuse(
            answered.id, "answer-changed", "DSA VI.G.1", "what was kept is not what was answered", "Open an incident."
        )
    return request


def with_answers(
    view: View, keystore: Keystore, settings: Settings, project: str, request: Request, bench: Path
) -> Request:
    """Put the tables that a request names by their answers, as they were kept, in their place.

    Source: DSA VI.G.1.

    Raises
    ------
    Invalid
        If the project has no such answer.
    RequestInvalid
        If two tables have one name.
    """
    tables = []
    for asked in request.answers:
        known = view.get(Answered, f"{project}/{asked.id}")
        if known is None or known.sha256 != asked.sha256:
            what = "no such answer was given to this project"
            raise invalid(
                "request", "unknown-answer", "DSA VI.G.1", what, "Ask again with p20kit.tabulate().", asked.id
            )
        tables += kept(keystore, settings, known, bench).tables
    return request.with_answers(tables) if tables else request
