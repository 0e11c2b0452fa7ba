"""Somebody who may not see UC records asks for figures of them: what is answered, and every way to get more.

Source: ExA 2.h; DSA I; DSA II.F.
"""

from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

from enclave import egress, terms
from enclave.errors import EnclaveError, Refused
from enclave.ledger import Entry
from p20kit import open_project, tabulate
from p20kit.measures import Mean
from tests.attack.asking import asked, cleared, judged, mounted, one, rules, sent
from tests.attack.questions import (
    RECORDED,
    SECOND_QUARTER,
    WAGES,
    Body,
    answered,
    question,
    reasons,
    remembered,
    replied,
)
from tests.conftest import At
from tests.world import FIRST_DAY, PROJECT, Installation

BY = "IsExitTypeGraduated"


def frame(columns: dict[str, list[str | int | float | None]]) -> pd.DataFrame:
    return pd.DataFrame(columns).set_index(BY)


def refused(made: Installation, body: Body) -> EnclaveError:
    found = replied(made, body)
    assert isinstance(found, EnclaveError), found
    return found


def asked_for(made: Installation, people: pd.DataFrame) -> pd.DataFrame:
    """Leave out the students of two schools of whom no wage records were asked for: they count nowhere."""
    withheld = [school.name for school in made.policy().agreement.schools if "DOL" in school.withholds]
    assert len(withheld) == 2
    return people[~people["LastReportingSchoolName"].isin(withheld)]


def test_the_answer_is_what_somebody_who_sees_the_records_counts(at: At) -> None:
    """The same call in a session that has the records, and in one that has not."""
    made = at("delivered")
    session = made.enclave.broker().admit("grace", PROJECT)
    project = open_project(session.folder / "project")
    quarter = project.beside("sde", "dol", WageQuarter=2, WageYear=2021)
    quarter = asked_for(made, quarter)
    sources = {BY: f"sde.{BY}", WAGES: "dol.QuarterlyWages", "EmployerID": "dol.EmployerID"}
    hers = tabulate(quarter, [BY], [Mean(WAGES, 0)], sources=sources, employer="EmployerID")
    found = frame(answered(made, question(BY)).columns)
    assert found["count"].tolist() == hers.counts.tolist()
    figures = hers.figures[f"mean {WAGES}"]
    assert found[f"mean {WAGES}"].tolist() == figures.value.round(0).tolist()
    assert found[RECORDED].tolist() == (100 * figures.base / hers.counts).round(1).tolist()
    assert reasons(made, question(BY), "grace") == {("own-records", "dol")}
    made.enclave.broker().release(session.name)


def test_who_may_see_the_records_has_no_socket_to_ask_through(delivered: Installation) -> None:
    broker = delivered.enclave.broker()
    inside = {person: {m.target for m in broker.admit(person, PROJECT).mounts} for person in ("wren", "grace")}
    assert inside["wren"] - inside["grace"] == {"/run/enclave/ask"}
    for person in inside:
        broker.release(f"dr-0034-{person}")


def test_an_answer_is_remembered_before_it_is_given_and_given_again_for_nothing(at: At) -> None:
    made = at("delivered")
    first, again = answered(made, question(BY)), answered(made, question(BY))
    assert (first.left, again.left) == (99, 99) and first == again
    (known,) = remembered(made)
    assert (known.request_id, known.sha256) == (first.id, first.sha256)
    with made.enclave.store.view() as view:
        (entry,) = view.entries(action="egress.answer")
    assert (entry["actor"], entry["object"], entry["outcome"]) == ("wren", first.id, "done")
    assert entry["details"]["by"] == [f"sde.{BY}"] and entry["details"]["where"] == ["WageYear 2021", "WageQuarter 2"]
    assert made.run("egress", "answers", PROJECT, "--json").body[0]["answer"] == first.id


