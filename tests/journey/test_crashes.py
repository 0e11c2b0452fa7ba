"""kill -9 at every point of every step, then `enclave recover`: nothing half done, no plaintext, and it can go on."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from enclave.agreement import InForce
from enclave.destruction import Destruction
from enclave.egress import Answered
from enclave.intake import Holding
from enclave.matching import KINDS, MatchRun, Review, places
from enclave.publication import Publication
from enclave.resultant import Delivery
from enclave.review import Case
from enclave.sandbox import Bubblewrap
from enclave.scratch import scratch
from tests.attack.questions import question, remembered
from tests.conftest import At
from tests.journey.stages import LAST_DAY, request_of
from tests.journey.test_match_review import answer, enlist_staff, judge
from tests.world import Installation, canary_in, idle

ROOT = Path(__file__).resolve().parents[2]
PLAIN = b"PAR1"
SEALED = "matching.answers-sealed"
MARK = "0123456789abcdef"


@dataclass(frozen=True)
class Step:
    """A step of the journey: at which stage it is done, by whom, how, and what says that it is done.

    `again` is the exit code of the same command once it has taken effect.
    """

    room: str
    stage: str
    who: str
    arguments: Callable[[Installation], list[str]]
    done: Callable[[Installation], bool]
    again: int = 0
    prepare: Callable[[Installation], None] = lambda made: None


def has(made: Installation, kind: type[Any], **fields: object) -> bool:
    with made.enclave.store.view() as view:
        return bool(view.find(kind, **fields))


def sealed_file(made: Installation) -> str:
    """Seal the file that is received next."""
    plain = made.agencies / "DOL.0034.04_11_2022.matching"
    return str(made.seal(plain, out=made.root / "next"))


def cleared(made: Installation) -> bool:
    return has(made, Case) and "egress.remember" in made.actions()


def collected(made: Installation) -> bool:
    return len(made.actions("egress.request")) == 2


def question_of(made: Installation) -> list[str]:
    (made.root / "question.json").write_text(json.dumps(question("IsExitTypeGraduated")), "utf-8")
    return ["answer", "DR-0034", str(made.root / "question.json")]


def destroyed(scope: str) -> Callable[[Installation], bool]:
    return lambda made: has(made, Destruction, scope=scope, state="done")


def leave_session(made: Installation) -> None:
    made.enclave.broker().release("dr-0034-wren")
    made.today(LAST_DAY)


def open_a_review(made: Installation) -> None:
    made.run("matching", "open-review", "DR-0034", who="hubert")


def judge_some(made: Installation) -> None:
    open_a_review(made)
    answer(made.enclave.broker().admit("hubert", "DR-0034"), MARK, {1: "match", 2: "match"})


def try_out(made: Installation) -> None:
    made.enclave.broker().admit("hubert", "DR-0034")


def judge_apart(made: Installation) -> None:
    for person in ("hilda", "hugo"):
        enlist_staff(made, person)
    judge_some(made)
    broker = made.enclave.broker()
    broker.release("dr-0034-hubert")
    answer(broker.admit("hilda", "DR-0034"), MARK, {1: "match", 2: "no match"})
    broker.release("dr-0034-hilda")


def judge_all(made: Installation) -> None:
    open_a_review(made)
    enlist_staff(made, "hilda")
    broker = made.enclave.broker()
    for person in ("hubert", "hilda"):
        judge(made, broker.admit(person, "DR-0034"))
        broker.release(f"dr-0034-{person}")


def sealed(made: Installation) -> bool:
    """Tell whether what was answered rests sealed, and can be opened: whoever sits again is given it."""
    if not has(made, Review, closed_on=None) or not list(made.enclave.settings.sealed.rglob("*.answers")):
        return False
    folder = made.enclave.broker().admit("hubert", "DR-0034").folder
    kept = (folder / "out" / f"review-{MARK}.jsonl").read_text("utf-8").splitlines()
    made.enclave.broker().release("dr-0034-hubert")
    return [json.loads(line)["pair"] for line in kept] == [1, 2]


STEPS = {
    "receive": Step(
        "intake", "begun", "hubert", lambda made: ["receive", sealed_file(made), "DR-0034"],
        lambda made: has(made, Holding, source="DOL", contents="matching"), again=3,
    ),
    "cut": Step(
        "resultant", "agreed", "hubert", lambda made: ["resultant", "cut", "DR-0034"],
        lambda made: has(made, Delivery),
    ),
    "session open": Step(
        "analysis", "delivered", "wren", lambda made: ["session", "open", "DR-0034"],
        lambda made: "session.open" in made.actions(),
    ),
    "session close": Step(
        "analysis", "asked", "wren", lambda made: ["session", "close", "dr-0034-wren"],
        lambda made: "session.close" in made.actions(),
    ),
    "egress clear": Step(
        "egress", "collected", "olga", lambda made: ["egress", "clear", request_of(made), "--project", "DR-0034"],
        cleared, again=3,
    ),
    "answer": Step(
        "egress", "delivered", "wren", question_of, lambda made: has(made, Answered) and len(remembered(made)) == 1
    ),
    "publish": Step(
        "publication", "confirmed", "olga", lambda made: ["publication", "publish", request_of(made)],
        lambda made: has(made, Publication, state="done"), again=3,
    ),
    "destroy match data": Step(
        "destruction", "published", "hubert", lambda made: ["destruction", "match-data", "DR-0034"],
        destroyed("match"), again=3,
    ),
    "destroy project": Step(
        "destruction", "published", "hubert", lambda made: ["destruction", "project", "DR-0034"],
        destroyed("project"), again=3, prepare=leave_session,
    ),
}  # fmt: skip
IN_SESSION = Step(
    "egress", "asked", "wren", lambda made: ["egress", "collect", "DR-0034", "wren"], collected
)  # fmt: skip
REVIEW = {
    "open a review": Step(
        "matching", "matched", "hubert", lambda made: ["matching", "open-review", "DR-0034"],
        lambda made: has(made, Review), again=3,
    ),
    "sit down": Step(
        "matching", "matched", "hubert", lambda made: ["session", "open", "DR-0034"],
        lambda made: "match.review-begin" in made.actions(), prepare=open_a_review,
    ),
    "stand up": Step(
        "matching", "matched", "hubert", lambda made: ["session", "close", "dr-0034-hubert"],
        sealed, prepare=judge_some,
    ),
    "try out": Step(
        "matching", "matched", "hubert", lambda made: ["session", "open", "DR-0034"],
        lambda made: "match.trial-begin" in made.actions(),
    ),
    "put back": Step(
        "matching", "matched", "hubert", lambda made: ["session", "close", "dr-0034-hubert"],
        lambda made: "match.trial-end" in made.actions(), prepare=try_out,
    ),
    "settle": Step(
        "matching", "matched", "hugo", lambda made: ["session", "open", "DR-0034"],
        lambda made: has(made, Review, adjudicator="hugo"), prepare=judge_apart,
    ),
}  # fmt: skip
MATCH = Step(
    "matching", "received", "hubert", lambda made: ["matching", "run", "DR-0034"], lambda made: has(made, MatchRun)
)

CLOSE = Step(
    "matching", "matched", "hubert", lambda made: ["matching", "close-review", "DR-0034"],
    lambda made: has(made, Review) and not has(made, Review, closed_on=None), prepare=judge_all,
)  # fmt: skip


class Killer:
    """The process that does steps and is killed."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.journey.crash"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, made: Installation, step: Step, point: int, arguments: list[str]) -> dict[str, Any]:
        """Do a step and be killed at the point of this number; give what was reached."""
        order = {"home": str(made.home), "arguments": arguments, "who": step.who, "point": point}
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert answer["killed"] or answer["code"] == 0, answer
        return answer

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    made = Killer()
    yield made
    made.close()


