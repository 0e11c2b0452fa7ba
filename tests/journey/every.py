"""kill -9 at every labelled point of every step of the journey, again and again, on SQLite or on PostgreSQL.

``python -m tests.journey.every 25`` kills 25 times at each point, ``--postgresql`` there; `make test` once. A step
begins each time on a copy of an installation that has come so far, and is brought to its end after the recovery.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.journey.killing import Killer, killed_at_every_point
from tests.journey.stages import STAGES, reach
from tests.journey.steps import CLOSE, MATCH, REVIEW, STEPS
from tests.postgresql import PostgreSQL
from tests.recorded import record
from tests.world import Installation, a_copy, put_to_rest

ALL = STEPS | REVIEW | {"match": MATCH, "close a review": CLOSE}


def snapshots(folder: Path) -> dict[str, Path]:
    """Bring an installation through all stages, and keep each."""
    kept: dict[str, Path] = {}
    for name, stage in STAGES.items():
        made = a_copy(of=kept[stage.after], to=folder / name) if stage.after else Installation(folder / name)
        reach(made, name)
        put_to_rest(made)
        kept[name] = folder / name
    return kept


@contextmanager
def copies(kept: dict[str, Path], server: PostgreSQL | None) -> Iterator[Callable[[str], Installation]]:
    """Give fresh copies of stages, each closed and deleted when the next is asked for."""
    with ExitStack() as last:

        def at(stage: str) -> Installation:
            last.close()
            folder = last.enter_context(tempfile.TemporaryDirectory())
            made = a_copy(of=kept[stage], to=Path(folder) / stage)
            last.callback(made.close)
            if server is not None:
                moved(made, server.database())
            return made

        yield at


def moved(made: Installation, address: str) -> None:
    """Move an installation's registry to PostgreSQL."""
    made.run("move", address)
    settle_on(made, address)
    (made.home / "enclave.db").unlink()


def settle_on(made: Installation, address: str) -> None:
    """Name another database in an installation's settings."""
    settings = made.home / "enclave.toml"
    lines = settings.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("database ")]
    settings.write_text("\n".join([*kept, f'database = "{address}"']) + "\n", "utf-8")


def one_round(
    kept: dict[str, Path], server: PostgreSQL | None, killer: Killer, told: Callable[[], None]
) -> Counter[str]:
    """Kill at each point of each step once, and count where."""
    fell: Counter[str] = Counter()
    for name, step in ALL.items():
        with copies(kept, server) as at:
            killed_at_every_point(at, killer, name, step, lambda made, where: fell.update([where]))
        told()
    return fell


def main() -> int:
    """Kill so often at each point, and record where; the first thing that does not hold ends it."""
    parser = argparse.ArgumentParser(description="kill -9 at every point of the journey.")
    parser.add_argument("times", type=int, nargs="?", default=25)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--first", type=int, default=0, help="kills recorded before these")
    chosen = parser.parse_args()
    name = "PostgreSQL" if chosen.postgresql else "SQLite"
    killer, server = Killer(), PostgreSQL.start() if chosen.postgresql else None
    with tempfile.TemporaryDirectory() as folder, Progress(console=Console()) as progress:
        kept = snapshots(Path(folder))
        task = progress.add_task(name, total=chosen.times * len(ALL))
        before = chosen.first
        for _ in range(chosen.times):
            fell = one_round(kept, server, killer, lambda: progress.advance(task))
            attack, command = f"kills at every point, {name}", "python -m tests.journey.every 25"
            record(attack, command, before, fell.total(), fell)
            before += fell.total()
    killer.close()
    if server is not None:
        server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
