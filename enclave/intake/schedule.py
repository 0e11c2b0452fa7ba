"""The day on which each expected file is to be sent, set by the Operating Group; what is late is said to be.

Source: EM XII.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from enclave.agreement import Policy, of
from enclave.errors import refuse
from enclave.intake.holdings import Holding, missing
from enclave.ledger import Details, Entry
from enclave.people import hold_to_party
from enclave.store import Transaction, View
from enclave.terms import Role


@dataclass(frozen=True)
class Transmission:
    """A file that is to be sent by a day.

    Parameters
    ----------
    due_on : date
        Last day.
    """

    KIND: ClassVar[str] = "transmission"
    project: str
    source: str
    contents: str
    due_on: date
    by: str

    @property
    def key(self) -> str:
        """Project, source and contents."""
        return f"{self.project}/{self.source}/{self.contents}"


@dataclass(frozen=True)
class Expected:
    """An expected file as it stands today.

    Parameters
    ----------
    due_on : date, optional
        None where no day is set.
    received_on : date, optional
        When the last of it came; None while it is awaited.
    destroyed_on : date, optional
        When its data were destroyed, where nothing has come in its place: a new match needs a new file.
    """

    source: str
    contents: str
    due_on: date | None
    received_on: date | None
    late: bool
    destroyed_on: date | None = None


def schedule(tx: Transaction, project: str, source: str, contents: str, due_on: date, actor: str) -> Transmission:
    """Set the day by which a file is to be sent, in place of one set before.

    Source: EM XII.

    Raises
    ------
    Refused
        If the agreement expects no such file, or who sets it is not of the Operating Group.
    """
    hold_to_party(tx, project, actor, "EM XII", role=Role.OPM, project=project)
    expected = of(tx, project).policy.expected()
    if (source, contents) not in expected:
        listed = ", ".join(" ".join(pair) for pair in expected)
        raise refuse(
            project, "file-expected", "EM XII", f"no {contents} file of {source} is expected", f"Expected: {listed}.",
        )  # fmt: skip
    known = Transmission(project, source, contents, due_on, actor)
    details: Details = {"source": source, "contents": contents, "due_on": due_on.isoformat(), "told": [source]}
    tx.write(known, Entry(actor, "intake.schedule", known.key, project, "EM XII", details=details))
    return known


def expected(view: View, policy: Policy) -> list[Expected]:
    """Give every expected file: by when it is to come, when it came, and whether that is late.

    Source: EM XII.
    """
    days = {(t.source, t.contents): t.due_on for t in view.find(Transmission, policy.project)}
    absent = set(missing(view, policy))
    came: dict[tuple[str, str], date] = {}
    destroyed: dict[tuple[str, str], date] = {}
    for held in view.find(Holding, policy.project):
        pair = held.source, held.contents
        if held.destroyed_on is not None:
            destroyed[pair] = max(held.destroyed_on, destroyed.get(pair, held.destroyed_on))
        if held.destroyed_on is None or pair in absent:
            came[pair] = max(held.received_on, came.get(pair, held.received_on))
    found = []
    for pair in policy.expected():
        due_on, gone_on = days.get(pair), destroyed.get(pair) if pair in absent else None
        awaited = pair in absent and (gone_on is None or (due_on is not None and due_on > gone_on))
        received_on = None if awaited else came[pair]
        late = due_on is not None and (received_on or view.today) > due_on
        found.append(Expected(*pair, due_on, received_on, late, gone_on))
    return found
