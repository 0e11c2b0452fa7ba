"""Papers: every kind says what it must, versions stand beside each other, and what is kept is kept as it was.

Source: EM VII.A.1.m; EM XVIII.P; ExA 4.b; DSA II.D; DSA II.E; DSA VI.E.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from enclave import papers
from enclave.app import Enclave
from enclave.errors import Invalid, Refused
from enclave.papers import Paper
from tests.parties import pretend
from tests.world import Installation

DAY = date(2022, 4, 11)
LATER = DAY + timedelta(days=30)
WORDS = "The words of an invented agreement.\n"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    made.run("init", "--demo")
    made.today(DAY)
    (tmp_path / "document.pdf").write_text(WORDS, "utf-8")
    yield made
    made.close()


def add(enclave: Enclave, kind: str, **said: Any) -> Paper:
    with enclave.store.transaction() as tx:
        return papers.add(tx, kind, pretend(), "olga", **said)


def stands(office: Installation, kind: str, about: str, project: str = "") -> int:
    """Give the number of the version that stands, 0 where none does."""
    with office.enclave.store.view() as view:
        paper = papers.standing(view, kind, project, about)
    return paper.number if paper else 0


def test_a_document_comes_back_as_it_went_in_and_is_readable_nowhere_else(office: Installation) -> None:
    document, copy = office.root / "document.pdf", office.root / "copy.pdf"
    said = office.run("papers", "add", "agreement", document, "--project", "DR-0034", "--json").body
    key = "agreement/DR-0034/001"
    office.run("papers", "open", key, copy)
    assert copy.read_text("utf-8") == WORDS and stat.S_IMODE(copy.stat().st_mode) == 0o400
    kept = [path for path in office.home.rglob("*") if path.is_file() and WORDS.strip().encode() in path.read_bytes()]
    assert kept == []
    (sealed,) = (office.home / "sealed" / "papers").glob("*")
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o400
    with office.enclave.store.view() as view:
        (entry,) = view.entries(action="papers.add")
    assert (entry["object"], entry["details"]["sha256"]) == (key, said["kept"]["sha256"])
    sealed.chmod(0o600)
    sealed.write_bytes(sealed.read_bytes()[:-1] + b"x")
    assert office.run("papers", "open", key, office.root / "again.pdf", "--json", code=3).rules == ["sealed-at-rest"]
    assert not (office.root / "again.pdf").exists()


def test_versions_stand_beside_each_other_and_are_never_written_again(office: Installation) -> None:
    for words in ("first", "second"):
        document = office.root / f"{words}.txt"
        document.write_text(words, "utf-8")
        office.run("papers", "add", "procedure", document, "--about", "approving users")
    listed = office.run("papers", "list", "--kind", "procedure", "--json").body
    assert [each["paper"] for each in listed] == [f"procedure/approving users/00{n}" for n in (1, 2)]
    for number, words in enumerate(("first", "second"), start=1):
        office.run("papers", "open", f"procedure/approving users/00{number}", office.root / f"{number}.out")
        assert (office.root / f"{number}.out").read_text("utf-8") == words


def test_what_was_sealed_for_a_paper_nobody_entered_goes(office: Installation) -> None:
    enclave = office.enclave
    office.run("papers", "add", "fee-policy", office.root / "document.pdf")
    (kept,) = (office.home / "sealed" / "papers").glob("*")
    papers.seal(enclave.keystore, enclave.settings, office.root / "document.pdf")
    enclave.recover()
    assert list((office.home / "sealed" / "papers").glob("*")) == [kept]


@pytest.mark.parametrize(
    ("kind", "said", "rules"),
    [
        ("training", {"about": "wren"}, ["paper-end"]),
        ("training", {"until": LATER}, ["paper-about"]),
        ("training", {"about": "wren", "until": DAY - timedelta(days=1)}, ["paper-end"]),
        ("training", {"about": "wren", "until": LATER, "project": "DR-0034"}, ["paper-project"]),
        ("agreement", {}, ["paper-project"]),
        ("agreement", {"project": "DR-0034", "about": "SDE"}, ["paper-about"]),
        ("exhibit-d", {"project": "DR-0034", "status": "approved", "names": "IRB-7"}, ["paper-end"]),
        ("exhibit-d", {"project": "DR-0034"}, ["paper-names", "paper-status"]),
        ("procedure", {"about": "a/b"}, ["paper-about"]),
        ("procedure", {"about": "destruction", "status": "approved"}, ["paper-status"]),
        ("diploma", {"about": "wren"}, ["paper-kind"]),
    ],
)
def test_a_paper_says_what_its_kind_must(
    office: Installation, kind: str, said: dict[str, Any], rules: list[str]
) -> None:
    with pytest.raises(Invalid) as caught:
        add(office.enclave, kind, **said)
    assert [finding.rule for finding in caught.value.findings] == rules
    assert office.actions("papers") == []


@pytest.mark.parametrize(
    ("kind", "said", "count"),
    [
        ("exhibit-a", {"project": "DR-0034"}, 12),
        ("user-agreement", {"about": "SDE"}, 7),
        ("vendor-agreement", {"about": "An Invented Vendor, Inc."}, 8),
        ("contract", {"project": "DR-0034", "about": "An Invented Contractor", "until": LATER}, 3),
        ("mou-amendment", {"about": "terms of retention"}, 9),
        ("change-request", {"about": "files of 2023"}, 8),
    ],
)
def test_every_item_is_ticked_by_itself_before_a_paper_stands(
    office: Installation, kind: str, said: dict[str, Any], count: int
) -> None:
    paper = add(office.enclave, kind, **said)
    where = (kind, said.get("about", ""), said.get("project", ""))
    shown = office.run("papers", "items", paper.key, "--json").body
    assert len(shown) == count and all(item["says"] and not item["ticked"] for item in shown)
    for item in shown:
        assert stands(office, *where) == 0
        office.run("papers", "tick", paper.key, item["item"], who="wes")
    assert stands(office, *where) == 1
    with office.enclave.store.view() as view:
        entries = list(view.entries(action="papers.tick"))
    assert [(e["actor"], e["details"]["item"]) for e in entries] == [("wes", item["item"]) for item in shown]
    assert len({e["details"]["words_sha256"] for e in entries}) == count
    assert office.run("papers", "tick", paper.key, "thirteenth", "--json", code=4).rules == ["paper-item"]


@pytest.mark.parametrize("kind", ["procedure", "security-policy", "budget", "subpoena"])
def test_what_only_has_a_subject_is_kept_in_versions(office: Installation, kind: str) -> None:
    first = add(office.enclave, kind, about="laptops")
    assert (first.number, stands(office, kind, "laptops")) == (1, 1)
    assert (add(office.enclave, kind, about="laptops").number, stands(office, kind, "laptops")) == (2, 2)
    assert stands(office, kind, "doors") == 0


def test_a_paper_stands_from_its_first_day_to_its_last(office: Installation) -> None:
    add(office.enclave, "training", about="wren", since=DAY, until=LATER)
    add(office.enclave, "training", about="wren", since=LATER, until=LATER + timedelta(days=9))
    found = []
    for day in (DAY - timedelta(days=1), DAY, LATER - timedelta(days=1), LATER, LATER + timedelta(days=10)):
        office.today(day)
        found.append(stands(office, "training", "wren"))
    assert found == [0, 1, 1, 2, 0]


def test_what_is_withdrawn_takes_what_came_before_with_it(office: Installation) -> None:
    for _ in range(2):
        add(office.enclave, "training", about="wren", until=LATER)
    office.run("papers", "withdraw", "training/wren/002")
    assert stands(office, "training", "wren") == 0
    assert office.run("papers", "withdraw", "training/wren/002", "--json", code=3).rules == ["paper-withdrawn"]
    assert office.run("papers", "show", "training/nobody/001", "--json", code=3).rules == ["unknown-paper"]
    add(office.enclave, "training", about="wren", until=LATER)
    assert stands(office, "training", "wren") == 3


def test_a_second_person_is_neither_who_added_it_nor_whom_it_is_about(office: Installation) -> None:
    paper = add(office.enclave, "government-status", about="wren")
    for actor in ("olga", "wren"):
        with office.enclave.store.transaction() as tx, pytest.raises(Refused, match="Somebody else"):
            papers.look_at(tx, paper.key, actor)
    assert stands(office, "government-status", "wren") == 0
    with office.enclave.store.transaction() as tx:
        papers.look_at(tx, paper.key, "olive")
    assert stands(office, "government-status", "wren") == 1


def test_the_ledger_holds_no_word_of_a_document(office: Installation) -> None:
    office.run("papers", "add", "fee-policy", office.root / "document.pdf")
    with office.enclave.store.view() as view:
        assert not [body for body in view.bodies() if "invented" in body or "document.pdf" in body]
