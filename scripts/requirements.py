"""Check `policies/requirements.yaml` against the code, the tests and the clauses, and write `docs/requirements.md`.

Run as ``python -m scripts.requirements``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from enclave.agreement import conflicts_of
from enclave.clauses import clauses
from enclave.settings import PACKAGED_POLICIES, policy_file

ROOT = Path(__file__).resolve().parent.parent
SOURCE, PAGE = PACKAGED_POLICIES / "requirements.yaml", ROOT / "docs" / "requirements.md"
EXAMPLE = "DR-0034"
EVERY = (*(f"R{n}" for n in range(1, 189)), *(f"L{n}" for n in range(1, 18)))
"""The rows of the requirements, and the conflicts that people found in the example agreement's documents."""
_PLACE = re.compile(r"(?:DSA|EM|Ex[A-F]|GM|PB|OR|SDP)(?: [A-Za-z0-9.]+)?")
"""A place of the agreement, its exhibits, the Enterprise MOU, the manual, the playbook, the roles, the data plan."""


class Row(BaseModel):
    """One requirement and what answers it; the keys are described in the file itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    asks: str
    kind: Literal["enforced", "recorded", "people"]
    limit: str = ""
    clauses: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    hard: bool = False
    who: str = ""
    because: str = ""
    by: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()
    open: str = ""
    awaits: str = ""
    readings: tuple[str, ...] = ()


class Group(BaseModel):
    """The requirements of one part of the documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    rows: tuple[Row, ...]


def read(path: Path = SOURCE) -> dict[str, Group]:
    """Read the requirements by the letter of their group."""
    return {letter: Group.model_validate(body) for letter, body in policy_file(path).items()}


def mistakes(groups: dict[str, Group]) -> list[str]:
    """Find every row that is missing or twice, and every name in a row that does not exist."""
    rows = [row for group in groups.values() for row in group.rows]
    ids = [row.id for row in rows]
    found = [f"{id}: stands {ids.count(id)} times" for id in dict.fromkeys((*EVERY, *ids)) if ids.count(id) != 1]
    found += [f"{id}: nobody asked for it" for id in ids if id not in EVERY]
    return found + [f"{row.id}: {what}" for row in rows for what in wrong(row)]


def wrong(row: Row) -> Iterator[str]:
    """Say what is wrong with one row."""
    yield from (f"no clause {clause}" for clause in row.clauses if clause not in clauses())
    yield from (f"{place} is a clause" for place in row.unlisted if place in clauses())
    yield from (f"{place} is no place" for place in row.unlisted if not _PLACE.fullmatch(place))
    yield from (f"nothing is called {name}" for name in row.by if not exists(name))
    yield from (f"no test {test}" for test in row.proven if not is_test(test))
    yield from (f"no conflict about {subject}" for subject in row.readings if subject not in readings())
    if not row.clauses and not row.unlisted:
        yield "it stands nowhere"
    if bool(row.by) != bool(row.proven):
        yield "what does it and what proves it come together"
    if row.kind == "people" and (not row.who or row.by or row.open):
        yield "a row for people says who, and nothing else"
    if row.awaits and (not row.by or not row.clauses or row.open or row.kind == "people"):
        yield "a row that awaits an agreement says by which clauses, and what holds until then"
    if row.kind != "people" and not (row.by or row.open or row.awaits):
        yield "it has no answer"


def exists(name: str) -> bool:
    """Tell whether a dotted name is that of a function, a class or something they hold; a module is too little."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, part, None)
        return not inspect.ismodule(found)
    return False


def is_test(id: str) -> bool:
    """Tell whether a test ``path::function`` is there."""
    path, _, function = id.partition("::")
    return function.startswith("test_") and function in _functions(path)


@cache
def _functions(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@cache
def readings() -> dict[str, str]:
    """Give what the example agreement takes where its documents leave something open, by subject."""
    return {conflict.subject: conflict.taken for conflict in conflicts_of(PACKAGED_POLICIES, EXAMPLE)}


def page(groups: dict[str, Group]) -> str:
    """Give the page: counts, then the groups as tables."""
    rows = [row for group in groups.values() for row in group.rows if row.id.startswith("R")]
    parts = [_HEAD, *_counts(rows), ""]
    for letter, group in groups.items():
        parts += [
            f"## {letter}. {group.title}",
            "",
            "| | What is asked | Where | What answers it |",
            "|---|---|---|---|",
        ]
        parts += [f"| {row.id} | {_asks(row)} | {_where(row)} | {_answer(row)} |" for row in group.rows]
        parts.append("")
    return "\n".join(parts)


_HEAD = """# What the documents ask, and what answers it

Made by `python -m scripts.requirements` from `policies/requirements.yaml`, which it holds against the code, the tests
and `policies/clauses.yaml`. *Enforced* and *recorded* are what the documents ask of software, *people* what they ask
of people; a violation of a **hard** row must be technically impossible. Each row names the functions that answer it
and the tests that fail when they break; **open** says what is missing. What **awaits an agreement** the parties have
not agreed to: the clauses beside it forbid it until they have, and its functions and tests hold to that.
"""


def _counts(rows: list[Row]) -> Iterator[str]:
    states = Counter((row.kind, _state(row)) for row in rows)
    yield f"| | {' | '.join(_STATES)} | all |"
    yield "|---" * (len(_STATES) + 2) + "|"
    for kind in ("enforced", "recorded", "people"):
        counts = [states[kind, state] for state in _STATES]
        yield f"| {kind} | {' | '.join(map(str, counts))} | {sum(counts)} |"
    counts = [sum(states[kind, state] for kind in ("enforced", "recorded", "people")) for state in _STATES]
    yield f"| all | {' | '.join(map(str, counts))} | {sum(counts)} |"
    hard = Counter(_state(row) for row in rows if row.hard)
    yield f"| of these hard | {' | '.join(str(hard[state]) for state in _STATES)} | {hard.total()} |"


_STATES = ("answered", "in part", "open", "awaits an agreement")


def _state(row: Row) -> str:
    if row.awaits:
        return "awaits an agreement"
    if not row.open:
        return "answered"
    return "in part" if row.by else "open"


def _asks(row: Row) -> str:
    hard = "**hard** " if row.hard else ""
    return f"{hard}{row.asks}" + (f" ({row.limit})" if row.limit else "")


def _where(row: Row) -> str:
    return ", ".join((*row.clauses, *row.unlisted))


def _answer(row: Row) -> str:
    said = [f"*people*: {row.who}" if row.kind == "people" else f"*{row.kind}*"]
    if row.kind != "people" and row.who:
        said.append(f"*people*: {row.who}")
    said += [f"{subject}: {readings()[subject]}" for subject in row.readings]
    if row.because:
        said.append(row.because)
    if row.by:
        said.append(", ".join(f"`{name}`" for name in row.by))
        said.append("proven by " + ", ".join(f"`{test.removeprefix('tests/')}`" for test in row.proven))
    if row.open:
        said.append(f"**open** {row.open}")
    if row.awaits:
        said.append(f"**awaits an agreement** {row.awaits}")
    return "<br>".join(text.replace("|", "\\|").replace("\n", " ") for text in said)


def main() -> None:
    """Write the page, or say every mistake and write nothing."""
    groups = read()
    if found := mistakes(groups):
        sys.exit("\n".join(found))
    PAGE.write_text(page(groups), "utf-8")


if __name__ == "__main__":
    main()
