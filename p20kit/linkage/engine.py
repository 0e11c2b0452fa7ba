"""From standardised files to scored candidate pairs: block, compare, train, score.

DuckDB, in memory, holds the files and says which rules run; the pairs are kept by it too, or by Spark.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from p20kit.linkage.blocking import ALIKE, COLUMNS, Cost, Rule, choose_rules, keys_of
from p20kit.linkage.codes import arrow_table
from p20kit.linkage.comparison import Comparison, build_comparisons
from p20kit.linkage.encoded import date_u, encoded_comparisons, strangers_within
from p20kit.linkage.errors import refuse_blocking
from p20kit.linkage.estimates import Captures
from p20kit.linkage.pairs import CandidatePairs, Engine, PairsInDuckDB
from p20kit.linkage.scoring import score
from p20kit.linkage.spark import pairs_on_spark
from p20kit.linkage.standardise import COUNTED, KEYS, Standardised, share_vocabularies
from p20kit.linkage.training import Trained, reopen, train
from p20kit.linkage.vectors import Patterns, both_sides, columns_of, compare, patterns

FIRST_OVERLAP = 0.5
"""Share of the smaller file thought to be in the other before anything is learned."""

LIKELY = 3.0
"""Match weight (log2) from which a pair counts as a likely match where rules are held against one another."""

ROW_GROUP = 122_880
"""Records DuckDB hands a thread at a time: with fewer, a second thread takes as long and uses more of the machine."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True, eq=False)
class Scored:
    """Candidate pairs with their weights, and the model they came from.

    Attributes
    ----------
    costs : list of Cost
        Blocking rules, predicted and chosen.
    seen : Patterns
        Agreement vectors of the candidate pairs.
    trained : Trained
    pairs : DataFrame
        As `scoring.score` gives it.
    captures : Captures
        Which rules proposed the likely matches.
    matches : float
        Expected number of matches.
    sure : ndarray of bool
        Of each pair: it agrees on an identifier of a deterministic rule and on something else.
    doubtful : int
        Pairs that agree on such an identifier alone.
    """

    costs: list[Cost]
    seen: Patterns
    trained: Trained
    pairs: pd.DataFrame
    captures: Captures
    matches: float
    sure: npt.NDArray[np.bool_]
    doubtful: int


def score_files(
    left: Standardised,
    right: Standardised,
    *,
    seed: int,
    max_pairs: int,
    threads: int,
    tell: Progress = lambda stage, fraction: None,
    known_m: Mapping[tuple[str, str], float] = MappingProxyType({}),
    deterministic: Sequence[str] = (),
    model: Mapping[str, Any] | None = None,
    engine: Engine = "duckdb",
) -> Scored:
    """Propose, compare and score pairs of the records of two files; of one file, where both are the same.

    Parameters
    ----------
    left, right : Standardised
        Their frames are used up: memory is what a large match runs out of.
    seed, max_pairs, threads, deterministic, engine
        As in `Method`.
    known_m, model : mapping
        As in `train`; a kept model that is taken instead of training one.

    Raises
    ------
    LinkageRefused
        If no blocking rule can be run, the model is not one of these files, or what the engine needs is not there.
    """
    tables = ("records_l", "records_l" if (same := left is right) else "records_r")
    records = (len(left.frame), len(right.frame))
    share_vocabularies(left, right, ALIKE)
    columns = left.filled() & right.filled()
    comparisons = encoded_comparisons(columns) if left.encoded else build_comparisons(columns)
    kept = None if model is None else reopen(model, comparisons)
    known = {} if kept else _known_u(left.frame, right.frame, comparisons)
    with duckdb.connect() as con:
        _load(con, tables, left, right, threads)
        tell("blocking", 0.15)
        costs = choose_rules(con, *tables, columns, records)
        rules = [cost.rule for cost in costs if cost.used] or refuse_blocking(costs)
        with _pairs(engine, con, tables) as candidates:
            candidates.propose(rules)
            _drop_keys(con, tables)
            tell("comparing", 0.3)
            seen = candidates.compare(comparisons)
            tell("training", 0.6)
            possible = records[0] * (records[0] - 1) // 2 if same else records[0] * records[1]
            if (trained := kept) is None:
                draw = strangers_within if left.encoded else _strangers
                strangers = draw(con, tables, records, comparisons, seed, max_pairs)
                known |= date_u(con, tables, comparisons)
                trained = train(comparisons, seen, strangers, known, FIRST_OVERLAP * min(records), possible, known_m)
            tell("scoring", 0.75)
            sure, alone = _by_identifier(comparisons, seen, deterministic)
            pairs = score(candidates, seen, trained, [rule.name for rule in rules], sure)
        captures = _captures(con, tables, pairs, rules)
    surely = sure[np.searchsorted(seen.pattern, pairs["pattern"].to_numpy())]
    doubtful = int(seen.pairs[alone].sum())
    return Scored(costs, seen, trained, pairs, captures, trained.prior * possible, surely, doubtful)


def _pairs(engine: Engine, con: Any, tables: tuple[str, str]) -> AbstractContextManager[CandidatePairs]:
    return pairs_on_spark(con, tables) if engine == "spark" else nullcontext(PairsInDuckDB(con, tables))


