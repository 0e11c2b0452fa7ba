"""Pages of a programme with many projects: short where there is much, and no more questions to the database.

Source: EM XVII.B.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks.pages_case import analyst, enlarge, names
from enclave import incidents, people
from enclave.app import open_enclave
from enclave.web import PAGES
from tests.web.browser import Browser, served
from tests.web.world import World

PROJECT = "DR-1001"
RESEARCHER = analyst(PROJECT, 0)
WHO = {
    "/": ("olga", "sam", "audrey", RESEARCHER, "hubert1001"),
    "/messages": (RESEARCHER,),
    "/projects/{project}": ("olga", "sam", RESEARCHER, "hubert1001"),
    "/agency": ("sam",),
    "/agency/{agency}/suspension": ("sam",),
    "/overview": ("olga", "audrey"),
    "/overview/years/{name}": ("olga",),
    "/overview/years/{name}/report.pdf": ("olga",),
    "/incidents": ("olga",),
    "/programme": ("olga", "sam"),
    "/agreements": ("olga",),
    "/agreements/{agreement}": ("olga",),
    "/controls": ("audrey",),
    "/ledger": ("audrey", "sam"),
    "/ledger/checkpoint": ("sam",),
    "/ledger/receipts/{name}": ("sam",),
    "/open-data": ("olga",),
    "/open-data/{request}": ("olga",),
    "/projects/{project}/decisions": ("sam",),
    "/projects/{project}/decisions/ask": ("sam",),
    "/projects/{project}/people": ("sam",),
    "/projects/{project}/people/{person}/exhibits/{kind}": ("olga",),
    "/projects/{project}/people/{person}/exhibits/{kind}/signed": ("olga",),
    "/projects/{project}/exhibits": (RESEARCHER, "hubert1001"),
    "/projects/{project}/papers": ("olga",),
    "/projects/{project}/papers/{name}": ("olga",),
    "/projects/{project}/intake": ("hubert1001",),
    "/projects/{project}/matching": ("hubert1001", "sam"),
    "/projects/{project}/matching/run": ("hubert1001",),
    "/projects/{project}/matching/{run}/report": ("sam",),
    "/projects/{project}/matching/{run}/report.pdf": ("sam",),
    "/projects/{project}/matching/{run}/review": ("sam",),
    "/projects/{project}/requests": ("olga", "sam", RESEARCHER),
    "/projects/{project}/requests/{request}": ("olga",),
    "/projects/{project}/requests/{request}/leaving/{name}": ("olga",),
    "/projects/{project}/destruction": ("olga",),
    "/projects/{project}/destruction/early": ("olga", "hubert1001"),
    "/projects/{project}/destruction/{name}": ("olga",),
    "/projects/{project}/destruction/{name}/certificate.pdf": ("olga",),
    "/projects/{project}/destruction/{name}/certificate.json": ("olga",),
    "/projects/{project}/ledger": ("audrey",),
    "/projects/{project}/ledger/checkpoint": ("audrey",),
    "/projects/{project}/ledger/receipts/{name}": ("audrey",),
}
"""Who opens each page; the last of those who may is enough."""
_ENDINGS = ("/review", "/{name}", "/{kind}", "/signed", "/certificate.pdf", "/certificate.json")
NOT_MADE_YET = {path for path in WHO if path.endswith(_ENDINGS)} | {
    "/open-data/{request}",
    "/overview/years/{name}/report.pdf",
}
QUESTIONS, ROWS = 16, 150
"""Most a page asks the database (one that asks for leave first), and most it gets (entries and registers)."""


@pytest.fixture(scope="module")
def sizes(built: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """Give the installation with ten projects, and with thirty."""
    made = tuple(
        World(enlarge(built, tmp_path_factory.mktemp("size") / "home", projects, 160 * projects), built.good, "")
        for projects in (10, 30)
    )
    yield made
    for world in made:
        world.close()


@dataclass
class Cost:
    """What the database was asked, how many rows it gave, and how often ten steps of its own that took."""

    statements: int = 0
    rows: int = 0
    tens: int = field(default=0, compare=False)


@contextmanager
def counted() -> Iterator[Cost]:
    """Count what the database is asked and what it gives."""
    cost = Cost()

    def ask(*_: object) -> None:
        cost.statements += 1

    def row(_: object, values: tuple[object, ...]) -> tuple[object, ...]:
        cost.rows += 1
        return values

    def tenth() -> None:
        cost.tens += 1

    def taken(connection: Any, *_: object) -> None:
        connection.row_factory = row
        connection.set_progress_handler(tenth, 10)

    sa.event.listen(sa.Engine, "before_cursor_execute", ask)
    sa.event.listen(sa.Pool, "checkout", taken)
    yield cost
    sa.event.remove(sa.Pool, "checkout", taken)
    sa.event.remove(sa.Engine, "before_cursor_execute", ask)


def costs(world: World) -> dict[tuple[str, str], Cost]:
    """Open every page, and again after somebody's approval was taken back; give what the second time cost."""
    parts = {"project": PROJECT, "request": world.good, "agency": "SDE", "run": "match-01", "name": "none"}
    parts["agreement"] = "DR-0034"
    parts |= {"person": "wren", "kind": "none"}
    places = [(path, person) for path, people in WHO.items() for person in people]
    found = {}
    with served(world) as base:
        browsers = {person: Browser(base, person) for _, person in places}
        for path, person in places:
            browsers[person].see(path.format(**parts)[1:])
        changed = browsers["sam"].send(f"/people/{analyst(PROJECT, 7)}/withdraw", project=PROJECT)
        assert changed.status_code == 303
        for path, person in places:
            with counted() as cost:
                answer = browsers[person].see(path.format(**parts)[1:])
            assert answer.status_code == (404 if path in NOT_MADE_YET else 200), (path, person)
            found[path, person] = cost
    return found


