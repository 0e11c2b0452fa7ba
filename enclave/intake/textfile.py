"""The programme's file format, read byte for byte before anything is made of it.

Tab-delimited UTF-8, a header line, no quotation marks, line feeds, as many fields on every line. A line that
breaks the format is found by its number; a copy with such lines blanked lets the other checks run as well, so
that the sender learns everything at once.

Source: EM XII.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enclave.errors import Finding

CLAUSE = "EM XII"
SHOWN = 5
LONGEST_LINE = 1 << 16
_BLOCK = 1 << 22
_TAB, _LF, _QUOTE = 9, 10, 34
_BOM = b"\xef\xbb\xbf"

_PROBLEMS = {
    "text-encoding": ("{} lines are not UTF-8", "Write the file as UTF-8 text."),
    "quotation-marks": ("{} lines hold quotation marks", "Write the file without quotation marks."),
    "control-characters": ("{} lines hold control characters or carriage returns", "End lines with line feed only."),
    "field-count": ("{} lines have another number of fields than the header", "Give every line all fields."),
    "long-line": ("{} lines are longer than 65536 bytes", "Check the line ends."),
}


def line_finding(name: str, rule: str, clause: str, what: str, next: str, lines: list[int], count: int) -> Finding:
    """Make a finding that gives the first lines and the count, never a value."""
    shown = ", ".join(str(line) for line in lines[:SHOWN])
    more = f" and {count - len(lines[:SHOWN])} more" if count > len(lines[:SHOWN]) else ""
    return Finding(rule, clause, f"{name}, line {shown}{more}", what, next)


@dataclass
class Scan:
    """What the bytes say: rows after the header, and the lines that break the format, by rule."""

    rows: int = 0
    broken: dict[str, list[int]] = field(default_factory=dict)

    @property
    def bad_lines(self) -> set[int]:
        """Numbers of all lines that break the format."""
        return {line for lines in self.broken.values() for line in lines}

    def findings(self, name: str) -> list[Finding]:
        """Say what breaks the format."""
        found = []
        for rule, lines in self.broken.items():
            what, next = _PROBLEMS[rule]
            found.append(line_finding(name, rule, CLAUSE, what.format(len(lines)), next, lines, len(lines)))
        return found


def read_columns(path: Path) -> tuple[str, ...]:
    """Give the fields of the header line; empty when there is none."""
    with path.open("rb") as file:
        line = file.readline(LONGEST_LINE)
    text = line.removeprefix(_BOM).rstrip(b"\r\n").decode("utf-8", errors="replace")
    return tuple(text.split("\t")) if text else ()


def scan(path: Path, width: int) -> Scan:
    """Check every byte of a file of `width` columns, in constant memory."""
    result = Scan()
    line = 1
    for block in _blocks(path):
        values = np.frombuffer(block, dtype=np.uint8)
        ends = np.flatnonzero(values == _LF)
        starts = np.concatenate([[0], ends[:-1] + 1])
        tabs = np.searchsorted(np.flatnonzero(values == _TAB), ends)
        fields = np.diff(tabs, prepend=0) + 1
        controls = np.flatnonzero((values < 32) & (values != _TAB) & (values != _LF) | (values == 127))
        _note(result, "field-count", line + np.flatnonzero(fields != width))
        _note(result, "long-line", line + np.flatnonzero(ends - starts > LONGEST_LINE))
        _note(result, "quotation-marks", line + _lines_of(np.flatnonzero(values == _QUOTE), ends))
        _note(result, "control-characters", line + _lines_of(controls, ends))
        _note(result, "text-encoding", line + np.array(list(_undecodable(block)), dtype=np.int64))
        line += len(ends)
    result.rows = max(0, line - 2)
    return result


def blank_lines(path: Path, target: Path, bad: set[int], width: int) -> None:
    """Write a copy in which the lines of `bad` are empty fields, so that line numbers stay."""
    empty = b"\t" * (width - 1) + b"\n"
    number = 1
    with target.open("wb") as out:
        for block in _blocks(path):
            for line in _split(block):
                out.write(empty if number in bad else line)
                number += 1


def _split(block: bytes) -> list[bytes]:
    return [line + b"\n" for line in block.removesuffix(b"\n").split(b"\n")]


def _blocks(path: Path) -> Iterator[bytes]:
    """Give whole lines, some megabytes at a time; the last line gets its line feed."""
    with path.open("rb") as file:
        first = True
        while block := file.read(_BLOCK):
            if not block.endswith(b"\n"):
                block += file.readline(_BLOCK)
            if not block.endswith(b"\n"):
                block += b"\n"
            yield block.removeprefix(_BOM) if first else block
            first = False


def _note(result: Scan, rule: str, lines: NDArray[np.int64]) -> None:
    if len(lines):
        result.broken.setdefault(rule, []).extend(lines.tolist())


def _lines_of(places: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(np.searchsorted(ends, places))


def _undecodable(block: bytes) -> Iterator[int]:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        for number, line in enumerate(_split(block)):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                yield number