def test_only_columns_that_are_open_divide_and_only_amounts_of_closed_records_are_measured(
    delivered: Installation,
) -> None:
    """By = persons, employers, records themselves, a matching identifier, a column derived in the notebook."""
    by = ["P20ID", "SDE_GenericID", "EmployerNAICS", "EmployerID", "SASID", "Derived"]
    sources = dict(zip(by, ("sde.P20ID", "crosswalk.SDE_GenericID", "dol.EmployerNAICS", "dol.EmployerID",
                            "sde.SASID", "sde.Gender"), strict=True))  # fmt: skip
    for four in (by[:4], by[4:]):
        chosen = {name: sources[name] for name in four} | {WAGES: "dol.QuarterlyWages", "Firm": "dol.EmployerID"}
        body = question(by=four, sources=chosen, employer="Firm")
        assert reasons(delivered, body) == {("employer", "Firm"), *(("by-column", name) for name in four)}
    wrong = {BY: f"sde.{BY}", "QuarterlyWages": "dol.QuarterlyWages", "EmployerID": "dol.EmployerID"}
    measures = [{"kind": "mean", "of": "QuarterlyWages", "decimals": 0}]
    where = {"EmployerID": "DOLE-A", "QuarterlyWages": "5000.00", "Nothing": "1"}
    body = question(BY, sources=wrong, measures=measures, where=where)
    assert reasons(delivered, body) == {("amount", "QuarterlyWages"), *(("where", name) for name in (*where, "dol"))}
    assert reasons(delivered, question(BY, records="crosswalk")) >= {("employer", "EmployerID"), ("amount", WAGES)}
    assert reasons(delivered, question(BY, records="sde")) == {("records", "sde")}


