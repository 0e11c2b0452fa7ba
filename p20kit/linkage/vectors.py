"""Agreement vectors: which level of every comparison a pair of records reaches, as one number per pair."""

# ruff: noqa: S608 - every name in the SQL is ours

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from p20kit.linkage.comparison import LIKENESS, SAME_FORMAL_NAME, Comparison
from p20kit.linkage.nicknames import nicknames

Ints = npt.NDArray[np.int64]

_FORMAL = "same_formal_name"


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
        short, other = zip(*nicknames(), strict=True)
        con.register("nicknames", pa.table({"short": short, "other": other}))
        known = f"select j.*, short is not null as {_FORMAL} from ({joined}) j"
        joined = f"{known} left join nicknames on fn_l = short and fn_r = other"
        level = [text.replace(SAME_FORMAL_NAME, _FORMAL) for text in level]
    for name, (column, sql) in LIKENESS.items():
        if column in columns:
            joined = f"select *, case when {column}_l = {column}_r then 1.0 else {sql} end as {name} from ({joined})"
            level = [text.replace(sql, name) for text in level]
    levels = [f"{sql} as c{i}" for i, sql in enumerate(level)]
    kept = ["l", "r", "rule", *(f"{column}_l" for column in columns if column.startswith("rare_"))]
    con.execute(
        f"create table {table} as"
        f" select l, r, rule, {_number(comparisons)} as pattern, {_rarity(comparisons)} as rarity"
        f" from (select {', '.join([*kept, *levels])} from ({joined}))"
    )


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
