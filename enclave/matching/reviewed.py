"""The record of a clerical review: who judged, their sealed answers, and who settles where two differ.

Source: EM VII.B.1.c; DSA III.F.3.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar

from enclave.errors import refuse
from enclave.matching.answers import Answers, sealed_at
from enclave.matching.place import places
from enclave.matching.record import match_key
from enclave.scratch import scratch
from enclave.settings import Settings
from enclave.vault import Keystore

REVIEWERS = 2
_CLAUSE = "EM VII.B.1.c"


@dataclass(frozen=True)
class Review:
    """One review of one match run.

    Parameters
    ----------
    answers : mapping of login -> SHA-256 of their sealed answers
    adjudicator : str
        Who settles where two differ, and judges nothing else; empty while nobody does.
    pairs : int
        Pairs drawn; their sample has SHA-256 `sample_sha256`. Both stand once it is closed.
    judged : mapping of login -> number of those pairs they judged
    page_sha256, executed_sha256 : str
        Of the estimates' page and of the executed notebook, which outlive the match data.
    """

    KIND: ClassVar[str] = "match-review"
    project: str
    run: str
    opened_by: str
    opened_on: date
    notebook_sha256: str
    answers: dict[str, str] = field(default_factory=dict)
    adjudicator: str = ""
    closed_on: date | None = None
    pairs: int = 0
    sample_sha256: str = ""
    judged: dict[str, int] = field(default_factory=dict)
    page_sha256: str = ""
    executed_sha256: str = ""

    @property
    def key(self) -> str:
        """Project and run."""
        return f"{self.project}/{self.run}"

    @property
    def reviewers(self) -> list[str]:
        """Who judged pairs, without who settles; those who still sit for the first time are not among them."""
        return sorted(set(self.answers) - {self.adjudicator})


def to_settle(
    keystore: Keystore, settings: Settings, review: Review, person: str
) -> dict[str, tuple[int, ...]] | None:
    """Give what a third person settles, by the sample's mark; None for one of the two who judge.

    The two are through when both have judged the same pairs and neither sits; from then on their answers stand.

    Raises
    ------
    Refused
        If the person judged already what a third settles now, or there is nothing for a third to settle.
    """
    sitting = {place[8:] for place in places(settings, review.project)} - {person}
    others = ({*review.reviewers, *sitting} - {person, review.adjudicator}) if review.adjudicator != person else ()
    if review.adjudicator not in ("", person):
        what = "a third settles already where two differ"
    elif person != review.adjudicator and len(others) < REVIEWERS:
        return None
    elif sitting:
        what = f"{REVIEWERS} others judge its pairs"
    elif settles := _apart(*(answers_of(keystore, settings, review, who) for who in review.reviewers)):
        return settles
    else:
        what = f"{REVIEWERS} others have not judged the same pairs, or differ on none"
    then = "Two judge every pair; where they differ, a third settles once both are through."
    raise refuse(f"review of {review.key}", "two-reviewers", _CLAUSE, what, then)


def _apart(one: Answers, other: Answers) -> dict[str, tuple[int, ...]]:
    """Give by the sample's mark the pairs on which two differ; empty until both have judged the same pairs."""
    from p20kit.linkage.review_answers import differing  # heavy: pandas and Splink

    if {mark: set(said) for mark, said in one.items()} != {mark: set(said) for mark, said in other.items()}:
        return {}
    found = {mark: differing((said, other[mark])) for mark, said in one.items()}
    return {mark: pairs for mark, pairs in found.items() if pairs}


def answers_of(keystore: Keystore, settings: Settings, review: Review, person: str) -> Answers:
    """Open what a person answered; nothing where they did not yet."""
    if person not in review.answers:
        return {}
    seal = sealed_at(settings, match_key(review.project), review.key, person, review.answers[person])
    with scratch(settings.runtime, "answers") as folder:
        opened = folder / "answers.json"
        keystore.unseal(seal, opened)
        said: dict[str, dict[str, str]] = json.loads(opened.read_text("utf-8"))
    return {sample: {int(pair): answer for pair, answer in given.items()} for sample, given in said.items()}


def seal_answers(
    keystore: Keystore, settings: Settings, review: Review, person: str, folder: Path, answers: Answers
) -> str:
    """Seal what a person answered, and give the SHA-256 of what is sealed."""
    plain = folder / "answers.json"
    plain.write_text(json.dumps(answers), "utf-8")
    return keystore.seal(plain, sealed_at(settings, match_key(review.project), review.key, person))
