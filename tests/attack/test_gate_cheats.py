"""A hostile researcher at the gate: any bytes in the outbox; each cheat is refused or put before a person."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from enclave import egress
from enclave.egress.memory import Remembered
from enclave.errors import Invalid, Refused
from p20kit.audit import audit
from p20kit.claim import as_claimed
from p20kit.counting import tabulate
from p20kit.protection import protect
from p20kit.request import read_request
from tests.attack.asking import (
    POLICY,
    Body,
    asked,
    cleared,
    judged,
    last_is_refused,
    looks,
    mounted,
    one,
    rules,
    sent,
)
from tests.conftest import At
from tests.spelled import written
from tests.world import PROJECT, Installation

RACE, SCHOOL = "RaceEthnicityReportingText", "LastReportingSchoolName"
BY = ("ManufacturingStudent", RACE)
Change = Callable[[Body], object]


@pytest.fixture(scope="module")
def honest(delivered: Installation, students: pd.DataFrame) -> Body:
    return asked(delivered, one(students, BY))


def test_an_honest_request_is_cleared_without_anybody_looking(delivered: Installation, honest: Body) -> None:
    assert judged(delivered, honest).verdict == "cleared"


def test_the_gate_holds_cells_to_every_term_of_the_agreement(delivered: Installation) -> None:
    enclave = delivered.enclave
    with enclave.store.view() as view:
        desk = egress.desk(view, enclave.keystore, enclave.settings, PROJECT)
    asked_for = {"minimum_count": 7, "minimum_base": 25, "zeros": "shown", "minimum_employers": 5}
    asked_for |= {"dominance_share": 0.7, "p_percent": 20.0}
    cells = desk.policy.cells.model_copy(update=asked_for)
    assert replace(desk.cells, sensitive=()) == POLICY
    column = {"sde.Gender": cells.model_copy(update={"minimum_count": 10})}
    stricter = replace(desk, policy=desk.policy.model_copy(update={"cells": cells, "columns": column})).cells
    sensitive = {"sde.SpecialEd", "dol.QuarterlyWages", "*"}
    assert sensitive <= set(stricter.sensitive)
    assert asdict(replace(stricter, sensitive=(), columns={})) == asdict(POLICY) | asked_for
    assert {name: terms.minimum_count for name, terms in stricter.columns.items()} == {"sde.Gender": 10, "*": 10}


def _again(table: Body) -> None:
    for column in table["basis"].values():
        column.append(column[0])


def _unit(table: Body) -> None:
    table["unit"] = "SDE_ID"
    table["basis"]["SDE_ID"] = table["basis"].pop("P20ID")


def _without(keep: Callable[[Body, int], bool]) -> Change:
    def change(table: Body) -> None:
        rows = [row for row in range(len(table["cells"]["count"])) if keep(table["cells"], row)]
        table["cells"] = {name: [column[row] for row in rows] for name, column in table["cells"].items()}

    return change


def _cell(status: str, count: object, new: str) -> Change:
    def change(table: Body) -> None:
        row = table["cells"]["status"].index(status)
        table["cells"]["status"][row], table["cells"]["count"][row] = new, count

    return change


CELLS: dict[str, tuple[Change, str]] = {
    "a person twice": (_again, "duplicate-persons"),
    "an invented person": (lambda t: t["basis"]["P20ID"].__setitem__(0, "ZZZZ"), "unknown-persons"),
    "an id in other letters": (lambda t: t["basis"]["P20ID"].__setitem__(0, " " + t["basis"]["P20ID"][0]),
                               "unknown-persons"),
    "units that are no persons": (_unit, "unit"),
    "a lying source": (lambda t: t["basis"].update({BY[0]: t["basis"][BY[0]][::-1]}), "source-mismatch"),
    "a source that names persons": (lambda t: t["sources"].update({BY[0]: "crosswalk.SDE_GenericID"}),
                                    "unknown-source"),
    "totals of one column only": (_without(lambda cells, row: cells[BY[0]][row] != "Total"), "cell"),
    "a cell omitted": (_without(lambda cells, row: row > 0), "cell"),
    "no cells": (_without(lambda cells, row: False), "cell"),
    "a huge count": (_cell("shown", 10**30, "shown"), "value"),
    "primary called complementary": (_cell("primary", None, "complementary"), "status"),
    "a small cell called impossible": (_cell("primary", None, "structural"), "status"),
    "a small cell shown": (_cell("primary", 0, "shown"), "threshold"),
}  # fmt: skip


@pytest.mark.parametrize("cheat", CELLS)
def test_persons_and_cells_that_do_not_hold(delivered: Installation, honest: Body, cheat: str) -> None:
    body = deepcopy(honest)
    change, rule = CELLS[cheat]
    change(body["tables"][0])
    verdict = judged(delivered, body)
    assert verdict.verdict == "refused"
    assert rule in rules(verdict)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"project": "DR-0035"}, "project"), ({"person": "grace"}, "requester"),
        ({"policy_hash": "0" * 64}, "policy-version"), ({"report": "memoirs"}, "report"),
        ({"questions": ["RQ99"]}, "question"), ({"methods": ["divination"]}, "method"),
    ],
)  # fmt: skip
def test_a_request_of_another(delivered: Installation, honest: Body, said: Body, rule: str) -> None:
    assert rules(judged(delivered, honest | said)) == {rule}


MALFORMED: dict[str, Change] = {
    "a boolean count": lambda b: b["tables"][0]["cells"]["count"].__setitem__(0, True),
    "a fractional count": lambda b: b["tables"][0]["cells"]["count"].__setitem__(0, 7.0),
    "nobody": lambda b: b["tables"][0].update(basis={name: [] for name in ("P20ID", *BY)}),
    "six columns": lambda b: b["tables"][0]["by"].extend("wxyz"),
    "the same table twice": lambda b: b["tables"].append(b["tables"][0]),
    "letters run backwards": lambda b: b.update(title="abc\u202ecba"),
    "unseen letters": lambda b: b.update(notes="a\u200bb\u2060c"),
    "an unseen line": lambda b: b.update(population="a\u2028b"),
}


@pytest.mark.parametrize("cheat", MALFORMED)
def test_requests_that_are_malformed(delivered: Installation, honest: Body, cheat: str) -> None:
    body = deepcopy(honest)
    MALFORMED[cheat](body)
    with pytest.raises(Invalid):
        judged(delivered, body)


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b'{"title": ' + b"9" * 5_000 + b"}", b'{"a": 1, "a": 2}', b"\xff"]
)
def test_bytes_that_are_no_request(delivered: Installation, content: bytes) -> None:
    with pytest.raises(Invalid):
        judged(delivered, content)


@pytest.mark.parametrize("names", [("p20id",), ("Gender", "gender"), ("Count",)])
def test_columns_that_sql_takes_for_one_another(delivered: Installation, students: pd.DataFrame, names: Any) -> None:
    body = asked(delivered, one(students, ("Gender",)))
    table = body["tables"][0]
    basis, cells = table["basis"].pop("Gender"), table["cells"].pop("Gender")
    table.update(by=list(names), sources={})
    for name in names:
        table["basis"][name], table["cells"][name] = basis, cells
    with pytest.raises(Invalid):
        judged(delivered, body)


@pytest.mark.parametrize("name", ["n", "rowid", 'a"b', "x) from basis; --"])
def test_a_column_under_another_name_goes_to_a_person(
    delivered: Installation, students: pd.DataFrame, name: str
) -> None:
    table = one(students.rename(columns={"Gender": name}), (name,), sources={name: "sde.Gender"})
    verdict = judged(delivered, asked(delivered, table))
    assert (verdict.verdict, looks(verdict)) == ("needs-review", {"renamed-column"})


@pytest.mark.parametrize(
    "said",
    [
        {"title": "Exactly 3 students of Hamden"}, {"population": "all, and three of them employed"},
        {"notes": "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8"}, {"notes": "so it is " * 80}, {"audience": "room 12345"},
    ],
)  # fmt: skip
def test_words_that_could_carry_data_go_to_a_person(delivered: Installation, honest: Body, said: Body) -> None:
    verdict = judged(delivered, honest | said)
    assert (verdict.verdict, looks(verdict)) == ("needs-review", {"wording"})


def test_plain_words_with_what_is_displayed_pass(delivered: Installation, honest: Body) -> None:
    total = honest["tables"][0]["cells"]["count"][-1]
    said = {"title": f"RQ1: {total:,} students, 2020-21", "notes": f"Data Request {PROJECT}"}
    assert judged(delivered, honest | said).verdict == "cleared"


def test_ids_of_persons_stand_nowhere(delivered: Installation, students: pd.DataFrame, honest: Body) -> None:
    person = str(students["P20ID"].iloc[0])
    assert rules(judged(delivered, honest | {"notes": f"see {person.lower()}, please"})) == {"person-id"}
    labelled = one(students.assign(who=students["P20ID"].where(students.index < 30, "all")), ("who",), sources={})
    assert "person-id" in rules(judged(delivered, asked(delivered, labelled)))


@pytest.mark.parametrize("label", ["total", " Total", "Tоtal", "missing"])  # the third has a Cyrillic o
def test_labels_that_pass_for_others(delivered: Installation, students: pd.DataFrame, label: str) -> None:
    table = one(students.assign(x=students["Gender"].replace("M", label)), ("x",), sources={})
    assert rules(judged(delivered, asked(delivered, table))) == {"label"}


def test_a_derived_column_that_singles_out_persons_says_so(delivered: Installation, students: pd.DataFrame) -> None:
    labels = np.where(np.arange(len(students)) < 4, ["a", "b", "c", "d"] + [""] * (len(students) - 4), "all others")
    verdict = judged(delivered, asked(delivered, one(students.assign(x=labels), ("x",), sources={})))
    assert verdict.verdict == "needs-review"
    assert "has 5 labels, 4 of them of fewer than 6 persons" in verdict.look_at[0].what


def test_what_no_evidence_proves_of_codes_goes_to_a_person(delivered: Installation, students: pd.DataFrame) -> None:
    def seen(by: tuple[str, ...], **claimed: Any) -> tuple[str, set[str]]:
        verdict = judged(delivered, asked(delivered, one(students, by, **claimed)))
        return verdict.verdict, looks(verdict) | rules(verdict)

    groups = dict.fromkeys(("Asian", "Two or More Races"), "smaller groups")
    assert seen((RACE,), hierarchies={RACE: [groups]}) == ("needs-review", {"hierarchy"})
    assert seen((RACE,), hierarchies={RACE: [groups | {"Asian": "Missing"}]})[0] == "refused"
    assert seen((RACE,), codes={RACE: [*students[RACE].unique(), "Martian"]}) == ("needs-review", {"codes"})
    assert seen((RACE,), codes={RACE: [*students[RACE].unique(), "tоtal"]})[1] == {"codes", "label"}
    derived = students.assign(x=np.where(students["Gender"] == "F", "a", "b"))
    claim = {"Gender": ["F", "M", "U"], "x": ["b", "a", "a"]}
    verdict = judged(delivered, asked(delivered, one(derived, ("Gender", "x"), sources={}, impossible=claim)))
    assert looks(verdict) == {"derived-column", "impossible"}


def test_a_cell_with_people_is_not_impossible(delivered: Installation, students: pd.DataFrame) -> None:
    table = one(students, BY) | {"impossible": {BY[0]: ["Y"], RACE: ["Asian"]}}
    verdict = judged(delivered, asked(delivered, table))
    assert (verdict.verdict, "hold people" in str(verdict.findings)) == ("refused", True)


def test_the_id_of_a_person_is_no_name_of_a_group(delivered: Installation, students: pd.DataFrame) -> None:
    person = str(students["P20ID"].iloc[0])
    for claimed in (
        {"hierarchies": {RACE: [{"Asian": person}]}},
        {"codes": {RACE: [*students[RACE].unique(), person]}},
    ):
        assert "person-id" in rules(judged(delivered, asked(delivered, one(students, (RACE,), **claimed))))


def test_whoever_chooses_persons_is_looked_at_and_every_agency_asked(
    delivered: Installation, students: pd.DataFrame
) -> None:
    # By gender, of those with a wage record: that they have one is DOL's data, and no column says so.
    linked = mounted(delivered, "crosswalk").dropna()["P20ID"]
    verdict = judged(delivered, asked(delivered, one(students[students["P20ID"].isin(linked)], ("Gender",))))
    assert (verdict.verdict, looks(verdict)) == ("needs-review", {"chosen-persons"})
    assert "DOL" in verdict.agencies


def test_two_requests_that_differ_by_three_people(at: At) -> None:
    made = at("delivered")
    frame = mounted(made, "sde")
    full, fewer = (asked(made, one(rows, ("Gender",))) for rows in (frame, frame.iloc[3:]))
    assert "difference" in last_is_refused(made, full, fewer)


def test_a_hidden_cell_shown_as_a_population_of_its_own(at: At) -> None:
    made = at("delivered")
    frame = mounted(made, "sde")
    full = one(frame, (RACE,))
    hidden = full["cells"][RACE][full["cells"]["status"].index("complementary")]
    alone = asked(made, one(frame[frame[RACE] == hidden], ("Gender",)))
    assert "difference" in last_is_refused(made, asked(made, full), alone)


@pytest.mark.parametrize("sources", [{"Group": f"sde.{RACE}"}, {}])
def test_the_same_cells_under_another_name_with_others_hidden(at: At, sources: dict[str, str]) -> None:
    made = at("delivered")
    frame = mounted(made, "sde")
    table = tabulate(frame.rename(columns={RACE: "Group"}), ["Group"], name="g", sources=sources)
    hide = one(frame, (RACE,))["cells"]
    first = hide[RACE][hide["status"].index("complementary")]
    again = one(frame.rename(columns={RACE: "Group"}), ("Group",), sources=sources)
    cells, counts = again["cells"], dict(zip(table.cells["Group"], table.cells["count"], strict=True))
    for row, code in enumerate(cells["Group"]):
        shown = counts[code] >= POLICY.minimum_count and code != "Asian"
        cells["count"][row] = int(counts[code]) if shown else None
        cells["status"][row] = "shown" if shown else "primary" if counts[code] < 6 else "complementary"
    assert first != "Asian"
    # the same persons under another name are the same cells: what one table shows is known in the other
    assert {"bounds", "sum"} <= last_is_refused(made, asked(made, one(frame, (RACE,))), asked(made, again))


def test_inclusion_and_exclusion_over_three_releases(at: At) -> None:
    made = at("delivered")
    frame = mounted(made, "sde").sample(frac=1, random_state=5)
    parts = (frame.iloc[:100], frame.iloc[100:200], frame.iloc[:203])
    assert "overlap" in last_is_refused(made, *(asked(made, one(rows, ("Gender",))) for rows in parts))


def test_inclusion_and_exclusion_within_a_category(students: pd.DataFrame) -> None:
    """Whole populations differ by ten, the boys among them by three."""
    boys, girls = (students[students["Gender"] == gender] for gender in "MF")

    def some(start: int, stop: int, also: int = 0) -> pd.DataFrame:
        return pd.concat(
            [boys.iloc[start:stop], boys.iloc[500 : 500 + also], girls.iloc[start : stop + 7 * (also > 0)]]
        )

    tables = [tabulate(part, ["Gender"], name=f"t{n}") for n, part in enumerate((some(0, 50), some(50, 99)))]
    union = tabulate(pd.concat([some(0, 99), boys.iloc[500:503], girls.iloc[500:507]]), ["Gender"], name="union")
    found = audit(union, POLICY, tables).findings
    assert [(f.rule, f.where) for f in found] == [("overlap", "overlap[Gender=M]")]


def test_protection_sees_the_hidden_cells_of_a_line_as_a_group(students: pd.DataFrame) -> None:
    """What is protected together withstands the audit, also where one table is about some of the other's persons."""
    full = protect(tabulate(students, [RACE], name="full"), POLICY)
    hidden = next(c for c, s in zip(full.to_frame()[RACE], full.status(), strict=True) if s == "complementary")
    some = tabulate(students[students[RACE] == hidden], ["Gender"], name="some")
    both = protect([tabulate(students, [RACE], name="full"), some], POLICY)
    assert audit(both, POLICY).findings == ()
    assert audit(protect(some, POLICY, [full]), POLICY, [full]).findings == ()


