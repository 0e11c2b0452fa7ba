"""What a match report says, gathered from what the match did: aggregates only, no value of any person."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from p20kit.linkage.assignment import Assignment
from p20kit.linkage.blocking import Cost
from p20kit.linkage.elements import ROLES
from p20kit.linkage.quality import at_thresholds, rate
from p20kit.linkage.standardise import Standardised
from p20kit.linkage.training import Trained, levels


@dataclass(frozen=True)
class Outcome:
    """Everything a match of two files produced on its way."""

    left: Standardised
    right: Standardised
    costs: list[Cost]
    pairs: pd.DataFrame
    chosen: Assignment
    links: pd.DataFrame
    trained: Trained
    prior: float


def describe(outcome: Outcome, names: tuple[str, str], threshold: float) -> dict[str, Any]:
    """Describe a match for the people who sign it.

    Source: DSA VI.B.

    Parameters
    ----------
    outcome : Outcome
    names : tuple of str
        The two agencies.
    threshold : float
        The match probability in force.

    Returns
    -------
    dict
        JSON-able: files, rules, prior, comparisons, model_sha256, quality, weights, and match_rate, whose
        `overall` is that of the left file.
    """
    sides = list(zip(names, (outcome.left, outcome.right), strict=True))
    best = outcome.pairs[outcome.chosen.accepted]
    model = json.dumps(outcome.trained.model, sort_keys=True)
    rates = {name: rate(len(outcome.links), len(side.frame)) for name, side in sides}
    return {
        "files": [_file(name, side) for name, side in sides],
        "rules": _rules(outcome.costs, outcome.pairs, outcome.links),
        "prior": outcome.prior,
        "comparisons": _comparisons(outcome.trained),
        "model_sha256": hashlib.sha256(model.encode()).hexdigest(),
        "quality": _quality(best, outcome.pairs, outcome.chosen, threshold),
        "match_rate": {"overall": rates[names[0]], "by_agency": rates},
        "weights": _histogram(best["match_weight"].to_numpy()),
    }


def _file(name: str, side: Standardised) -> dict[str, Any]:
    frame = side.frame
    whole = frame.dropna(subset=["fn", "ln", "dob"])
    return {
        "agency": name,
        "records": len(frame),
        "completeness": side.completeness,
        "nulled": side.nulled,
        "unlinkable": int(((frame["fn"].notna().astype(int) + frame["ln"].notna() + frame["dob"].notna()) < 2).sum()),
        "likely_duplicates": int(
            whole.duplicated([c for c in ("fn", "mn", "ln", "suffix", "dob") if c in frame]).sum()
        ),
    }


def _rules(costs: list[Cost], pairs: pd.DataFrame, links: pd.DataFrame) -> list[dict[str, Any]]:
    scored, linked = pairs["rule"].value_counts(), links["rule"].value_counts()
    return [
        {
            "rule": cost.rule.name,
            "pairs_proposed": cost.pairs,
            "used": cost.used,
            "first_to_propose": int(scored.get(cost.rule.name, 0)),
            "links": int(linked.get(cost.rule.name, 0)),
        }
        for cost in costs
    ]


def _comparisons(trained: Trained) -> list[dict[str, Any]]:
    return [
        {
            "identifier": ROLES[comparison["output_column_name"]].label,
            "level": level["label_for_charts"],
            "m": level["m_probability"],
            "u": level["u_probability"],
            "match_weight": float(np.log2(level["m_probability"] / level["u_probability"])),
            "unseen": [
                p for p in "mu" if (comparison["output_column_name"], level["label_for_charts"], p) in trained.unseen
            ],
            "term_frequencies": bool(level.get("tf_adjustment_column")),
        }
        for comparison, level in levels(trained.model)
    ]


def _quality(best: pd.DataFrame, pairs: pd.DataFrame, chosen: Assignment, threshold: float) -> dict[str, Any]:
    return {
        "basis": "model-based: the model's own probabilities, not a clerical sample",
        "candidate_pairs_scored": len(pairs),
        "tied_pairs_left_unlinked": chosen.tied_pairs,
        "tied_records": [chosen.tied_left, chosen.tied_right],
        "thresholds": at_thresholds(best["match_probability"].to_numpy(), threshold),
    }


def _histogram(weights: Any) -> list[dict[str, float]]:
    counts, edges = np.histogram(np.clip(weights, -4, 40), bins=np.arange(-4, 42, 2))
    return [
        {"from": float(low), "to": float(high), "pairs": int(n)}
        for low, high, n in zip(edges, edges[1:], counts, strict=False)
    ]
