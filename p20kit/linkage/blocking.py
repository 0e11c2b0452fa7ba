"""Blocking rules: which pairs are worth comparing, what each rule costs, and a ceiling on that cost."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

PAIRS_PER_RECORD = 30
"""A rule may propose this many pairs per record of both files; a rule that would explode is set aside
before it runs, and the report says so."""


@dataclass(frozen=True)
class Rule:
    """Pairs that agree on every key; `keys` holds (left column, right column)."""

    name: str
    keys: tuple[tuple[str, str], ...]

    @property
    def sql(self) -> str:
        """The condition as Splink wants it."""
        return " and ".join(f"l.{left} = r.{right}" for left, right in self.keys)


@dataclass(frozen=True)
class Cost:
    """What a rule would propose by itself, counted before it runs."""

    rule: Rule
    pairs: int
    used: bool


def _on(name: str, *columns: str) -> Rule:
    return Rule(name, tuple((c, c) for c in columns))


RULES: tuple[Rule, ...] = (
    _on("SSN", "ssn"),
    _on("SASID", "sasid"),
    _on("date of birth, first initial", "dob", "fi"),
    _on("date of birth, start of surname", "dob", "li"),
    _on("first name, surname", "fn", "ln1"),
    _on("formal first name, surname", "root", "ln1"),
    Rule("first name, second surname against first", (("fn", "fn"), ("ln2", "ln1"))),
    Rule("first name, first surname against second", (("fn", "fn"), ("ln1", "ln2"))),
    Rule("names swapped", (("fn", "ln1"), ("ln1", "fn"))),
    Rule("day and month swapped, first initial", (("dob_swapped", "dob"), ("fi", "fi"))),
    _on("sound of both names, birth year", "fn_sound", "ln_sound", "birth_year"),
    _on("first name, birth year and month", "fn", "birth_year", "birth_month"),
    _on("first name, birth year and day", "fn", "birth_year", "birth_day"),
    _on("surname, birth year and month", "ln1", "birth_year", "birth_month"),
    _on("surname, birth year and day", "ln1", "birth_year", "birth_day"),
    _on("ZIP code, surname", "zip", "ln1"),
    _on("ZIP code, first name", "zip", "fn"),
    _on("street and house number", "street", "street_number"),
    _on("date of birth", "dob"),
)


def choose_rules(con: Any, left: str, right: str, columns: Collection[str], records: int) -> list[Cost]:
    """Count what every rule the two files can fill would cost, and set aside those that explode.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Holds both standardised files.
    left, right : str
        Table names.
    columns : collection of str
        Columns both tables have.
    records : int
        Records of both files together.

    Returns
    -------
    list of Cost
        In the order of `RULES`; `used` is False for a rule above the ceiling.
    """
    ceiling = PAIRS_PER_RECORD * max(records, 10_000)
    costs = []
    for rule in RULES:
        if all(a in columns and b in columns for a, b in rule.keys):
            pairs = _predicted(con, left, right, rule)
            costs.append(Cost(rule, pairs, used=0 < pairs <= ceiling))
    return costs


def _predicted(con: Any, left: str, right: str, rule: Rule) -> int:
    def blocks(table: str, side: int) -> str:
        keys = ", ".join(f"{pair[side]} as k{i}" for i, pair in enumerate(rule.keys))
        held = " and ".join(f"{pair[side]} is not null" for pair in rule.keys)
        return f"(select {keys}, count(*) as n from {table} where {held} group by all)"  # noqa: S608

    using = ", ".join(f"k{i}" for i in range(len(rule.keys)))
    counted = con.execute(
        f"select coalesce(sum(l.n * r.n), 0) from {blocks(left, 0)} l join {blocks(right, 1)} r using ({using})"  # noqa: S608
    ).fetchall()
    return int(counted[0][0])
