"""How many links are false and how many matches were missed, estimated from the files alone.

The model's probability of a pair takes no account of one record having one record. Where both of a pair's records are
free otherwise, its odds are those of the model divided by the shares of records that have no match at all: so the
one-to-one probability below. What blocking never proposed is estimated by capture and recapture: from the matches
an identifier found, or, where the files share none, from those found by date of birth and by the other rules.

Source: DSA VI.B; EM VII.B.1.c.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log2, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MOST_MATCHED = 0.8
"""Share of a file taken to have a match, at most: where nearly all have one, the free records say nothing."""
FALSE_FACTOR, MISSED_FACTOR = 0.45, 0.3
"""How far the estimates may be off beside chance (standard deviation of their logarithm): what matches of invented
agencies showed, with errors from few to many. They are no proof for files of another kind; a clerical sample is."""
_Z = 1.959964
_ENOUGH = 100


@dataclass(frozen=True)
class Captures:
    """Likely matches by who proposed them.

    Attributes
    ----------
    by_identifier, identifier_only : int
        Proposed by a rule of an identifier; of these by no other rule.
    date_only, other_only, date_and_other : int
        Not by an identifier: by rules of the date of birth only, by other rules only, by both.
    """

    by_identifier: int
    identifier_only: int
    date_only: int
    other_only: int
    date_and_other: int

    @property
    def unproposed(self) -> tuple[float, float]:
        """Matches that no rule proposed: the estimate, and what it may be multiplied by at most.

        Two kinds of rules that fail for the same persons hide some: then the estimate is a lower bound.
        """
        found = self.date_only + self.other_only + self.date_and_other
        if self.by_identifier >= _ENOUGH:
            escapes = (self.identifier_only + 0.5) / (self.by_identifier + 1)
            return found * escapes / (1 - escapes), 1.5
        return self.date_only * self.other_only / max(self.date_and_other, 1), 3.0


def one_to_one_shift(matches: float, records: tuple[int, int]) -> float:
    """What one record having one record adds to the match weight (log2) of a pair whose records are free.

    Parameters
    ----------
    matches : float
        Expected number of matches.
    records : tuple of int
    """
    return -sum(log2(1 - min(matches / n, MOST_MATCHED)) for n in records)


def error_rates(links: Floats, unlinked: Floats, tied: int, captures: Captures) -> dict[str, Any]:
    """Estimate the false-match and the missed-match rate, with 95 % intervals.

    Parameters
    ----------
    links : ndarray of float64
        One-to-one probabilities of the links.
    unlinked : ndarray of float64
        Of the assigned pairs below the threshold.
    tied : int
        Pairs that were equally good as another; of every two one is taken to be a match.
    captures : Captures

    Returns
    -------
    dict
        `false_match` (share of the links) and `missed_match` (share of the matches): `count`, `rate`, `low`, `high`;
        `unproposed`: matches no blocking rule proposed, within `missed_match`; `unproposed_at_most`: the most of them
        that these may be.
    """
    false = float((1 - links).sum())
    proposed, (unproposed, at_most) = float(unlinked.sum()) + tied / 2, captures.unproposed
    right = max(len(links) - false, 0.0)
    spread = exp(_Z * FALSE_FACTOR), exp(_Z * MISSED_FACTOR)
    return {
        "false_match": _rate((false / spread[0], false, false * spread[0]), lambda n: n / max(len(links), 1)),
        "missed_match": _rate(
            (
                proposed / spread[1] + unproposed / at_most,
                proposed + unproposed,
                proposed * spread[1] + unproposed * at_most,
            ),
            lambda n: n / max(right + n, 1),
        ),
        "unproposed": round(unproposed, 1),
        "unproposed_at_most": round(unproposed * at_most, 1),
    }


def _rate(counts: tuple[float, float, float], share: Callable[[float], float]) -> dict[str, float]:
    """Give an expected count as a rate; its interval is that of a Poisson count between two means."""
    fewest, count, most = counts
    low = max(0.0, fewest - _Z * sqrt(fewest))
    high = most + _Z * sqrt(most) + 1.0
    return {"count": round(count, 1), "rate": share(count), "low": share(low), "high": min(share(high), 1.0)}