def labels(room: str) -> set[str]:
    """Find the points of a room in its source, so that new ones are covered by themselves."""
    found = (re.findall(r'reached\("([^"]+)"\)', path.read_text("utf-8")) for path in ROOT.glob("enclave/**/*.py"))
    return {label for each in found for label in each if label.split(".")[0] == room}


def sound(made: Installation, where: str) -> None:
    """Check what must hold after every recovery."""
    runtime = made.enclave.settings.runtime
    left = [p for p in runtime.rglob("*") if p.is_file() and p.read_bytes()[:4] == PLAIN]
    assert left == [], f"{where}: plaintext is left"
    assert list(runtime.glob("scratch-*")) == [] and list(runtime.glob("spool/*")) == [], where
    assert list(canary_in(runtime)) == [] and list(canary_in(made.home)) == [], where
    assert [sandbox.name for sandbox in Bubblewrap(runtime).running()] == [], where
    assert made.verified() == len(made.actions()), where
    records_and_entries_agree(made, where)


def records_and_entries_agree(made: Installation, where: str) -> None:
    """Hold the records against the ledger: what one says is there, the other says too."""
    with made.enclave.store.view() as view:
        entries = [(e["action"], e["object"]) for e in view.entries() if e["outcome"] == "done"]
        received = {object for action, object in entries if action == "intake.receive"}
        assert {held.id for held in view.find(Holding)} == received, where
        ran = {object for action, object in entries if action == "match.run"}
        assert {run.key for run in view.find(MatchRun)} == ran, where
        assert len(view.find(Delivery)) == bool([a for a, _ in entries if a == "resultant.deliver"]), where
        (agreement,) = view.find(InForce)
        assert (agreement.delivered_on is not None) == bool(view.find(Delivery)), where
        assert not [d for d in view.find(Destruction) if d.state != "done"], where
        assert not [p for p in view.find(Publication) if p.state not in ("done", "void")], where
        held = {made.enclave.settings.sealed / h.sealed for h in view.find(Holding)}
        destroyed = bool(view.find(Destruction))
    sealed = set(made.enclave.settings.sealed.glob("holdings/*/*"))
    assert sealed == held or (destroyed and sealed < held), where
    assert list(made.home.rglob("*.partial")) == [], where


