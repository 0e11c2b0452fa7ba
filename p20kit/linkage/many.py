"""Match three and more agencies, a model for every two of them; and find the duplicates within one file."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from p20kit.linkage.clusters import Clusters, merge, sizes
from p20kit.linkage.elements import usable_roles
from p20kit.linkage.engine import score_files
from p20kit.linkage.estimates import one_to_one_shift
from p20kit.linkage.inputs import check_files
from p20kit.linkage.pair import Method, Progress, described_method, match, read, silent
from p20kit.linkage.quality import rate, rates_by_group
from p20kit.linkage.report import Outcome, describe, describe_crosswalk, describe_file
from p20kit.linkage.standardise import Standardised, standardise
from p20kit.linkage.training import settings

TELLING = {"dob", "ssn", "sasid"}
"""Roles of which one is needed, beside the names, for a model to be learned."""


@dataclass(frozen=True, eq=False)
class LinkedMany:
    """What came of a match of several agencies.

    Attributes
    ----------
    crosswalk : DataFrame
        One row per person found with two agencies or more: per agency the generic identifier, or missing.
    report : dict
        JSON-able; aggregates only, no value of any person.
    models : dict of str to dict
        By `left-right`: the trained Splink models.
    """

    crosswalk: pd.DataFrame
    report: dict[str, Any]
    models: dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Records of one file that are one person.

    Attributes
    ----------
    clusters : DataFrame
        The identifier column and `cluster`, every record once.
    report : dict
    model : dict
    """

    clusters: pd.DataFrame
    report: dict[str, Any]
    model: dict[str, Any]


def link_many(
    files: Mapping[str, pd.DataFrame],
    *,
    roles: Mapping[str, str],
    id_column: str = "GenericID",
    method: Method | None = None,
    groups: pd.DataFrame | None = None,
    models: Mapping[str, Mapping[str, Any]] | None = None,
    progress: Progress | None = None,
    encoded: bool = False,
) -> LinkedMany:
    """Match the files of three and more agencies, one record per person in each.

    Every two agencies have a model of their own, of the identifiers both hold: pooled m and u would be nobody's.
    Their pairs are merged heaviest first; a cluster never holds two records of an agency.

    Source: EM VII.B.1.c; EM XII.A.

    Parameters
    ----------
    files : mapping of str to DataFrame of text
        By agency: `id_column` (generic identifier, unique) and the columns of `roles`.
    roles, id_column, method, groups, progress, encoded
        As in `link_pair`; groups are of the first file.
    models : mapping of str to mapping, optional
        `LinkedMany.models` of an earlier match of the same agencies: taken as they are, and none is trained.

    Raises
    ------
    RoleError
        If two agencies share too few roles.
    LinkageRefused
        If a file, or two together, cannot be matched, no blocking rule can be run, or the models are of others.
    """
    method, tell = method or Method(), progress or silent
    check_files(files, id_column, list(roles.values()))
    usable = {
        (a, b): usable_roles(roles, files[a].columns, files[b].columns, names_will_do=len(files) > 2)[0]
        for a, b in combinations(files, 2)
    }
    tell("standardising", 0.0)
    sides = read(files, roles, method, encoded=encoded)
    described = {name: describe_file(name, side) for name, side in sides.items()}
    outcomes = _match_all(sides, usable, method, tell, models)
    tell("merging", 0.9)
    clusters = _merge(outcomes, files, method.threshold)
    crosswalk = _crosswalk(clusters, files, id_column)
    report = {
        "agencies": list(files),
        "roles": {"used": list(roles)},
        **described_method(method, encoded),
        "files": list(described.values()),
        "pairs": _describe_pairs(outcomes, described, method.threshold),
        **describe_crosswalk(crosswalk),
        **_rates(crosswalk, files, id_column, groups),
        "refused": {"doubled": clusters.doubled, "chained": clusters.chained, "tied": clusters.tied},
    }
    tell("reporting", 1.0)
    return LinkedMany(crosswalk, report, {f"{a}-{b}": outcome.model for (a, b), outcome in outcomes.items()})


