"""What reviewers answered: lines added to a file one by one, so that a session may end at any moment and go on."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from p20kit.errors import Finding
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.review import Sample

Answer = Literal["match", "no match", "cannot tell"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
NOBODY: Mapping[int, Answer] = MappingProxyType({})
REVIEWERS = 2
"""Every pair is judged by two people who do not see one another's answers; a third may settle where they differ."""


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
    to_settle : tuple of int or None
        For the third person: the pairs on which two differ, and no other. None for those two.
    """

    path: Path
    pairs: int
    to_settle: tuple[int, ...] | None = None

    @property
    def asked(self) -> tuple[int, ...]:
        """The pairs to be judged, in the order they are shown."""
        return tuple(range(self.pairs)) if self.to_settle is None else self.to_settle

    def add(self, reviewer: str, pair: int, answer: Answer) -> None:
        """Add an answer; it is on disk when this returns.

        Raises
        ------
        LinkageRefused
            If the reviewer is one too many or has no name, the pair is not asked, the answer is none, or the disk
            is full.
        """
        findings = [*self.objections(reviewer)]
        if pair not in self.asked or answer not in ANSWERS:
            findings.append(_finding("answer", "is none to a pair of this sample", f"Answer {', '.join(ANSWERS)}."))
        if findings:
            raise LinkageRefused("the answer was not kept", findings)
        settles = {} if self.to_settle is None else {"settles": True}
        line = json.dumps({"reviewer": reviewer, "pair": pair, "answer": answer, **settles}) + "\n"
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
        if self.to_settle is None and len(others) >= REVIEWERS:
            return [_finding("reviewer", "is a third one", "A pair is judged by two: sign in as one of them.")]
        if self.to_settle is not None and reviewer in self.by_reviewer():
            return [_finding("reviewer", "judged these pairs", "A third person settles them.")]
        return []

    def by_reviewer(self) -> dict[str, dict[int, Answer]]:
        """Read the last answer of each of the two to every pair, as the file is now."""
        return self._read(settling=False)

    def settling(self) -> dict[str, dict[int, Answer]]:
        """Read the last answer of the third person to every pair they were asked."""
        return self._read(settling=True)

    def _read(self, *, settling: bool) -> dict[str, dict[int, Answer]]:
        if not self.path.exists():
            return {}
        found: dict[str, dict[int, Answer]] = {}
        for line in self.path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
                reviewer, pair, answer = entry["reviewer"], entry["pair"], entry["answer"]
            except ValueError:
                continue  # torn when the session that wrote it ended: its answer was never confirmed
            if entry.get("settles", False) is settling:
                found.setdefault(reviewer, {})[pair] = answer
        return found


def answers_to(sample: Sample, folder: Path, settles: Mapping[str, Sequence[int]] | None = None) -> Answers:
    """Give the answers to a sample: those begun earlier, or none yet.

    Parameters
    ----------
    sample : Sample
    folder : Path
        The job's `out/`. The file is named for the sample, so that no other sample's answers are taken for these.
    settles : mapping of str to (sequence of int), optional
        For a third person: by the sample's mark, the pairs on which two differ (`Job.settles`).
    """
    mark = sample.sha256[:16]
    to_settle = None if settles is None else tuple(settles.get(mark, ()))
    return Answers(folder / f"review-{mark}.jsonl", len(sample.pairs), to_settle)


def differing(answers: Iterable[Mapping[int, str]]) -> tuple[int, ...]:
    """Give the pairs that two people answered, and not alike; in order."""
    one, other = answers
    return tuple(pair for pair in sorted(set(one) & set(other)) if one[pair] != other[pair])


def settled(
    answers: Mapping[str, Mapping[int, Answer]], pair: int, third: Mapping[int, Answer] = NOBODY
) -> Answer | None:
    """Give what is said of a pair: what two agree on, else what the third says; None where nobody answered.

    Where they differ and no third has said, it is `cannot tell`.
    """
    given = {each[pair] for each in answers.values() if pair in each}
    if not given:
        return None
    return given.pop() if len(given) == 1 else third.get(pair, "cannot tell")


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
