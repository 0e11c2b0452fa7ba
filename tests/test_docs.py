"""What is written about the code holds: clauses exist, errors have exit codes, public names say what they are."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from enclave import ROOMS
from enclave.clauses import clauses, title
from enclave.errors import EnclaveError, Fault, Invalid, Refused
from p20kit.errors import P20KitError
from tests.test_architecture import ROOT, modules, place, sources, tree

CLAUSE = re.compile(r"(?:DSA|EM|Ex[A-F])(?: (?:[IVX]+|[A-Z0-9])[A-Za-z0-9.]*| preamble| elements| memo)?")


def cited() -> dict[str, set[str]]:
    """Give every clause cited in a string that is nothing else, or on a ``Source:`` line, and where."""
    found: dict[str, set[str]] = {}
    for path in sources():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for clause in (*whole(node.value), *of_source_lines(node.value)):
                    found.setdefault(clause, set()).add(place(path))
    return found


def whole(text: str) -> list[str]:
    return [text] if CLAUSE.fullmatch(text) and text != "EM" else []


def of_source_lines(text: str) -> list[str]:
    lines = re.findall(r"Source: ((?:.|\n(?=    +\S))*?)(?:\n|$|\"\"\")", text)
    parts = (part for line in lines for part in re.split(r";\s*", re.sub(r"\([^)]*\)", "", line)))
    return [part.strip(" .)\n") for part in parts if part.strip(" .)\n")]


def test_every_clause_cited_exists() -> None:
    unknown = {clause: sorted(where) for clause, where in cited().items() if clause not in clauses()}
    assert unknown == {}


def test_every_clause_has_a_short_title_and_most_are_cited() -> None:
    known = clauses()
    assert all(0 < len(text) <= 90 for text in known.values())
    assert title("DSA III.G.2.a").startswith("No cell")
    with pytest.raises(Fault):
        title("DSA XCIX")
    assert len(set(known) & set(cited())) / len(known) >= 0.7


def subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind} | {below for direct in kind.__subclasses__() for below in subclasses(direct)}


def test_every_error_has_an_exit_code_and_a_status() -> None:
    for name in modules():
        # migrations run only where Alembic runs them
        if name.startswith(("enclave", "p20kit")) and not name.endswith(("__main__", "migrations.env")):
            importlib.import_module(name)
    table = {Refused: (3, 403), Invalid: (4, 422), Fault: (70, 500)}
    for kind in subclasses(EnclaveError) - {EnclaveError}:
        base = next(base for base in table if issubclass(kind, base))
        assert (kind.exit_code, kind.http_status) == table[base]  # type: ignore[attr-defined]
    ours = {kind for kind in subclasses(P20KitError) if kind.__module__.startswith("p20kit")}
    assert all(kind.__doc__ for kind in ours)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_and_names_its_face(room: str) -> None:
    face = importlib.import_module(f"enclave.{room}")
    assert face.__doc__ and len(face.__doc__.splitlines()[0]) > 20
    if Path(str(face.__file__)).name == "__init__.py":
        assert set(face.__all__) and all(hasattr(face, name) for name in face.__all__)


def test_public_names_have_docstrings() -> None:
    bare = [
        f"{place(path)}:{node.name}"
        for path in sources()
        if not place(path).startswith("demo")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert bare == []
    assert [place(path) for path in sources() if path.stat().st_size and not ast.get_docstring(tree(path))] == []


def test_the_page_on_the_architecture_names_every_room_that_gives_a_token() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \|", page, re.MULTILINE)
    named = [row for row in rows if row in ROOMS]
    assert named == [room for room in ROOMS if room in named]
    assert len(named) >= 10


def test_the_threat_model_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    assert len(page.splitlines()) <= 200
    known = {path.stem: path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    cited = re.findall(r"`((?:test_\w+::)?test_\w+)`", page)
    tests = {name for text in known.values() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    missing = [
        name
        for name in cited
        if (f"def {name.partition('::')[2]}(" not in known.get(name.partition("::")[0], ""))
        and not ("::" not in name and (name in tests or name in known))
    ]
    assert len(cited) > 25 and missing == []
