"""Everything that is wrong with a file is said at once, by line number and never by value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from enclave import intake
from enclave.errors import Invalid, Refused

Rows = list[list[str]]
SDE = "SDE.0034.04_11_2022.matching"
WAGES = "DOL.0034.04_11_2022.analytical"


def put(line: int, column: int, value: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[line - 1][column] = value

    return change


def copy(line: int, onto: int, *columns: int) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for column in columns:
            rows[onto - 1][column] = rows[line - 1][column]

    return change


def widen(rows: Rows) -> None:
    for row in rows:
        row.append("HomePhone" if row is rows[0] else "")


def narrow(rows: Rows) -> None:
    for row in rows:
        del row[3]


def swap(rows: Rows) -> None:
    for row in rows:
        row[2], row[3] = row[3], row[2]


MATCHING = [
    (put(3, 1, "12345"), Invalid, "value-kind", "line 3"),
    (put(3, 5, "19990231"), Invalid, "value-kind", "line 3"),
    (put(4, 5, "1999-02-03"), Invalid, "value-kind", "line 4"),
    (put(5, 6, "X"), Invalid, "value-kind", "line 5"),
    (put(6, 0, ""), Invalid, "value-missing", "line 6"),
    (put(7, 4, 'Mc"Quill'), Invalid, "quotation-marks", "line 7"),
    (put(8, 4, "Mc\x00Quill"), Invalid, "control-characters", "line 8"),
    (put(9, 4, "Mc\rQuill"), Invalid, "control-characters", "line 9"),
    (put(10, 4, "Mc\tQuill"), Invalid, "field-count", "line 10"),
    (put(11, 4, "Mc\nQuill"), Invalid, "field-count", "line 11, 12"),
    (put(12, 4, "x" * 70000), Invalid, "long-line", "line 12"),
    (copy(2, 13, 0), Refused, "one-record-per-individual", "line 13"),
    (copy(2, 14, 1), Refused, "one-record-per-individual", "line 14"),
    (widen, Refused, "element-not-approved", "line 1"),
    (put(1, 4, "Lastname"), Refused, "element-not-approved", "line 1"),
    (narrow, Invalid, "element-missing", "line 1"),
    (swap, Invalid, "element-order", "line 1"),
]


@pytest.mark.parametrize(("change", "kind", "rule", "where"), MATCHING)
def test_a_matching_file_is_turned_away(world: Any, change: Any, kind: Any, rule: str, where: str) -> None:
    rows = world.people("SDE", 30)
    change(rows)
    error = world.turned_away(world.seal(world.write(SDE, rows)), kind)
    assert rule in [finding.rule for finding in error.findings]
    assert any(finding.where == f"{SDE}, {where}" for finding in error.findings if finding.rule == rule)
    assert {finding.rule for finding in error.findings} <= {rule, "element-missing"}


def test_text_that_is_not_utf8(world: Any) -> None:
    plain = world.write(SDE, world.people("SDE", 30))
    lines = plain.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"\t\t", b"\tJos\xe9\t")
    plain.write_bytes(b"".join(lines))
    error = world.turned_away(world.seal(plain), Invalid)
    assert [(f.rule, f.where) for f in error.findings] == [("text-encoding", f"{SDE}, line 5")]


def test_wages_are_checked_by_value_and_by_key(world: Any) -> None:
    rows = world.wages(world.people("DOL", 30))
    put(2, 3, "8123.4")(rows)
    put(3, 2, "5")(rows)
    copy(4, 5, 0, 1, 2, 4)(rows)
    put(6, 5, "33")(rows)
    error = world.turned_away(world.seal(world.write(WAGES, rows)), Refused)
    assert [(f.rule, f.where.split(", ")[1]) for f in error.findings] == [
        ("value-kind", "line 3"),
        ("value-kind", "line 2"),
        ("value-kind", "line 6"),
        ("one-record-per-individual", "line 5"),
    ]


def test_everything_is_said_at_once(world: Any) -> None:
    rows = world.people("SDE", 40)
    widen(rows)
    copy(2, 30, 0, 1)(rows)
    for line in range(3, 12):
        put(line, 6, "X")(rows)
    put(20, 4, 'Mc"Quill')(rows)
    put(21, 4, "Mc\tQuill")(rows)
    put(22, 0, "SDE-" + rows[21][1])(rows)
    error = world.turned_away(world.seal(world.write(SDE, rows)), Refused)
    assert {finding.rule for finding in error.findings} == {
        "element-not-approved", "value-kind", "quotation-marks", "field-count", "one-record-per-individual",
        "generic-id-form", "generic-id-contains",
    }  # fmt: skip
    (kinds,) = [finding for finding in error.findings if finding.rule == "value-kind"]
    assert kinds.where == f"{SDE}, line 3, 4, 5, 6, 7 and 4 more"
    assert kinds.what == "9 values of Gender are not one of its 3 codes"


def test_the_same_person_twice_under_two_generic_ids(world: Any) -> None:
    rows = world.people("DOL", 30)
    put(2, 1, "")(rows)
    copy(2, 3, 1, 2, 3, 4, 5, 6)(rows)
    error = world.turned_away(world.seal(world.write("DOL.0034.04_11_2022.matching", rows)), Refused)
    assert [(f.rule, f.clause) for f in error.findings] == [("one-record-per-individual", "EM XII.A")]


def test_a_placeholder_number_names_nobody(world: Any) -> None:
    rows = world.people("DOL", 30)
    for line in (3, 9, 12):
        put(line, 1, "999999999")(rows)
    assert world.send("DOL.0034.04_11_2022.matching", rows).rows == 30


def test_an_empty_file_and_one_without_a_last_line_feed(world: Any) -> None:
    rows = world.people("SDE", 30)
    error = world.turned_away(world.seal(world.write(SDE, rows[:1])), Invalid)
    assert [finding.rule for finding in error.findings] == ["no-rows"]
    plain = world.write(SDE, rows)
    plain.write_bytes(plain.read_bytes().rstrip(b"\n"))
    assert world.receive(world.seal(plain)).rows == 30


def test_values_that_look_like_something_else_stay_text(world: Any) -> None:
    rows = world.people("SDE", 30)
    for line, name in enumerate(["NA", "NULL", "'; drop view sheet; --", "#Note", "O\\Hara", "Peña", "  "], start=2):
        put(line, 4, name)(rows)
    held = world.send(SDE, rows)
    target = world.root / "opened.parquet"
    intake.open_holding(world.keystore, world.settings, held, target)
    assert pq.read_table(target)["LastName"].to_pylist() == [row[4] for row in rows[1:]]


def test_an_agency_sees_the_same_findings_before_it_sends(world: Any) -> None:
    rows = world.people("SDE", 30)
    assert intake.check_file(world.write(SDE, rows), world.policy) == ()
    put(3, 6, "X")(rows)
    plain = world.write(SDE, rows)
    found = intake.check_file(plain, world.policy)
    assert found == world.turned_away(world.seal(plain), Invalid).findings
    assert not list(world.root.glob(".check-*"))
