"""How a step is killed, and what must hold after every recovery."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

from enclave.agreement import InForce
from enclave.destruction import Destruction
from enclave.intake import Holding
from enclave.matching import MatchRun
from enclave.publication import Publication
from enclave.resultant import Delivery
from enclave.sandbox import Bubblewrap
from tests.conftest import At
from tests.journey.steps import ROOT, Step
from tests.world import Installation, canary_in

PLAIN = b"PAR1"


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
        destroyed = view.find(Destruction)
    for each in destroyed:
        assert not made.enclave.keystore.exists(f"{each.scope}-{each.project}"), f"{where}: a key came back"
    sealed = set(made.enclave.settings.sealed.glob("holdings/*/*"))
    assert sealed == held or (bool(destroyed) and sealed < held), where
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
