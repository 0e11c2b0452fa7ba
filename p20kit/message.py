"""A request that was read, as one message: from the process that read the bytes of a session to the one that judges.

Whatever a session left is read where it can do no harm (``python -m p20kit.message FILE``, in a sandbox of its own),
and comes back as this: a head of plain JSON, the texts of the columns line by line, and numbers of a fixed width. The
judge believes none of it: `unpack` checks every length, position and text again, and then the request as a whole.
What the gate itself packs is what it remembers of a release.

Source: DSA I; DSA III.G.2.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from p20kit.columns import NOTHING, PARTS, Amounts, Texts
from p20kit.errors import Finding, RequestInvalid
from p20kit.request import MAX_COLUMNS, Request, malformed, of_a_session, parsed, read_request, request_of
from p20kit.requested import MAX_PERSONS, Name, Strict

Known = dict[tuple[int, int, str], Texts]
BEGUN = b"p20win-request-read/1\n"
"""First of all that the reader says: what goes wrong before is not the request's doing."""
READ, MALFORMED = b"+", b"-"
LARGEST_HEAD = 64 * 2**20
_LENGTHS = struct.Struct("<QQ")
_INT, _FLOAT = np.dtype("<i4"), np.dtype("<f8")
_Rows = Annotated[int, Field(ge=0, le=MAX_PERSONS)]
_NAMES = TypeAdapter(list[Name])


class _Column(Strict):
    """What is to come of a column: rows, and of texts the distinct values before them."""

    kind: Literal["texts", "amounts"]
    values: _Rows
    rows: _Rows


class _Head(Strict):
    request: dict[str, Any]
    columns: Annotated[list[_Column], Field(max_length=MAX_COLUMNS)]
    words: list[str]


class _Found(Strict):
    """A finding of the reader, in its own words: short, on one line."""

    where: Annotated[str, StringConstraints(max_length=200, pattern=r"^[\w.\[\]-]*$")]
    what: Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\p{C}\p{Zl}\p{Zp}]*$")]


_FOUND = TypeAdapter(Annotated[list[_Found], Field(min_length=1, max_length=1_000)])


def pack(request: Request) -> bytes:
    """Write a request that was read."""
    columns: dict[int, tuple[int, Texts | Amounts]] = {}
    plain = request.model_dump(
        mode="json",
        exclude={"tables": {"__all__": set(PARTS)}, "models": {"__all__": set(PARTS)}},
    )
    for kind in ("tables", "models"):
        for part, whole in zip(plain[kind], getattr(request, kind), strict=True):
            for name in PARTS:
                if hasattr(whole, name):
                    part[name] = {
                        column: columns.setdefault(id(of), (len(columns), of))[0]
                        for column, of in getattr(whole, name).items()
                    }
    found = [column for _, column in columns.values()]
    described = [
        {"kind": "texts", "values": len(column.values), "rows": len(column)}
        if isinstance(column, Texts)
        else {"kind": "amounts", "values": 0, "rows": len(column)}
        for column in found
    ]
    texts = "".join(f"{value}\n" for column in found if isinstance(column, Texts) for value in column.values).encode()
    head = json.dumps({"request": plain, "columns": described, "words": sorted(request.words)}).encode()
    numbers = [
        column.at.astype(_INT).tobytes() if isinstance(column, Texts) else column.values.astype(_FLOAT).tobytes()
        for column in found
    ]
    return b"".join([_LENGTHS.pack(len(head), len(texts)), head, texts, *numbers])