def test_two_requests_cleared_at_the_same_moment(at: At) -> None:
    made = at("delivered")
    frame = mounted(made, "sde")
    requests = sent(made, *(asked(made, one(rows, ("Gender",))) for rows in (frame, frame.iloc[3:])))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda request: cleared(made, request), requests))
    assert sorted(type(answer).__name__ for answer in answers) == ["Clearance", "Refused"]


def test_clearing_twice_a_changed_outbox_and_asking_again(at: At) -> None:
    made = at("delivered")
    frame = mounted(made, "sde")
    good = asked(made, one(frame, BY))
    bad = deepcopy(good)
    _cell("primary", 0, "shown")(bad["tables"][0])
    request, refused = sent(made, good, bad)
    assert isinstance(cleared(made, refused), Refused)
    first, second = cleared(made, request), cleared(made, request)
    assert isinstance(first, egress.Clearance)
    assert first == second
    assert isinstance(cleared(made, refused), Refused)
    with made.enclave.store.view() as view:
        assert [known.request_id for known in view.find(Remembered, PROJECT)] == [request]


def test_an_outbox_of_traps(delivered: Installation, honest: Body, tmp_path: Any) -> None:
    outbox, content = tmp_path / "outbox", written(honest)
    (tmp_path / "real").write_bytes(content)
    for number in range(4):
        (outbox / f"out-{number:012x}").mkdir(parents=True)
    (outbox / f"out-{0:012x}" / "request.json").symlink_to(tmp_path / "real")
    (outbox / f"out-{1:012x}" / "request.json").hardlink_to(tmp_path / "real")
    os.mkfifo(outbox / f"out-{2:012x}" / "request.json")
    (outbox / f"out-{3:012x}" / "request.json").mkdir()
    (outbox / f"out-{4:012x}").symlink_to(tmp_path)
    collected = egress.collect(outbox)
    assert collected.taken == ()
    assert len(collected.findings) == 5
    (tmp_path / "other").symlink_to(outbox)
    assert egress.collect(tmp_path / "other").findings == ()


def test_what_was_collected_is_what_is_judged(honest: Body, tmp_path: Any) -> None:
    content = written(honest)
    folder = tmp_path / f"out-{0:012x}"
    folder.mkdir()
    (folder / "request.json").write_bytes(content)
    (taken,) = egress.collect(tmp_path).taken
    (folder / "request.json").write_bytes(b"{}")
    assert taken.content == content
    assert as_claimed(read_request(taken.content), POLICY).tables[0].total == len(
        honest["tables"][0]["basis"]["P20ID"]
    )
