"""What the answers say: how far two reviewers agree, and precision and recall of the links with their intervals.

Each stratum counts for the pairs it has, not for those drawn. A stratum's share of matches has a Clopper-Pearson
interval; these are put together by the method of variance estimates recovery (Zou and Donner 2008), which stays
honest where no error was seen. A pair on which reviewers differ, or that neither can tell, widens the interval: it is
no match at its one end and a match at the other. Where a third person settled a pair on which two differ, it counts
as they said: the interval narrows, and what it would have been is stated beside it. Agreement is of the two, before.

Source: DSA VI.B; EM VII.B.1.c.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import sqrt
from typing import Any

from scipy.stats import beta

from p20kit.linkage.review import Sample, Stratum
from p20kit.linkage.review_answers import ANSWERS, NOBODY, Answer, differing, settled

LEVEL = 0.95
BASIS = (
    "clerical: pairs drawn at random within strata of match weight and judged side by side; Clopper-Pearson in"
    " each stratum, strata put together by variance estimates recovery; a pair not decided counts as a match at one"
    " end of the interval and as none at the other"
)
SETTLED = "; a pair on which two differ counts as a third said, who saw such pairs alone and neither answer"


@dataclass(frozen=True)
class Judged:
    """What was answered in one stratum."""

    stratum: Stratum
    match: int
    no_match: int
    undecided: int

    @property
    def judged(self) -> int:
        """Pairs somebody answered."""
        return self.match + self.no_match + self.undecided


@dataclass(frozen=True)
class Total:
    """Matches among the pairs of some strata, with the ends of a 95 % interval."""

    low: float
    count: float
    high: float


def estimate(
    sample: Sample,
    answers: Mapping[str, Mapping[int, Answer]],
    settling: Mapping[str, Mapping[int, Answer]] | None = None,
) -> dict[str, Any]:
    """Estimate precision and recall of the links from what was answered so far.

    Parameters
    ----------
    sample : Sample
    answers, settling : mapping of str to (mapping of int to str)
        As `Answers.by_reviewer` and `Answers.settling` give them.

    Returns
    -------
    dict
        JSON-able, no value of any person: `basis`, `strata`, `agreement` (None until two answered), `unseen`; and
        `precision` (of the links), `recall_proposed` (of the matches that stand in a pair) and `recall` (of all,
        with those the match itself estimates no rule proposed), each `rate`, `low`, `high`; None until a pair of
        every stratum was answered. `adjudication` is None, or says on how many pairs two `differed`, how many the
        third `settled`, and the three estimates `before`.
    """
    third = next(iter((settling or {}).values()), NOBODY)
    strata = judge(sample, answers, third)
    return {
        "basis": BASIS + (SETTLED if third else ""),
        "sample_sha256": sample.sha256,
        "strata": [asdict(s.stratum) | {"match": s.match, "no_match": s.no_match, "undecided": s.undecided}
                   for s in strata],
        "agreement": agreement(answers),
        "unseen": dict(zip(("low", "count", "high"), sample.unseen, strict=True)),
        "adjudication": _adjudication(sample, answers, third),
        **_rates(sample, strata),
    }  # fmt: skip


def _rates(sample: Sample, strata: Sequence[Judged]) -> dict[str, dict[str, float] | None]:
    links, others = ([s for s in strata if s.stratum.side == side] for side in ("link", "no link"))
    if not all(s.judged for s in strata):
        return {"precision": None, "recall_proposed": None, "recall": None}
    right, missed = total(links), total(others)
    every = sum(s.stratum.pairs for s in links)
    return {
        "precision": {"rate": right.count / every, "low": right.low / every, "high": right.high / every},
        "recall_proposed": _recall(right, missed),
        "recall": _recall(right, Total(*(m + u for m, u in zip(_ends(missed), sample.unseen, strict=True)))),
    }


def _adjudication(
    sample: Sample, answers: Mapping[str, Mapping[int, Answer]], third: Mapping[int, Answer]
) -> dict[str, Any] | None:
    """Say what a third person's word changes: without it each such pair is undecided."""
    if not third:
        return None
    apart = differing(answers.values())
    settled_by = sum(third.get(pair, "cannot tell") != "cannot tell" for pair in apart)
    return {"differed": len(apart), "settled": settled_by, "before": _rates(sample, judge(sample, answers))}


def agreement(answers: Mapping[str, Mapping[int, Answer]]) -> dict[str, Any] | None:
    """Tell how far two reviewers agree on the pairs both answered.

    Returns
    -------
    dict or None
        `pairs`, `same` (counts), `kappa` (Cohen's; None where chance alone would make them agree always) and `table`:
        by the one's answer, how often the other gave each. None while fewer than two have answered.
    """
    for one, other in combinations(sorted(answers), 2):
        both = sorted(set(answers[one]) & set(answers[other]))
        if not both:
            return None
        seen = Counter((answers[one][pair], answers[other][pair]) for pair in both)
        n, same = len(both), sum(seen[each, each] for each in ANSWERS)
        first, second = (Counter(answers[who][pair] for pair in both) for who in (one, other))
        chance = sum(first[each] * second[each] for each in ANSWERS) / n**2
        return {
            "reviewers": [one, other],
            "pairs": n,
            "same": same,
            "kappa": (same / n - chance) / (1 - chance) if chance < 1 else None,
            "table": {each: {then: seen[each, then] for then in ANSWERS} for each in ANSWERS},
        }
    return None


def judge(
    sample: Sample, answers: Mapping[str, Mapping[int, Answer]], third: Mapping[int, Answer] = NOBODY
) -> list[Judged]:
    """Count what was answered in every stratum; what is not answered yet is not counted."""
    said = Counter(
        (int(stratum), settled(answers, pair, third)) for pair, stratum in enumerate(sample.pairs["stratum"].tolist())
    )
    return [Judged(stratum, *(said[i, answer] for answer in ANSWERS)) for i, stratum in enumerate(sample.strata)]


def total(strata: Sequence[Judged]) -> Total:
    """Estimate the matches among all pairs of some strata, of which some were judged."""
    least = _recovered([(s.stratum.pairs, s.judged, s.match) for s in strata])
    most = _recovered([(s.stratum.pairs, s.judged, s.match + s.undecided) for s in strata])
    return Total(least.low, (least.count + most.count) / 2, most.high)


def _recovered(strata: Sequence[tuple[int, int, int]]) -> Total:
    """Put strata of (pairs, judged, matches) together."""
    count = below = above = 0.0
    for pairs, judged, matches in strata:
        rate = matches / judged
        low, high = _clopper_pearson(matches, judged) if judged < pairs else (rate, rate)
        count += pairs * rate
        below += (pairs * (rate - low)) ** 2
        above += (pairs * (high - rate)) ** 2
    return Total(max(count - sqrt(below), 0.0), count, min(count + sqrt(above), sum(s[0] for s in strata)))


def _clopper_pearson(k: int, n: int) -> tuple[float, float]:
    tail = (1 - LEVEL) / 2
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    return low, float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0


def _recall(right: Total, missed: Total) -> dict[str, float] | None:
    """Give the share of the matches that are links; its ends take the worse end of both counts."""
    if not right.count + missed.count:
        return None
    return {
        "rate": right.count / (right.count + missed.count),
        "low": right.low / max(right.low + missed.high, 1.0),
        "high": right.high / max(right.high + missed.low, 1.0),
    }


def _ends(total: Total) -> tuple[float, float, float]:
    return total.low, total.count, total.high
