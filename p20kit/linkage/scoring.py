"""Score the candidate pairs with a trained model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from p20kit.linkage.pairs import CandidatePairs
from p20kit.linkage.training import Trained
from p20kit.linkage.vectors import Patterns

Floats = npt.NDArray[np.float64]

LOWEST_WEIGHT = -6.0
"""Pairs below this match weight (log2) are not kept."""


def score(
    candidates: CandidatePairs,
    seen: Patterns,
    trained: Trained,
    rule_names: Sequence[str],
    always: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """Score every candidate pair.

    Parameters
    ----------
    candidates : CandidatePairs
        Compared.
    seen : Patterns
        Their vectors.
    trained : Trained
    rule_names : sequence of str
        Of the blocking rules, in order.
    always : ndarray of bool
        Vectors whose pairs are kept however light: a deterministic rule is sure of them.

    Returns
    -------
    DataFrame
        Row numbers `left` and `right` (int64), `match_weight` (log2, float64), `pattern` (int64), `rule`
        (category): the first rule that proposed the pair. Sorted by left, right.
    """
    weights = pd.DataFrame(
        {
            "pattern": seen.pattern,
            "weight": trained.weights(seen.levels) + trained.frequency_weights(seen.levels),
            "always": always,
        }
    )
    found = candidates.weigh(weights, LOWEST_WEIGHT)
    order = np.lexsort((found["r"], found["l"]))
    rules = pd.Categorical.from_codes(found["rule"][order].astype(np.int8), categories=pd.Index(list(rule_names)))
    return pd.DataFrame(
        {
            "left": found["l"][order].astype(np.int64),
            "right": found["r"][order].astype(np.int64),
            # Weights are rounded because sums differ in the last bits, and ties are found by equality.
            "match_weight": np.round(found["match_weight"][order].astype(np.float64), 6),
            "pattern": found["pattern"][order].astype(np.int64),
            "rule": rules,
        }
    )


def probability(match_weight: Floats) -> Floats:
    """Match probability of a match weight (log2 odds)."""
    return 1.0 / (1.0 + np.exp2(-np.clip(match_weight, -60.0, 60.0)))
