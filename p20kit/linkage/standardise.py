"""Bring agencies' identifiers into one spelling, and null what identifies nobody.

The work is done once per distinct value: a file of a million people holds far fewer names than rows.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from p20kit.linkage.codes import Coded, encode, share_values, texts
from p20kit.linkage.elements import ROLES
from p20kit.linkage.nicknames import formal_names

SUFFIXES = {"JR": "JR", "JUNIOR": "JR", "SR": "SR", "SENIOR": "SR", "II": "II", "2ND": "II", "III": "III"}
SUFFIXES |= {"3RD": "III", "IV": "IV", "4TH": "IV"}
PARTICLES = frozenset(
    [
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
    ]
)
KNOWN_PLACEHOLDERS = ("123456789", "078051120", "219099999", "987654321", "1234567890")
SHARED_BY = 5
"""An identifier carried by more records of one file than this belongs to nobody: households do not
share numbers, placeholders do, and one placeholder links whole blocks."""

KEYS = frozenset(["fi", "mi", "root", "fn_sound", "li", "ln_sound", "birth_year", "birth_month", "birth_day"])
"""Columns that are only ever compared for equality: their codes will do."""

COUNTED = ("fn", "ln", "dob", "mn", "zip", "town")
"""Columns of which the chance that two records agree is counted."""

FREQUENCIES = ("fn", "ln", "mn", "zip", "street", "street2", "street_number", "town", "occupation")
"""Columns of which a rare value that agrees says more than a common one."""

_REPEATED = "|".join(f"{digit}+" for digit in range(10))
_NOT_ISSUED = r"(?:000|666|9\d\d)\d{6}|\d{3}00\d{4}|\d{5}0000"
_PLACEHOLDER = f"^(?:{_REPEATED}|{'|'.join(KNOWN_PLACEHOLDERS)}|{_NOT_ISSUED})$"
_APART = dict.fromkeys(map(ord, "-/,_ "), " ")
_PUNCTUATION = {i: None for i in range(128) if not chr(i).isalnum()} | _APART
_DATE = re.compile(r"1[3-9]\d{6}|20\d{6}")
_SOUNDS = {c: str(d) for d, cs in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1) for c in cs}
_SEXES = {"M": "M", "MALE": "M", "1": "M", "F": "F", "FEMALE": "F", "2": "F"}
_MAIN = {"first_name": "fn", "middle_name": "mn", "last_name": "ln"}

Columns = dict[str, Coded]


@dataclass(frozen=True, eq=False)
class Standardised:
    """One file ready to be matched.

    Attributes
    ----------
    frame : DataFrame
        `unique_id` (row number) and the standard columns; categorical, identifiers as text.
    completeness : dict of str to float
        Share of records that hold each role, after placeholders were nulled.
    nulled : dict of str to int
        Records that lost a role: what they held is no name, date or number of anybody.
    encoded : bool
        Its columns are those of `encoding`: an agency standardised and encoded them.
    """

    frame: pd.DataFrame
    completeness: dict[str, float]
    nulled: dict[str, int]
    encoded: bool = False

    @property
    def core(self) -> tuple[str, str, str]:
        """Columns of first name, surname and date of birth."""
        return ("fn_dob", "ln_dob", "dob") if self.encoded else ("fn", "ln", "dob")

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
    """
    frame = pd.DataFrame({"unique_id": np.arange(len(raw), dtype=np.int32)})
    coded: Columns = {}
    held: dict[str, int] = {}
    for role in filter(roles.__contains__, ROLES):
        if ROLES[role].kind == "identifier":
            frame[role], held[role] = _identifiers(raw[roles[role]])
            continue
        values = encode(raw[roles[role]]).map(_clean)
        held[role] = int((values.codes >= 0).sum())
        for name, found in _STANDARDS[ROLES[role].kind](role, values).items():
            # A middle name or suffix in its own column goes before one that stands behind another name.
            coded[name] = found.filled_by(coded[name]) if name in coded else found
    frame = frame.assign(**{name: found.categorical() for name, found in coded.items()})
    present = {role: int(frame[_MAIN.get(role, role)].notna().sum()) for role in roles}
    complete = {role: n / len(raw) if len(raw) else 0.0 for role, n in present.items()}
    return Standardised(frame, complete, {r: held[r] - n for r, n in present.items() if held[r] > n})


def share_vocabularies(left: Standardised, right: Standardised, alike: Sequence[Collection[str]]) -> None:
    """Give both files one list of values per kind of column, so that they are compared by codes.

    Also adds `rare_<column>`: -log2 of the share of a value in both files together (float32), for the names and
    the columns of addresses.

    Parameters
    ----------
    left, right : Standardised
    alike : sequence of collections of str
        Columns that are compared with one another; any other is compared with itself alone.
    """
    both = [str(column) for column in left.frame if isinstance(left.frame[column].dtype, pd.CategoricalDtype)]
    both = [column for column in both if column in right.frame]
    groups = [[column for column in group if column in both] for group in alike]
    groups += [[column] for column in both if all(column not in group for group in alike)]
    for group in filter(None, groups):
        share_values(left.frame, right.frame, group)
    for column in FREQUENCIES:
        if column in both:
            codes = [side.frame[column].cat.codes.to_numpy() for side in (left, right)]
            counts = np.bincount(np.concatenate(codes) + 1, minlength=len(left.frame[column].cat.categories) + 1)
            rarity = np.log2(max(int(counts[1:].sum()), 1) / np.maximum(counts[1:], 1)).astype(np.float32)
            for side, own in zip((left, right), codes, strict=True):
                side.frame[f"rare_{column}"] = np.append(rarity, np.float32(0))[own]


