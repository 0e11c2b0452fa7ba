"""What attacks that are too long for `make test` came to, piece by piece: `benchmarks/results/attacks.json`.

An attack of a million goes on for hours; what a piece of it came to is written when it ends, with the commit it was
made on, so that it may be ended and gone on with. Pieces of one commit that follow each other become one.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "attacks.json"

Piece = dict[str, Any]


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
