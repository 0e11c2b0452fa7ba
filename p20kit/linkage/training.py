"""Train m, u and the prior on counts of agreement vectors.

u comes from pairs drawn at random (strangers) and, where a level is plain equality, from the frequencies of the
values; m and the prior by expectation maximisation over the candidate pairs, the prior being that of all pairs of
records. Both see each vector once with its count, so that a step costs the same for a million pairs as for a
thousand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from p20kit.errors import Finding
from p20kit.linkage.comparison import Comparison
from p20kit.linkage.errors import LinkageRefused
from p20kit.linkage.vectors import Patterns

Floats = npt.NDArray[np.float64]

LEAST_M = 1e-4
"""No way of disagreeing rules a match out by itself: the training sees too few pairs to say so."""
STEPS, CLOSE = 200, 1e-6
FIRST_M = 0.9
"""Share of matches thought to agree in the strongest way before anything is learned."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A model of two files, without a value of any person.

    Attributes
    ----------
    comparisons : tuple of Comparison
    m, u : tuple of ndarray of float64
        One array per comparison, a probability per level; nan where the level is no evidence.
    prior : float
        Probability that two random records match.
    unseen : frozenset of (str, str, str)
        What no pair showed (comparison, level, ``m`` or ``u``); a floor stands in for it.
    """

    comparisons: tuple[Comparison, ...]
    m: tuple[Floats, ...]
    u: tuple[Floats, ...]
    prior: float
    unseen: frozenset[tuple[str, str, str]]

    def learned(self) -> dict[tuple[str, str], float]:
        """Give m by role and label of the level."""
        return {
            (comparison.role, level.label): float(m[i])
            for comparison, m in zip(self.comparisons, self.m, strict=True)
            for i, level in enumerate(comparison.levels)
            if not level.missing
        }

    def weights(self, levels: npt.NDArray[np.int64]) -> Floats:
        """Match weight (log2) of vectors, prior included, frequencies of values not."""
        total = np.full(len(levels), np.log2(self.prior / (1 - self.prior)))
        for i, (m, u) in enumerate(zip(self.m, self.u, strict=True)):
            total += np.nan_to_num(np.log2(m / u), nan=0.0)[levels[:, i]]
        return total

    def frequency_weights(self, levels: npt.NDArray[np.int64]) -> Floats:
        """What is added (log2) where frequencies are taken into account, before a value's own rarity."""
        total = np.zeros(len(levels))
        for i, (comparison, u) in enumerate(zip(self.comparisons, self.u, strict=True)):
            of_level = [np.log2(u[j]) if x.frequencies else 0.0 for j, x in enumerate(comparison.levels)]
            total += np.array(of_level)[levels[:, i]]
        return total


def train(
    comparisons: Sequence[Comparison],
    candidates: Patterns,
    strangers: Patterns,
    known_u: dict[tuple[str, int], float],
    matches: float,
    possible: int,
    known_m: Mapping[tuple[str, str], float] = MappingProxyType({}),
) -> Trained:
    """Train a model.

    Parameters
    ----------
    comparisons : sequence of Comparison
    candidates : Patterns
        Vectors of the candidate pairs.
    strangers : Patterns
        Vectors of pairs drawn at random.
    known_u : dict of (str, int) to float
        u of a level (role, position) that is known and not sampled.
    matches : float
        How many there are thought to be before anything is learned.
    possible : int
        All pairs of records there are.
    known_m : mapping of (str, str) to float
        m of levels (role, label) learned elsewhere; a comparison that has all of its own here is not trained.

    Returns
    -------
    Trained
    """
    u, unseen_u = _strangers(comparisons, strangers, known_u)
    prior = min(max(matches, 1.0) / possible, 0.5)
    fixed = [all((c.role, x.label) in known_m for x in c.levels if not x.missing) for c in comparisons]
    m = tuple(
        _normal(np.array([known_m.get((c.role, x.label), 0.0) for x in c.levels]), c) if settled else _first_guess(c)
        for c, settled in zip(comparisons, fixed, strict=True)
    )
    for _ in range(STEPS):
        before, last = np.concatenate(m), prior
        shares, expected = _expect(comparisons, candidates, m, u, prior)
        m = tuple(
            own if settled else _normal(_floor(share, own_u), c)
            for own, settled, share, own_u, c in zip(m, fixed, shares, u, comparisons, strict=True)
        )
        prior = min(max(expected, 1.0) / possible, 0.5)
        if max(np.nanmax(np.abs(np.concatenate(m) - before)), abs(prior - last) / prior) < CLOSE:
            break
    unseen = {
        (c.role, c.levels[j].label, "m")
        for c, share in zip(comparisons, _expect(comparisons, candidates, m, u, prior)[0], strict=True)
        for j in np.flatnonzero(share < LEAST_M)
    }
    return Trained(tuple(comparisons), m, u, prior, frozenset(unseen | unseen_u))


