"""What attacks that are too long for `make test` came to, piece by piece: `benchmarks/results/attacks.json`.

An attack of a million goes on for hours; what a piece of it came to is written when it ends, with the commit it was
made on, so that it may be ended and gone on with. Pieces of one commit that follow each other become one.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import track

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "attacks.json"

Piece = dict[str, Any]
LONGEST = 600
"""Seconds after which an attempt hangs; far more than one takes, for it may have to wait for its turn."""


class Attempts(Protocol):
    """Attempts by number, the same number the same attempt, and what they came to."""

    came: Counter[str]

    def judge(self, number: int) -> None:
        """Make an attempt; raise if it succeeds."""


def attack(about: str, command: str, piece: int, prepare: Callable[[Path], AbstractContextManager[Attempts]]) -> int:
    """Make as many attempts as the command line asks for, and record them; the first that succeeds ends it.

    Parameters
    ----------
    about, command : str
        What it is called in the file, and what makes it.
    piece : int
        How many are recorded at once.
    prepare : callable
        Given a folder of its own.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("attempts", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    chosen = parser.parse_args()
    console, last = Console(), chosen.first + chosen.attempts
    with tempfile.TemporaryDirectory() as folder, prepare(Path(folder)) as made:
        for first in track(range(chosen.first, last, piece), "pieces", console=console):
            numbers = range(first, min(first + piece, last))
            made.came.clear()
            for number in numbers:
                faulthandler.dump_traceback_later(LONGEST, exit=True)
                try:
                    made.judge(number)
                except BaseException:
                    console.print(f"attempt {number}")
                    raise
            faulthandler.cancel_dump_traceback_later()
            record(about, command, first, len(numbers), made.came)
    return 0


def record(attack: str, command: str, first: int, tried: int, came: Mapping[str, int]) -> None:
    """Write what a piece of an attack came to.

    Parameters
    ----------
    attack : str
        What it is called in the file.
    command : str
        That makes it.
    first, tried : int
        Number of the first attempt, and how many there were.
    came : mapping of str to int
        How many attempts came to what.
    """
    commit = _git("rev-parse", "--short", "HEAD")
    if _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results"):
        commit += " and changes"
    found: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    pieces: list[Piece] = found.setdefault(attack, {"command": command, "pieces": []})["pieces"]
    last = pieces[-1] if pieces else None
    if last is not None and (last["commit"], last["first"] + last["tried"]) == (commit, first):
        last["tried"] += tried
        last["came"] = dict(sorted((Counter(last["came"]) + Counter(came)).items()))
    else:
        pieces.append({"commit": commit, "first": first, "tried": tried, "came": dict(sorted(came.items()))})
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


def _git(*arguments: str) -> str:
    told = ("git", "-C", str(ROOT), *arguments)
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()