def find_duplicates(
    file: pd.DataFrame, *, roles: Mapping[str, str], id_column: str = "GenericID", method: Method | None = None
) -> Duplicates:
    """Find the records of one file that are one person, as clusters.

    Source: EM XII.A.

    Parameters
    ----------
    file : DataFrame of text
    roles, id_column, method
        As in `link_pair`.

    Raises
    ------
    RoleError, LinkageRefused
        As in `link_pair`; records that repeat one another are what is looked for and no error.
    """
    method = method or Method()
    check_files({"the agency": file}, id_column, list(roles.values()))
    used, _ = usable_roles(roles, file.columns, file.columns)
    side = standardise(file, used)
    described = describe_file("the agency", side)
    scored = score_files(
        side, side, seed=method.seed, max_pairs=method.max_pairs, threads=method.threads, engine=method.engine
    )
    clusters = merge(scored.pairs, None, len(file), _weight(method.threshold))
    model = settings(scored.trained, [cost.rule.sql for cost in scored.costs if cost.used], within=True)
    report = {
        "file": described,
        "method": asdict(method),
        "clusters_by_size": sizes(clusters.of_record),
        "refused": {"chained": clusters.chained},
    }
    return Duplicates(pd.DataFrame({id_column: file[id_column], "cluster": clusters.of_record}), report, model)


def _match_all(
    sides: Mapping[str, Standardised],
    usable: Mapping[tuple[str, str], Mapping[str, str]],
    method: Method,
    tell: Progress,
    models: Mapping[str, Mapping[str, Any]] | None,
) -> dict[tuple[str, str], Outcome]:
    """Match every two agencies."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    # Two agencies that share only names cannot teach a model: they come last and take m from the others.
    for done, (a, b) in enumerate(sorted(usable, key=lambda pair: not TELLING & set(usable[pair]))):
        tell(f"{a} with {b}", 0.1 + 0.8 * done / len(usable))
        taught = {} if TELLING & set(usable[a, b]) else _mean_m(list(outcomes.values()))
        model = None if models is None else models.get(f"{a}-{b}", {})
        outcomes[a, b] = match(_copy(sides[a]), _copy(sides[b]), method, known_m=taught, model=model)
    return outcomes


def _mean_m(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], float]:
    learned = [outcome.scored.trained.learned() for outcome in outcomes]
    shared = set(learned[0]).intersection(*learned[1:]) if learned else set()
    return {level: float(np.mean([m[level] for m in learned])) for level in shared}


def _describe_pairs(
    outcomes: Mapping[tuple[str, str], Outcome], files: Mapping[str, dict[str, Any]], threshold: float
) -> dict[str, dict[str, Any]]:
    return {f"{a}-{b}": describe(outcome, [files[a], files[b]], threshold) for (a, b), outcome in outcomes.items()}


def _rates(
    crosswalk: pd.DataFrame, files: Mapping[str, pd.DataFrame], id_column: str, groups: pd.DataFrame | None
) -> dict[str, Any]:
    """Match rate of every file, found with any other; by group for the first."""
    rates = {name: rate(int(crosswalk[name].notna().sum()), len(file)) for name, file in files.items()}
    first = next(iter(files))
    found: dict[str, Any] = {"match_rate": {"overall": rates[first], "by_agency": rates}, "by_group": []}
    if groups is not None:
        ids = files[first][id_column]
        linked = pd.Series(ids.isin(crosswalk[first].dropna()).to_numpy(), index=ids.to_numpy())
        found["by_group"] = rates_by_group(groups, linked, id_column)
    return found


def _copy(side: Standardised) -> Standardised:
    return replace(side, frame=side.frame.copy(deep=False))


def _weight(threshold: float) -> float:
    return float(np.log2(threshold / (1 - threshold)))


def _merge(
    outcomes: Mapping[tuple[str, str], Outcome], files: Mapping[str, pd.DataFrame], threshold: float
) -> Clusters:
    """Merge the pairs of all agencies, records numbered through, by their weights given one record for one record."""
    counts = [len(file) for file in files.values()]
    first = dict(zip(files, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
    listed = [
        pd.DataFrame(
            {
                "left": outcome.scored.pairs["left"] + first[a],
                "right": outcome.scored.pairs["right"] + first[b],
                "match_weight": outcome.scored.pairs["match_weight"]
                + one_to_one_shift(outcome.scored.matches, (len(files[a]), len(files[b]))),
            }
        )
        for (a, b), outcome in outcomes.items()
    ]
    group = np.repeat(np.arange(len(counts)), counts)
    return merge(pd.concat(listed, ignore_index=True), group, sum(counts), _weight(threshold))


def _crosswalk(clusters: Clusters, files: Mapping[str, pd.DataFrame], id_column: str) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "cluster": clusters.of_record,
            "agency": np.repeat(list(files), [len(file) for file in files.values()]),
            "id": np.concatenate([file[id_column].to_numpy(dtype=object) for file in files.values()]),
        }
    )
    together = table[table.groupby("cluster")["cluster"].transform("size") > 1]
    wide = together.pivot(index="cluster", columns="agency", values="id").reindex(columns=list(files))
    return wide.reset_index(drop=True).rename_axis(columns=None)
