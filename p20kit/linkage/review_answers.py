"""What reviewers answered: lines added to a file one by one, so that a session may end at any moment and go on."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from p20kit.errors import Finding
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.review import Sample

Answer = Literal["match", "no match", "cannot tell"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
REVIEWERS = 2
"""Every pair is judged by two people who do not see one another's answers."""


@dataclass(frozen=True)
class Answers:
    """The answers to one sample.

    Nothing is ever taken out of the file: a reviewer who thinks again adds a line, and the last one counts. It names
    pairs by their number in the sample and holds no identifier.

    Attributes
    ----------
    path : Path
    pairs : int
        Pairs in the sample.
    """

    path: Path
    pairs: int

    def add(self, reviewer: str, pair: int, answer: Answer) -> None:
        """Add an answer; it is on disk when this returns.

        Raises
        ------
        LinkageRefused
            If the reviewer is a third one or has no name, the pair or answer does not exist, or the disk is full.
        """
        findings = [*self.objections(reviewer)]
        if not 0 <= pair < self.pairs or answer not in ANSWERS:
            findings.append(_finding("answer", "is none to a pair of this sample", f"Answer {', '.join(ANSWERS)}."))
        if findings:
            raise LinkageRefused("the answer was not kept", findings)
        line = json.dumps({"reviewer": reviewer, "pair": pair, "answer": answer}) + "\n"
        try:
            _append(self.path, line.encode())
        except OSError as error:
            finding = _finding(
                self.path.name, f"cannot be written: {error.strerror}", "Make room, then answer again."
            )
            raise LinkageRefused("the answer was not kept", [finding]) from error

    def objections(self, reviewer: str) -> list[Finding]:
        """Say why someone cannot judge the pairs of this sample; empty if they can."""
        if not reviewer.strip():
            return [_finding("reviewer", "has no name", "Say who judges.")]
        others = set(self.by_reviewer()) - {reviewer}
        if len(others) >= REVIEWERS:
            return [_finding("reviewer", "is a third one", "A pair is judged by two: sign in as one of them.")]
        return []

    def by_reviewer(self) -> dict[str, dict[int, Answer]]:
        """Read the last answer of every reviewer to every pair, as the file is now."""
        if not self.path.exists():
            return {}
        found: dict[str, dict[int, Answer]] = {}
        for line in self.path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
                reviewer, pair, answer = entry["reviewer"], entry["pair"], entry["answer"]
            except ValueError:
                continue  # torn when the session that wrote it ended: its answer was never confirmed
            found.setdefault(reviewer, {})[pair] = answer
        return found


def answers_to(sample: Sample, folder: Path) -> Answers:
    """Give the answers to a sample: those begun earlier, or none yet.

    Parameters
    ----------
    sample : Sample
    folder : Path
        The job's `out/`. The file is named for the sample, so that no other sample's answers are taken for these.
    """
    return Answers(folder / f"review-{sample.sha256[:16]}.jsonl", len(sample.pairs))


def settled(answers: Mapping[str, Mapping[int, Answer]], pair: int) -> Answer | None:
    """Give what reviewers say of a pair together: `cannot tell` where they differ, None where nobody answered."""
    given = {each[pair] for each in answers.values() if pair in each}
    if not given:
        return None
    return given.pop() if len(given) == 1 else "cannot tell"


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        if file.seek(0, os.SEEK_END) and not _ends_whole(file.fileno()):
            line = b"\n" + line
        if file.write(line) != len(line):
            raise OSError(0, "No space left on device")
        os.fsync(file.fileno())


def _ends_whole(descriptor: int) -> bool:
    return os.pread(descriptor, 1, os.fstat(descriptor).st_size - 1) == b"\n"


def _finding(where: str, what: str, then: str) -> Finding:
    return Finding("review", "EM VII.B.1.c", where, what, then)
