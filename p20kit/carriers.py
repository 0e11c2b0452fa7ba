"""What of a program could carry data out: its names, texts and numbers, held against what code needs.

A person reads every program before it leaves. What a person cannot read, or has no business in code that is shared,
is refused before: ids of persons, figures in rows, encoded texts, keys, places of a machine.

Source: DSA III.G.2.c; DSA VI.G.1; SDP 12.c.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from p20kit.delivered import CROSSWALK, Delivered
from p20kit.errors import Finding
from p20kit.sharing import CodeRequested
from p20kit.sql import connection, text
from p20kit.syntax import nodes
from p20kit.wording import known_words

LONGEST_NAME, LONGEST_WORD, LONGEST_TEXT = 40, 30, 2_000
MOST_DIGITS = 6
"""Significant digits of a number, and digits in a row in a name or a text."""
LARGEST_POWER = 12
MOST_TOGETHER, MOST_NUMBERS = 20, 120
"""Numbers in one list, call or text, and in one program."""
SHORTEST_ID = 6
"""An id of fewer characters is looked for as a word, one of more anywhere."""
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*")
_WORDS = re.compile(r"[^A-Za-z0-9+/=_-]+")
_TOKENS = re.compile(r"[^a-z0-9]+")
_DIGITS = re.compile(r"\d+")
_ENCODED = re.compile(
    r"[0-9a-fA-F]{16,}"
    r"|(?=[A-Za-z_+/=-]*\d)(?=[\d_+/=-]*[A-Za-z])[A-Za-z0-9+/=_-]{20,}"
    r"|(?=(?:[^\s\d]+\d+){3})\S{16,}"
)
_KEY = r"(?:pass(?:word|wd|phrase)?|secret|token|api_?key|private_?key|credentials?)"
_SECRET = re.compile(rf"-----BEGIN|(?:\b|_){_KEY}\s*[=:]\s*\S", re.IGNORECASE)
_SECRET_NAME = re.compile(rf"(?:^|_){_KEY}$", re.IGNORECASE)
_PLACE = re.compile(
    r"(?:^|[\s=:'\"(])(?:/(?=\w)\S|~/|[A-Za-z]:[\\/]|\\\\\w)|\w+://|\b[\w.+-]+@[\w-]+\.\w|\b\d{1,3}(?:\.\d{1,3}){3}\b"
)
_TOGETHER = {"List", "Tuple", "Set", "Dict", "Call", "BinOp", "Compare", "Subscript"}
"""Kinds of nodes in which numbers stand beside each other."""


@dataclass
class _Said:
    """What stands at the ends of a program's syntax; `together` is the most numbers beside each other."""

    names: set[str] = field(default_factory=set)
    texts: list[str] = field(default_factory=list)
    numbers: list[int | float] = field(default_factory=list)
    secrets: int = 0
    together: int = 0


def carried(code: CodeRequested, names: Iterable[str]) -> list[Finding]:
    """Refuse what no person could read in a program, or what has no business in it.

    Source: DSA III.G.2.c; SDP 12.c.

    Parameters
    ----------
    code : CodeRequested
    names : iterable of str
        What the agreement and the data call things: no data.
    """
    said = _said(code, known_words(names))
    checks: tuple[tuple[str, Iterable[object], Callable[..., object], str, str], ...] = (
        ("code-name", said.names, _odd_name, "names are long, or have many digits", "Give them plain names."),
        ("code-text", said.texts, _odd_text, "texts are long, have long words or numbers, or characters beyond ASCII",
         "Leave them out; words of explanation leave as a text of the request."),
        ("code-encoded", said.texts, _encoded, "texts have words that look encoded", "Leave them out."),
        ("code-secret", said.texts, _SECRET.search, "texts look like a key or a password", "Leave them out."),
        ("code-place", said.texts, _PLACE.search, "texts name a place: a path, an address, a mailbox",
         "Take files from open_project(), and leave addresses out."),
        ("code-number", said.numbers, _odd_number, f"numbers have more than {MOST_DIGITS} significant digits, or are "
         "beyond all measure", "Round them, or take them from the data."),
        ("code-figures", said.texts, lambda text: len(_DIGITS.findall(text)) > MOST_TOGETHER,
         f"texts hold more than {MOST_TOGETHER} numbers", "Ask for the table they are from."),
    )  # fmt: skip
    counts = [
        (rule, sum(bool(odd(each)) for each in given), what, advice) for rule, given, odd, what, advice in checks
    ]
    counts += [
        ("code-secret", said.secrets, "keys or passwords are written down", "Leave them out."),
        ("code-figures", max(0, said.together - MOST_TOGETHER), f"more numbers than {MOST_TOGETHER} stand in a row",
         "Ask for the table they are from."),
        ("code-figures", max(0, len(said.numbers) - MOST_NUMBERS), f"more numbers than {MOST_NUMBERS} are in it",
         "Ask for the tables they are from."),
    ]  # fmt: skip
    return [_no(rule, code.name, f"{n} {what}", advice) for rule, n, what, advice in counts if n]