def _clean(value: str) -> str | None:
    return value.upper() if value.isalnum() else " ".join(value.upper().split()) or None


def plain(name: str) -> str:
    """Upper case without accents, apostrophes or full stops; hyphens become spaces."""
    if name.isascii() and name.isalpha():
        return name.upper()
    letters = unicodedata.normalize("NFKD", name.upper()).translate(_PUNCTUATION)
    kept = letters if letters.isascii() else "".join(c for c in letters if c.isalnum() or c == " ")
    return " ".join(kept.split())


def surname_tokens(name: str) -> tuple[tuple[str, ...], str | None]:
    """Split a surname into its parts (particles stay with what follows) and its generation suffix."""
    if name.isascii() and name.isalpha():
        return (name.upper(),), None
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
    letters = name if name.isascii() and name.isalpha() else [c for c in name if "A" <= c <= "Z"]
    if not letters:
        return None
    code, last = letters[0], _SOUNDS.get(letters[0])
    for letter in letters[1:]:
        digit = _SOUNDS.get(letter)
        if digit is not None and digit != last:
            code += digit
            if len(code) == 4:
                return code
        if letter not in "HW":
            last = digit
    return (code + "000")[:4]


def _given(_: str, values: Coded) -> Columns:
    words = [[w for w in plain(value).split() if w not in SUFFIXES] for value in values.values]

    first = values.derive([w[0] if w else None for w in words])
    return {
        "fn": first,
        "fi": first.map(lambda v: v[:1]),
        "root": first.map(lambda v: formal_names(v)[-1]),
        "fn_sound": first.map(sound),
        **_middle_names(values.derive([w[1] if len(w) > 1 else None for w in words])),
    }


def _middle(_: str, values: Coded) -> Columns:
    return _middle_names(values.map(lambda v: next(iter(plain(v).split()), None)))


def _middle_names(names: Coded) -> Columns:
    return {"mn": names, "mi": names.map(lambda v: v[:1])}


def _surname(_: str, values: Coded) -> Columns:
    parts = [surname_tokens(value) for value in values.values]

    def tokens(take: Callable[[tuple[str, ...]], str | None]) -> Coded:
        return values.derive([take(words) if words else None for words, _ in parts])

    first = tokens(lambda t: t[0])
    return {
        "ln": tokens(" ".join),
        "ln1": first,
        "ln2": tokens(lambda t: t[-1] if len(t) > 1 else None),
        "li": first.map(lambda v: v[:3]),
        "ln_sound": first.map(sound),
        "suffix": values.derive([suffix for _, suffix in parts]),
    }


def _suffix(_: str, values: Coded) -> Columns:
    return {"suffix": values.map(lambda v: SUFFIXES.get(plain(v)))}


def date_parts(value: str) -> str | None:
    """Give a date of birth as YYYYMMDD from YYYYMMDD, YYYY-MM-DD or MM/DD/YYYY; None if it is none of them.

    A month or day out of range is kept: it still agrees in its other parts.
    """
    if _DATE.fullmatch(value):
        return value
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", value)
    if american:
        month, day, year = american.groups()
        value = f"{year}{int(month):02d}{int(day):02d}"
    digits = re.sub(r"[-/. ]", "", value[:10])
    return digits if _DATE.fullmatch(digits) else None


def _date(role: str, values: Coded) -> Columns:
    dob = values.map(date_parts)

    def swapped(v: str) -> str | None:
        return v[:4] + v[6:] + v[4:6] if v[6:] != v[4:6] and v[6:] <= "12" else None

    parts = {"birth_year": slice(0, 4), "birth_month": slice(4, 6), "birth_day": slice(6, 8)}
    return {role: dob, "dob_swapped": dob.map(swapped)} | {
        name: dob.derive([v[part] for v in dob.values]) for name, part in parts.items()
    }


def _sex(role: str, values: Coded) -> Columns:
    return {role: values.map(_SEXES.get)}


def identifiers(column: pa.Array) -> pa.Array:
    """Digits of SSNs or SASIDs; missing for the placeholders no person can hold.

    The rules of the Social Security Administration (no 000, 666 or 9xx area, no 00 group, no 0000 serial)
    are applied to nine digits only.
    """
    digits = pc.replace_substring_regex(column, pattern=r"\D", replacement="")
    nobody = pc.or_kleene(pc.equal(digits, ""), pc.match_substring_regex(digits, pattern=_PLACEHOLDER))
    return pc.if_else(nobody, pa.scalar(None, pa.string()), digits)


def _identifiers(raw: pd.Series) -> tuple[pd.Series, int]:
    given = texts(raw)
    held = int(pc.sum(pc.not_equal(pc.utf8_trim_whitespace(given), "")).as_py() or 0)
    found = identifiers(given)
    counted = found.value_counts()
    shared = counted.field("values").filter(pc.greater(counted.field("counts"), SHARED_BY)).drop_null()
    nobody = pc.is_in(found, value_set=shared) if len(shared) else pa.scalar(False)
    kept = pc.if_else(nobody, pa.scalar(None, pa.string()), found)
    return pd.Series(kept.to_pandas(types_mapper={pa.string(): pd.StringDtype("pyarrow", na_value=np.nan)}.get)), held


def _text(role: str, values: Coded) -> Columns:
    return {role: values.map(lambda v: plain(v) or None)}


_STANDARDS: Mapping[str, Callable[[str, Coded], Columns]] = {
    "given": _given,
    "middle": _middle,
    "surname": _surname,
    "suffix": _suffix,
    "date": _date,
    "sex": _sex,
    "text": _text,
    "code": _text,
}
