"""Pages of a programme with many projects: short where there is much, and no more questions to the database.

Source: EM XVII.B.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from benchmarks.pages_case import analyst, enlarge, names
from tests.web.browser import Browser, served
from tests.web.world import World

OVER_ALL = [
    ("olga", ""), ("olga", "overview"), ("audrey", "overview"), ("sam", ""), ("sam", "agency"),
    *(("olga", f"projects/DR-1001{page}") for page in ("", "/intake", "/requests", "/destruction", "/ledger")),
]  # fmt: skip


@pytest.fixture(scope="module")
def sizes(matched: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, World]]:
    """Give the installation with ten projects, and with thirty."""
    made = tuple(
        World(enlarge(matched, tmp_path_factory.mktemp("size") / "home", projects, 160 * projects), matched.good, "")
        for projects in (10, 30)
    )
    yield made
    for world in made:
        world.close()


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements that the database is asked."""
    asked: list[str] = []

    def ask(*given: object) -> None:
        asked.append(str(given[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", ask)
    yield asked
    sa.event.remove(sa.Engine, "before_cursor_execute", ask)


@pytest.mark.parametrize(("person", "page"), OVER_ALL)
def test_a_page_asks_the_database_no_more_for_more_projects(sizes: tuple[World, World], person: str, page: str):
    numbers = []
    for world in sizes:
        with served(world) as base:
            browser = Browser(base, person)
            with counted() as asked:
                assert browser.see(page).status_code == 200
            numbers.append(len(asked))
    assert numbers[0] == numbers[1] < 100


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
