"""Match encoded files: read them, propose pairs by their tokens, compare names by the likeness of their filters.

The model is that of a match in the clear, and so are training, scoring and assignment. Two things are not. Names are
compared only where two records agree on a date of birth, an SSN or a SASID; elsewhere they are no evidence. And u is
learned from pairs of records *of one file* that agree on the date of birth: one record stands for one person, so
these are strangers, while of two files they might be one person.

Source: EM VII.B.1.c; EM XII.A; DSA III.G.1.
"""

# ruff: noqa: S608 - every name in the SQL is ours

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from p20kit.linkage.codes import encode as code
from p20kit.linkage.comparison import ELSE, Comparison, Level
from p20kit.linkage.encoding import FILTERS, TOKENS
from p20kit.linkage.errors import refuse_training
from p20kit.linkage.standardise import Standardised
from p20kit.linkage.vectors import Patterns, both_sides, columns_of, compare, patterns

COST = {"work": "two agencies, 100,000 x 100,000 records, encoded", "encoded": 0.98063, "clear": 0.99629}
"""F1 on invented files with truth, encoded and in the clear: what the report says an encoded match costs. The row
of benchmarks/results/linkage.json from which it is, held to it by a test."""

LEAST_STRANGERS = 100
"""Pairs of records of one file with one date of birth that are needed to learn how strangers' names agree."""
_PARTIAL = ("names_month", "names_day", "names_birthday")
_YEAR = ("names_year",)


def read_encoded(raw: pd.DataFrame, roles: Mapping[str, str]) -> Standardised:
    """Read one encoded file.

    Parameters
    ----------
    raw : DataFrame of text
        One row per person; tokens and filters in hexadecimal, missing is empty or null.
    roles : mapping of str to str
        Role to the column that stands for it, from `MAIN`.

    Returns
    -------
    Standardised
        A name counts as held where it can be compared by date of birth; nothing was nulled here.
    """
    frame = pd.DataFrame({"unique_id": np.arange(len(raw), dtype=np.int32)})
    for column in (*TOKENS, *FILTERS):
        if column in raw:
            values = code(raw[column].where(raw[column] != "")).categorical()
            frame[column] = _bits(values) if column in FILTERS else values
    complete = {role: float(frame[column].notna().mean()) if len(raw) else 0.0 for role, column in roles.items()}
    return Standardised(frame, complete, {}, encoded=True)


def _bits(values: "pd.Categorical[str]") -> pd.Series:
    """Give filters as bytes, which is what their bits are counted in."""
    found = pa.array([None if pd.isna(value) else bytes.fromhex(value) for value in values], type=pa.binary())
    return pd.Series(found.to_pandas(types_mapper=pd.ArrowDtype))


def encoded_comparisons(held: Collection[str]) -> tuple[Comparison, ...]:
    """Build the comparisons for what both encoded files hold.

    Parameters
    ----------
    held : collection of str
        Columns filled in both.

    Returns
    -------
    tuple of Comparison
        Their roles are those of a match in the clear.
    """
    return tuple(_comparisons(held))


def _comparisons(held: Collection[str]) -> Iterator[Comparison]:
    if "fn_dob" in held:
        yield _first_name(held)
    if "ln_dob" in held:
        yield _surname(held)
    if "dob" in held:
        yield _date_of_birth(held)
    if "mn_dob" in held:
        yield _middle_name(held)
    if "dob_sex" in held:
        yield _sex()
    for column in ("ssn", "sasid"):
        if column in held:
            missing = Level(f"{column}_l is null or {column}_r is null", "missing", missing=True)
            equal = Level(_equal(column), "equal", agrees=True)
            yield Comparison(column, (missing, equal, Level(ELSE, "different")))


def _equal(column: str) -> str:
    return f"{column}_l = {column}_r"


def _dice(left: str, right: str) -> str:
    a, b = f"{left}_l::bit", f"{right}_r::bit"
    return f"2.0 * bit_count({a} & {b}) / (bit_count({a}) + bit_count({b}))"


def _equal_any(columns: Sequence[str]) -> str:
    return " or ".join(_equal(column) for column in columns)


def _where_comparable(held: Collection[str], name: str, other: str = "") -> str:
    """Measure the likeness of names under the salt that the records share; null where they share none."""

    def case(salt: str) -> str:
        return f"when {_equal(salt)} then {_dice(f'{name}_{salt}', f'{other or name}_{salt}')}"

    salts = [salt for salt in ("ssn", "sasid") if {salt, f"{name}_{salt}", f"{other or name}_{salt}"} <= set(held)]
    # Names that stand behind the level of the date of birth are no evidence once more.
    scored = f"when {_equal_any((*_PARTIAL, *_YEAR))} then null" if {*_YEAR, *_PARTIAL} <= set(held) else ""
    return f"case {' '.join([case('dob'), scored, *map(case, salts)])} end"


def _first_name(held: Collection[str]) -> Comparison:
    like = _where_comparable(held, "fn")
    levels = [
        Level(f"({like}) is null", "missing, or not comparable", missing=True),
        Level(f"({like}) >= 0.99", "equal", agrees=True),
        Level(_swapped(held), "first name and surname swapped", agrees=True),
        Level(f"({like}) >= 0.75", "nearly equal (Dice 0.75)", agrees=True),
    ]
    if "dob_formal" in held:
        levels.insert(3, Level(_equal("dob_formal"), "nickname or same formal name", agrees=True))
    levels += [Level(f"({like}) >= 0.5", "similar (Dice 0.50)"), Level(ELSE, "different")]
    return Comparison("first_name", tuple(levels))


def _swapped(held: Collection[str]) -> str:
    across = [_where_comparable(held, one, other) for one, other in (("fn", "ln"), ("ln", "fn"))]
    return f"({across[0]}) >= 0.75 and ({across[1]}) >= 0.75"


