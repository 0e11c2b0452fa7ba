"""Agreement vectors: which level of every comparison a pair of records reaches, as one number per pair."""

# ruff: noqa: S608 - every name in the SQL is ours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from p20kit.linkage.comparison import ONCE_PER_PAIR_OF_NAMES, SURNAME_LIKENESS, Comparison
from p20kit.linkage.nicknames import formal_names

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Patterns:
    """How often each agreement vector was seen.

    Attributes
    ----------
    pattern : ndarray of int64
        The vector as one number.
    levels : ndarray of int64, shape (n_patterns, n_comparisons)
        Position of the level of each comparison.
    pairs : ndarray of int64
        Pairs with this vector.
    """

    pattern: Ints
    levels: Ints
    pairs: Ints


def both_sides(columns: Sequence[str], tables: tuple[str, str], pairs: str) -> str:
    """Give the query for every pair of `pairs` (l, r, rule) with the columns of both its records, `_l` and `_r`."""
    sides = ", ".join(f"x.{c} as {c}_l, y.{c} as {c}_r" for c in columns)
    records = f"join {tables[0]} x on x.unique_id = p.l join {tables[1]} y on y.unique_id = p.r"
    return f"select p.l, p.r, p.rule, {sides} from {pairs} p {records}"


def columns_of(con: Any, table: str) -> list[str]:
    """Give the standard columns of a standardised file."""
    return [str(name) for name, *_ in con.execute(f"describe {table}").fetchall() if name != "unique_id"]


def compare(con: Any, joined: str, columns: Sequence[str], comparisons: Sequence[Comparison], table: str) -> None:
    """Write the agreement vector of every pair to `table`: l, r, rule, pattern, rarity.

    `rarity` is the sum over the values that agree exactly of -log2 of their share in both files, where the
    comparison takes frequencies into account.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
    joined : str
        Query for the pairs, as `both_sides` gives it.
    columns : sequence of str
        The standard columns in it.
    """
    level = [comparison.sql for comparison in comparisons]
    if "fn" in columns:
        _compare_names(con, f"select distinct fn_l, fn_r from ({joined})", f"{table}_names")
        known = ", ".join(ONCE_PER_PAIR_OF_NAMES)
        joined = f"select j.*, {known} from ({joined}) j left join {table}_names using (fn_l, fn_r)"
        for name, sql in ONCE_PER_PAIR_OF_NAMES.items():
            level = [text.replace(sql, name) for text in level]
    if "ln" in columns:
        joined = f"select *, {SURNAME_LIKENESS} as surname_likeness from ({joined})"
        level = [text.replace(SURNAME_LIKENESS, "surname_likeness") for text in level]
    levels = [f"{sql} as c{i}" for i, sql in enumerate(level)]
    kept = ["l", "r", "rule", *(f"{column}_l" for column in columns if column.startswith("rare_"))]
    con.execute(
        f"create table {table} as"
        f" select l, r, rule, {_number(comparisons)} as pattern, {_rarity(comparisons)} as rarity"
        f" from (select {', '.join([*kept, *levels])} from ({joined}))"
    )
    con.execute(f"drop table if exists {table}_names")


def patterns(con: Any, table: str, comparisons: Sequence[Comparison]) -> Patterns:
    """Count the vectors of `table`, in the order of their numbers."""
    seen = con.execute(counted(table)).fetchnumpy()
    return as_patterns(seen["pattern"], seen["pairs"], comparisons)


def counted(table: str) -> str:
    """Give the query for how often each vector of `table` was seen."""
    return f"select pattern, count(*) as pairs from {table} group by pattern order by pattern"


def as_patterns(number: npt.ArrayLike, pairs: npt.ArrayLike, comparisons: Sequence[Comparison]) -> Patterns:
    """Take vectors apart into the levels of their comparisons."""
    number = np.asarray(number, dtype=np.int64)
    levels = np.empty((len(number), len(comparisons)), dtype=np.int64)
    rest = number.copy()
    for i, comparison in enumerate(comparisons):
        rest, levels[:, i] = np.divmod(rest, len(comparison.levels))
    return Patterns(number, levels, np.asarray(pairs, dtype=np.int64))


def _compare_names(con: Any, distinct: str, table: str) -> None:
    """Compare every two first names that meet, once."""
    con.execute(f"create table {table}_met as {distinct}")
    names = con.execute(f"select fn_l from {table}_met union select fn_r from {table}_met")
    known = pd.DataFrame({"fn": [name for (name,) in names.fetchall() if name is not None]}, dtype=object)
    known["formal"] = [list(formal_names(name)) for name in known["fn"]]
    con.register("known_names", known)
    formal = f"{table}_formal"
    con.execute(f"create table {formal} as select fn::varchar as fn, formal::varchar[] as formal from known_names")
    con.unregister("known_names")
    alike = ", ".join(f"{sql} as {name}" for name, sql in ONCE_PER_PAIR_OF_NAMES.items())
    con.execute(
        f"create table {table} as select fn_l, fn_r, {alike}"
        f" from (select m.*, x.formal as formal_l, y.formal as formal_r from {table}_met m"
        f" join {formal} x on x.fn = fn_l join {formal} y on y.fn = fn_r)"
    )
    con.execute(f"drop table {table}_met; drop table {formal}")


def _number(comparisons: Sequence[Comparison]) -> str:
    terms, radix = [], 1
    for i, comparison in enumerate(comparisons):
        terms.append(f"c{i}::bigint * {radix}")
        radix *= len(comparison.levels)
    return " + ".join(terms)


def _rarity(comparisons: Sequence[Comparison]) -> str:
    terms = [
        f"case when c{i} = {position} then rare_{level.frequencies}_l else 0 end"
        for i, comparison in enumerate(comparisons)
        for position, level in enumerate(comparison.levels)
        if level.frequencies
    ]
    return f"({' + '.join(terms) or '0'})::double"
