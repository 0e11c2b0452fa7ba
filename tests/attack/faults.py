"""Faults to plant in what an agency seals: each is one for which a file is turned away."""

from __future__ import annotations

import gzip
import hashlib
import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

Rows = list[list[str]]

ANYTHING: tuple[dict[str, Any], ...] = (
    *({"v": 2}, {"alg": "none"}, {"alg": ""}, {"more": "x"}, {"limitations": None}, {"limitations": 7}),
    *({"id": "../../x"}, {"id": "3F1C2B9A-0000-4000-8000-000000000001"}, {"created": "never"}, {"created": None}),
    *({"source": "CSCU"}, {"source": "DOL-HUB"}, {"source": "../SDE"}, {"source_key": "0" * 64}),
    *({"destination": "SDE"}, {"destination": ""}, {"destination_key": "0" * 64}),
    *({"project": "DR-0035"}, {"project": "DR-34"}, {"contents": "withdrawn"}, {"consent": "given"}),
    *({"name": "../../etc/passwd"}, {"name": "SDE.0034.02_31_2022.matching"}, {"name": "x" * 70_000}),
    *({"elements": []}, {"elements": ["SASID"] * 3}, {"elements": ["x" * 70_000]}),
    *({"rows": -1}, {"rows": 0}, {"rows": 2**40}, {"specification": "P20WIN-files/1999"}),
    *({"as_of": "2099-01-01"}, {"as_of": "2022-02-31"}, {"as_of": "today"}),
    *({"encoded_with": {"schema_sha256": "0" * 64, "key_check": "0" * 16}}, {"encoded_with": {}}),
)
"""What no manifest of these files may say."""


def planted(draw: random.Random, rows: Rows, contents: str) -> bytes:
    """Give a file of the rows with one fault, whatever its contents."""
    fault = draw.choice((*OF_ALL, *OF[contents]))
    changed = fault(draw, deepcopy(rows))
    return changed if isinstance(changed, bytes) else text_of(changed)


def text_of(rows: Rows) -> bytes:
    """Write rows as the programme has them."""
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def _any(draw: random.Random, rows: Rows) -> list[str]:
    return draw.choice(rows[1:])


def _cut_line(draw: random.Random, rows: Rows) -> Rows:
    _any(draw, rows).pop()
    return rows


def _longer_line(draw: random.Random, rows: Rows) -> Rows:
    _any(draw, rows).append("more")
    return rows


def _character(draw: random.Random, rows: Rows) -> Rows:
    row = _any(draw, rows)
    row[draw.randrange(len(row))] += draw.choice(('"', "\0", "\r", "\x1b[2J", "\x7f", "\t", "\n", "x" * 70_000))
    return rows


def _not_utf8(draw: random.Random, rows: Rows) -> bytes:
    return text_of(rows)[:-1] + draw.choice((b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80")) + b"\n"


def _column_more(draw: random.Random, rows: Rows) -> Rows:
    return [[*row, "HomePhone" if row is rows[0] else ""] for row in rows]


def _column_less(draw: random.Random, rows: Rows) -> Rows:
    place = draw.randrange(len(rows[0]))
    return [row[:place] + row[place + 1 :] for row in rows]


def _columns_turned(draw: random.Random, rows: Rows) -> Rows:
    return [row[::-1] for row in rows]


def _renamed(draw: random.Random, rows: Rows) -> Rows:
    place = draw.randrange(len(rows[0]))
    rows[0][place] = draw.choice((rows[0][place].lower(), "", "P20ID", rows[0][place - 1]))
    return rows


def _headless(draw: random.Random, rows: Rows) -> Rows:
    return rows[1:]


def _no_records(draw: random.Random, rows: Rows) -> bytes:
    return draw.choice((b"", b"\n", b"\t", b"\0" * 4096))


def _another_format(draw: random.Random, rows: Rows) -> bytes:
    """Send a gzip file that would be large if anyone opened it, Parquet's mark, a spreadsheet's, a script."""
    bomb = gzip.compress(bytes(10**6), mtime=0)
    return draw.choice(
        (bomb, b"PAR1" + draw.randbytes(400) + b"PAR1", b"PK\3\4" + draw.randbytes(400), b"#!/bin/sh\n")
    )


def _noise(draw: random.Random, rows: Rows) -> bytes:
    return text_of(rows[:1]) + draw.randbytes(2_000)


def _repeated(draw: random.Random, rows: Rows) -> Rows:
    return [*rows, list(_any(draw, rows))]


def _same_person(draw: random.Random, rows: Rows) -> Rows:
    one, other = draw.sample(rows[1:], 2)
    one[1:] = other[1:]
    return rows


def _bad_value(draw: random.Random, rows: Rows) -> Rows:
    place, value = draw.choice(((1, "12345"), (1, "x" * 10), (5, "19990231"), (5, "1999-02-03"), (6, "X"), (0, "")))
    _any(draw, rows)[place] = value
    return rows


def _bad_wages(draw: random.Random, rows: Rows) -> Rows:
    place, value = draw.choice(((1, "1921"), (2, "5"), (3, "8123.4"), (3, "1e3"), (3, "-1.00"), (5, "33"), (0, "")))
    _any(draw, rows)[place] = value
    return rows


def _bad_student(draw: random.Random, rows: Rows) -> Rows:
    place, value = draw.choice(((0, ""), (0, "123"), (0, "x" * 10), (1, "0"), (1, ""), (1, "Y")))
    _any(draw, rows)[place] = value
    return rows


def _another_prefix(draw: random.Random, rows: Rows) -> Rows:
    row = _any(draw, rows)
    row[0] = draw.choice((row[0].lower(), row[0].partition("-")[2], "CSCU" + row[0][3:], row[0] + "A", row[0][:-1]))
    return rows


def _identifier_inside(draw: random.Random, rows: Rows) -> Rows:
    row = _any(draw, rows)
    row[0] = row[0][:4] + (draw.choice((row[1], row[1][::-1])) + row[0][4:])[:16]
    return rows


def _hashed(draw: random.Random, rows: Rows) -> Rows:
    row = _any(draw, rows)
    digest = draw.choice((hashlib.md5, hashlib.sha1, hashlib.sha256))(row[1].encode()).hexdigest()
    row[0] = row[0][:4] + draw.choice((digest, digest[:16].upper(), digest[-16:]))
    return rows


Fault = Callable[[random.Random, Rows], Rows | bytes]
OF_ALL: tuple[Fault, ...] = (
    _cut_line, _longer_line, _character, _not_utf8, _column_more, _column_less, _columns_turned, _renamed, _headless,
    _no_records, _another_format, _noise, _repeated,
)  # fmt: skip
OF: dict[str, tuple[Fault, ...]] = {
    "matching": (_same_person, _bad_value, _another_prefix, _identifier_inside, _hashed),
    "analytical": (_bad_wages, _another_prefix),
    "finder": (_bad_student,),
}