def read_by_a_person(code: CodeRequested) -> Finding:
    """Say what a person looks for in a program before it leaves.

    Source: DSA VI.G.1.
    """
    said, lines = _said(code, known_words(())), sum(text.count("\n") + 1 for text in code.written)
    what = (
        f"it is a program of {lines} lines; {len(said.numbers)} numbers, {len(said.texts)} texts and "
        f"{len(said.names)} names stand in it"
    )
    advice = "A person reads it, and holds every number, text and name in it against what code needs."
    return Finding("code", "DSA VI.G.1", code.name, what, advice)


def ids_in(code: CodeRequested, delivered: Delivered) -> list[Finding]:
    """Refuse a program in which the id of anybody delivered stands, also within a longer text.

    Source: DSA III.G.2.c.
    """
    said = _said(code, known_words(()))
    numbers = [str(number) for number in said.numbers]
    joined = "".join(said.texts), "".join(numbers)  # an id in pieces, one after the other
    parts = {part.casefold() for part in (code.title, *said.names, *said.texts, *numbers, *joined)}
    file = str(delivered.folder / f"{CROSSWALK}.parquet")
    with connection() as con:
        columns = [name for name, *_ in con.execute("describe from read_parquet(?)", [file]).fetchall()]
        ids = " union ".join(f"select lower({text(column)}) as id from read_parquet($1)" for column in columns)  # noqa: S608
        lengths = con.execute(f"select distinct length(id) from ({ids}) where id is not null", [file]).fetchall()  # noqa: S608
        pieces = _pieces(parts, [length for (length,) in lengths])
        con.register("pieces", pd.DataFrame({"piece": sorted(pieces)}, dtype="str"))
        query = f"select count(*) from ({ids}) semi join pieces on id = piece"  # noqa: S608
        ((found,),) = con.execute(query, [file]).fetchall()
    return [_no("person-id", code.name, f"it holds the ids of {found} persons", "Leave them out.")] if found else []


def _pieces(parts: Iterable[str], lengths: Iterable[int]) -> set[str]:
    """Give everything in some texts that could be an id of one of these lengths."""
    found = set[str]()
    for part in parts:
        found.update(_TOKENS.split(part), part.split())
        for length in (length for length in lengths if length >= SHORTEST_ID):
            found.update(part[at : at + length] for at in range(len(part) - length + 1))
    return found - {""}


def _said(code: CodeRequested, known: re.Pattern[str]) -> _Said:
    """Give what stands in a program, without the names of things that are known."""
    said = _Said()
    for kind, parts in nodes(code.cells):
        if kind == "Constant":
            _constant(parts[0], said, known)
            continue
        said.names.update(known.sub("", name) for name in _names(parts))
        if kind in _TOGETHER:
            said.together = max(said.together, sum(_is_number(inner) for inner in _constants(parts)))
        said.secrets += _names_a_secret(kind, parts)
    return said


def _names_a_secret(kind: str, parts: list[Any]) -> bool:
    """Tell whether a text is given to what is called a key or a password."""
    if kind == "Dict":
        return any(_names_a_secret("keyword", [*pair]) for pair in zip(*parts, strict=True))
    if kind not in {"Assign", "AnnAssign", "keyword"}:
        return False
    called, value = parts[:1], parts[2 if kind == "AnnAssign" else 1]
    names = {*_names(called), *(name for _, inner in nodes(called) for name in _names(inner))}
    return any(isinstance(each, str) and each for each in _constants(value)) and any(map(_SECRET_NAME.search, names))


def _constant(value: object, said: _Said, known: re.Pattern[str]) -> None:
    if isinstance(value, str):
        said.texts.append(known.sub("", value))
    elif _is_number(value):
        assert isinstance(value, int | float)  # noqa: S101 - as was asked
        said.numbers.append(value)


def _constants(value: object) -> Iterator[object]:
    return (parts[0] for kind, parts in nodes(value) if kind == "Constant")


def _names(parts: list[Any]) -> Iterator[str]:
    for part in parts:
        for each in part if isinstance(part, list) else [part]:
            if isinstance(each, str):
                yield from each.split(".")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _encoded(said: str) -> bool:
    return bool(_ENCODED.search(said[:LONGEST_TEXT]))  # a longer one is refused as such


def _odd_name(name: str) -> bool:
    return len(name) > LONGEST_NAME or sum(map(str.isdigit, name)) > MOST_DIGITS or bool(_ENCODED.fullmatch(name))


def _odd_text(said: str) -> bool:
    return (
        not _PLAIN.fullmatch(said)
        or len(said) > LONGEST_TEXT
        or any(len(word) > LONGEST_WORD for word in _WORDS.split(said))
        or any(len(digits) > MOST_DIGITS for digits in _DIGITS.findall(said))
    )


def _odd_number(number: float) -> bool:
    significant = repr(number).partition("e")[0].replace(".", "").strip("0")
    return len(significant) > MOST_DIGITS or (number != 0 and abs(math.log10(number)) > LARGEST_POWER)


def _no(rule: str, where: str, what: str, next: str) -> Finding:
    return Finding(rule, "DSA III.G.2.c", where, what, next)
