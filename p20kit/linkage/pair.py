"""Match one agency's persons with another's: the whole way from two files to links and a report."""

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pandas as pd
from splink import DuckDBAPI

from p20kit.linkage.assignment import assign
from p20kit.linkage.blocking import Cost, choose_rules
from p20kit.linkage.comparison import build_comparisons
from p20kit.linkage.elements import usable_roles
from p20kit.linkage.quality import rates_by_group
from p20kit.linkage.report import Outcome, describe
from p20kit.linkage.scoring import LEFT, RIGHT, estimate_prior, probability, score
from p20kit.linkage.standardise import Standardised, standardise
from p20kit.linkage.training import Trained, new_linker, train

Progress = Callable[[str, float], None]
SOFTWARE = ("splink", "duckdb", "pandas", "numpy")


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
        Most pairs any step of the training looks at.
    threads : int
        Threads of DuckDB.
    """

    threshold: float = 0.9
    seed: int = 34
    max_pairs: int = 2_000_000
    threads: int = 2

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold < 1.0:
            raise ValueError("threshold must lie between 0 and 1")
        if self.max_pairs < 10_000 or self.threads < 1:
            raise ValueError("max_pairs must be 10000 or more, threads 1 or more")


@dataclass(frozen=True)
class Linked:
    """What came of a match.

    Attributes
    ----------
    links : DataFrame
        `left_id`, `right_id` (text, each at most once), `match_weight` (log2), `match_probability`, `rule`.
    report : dict
        JSON-able; aggregates only, no value of any person.
    model : dict
        The trained Splink model; holds no value of any person.
    """

    links: pd.DataFrame
    report: dict[str, Any]
    model: dict[str, Any]


def link_pair(
    left: pd.DataFrame,
    right: pd.DataFrame,
    *,
    roles: Mapping[str, str],
    id_column: str = "GenericID",
    names: tuple[str, str] = ("SDE", "DOL"),
    method: Method | None = None,
    groups: pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> Linked:
    """Match two agencies' files, one record per person in each.

    Source: EM VII.B.1.c.

    Parameters
    ----------
    left, right : DataFrame of text
        One row per person: `id_column` (generic identifier, unique) and the columns of `roles`.
    roles : mapping of str to str
        Role (see `ROLES`) to column name, the same in both files; a role only one file holds is reported
        and left out.
    id_column : str
        The generic identifier.
    names : tuple of str
        The Participating Agencies, for the report.
    method : Method, optional
        Threshold, seed, ceilings.
    groups : DataFrame, optional
        `id_column` of the left file and columns by which the match rate is broken down.
    progress : callable, optional
        Called with the stage's name and the fraction of the whole, in [0, 1].

    Returns
    -------
    Linked
        The same files, method and versions give the same links.

    Raises
    ------
    RoleError
        If the shared roles cannot carry a match.
    ValueError
        If a generic identifier is missing or stands twice, or a file is empty.
    """
    method, tell = method or Method(), progress or _silent
    used, missing = usable_roles(roles, left.columns, right.columns)
    for name, file in zip(names, (left, right), strict=True):
        _check_ids(name, file, id_column)
    tell("standardising", 0.0)
    a, b = standardise(left, used), standardise(right, used)
    outcome = _match(a, b, method, tell)
    links = _named(outcome.links, left[id_column], right[id_column])
    report = {
        **_settings(names, used, missing, method),
        **describe(outcome, names, method.threshold),
        "by_group": [] if groups is None else rates_by_group(groups, _is_linked(left[id_column], links), id_column),
    }
    tell("reporting", 1.0)
    return Linked(links, report, outcome.trained.model)


def _settings(
    names: tuple[str, str], used: Mapping[str, str], missing: Mapping[str, str], method: Method
) -> dict[str, Any]:
    """Say what was matched with what: enough to run it again."""
    return {
        "agencies": list(names),
        "roles": {"used": list(used), "missing_in_a_file": list(missing)},
        "method": asdict(method),
        "software": {package: importlib.metadata.version(package) for package in SOFTWARE},
    }


def _silent(stage: str, fraction: float) -> None:
    return None


def _check_ids(name: str, file: pd.DataFrame, id_column: str) -> None:
    if file.empty:
        raise ValueError(f"the file of {name} holds no record")
    ids = file[id_column]
    absent, repeated = int((ids.isna() | (ids == "")).sum()), int(ids.duplicated().sum())
    if absent or repeated:
        raise ValueError(f"{id_column} of {name}: {absent} missing, {repeated} repeated; one record per person")


def _match(a: Standardised, b: Standardised, method: Method, tell: Progress) -> Outcome:
    with duckdb.connect() as con:
        # Identifiers stay in memory: DuckDB may not spill to disk.
        con.execute(f"set threads={method.threads}; set temp_directory=''")
        tell("blocking", 0.15)
        costs, pairs, trained = _score(con, a, b, method, tell)
    tell("assigning", 0.9)
    heaviest = pairs.groupby("left")["match_weight"].max().to_numpy()
    assumed = float(trained.model["probability_two_random_records_match"])
    prior, shift = estimate_prior(heaviest, assumed, len(a.frame) * len(b.frame))
    trained.model["probability_two_random_records_match"] = prior
    pairs["match_weight"] = (pairs["match_weight"] + shift).round(6)
    pairs["match_probability"] = probability(pairs["match_weight"].to_numpy())
    chosen = assign(pairs)
    links = pairs[chosen.accepted & (pairs["match_probability"] >= method.threshold).to_numpy()]
    return Outcome(a, b, costs, pairs, chosen, links, trained, prior)


def _score(
    con: Any, a: Standardised, b: Standardised, method: Method, tell: Progress
) -> tuple[list[Cost], pd.DataFrame, Trained]:
    api = DuckDBAPI(connection=con)
    for table, side in ((LEFT, a), (RIGHT, b)):
        con.register("incoming", side.frame)
        con.execute(f"create table {table} as select * from incoming")  # noqa: S608
        con.unregister("incoming")
    shared = a.filled() & b.filled()
    costs = choose_rules(con, LEFT, RIGHT, shared, len(a.frame) + len(b.frame))
    rules = [cost.rule for cost in costs if cost.used]
    if not rules:
        raise ValueError("no blocking rule proposes a pair: the two files share no value of their identifiers")
    tables = [api.register(table, dataset_display_name=table) for table in (LEFT, RIGHT)]
    tell("training", 0.25)
    linker = new_linker(tables, rules, build_comparisons(a.frame, b.frame, shared))
    trained = train(linker, shared, seed=method.seed, max_pairs=method.max_pairs)
    tell("scoring", 0.6)
    return costs, score(tables, trained.model, [rule.name for rule in rules]), trained


def _is_linked(ids: pd.Series, links: pd.DataFrame) -> pd.Series:
    return pd.Series(ids.isin(links["left_id"]).to_numpy(), index=ids.to_numpy())


def _named(rows: pd.DataFrame, left_ids: pd.Series, right_ids: pd.Series) -> pd.DataFrame:
    links = pd.DataFrame(
        {
            "left_id": left_ids.to_numpy()[rows["left"].to_numpy()],
            "right_id": right_ids.to_numpy()[rows["right"].to_numpy()],
            "match_weight": rows["match_weight"].to_numpy(),
            "match_probability": rows["match_probability"].to_numpy(),
            "rule": rows["rule"].astype(str).to_numpy(),
        }
    )
    return links.sort_values("left_id", ignore_index=True)
