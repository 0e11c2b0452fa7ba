"""What a match report says, gathered from what the match did: aggregates only, no value of any person."""

import hashlib
import importlib.metadata
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from p20kit.linkage.assignment import Assignment
from p20kit.linkage.blocking import Cost
from p20kit.linkage.elements import ROLES
from p20kit.linkage.engine import Scored
from p20kit.linkage.estimates import error_rates
from p20kit.linkage.inputs import likely_duplicates
from p20kit.linkage.pairs import Engine
from p20kit.linkage.quality import at_thresholds, rate
from p20kit.linkage.standardise import Standardised
from p20kit.linkage.training import Trained

SOFTWARE = ("splink", "duckdb", "pandas", "numpy")


@dataclass(frozen=True, eq=False)
class Outcome:
    """Everything a match of two files produced on its way.

    Attributes
    ----------
    scored : Scored
        `scored.pairs` also has `match_probability`.
    chosen : Assignment
        Of all scored pairs, before the threshold.
    links : DataFrame
        The rows of `scored.pairs` that are links.
    model : dict
        As Splink saves it.
    by_identifier : int
        Links a deterministic rule made.
    kept_model : bool
        The model was taken from an earlier match, not trained on these files.
    """

    scored: Scored
    chosen: Assignment
    links: pd.DataFrame
    model: dict[str, Any]
    by_identifier: int
    kept_model: bool

    @property
    def unlinked(self) -> pd.DataFrame:
        """The rows of `scored.pairs` that were assigned one to one and are no links."""
        best = self.scored.pairs[self.chosen.accepted]
        return best[~best.index.isin(self.links.index)]


def describe(outcome: Outcome, files: Sequence[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """Describe a match for the people who sign it.

    Source: DSA VI.B.

    Parameters
    ----------
    outcome : Outcome
    files : sequence of dict
        What `describe_file` says of the two.
    threshold : float
        The match probability in force.

    Returns
    -------
    dict
        JSON-able: files, rules, prior, comparisons, model_sha256, model_kept, quality, estimates, weights, and
        match_rate, whose `overall` is that of the left file.
    """
    pairs, trained = outcome.scored.pairs, outcome.scored.trained
    best = pairs[outcome.chosen.accepted]
    model = json.dumps(outcome.model, sort_keys=True)
    rates = {file["agency"]: rate(len(outcome.links), file["records"]) for file in files}
    return {
        "files": list(files),
        "rules": _rules(outcome.scored.costs, pairs, outcome.links),
        "prior": trained.prior,
        "comparisons": _comparisons(trained),
        "model_sha256": hashlib.sha256(model.encode()).hexdigest(),
        "model_kept": outcome.kept_model,
        "quality": _quality(best, outcome, threshold),
        "estimates": _estimates(outcome),
        "match_rate": {"overall": rates[files[0]["agency"]], "by_agency": rates},
        "weights": _histogram(best["match_weight"].to_numpy()),
    }


def describe_file(name: str, side: Standardised) -> dict[str, Any]:
    """Describe one agency's file: how full it is, what was set aside, who cannot be linked or stands twice."""
    frame = side.frame
    core = frame[[column for column in side.core if column in frame]].notna().sum(axis=1)
    return {
        "agency": name,
        "records": len(frame),
        "completeness": side.completeness,
        "nulled": side.nulled,
        "unlinkable": int((core < 2).sum()),
        "likely_duplicates": likely_duplicates(side),
    }


def software(engine: Engine) -> dict[str, str]:
    """Give the versions of what the result depends on."""
    packages = (*SOFTWARE, "pyspark") if engine == "spark" else SOFTWARE
    return {package: importlib.metadata.version(package) for package in packages}


def describe_crosswalk(crosswalk: pd.DataFrame) -> dict[str, Any]:
    """Describe the clusters of a match of several agencies.

    Source: DSA VI.B.

    Parameters
    ----------
    crosswalk : DataFrame
        As in `LinkedMany`.

    Returns
    -------
    dict
        `persons`; `persons_by_agencies`: persons by the agencies they were found with, none of them twice;
        `persons_of_both`: by `left-right`, persons found with these two and whomever else.
    """
    held = crosswalk.notna()
    return {
        "persons": len(crosswalk),
        "persons_by_agencies": [
            {"agencies": list(chosen), "persons": int((held == [name in chosen for name in held]).all(axis=1).sum())}
            for size in range(len(held.columns), 1, -1)
            for chosen in combinations(held, size)
        ],
        "persons_of_both": {f"{a}-{b}": int((held[a] & held[b]).sum()) for a, b in combinations(held, 2)},
    }


def _rules(costs: list[Cost], pairs: pd.DataFrame, links: pd.DataFrame) -> list[dict[str, Any]]:
    scored, linked = pairs["rule"].value_counts(), links["rule"].value_counts()
    return [
        {
            "rule": cost.rule.name,
            "pairs_proposed": cost.pairs,
            "used": cost.used,
            "outcome": cost.outcome,
            "first_to_propose": int(scored.get(cost.rule.name, 0)),
            "links": int(linked.get(cost.rule.name, 0)),
        }
        for cost in costs
    ]


def _comparisons(trained: Trained) -> list[dict[str, Any]]:
    return [
        {
            "identifier": ROLES[comparison.role].label,
            "level": level.label,
            "m": float(m[i]),
            "u": float(u[i]),
            "match_weight": float(np.log2(m[i] / u[i])),
            "unseen": [p for p in "mu" if (comparison.role, level.label, p) in trained.unseen],
            "term_frequencies": bool(level.frequencies),
        }
        for comparison, m, u in zip(trained.comparisons, trained.m, trained.u, strict=True)
        for i, level in enumerate(comparison.levels)
        if not level.missing
    ]


def _quality(best: pd.DataFrame, outcome: Outcome, threshold: float) -> dict[str, Any]:
    chosen = outcome.chosen
    return {
        "basis": "model-based: the model's own probabilities, not a clerical sample",
        "candidate_pairs_compared": int(outcome.scored.seen.pairs.sum()),
        "candidate_pairs_scored": len(outcome.scored.pairs),
        "tied_pairs_left_unlinked": chosen.tied_pairs,
        "tied_records": [chosen.tied_left, chosen.tied_right],
        "linked_by_identifier": outcome.by_identifier,
        "identifier_alone_agrees": outcome.scored.doubtful,
        "thresholds": at_thresholds(best["match_probability"].to_numpy(), threshold),
    }


def _estimates(outcome: Outcome) -> dict[str, Any]:
    return {
        "basis": "the model's probabilities given one record for one record, and capture and recapture by the"
        " blocking rules; no clerical sample",
        **error_rates(
            outcome.links["match_probability"].to_numpy(),
            outcome.unlinked["match_probability"].to_numpy(),
            outcome.chosen.tied_pairs,
            outcome.scored.captures,
        ),
    }


def _histogram(weights: Any) -> list[dict[str, float]]:
    counts, edges = np.histogram(np.clip(weights, -4, 40), bins=np.arange(-4, 42, 2))
    return [
        {"from": float(low), "to": float(high), "pairs": int(n)}
        for low, high, n in zip(edges, edges[1:], counts, strict=False)
    ]
