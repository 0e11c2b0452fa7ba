"""Comparison levels: how two records may agree on an identifier, from the strongest way to none.

The first level that holds is the one that counts, as in Splink, whose settings these become: the SQL that makes
an agreement vector here is the SQL of the saved model. Columns end in `_l` and `_r`.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

ELSE = "ELSE"

LIKENESS = {
    "name_likeness": ("fn", "jaro_winkler_similarity(fn_l, fn_r)"),
    "surname_likeness": ("ln", "jaro_winkler_similarity(ln_l, ln_r)"),
}
"""What several levels ask of two values of a column: computed once for all of them, where the values differ."""

SAME_FORMAL_NAME = "list_has_any(formal_l, formal_r)"
"""Both first names may be short for one; looked up in the table of nicknames."""

(_, _LIKE_FIRST), (_, _LIKE_LAST) = LIKENESS.values()
_SWAPPED = "fn_l = ln1_r and ln1_l = fn_r"
_HALF_SWAPPED = (
    "((fn_l = ln1_r and jaro_winkler_similarity(ln1_l, fn_r) >= 0.8)"
    " or (ln1_l = fn_r and jaro_winkler_similarity(fn_l, ln1_r) >= 0.8))"
)
_TOKENS = (
    "(ln1_l = ln2_r or ln2_l = ln1_r or ln2_l = ln2_r or ((ln2_l is null) != (ln2_r is null) and ln1_l = ln1_r))"
)


@dataclass(frozen=True)
class Level:
    """One way in which two values may agree.

    Parameters
    ----------
    sql : str
        DuckDB condition; `ELSE` for what is left.
    label : str
    missing : bool
        A value is absent: no evidence either way.
    frequencies : str, optional
        Column whose rare values weigh more at this level.
    agrees : bool
        Counts as agreement where a rule asks for some.
    """

    sql: str
    label: str
    missing: bool = False
    frequencies: str | None = None
    agrees: bool = False

    def settings(self) -> dict[str, Any]:
        """Give the level as Splink writes it."""
        found: dict[str, Any] = {"sql_condition": self.sql, "label_for_charts": self.label}
        found |= {"is_null_level": True} if self.missing else {}
        return found | ({"tf_adjustment_column": self.frequencies} if self.frequencies else {})


@dataclass(frozen=True)
class Comparison:
    """The levels of one identifier, the first that holds counting; `role` is a key of `ROLES`."""

    role: str
    levels: tuple[Level, ...]

    @property
    def sql(self) -> str:
        """The position of the level that holds."""
        cases = " ".join(f"when {x.sql} then {i}" for i, x in enumerate(self.levels) if x.sql != ELSE)
        return f"case {cases} else {len(self.levels) - 1} end"

    @property
    def missing(self) -> tuple[int, ...]:
        """Positions of the levels that are no evidence."""
        return tuple(i for i, level in enumerate(self.levels) if level.missing)

    def settings(self) -> dict[str, Any]:
        """Give the comparison as Splink writes it."""
        return {"output_column_name": self.role, "comparison_levels": [level.settings() for level in self.levels]}


def build_comparisons(held: Collection[str]) -> tuple[Comparison, ...]:
    """Build the comparisons for the identifiers both standardised files hold.

    Parameters
    ----------
    held : collection of str
        Standard columns filled in both.

    Returns
    -------
    tuple of Comparison
        One per identifier, none for an identifier empty on one side.
    """
    return tuple(_comparisons(held))


def _comparisons(held: Collection[str]) -> Iterator[Comparison]:
    if "fn" in held:
        yield _first_name(held)
    if "ln" in held:
        yield _surname(held)
    if "dob" in held:
        yield _date_of_birth()
    if "mn" in held:
        yield _middle()
    if "sex" in held:
        yield _sex(held)
    yield from (_exact(column) for column in ("suffix", "state") if column in held)
    yield from (_identifier(column) for column in ("ssn", "sasid") if column in held)
    yield from (_code(column) for column in ("zip", "street_number") if column in held)
    yield from (_text(column) for column in ("street", "street2", "town", "occupation") if column in held)


def _missing(column: str) -> Level:
    return Level(f"{column}_l is null or {column}_r is null", "missing", missing=True)


def _equal(column: str, label: str = "equal", *, frequencies: bool = False) -> Level:
    return Level(f"{column}_l = {column}_r", label, frequencies=column if frequencies else None, agrees=True)


def _different(label: str = "different") -> Level:
    return Level(ELSE, label)


def _first_name(held: Collection[str]) -> Comparison:
    levels = [
        _missing("fn"),
        _equal("fn", frequencies=True),
        Level(_SWAPPED, "first name and surname swapped", agrees=True),
        Level(_HALF_SWAPPED, "swapped, one of them not quite equal", agrees=True),
        Level(SAME_FORMAL_NAME, "nickname or same formal name", agrees=True),
        Level(f"{_LIKE_FIRST} >= 0.92", "nearly equal (Jaro-Winkler 0.92)", agrees=True),
    ]
    if "mn" in held:
        levels += [
            Level("fn_l = mn_r or mn_l = fn_r", "first name stands as middle name", agrees=True),
            Level("left(fn_l, 1) = mn_r or mn_l = left(fn_r, 1)", "first initial stands as middle initial"),
        ]
    levels += [
        Level("fi_l = fi_r and (length(fn_l) = 1 or length(fn_r) = 1)", "initial only, equal", agrees=True),
        Level(f"{_LIKE_FIRST} >= 0.8", "similar (Jaro-Winkler 0.80)"),
        _different(),
    ]
    return Comparison("first_name", tuple(levels))


def _surname(held: Collection[str]) -> Comparison:
    levels = [
        _missing("ln"),
        _equal("ln", frequencies=True),
        Level(f"fn_l != fn_r and {_HALF_SWAPPED}", "swapped (scored under the first name)", missing=True),
        Level(_TOKENS, "one part of a compound surname", agrees=True),
        Level(f"{_LIKE_LAST} >= 0.92", "nearly equal (Jaro-Winkler 0.92)", agrees=True),
        Level(f"{_LIKE_LAST} >= 0.8", "similar (Jaro-Winkler 0.80)"),
    ]
    if "sex" in held:
        # A surname that changed on marriage says less against a match among women.
        levels.append(Level("sex_l = 'F' and sex_r = 'F'", "different, both women"))
    return Comparison("last_name", (*levels, _different()))


def _one_digit(column: str) -> str:
    """One digit wrong or two neighbours transposed; the slow edit distance only where cheap tests cannot tell."""
    a, b = f"{column}_l", f"{column}_r"
    transposed = f"(hamming({a}, {b}) = 2 and damerau_levenshtein({a}, {b}) = 1)"
    return f"length({a}) = length({b}) and (hamming({a}, {b}) <= 1 or {transposed})"


def _date_of_birth() -> Comparison:
    parts = ("birth_year", "birth_month", "birth_day")
    year, month, day = (f"{p}_l = {p}_r" for p in parts)
    levels = (
        _missing("dob"),
        _equal("dob"),
        Level("dob_swapped_l = dob_r", "day and month swapped", agrees=True),
        Level(_one_digit("dob"), "one digit different or transposed", agrees=True),
        Level(f"({year} and {month}) or ({year} and {day}) or ({month} and {day})", "two of year, month, day equal"),
        Level(year, "same year"),
        _different(),
    )
    return Comparison("dob", levels)


def _middle() -> Comparison:
    initial = "mi_l = mi_r and (length(mn_l) = 1 or length(mn_r) = 1)"
    levels = (
        _missing("mn"),
        _equal("mn", frequencies=True),
        Level(initial, "initial equal"),
        Level("jaro_winkler_similarity(mn_l, mn_r) >= 0.85", "similar (Jaro-Winkler 0.85)"),
        _different(),
    )
    return Comparison("middle_name", levels)


def _exact(column: str) -> Comparison:
    return Comparison(column, (_missing(column), _equal(column), _different()))


def _sex(held: Collection[str]) -> Comparison:
    levels = [_missing("sex")]
    if "fn" in held:
        # Most first names are of one sex: where they agree, theirs says nothing more.
        levels.append(Level("fn_l = fn_r", "first names equal (scored there)", missing=True))
    return Comparison("sex", (*levels, _equal("sex"), _different()))


def _identifier(column: str) -> Comparison:
    near = Level(_one_digit(column), "one digit different or transposed")
    return Comparison(column, (_missing(column), _equal(column), near, _different()))


def _code(column: str) -> Comparison:
    near = Level(f"levenshtein({column}_l, {column}_r) <= 1", "one character")
    return Comparison(column, (_missing(column), _equal(column, frequencies=True), near, _different()))


def _text(column: str) -> Comparison:
    near = Level(f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.9", "nearly equal")
    return Comparison(column, (_missing(column), _equal(column, frequencies=True), near, _different()))
