"""What an agency's person is mounted follows from the purpose they are listed for, and the gate holds them to it.

Source: ExA 2.h; DSA VI.E.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.attack.asking import asked, judged, mounted, one, rules
from tests.conftest import At
from tests.journey.stages import FAR, approve, letter, record
from tests.world import Installation

BY = ("ManufacturingStudent", "RaceEthnicityReportingText")


def let_in(made: Installation, agency: str, purpose: str) -> str:
    """List an agency's person, with everything that access asks for."""
    person = f"of-{agency.lower()}-{purpose}"
    made.run(
        "people", "enlist", made.project, person, "agency-analyst", "--name", "Invented", "--position", "Staff",
        "--organization", agency, "--email", "x@example.org", "--telephone", "555-0100",
        "--purpose", purpose, "--justification", "It is needed.", "--until", "2022-06-30", "--agency", agency,
        "--government", who="olga",
    )  # fmt: skip
    approve(made, person)
    record(made, person)
    made.run("papers", "add", "training", letter(made), "--about", person, "--until", FAR)
    made.run("papers", "add", "government-status", letter(made), "--about", person, who="hal")
    made.run("people", "verify", person, who="olga")
    return person


def opened(made: Installation, person: str) -> dict[str, list[str]]:
    """Give the columns that a session of this person has open."""
    session = made.enclave.broker().admit(person, made.project)
    assert str(session.expires_on) == "2022-06-30"
    folder: Path = session.folder / "project" / "data"
    found = {path.stem: list(pd.read_parquet(path).columns) for path in folder.glob("*.parquet")}
    made.enclave.broker().release(session.name)
    return found


@pytest.mark.parametrize(
    ("agency", "purpose", "tables", "generic"),
    [
        ("SDE", "a", {"sde", "crosswalk"}, {"SDE"}),
        ("SDE", "b", {"sde", "dol", "crosswalk"}, {"SDE", "DOL"}),
        ("SDE", "c", {"sde", "dol", "crosswalk"}, {"SDE", "DOL"}),
        ("DOL", "a", {"dol", "crosswalk"}, {"DOL"}),
        ("DOL", "c", {"dol", "crosswalk"}, {"DOL"}),
    ],
)
def test_a_purpose_opens_whose_data_it_is_about(
    at: At, agency: str, purpose: str, tables: set[str], generic: set[str]
) -> None:
    made = at("delivered")
    found = opened(made, let_in(made, agency, purpose))
    assert set(found) == tables
    assert set(found["crosswalk"]) == {"P20ID", *(f"{code}_GenericID" for code in generic)}


def test_a_session_ends_that_shows_what_may_not_be_seen_any_more(at: At) -> None:
    made = at("delivered")
    broker = made.enclave.broker()
    session = broker.admit("grace", made.project)
    assert (session.folder / "project" / "data" / "dol.parquet").exists()
    assert broker.still_admitted("grace", made.project) == []
    made.run("papers", "withdraw", "government-status/grace/001", who="olga")
    (reason,) = broker.still_admitted("grace", made.project)
    assert "ExA 2.h" in reason
    broker.release(session.name)
    session = broker.admit("grace", made.project)
    assert broker.still_admitted("grace", made.project) == []
    assert not (session.folder / "project" / "data" / "dol.parquet").exists()
    broker.release(session.name)


def test_the_gate_takes_no_column_that_a_purpose_closes(at: At) -> None:
    made = at("delivered")
    request = asked(made, one(mounted(made, "sde"), BY))
    verdicts = {}
    for agency, purpose in (("SDE", "c"), ("DOL", "c")):
        person = let_in(made, agency, purpose)
        verdict = judged(made, request | {"person": person}, person)
        verdicts[agency] = (verdict.verdict, rules(verdict))
    assert verdicts["SDE"] == ("cleared", set())
    assert verdicts["DOL"][0] == "refused"
    assert verdicts["DOL"][1] == {"unknown-source"}