def reopen(model: Mapping[str, Any], comparisons: Sequence[Comparison]) -> Trained:
    """Take a model as it was kept, instead of training one: the same model gives the same links.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    model : mapping
        As `settings` wrote it, whether or not it has been JSON since.
    comparisons : sequence of Comparison
        Those of the files at hand.

    Raises
    ------
    LinkageRefused
        If the model does not weigh the identifiers of these files, level by level.
    """
    kept = {str(each["output_column_name"]): each["comparison_levels"] for each in model.get("comparisons", ())}
    own = {comparison.role: comparison for comparison in comparisons}
    findings = [
        Finding(
            "kept model",
            "EM VII.B.1.c",
            f"the identifier {role}",
            "is weighed by the model and not held by these files"
            if role not in own
            else "is held by these files and not weighed by the model"
            if role not in kept
            else "is weighed by other levels than those of this version",
            "Train a model on these files: run the match without a kept one.",
        )
        for role in dict.fromkeys([*own, *kept])
        if role not in own or role not in kept or not _alike(own[role], kept[role])
    ]
    if findings:
        raise LinkageRefused("the kept model is not one of these files", findings)
    m, u = (
        tuple(np.array([level.get(f"{which}_probability", np.nan) for level in kept[c.role]]) for c in comparisons)
        for which in "mu"
    )
    return Trained(tuple(comparisons), m, u, float(model["probability_two_random_records_match"]), frozenset())


def _alike(comparison: Comparison, kept: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether kept levels are those of a comparison, in its order."""
    probabilities = ("m_probability", "u_probability")
    plain = [{k: v for k, v in level.items() if k not in probabilities} for level in kept]
    trained = all(p in level for level in kept for p in probabilities if not level.get("is_null_level"))
    return trained and plain == [level.settings() for level in comparison.levels]


def _strangers(
    comparisons: Sequence[Comparison], drawn: Patterns, known: dict[tuple[str, int], float]
) -> tuple[tuple[Floats, ...], set[tuple[str, str, str]]]:
    found, unseen = [], set()
    for i, comparison in enumerate(comparisons):
        counts = np.bincount(drawn.levels[:, i], drawn.pairs, len(comparison.levels))
        counts[list(comparison.missing)] = 0
        share: Floats = np.maximum(counts, 0.5) / max(float(counts.sum()), 1.0)
        for j, level in enumerate(comparison.levels):
            if (comparison.role, j) in known:
                share[j] = known[comparison.role, j]
            elif not level.missing and not counts[j]:
                unseen.add((comparison.role, level.label, "u"))
        found.append(_normal(share, comparison))
    return tuple(found), unseen


def _first_guess(comparison: Comparison) -> Floats:
    share = np.full(len(comparison.levels), (1 - FIRST_M) / max(len(comparison.levels) - 1, 1))
    share[next(j for j, level in enumerate(comparison.levels) if not level.missing)] = FIRST_M
    return _normal(share, comparison)


def _expect(
    comparisons: Sequence[Comparison], seen: Patterns, m: Sequence[Floats], u: Sequence[Floats], prior: float
) -> tuple[list[Floats], float]:
    """Share of the matches at every level, and how many matches there are, were `m`, `u` and `prior` true."""
    odds = np.full(len(seen.pairs), np.log(prior / (1 - prior)))
    for i, (own_m, own_u) in enumerate(zip(m, u, strict=True)):
        odds += np.nan_to_num(np.log(own_m / own_u), nan=0.0)[seen.levels[:, i]]
    matches = seen.pairs / (1 + np.exp(-odds))
    shares = []
    for i, comparison in enumerate(comparisons):
        counts = np.bincount(seen.levels[:, i], matches, len(comparison.levels))
        counts[list(comparison.missing)] = np.nan
        shares.append(counts / max(float(np.nansum(counts)), 1e-12))
    return shares, float(matches.sum())


def _floor(share: Floats, u: Floats) -> Floats:
    # What the training never saw among matches may speak against one, never for one.
    return np.maximum(share, np.minimum(LEAST_M, u))


def _normal(share: Floats, comparison: Comparison) -> Floats:
    share = share.copy()
    share[list(comparison.missing)] = np.nan
    return share / np.nansum(share)


def settings(trained: Trained, rules: Sequence[str], *, within: bool = False) -> dict[str, Any]:
    """Write the model as Splink 5 saves and loads it.

    Parameters
    ----------
    rules : sequence of str
        SQL of the blocking rules, in order.
    within : bool
        For duplicates within a file.
    """
    comparisons = []
    for comparison, m, u in zip(trained.comparisons, trained.m, trained.u, strict=True):
        written = comparison.settings()
        for j, level in enumerate(written["comparison_levels"]):
            if not level.get("is_null_level"):
                level |= {"m_probability": float(m[j]), "u_probability": float(u[j])}
        comparisons.append(written)
    return {
        "link_type": "dedupe_only" if within else "link_only",
        "probability_two_random_records_match": trained.prior,
        "unique_id_column_name": "unique_id",
        "source_dataset_column_name": "source_dataset",
        "sql_dialect": "duckdb",
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
        "additional_columns_to_retain": [],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": sql, "sql_dialect": "duckdb"} for sql in rules],
        "comparisons": comparisons,
    }
