"""Train the Splink model: u from a seeded sample of strangers, m by expectation maximisation, both capped."""

import copy
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from splink import Linker, SettingsCreator, block_on
from splink.blocking_rule_library import CustomRule

from p20kit.linkage.blocking import Rule

SURE_RULE = ("fn", "ln", "dob")
SURE_RECALL = 0.7
"""Share of matches assumed to agree on all of `SURE_RULE`; only a starting point, the prior is estimated
again from the scored pairs."""
LEAST_M = 1e-4
"""No way of disagreeing rules a match out by itself: the training sees too few pairs to say so."""
LOWEST_WEIGHT = -4.0
"""Pairs below this match weight (log2) are not kept."""

SESSIONS: Sequence[tuple[str, ...]] = (("dob",), ("fn", "ln", "sex"))
"""Records are blocked on these while the rest is trained. Sex stands with the names because it follows from
them: among namesakes it always agrees, which would teach the model that all of them are one person."""


@dataclass(frozen=True)
class Trained:
    """A model as Splink saves it, without a value of any person.

    `unseen` names what no training pair showed (comparison, level, ``m`` or ``u``); a floor stands in for it.
    """

    model: dict[str, Any]
    unseen: frozenset[tuple[str, str, str]]


def new_linker(tables: Sequence[Any], rules: Iterable[Rule], comparisons: Sequence[Any]) -> Any:
    """Make an untrained Splink linker that keeps no identifier in its output."""
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="unique_id",
        comparisons=list(comparisons),
        blocking_rules_to_generate_predictions=[CustomRule(rule.sql) for rule in rules],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
    )
    return Linker(list(tables), settings, log_level=None)


def train(linker: Any, columns: Collection[str], *, seed: int, max_pairs: int) -> Trained:
    """Train a model.

    Parameters
    ----------
    linker : splink.Linker
        As `new_linker` gives it.
    columns : collection of str
        Standard columns filled in both files.
    seed : int
        Seed of the sample for u.
    max_pairs : int
        Most pairs looked at in each step.

    Returns
    -------
    Trained
    """
    linker.training.estimate_probability_two_random_records_match([block_on(*SURE_RULE)], recall=SURE_RECALL)
    linker.training.estimate_u_using_random_sampling(max_pairs=max_pairs, seed=seed)
    for session in SESSIONS:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*(c for c in session if c in columns)),
            estimate_without_term_frequencies=True,
            max_pairs=max_pairs,
        )
    model: dict[str, Any] = copy.deepcopy(linker.misc.save_model_to_json())
    model.pop("linker_uid", None)  # drawn by chance; the same training gives the same model
    unseen = set()
    for comparison, level in levels(model):
        m, u = level.get("m_probability"), level.get("u_probability")
        for name, learned in (("m", m), ("u", u)):
            if not isinstance(learned, int | float):
                unseen.add((comparison["output_column_name"], level["label_for_charts"], name))
        u = _settled(max(float(u), 1e-9)) if isinstance(u, int | float) else 0.5 / max_pairs
        # What the training never saw among matches may speak against one, never for one.
        least = min(LEAST_M, u)
        level["u_probability"] = u
        level["m_probability"] = _settled(max(float(m), least)) if isinstance(m, int | float) else least
    return Trained(model, frozenset(unseen))


def _settled(learned: float) -> float:
    """Nine digits: sums over threads differ in the last of sixteen."""
    return float(f"{learned:.9g}")


def levels(model: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Walk a saved model: every comparison with each of its levels that can be scored."""
    for comparison in model["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                yield comparison, level
