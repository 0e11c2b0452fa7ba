"""Schools list students by SASID, a table for each flag (ExA memo)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from enclave import intake
from enclave.errors import Invalid, Refused

HAMDEN = "LEA-HAMDEN.0034.04_11_2022.finder"
BRITAIN = "LEA-NEW-BRITAIN.0034.04_11_2022.finder"
BRITAIN_FLAGS = ("FLAG_MP1819", "FLAG_MP1920", "FLAG_MP2021")


def test_a_school_sends_a_table_for_each_flag(world: Any) -> None:
    world.register("LEA-NEW-BRITAIN")
    for number, flag in enumerate(BRITAIN_FLAGS, start=1):
        with world.store.view() as view:
            assert ("LEA-NEW-BRITAIN", "finder") in intake.missing(view, world.policy)
        sealed = world.seal(world.write(BRITAIN, [["SASID", flag], *[[f"{n:010}", "1"] for n in range(number)]]))
        assert sealed.name == f"{BRITAIN}.{flag}.sealed"
        held = world.receive(sealed)
        assert (held.flag, held.rows, held.key_id) == (flag, number, f"match-DR-0034.{held.id}")
    with world.store.view() as view:
        assert ("LEA-NEW-BRITAIN", "finder") not in intake.missing(view, world.policy)


def test_a_flag_that_is_not_the_schools_own(world: Any) -> None:
    sealed = world.seal(world.write(HAMDEN, [["SASID", "FLAG_MP1819"], ["0123456789", "1"]]))
    error = world.turned_away(sealed, Refused)
    assert [finding.rule for finding in error.findings] == ["element-not-approved", "element-missing"]


def test_rows_that_are_no_list_of_students(world: Any) -> None:
    rows = [
        ["SASID", "FLAG_MP2021"],
        ["0123456789", "1"],
        ["0123456780", "0"],
        ["012345678", "1"],
        ["0123456788", ""],
    ]
    error = world.turned_away(world.seal(world.write(HAMDEN, rows)), Invalid)
    assert [(f.rule, f.where.split(", ", 1)[1]) for f in error.findings] == [
        ("value-kind", "line 4"),
        ("value-kind", "line 3, 5"),
    ]
    error = world.turned_away(world.seal(world.write(HAMDEN, [*rows[:2], rows[1]])), Refused)
    assert [finding.rule for finding in error.findings] == ["one-record-per-individual"]


def test_names_beside_the_sasid_are_not_approved(world: Any) -> None:
    rows = [["SASID", "FLAG_MP2021", "LastName"], ["0123456789", "1", "Quimby"]]
    error = world.turned_away(world.seal(world.write(HAMDEN, rows)), Refused)
    assert error.findings[0].rule == "element-not-approved"


def test_tables_merge_to_one_row_for_each_student() -> None:
    tables = [
        pd.DataFrame({"SASID": ["0000000002", "0000000001"], "FLAG_MP1819": ["1", "1"]}),
        pd.DataFrame({"SASID": ["0000000002", "0000000003"], "FLAG_MP2021": ["1", "1"]}),
        pd.DataFrame({"SASID": ["0000000002"], "FLAG_MP2021": ["1"]}),
    ]
    merged = intake.merge_finders(tables)
    assert list(merged.columns) == ["SASID", "FLAG_MP1819", "FLAG_MP2021"]
    assert merged["SASID"].tolist() == ["0000000001", "0000000002", "0000000003"]
    assert merged["FLAG_MP1819"].fillna("").tolist() == ["1", "1", ""]
    assert merged["FLAG_MP2021"].fillna("").tolist() == ["", "1", "1"]
    assert list(intake.merge_finders([]).columns) == ["SASID"]
