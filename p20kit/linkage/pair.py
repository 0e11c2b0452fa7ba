"""Match one agency's persons with another's: the whole way from two files to links and a report."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa

from p20kit.linkage.assignment import assign
from p20kit.linkage.elements import usable_roles
from p20kit.linkage.encoded import read_encoded
from p20kit.linkage.engine import score_files
from p20kit.linkage.errors import refuse_engine
from p20kit.linkage.estimates import one_to_one_shift
from p20kit.linkage.inputs import check_files, check_standardised
from p20kit.linkage.pairs import Engine
from p20kit.linkage.quality import rates_by_group
from p20kit.linkage.report import Outcome, describe, describe_file, software
from p20kit.linkage.scoring import probability
from p20kit.linkage.standardise import Standardised, standardise
from p20kit.linkage.training import settings

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Method:
    """Parameters of a match, as the Representatives sign them.

    Parameters
    ----------
    threshold : float
        Lowest match probability of a link, in (0, 1).
    seed : int
        Seed of the sample from which u is estimated.
    max_pairs : int
        Pairs of strangers drawn to estimate u.
    threads : int
        Threads of DuckDB at most; small files take one.
    deterministic : tuple of str
        Identifiers (`sasid`, `ssn`) whose equality links two records before anything else, where first name,
        surname or date of birth agrees too and neither record has a second such pair.
    engine : {"duckdb", "spark"}
        What keeps the candidate pairs; the links are the same.
    """

    threshold: float = 0.9
    seed: int = 34
    max_pairs: int = 100_000
    threads: int = 2
    deterministic: tuple[str, ...] = ()
    engine: Engine = "duckdb"

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold < 1.0:
            raise ValueError("threshold must lie between 0 and 1")
        if self.max_pairs < 10_000 or self.threads < 1:
            raise ValueError("max_pairs must be 10000 or more, threads 1 or more")
        if not set(self.deterministic) <= {"sasid", "ssn"}:
            raise ValueError("deterministic must name identifiers: sasid, ssn")
        if self.engine not in get_args(Engine):
            raise ValueError(f"engine must be one of: {', '.join(get_args(Engine))}")


@dataclass(frozen=True)
class Linked:
    """What came of a match.

    Attributes
    ----------
    links : DataFrame
        `left_id`, `right_id` (text, each at most once), `match_weight` (log2; the model's, as Splink has it),
        `match_probability` (given that one record has one record: higher than the weight alone says), `rule`.
    unlinked : DataFrame
        Pairs that were put together one to one and lie below the threshold: no links; columns as those of `links`.
    report : dict
        JSON-able; aggregates only, no value of any person.
    model : dict
        The trained Splink model; holds no value of any person.
    """

    links: pd.DataFrame
    unlinked: pd.DataFrame
    report: dict[str, Any]
    model: dict[str, Any]


def silent(stage: str, fraction: float) -> None:
    """Tell nobody."""


def link_pair(
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    roles: Mapping[str, str],
    id_column: str = "GenericID",
    names: tuple[str, str] = ("SDE", "DOL"),
    method: Method | None = None,
    groups: pd.DataFrame | None = None,
    model: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    encoded: bool = False,
) -> Linked:
    """Match two agencies' files, one record per person in each (Source: EM VII.B.1.c).

    Parameters
    ----------
    left, right : DataFrame of text
        One row per person: `id_column` (generic identifier, unique) and the columns of `roles`.
    roles : mapping of str to str
        Role (see `ROLES`) to column name, the same in both; one that a file lacks is reported and left out.
    id_column, names
        The generic identifier; the Participating Agencies.
    method : Method, optional
    groups : DataFrame, optional
        `id_column` of the left file and columns by which the match rate is broken down.
    model : mapping, optional
        `Linked.model` of an earlier match of the same identifiers, taken as it is: none is trained.
    progress : callable, optional
        Called with the stage's name and the fraction of the whole, in [0, 1].
    encoded : bool
        The files hold encodings (see `encoding`), and `roles` are `encoding.MAIN` or some of it.

    Returns
    -------
    Linked
        The same files, method and versions give the same links.

    Raises
    ------
    RoleError
        If the shared roles cannot carry a match.
    LinkageRefused
        If a file, or the two together, cannot be matched, no blocking rule can be run, or the model is of others.
    """
    method, tell = method or Method(), progress or silent
    files = dict(zip(names, (left, right), strict=True))
    check_files(files, id_column, list(roles.values()))
    used, missing = usable_roles(roles, left.columns, right.columns)
    tell("standardising", 0.0)
    sides = read(files, used, method, encoded=encoded)
    described = [describe_file(name, side) for name, side in sides.items()]
    outcome = match(sides[names[0]], sides[names[1]], method, tell, model=model)
    links, unlinked = (_named(rows, left[id_column], right[id_column]) for rows in (outcome.links, outcome.unlinked))
    report = _settings(names, used, missing) | described_method(method, encoded)
    report |= describe(outcome, described, method.threshold) | {"by_group": []}
    if groups is not None:
        report["by_group"] = rates_by_group(groups, _is_linked(left[id_column], outcome.links), id_column)
    tell("reporting", 1.0)
    return Linked(links, unlinked, report, outcome.model)


def read(
    files: Mapping[str, pd.DataFrame], roles: Mapping[str, str], method: Method, *, encoded: bool
) -> dict[str, Standardised]:
    """Standardise files, each by the roles it can fill, or take them as their agencies standardised and encoded them.

    Raises
    ------
    LinkageRefused
        If a file holds persons twice, or dates that cannot be read, or the engine does not compare encodings.
    """
    if encoded and method.engine != "duckdb":
        refuse_engine(method.engine)
    take = read_encoded if encoded else standardise
    sides = {}
    for name, file in files.items():
        sides[name] = take(file, {role: column for role, column in roles.items() if column in file})
        pa.default_memory_pool().release_unused()
    check_standardised(sides)
    return sides


def _settings(names: tuple[str, str], used: Mapping[str, str], missing: Mapping[str, str]) -> dict[str, Any]:
    """Say what was matched with what."""
    return {"agencies": list(names), "roles": {"used": list(used), "missing_in_a_file": list(missing)}}


def described_method(method: Method, encoded: bool) -> dict[str, Any]:
    """Say how it was matched: enough to run it again."""
    return {"method": asdict(method), "software": software(method.engine), "encoded": encoded}


def match(
    a: Standardised,
    b: Standardised,
    method: Method,
    tell: Progress = silent,
    known_m: Mapping[tuple[str, str], float] = MappingProxyType({}),
    model: Mapping[str, Any] | None = None,
) -> Outcome:
    """Match two standardised files, whose frames are used up: score, then assign one to one."""
    records = (len(a.frame), len(b.frame))
    scored = score_files(
        a,
        b,
        seed=method.seed,
        max_pairs=method.max_pairs,
        threads=method.threads,
        tell=tell,
        known_m=known_m,
        deterministic=method.deterministic,
        model=model,
        engine=method.engine,
    )
    tell("assigning", 0.9)
    pairs = scored.pairs
    weight = pairs["match_weight"] + one_to_one_shift(scored.matches, records)
    chosen = assign(pairs.assign(match_weight=weight), scored.sure)
    pairs["match_probability"] = probability(weight.to_numpy())
    linked = chosen.accepted & ((pairs["match_probability"] >= method.threshold).to_numpy() | scored.sure)
    written = settings(scored.trained, [cost.rule.sql for cost in scored.costs if cost.used])
    return Outcome(scored, chosen, pairs[linked], written, int(scored.sure[linked].sum()), model is not None)


def _is_linked(ids: pd.Series, links: pd.DataFrame) -> pd.Series:
    found = np.zeros(len(ids), dtype=bool)
    found[links["left"].to_numpy()] = True
    return pd.Series(found, index=ids.to_numpy())


def _named(rows: pd.DataFrame, left_ids: pd.Series, right_ids: pd.Series) -> pd.DataFrame:
    links = pd.DataFrame(
        {
            "left_id": left_ids.iloc[rows["left"].to_numpy()].to_numpy(),
            "right_id": right_ids.iloc[rows["right"].to_numpy()].to_numpy(),
            "match_weight": rows["match_weight"].to_numpy(),
            "match_probability": rows["match_probability"].to_numpy(),
            "rule": rows["rule"].astype(str).to_numpy(),
        }
    )
    return links.sort_values("left_id", ignore_index=True)
