"""What reviewers answered: a number of a pair and one of three words, and nothing else, whatever stands in the file.

A reviewer's sandbox wrote the file, so its lines are read one by one and only what is an answer is taken.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from enclave.settings import Settings
from enclave.vault import Seal

Answers = Mapping[str, Mapping[int, str]]
"""By the sample's mark (16 hexadecimal digits): the last answer to each pair."""

_NAME = re.compile(r"review-([0-9a-f]{16})\.jsonl")
_WORDS = frozenset({"match", "no match", "cannot tell"})
_LARGEST = 4 * 1024**2
_PAIRS = 100_000


def given_in(out: Path) -> Answers:
    """Read the answers a sandbox left in its `out` folder; links, large files and what is no answer are passed over.

    Who the reviewer is, is known from the sandbox and not taken from the file.
    """
    found: dict[str, dict[int, str]] = {}
    for path in sorted(out.glob("review-*.jsonl")):
        if named := _NAME.fullmatch(path.name):
            answers = dict(filter(None, map(_answer, _lines(path))))
            if answers:
                found[named[1]] = answers
    return found


def write_down(out: Path, answers: Mapping[str, Answers], adjudicator: str = "") -> None:
    """Write reviewers' answers as the notebook reads them.

    Parameters
    ----------
    answers : mapping of login -> Answers
    adjudicator : str
        Whose answers settle where the others differ; empty for nobody's.
    """
    for reviewer, samples in answers.items():
        for sample, given in samples.items():
            said = {"reviewer": reviewer, **({"settles": True} if reviewer == adjudicator else {})}
            lines = (json.dumps({**said, "pair": pair, "answer": answer}) for pair, answer in given.items())
            with (out / f"review-{sample}.jsonl").open("a", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in lines)


def sealed_at(settings: Settings, key_id: str, run: str, person: str, sha256: str = "") -> Seal:
    """Give the seal of a reviewer's answers."""
    place = settings.sealed / key_id / f"{run.split('/')[-1]}.{person}.answers"
    return Seal(place, key_id, f"{run}|answers|{person}", sha256)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return  # a link: the folder was another's to write in
    with os.fdopen(handle, "rb") as file:
        state = os.fstat(handle)
        if stat.S_ISREG(state.st_mode) and state.st_nlink == 1 and state.st_size <= _LARGEST:
            yield from file


def _answer(line: bytes) -> tuple[int, str] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None  # torn when the session that wrote it ended
    if not isinstance(entry, dict):
        return None
    pair, answer = entry.get("pair"), entry.get("answer")
    fits = type(pair) is int and 0 <= pair < _PAIRS and isinstance(answer, str) and answer in _WORDS
    return (pair, str(answer)) if fits and isinstance(pair, int) else None
