"""What a store keeps between looks: never anything but what the database gives at that moment.

Source: EM XVII.B.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from enclave.ledger import Entry
from enclave.store import Store, View
from tests import registry

PROJECTS = ("DR-0034", "DR-0035", "")
NAMES = ("a", "b", "c")


@dataclass(frozen=True)
class Loose:
    """A record that may come to belong to another project."""

    KIND: ClassVar[str] = "loose"
    name: str
    project: str
    count: int = 0

    @property
    def key(self) -> str:
        return self.name


class Calendar:
    """A day that the tests move on."""

    def __init__(self) -> None:
        self.day = date(2022, 4, 11)

    def __call__(self) -> date:
        return self.day


def of_project(view: View, project: str) -> tuple[Loose, ...]:
    return tuple(view.find(Loose, project))


def with_count(view: View, count: int) -> tuple[str, ...]:
    return tuple(record.key for record in view.find(Loose, count=count))


def one(view: View, name: str) -> Loose | None:
    return view.get(Loose, name)


def told(view: View, project: str | None, action: str) -> tuple[int, ...]:
    return tuple(entry["seq"] for entry in view.entries(project=project, action=action))


def size(view: View) -> int:
    return view.frontier().size


def day(view: View) -> date:
    return view.today


def together(view: View, project: str) -> tuple[object, ...]:
    return view.derive(of_project, project), view.derive(told, project, "test.step"), view.derive(day)


QUESTIONS: list[tuple[Callable[..., object], tuple[Any, ...]]] = [
    *((of_project, (project,)) for project in PROJECTS),
    *((together, (project,)) for project in PROJECTS),
    *((told, (project, action)) for project in (*PROJECTS, None) for action in ("test.step", "test.write")),
    *((one, (name,)) for name in NAMES),
    *((with_count, (count,)) for count in (0, 1)),
    (size, ()),
    (day, ()),
]
STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(PROJECTS), st.integers(0, 1)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("enter"), st.sampled_from(PROJECTS)),
    st.tuples(st.just("undo"), st.sampled_from(NAMES)),
    st.tuples(st.just("day")),
)


def do(store: Store, calendar: Calendar, step: tuple[Any, ...]) -> None:
    match step:
        case ("write", name, project, count):
            with store.transaction() as tx:
                tx.write(Loose(name, project, count), Entry("olga", "test.write", name, project))
        case ("delete", name):
            with store.transaction() as tx:
                if known := tx.get(Loose, name):
                    tx.delete(known, Entry("olga", "test.delete", name))
        case ("enter", project):
            store.enter(Entry("olga", "test.step", "x", project))
        case ("undo", name):
            with pytest.raises(RuntimeError), store.transaction() as tx:
                tx.write(Loose(name, "DR-0034", 7), Entry("olga", "test.write", name))
                assert tx.derive(one, name) == Loose(name, "DR-0034", 7)
                raise RuntimeError
        case ("day",):
            calendar.day += timedelta(days=1)


@given(st.lists(STEPS, max_size=12))
@example([("write", "a", "DR-0034", 0), ("write", "a", "DR-0035", 0), ("undo", "b"), ("delete", "a"), ("day",)])
@settings(max_examples=25)
def test_whatever_happens_what_is_kept_is_what_the_database_gives(steps: list[tuple[Any, ...]]) -> None:
    calendar = Calendar()
    with tempfile.TemporaryDirectory() as folder:
        address = registry.address(Path(folder))
        with closing(Store(address, calendar)) as keeping, closing(Store(address, calendar)) as plain:
            for step in [("day",), *steps]:
                do(plain, calendar, step)  # another process, as far as the other store knows
                with keeping.view() as kept, plain.view() as read:
                    kept.load(Loose)
                    for question, arguments in QUESTIONS:
                        assert kept.derive(question, *arguments) == question(read, *arguments), (question, arguments)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(registry.address(tmp_path), Calendar())
    yield made
    made.close()


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """Collect what the database is asked."""
    found: list[tuple[str, Any]] = []

    def note(*given: Any) -> None:
        if given[2] != "BEGIN":
            found.append((given[2], given[3]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


def test_after_a_change_the_changed_record_is_read_and_no_other(store: Store) -> None:
    with store.transaction() as tx:
        for n in range(100):
            tx.write(Loose(f"n{n:02}", "DR-0034"), Entry("olga", "test.write", "x"))
    with store.view() as view:
        view.load(Loose)
    with store.transaction() as tx:
        tx.write(Loose("n42", "DR-0034", 1), Entry("olga", "test.write", "x"))
    with asked() as statements, store.view() as view:
        view.load(Loose)
        assert [record.key for record in view.find(Loose, "DR-0034", count=1)] == ["n42"]
        assert len(view.find(Loose)) == 100
    # a driver takes what it is given in order or by name
    given = [values for statement, values in statements if "FROM record" in statement]
    assert [tuple(values.values()) if isinstance(values, dict) else values for values in given] == [("loose", "n42")]
    with asked() as statements, store.view() as view:
        view.load(Loose)
        assert view.get(Loose, "n42") == Loose("n42", "DR-0034", 1)
    assert len(statements) == 1  # how large the ledger is


def test_more_changes_than_are_worth_it_are_seen_too(store: Store) -> None:
    with store.view() as view:
        view.load(Loose)
    with store.transaction() as tx:
        for n in range(600):
            tx.write(Loose(f"n{n:03}", "DR-0034"), Entry("olga", "test.write", "x"))
    with store.view() as view:
        view.load(Loose)
        assert len(view.find(Loose)) == 600


def test_what_was_computed_is_computed_again_only_when_what_it_read_has_changed(store: Store) -> None:
    computed: list[str] = []

    def names(view: View, project: str) -> tuple[str, ...]:
        computed.append(project)
        return tuple(record.name for record in view.find(Loose, project))

    def look() -> list[tuple[str, ...]]:
        computed.clear()
        with store.view() as view:
            view.load(Loose)
            return [view.derive(names, project) for project in ("DR-0034", "DR-0035")]

    assert look() == [(), ()] and computed == ["DR-0034", "DR-0035"]
    store.enter(Entry("olga", "test.step", "x", "DR-0034"))
    assert look() == [(), ()] and computed == []
    do(store, Calendar(), ("write", "a", "DR-0035", 0))
    assert look() == [(), ("a",)] and computed == ["DR-0035"]
    do(store, Calendar(), ("write", "a", "DR-0034", 0))
    assert look() == [("a",), ()] and computed == ["DR-0034", "DR-0035"]


def test_who_began_to_look_earlier_sees_that_moment_and_leaves_what_is_kept_alone(store: Store) -> None:
    do(store, Calendar(), ("write", "a", "DR-0034", 0))
    with store.view() as earlier:
        assert earlier.frontier().size == 1
        do(store, Calendar(), ("write", "b", "DR-0034", 0))
        with store.view() as later:
            later.load(Loose)
            assert len(later.derive(of_project, "DR-0034")) == 2
        earlier.load(Loose)
        assert [record.key for record in earlier.derive(of_project, "DR-0034")] == ["a"]
    with asked() as statements, store.view() as view:
        view.load(Loose)
        assert len(view.derive(of_project, "DR-0034")) == 2
    assert len(statements) == 1
