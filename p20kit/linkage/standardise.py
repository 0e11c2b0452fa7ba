"""Bring two agencies' identifiers into one spelling, and null what identifies nobody.

The work is done once per distinct value: a file of a million people holds far fewer names than rows.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from p20kit.linkage.elements import ROLES
from p20kit.linkage.nicknames import formal_names

SUFFIXES = {"JR": "JR", "JUNIOR": "JR", "SR": "SR", "SENIOR": "SR", "II": "II", "2ND": "II", "III": "III"}
SUFFIXES |= {"3RD": "III", "IV": "IV", "4TH": "IV"}
PARTICLES = frozenset(
    {
        "DE",
        "LA",
        "DEL",
        "LAS",
        "LOS",
        "VAN",
        "VON",
        "DER",
        "DEN",
        "DI",
        "DA",
        "DO",
        "DOS",
        "LE",
        "MC",
        "MAC",
        "O",
        "ST",
        "SAN",
        "EL",
        "AL",
        "BIN",
        "Y",
    }
)
_MAIN = {"first_name": "fn", "middle_name": "mn", "last_name": "ln"}
KNOWN_PLACEHOLDERS = frozenset({"123456789", "078051120", "219099999", "987654321", "1234567890"})
SHARED_BY = 5
"""An identifier carried by more records of one file than this belongs to nobody: households do not
share numbers, placeholders do, and one placeholder links whole blocks."""

_SOUNDS = {c: d for d, cs in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in cs}
_SEXES = {"M": "M", "MALE": "M", "1": "M", "F": "F", "FEMALE": "F", "2": "F"}


@dataclass(frozen=True)
class Standardised:
    """One file ready to be matched: `frame` (row number plus standard columns) and what was set aside."""

    frame: pd.DataFrame
    completeness: dict[str, float]
    nulled: dict[str, int]

    def filled(self) -> set[str]:
        """Standard columns that hold at least one value."""
        return {str(column) for column in self.frame if self.frame[column].notna().any()}


def standardise(raw: pd.DataFrame, roles: Mapping[str, str]) -> Standardised:
    """Standardise every role of one file.

    Parameters
    ----------
    raw : DataFrame of text
        One row per person.
    roles : mapping of str to str
        Role to column of `raw`.

    Returns
    -------
    Standardised
        `frame` has `unique_id` (row number) and text columns; missing is None. `completeness` is the share
        of records that hold each role after placeholders were nulled, `nulled` the count that lost one.
    """
    columns: dict[str, pd.Series] = {}
    for role, column in roles.items():
        columns |= _STANDARDS[ROLES[role].kind](role, _clean(raw[column]))
    frame = pd.DataFrame(columns, index=raw.index).reset_index(drop=True)
    for derived in [name for name in frame if str(name).startswith("_")]:
        target = str(derived).removeprefix("_")
        given = frame[target] if target in frame else frame[derived]
        frame[target] = given.where(given.notna(), frame[derived])
        frame = frame.drop(columns=derived)
    frame.insert(0, "unique_id", np.arange(len(frame)))
    mains = {role: _MAIN.get(role, role) for role in roles}
    complete = {r: float(frame[c].notna().mean()) if len(frame) else 0.0 for r, c in mains.items()}
    held = {r: int((_clean(raw[c]) != "").sum()) for r, c in roles.items()}
    nulled = {r: held[r] - int(frame[c].notna().sum()) for r, c in mains.items()}
    return Standardised(frame, complete, {r: n for r, n in nulled.items() if n > 0})


def _clean(values: pd.Series) -> pd.Series:
    text = values.astype("object").where(values.notna(), "").astype(str)
    return _each(text, lambda v: " ".join(v.upper().split()))


def _each(values: pd.Series, change: Callable[[Any], object]) -> pd.Series:
    codes, distinct = pd.factorize(values, use_na_sentinel=False)
    changed = np.empty(len(distinct), dtype=object)
    for position, value in enumerate(distinct):
        changed[position] = change(None if value is None or value != value else value)
    return pd.Series(changed[codes], index=values.index, dtype=object)


def plain(name: str) -> str:
    """Upper case without accents, apostrophes or full stops; hyphens become spaces."""
    letters = unicodedata.normalize("NFKD", name.upper())
    kept = "".join(" " if c in "-/,_" else c for c in letters if c.isalnum() or c in " -/,_")
    return " ".join(kept.split())


def surname_tokens(name: str) -> tuple[tuple[str, ...], str | None]:
    """Split a surname into its parts (particles stay with what follows) and its generation suffix."""
    words = plain(name).split()
    suffix = next((SUFFIXES[w] for w in words[1:] if w in SUFFIXES), None)
    words = [w for i, w in enumerate(words) if i == 0 or w not in SUFFIXES]
    tokens: list[str] = []
    pending = ""
    for position, word in enumerate(words):
        pending += word
        if word not in PARTICLES or position == len(words) - 1:
            tokens.append(pending)
            pending = ""
    return tuple(tokens), suffix


def sound(name: str) -> str | None:
    """American Soundex of a plain name; None where it holds no Latin letter."""
    letters = [c for c in name if "A" <= c <= "Z"]
    if not letters:
        return None
    code, last = letters[0], _SOUNDS.get(letters[0])
    for letter in letters[1:]:
        digit = _SOUNDS.get(letter)
        if digit is not None and digit != last:
            code += str(digit)
        if letter not in "HW":
            last = digit
    return (code + "000")[:4]


def _given(_: str, values: pd.Series) -> dict[str, pd.Series]:
    words = _each(values, lambda v: tuple(w for w in plain(v).split() if w not in SUFFIXES))

    def first(take: Callable[[str], object]) -> pd.Series:
        return _each(words, lambda w: take(w[0]) if w else None)

    return {
        "fn": first(str),
        "fi": first(lambda v: v[:1]),
        "formal": first(lambda v: list(formal_names(v))),
        "root": first(lambda v: formal_names(v)[-1]),
        "fn_sound": first(sound),
        "_mn": _each(words, lambda w: w[1] if len(w) > 1 else None),
    }


def _middle(_: str, values: pd.Series) -> dict[str, pd.Series]:
    return {"mn": _each(values, lambda v: plain(v).split()[0] if plain(v) else None)}


def _surname(_: str, values: pd.Series) -> dict[str, pd.Series]:
    parts = _each(values, surname_tokens)

    def tokens(take: Callable[[tuple[str, ...]], object]) -> pd.Series:
        return _each(parts, lambda p: take(p[0]) if p[0] else None)

    return {
        "ln": tokens(" ".join),
        "ln1": tokens(lambda t: t[0]),
        "ln2": tokens(lambda t: t[-1] if len(t) > 1 else None),
        "li": tokens(lambda t: t[0][:3]),
        "ln_sound": tokens(lambda t: sound(t[0])),
        "_suffix": _each(parts, lambda p: p[1]),
    }


def _suffix(_: str, values: pd.Series) -> dict[str, pd.Series]:
    return {"suffix": _each(values, lambda v: SUFFIXES.get(plain(v)))}


def date_parts(value: str) -> str | None:
    """Give a date of birth as YYYYMMDD from YYYYMMDD, YYYY-MM-DD or MM/DD/YYYY; None if it is none of them.

    A month or day out of range is kept: it still agrees in its other parts.
    """
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", value)
    if american:
        month, day, year = american.groups()
        value = f"{year}{int(month):02d}{int(day):02d}"
    digits = re.sub(r"[-/. ]", "", value[:10])
    return digits if re.fullmatch(r"(1[89]|20)\d{6}", digits) else None


def _date(_: str, values: pd.Series) -> dict[str, pd.Series]:
    dob = _each(values, date_parts)

    def part(take: Callable[[str], str | None]) -> pd.Series:
        return _each(dob, lambda v: take(v) if v else None)

    return {
        "dob": dob,
        "dob_swapped": part(lambda v: v[:4] + v[6:] + v[4:6] if v[6:] != v[4:6] and v[6:] <= "12" else None),
        "birth_year": part(lambda v: v[:4]),
        "birth_month": part(lambda v: v[4:6]),
        "birth_day": part(lambda v: v[6:]),
    }


def _sex(role: str, values: pd.Series) -> dict[str, pd.Series]:
    return {role: _each(values, _SEXES.get)}


def identifier(value: str) -> str | None:
    """Digits of an SSN or SASID; None for the placeholders no person can hold.

    The rules of the Social Security Administration (no 000, 666 or 9xx area, no 00 group, no 0000 serial)
    are applied to nine digits only.
    """
    digits = re.sub(r"\D", "", value)
    if not digits or len(set(digits)) == 1 or digits in KNOWN_PLACEHOLDERS:
        return None
    if len(digits) == 9 and (
        digits[:3] in {"000", "666"} or digits[0] == "9" or digits[3:5] == "00" or digits[5:] == "0000"
    ):
        return None
    return digits


def _identifier(role: str, values: pd.Series) -> dict[str, pd.Series]:
    ids = _each(values, identifier)
    shared = ids.map(ids.value_counts()).fillna(0) > SHARED_BY
    return {role: ids.where(~shared, None)}


def _text(role: str, values: pd.Series) -> dict[str, pd.Series]:
    return {role: _each(values, lambda v: plain(v) or None)}


_STANDARDS: Mapping[str, Callable[[str, pd.Series], dict[str, pd.Series]]] = {
    "given": _given,
    "middle": _middle,
    "surname": _surname,
    "suffix": _suffix,
    "date": _date,
    "sex": _sex,
    "identifier": _identifier,
    "text": _text,
    "code": _text,
}
