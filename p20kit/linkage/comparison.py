"""Comparison levels: how two records may agree on an identifier, from the strongest way to none.

Splink scores the first level that holds. What sampling can never see (an identifier two strangers share,
two names that stand swapped by chance) gets its u from counts and is fixed.
"""

from collections.abc import Collection
from typing import Any

import pandas as pd
import splink.comparison_level_library as cll
import splink.comparison_library as cl

_SWAPPED = "fn_l = ln1_r and ln1_l = fn_r"
_TOKENS = (
    "(ln1_l = ln2_r or ln2_l = ln1_r or ln2_l = ln2_r or ((ln2_l is null) != (ln2_r is null) and ln1_l = ln1_r))"
)


def build_comparisons(left: pd.DataFrame, right: pd.DataFrame, held: Collection[str]) -> list[Any]:
    """Build the Splink comparisons for the identifiers both standardised files hold.

    Parameters
    ----------
    left, right : DataFrame
        As `standardise` gives them.
    held : collection of str
        Standard columns filled in both.

    Returns
    -------
    list of splink ComparisonCreator
        One per identifier, none for an identifier empty on one side.
    """
    ids = max(len(left), len(right), 1)
    comparisons = [_first_name(held, _chance_of_swap(left, right)), _surname(held), _date_of_birth()]
    comparisons += [_middle()] if "mn" in held else []
    comparisons += [_exact(c) for c in ("suffix", "sex", "state") if c in held]
    comparisons += [_identifier(c, ids) for c in ("ssn", "sasid") if c in held]
    comparisons += [_code(c) for c in ("zip", "street_number") if c in held]
    return comparisons + [_text(c) for c in ("street", "street2", "town") if c in held]


def _chance_of_swap(left: pd.DataFrame, right: pd.DataFrame) -> float:
    """Chance that two strangers' names stand swapped, were given and family names independent."""

    def same(a: pd.Series, b: pd.Series) -> float:
        return float((a.value_counts(normalize=True) * b.value_counts(normalize=True)).sum())

    chance = same(left["fn"], right["ln1"]) * same(left["ln1"], right["fn"])
    return max(chance, 1 / (max(len(left), 1) * max(len(right), 1)))


def _level(sql: str, label: str, **options: Any) -> Any:
    return (
        cll.CustomLevel(sql, label_for_charts=label).configure(**options) if options else cll.CustomLevel(sql, label)
    )


def _null(sql: str, label: str = "missing") -> Any:
    return _level(sql, label, is_null_level=True)


def _missing(column: str) -> Any:
    return _null(f"{column}_l is null or {column}_r is null")


def _exact_level(column: str, label: str = "equal", *, frequencies: bool = False, **options: Any) -> Any:
    tf = {"tf_adjustment_column": column} if frequencies else {}
    return _level(f"{column}_l = {column}_r", label, **tf, **options)


def _else(label: str = "different") -> Any:
    return _level("ELSE", label)


def _compare(role: str, levels: list[Any]) -> Any:
    return cl.CustomComparison(levels, output_column_name=role)


def _first_name(held: Collection[str], swapped_by_chance: float) -> Any:
    levels = [
        _missing("fn"),
        _exact_level("fn", frequencies=True),
        _level(_SWAPPED, "first name and surname swapped", u_probability=swapped_by_chance, fix_u_probability=True),
        _level("list_has_any(formal_l, formal_r)", "nickname or same formal name"),
        _level("jaro_winkler_similarity(fn_l, fn_r) >= 0.92", "nearly equal (Jaro-Winkler 0.92)"),
    ]
    if "mn" in held:
        levels.append(_level("fn_l = mn_r or mn_l = fn_r", "first name stands as middle name"))
    initial = "fi_l = fi_r and (length(fn_l) = 1 or length(fn_r) = 1)"
    levels += [
        _level(initial, "initial only, equal"),
        _level("jaro_winkler_similarity(fn_l, fn_r) >= 0.8", "similar (Jaro-Winkler 0.80)"),
        _else(),
    ]
    return _compare("first_name", levels)


def _surname(held: Collection[str]) -> Any:
    levels = [
        _missing("ln"),
        # A swap is scored once, under the first name.
        _null(_SWAPPED, "swapped (scored under the first name)"),
        _exact_level("ln", frequencies=True),
        _level(_TOKENS, "one part of a compound surname"),
        _level("jaro_winkler_similarity(ln_l, ln_r) >= 0.92", "nearly equal (Jaro-Winkler 0.92)"),
        _level("jaro_winkler_similarity(ln_l, ln_r) >= 0.8", "similar (Jaro-Winkler 0.80)"),
    ]
    if "sex" in held:
        # A surname that changed on marriage says less against a match among women.
        levels.append(_level("sex_l = 'F' and sex_r = 'F'", "different, both women"))
    return _compare("last_name", [*levels, _else()])


def _one_digit(column: str) -> str:
    """One digit wrong, or two neighbours transposed; cheap tests first, the edit distance is slow."""
    a, b = f"{column}_l", f"{column}_r"
    return f"length({a}) = length({b}) and hamming({a}, {b}) <= 2 and damerau_levenshtein({a}, {b}) <= 1"


def _date_of_birth() -> Any:
    parts = ("birth_year", "birth_month", "birth_day")
    year, month, day = (f"{p}_l = {p}_r" for p in parts)
    two = f"({year} and {month}) or ({year} and {day}) or ({month} and {day})"
    levels = [
        _missing("dob"),
        _exact_level("dob"),
        _level("dob_swapped_l = dob_r", "day and month swapped"),
        _level(_one_digit("dob"), "one digit different or transposed"),
        _level(two, "two of year, month, day equal"),
        _level(year, "same year"),
        _else(),
    ]
    return _compare("dob", levels)


def _middle() -> Any:
    initial = "substr(mn_l, 1, 1) = substr(mn_r, 1, 1) and (length(mn_l) = 1 or length(mn_r) = 1)"
    levels = [
        _missing("mn"),
        _exact_level("mn"),
        _level(initial, "initial equal"),
        _level("jaro_winkler_similarity(mn_l, mn_r) >= 0.85", "similar (Jaro-Winkler 0.85)"),
        _else(),
    ]
    return _compare("middle_name", levels)


def _exact(column: str) -> Any:
    return _compare(column, [_missing(column), _exact_level(column), _else()])


def _identifier(column: str, records: int) -> Any:
    chance: dict[str, Any] = {"u_probability": 1 / records, "fix_u_probability": True}
    levels = [_missing(column), _exact_level(column, **chance), _level(_one_digit(column), "one digit"), _else()]
    return _compare(column, levels)


def _code(column: str) -> Any:
    near = f"levenshtein({column}_l, {column}_r) <= 1"
    levels = [_missing(column), _exact_level(column, frequencies=True), _level(near, "one character"), _else()]
    return _compare(column, levels)


def _text(column: str) -> Any:
    near = f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.9"
    levels = [_missing(column), _exact_level(column, frequencies=True), _level(near, "nearly equal"), _else()]
    return _compare(column, levels)
