"""Encode matching identifiers, so that a match needs no identifier: what an agency does before it sends.

A *token* is a keyed hash (HMAC-SHA-256, cut to 64 bits) of several identifiers at once: two records have it in common
or not. A *filter* is a Bloom filter of the letter pairs of one name, and is *salted*: its hash depends on the date of
birth (or on an SSN, a SASID) of its record. Filters of two records can be compared where both agree on the salt, and
are noise to one another where they do not. So no name stands in the file in one form only, and how often a name or a
pair of letters occurs cannot be counted. What is protected by this and what is not: docs/linkage-encodings.md.

Source: DSA III.G.1; EM IX.
"""

import hashlib
import hmac
import json
import struct
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass

import pandas as pd

from p20kit.linkage.codes import encode as code
from p20kit.linkage.standardise import Standardised

TOKEN_BYTES = 8
_POSITIONS = struct.Struct(">32H")
_APART = "\x1f"
"""Stands between the values of a token: no standardised value holds it."""


@dataclass(frozen=True)
class Encoding:
    """How names become filters: what the agencies have to have in common beside the secret.

    Parameters
    ----------
    bits : int
        Length of a filter; a power of two, from 64 to 4096.
    draws : int
        Bits drawn for a name, from 16 to 64, and shared out among its letter pairs: as many for a short name as for a
        long one, so that the number of bits set does not tell its length.
    """

    bits: int = 256
    draws: int = 64

    def __post_init__(self) -> None:
        if self.bits not in (64, 128, 256, 512, 1024, 2048, 4096):
            raise ValueError("bits must be a power of two from 64 to 4096")
        if not 16 <= self.draws <= 64:
            raise ValueError("draws must lie between 16 and 64")

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) over the schema: these parameters, and which columns there are and of what."""
        schema = {"version": 1, "piece": 2, **asdict(self), "tokens": TOKENS, "filters": FILTERS}
        return hashlib.sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()

    def pattern(self, column: str) -> str:
        """Give the form of a column's values, as a regular expression."""
        return f"[0-9a-f]{{{self.bits // 4 if column in FILTERS else TOKEN_BYTES * 2}}}"


TOKENS: Mapping[str, tuple[str, ...]] = {
    "dob": ("dob",),
    "ssn": ("ssn",),
    "sasid": ("sasid",),
    "dob_sex": ("dob", "sex"),
    "dob_first": ("dob", "fn"),
    "dob_last": ("dob", "ln1"),
    "dob_second": ("dob", "ln2"),
    "dob_middle": ("dob", "mi"),
    "dob_initial": ("dob", "fi"),
    "dob_formal": ("dob", "root"),
    "dob_start": ("dob", "li"),
    "dob_first_sound": ("dob", "fn_sound"),
    "dob_last_sound": ("dob", "ln_sound"),
    "names_year": ("root", "ln_sound", "birth_year"),
    "names_month": ("root", "ln_sound", "birth_year", "birth_month"),
    "names_day": ("root", "ln_sound", "birth_year", "birth_day"),
    "names_birthday": ("root", "ln_sound", "birth_month", "birth_day"),
}
"""Column to the standard columns it is a keyed hash of."""

FILTERS: Mapping[str, tuple[str, str]] = {
    "fn_dob": ("dob", "fn"),
    "mn_dob": ("dob", "mn"),
    "ln_dob": ("dob", "ln"),
    "fn_ssn": ("ssn", "fn"),
    "ln_ssn": ("ssn", "ln"),
    "fn_sasid": ("sasid", "fn"),
    "ln_sasid": ("sasid", "ln"),
}
"""Column to the salt and the name in it."""

MAIN: Mapping[str, str] = {
    "first_name": "fn_dob",
    "middle_name": "mn_dob",
    "last_name": "ln_dob",
    "dob": "dob",
    "sex": "dob_sex",
    "ssn": "ssn",
    "sasid": "sasid",
}
"""Role to the column that stands for it where completeness is asked."""

_ROLE = {"dob": "dob", "ssn": "ssn", "sasid": "sasid", "sex": "sex", "mn": "middle_name", "mi": "middle_name"} | {
    f"birth_{part}": "dob" for part in ("year", "month", "day")
}
_SAME = dict.fromkeys(("dob_first", "dob_last", "dob_second"), "dob_name")
"""Tokens that are equal where their values are, though they stand in other columns: names may be swapped."""
_FILLED = {"dob_second": "dob_last"}
"""Tokens that are drawn at random where the value is missing and the other token is not: who has two surnames is
nobody's business."""


