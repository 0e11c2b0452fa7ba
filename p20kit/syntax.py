"""Code as what it says, not as it is written: plain JSON values of its syntax, and the one way to write them.

A program that is asked for stands in a request as the tree of its syntax. Comments, blanks, the spelling of numbers
and the quotes of texts have no place in it; whoever reads the request makes the text anew. A node is a mapping of its
kind to its parts in the order of Python's own grammar; a cell is a list of statements.

Source: DSA I; SDP 12.c.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 50
MAX_NODES = 20_000
MAX_TEXT = 40_000
_ABSTRACT = (
    ast.stmt, ast.expr, ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.excepthandler, ast.pattern,
)  # fmt: skip
_LONE = (ast.comprehension, ast.arguments, ast.arg, ast.keyword, ast.alias, ast.withitem, ast.match_case)
KINDS: dict[str, Any] = {
    kind.__name__: kind for kind in (*(kind for base in _ABSTRACT for kind in base.__subclasses__()), *_LONE)
}
"""Every kind of node that a program can be made of."""
_LEFT_OUT = {"ctx", "type_comment", "kind"}
"""Parts that follow from the rest, or say only how something was written."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*|\*")
ELLIPSIS = "Ellipsis"

Node = dict[str, list[Any]]
Cell = list[Any]


class NotWritable(ValueError):
    """It is no program, or none that can be written anew; what it says is of a fixed form."""


def cell_of(text: str) -> Cell:
    """Read the code of a file or a cell.

    Raises
    ------
    NotWritable
        If it is not plain Python, or holds what has no place in a request (bytes, imaginary numbers).
    """
    try:
        cell = [_plain(statement, MAX_DEPTH) for statement in ast.parse(text).body]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, NotWritable):
            raise
        raise NotWritable("it is not plain Python") from None
    text_of(cell)
    return cell


def text_of(cell: object) -> str:
    """Write a cell anew.

    Parameters
    ----------
    cell : object
        Plain values, believed by nobody.

    Returns
    -------
    str
        Code that reads as these very values and no others.

    Raises
    ------
    NotWritable
        If they are none of a program.
    """
    if not isinstance(cell, list):
        raise NotWritable("a cell is no list of statements")
    if sum(1 for _ in nodes(cell)) > MAX_NODES:
        raise NotWritable(f"it has more than {MAX_NODES} parts")
    try:
        text = ast.unparse(ast.Module([_node(statement, MAX_DEPTH) for statement in cell], []))
        same = [_plain(statement, MAX_DEPTH) for statement in ast.parse(text).body] == cell
    except NotWritable:
        raise
    except (SyntaxError, ValueError, TypeError, AttributeError, KeyError, RecursionError, MemoryError):
        raise NotWritable("its parts do not make a program") from None
    if not same:
        raise NotWritable("its parts do not make a program that reads the same")
    if len(text) > MAX_TEXT:
        raise NotWritable(f"it has more than {MAX_TEXT} characters")
    return text


def nodes(value: object, depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    """Give every node of plain values, with its parts; a node before those within it."""
    if depth > 4 * MAX_DEPTH:
        raise NotWritable(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for kind, parts in value.items():
            yield str(kind), parts if isinstance(parts, list) else [parts]
            yield from nodes(parts, depth + 1)
    elif isinstance(value, list):
        for part in value:
            yield from nodes(part, depth + 1)


def _fields(kind: Any) -> list[str]:
    return [field for field in kind._fields if field not in _LEFT_OUT]


def _plain(part: object, depth: int) -> Any:
    """Give a node, a list of them, or what stands at their ends, as plain values."""
    if not depth:
        raise NotWritable(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(part, ast.Constant):
        return {"Constant": [_constant(part.value)]}
    if isinstance(part, ast.AST):
        parts = [_plain(getattr(part, field), depth - 1) for field in _fields(type(part))]
        return {type(part).__name__: parts}
    if isinstance(part, list):
        return [_plain(each, depth) for each in part]
    if part is None or isinstance(part, str | int):
        return part
    raise NotWritable("it has a part that is none of a program")


def _constant(value: object) -> Any:
    if value is ...:
        return {ELLIPSIS: []}
    if isinstance(value, bytes | complex):
        raise NotWritable("it holds bytes or an imaginary number")
    if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NotWritable("it holds half a character")
    if isinstance(value, float) and not math.isfinite(value):
        raise NotWritable("it holds a number beyond all")
    return value


def _node(value: object, depth: int) -> Any:
    """Make a node of Python's own from plain values."""
    if not depth:
        raise NotWritable(f"it is nested deeper than {MAX_DEPTH}")
    if isinstance(value, list):
        return [_node(each, depth) for each in value]
    if isinstance(value, str):
        # outside of a constant a text is a name, and nothing else may stand there
        if not _NAME.fullmatch(value):
            raise NotWritable("a name in it is none")
        return value
    if value is None or isinstance(value, bool) or (isinstance(value, int) and -1 <= value <= 255):
        return value
    if not isinstance(value, dict) or len(value) != 1:
        raise NotWritable("it has a part that is none of a program")
    ((kind, parts),) = value.items()
    if kind not in KINDS or not isinstance(parts, list) or len(parts) != len(_fields(KINDS[kind])):
        raise NotWritable("it has a part that is none of a program")
    if kind == "Constant":
        return ast.Constant(_value(parts[0]))
    made = {field: _node(part, depth - 1) for field, part in zip(_fields(KINDS[kind]), parts, strict=True)}
    return KINDS[kind](**made, lineno=1, col_offset=0)


def _value(value: object) -> Any:
    if isinstance(value, dict):
        if value != {ELLIPSIS: []}:
            raise NotWritable("it has a part that is none of a program")
        return ...
    if value is None or isinstance(value, bool | str | int | float):
        return _constant(value)
    raise NotWritable("it has a part that is none of a program")