def _by_identifier(
    comparisons: Sequence[Comparison], seen: Patterns, identifiers: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Vectors that agree on an identifier and on something else, and those that agree on the identifier alone."""
    agrees = {
        comparison.role: np.array([level.agrees for level in comparison.levels])[seen.levels[:, i]]
        for i, comparison in enumerate(comparisons)
    }
    nothing = np.zeros(len(seen.pattern), dtype=bool)
    equal = np.logical_or.reduce([nothing, *(agrees.get(each, nothing) for each in identifiers)])
    more = np.logical_or.reduce(
        [nothing, *(agrees.get(each, nothing) for each in ("first_name", "last_name", "dob"))]
    )
    return equal & more, equal & ~more


def _load(con: Any, tables: tuple[str, str], left: Standardised, right: Standardised, threads: int) -> None:
    """Load the columns both files have; a frame is used up before the next is loaded."""
    # Identifiers stay in memory: DuckDB may not spill to disk. Its progress bar would load scripts into a report.
    groups = -(-max(len(left.frame), len(right.frame)) // ROW_GROUP)
    con.execute(f"set threads={max(1, min(threads, groups))}; set temp_directory=''")
    # What a step has used goes back at once: the next one would come on top of it.
    con.execute("set allocator_flush_threshold='1MB'; set allocator_bulk_deallocation_flush_threshold='1MB'")
    con.execute("set preserve_insertion_order=false; set enable_progress_bar=false")
    both = [column for column in left.frame if column in right.frame]
    for table, side in dict(zip(tables, (left, right), strict=True)).items():
        keys = [column for column in both if column in COLUMNS]
        _create(con, keys_of(table), arrow_table(side.frame[["unique_id", *keys]], keys))
        _create(con, table, arrow_table(side.frame[both], KEYS))
        for column in list(side.frame):
            del side.frame[column]
        pa.default_memory_pool().release_unused()


def _drop_keys(con: Any, tables: tuple[str, str]) -> None:
    for table in dict.fromkeys(tables):
        con.execute(f"drop table {keys_of(table)}")


def _create(con: Any, table: str, rows: pa.Table) -> None:
    con.register("incoming", rows)
    con.execute(f"create table {table} as select * from incoming")  # noqa: S608
    con.unregister("incoming")


def _captures(con: Any, tables: tuple[str, str], pairs: pd.DataFrame, rules: Sequence[Rule]) -> Captures:
    """Count the likely matches by the kinds of rules that propose them."""
    con.register("likely", pairs.loc[pairs["match_weight"] >= LIKELY, ["left", "right"]])
    kinds: dict[str, list[str]] = {"identifier": [], "date": [], "other": []}
    for rule in rules:
        kinds[rule.kind].append(f"({rule.sql})")
    flags = ", ".join(f"coalesce({' or '.join(sql) or 'false'}, false) as {kind}" for kind, sql in kinds.items())
    counted = con.execute(
        f"select identifier, date, other, count(*) from (select {flags} from likely p"  # noqa: S608
        f" join {tables[0]} l on l.unique_id = p.left join {tables[1]} r on r.unique_id = p.right) group by all"
    ).fetchall()
    con.unregister("likely")
    of = {(bool(i), bool(d), bool(o)): int(n) for i, d, o, n in counted}
    return Captures(
        by_identifier=sum(n for (i, _, _), n in of.items() if i),
        identifier_only=of.get((True, False, False), 0),
        date_only=of.get((False, True, False), 0),
        other_only=of.get((False, False, True), 0),
        date_and_other=of.get((False, True, True), 0),
    )


def _strangers(
    con: Any,
    tables: tuple[str, str],
    records: tuple[int, int],
    comparisons: Sequence[Comparison],
    seed: int,
    max_pairs: int,
) -> Patterns:
    """Compare records drawn at random; those that are one person by chance are too few to count."""
    draw = np.random.default_rng(seed)
    drawn = pd.DataFrame(
        {side: draw.integers(0, n, max_pairs).astype(np.int32) for side, n in zip("lr", records, strict=True)}
    ).assign(rule=np.uint8(0))
    con.register("drawn", drawn[drawn["l"] != drawn["r"]] if tables[0] == tables[1] else drawn)
    columns = columns_of(con, tables[0])
    compare(con, both_sides(columns, tables, "drawn"), columns, comparisons, "strangers")
    con.unregister("drawn")
    return patterns(con, "strangers", comparisons)


def _known_u(
    left: pd.DataFrame, right: pd.DataFrame, comparisons: Sequence[Comparison]
) -> dict[tuple[str, int], float]:
    """Give the u of what sampling sees too seldom: plain equality by counting, numbers and swaps by reckoning."""
    known: dict[tuple[str, int], float] = {}
    for comparison in comparisons:
        for position, level in enumerate(comparison.levels):
            if comparison.role in ("ssn", "sasid") and level.label == "equal":
                known[comparison.role, position] = 1 / max(len(left), len(right), 2)
            elif level.sql in _EQUAL:
                known[comparison.role, position] = _chance(left, right, _EQUAL[level.sql])
    return known


_EQUAL: Mapping[str, str] = {f"{column}_l = {column}_r": column for column in COUNTED}


def _chance(left: pd.DataFrame, right: pd.DataFrame, column: str) -> float:
    """Chance that two records that hold the column agree on it."""
    counts = [
        np.bincount(side[column].cat.codes.to_numpy() + 1, minlength=len(side[column].cat.categories) + 1)[1:]
        for side in (left, right)
    ]
    # A record is not a stranger to itself.
    itself = int(counts[0].sum()) if left is right else 0
    held = max(int(counts[0].sum()) * int(counts[1].sum()) - itself, 1)
    return max((int(counts[0] @ counts[1]) - itself) / held, 1 / max(held, 2))
