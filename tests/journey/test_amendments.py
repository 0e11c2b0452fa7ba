"""What an amendment takes away is closed at once, though the Resultant Data were cut before it.

Source: DSA VII; ExA 3.a.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from enclave import board, people
from enclave.agreement import Agreement, Policy, of
from enclave.board import Decision, MotionKind
from enclave.errors import Refused
from enclave.resultant import delivery_of
from enclave.terms import Action
from tests.attack.asking import asked, judged, mounted, one, rules
from tests.attack.questions import answered, question, reasons
from tests.conftest import At
from tests.journey.stages import REPRESENTATIVES
from tests.world import PROJECT, Installation

TAKEN, KEPT = "RaceEthnicityReportingText", "ManufacturingStudent"


def amend(made: Installation, agreement: Agreement, *more: str) -> str:
    """Let all parties agree to other terms, `more` of whom are asked for something new; give the policy's hash."""
    policy = made.policy()
    other = Policy(agreement=agreement, cells=policy.cells, retention=policy.retention)
    with made.enclave.store.transaction() as tx:
        board.amend(tx, people.may(tx, "wes", Action.DECIDE, PROJECT), other, "Less is needed.")
        for person in REPRESENTATIVES:
            admission = people.may(tx, person, Action.DECIDE, PROJECT)
            if admission.party in more:
                board.confirm_available(tx, admission)
            board.answer(tx, admission, MotionKind.MODIFICATION, Decision.APPROVAL, "")
        known = of(tx, PROJECT)
    assert known.version == 2
    return known.policy.hash


def without(made: Installation, agency: str, *names: str) -> Agreement:
    agreement = made.policy().agreement
    left = tuple(element for element in agreement.elements[agency] if element.name not in names)
    return agreement.model_copy(update={"elements": {**agreement.elements, agency: left}})


def closed_as_uc(made: Installation, agency: str, name: str) -> Agreement:
    agreement = made.policy().agreement
    elements = tuple(
        each.model_copy(update={"uc": each.uc or each.name == name}) for each in agreement.elements[agency]
    )
    return agreement.model_copy(update={"elements": {**agreement.elements, agency: elements}})


def shown(folder: Path) -> tuple[set[str], dict[str, str]]:
    """Give the columns a session has of the students, and by which clause others are masked."""
    about = json.loads((folder / "project" / "project.json").read_text("utf-8"))
    columns = set(pd.read_parquet(folder / "project" / "data" / "sde.parquet").columns)
    return columns, {each["column"]: each["clause"] for each in about["masked"]}


def test_an_element_that_is_taken_away_is_closed_to_sessions_that_run_and_to_requests(at: At) -> None:
    made = at("delivered")
    broker, students = made.enclave.broker(), mounted(made, "sde")
    columns, masked = shown(broker.admit("wren", PROJECT).folder)
    assert TAKEN in columns and f"sde.{TAKEN}" not in masked and broker.still_admitted("wren", PROJECT) == []
    now = amend(made, without(made, "SDE", TAKEN))
    (reason,) = broker.still_admitted("wren", PROJECT)
    assert "DSA VII" in reason
    broker.release(f"{PROJECT.lower()}-wren")
    left, masked = shown(broker.admit("wren", PROJECT).folder)
    assert columns - left == {TAKEN} and masked[f"sde.{TAKEN}"] == "DSA VII"
    assert broker.still_admitted("wren", PROJECT) == []
    # somebody may have kept a copy
    refused = judged(made, asked(made, one(students, (KEPT, TAKEN)), policy_hash=now))
    assert (refused.verdict, "unknown-source" in rules(refused)) == ("refused", True)
    assert judged(made, asked(made, one(students, (KEPT,)), policy_hash=now)).verdict == "cleared"
    assert reasons(made, question(TAKEN)) == {("taken-away", TAKEN), ("by-column", TAKEN)}
    broker.release(f"{PROJECT.lower()}-wren")