@pytest.mark.sqlite("counts its steps; what is asked and given is the same elsewhere")
def test_every_page_asks_the_database_little_and_no_more_for_more_projects(sizes: tuple[World, World]):
    assert WHO.keys() == PAGES.keys()
    few, many = map(costs, sizes)
    assert few == many
    assert {place: cost for place, cost in many.items() if cost.tens > few[place].tens + 5} == {}
    assert {place: cost for place, cost in many.items() if cost.statements > QUESTIONS or cost.rows > ROWS} == {}


def test_a_page_shows_what_another_process_changed_a_moment_ago(sizes: tuple[World, World]):
    person = analyst("DR-1002", 3)

    def may() -> list[str]:
        uses = Browser(base, "dora").see("agency", format="json").json()["uses"]
        return next(use["people"] for use in uses if use["project"] == "DR-1002")

    with served(sizes[0]) as base, closing(open_enclave(sizes[0].enclave.settings.home).store) as elsewhere:
        before = may()
        with elsewhere.transaction() as tx:
            people.withdraw(tx, "DR-1002", person, "SDE", "sam")
        assert may() == [each for each in before if each != person] != before
        with elsewhere.transaction() as tx:
            people.approve(tx, "DR-1002", person, "SDE", "sam")
        assert may() == before
        with elsewhere.transaction() as tx:
            incidents.hold_project(tx, "DR-1002", "DSA VI.F", "olga")
        assert may() == []
        with elsewhere.transaction() as tx:
            incidents.lift_project(tx, "DR-1002", "olga")
        assert may() == before


def test_who_is_on_many_projects_gets_a_line_for_each(sizes: tuple[World, World]):
    many = sizes[0]
    with served(many) as base:
        model = Browser(base, "sam").see(format="json").json()
        assert (model["cards"], [line["project"] for line in model["lines"]]) == ([], names(10))
        assert {(line["agency"], line["state"]) for line in model["lines"]} == {("SDE", "in force")}
        for person, number in ((analyst(name, n), name) for name in names(2) for n in (0, 1)):
            (card,) = Browser(base, person).see(format="json").json()["cards"]
            assert (card["project"], card["reasons"]) == (number, [])
        text = Browser(base, "sam").see("agency").text
        assert all(f'href="/services/enclave/projects/{number}"' in text for number in names(10))


def test_the_soonest_clocks_are_shown_and_all_are_counted(sizes: tuple[World, World]):
    with served(sizes[1]) as base:
        model = Browser(base, "olga").see("overview", format="json").json()
    days = [clock["due_on"] for clock in model["clocks"]]
    assert len(days) == 60 < model["clocks_in_all"] and days == sorted(days)
    assert len(model["rows"]) == 30 and all(row["next"]["what"] == "match data" for row in model["rows"])
