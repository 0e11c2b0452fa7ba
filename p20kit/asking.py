"""Ask the hub for figures of records that this session may not see, and what it answers: never a row.

A session has one socket for it, where somebody may not see UC unit records. What comes back is protected, counted
against a number of questions, and known to every later verdict as if it had been released.

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from p20kit import counting
from p20kit.dimensions import Dimension
from p20kit.display import as_html
from p20kit.errors import Finding, ProjectInvalid
from p20kit.measures import Count, Measure
from p20kit.policy import CellPolicy
from p20kit.question import FORMAT, LARGEST, Question
from p20kit.records import Records
from p20kit.tables import Table

SOCKET = Path("/run/enclave/ask/ask.sock")
LONGEST = 600
"""Seconds that an answer is waited for."""
LARGEST_ANSWER = 8 * 2**20


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Reason(_Told):
    """One finding of the hub."""

    rule: str
    clause: str
    where: str
    what: str
    next: str


class Given(_Told):
    """What the hub gives.

    Parameters
    ----------
    id, sha256 : str
        By which the gate finds what the hub kept of it.
    left : int
        Questions that may still be asked.
    columns : dict of str to list
        By-columns, count (null where hidden), status (shown, hidden or structural) and figures, cell by cell.
    """

    id: str
    sha256: str
    left: int
    columns: dict[str, list[str | int | float | None]]


class Reply(_Told):
    """What comes over the socket: an answer, or every reason why there is none."""

    answer: Given | None = None
    refused: str = ""
    findings: list[Reason] = Field(default_factory=list)


@dataclass(frozen=True)
class Answer:
    """A protected table that the hub answered with.

    Parameters
    ----------
    question : Question
    given : Given
    policy : CellPolicy
        Whose terms the legend says.
    """

    question: Question
    given: Given
    policy: CellPolicy

    @property
    def name(self) -> str:
        """Name of the table."""
        return self.question.name

    @property
    def id(self) -> str:
        """Number under which the hub keeps it."""
        return self.given.id

    def to_frame(self) -> pd.DataFrame:
        """Read it: the by-columns, `count` (Int64, null where hidden), `status`, and one column per figure."""
        frame = pd.DataFrame(self.given.columns)
        figures = {label: "Float64" for label in frame.columns if label not in (*self.question.by, "count", "status")}
        return frame.astype({"count": "Int64", **figures})

    def to_request(self) -> dict[str, str]:
        """Give what a release request names it by."""
        return {"id": self.given.id, "sha256": self.given.sha256}

    def _repr_html_(self) -> str:
        frame, by = self.to_frame(), self.question.by
        dimensions = tuple(Dimension.of(column, dict.fromkeys(frame[column])) for column in by)
        shape = tuple(len(dimension.codes) for dimension in dimensions)
        nothing = np.zeros(shape, dtype=np.int64)
        drawn = Table(
            self.name, self.question.title or self.name, "person", dimensions, nothing, nothing.astype(bool),
            sources=self.question.sources, margins=_margins(self.question),
            measures=self.question.counted, employer=self.question.employer,
        )  # fmt: skip
        said = f"<p>{self.id}: answered by the hub, which keeps it; {self.given.left} questions are left.</p>"
        return as_html([drawn], [frame], self.policy, released=True) + said

    def __repr__(self) -> str:
        """Say its number, never a figure."""
        return f"<Answer {self.id} {self.name!r} by {', '.join(self.question.by)}>"


@dataclass(frozen=True)
class Unseen:
    """Records beside everybody delivered, as they cannot be seen here: `tabulate` asks the hub for the table.

    Parameters
    ----------
    records : Records
    policy : CellPolicy
    path : Path
        Of the session's socket.
    """

    records: Records
    policy: CellPolicy
    path: Path = SOCKET

    def __repr__(self) -> str:
        """Say what it stands for."""
        return f"<{self.records.table} {dict(self.records.where)}: not seen here; tabulate() asks the hub>"

    def tabulate(
        self,
        by: Sequence[str],
        measures: Sequence[Measure] = (),
        *,
        name: str = "table",
        title: str = "",
        sources: Mapping[str, str] | None = None,
        margins: bool | Sequence[Sequence[str]] = True,
        employer: str | None = None,
        **others: object,
    ) -> Answer:
        """Ask the hub for a table; called by `p20kit.tabulate`.

        Raises
        ------
        ProjectInvalid
            With every reason of the hub, or because nobody answers.
        """
        if others:
            raise _refused(f"{', '.join(sorted(others))}: nothing is grouped or said of codes in an answer")
        body = {
            "format": FORMAT, "name": name, "title": title, "records": self.records.table,
            "where": dict(self.records.where), "by": list(by),
            "measures": [measure.to_dict() for measure in measures if not isinstance(measure, Count)],
            "sources": dict(sources or {}), "employer": employer or "",
            "margins": margins if isinstance(margins, bool) else [list(margin) for margin in margins],
        }  # fmt: skip
        try:
            question = Question.model_validate(body)
        except ValidationError as error:
            raise _refused(*(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in _errors(error))) from None
        return Answer(question, _ask(question.model_dump_json().encode(), self.path), self.policy)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_input=False, include_context=False, include_url=False)


def _margins(question: Question) -> bool | tuple[tuple[str, ...], ...]:
    chosen = question.margins
    return chosen if isinstance(chosen, bool) else tuple(tuple(margin) for margin in chosen)


def _ask(content: bytes, path: Path) -> Given:
    if len(content) > LARGEST:
        raise _refused(f"it is larger than {LARGEST >> 10} KiB")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hub:
            hub.settimeout(LONGEST)
            hub.connect(str(path))
            hub.sendall(content)
            hub.shutdown(socket.SHUT_WR)
            said = _read(hub)
    except OSError as error:
        raise _nobody(f"nobody answers ({type(error).__name__})") from None
    try:
        reply = Reply.model_validate(json.loads(said))
    except ValueError:
        raise _nobody("the answer broke off") from None
    if reply.answer is None:
        told = [Finding(f.rule, f.clause, f.where, f.what, f.next) for f in reply.findings]
        raise ProjectInvalid(reply.refused or "the question was refused", told)
    return reply.answer


def _read(hub: socket.socket) -> bytes:
    parts, size = [], 0
    while part := hub.recv(2**16):
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            break
    return b"".join(parts)


def _refused(*reasons: str) -> ProjectInvalid:
    advice = "See the guide: figures of records you may not see."
    findings = [Finding("question", "", "question", what, advice) for what in reasons]
    return ProjectInvalid("the question cannot be asked", findings)


def _nobody(what: str) -> ProjectInvalid:
    advice = (
        "Ask again; in a cluster's pod nobody answers, then somebody of the project who may see these records asks "
        "for the release."
    )
    return ProjectInvalid("the hub gave no answer", [Finding("answer", "ExA 2.h", "question", what, advice)])


@wraps(counting.tabulate)
def tabulate(frame: Any, *given: Any, **said: Any) -> Table | Answer:
    """Count what is here; ask the hub about what is not."""
    if isinstance(frame, Unseen):
        return frame.tabulate(*given, **said)
    return counting.tabulate(frame, *given, **said)
