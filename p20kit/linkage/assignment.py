"""One record of the one agency for one record of the other: heaviest first, ties never guessed."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True)
class Assignment:
    """Which candidate pairs were accepted, and how often two were equally good."""

    accepted: npt.NDArray[np.bool_]
    tied_pairs: int
    tied_left: int
    tied_right: int


def assign(pairs: pd.DataFrame) -> Assignment:
    """Assign one to one, greedily by match weight.

    A pair is accepted if neither of its records is taken. Where pairs of equal weight compete for a record,
    none of them is accepted, and all their records are taken: a lighter pair would be a guess too.

    Parameters
    ----------
    pairs : DataFrame
        `left`, `right` (int64 row numbers) and `match_weight` (float64).

    Returns
    -------
    Assignment
        `accepted` is in the order of `pairs`, whatever that order is.
    """
    left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
    weight = pairs["match_weight"].to_numpy()
    order = np.lexsort((right, left, -weight))
    changes = np.flatnonzero(np.r_[True, np.diff(weight[order]) != 0, True])
    accepted = np.zeros(len(pairs), dtype=bool)
    taken_left, taken_right = set[int](), set[int]()
    tied_pairs = 0
    tied: tuple[set[int], set[int]] = (set(), set())
    for start, end in pairwise(changes):
        free = [i for i in order[start:end] if left[i] not in taken_left and right[i] not in taken_right]
        lefts, rights = _contested([int(left[i]) for i in free]), _contested([int(right[i]) for i in free])
        for i in free:
            taken_left.add(int(left[i]))
            taken_right.add(int(right[i]))
            if left[i] in lefts or right[i] in rights:
                tied_pairs += 1
                tied[0].add(int(left[i]))
                tied[1].add(int(right[i]))
            else:
                accepted[i] = True
    return Assignment(accepted, tied_pairs, len(tied[0]), len(tied[1]))


def _contested(records: list[int]) -> set[int]:
    seen, twice = set[int](), set[int]()
    for record in records:
        (twice if record in seen else seen).add(record)
    return twice
