"""kill -9 at every point of every step, then `enclave recover`: nothing half done, no plaintext, and it can go on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from enclave.matching import KINDS, Review, places
from enclave.sandbox import Bubblewrap
from enclave.scratch import scratch
from tests.conftest import At
from tests.journey.killing import Killer, killed_at_every_point, killed_until_done, recovered
from tests.journey.steps import CLOSE, IN_SESSION, MATCH, REVIEW, ROOT, SEALED, STEPS, labels
from tests.world import Installation, idle


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    made = Killer()
    yield made
    made.close()


@pytest.mark.parametrize("name", STEPS)
def test_killed_at_every_point(at: At, killer: Killer, name: str) -> None:
    step = STEPS[name]
    seen = killed_at_every_point(at, killer, name, step)
    of_the_gate = {"egress clear": {"egress.rendered"}, "answer": {"egress.answer-kept", "egress.answered"}}
    expected = of_the_gate.get(name) or labels(step.room)
    if step.room == "analysis":
        expected = {"analysis.opened"} if name == "session open" else {"analysis.put-away"}
    assert seen >= expected | {"store.before-commit", "store.after-commit"}


@pytest.mark.parametrize("name", REVIEW)
def test_killed_at_every_point_of_a_review(at: At, killer: Killer, name: str) -> None:
    """Nothing stands open afterwards, no answer is lost, and who was not let in yet sits down after all."""

    def nobody_sits(made: Installation, where: str) -> None:
        assert [places(made.enclave.settings, kind=kind) for kind in KINDS] == [[], []], where

    seen = killed_at_every_point(at, killer, name, REVIEW[name], nobody_sits)
    expected = {
        "sit down": {"matching.sat-down"},
        "try out": {"matching.sat-down"},
        "settle": {"matching.sat-down"},
        "stand up": {SEALED},
    }
    assert seen >= expected.get(name, set()) | {"store.before-commit", "store.after-commit"}


def test_killed_while_requests_are_collected(at: At, killer: Killer) -> None:
    """The session goes on meanwhile: its sandbox runs, and its outbox is there to be collected again."""
    step, point, seen, killed = IN_SESSION, 0, set[str](), True
    while killed:
        made = at(step.stage)
        runtime = made.enclave.settings.runtime
        sandbox = Bubblewrap(runtime).start(idle(made, "wren"))
        answer = killer(made, step, point, step.arguments(made))
        killed = answer["killed"]
        seen |= set(answer["reached"])
        recovered(made)
        assert sandbox.poll() is None and list(runtime.glob("scratch-*")) == []
        assert made.verified() == len(made.actions())
        made.run(*step.arguments(made))
        assert step.done(made), f"collect killed at {answer['reached'][-1]}, point {point}"
        sandbox.kill()
        point += 1
    assert seen >= {"egress.sealed", "store.before-commit", "store.after-commit"}


def test_killed_at_every_point_of_a_match(at: At, killer: Killer) -> None:
    """One installation for all points: that the next try gets further shows that the last recovery held."""
    made = at(MATCH.stage)
    seen = {label for reached in killed_until_done(made, killer, MATCH) for label in reached}
    assert seen >= labels("matching") - {SEALED, "matching.sat-down"} | {"store.before-commit", "store.after-commit"}
    assert made.actions().count("match.run") == 1
    made.run("matching", "agree", "DR-0034", who="sam")


def test_killed_at_every_point_of_closing_a_review(at: At, killer: Killer) -> None:
    """One installation for all points; until it is closed no answer is lost, and it is closed once."""
    made, seen = at(CLOSE.stage), set[str]()
    CLOSE.prepare(made)
    answers = {path: path.read_bytes() for path in made.enclave.settings.sealed.rglob("*.answers")}
    assert len(answers) == 2
    for reached in killed_until_done(made, killer, CLOSE):
        seen |= reached
        assert places(made.enclave.settings) == []
        assert {path: path.read_bytes() for path in answers} == answers
    assert seen >= {"matching.started", "matching.executed", "store.before-commit", "store.after-commit"}
    assert made.actions().count("match.review") == 1
    with made.enclave.store.view() as view:
        (review,) = view.find(Review)
    (page,) = made.home.glob(f"reports/DR-0034/{review.run}/match-review.html")
    assert hashlib.sha256(page.read_bytes()).hexdigest() == review.page_sha256
    assert made.run(*CLOSE.arguments(made), "--json", who="hubert", code=3).rules == ["no-review"]


def test_a_match_whose_process_died_is_ended_and_one_that_runs_is_left_alone(at: At) -> None:
    made = at("received")
    runtime = made.enclave.settings.runtime
    orphan = Bubblewrap(runtime).start(replace(idle(made, "wren"), name="dr-0034-match-01"))
    with scratch(runtime, "job"):
        recovered(made)
        assert orphan.poll() is None
    recovered(made)
    orphan.wait(60)


def test_every_room_with_points_is_covered() -> None:
    rooms = {step.room for step in (*STEPS.values(), IN_SESSION, MATCH)}
    named = (re.findall(r'reached\("([^".]+)\.', path.read_text("utf-8")) for path in ROOT.glob("enclave/**/*.py"))
    # a letter that has been sent: where a mail server runs, in tests/release/test_mail.py
    elsewhere = {"messages"}
    assert '"messages.sent"' in (ROOT / "tests/release/test_mail.py").read_text("utf-8")
    assert {room for each in named for room in each} == rooms | {"store"} | elsewhere
