"""Blocking rules: which pairs are worth comparing, what each rule costs, and a ceiling on that cost."""

# ruff: noqa: S608 - every name in the SQL is ours

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

PAIRS_PER_RECORD = 1
LEAST_CEILING = 400_000
"""A rule may propose this many pairs per record of both files, and this many in any case. One that would
propose more is set aside before it runs, and the report says so with the number."""
SAMPLED = 20_000
"""A rule's cost is predicted from this many records of each file."""
MOST_COUNTED = 20_000_000
"""Pairs of the samples that are looked at one by one, to predict a rule with a condition beside its keys."""

IMPLIED = {
    "fn": ("fi", "root", "fn_sound"),
    "ln1": ("li", "ln_sound"),
    "dob": ("birth_year", "birth_month", "birth_day"),
    "names_month": ("names_year",),
    "names_day": ("names_year",),
}
"""Records that agree on a column agree on these as well."""


@dataclass(frozen=True)
class Rule:
    """Pairs that agree on every key; `keys` holds (left column, right column).

    Parameters
    ----------
    name : str
    keys : tuple of (str, str)
    lacking : str
        Column that one of the two records does not have.
    """

    name: str
    keys: tuple[tuple[str, str], ...]
    lacking: str = ""

    @property
    def sql(self) -> str:
        """The condition, as Splink wants it too."""
        lacks = [f"(l.{self.lacking} is null or r.{self.lacking} is null)"] if self.lacking else []
        return " and ".join([*(f"l.{left} = r.{right}" for left, right in self.keys), *lacks])

    @property
    def kind(self) -> str:
        """What the rule rests on: `identifier`, `date` (the whole date of birth) or `other`."""
        columns = {column for key in self.keys for column in key}
        return "identifier" if columns & {"ssn", "sasid"} else "date" if "dob" in columns else "other"

    def held_in(self, columns: Collection[str]) -> bool:
        """Say whether the files hold every column of the rule."""
        return {self.lacking or self.keys[0][0], *(column for key in self.keys for column in key)} <= set(columns)

    def within(self, other: "Rule") -> bool:
        """Say whether every pair of this rule is one of the other's."""
        agreed = {*self.keys, *((i, i) for a, b in self.keys if a == b for i in IMPLIED.get(a, ()))}
        return set(other.keys) <= agreed and other.lacking in ("", self.lacking)


@dataclass(frozen=True)
class Cost:
    """What a rule would propose by itself, predicted before it runs.

    Parameters
    ----------
    rule : Rule
    pairs : int
        Exact for files up to `SAMPLED` records, else from a sample.
    outcome : {"used", "empty", "contained", "explodes"}
        What came of it; a contained rule is not counted, another proposes all its pairs.
    """

    rule: Rule
    pairs: int
    outcome: str

    @property
    def used(self) -> bool:
        """Say whether the rule runs."""
        return self.outcome == "used"


def _on(name: str, *columns: str, lacking: str = "") -> Rule:
    return Rule(name, tuple((c, c) for c in columns), lacking)


RULES: tuple[Rule, ...] = (
    _on("SSN", "ssn"),
    _on("SASID", "sasid"),
    _on("date of birth", "dob"),
    _on("date of birth, first initial", "dob", "fi"),
    _on("date of birth, formal first name", "dob", "root"),
    _on("date of birth, sound of first name", "dob", "fn_sound"),
    _on("date of birth, start of surname", "dob", "li"),
    _on("date of birth, sound of surname", "dob", "ln_sound"),
    _on("formal first name, surname", "root", "ln1"),
    _on("formal first name, surname, no date of birth", "root", "ln1", lacking="dob"),
    _on("sound of both names", "fn_sound", "ln_sound"),
    _on("first name, surname", "fn", "ln1"),
    _on("first name, surname, birth year", "fn", "ln1", "birth_year"),
    _on("first name, surname, birth month and day", "fn", "ln1", "birth_month", "birth_day"),
    _on("first name, surname, no date of birth", "fn", "ln1", lacking="dob"),
    Rule("first name, second surname against first", (("fn", "fn"), ("ln2", "ln1"))),
    Rule("first name, first surname against second", (("fn", "fn"), ("ln1", "ln2"))),
    Rule("names swapped", (("fn", "ln1"), ("ln1", "fn"))),
    Rule("date of birth, first name against surname", (("dob", "dob"), ("fn", "ln1"))),
    Rule("date of birth, surname against first name", (("dob", "dob"), ("ln1", "fn"))),
    Rule("day and month swapped, first initial", (("dob_swapped", "dob"), ("fi", "fi"))),
    Rule("day and month swapped, formal first name", (("dob_swapped", "dob"), ("root", "root"))),
    _on("sound of both names, birth year", "fn_sound", "ln_sound", "birth_year"),
    _on("sound of both names, birth month and day", "fn_sound", "ln_sound", "birth_month", "birth_day"),
    _on("sound of both names, no date of birth", "fn_sound", "ln_sound", lacking="dob"),
    _on("formal first name, surname, birth year", "root", "ln1", "birth_year"),
    _on("ZIP code", "zip"),
    _on("ZIP code, first initial", "zip", "fi"),
    _on("ZIP code, surname", "zip", "ln1"),
    _on("ZIP code, first name", "zip", "fn"),
    _on("street and house number", "street", "street_number"),
    _on("town, surname", "town", "ln1"),
    _on("town, first name", "town", "fn"),
    _on("town, start of surname, first initial", "town", "li", "fi"),
    _on("town, first initial, birth year", "town", "fi", "birth_year"),
    _on("surname, first initial", "ln1", "fi"),
    _on("surname, birth year", "ln1", "birth_year"),
    _on("date of birth, first initial", "dob", "dob_initial"),
    _on("date of birth, formal first name", "dob", "dob_formal"),
    _on("date of birth, sound of first name", "dob", "dob_first_sound"),
    _on("date of birth, start of surname", "dob", "dob_start"),
    _on("date of birth, sound of surname", "dob", "dob_last_sound"),
    Rule("date of birth, first name against surname", (("dob", "dob"), ("dob_first", "dob_last"))),
    Rule("date of birth, surname against first name", (("dob", "dob"), ("dob_last", "dob_first"))),
    _on("formal first name, sound of surname, birth year", "names_year"),
    _on("formal first name, sound of surname, birth year and month", "names_month"),
    _on("formal first name, sound of surname, birth year and day", "names_day"),
    _on("formal first name, sound of surname, birth month and day", "names_birthday"),
)
"""Loose rules stand before the strict ones they contain: a strict one is used where the loose one explodes. Those on
tokens (`encoding.TOKENS`) stand last; no file holds both kinds of columns."""