def recovered(made: Installation) -> None:
    made.run("recover")


def finish(made: Installation, step: Step, arguments: list[str], killer: Killer, where: str) -> None:
    """Do the step again: it succeeds, or it has taken effect and says so."""
    took_effect = step.done(made)
    if arguments[0] in ("session", "answer"):
        assert killer(made, step, -1, arguments)["code"] == 0, where
    else:
        said = made.run(*arguments, who=step.who, code=None)
        assert said.code in ((step.again, 0) if took_effect else (0,)), f"{where}: {said.text}"
    assert step.done(made), where


Check = Callable[[Installation, str], None]


def killed_at_every_point(
    at: At, killer: Killer, name: str, step: Step, also: Check = lambda made, where: None
) -> set[str]:
    """Kill a step at one point after the other, and see that each time it can be put right; give the points."""
    point, seen, killed = 0, set[str](), True
    while killed:
        made = at(step.stage)
        step.prepare(made)
        arguments = step.arguments(made)
        answer = killer(made, step, point, arguments)
        killed = answer["killed"]
        seen |= set(answer["reached"])
        if killed:
            where = f"{name} killed at {answer['reached'][-1]}, point {point}"
            recovered(made)
            sound(made, where)
            also(made, where)
            finish(made, step, arguments, killer, where)
        point += 1
    return seen


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


def killed_until_done(made: Installation, killer: Killer, step: Step) -> Iterator[set[str]]:
    """Kill a step at one point after the other on one installation; give the points reached, after each recovery."""
    point = 0
    while not step.done(made):
        answer = killer(made, step, point, step.arguments(made))
        assert answer["killed"], "it was done without reaching another point"
        recovered(made)
        sound(made, f"killed at {answer['reached'][-1]}, point {point}")
        yield set(answer["reached"])
        point += 1


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