def test_an_element_that_becomes_uc_is_closed_to_those_outside_the_government(at: At) -> None:
    made = at("delivered")
    broker = made.enclave.broker()
    columns, masked = shown(broker.admit("wren", PROJECT).folder)
    assert KEPT in columns and f"sde.{KEPT}" not in masked
    amend(made, closed_as_uc(made, "SDE", KEPT))
    (reason,) = broker.still_admitted("wren", PROJECT)
    assert "ExA 2.h" in reason
    broker.release(f"{PROJECT.lower()}-wren")
    # that there is a row of somebody says that UC records exist: all of the table are hidden
    assert broker.still_admitted("wren", PROJECT) == []
    folder = broker.admit("wren", PROJECT).folder
    about = json.loads((folder / "project" / "project.json").read_text("utf-8"))
    assert {each["clause"] for each in about["masked"] if each["column"].startswith("sde.")} == {"ExA 2.h"}
    assert not (folder / "project" / "data" / "sde.parquet").exists()


def test_records_that_stay_closed_are_not_asked_about_by_what_was_taken_away(at: At) -> None:
    made = at("delivered")
    answered(made, question(KEPT))
    amend(made, without(made, "DOL", "QuarterlyWages"))
    assert reasons(made, question(KEPT)) == {("taken-away", "QuarterlyWages 2021 2")}


@pytest.mark.parametrize("field", ["schools", "cohorts", "grades", "withholds"])
def test_persons_that_are_not_asked_for_any_more_close_all_until_they_are_cut_again(at: At, field: str) -> None:
    made = at("delivered")
    broker, agreement = made.enclave.broker(), made.policy().agreement
    first, *others = agreement.schools
    less = () if field == "schools" else (first.model_copy(update={field: ("DOL",) if field == "withholds" else ()}),)
    broker.admit("wren", PROJECT)
    amend(made, agreement.model_copy(update={"schools": (*less, *others)}))
    (reason,) = broker.still_admitted("wren", PROJECT)
    assert "DSA VII" in reason
    broker.release(f"{PROJECT.lower()}-wren")
    with pytest.raises(Refused, match="as amended"):
        broker.admit("wren", PROJECT)
    with made.enclave.store.view() as view, pytest.raises(Refused, match="as amended"):
        delivery_of(view, PROJECT)
    made.run("resultant", "cut", PROJECT, who="hubert")
    assert first.name not in set(mounted(made, "sde")["LastReportingSchoolName"]) or field != "schools"
    broker.admit("wren", PROJECT)
    assert broker.still_admitted("wren", PROJECT) == []
    broker.release(f"{PROJECT.lower()}-wren")


def test_what_is_asked_for_beside_closes_nothing(at: At) -> None:
    made = at("delivered")
    agreement = made.policy().agreement
    first, *others = agreement.schools
    more = first.model_copy(update={"code": "LEA-CEDAR", "name": "Cedar High School"})
    begin = tuple(each.model_copy(update={"starting_fall": each.starting_fall - 1}) for each in first.cohorts)
    first = first.model_copy(update={"cohorts": begin})
    amend(made, agreement.model_copy(update={"schools": (first, *others, more), "title": "And after"}), "SDE", "DOL")
    broker = made.enclave.broker()
    broker.admit("wren", PROJECT)
    assert broker.still_admitted("wren", PROJECT) == []
    broker.release(f"{PROJECT.lower()}-wren")


def test_an_agency_that_takes_no_part_any_more_is_closed_to_everybody(at: At) -> None:
    made = at("delivered")
    agreement = made.policy().agreement
    parties = tuple(party for party in agreement.parties if party.code != "DOL")
    left = {agency: elements for agency, elements in agreement.elements.items() if agency != "DOL"}
    broker = made.enclave.broker()
    assert (broker.admit("grace", PROJECT).folder / "project" / "data" / "dol.parquet").exists()
    amend(made, agreement.model_copy(update={"parties": parties, "elements": left}))
    assert ["DSA VII" in reason for reason in broker.still_admitted("grace", PROJECT)] == [True]
    broker.release(f"{PROJECT.lower()}-grace")
    folder = broker.admit("grace", PROJECT).folder / "project" / "data"
    assert not (folder / "dol.parquet").exists()
    assert "DOL_GenericID" not in pd.read_parquet(folder / "crosswalk.parquet").columns
    broker.release(f"{PROJECT.lower()}-grace")
