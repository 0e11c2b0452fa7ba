"""The request form: blank, or filled in from what is registered, with everything that was decided on it.

Source: ExA 1.a; ExA 4.b; EM XI.B.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave import papers
from tests.journey.stages import attach, enlist, steward
from tests.world import FIRST_DAY, Installation

QUESTIONS = [
    "1.a", "1.b", "1.c", "1.d", "1.e", "1.f", "2.a-f", "2.g", "2.h", "3.a", "3.b", "3.c", "3.d", "3.e", "3.f", "4.a",
    "4.b", "6",
]  # fmt: skip
STATEMENTS = papers.kind_of("exhibit-a").items.values()


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    made.run("init", "--demo")
    made.run("today", FIRST_DAY)
    yield made
    made.close()


def form(office: Installation, *options: str) -> str:
    path = office.root / "form.md"
    office.run("agreement", "form", path, *options)
    text = path.read_text("utf-8")
    assert re.findall(r"^\*\*(\S+) ", text, re.MULTILINE) == QUESTIONS
    return text


def answer(text: str, question: str) -> str:
    return re.split(r"\n\*\*|\n##", text.split(f"**{question} ")[1])[0].split("**\n", 1)[1].strip()


def test_the_blank_form_has_every_question_and_statement_and_no_answer(office: Installation) -> None:
    text = form(office)
    assert {question for question in QUESTIONS if answer(text, question) == "________"} == {*QUESTIONS} - {"4.b"}
    assert answer(text, "4.b").splitlines() == [f"- [ ] {words}" for words in STATEMENTS]


def test_the_form_is_filled_in_and_shows_what_was_decided_before(office: Installation) -> None:
    office.run("agreement", "form", office.root / "form.md", "--project", "DR-0034", code=3)
    office.run("agreement", "register", "DR-0034")
    for person in ("sam", "dora", "wren", "grace"):
        enlist(office, person)
    for agency in ("SDE", "DOL"):
        office.run("agreement", "available", "DR-0034", who=steward(agency))
    vote = ("agreement", "vote", "DR-0034")
    office.run(*vote, "conditional approval", "--reason", "Name the grades.", who="sam")
    office.run("agreement", "register", "DR-0034")
    for agency in ("SDE", "DOL"):
        office.run("agreement", "available", "DR-0034", who=steward(agency))
    office.run("agreement", "refuse-element", "DR-0034", "SpecialEd", "--reason", "Not needed.", who="sam")
    for agency in ("SDE", "DOL"):
        office.run(*vote, "approval", who=steward(agency))
    attach(office)
    text = form(office, "--project", "DR-0034")
    terms = office.policy().agreement
    assert terms.requestor is not None and terms.benefit is not None
    assert (answer(text, "1.c"), answer(text, "1.d")) == ("DR-0034", terms.title)
    assert terms.requestor.address in answer(text, "2.a-f") and terms.benefit.text in answer(text, "3.c")
    assert "Invented wren" in answer(text, "2.g") and "purpose b: for the agency" in answer(text, "2.h")
    assert [line[:5] for line in answer(text, "4.b").splitlines()] == ["- [x]"] * len(STATEMENTS)
    assert text.split("## Decisions\n")[1].strip().splitlines() == [
        "- 2022-04-11 initial asked by operator: replaced",
        "  - 2022-04-11 SDE, conditional approval: Name the grades.",
        "- 2022-04-11 initial asked by operator: carried",
        "  - SDE does not share SpecialEd: Not needed.",
        "  - 2022-04-11 SDE, approval",
        "  - 2022-04-11 DOL, approval",
    ]
