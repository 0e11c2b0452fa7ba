"""Somebody who may not see UC records asks for figures of them: what is answered, and every way to get more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enclave import egress
from enclave.errors import EnclaveError
from p20kit.asking import Given
from tests.conftest import At
from tests.world import PROJECT, Installation

Body = dict[str, Any]
WAGES = "QuarterlyWages 2021 2"


def question(*by: str, **said: Any) -> Body:
    """Give a question as an honest notebook writes it: mean wages of a quarter by columns of the students."""
    columns = {
        **{column: f"sde.{column}" for column in by},
        WAGES: "dol.QuarterlyWages",
        "EmployerID": "dol.EmployerID",
    }
    return {
        "format": "p20win-question/1", "name": "wages", "title": "", "records": "dol",
        "where": {"WageYear": "2021", "WageQuarter": "2"}, "by": list(by),
        "measures": [{"kind": "mean", "of": WAGES, "decimals": 0}], "sources": columns, "employer": "EmployerID",
        "margins": True,
    } | said  # fmt: skip


def given(made: Installation, body: Body | bytes, person: str = "wren") -> Given | EnclaveError:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    enclave = made.enclave
    try:
        return egress.answer(enclave.store, enclave.keystore, enclave.settings, PROJECT, person, content)
    except EnclaveError as error:
        return error


def test_try(at: At) -> None:
    import time
    import pandas as pd
    made = at("delivered")
    for by in (["ManufacturingStudent"],["FreeReducedLunchEligible","ManufacturingStudent"],["IsExitTypeGraduated"],["RaceEthnicityReportingText"], ["Gender"], ["P20ID"]):
        t=time.time(); found = given(made, question(*by)); print(by, time.time()-t); print(found if isinstance(found, EnclaveError) else pd.DataFrame(found.columns).to_string())
    t=time.time(); found = given(made, question("ManufacturingStudent")); print(time.time()-t, found)
    assert 0
