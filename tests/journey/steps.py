"""The steps of the journey that are killed: at which stage, by whom, how, and what says that each is done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave.destruction import Destruction
from enclave.egress import Answered
from enclave.intake import Holding
from enclave.matching import MatchRun, Review
from enclave.publication import Publication
from enclave.resultant import Delivery
from enclave.review import Case
from tests.attack.questions import question, remembered
from tests.journey.stages import LAST_DAY, request_of
from tests.journey.test_match_review import answer, enlist_staff, judge
from tests.world import Installation

ROOT = Path(__file__).resolve().parents[2]
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


def hold(made: Installation) -> None:
    made.run("incident", "hold", "DR-0034", who="olga")


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
    "session stopped": Step(
        "analysis", "asked", "wren", lambda made: ["session", "close", "dr-0034-wren"],
        lambda made: made.actions().count("incident.server-ended") == 1, prepare=hold,
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
    lambda made: has(made, Review) and not has(made, Review, closed_on=None), again=3, prepare=judge_all,
)  # fmt: skip


def labels(room: str) -> set[str]:
    """Find the points of a room in its source, so that new ones are covered by themselves."""
    found = (re.findall(r'reached\("([^"]+)"\)', path.read_text("utf-8")) for path in ROOT.glob("enclave/**/*.py"))
    return {label for each in found for label in each if label.split(".")[0] == room}