def _surname(held: Collection[str]) -> Comparison:
    like = _where_comparable(held, "ln")
    swapped = f"({_where_comparable(held, 'fn')}) < 0.99 and {_swapped(held)}"
    parts = [("dob_last", "dob_last"), ("dob_last", "dob_second"), ("dob_second", "dob_last"), ("dob_second",) * 2]
    shared = " or ".join(f"{one}_l = {other}_r" for one, other in parts if {one, other} <= set(held))
    levels = (
        Level(f"({like}) is null", "missing, or not comparable", missing=True),
        Level(f"({like}) >= 0.99", "equal", agrees=True),
        Level(swapped, "swapped (scored under the first name)", missing=True),
        Level(shared or "false", "one part of a compound surname", agrees=True),
        Level(f"({like}) >= 0.75", "nearly equal (Dice 0.75)", agrees=True),
        Level(f"({like}) >= 0.5", "similar (Dice 0.50)"),
        Level(ELSE, "different"),
    )
    return Comparison("last_name", levels)


def _middle_name(held: Collection[str]) -> Comparison:
    like = _where_comparable(held, "mn")
    levels = (
        Level(f"({like}) is null", "missing, or not comparable", missing=True),
        Level(f"({like}) >= 0.99", "equal", agrees=True),
        Level(_equal("dob_middle"), "initial equal"),
        Level(f"({like}) >= 0.5", "similar (Dice 0.50)"),
        Level(ELSE, "different"),
    )
    return Comparison("middle_name", levels)


def _date_of_birth(held: Collection[str]) -> Comparison:
    levels = [Level("dob_l is null or dob_r is null", "missing", missing=True)]
    levels.append(Level(_equal("dob"), "equal", agrees=True))
    if {*_YEAR, *_PARTIAL} <= set(held):
        levels.append(Level(_equal_any(_PARTIAL), "two of year, month, day equal, and names alike", agrees=True))
        levels.append(Level(_equal_any(_YEAR), "same year, and names alike"))
    return Comparison("dob", (*levels, Level(ELSE, "different")))


def _sex() -> Comparison:
    apart = "dob_sex_l is null or dob_sex_r is null or dob_l != dob_r"
    return Comparison(
        "sex",
        (
            Level(apart, "missing, or not comparable", missing=True),
            Level(_equal("dob_sex"), "equal", agrees=True),
            Level(ELSE, "different"),
        ),
    )


def strangers_within(
    con: Any,
    tables: tuple[str, str],
    records: tuple[int, int],
    comparisons: Sequence[Comparison],
    seed: int,
    max_pairs: int,
) -> Patterns:
    """Compare records of one file that agree on the date of birth, in each of the two files.

    Source: EM XII.A.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
    tables : tuple of str
        The two encoded files.
    records : tuple of int
        Of the two files.
    seed, max_pairs
        As in `Method`; the pairs are drawn from both files together.

    Raises
    ------
    LinkageRefused
        If there are too few such pairs to learn from.
    """
    found = []
    for table, held in zip(tables, records, strict=True):
        groups = f"select count(*) as n from {table} where dob is not null group by dob"
        (pairs,) = con.execute(f"select coalesce(sum(n * (n - 1) // 2), 0) from ({groups})").fetchall()[0]
        step = max(1, int(pairs) * sum(records) // (max_pairs * held))
        con.execute(
            f"create table drawn_within as select a.unique_id as l, b.unique_id as r, 0::utinyint as rule"
            f" from {table} a join {table} b on a.dob = b.dob and a.unique_id < b.unique_id"
            f" where hash(a.unique_id, b.unique_id, {seed}) % {step} = 0"
        )
        columns = columns_of(con, table)
        compare(con, both_sides(columns, (table, table), "drawn_within"), columns, comparisons, "strangers_within")
        found.append(patterns(con, "strangers_within", comparisons))
        con.execute("drop table drawn_within; drop table strangers_within")
    if sum(int(each.pairs.sum()) for each in found) < LEAST_STRANGERS:
        refuse_training(LEAST_STRANGERS)
    return Patterns(
        np.concatenate([each.pattern for each in found]),
        np.concatenate([each.levels for each in found]),
        np.concatenate([each.pairs for each in found]),
    )


def date_u(con: Any, tables: tuple[str, str], comparisons: Sequence[Comparison]) -> dict[tuple[str, int], float]:
    """Give u of the levels of an encoded date of birth other than equality, by counting pairs within each file.

    Source: EM XII.A.
    """
    of_level = {_equal_any(tokens): tokens for tokens in (_PARTIAL, _YEAR)}
    known: dict[tuple[str, int], float] = {}
    for comparison in comparisons:
        for position, level in enumerate(comparison.levels):
            if tokens := of_level.get(level.sql):
                counts = [_met_within(con, table, tokens) for table in tables]
                met, possible = (sum(each) for each in zip(*counts, strict=True))
                known[comparison.role, position] = max(met, 0.5) / max(possible, 1)
                known[comparison.role, len(comparison.levels) - 1] = 1.0
    return known


def _met_within(con: Any, table: str, tokens: Sequence[str]) -> tuple[int, int]:
    """Count pairs of one file that share one of `tokens` and not the date, and all its pairs that have dates."""
    pairs = " union ".join(
        f"select a.unique_id, b.unique_id as other from {table} a join {table} b"
        f" on a.{token} = b.{token} and a.unique_id < b.unique_id where a.dob != b.dob"
        for token in tokens
    )
    met, held = con.execute(f"select (select count(*) from ({pairs})), (select count(dob) from {table})").fetchall()[
        0
    ]
    return int(met), int(held) * (int(held) - 1) // 2
