"""What an agreement's documents leave open is found, shown with the reading taken, and not passed over in silence.

Source: DSA I; EM XVIII.F.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from enclave.agreement import Conflict, compile_agreement, conflicts_of
from enclave.agreement.documents import Documents
from enclave.agreement.lint import SETTLED, lint
from enclave.agreement.model import Assumption
from enclave.errors import Invalid
from enclave.settings import PACKAGED_POLICIES
from tests.world import Installation

DR = "DR-0034"

FOUND_BY_READING = {
    1: ["end of access"],
    2: ["project"],
    3: ["name of the agencies' role", "name of the recipient's role", "who receives the certificate",
        "roles of the Department of Labor"],
    4: ["elements for complementary suppression"],
    5: ["base of a formula"],
    6: ["cells of nobody", "cells of everybody"],
    7: ["research questions", "questions without elements", "elements without questions", "elements of DOL"],
    8: ["source of elements", "type of elements", "format of elements", "columns that are no elements"],
    9: ["schools", "number of programmes", "agencies that provide data", "elements of CSCU"],
    10: ["name of the completion flag of Tourtellotte"],
    11: ["rows of one individual"],
    12: ["reference to DSA VI.F", "reference to DSA V.G.1", "reference to Attachment C", "reference to EM XIX.B",
         "reference to DSG representative", "persons who may not see UC records of persons",
         "who suspends an agency"],
    13: ["what is destroyed"],
    14: ["notice of termination"],
    15: ["match data"],
    16: ["type of submission"],
    17: ["equipment"],
}  # fmt: skip
"""The seventeen conflicts that people found in the documents of DR-0034, and what each comes to here."""


def settled(**more: Any) -> dict[str, Any]:
    """Give documents in which nothing is open, and change them."""
    statements = [{"subject": s, "clause": clause, "says": "once"} for s, clause in SETTLED.items()]
    element = {"name": "Sex", "agency": "SDE", "source": "sex", "type": "text", "format": "M or F"}
    body = {"dr": "DR-0099", "statements": statements, "elements": [element]}
    return {**body, **more, "statements": [*statements, *more.get("statements", [])]}


def found(body: dict[str, Any], *readings: Assumption) -> list[Conflict]:
    return list(lint(Documents.model_validate(body), readings))


@pytest.mark.parametrize("number", FOUND_BY_READING)
def test_each_conflict_that_people_found_is_found_and_has_a_reading(number: int) -> None:
    conflicts = {each.subject: each for each in conflicts_of(PACKAGED_POLICIES, DR)}
    for subject in FOUND_BY_READING[number]:
        assert conflicts[subject].taken and conflicts[subject].reason and conflicts[subject].clauses


def test_nothing_else_is_found() -> None:
    named = {subject for subjects in FOUND_BY_READING.values() for subject in subjects}
    assert {each.subject for each in conflicts_of(PACKAGED_POLICIES, DR)} == named


def test_the_documents_of_the_second_example_leave_nothing_open() -> None:
    assert conflicts_of(PACKAGED_POLICIES, "DR-0101") == ()


def test_documents_that_agree_leave_nothing_open() -> None:
    assert found(settled()) == []
    again = [{"subject": "smallest cell", "clause": "DSA VI.D.2", "says": "  ONCE "}]
    assert found(settled(statements=again)) == []


@pytest.mark.parametrize(
    ("change", "rule", "what"),
    [
        (
            {"statements": [{"subject": "smallest cell", "clause": "DSA VI.D.2", "says": "twice"}]},
            "disagree",
            "DSA III.G.2.a says once; DSA VI.D.2 says twice",
        ),
        (
            {"statements": [
                {"subject": "schools", "clause": "ExA 3.a", "says": ["North", "South"]},
                {"subject": "schools", "clause": "ExA memo", "says": ["South"]},
            ]},
            "disagree",
            "ExA 3.a also lists North; ExA memo lists none of these",
        ),
        (
            {"statements": [{"subject": "x", "clause": "ExA 4.b", "says": "so", "may_mean": ["a", "b"]}]},
            "ambiguous",
            "ExA 4.b may mean: a; or b",
        ),
        (
            {"headings": {"DSA VI.G": "Reporting"}, "references": [
                {"clause": "DSA VI.H", "to": "DSA VI.F", "about": "reporting"}
            ]},
            "reference",
            "DSA VI.H refers to DSA VI.F, which does not exist; DSA VI.G is about reporting",
        ),
        (
            {"headings": {"DSA VI.F": "Breach"}, "references": [
                {"clause": "DSA VI.H", "to": "DSA VI.F", "about": "reporting"}
            ]},
            "reference",
            "DSA VI.H refers to DSA VI.F, which is about: Breach",
        ),
        (
            {"parties": [{"name": "Labor", "clause": "DSA preamble", "roles": ["agency", "hub"]}]},
            "roles",
            "DSA preamble names it as agency and as hub",
        ),
        (
            {"elements": [{"name": "Sex", "agency": "SDE", "source": "sex", "type": "text"}]},
            "blank",
            "the format of all 1 elements is empty",
        ),
        ({"used": {"ExA memo": ["Sex", "Flag"]}}, "element", "ExA memo speaks of Flag"),
        (
            {"statements": [{"subject": "research questions", "clause": "ExA 3.b", "says": ["RQ1"]}]},
            "question",
            "no element of the table answers RQ1",
        ),
        (
            {"statements": [{"subject": "agencies that provide data", "clause": "ExA 1.e", "says": ["SDE", "DOL"]}]},
            "provider",
            "ExA 1.e names DOL, of which the table of elements has none",
        ),
    ],
)  # fmt: skip
def test_a_conflict_is_found_with_its_clauses_and_words(change: dict[str, Any], rule: str, what: str) -> None:
    assert [(each.rule, each.what) for each in found(settled(**change))] == [(rule, what)]


def test_an_element_that_cites_a_question_nobody_asks_is_found() -> None:
    row = {"name": "Sex", "agency": "SDE", "source": "sex", "type": "text", "format": "M or F", "questions": ["RQ2"]}
    asked = [{"subject": "research questions", "clause": "ExA 3.b", "says": ["RQ1"]}]
    conflicts = found(settled(elements=[row], statements=asked))
    assert [each.what for each in conflicts] == [
        "no element of the table answers RQ1",
        "elements cite RQ2, which ExA 3.b does not list",
    ]


@pytest.mark.parametrize("subject", SETTLED)
def test_what_every_agreement_must_settle_is_missed(subject: str) -> None:
    body = settled()
    body["statements"] = [each for each in body["statements"] if each["subject"] != subject]
    silent = found(body)
    assert [(each.rule, each.subject, each.clauses) for each in silent] == [("silent", subject, (SETTLED[subject],))]


def test_a_reading_closes_the_conflict_of_its_name_alone() -> None:
    more = [{"subject": s, "clause": "DSA VI.D.2", "says": "twice"} for s in ("smallest cell", "match data")]
    reading = Assumption(about="match data", taken="once", reason="the stricter")
    closed = {each.subject: each.taken for each in found(settled(statements=more), reading)}
    assert closed == {"smallest cell": "", "match data": "once"}


@pytest.fixture
def open_conflict(tmp_path: Path) -> Path:
    """Give policies in which the parties never said which end of access is meant."""
    folder = tmp_path / "policies"
    shutil.copytree(PACKAGED_POLICIES, folder)
    path = folder / "agreements" / f"{DR}.yaml"
    body = yaml.safe_load(path.read_text("utf-8"))
    body["assumed"] = [each for each in body["assumed"] if each["about"] != "end of access"]
    path.write_text(yaml.safe_dump(body), "utf-8")
    return folder


def test_an_agreement_with_an_open_conflict_does_not_compile(open_conflict: Path) -> None:
    with pytest.raises(Invalid) as caught:
        compile_agreement(open_conflict, DR)
    (finding,) = caught.value.findings
    assert (finding.rule, finding.clause, finding.where) == ("document-conflict", "ExA 4.a", "end of access")
    assert "`about: end of access`" in finding.next


def test_documents_nobody_transcribed_cannot_be_compared(open_conflict: Path) -> None:
    (open_conflict / "documents" / f"{DR}.yaml").unlink()
    with pytest.raises(Invalid, match="no such file"):
        conflicts_of(open_conflict, DR)


def test_the_command_shows_what_is_open_and_what_was_taken(tmp_path: Path, open_conflict: Path) -> None:
    office = Installation(tmp_path)
    office.run("init", "--demo")
    shown = json.loads(office.run("agreement", "lint", "0034", "--json").text)["conflicts"]
    assert len(shown) == sum(map(len, FOUND_BY_READING.values())) and all(each["taken"] for each in shown)
    assert "2022-08-31" in office.run("agreement", "lint", DR).text
    bare = json.loads(office.run("agreement", "lint", DR, "--json").text)["without_standard"]
    assert "SDE.BirthYear" in bare and "SDE.Gender" not in bare
    setting = office.home / "enclave.toml"
    setting.write_text(f'{setting.read_text("utf-8")}\npolicies = "{open_conflict}"\n', "utf-8")
    assert office.run("agreement", "lint", DR, "--json", code=4).rules == ["document-conflict"]
    assert office.run("agreement", "register", DR, "--json", code=4).rules == ["document-conflict"]


def says(clause: str, words: str, **more: Any) -> dict[str, Any]:
    return {"subject": "notice", "clause": clause, "says": words, **more}


@pytest.mark.parametrize(
    ("statements", "prevails", "by"),
    [
        ([says("EM A3", "30 days"), says("EM XVIII.B", "60 days")], "EM XVIII.B", "EM XVIII.F"),
        ([says("EM XVIII.B", "60 days", definition=True), says("DSA I", "Ten", definition=True)], "DSA I", "DSA I"),
        ([says("EM XVIII.B", "60 days"), says("DSA I", "Ten", definition=True)], "", ""),
        ([says("EM XVIII.B", "60 days"), says("DSA XI", "Ten")], "", ""),
        ([says("EM A1.2", "60 days"), says("EM A3", "Ten")], "", ""),
        ([says("EM XVIII.B", "60 days"), says("EM XVIII.C", "Ten"), says("EM A3", "Two")], "", ""),
        ([says("EM XVIII.B", "60 days"), says("ExA 4.a", "Ten"), says("EM A3", "Two")], "", ""),
    ],
)
def test_the_clause_prevails_that_the_documents_put_before_the_other(
    statements: list[dict[str, Any]], prevails: str, by: str
) -> None:
    (conflict,) = found(settled(statements=statements))
    words = {each["clause"]: each["says"] for each in statements}
    assert (conflict.prevails, conflict.by, conflict.taken) == (prevails, by, words.get(prevails, ""))


def test_nobody_reads_the_documents_against_their_own_order() -> None:
    body = settled(statements=[says("EM A3", "30 days"), says("EM XVIII.B", "60 days")])
    (same,) = found(body, Assumption(about="notice", taken="60  Days", reason="As it says."))
    assert same.taken == "60 days"
    (other,) = found(body, Assumption(about="notice", taken="30 days", reason="It is shorter."))
    assert not other.taken and "EM XVIII.B prevails (EM XVIII.F)" in other.finding.what
    (open_one,) = found(settled(statements=[says("DSA XI", "60 days"), says("EM XVIII.B", "30 days")]),
                        Assumption(about="notice", taken="30 days", reason="Both agreed."))  # fmt: skip
    assert (open_one.taken, open_one.prevails) == ("30 days", "")
