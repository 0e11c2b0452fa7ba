"""Questions about UC records, as an honest notebook asks them and as others do, and the hub they go to."""

from __future__ import annotations

import json
from typing import Any

from enclave import egress
from enclave.egress.memory import Remembered
from enclave.errors import EnclaveError
from p20kit.asking import Given
from tests.world import PROJECT, Installation

Body = dict[str, Any]
WAGES, RECORDED = "QuarterlyWages 2021 2", "rate Recorded 2021 2=Y"
SECOND_QUARTER = {"WageYear": "2021", "WageQuarter": "2"}


def question(*by: str, **said: Any) -> Body:
    """Give a question: mean wages of a quarter by columns of the students."""
    columns = {column: f"sde.{column}" for column in by}
    return {
        "format": "p20win-question/1", "name": "wages", "title": "", "records": "dol", "where": SECOND_QUARTER,
        "by": list(by), "measures": [{"kind": "mean", "of": WAGES, "decimals": 0}],
        "sources": {**columns, WAGES: "dol.QuarterlyWages", "EmployerID": "dol.EmployerID"}, "employer": "EmployerID",
        "margins": True,
    } | said  # fmt: skip


def replied(made: Installation, body: Body | bytes, person: str = "wren") -> Given | EnclaveError:
    """Ask as this person's session does."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    enclave = made.enclave
    try:
        return egress.answer(enclave.store, enclave.keystore, enclave.settings, PROJECT, person, content)
    except EnclaveError as error:
        return error


def answered(made: Installation, body: Body, person: str = "wren") -> Given:
    """Ask what is answered."""
    given = replied(made, body, person)
    assert isinstance(given, Given), given
    return given


def reasons(made: Installation, body: Body | bytes, person: str = "wren") -> set[tuple[str, str]]:
    """Ask what is refused, and give rule and place of each finding; nothing is remembered of it."""
    before = remembered(made)
    error = replied(made, body, person)
    assert isinstance(error, EnclaveError), error
    for finding in error.findings:
        assert finding.clause and finding.what and finding.next, finding
    assert remembered(made) == before
    return {(finding.rule, finding.where) for finding in error.findings}


def remembered(made: Installation) -> list[Remembered]:
    """Give what the release memory holds."""
    with made.enclave.store.view() as view:
        return view.find(Remembered, PROJECT)