def unpack(content: bytes | memoryview, known: Known | None = None) -> Request:
    """Read such a message, believing nothing.

    Parameters
    ----------
    content : bytes or memoryview
    known : dict, optional
        Columns of texts of messages that were read before, to which new ones are added: what two messages hold
        alike is kept once.

    Raises
    ------
    RequestInvalid
        If it is not one, or the request in it is malformed.
    """
    try:
        head_size, text_size = _LENGTHS.unpack_from(content)
        if head_size > LARGEST_HEAD:
            raise _broken(f"its tables, labels and texts come to more than {LARGEST_HEAD >> 20} MiB")
        at = _LENGTHS.size + head_size
        head = _Head.model_validate(parsed(bytes(content[_LENGTHS.size : at])))
        texts = bytes(content[at : at + text_size]).decode("utf-8").split("\n")
        columns = _columns(head.columns, texts, memoryview(content)[at + text_size :], known)
        request = request_of(head.request, columns)
    except (struct.error, UnicodeDecodeError):
        raise _broken("what was read of it is no message") from None
    except ValidationError as error:
        raise malformed(error) from None
    return request.spelling(head.words)


def _columns(
    described: Sequence[_Column], texts: list[str], numbers: memoryview, known: Known | None
) -> list[Texts | Amounts]:
    """Take each column, and see that exactly what was described is there."""
    sizes = [column.rows * (_INT if column.kind == "texts" else _FLOAT).itemsize for column in described]
    if sum(column.values for column in described) != len(texts) - 1 or texts[-1] or sum(sizes) != len(numbers):
        raise _broken("its columns are not of the size that was said")
    found: list[Texts | Amounts] = []
    text = place = 0
    for column, size in zip(described, sizes, strict=True):
        part = numbers[place : place + size]
        place += size
        if column.kind == "amounts":
            amounts = np.frombuffer(part, dtype=_FLOAT)
            if np.isinf(amounts).any():
                raise _broken("an amount is no number")
            found.append(Amounts(amounts))
            continue
        found.append(_texts(texts[text : text + column.values], np.frombuffer(part, dtype=_INT), known))
        text += column.values
    return found


def _texts(values: list[str], at: NDArray[np.int32], known: Known | None) -> Texts:
    """Take a column of texts, or the one that is already known."""
    place = (len(values), len(at), values[0] if values else "")
    before = known.get(place) if known is not None else None
    if before is not None and before.values == values and np.array_equal(before.at, at):
        return before
    _NAMES.validate_python(values)
    if len(set(values)) != len(values):
        raise _broken("a value of a column stands twice")
    if len(at) and not (at.min() >= NOTHING and at.max() < len(values)):
        raise _broken("a row of a column holds none of its values")
    column = Texts(values, at)
    if known is not None:
        known[place] = column
    return column


def answered(content: memoryview) -> Request:
    """Take the answer of a reader of requests.

    Parameters
    ----------
    content : memoryview
        All that it said after `BEGUN`.

    Raises
    ------
    RequestInvalid
        With its findings, or because it is no answer.
    """
    return of_a_session(unpack(what_was_read(content)))


def what_was_read(content: memoryview) -> memoryview:
    """Take what a reader read, or its findings.

    Raises
    ------
    RequestInvalid
        With its findings, or because it is no answer.
    """
    if content[:1] == READ:
        return content[1:]
    if content[:1] != MALFORMED:
        raise _broken("what was read of it is no message")
    try:
        found = _FOUND.validate_json(bytes(content[1 : 2**20]))
    except ValidationError:
        raise _broken("what was read of it is no message") from None
    findings = [Finding("format", "", each.where, each.what, _NEXT) for each in found]
    raise RequestInvalid("the release request is malformed", findings)


_NEXT = "Write the request with request_release()."


def _broken(what: str) -> RequestInvalid:
    finding = Finding("format", "", "request.json", what, _NEXT)
    return RequestInvalid("the release request cannot be read", [finding])


def malformed_answer(error: RequestInvalid) -> bytes:
    """Say as a reader what is wrong with what it read."""
    told = [{"where": finding.where, "what": finding.what} for finding in error.findings[:1_000]]
    return MALFORMED + json.dumps(told).encode()


def _answer(content: bytes) -> bytes:
    try:
        return READ + pack(read_request(content))
    except RequestInvalid as error:
        return malformed_answer(error)


if __name__ == "__main__":
    sys.stdout.buffer.write(BEGUN)
    sys.stdout.buffer.flush()
    sys.stdout.buffer.write(_answer(Path(sys.argv[1]).read_bytes()))
