"""The table of requirements is true: every row once, every name in it exists, and the page is made from it."""

from __future__ import annotations

from collections import Counter

import pytest

from scripts.requirements import EVERY, PAGE, Group, Row, mistakes, page, read

ROW = Row(
    id="R1", asks="something", kind="enforced", clauses=("DSA XI",),
    by=("enclave.people.access.may",), proven=("tests/unit/test_people.py::test_every_reason_ends_access",),
)  # fmt: skip

AWAITS = "R1: a row that awaits an agreement says by which clauses, and what holds until then"


def found(row: Row) -> list[str]:
    groups = {"A": Group(title="all", rows=(row, *(ROW.model_copy(update={"id": id}) for id in EVERY[1:])))}
    return mistakes(groups)


def test_every_row_stands_once_and_every_name_in_it_exists() -> None:
    assert mistakes(read()) == []


def test_as_much_is_asked_of_software_and_of_people_as_the_documents_ask() -> None:
    rows = [row for group in read().values() for row in group.rows if row.id.startswith("R")]
    assert Counter(row.kind for row in rows) == {"enforced": 106, "recorded": 75, "people": 7}
    assert sum(row.hard for row in rows) == 26


def test_the_page_is_what_the_rows_give() -> None:
    assert PAGE.read_text("utf-8") == page(read()), "run `python -m scripts.requirements`"


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"clauses": ("DSA XCIX",)}, "R1: no clause DSA XCIX"),
        ({"unlisted": ("DSA XI",)}, "R1: DSA XI is a clause"),
        ({"unlisted": ("somewhere",)}, "R1: somewhere is no place"),
        ({"clauses": ()}, "R1: it stands nowhere"),
        ({"by": ("enclave.people.access.must",)}, "R1: nothing is called enclave.people.access.must"),
        ({"by": ("enclave.people.access",)}, "R1: nothing is called enclave.people.access"),
        ({"proven": ("tests/unit/test_people.py::test_none",)}, "R1: no test tests/unit/test_people.py::test_none"),
        ({"proven": ("tests/none.py::test_none",)}, "R1: no test tests/none.py::test_none"),
        ({"readings": ("the weather",)}, "R1: no conflict about the weather"),
        ({"proven": ()}, "R1: what does it and what proves it come together"),
        ({"by": (), "proven": ()}, "R1: it has no answer"),
        ({"awaits": "one", "by": (), "proven": ()}, AWAITS),
        ({"awaits": "one", "clauses": (), "unlisted": ("SDP",)}, AWAITS),
        ({"awaits": "one", "open": "all of it"}, AWAITS),
        ({"kind": "people"}, "R1: a row for people says who, and nothing else"),
    ],
)
def test_what_is_wrong_with_a_row_is_said(change: dict[str, object], mistake: str) -> None:
    assert found(ROW) == []
    assert found(Row.model_validate(ROW.model_dump() | change)) == [mistake]


def test_a_row_that_awaits_an_agreement_is_counted_as_such_and_says_what_for() -> None:
    row = ROW.model_copy(update={"awaits": "An agreement of its own."})
    assert found(row) == []
    drawn = page({"A": Group(title="all", rows=(row, ROW))})
    assert "| enforced | 1 | 0 | 0 | 1 | 2 |" in drawn and "**awaits an agreement** An agreement of its own." in drawn


def test_a_row_that_is_missing_or_twice_is_said() -> None:
    twice = {"A": Group(title="all", rows=tuple(ROW.model_copy(update={"id": id}) for id in ("R1", *EVERY[:-1])))}
    assert mistakes(twice) == ["R1: stands 2 times", f"{EVERY[-1]}: stands 0 times"]
