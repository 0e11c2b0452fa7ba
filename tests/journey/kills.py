"""kill -9 at labelled points from collect to publish, again and again, in an order drawn by lot.

``python -m tests.journey.kills 1000`` kills so often; `make test` eight times. The same installation goes on after
each recovery, so that what one kill left is what the next step meets. Each time it is held that nothing is half
released, that nothing is released or remembered that the ledger does not know of as cleared, and that it can go on.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from enclave.egress import Clearance, ReleaseRequest, rendered
from enclave.egress.memory import Remembered
from enclave.publication import Publication, State
from enclave.review import Case
from tests.journey.killing import Killer, sound
from tests.journey.stages import PUBLISHED_ON, STAGES, reach, request_of
from tests.journey.steps import Step, collected, has
from tests.recorded import record
from tests.world import Installation, a_copy, put_to_rest

FIRST = "asked"
OFTEN = 40
"""Points a step has at most, in any order of its parts."""


def confirmed(made: Installation, agency: str) -> bool:
    with made.enclave.store.view() as view:
        return any(each.agency == agency for case in view.find(Case) for each in case.confirmations)


def confirm(person: str, agency: str) -> Step:
    """Let a steward confirm."""
    return Step(
        "review", "cleared", person, lambda made: ["review", "confirm", request_of(made)],
        lambda made: confirmed(made, agency), again=3,
    )  # fmt: skip


STEPS = {
    "collect": Step("egress", "asked", "wren", lambda made: ["egress", "collect", "DR-0034", "wren"], collected),
    "clear": Step(
        "egress", "collected", "olga", lambda made: ["egress", "clear", request_of(made), "--project", "DR-0034"],
        lambda made: has(made, Case) and "egress.remember" in made.actions(), again=3,
    ),
    "confirm": confirm("sam", "SDE"),
    "publish": Step(
        "publication", "confirmed", "olga", lambda made: ["publication", "publish", request_of(made)],
        lambda made: has(made, Publication, state="done"), again=3,
    ),
}  # fmt: skip


def released_as_entered(made: Installation, where: str) -> None:
    """Hold what lies outside against the ledger, and the memory against what was cleared."""
    with made.enclave.store.view() as view:
        done = {(e["action"], e["object"]) for e in view.entries() if e["outcome"] == "done"}
        remembered = {each.request_id for each in view.find(Remembered)}
        clearances = {each.request_id: each for each in view.find(Clearance)}
        cleared = {each.id for each in view.find(ReleaseRequest) if each.state == "cleared"}
        published = {each.request_id for each in view.find(Publication) if each.state == State.DONE}
    assert remembered == set(clearances) == cleared, where
    assert remembered == {object for action, object in done if action == "egress.clear"}, where
    for request_id, clearance in clearances.items():
        held = {path.name for path in rendered(made.enclave.settings, request_id).iterdir()}
        assert held == {artefact.name for artefact in clearance.artefacts}, where
    outside = made.home / "published"
    left = {path.name for path in outside.iterdir()} if outside.exists() else set()
    assert left == {f"DR-0034-{each}{end}" for each in published for end in ("", ".zip")}, where
    assert published <= remembered, where


@dataclass
class Kills:
    """Kills of one run: how many are left, where they fell."""

    left: int
    draw: random.Random
    killer: Killer
    told: Callable[[], None]
    fell: Counter[str] = field(default_factory=Counter)

    def go(self, made: Installation) -> None:
        """Go the way from collect to publish on one installation, killed wherever the lot falls."""
        made.enclave.broker().release("dr-0034-wren")
        for name, step in STEPS.items():
            if name == "publish":
                made.today(PUBLISHED_ON)
            self._through(made, name, step)
            released_as_entered(made, f"after {name}")

    def _through(self, made: Installation, name: str, step: Step) -> None:
        """Do a step until it is done; each try is killed at a point drawn by lot, if it comes so far."""
        while not step.done(made):
            point = self.draw.randrange(OFTEN) if self.draw.random() < 0.2 else self.draw.randrange(6)
            arguments = step.arguments(made)
            self._let_go(made)
            answer = self.killer(made, step, point if self.left else -1, arguments)
            if answer["killed"]:
                self.left -= 1
                self.fell[f"{name}: {answer['reached'][-1]}"] += 1
                self.told()
                made.run("recover")
                where = f"{name} killed at {answer['reached'][-1]}, point {point}"
                sound(made, where)
                released_as_entered(made, where)

    @staticmethod
    def _let_go(made: Installation) -> None:
        """Close the database: a process that reads its files as files, as `sound` does, loses its locks on them."""
        for store in made.stores:
            store.close()
        made.stores.clear()
        vars(made).pop("enclave", None)


@contextmanager
def installation(folder: Path) -> Iterator[Path]:
    """Bring an installation to where the kills begin, and put it to rest."""
    made = Installation(folder)
    for stage in STAGES:
        reach(made, stage)
        if stage == FIRST:
            break
    put_to_rest(made)
    yield folder


def main() -> int:
    """Kill so often, and record where; the first thing that does not hold ends it."""
    parser = argparse.ArgumentParser(description="kill -9 from collect to publish.")
    parser.add_argument("kills", type=int, nargs="?", default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    killer = Killer()
    with tempfile.TemporaryDirectory() as folder, Progress(console=Console()) as progress:
        task = progress.add_task("kills", total=chosen.kills)
        kills = Kills(chosen.kills, random.Random(chosen.seed), killer, lambda: progress.advance(task))
        with installation(Path(folder) / "rest") as rest:
            ways = 0
            while kills.left:
                made = a_copy(of=rest, to=Path(folder) / f"way-{ways}")
                kills.go(made)
                made.close()
                ways += 1
    killer.close()
    record("kills from collect to publish", "python -m tests.journey.kills 1000", 0, chosen.kills, kills.fell)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
