"""Many writers at once: who was told that it is done finds it done, whatever happened to the others.

Source: EM XVII.B.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from threading import Barrier

import pytest

from enclave import terms
from enclave.errors import Refused
from enclave.ledger import Entry, root_of
from enclave.store import Store
from enclave.store.schema import LEDGER
from tests.postgresql import PostgreSQL

pytestmark = pytest.mark.sqlite("runs on both by itself")
WRITERS, EACH = 16, 25
WRITES_UNTIL_KILLED = """
import sys, threading
from datetime import date
from enclave.ledger import Entry
from enclave.store import Store
store = Store(sys.argv[1], lambda: date(2022, 4, 11))
def write(writer):
    for n in range(10_000):
        name = f"{sys.argv[2]}/{writer}/{n}"
        store.enter(Entry("olga", "test.step", name))
        sys.stdout.write(name + "\\n")
for writer in range(8):
    threading.Thread(target=write, args=(writer,)).start()
"""


def today() -> date:
    return date(2022, 4, 11)


def entry(name: str) -> Entry:
    return Entry("olga", "test.step", name)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: os.PathLike[str]) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/enclave.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.database()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    made = Store(address, today)
    yield made
    made.close()


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the labelled points that are reached."""
    seen: Counter[str] = Counter()
    terms.listen(lambda label: seen.update([label]))
    yield seen
    terms.listen(lambda label: None)


def told(store: Store, step: Callable[[Store, str], None]) -> set[str]:
    """Let many writers step at the same moment; give what they were told is done."""
    start, done = Barrier(WRITERS), set[str]()

    def write(writer: int) -> None:
        start.wait()
        for n in range(EACH):
            try:
                step(store, f"{writer}/{n}")
            except (Refused, RuntimeError):
                continue
            done.add(f"{writer}/{n}")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    return done


def entered(store: Store) -> set[str]:
    """Give what stands in the ledger, once each and under its root."""
    with store.view() as view:
        names = [str(each["object"]) for each in view.entries()]
        assert len(names) == len(set(names)) == view.frontier().size
        assert view.frontier().root() == root_of(view.leaves())
    return set(names)


def test_writers_at_the_same_moment_share_commits(store: Store) -> None:
    with counting() as seen:
        done = told(store, lambda store, name: store.enter(entry(name)) and None)
    assert entered(store) == done and len(done) == WRITERS * EACH
    assert seen["store.after-commit"] < len(done) / 2


def test_who_fails_undoes_what_is_theirs_alone(store: Store) -> None:
    def step(store: Store, name: str) -> None:
        with store.transaction() as tx:
            tx.append(entry(name))
            if name.endswith(("0", "7")):
                raise RuntimeError("half way")

    done = told(store, step)
    assert entered(store) == done
    assert done == {f"{w}/{n}" for w in range(WRITERS) for n in range(EACH) if n % 10 not in (0, 7)}


def test_who_was_told_that_it_is_done_finds_it_done_when_the_database_refuses_another(store: Store) -> None:
    """An error of the database undoes all who shared its commit: none of them has been told otherwise."""

    def step(store: Store, name: str) -> None:
        with store.transaction() as tx:
            tx.append(entry(name))
            if name.endswith("3"):
                tx.fill(LEDGER, iter([{"seq": 0, "project": "", "action": "", "body": "", "leaf": b""}]))

    done = told(store, step)
    assert entered(store) == done
    assert done and not any(name.endswith("3") for name in done)
    store.enter(entry("after"))
    assert "after" in entered(store)


def test_nothing_acknowledged_is_lost_by_kill_9(store: Store, address: str) -> None:
    for life in ("first", "second", "third"):
        acknowledged = set[str]()
        with subprocess.Popen(
            [sys.executable, "-u", "-c", WRITES_UNTIL_KILLED, address, life], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                acknowledged |= {line.strip()} if line.endswith("\n") else set()
                if len(acknowledged) == 200:
                    process.kill()
        assert len(acknowledged) >= 200 and acknowledged <= entered(store)