def encoded_columns(roles: Collection[str]) -> tuple[str, ...]:
    """Give the columns that encodings of these roles have, in order; names are always among them.

    Parameters
    ----------
    roles : collection of str
        Keys of `ROLES`; those that cannot be encoded (addresses) have no column.
    """
    needed = {column: {_ROLE[part] for part in parts if part in _ROLE} for column, parts in _PARTS.items()}
    return tuple(column for column, wanted in needed.items() if wanted <= set(roles))


_PARTS: Mapping[str, tuple[str, ...]] = {**TOKENS, **FILTERS}


def project_key(secret: bytes, project: str, encoding: Encoding) -> bytes:
    """Derive the key of one project's encodings: those of another project, or of other parameters, are unlike them.

    Source: EM XII.B.
    """
    return hmac.digest(secret, f"p20win-encodings/1|{project}|{encoding.sha256}".encode(), "sha256")


def key_check(key: bytes) -> str:
    """Give what tells that two files were made with one secret, and nothing of the secret (128 bits, hex)."""
    return hmac.digest(key, b"check", "sha256")[:16].hex()


def encode(
    side: Standardised, ids: pd.Series, *, encoding: Encoding, key: bytes, columns: Collection[str]
) -> pd.DataFrame:
    """Encode one standardised file.

    Source: DSA III.G.1; EM IX.

    Parameters
    ----------
    side : Standardised
    ids : Series of str
        Generic identifiers, in the order of the records.
    encoding : Encoding
    key : bytes
        As `project_key` gives it.
    columns : collection of str
        As `encoded_columns` gives them.

    Returns
    -------
    DataFrame of text
        The generic identifier and `columns`, missing is empty. The rows are in the order of the generic
        identifiers, which are random: the order of the agency's own file may follow names.
    """
    table = {str(ids.name): ids.reset_index(drop=True)}
    for column in columns:
        if column in FILTERS:
            table[column] = _each(side.frame, FILTERS[column], _filter_of(key, FILTERS[column][0], encoding))
        else:
            table[column] = _each(side.frame, TOKENS[column], _token_of(key, _SAME.get(column, column)))
            if column in _FILLED:
                alone = (table[column] == "") & (table[_FILLED[column]] != "")
                drawn = table[str(ids.name)].map(_token_of(key, f"none|{column}"))
                table[column] = table[column].mask(alone, drawn)
    return pd.DataFrame(table).sort_values(str(ids.name), ignore_index=True)


def _each(frame: pd.DataFrame, parts: tuple[str, ...], change: Callable[[str], str]) -> pd.Series:
    """Change the values of several columns together, once for each combination; empty where one is missing."""
    if not set(parts) <= set(frame):
        return pd.Series("", index=frame.index, dtype=str)
    joined = frame[parts[0]].astype("str")
    for part in parts[1:]:
        joined = joined.str.cat(frame[part].astype("str"), sep=_APART)
    return pd.Series(code(joined).map(change).categorical(), index=frame.index).astype(object).fillna("")


def _token_of(key: bytes, label: str) -> Callable[[str], str]:
    prefix = f"token|{label}|"
    return lambda value: hmac.digest(key, (prefix + value).encode(), "sha256")[:TOKEN_BYTES].hex()


def _filter_of(key: bytes, salt: str, encoding: Encoding) -> Callable[[str], str]:
    # One family of hashes for first names and surnames: so swapped names are found.
    prefix = f"filter|{salt}|"

    def change(value: str) -> str:
        salted, name = value.split(_APART)
        pairs = sorted(letter_pairs(name))
        filled = 0
        for i, pair in enumerate(pairs):
            digest = hmac.digest(key, f"{prefix}{salted}|{pair}".encode(), "sha512")
            share = encoding.draws // len(pairs) + (i < encoding.draws % len(pairs))
            for position in _POSITIONS.unpack(digest)[:share]:
                filled |= 1 << position % encoding.bits
        return f"{filled:0{encoding.bits // 4}x}"

    return change


def letter_pairs(name: str) -> set[str]:
    """Give the letter pairs of a name, every word with its ends marked: ANN is _A, AN, NN, N_."""
    words = (f"_{word}_" for word in name.split())
    return {word[i : i + 2] for word in words for i in range(len(word) - 1)}
