"""Code that is shared: read as syntax in the session, written anew by the gate, and looked through on the way."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from enclave.egress.programs import NOTEBOOK, SCRIPT, program
from p20kit import open_project, preflight, request_release
from p20kit.errors import RequestInvalid
from p20kit.message import pack, unpack
from p20kit.project import Project
from p20kit.request import Request, read_request
from p20kit.syntax import MAX_DEPTH, NotWritable, cell_of, text_of
from tests.disclosure.projects import a_project

TEXT: dict[str, Any] = {
    "title": "How we counted", "report": "R1", "questions": ["RQ1"], "audience": "public", "population": "students",
}  # fmt: skip
SCRIPT_TEXT = '''
"""Count who takes part, by school."""
# 4711 of them, and Rae wrote it
from p20kit import open_project, tabulate   # twice

def counted( frame, by = ("Gender",) ) :
    """Count persons."""
    limit = 0x10 ; share = 1e-1
    return tabulate(frame, list(by), name='by gender'  \\
        'and school') if limit > share else None

match open_project().frame("sde"):
    case frame if not frame.empty: print(f"{len(frame)!r:>{3}} rows", counted(frame)[::2], ..., None)
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


def a_notebook(folder: Path, *sources: str) -> Path:
    """Write a notebook as a session leaves it: with outputs, metadata, an attachment and prose."""
    cells = [
        nbformat.v4.new_code_cell(
            source, execution_count=4711, metadata={"tags": ["4711"]},
            outputs=[nbformat.v4.new_output("stream", text="P20-0000000000000001")],
        )
        for source in sources
    ]  # fmt: skip
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("4711"), *cells], metadata={"who": "4711"})
    path = folder / "analysis.ipynb"
    nbformat.write(book, path)
    return path


def asked(project: Project, folder: Path, *files: Path, licence: str = "MIT") -> Request:
    code: dict[str | Path, str] = dict.fromkeys(files, licence)
    return read_request(request_release(code=code, project=project, outbox=folder, **TEXT).read_bytes())


def test_a_script_says_the_same_and_keeps_nothing_that_is_not_syntax(project: Project, tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(SCRIPT_TEXT, "utf-8")
    (code,) = asked(project, tmp_path / "out", tmp_path / "count.py").code
    kind, body = program(code, "Data Request DR-0034.")
    text = body.decode()
    assert kind == SCRIPT and ast.dump(ast.parse(text)) == ast.dump(ast.parse(SCRIPT_TEXT))
    assert "SPDX-License-Identifier: MIT" in text and "Data Request DR-0034." in text
    assert not any(word in text for word in ("4711", "Rae", "twice", "0x10", "1e-1", "  \n"))


def test_a_notebook_leaves_without_outputs_prose_and_metadata(project: Project, tmp_path: Path) -> None:
    file = a_notebook(tmp_path, "frame = 1  # 4711", "# only a remark: 4711", "print(frame)")
    (code,) = asked(project, tmp_path / "out", file, licence="CC0-1.0").code
    kind, body = program(code, "Data Request DR-0034.")
    book = nbformat.from_dict(json.loads(body))
    nbformat.validate(book)
    assert kind == NOTEBOOK and b"4711" not in body and b"P20-" not in body
    assert [cell["source"] for cell in book.cells[1:]] == ["frame = 1", "print(frame)"]
    assert {(cell["cell_type"], len(cell["outputs"]), cell["execution_count"]) for cell in book.cells} == {
        ("code", 0, None)
    }


def test_a_person_reads_it_and_every_agency_confirms(project: Project, tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text("limit = 6\nprint('persons', limit)\n", "utf-8")
    verdict = preflight(asked(project, tmp_path / "out", tmp_path / "count.py"), project=project)
    assert (verdict.verdict, [f.rule for f in verdict.look_at]) == ("needs-review", ["code"])
    assert "2 lines; 1 numbers, 1 texts and 2 names" in verdict.look_at[0].what
    assert verdict.owners == project.delivered.owners


def test_what_was_read_elsewhere_and_what_is_remembered_is_the_same_code(project: Project, tmp_path: Path) -> None:
    deep = "x = " + "(" * 40 + "1" + ",)" * 40
    (tmp_path / "count.py").write_text(f"{SCRIPT_TEXT}\n{deep}\n", "utf-8")
    request = asked(project, tmp_path / "out", tmp_path / "count.py")
    assert unpack(pack(request)).code == request.code


@pytest.mark.parametrize(
    ("name", "body", "word"),
    [
        ("a.py", "%matplotlib inline", "cell 1: it is not plain Python"),
        ("a.py", "x = b'4711'", "bytes"),
        ("a.py", "x = 4j", "imaginary"),
        ("a.py", "x = 1e999", "beyond all"),
        ("a.py", "# nothing", "no code"),
        ("a.py", "x = " + "-" * MAX_DEPTH + "1", "deeper"),
        ("a.py", "x = '" + "no " * 15_000 + "'", "characters"),
        ("a.py", "x = 1\n" * 11_000, "parts"),
        ("a.R", "x <- 1", "neither a script"),
        ("a.ipynb", "{}", "cannot be read"),
        ("a.ipynb", "4711", "cannot be read"),
    ],
)
def test_what_cannot_be_written_anew_is_not_asked_for(
    project: Project, tmp_path: Path, name: str, body: str, word: str
) -> None:
    (tmp_path / name).write_text(body, "utf-8")
    with pytest.raises(RequestInvalid) as caught:
        asked(project, tmp_path / "out", tmp_path / name)
    assert word in caught.value.findings[0].what and not (tmp_path / "out").exists()


def test_a_licence_is_an_open_one(project: Project, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1", "utf-8")
    with pytest.raises(RequestInvalid, match="licence is none of MIT"):
        asked(project, tmp_path / "out", tmp_path / "a.py", licence="all rights reserved")


NAME = {"Name": ["x"]}
WHOLE: dict[str, Any] = {
    "no list": {"Expr": [NAME]},
    "a text": ["4711"],
    "a statement that is none": [NAME],
    "an unknown kind": [{"Remark": ["4711"]}],
    "two kinds": [{"Expr": [NAME], "Pass": []}],
    "a part too many": [{"Expr": [NAME, "4711"]}],
    "a part too few": [{"Expr": []}],
    "a remark in a name": [{"Expr": [{"Name": ["x # 4711"]}]}],
    "a line in a name": [{"Expr": [{"Name": ["x\nimport os"]}]}],
    "blanks about a name": [{"Expr": [{"Name": ["x "]}]}],
    "a dotted name": [{"Expr": [{"Name": ["x.y"]}]}],
    "a keyword as a name": [{"Expr": [{"Name": ["None"]}]}],
    "a name of another alphabet": [{"Expr": [{"Name": ["х"]}]}],
    "a name that is normalised": [{"Expr": [{"Name": ["ﬁ"]}]}],
    "a number below nought": [{"Expr": [{"Constant": [-4711]}]}],
    "minus nought": [{"Expr": [{"Constant": [-0.0]}]}],
    "a mapping as a value": [{"Expr": [{"Constant": [{"4711": []}]}]}],
    "a list as a value": [{"Expr": [{"Constant": [["4711"]]}]}],
    "a name where a value stands": [{"Expr": ["x"]}],
    "a number where a name stands": [{"Expr": [{"Name": [47]}]}],
    "a lone surrogate": [{"Expr": [{"Constant": ["\ud800"]}]}],
}


@pytest.mark.parametrize("which", WHOLE)
def test_plain_values_that_are_no_program_are_malformed(which: str) -> None:
    with pytest.raises(NotWritable):
        text_of(WHOLE[which])


def test_a_program_is_read_as_it_was_written() -> None:
    for source in ("x", "async def f(a, /, b: int=2, *c, d, **e) -> None:\n    await a", "try:\n    x\nexcept* E as e:\n    raise", "lambda: (yield)", "@a.b\nclass C(D, m=1):\n    x: int = 0"):  # fmt: skip  # noqa: E501
        cell = cell_of(source)
        assert cell_of(text_of(cell)) == cell and ast.dump(ast.parse(text_of(cell))) == ast.dump(ast.parse(source))