MALFORMED: dict[str, Body | bytes] = {
    "no JSON": b"{",
    "a key twice": b'{"format": "p20win-question/1", "format": "p20win-question/1"}',
    "no number": json.dumps(question(BY)).replace('"decimals": 0', '"decimals": NaN').encode(),
    "another's name": question(BY, person="grace"),
    "another's project": question(BY, project="DR-0035"),
    "persons of its own": question(BY, basis={"P20ID": ["P1"]}),
    "a hierarchy of its own": question(BY, hierarchies={BY: [{"Y": "all", "N": "all"}]}),
    "a rate of its own": question(BY, measures=[{"kind": "rate", "of": "Gender", "value": "F", "decimals": 1}]),
    "a cumulative share": question(
        BY, measures=[{"kind": "cumulative", "of": WAGES, "order": ["1"], "upto": "1", "decimals": 1}]
    ),
    "no source": question(BY, sources={}),
    "five columns": question(BY, "Gender", "ELL", "White", "Asian"),
    "depth": b"[" * 60_000,
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_question_is_words_of_one_form(delivered: Installation, how: str) -> None:
    found = replied(delivered, MALFORMED[how])
    assert isinstance(found, EnclaveError) and found.exit_code == 4
    assert {finding.rule for finding in found.findings} == {"format"}
    assert remembered(delivered) == []


def test_a_large_question_is_read_by_nobody(delivered: Installation) -> None:
    assert reasons(delivered, b" " * (2**16 + 1)) == {("size", "")}


def test_cells_of_few_persons_are_refused_before_a_record_is_looked_at(delivered: Installation) -> None:
    assert reasons(delivered, question("RaceEthnicityReportingText")) == {("too-fine", "wages")}
    assert ("too-large", "wages") in reasons(
        delivered, question(BY, "LastReportingSchoolName", "BirthYear", "Gender")
    )


def test_records_of_another_choice_must_be_others(at: At) -> None:
    """All of a quarter less those of one industry would be the others'; of a year a person has several amounts."""
    made = at("delivered")
    assert reasons(made, chosen(WageYear="2021")) == {("one-record", "")}
    answered(made, question(BY))
    for overlapping in (chosen(WageYear="2021"), chosen(**SECOND_QUARTER, EmployerNAICS="722")):
        assert reasons(made, overlapping) == {("overlapping-records", "")}
    # the same amounts under a second name would be others to whoever protects them
    assert reasons(made, chosen(WageQuarter="2", WageYear="2021")) == {("where", "dol")}
    assert answered(made, chosen(WageYear="2021", WageQuarter="3")).left == 94


def chosen(**where: str) -> Body:
    """Ask about other records, the amounts called by what is chosen."""
    name = " ".join(["QuarterlyWages", *where.values()])
    sources = {BY: f"sde.{BY}", name: "dol.QuarterlyWages", "EmployerID": "dol.EmployerID"}
    return question(BY, where=where, measures=[{"kind": "mean", "of": name, "decimals": 0}], sources=sources)


def test_answers_and_releases_are_held_against_each_other(at: At) -> None:
    """A release of groups that differ by three persons, before or after; the words of a refusal say nothing."""
    made = at("delivered")
    students = asked_for(made, mounted(made, "sde")).copy()
    graduates = students.index[students[BY] == "Y"]
    students["Group"] = students[BY]
    students.loc[graduates[:3], "Group"] = "N"
    request = asked(made, one(students, ("Group",), sources={}))
    before, after = sent(made, request, request | {"notes": "once more"})
    assert isinstance(cleared(made, before), egress.Clearance)
    first, second = replied(made, question(BY)), replied(made, question(BY))
    assert isinstance(first, Refused) and isinstance(second, Refused)
    assert str(first) == str(second) and [f.rule for f in first.findings] == ["answer-unsafe"]
    assert not any(character.isdigit() for character in str(first).replace("III.G.2.d", ""))
    assert len(remembered(made)) == 1

    made = at("delivered")
    answered(made, question(BY))
    (after,) = sent(made, request)
    refused = cleared(made, after)
    assert isinstance(refused, Refused) and "difference" in {finding.rule for finding in refused.findings}


def test_what_is_cleared_while_an_answer_is_made_is_held_against_it(at: At) -> None:
    """The answer was made and kept, and is told of nobody: the release came first."""
    made = at("delivered")
    students = asked_for(made, mounted(made, "sde")).copy()
    graduates = students.index[students[BY] == "Y"]
    students["Group"] = students[BY]
    students.loc[graduates[:3], "Group"] = "N"
    (request,) = sent(made, asked(made, one(students, ("Group",), sources={})))
    between = [request]

    def meanwhile(label: str) -> None:
        if label == "egress.answer-kept" and between:
            assert isinstance(cleared(made, between.pop()), egress.Clearance)

    terms.listen(meanwhile)
    try:
        assert {(f.rule, f.where) for f in refused(made, question(BY)).findings} == {("answer-unsafe", "")}
    finally:
        terms.listen(lambda label: None)
    assert [each.request_id for each in remembered(made)] == [request]


@pytest.mark.parametrize(("person", "rule"), [("nobody", "not-listed"), ("sam", "role"), ("hubert", "role")])
def test_who_is_no_analyst_of_the_project_asks_nothing(delivered: Installation, person: str, rule: str) -> None:
    assert rule in {found for found, _ in reasons(delivered, question(BY), person)}


def test_nobody_asks_after_access_has_ended(at: At) -> None:
    made = at("delivered")
    known = answered(made, question(BY))
    made.today(date(2022, 9, 1))
    assert {("project-end", "")} <= reasons(made, question(BY))
    made.today(FIRST_DAY)
    assert answered(made, question(BY)).id == known.id
    made.run("incident", "suspend", PROJECT, "wren", who="olga")
    assert reasons(made, question(BY)) == {("suspended", "")}


def test_questions_come_to_an_end(at: At) -> None:
    made = at("delivered")
    known = answered(made, question(BY))
    with made.enclave.store.transaction() as tx:
        for _ in range(egress.MOST - 1):
            tx.append(Entry("wren", "egress.unanswered", "wren", PROJECT, "DSA III.G.2.d", "refused"))
    assert reasons(made, question("Gender")) == {("questions", "")}
    assert answered(made, question(BY)).id == known.id  # what was answered is told again


def test_the_gate_takes_an_answer_from_what_was_kept_and_from_nothing_else(at: At) -> None:
    made = at("delivered")
    given = answered(made, question(BY))
    honest = asked(made, answers=[{"id": given.id, "sha256": given.sha256}])
    verdict = judged(made, honest)
    assert verdict.verdict == "cleared" and verdict.agencies == ("DOL", "SDE")
    assert verdict.released is not None
    assert verdict.released.protected.to_published()[f"mean {WAGES}"].tolist() == given.columns[f"mean {WAGES}"]
    for forged in ({"id": given.id, "sha256": "0" * 64}, {"id": "ans-000000000000", "sha256": given.sha256}):
        error = _invalid(made, asked(made, answers=[forged]))
        assert {finding.rule for finding in error.findings} == {"unknown-answer"}
    posing = one(mounted(made, "sde"), ("Gender",)) | {"by_hub": True}
    assert "poses" in str(_invalid(made, asked(made, posing)))
    twice = asked(made, one(mounted(made, "sde"), (BY,), name="wages"), answers=honest["answers"])
    assert "same name" in str(_invalid(made, twice))
    # together with a table of their own of the same persons
    both = judged(made, asked(made, one(mounted(made, "sde"), (BY,), name="own"), answers=honest["answers"]))
    assert rules(both) == set()


def _invalid(made: Installation, body: Body) -> EnclaveError:
    with pytest.raises(EnclaveError) as refused:
        judged(made, body)
    assert refused.value.exit_code == 4
    return refused.value