def _alike() -> list[set[str]]:
    groups: list[set[str]] = []
    for key in chain.from_iterable(rule.keys for rule in RULES):
        met = [group for group in groups if group & set(key)]
        groups = [group for group in groups if group not in met] + [set(key).union(*met)]
    return groups


ALIKE = _alike()
"""Columns that some rule compares with one another."""

COLUMNS = frozenset(column for rule in RULES for column in (*chain(*rule.keys), rule.lacking) if column)
"""What the rules look at."""


def keys_of(table: str) -> str:
    """Name the table of a file by which pairs are proposed: its row numbers, and codes for the columns of `RULES`.

    Codes are told apart several times as fast as texts.
    """
    return f"{table}_keys"


def choose_rules(con: Any, left: str, right: str, columns: Collection[str], records: tuple[int, int]) -> list[Cost]:
    """Predict what every rule the two files can fill would cost, and set aside those that explode.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds the keys of both standardised files.
    left, right : str
        Table names; the same name for duplicates within a file.
    columns : collection of str
        Columns both tables have filled.
    records : tuple of int
        Of the left and of the right file.

    Returns
    -------
    list of Cost
        In the order of `RULES`.
    """
    ceiling = max(PAIRS_PER_RECORD * sum(records), LEAST_CEILING)
    rules = [rule for rule in RULES if rule.held_in(columns)]
    keys = sorted({"unique_id", *(c for rule in rules for c in (*chain(*rule.keys), rule.lacking) if c)})
    tables = tuple(dict.fromkeys((left, right)))
    for table in tables:
        steps = _steps(records[0 if table == left else 1])
        con.execute(
            f"create temp table {table}_sampled as select {', '.join(keys)} from {keys_of(table)}"
            f" where {steps} = 1 or hash(unique_id) % {steps} = 0"
        )
    costs: list[Cost] = []
    for rule in rules:
        if any(rule.within(cost.rule) for cost in costs if cost.used):
            costs.append(Cost(rule, 0, "contained"))
            continue
        pairs = _predicted(con, left, right, rule, records)
        costs.append(Cost(rule, pairs, "explodes" if pairs > ceiling else "used" if pairs else "empty"))
    for table in tables:
        con.execute(f"drop table {table}_sampled")
    return costs


def _steps(records: int) -> int:
    return max(1, round(records / SAMPLED))


def _predicted(con: Any, left: str, right: str, rule: Rule, records: tuple[int, int]) -> int:
    def blocks(table: str, side: int) -> str:
        keys = ", ".join(f"{pair[side]} as k{i}" for i, pair in enumerate(rule.keys))
        held = " and ".join(f"{pair[side]} is not null" for pair in rule.keys)
        return f"(select {keys}, count(*) as n from {table}_sampled where {held} group by all)"

    using = ", ".join(f"k{i}" for i in range(len(rule.keys)))
    counted = _count(
        con,
        f"select coalesce(sum(l.n * r.n), 0) from {blocks(left, 0)} l join {blocks(right, 1)} r using ({using})",
    )
    if rule.lacking and counted <= MOST_COUNTED:
        counted = _count(con, f"select count(*) from {left}_sampled l join {right}_sampled r on {rule.sql}")
    # Within one file a pair is counted from both its ends.
    return counted * _steps(records[0]) * _steps(records[1]) // (2 if left == right else 1)


def _count(con: Any, sql: str) -> int:
    return int(con.execute(sql).fetchall()[0][0])


def proposed(tables: tuple[str, str], rule: Rule, position: int) -> str:
    """Give the query for the pairs a rule proposes: l, r (row numbers), rule (position).

    Where left and right are one table, a pair of its records is given once and no record is paired with itself.
    """
    left, right = map(keys_of, tables)
    once = " where l.unique_id < r.unique_id" if left == right else ""
    pair = f"l.unique_id as l, r.unique_id as r, {position}::tinyint as rule"
    return f"select {pair} from {left} l join {right} r on {rule.sql}{once}"


def first_to_propose(table: str) -> str:
    """Give the query for every pair of `table` once, with the first rule that proposes it."""
    return f"select l, r, min(rule) as rule from {table} group by l, r"


def propose(con: Any, tables: tuple[str, str], rules: Sequence[Rule], table: str) -> None:
    """Write every pair that some rule proposes, once, to `table`: l, r (row numbers), rule (position).

    A pair belongs to the first rule that proposes it.
    """
    con.execute(f"create table {table}_again (l integer, r integer, rule tinyint)")
    for position, rule in enumerate(rules):
        con.execute(f"insert into {table}_again {proposed(tables, rule, position)}")
    con.execute(f"create table {table} as {first_to_propose(f'{table}_again')}")
    con.execute(f"drop table {table}_again")
