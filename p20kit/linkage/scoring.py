"""Score the candidate pairs with a trained model, and estimate the prior from what was scored."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from splink import Linker

from p20kit.linkage.training import LOWEST_WEIGHT

LEFT, RIGHT = "a_left", "b_right"
"""Names of the two tables inside Splink, in the order it keeps."""

Floats = npt.NDArray[np.float64]


def score(tables: Sequence[Any], model: dict[str, Any], rule_names: Sequence[str]) -> pd.DataFrame:
    """Score every candidate pair with Splink.

    Parameters
    ----------
    tables : sequence of SplinkDataFrame
        Left, then right.
    model : dict
        A trained model.
    rule_names : sequence of str
        Names of the model's blocking rules, in order.

    Returns
    -------
    DataFrame
        Row numbers `left` and `right` (int64), `match_weight` (log2, float64), `rule` (category): the first
        rule that proposed the pair. Sorted by left, right.
    """
    linker = Linker(list(tables), model, log_level=None)
    predicted = linker.inference.predict(threshold_match_weight=LOWEST_WEIGHT)
    key = "try_cast(match_key as integer)" if len(rule_names) > 1 else "0"
    # Weights are rounded because sums over threads differ in the last bits, and ties are found by equality.
    pairs: pd.DataFrame = predicted.query_sql(
        f"select unique_id_l as left_row, unique_id_r as right_row, round(match_weight, 6) as match_weight, "  # noqa: S608
        f"{key} as rule from {{this}} where source_dataset_l = '{LEFT}' order by 1, 2"
    ).as_pandas_dataframe()
    rules = pd.Categorical.from_codes(pairs["rule"].to_numpy(dtype=np.int64), categories=pd.Index(rule_names))
    return pd.DataFrame(
        {
            "left": pairs["left_row"].to_numpy(dtype=np.int64),
            "right": pairs["right_row"].to_numpy(dtype=np.int64),
            "match_weight": pairs["match_weight"].to_numpy(dtype=np.float64),
            "rule": rules,
        }
    )


def probability(match_weight: Floats) -> Floats:
    """Match probability of a match weight (log2 odds)."""
    return 1.0 / (1.0 + np.exp2(-np.clip(match_weight, -60.0, 60.0)))


def estimate_prior(match_weight: Floats, prior: float, possible: int) -> tuple[float, float]:
    """Estimate the prior again as the share of all possible pairs that are expected to be matches.

    Parameters
    ----------
    match_weight : ndarray of float64
        Weights of the best pair of each record, under `prior`.
    prior : float
        Probability that two random records match, as assumed.
    possible : int
        Records on the left times records on the right.

    Returns
    -------
    prior, shift : float
        The fixed point (at most 50 steps), and what it adds to every match weight (log2).
    """
    shift, estimate = 0.0, prior
    for _ in range(50):
        expected = float(probability(match_weight + shift).sum())
        estimate = min(max(expected, 1.0) / max(possible, 1), 0.5)
        moved = float(np.log2(estimate / (1 - estimate)) - np.log2(prior / (1 - prior)))
        if abs(moved - shift) < 1e-6:
            break
        shift = moved
    return float(f"{estimate:.9g}"), shift
