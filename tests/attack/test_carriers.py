"""Eighty and more ways to hide sixteen bytes in a request or beside it: refused, or not a bit of it comes out.

What comes out is a function of verified values: the files the gate writes are, byte for byte, those of the honest
request, or the request is refused, or a person reads the words.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from enclave import egress
from enclave.egress.render import Leaving, render
from enclave.resultant import Delivery
from p20kit import Mean, Rate, chart, open_project, preflight, protect, request_release, tabulate
from p20kit.errors import RequestInvalid
from p20kit.project import Project
from p20kit.request import read_request
from tests.disclosure.projects import a_project
from tests.spelled import spelled, written

Body = dict[str, Any]
HIDDEN = "4711CAFE4711CAFE"
RACE = "RaceEthnicityReportingText"
TEXT: Body = {
    "title": "Who takes part", "report": "R1", "questions": ["RQ1"], "audience": "public", "population": "students",
}  # fmt: skip
NOTHING = Delivery("DR-0034", "", "", 900, date(2022, 4, 11), ())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


@pytest.fixture(scope="module")
def honest(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Body:
    people = project.frame("sde").assign(Score=range(900))
    groups = [{"Asian": "Asian or White", "White": "Asian or White"}]
    sources = {"Gender": "sde.Gender", "ManufacturingStudent": "sde.ManufacturingStudent"}
    table = tabulate(
        people, ["Gender"], [Rate("ManufacturingStudent", "Y"), Mean("Score")], name="rates", sources=sources,
        codes={"Gender": ["F", "M", "U"]},
    )  # fmt: skip
    race = tabulate(people, [RACE], name="race", sources={RACE: f"sde.{RACE}"}, hierarchies={RACE: groups})
    protected = protect([table, race], project.policy)
    drawn = chart(protected, x="Gender", measure="rate ManufacturingStudent=Y")
    path = request_release(protected, charts=[drawn], project=project, outbox=tmp_path_factory.mktemp("o"), **TEXT)
    body: Body = spelled(path.read_text())
    return body


def files_of(project: Project, content: bytes, folder: Path) -> tuple[dict[str, bytes], set[str]]:
    """Give what the gate would write of a request, and what is found or must be read; nothing where it is refused."""
    try:
        request = read_request(content)
    except RequestInvalid:
        return {}, {"malformed"}
    verdict = preflight(request, project=project)
    rules = {finding.rule for finding in (*verdict.findings, *verdict.look_at)}
    if verdict.findings or verdict.released is None:
        return {}, rules
    folder.mkdir(exist_ok=True)
    leaving = Leaving(request, verdict.released, verdict.charts, NOTHING, "Data Request DR-0034.")
    artefacts = render(leaving, "out", folder)
    return {artefact.name: (folder / artefact.name).read_bytes() for artefact in artefacts}, rules


@pytest.fixture(scope="module")
def clean(project: Project, honest: Body, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    files, rules = files_of(project, written(honest), tmp_path_factory.mktemp("f"))
    assert rules == {"derived-column", "hierarchy"}
    assert {name.rsplit(".", 1)[1] for name in files} == {"csv", "html", "svg", "png", "json", "xlsx"}
    return files


def dumped(body: Body, **how: Any) -> bytes:
    return written(body, **how)


def shuffled(values: Any) -> Any:
    """Give dictionaries with their keys turned round, all the way down."""
    if isinstance(values, dict):
        return {key: shuffled(values[key]) for key in reversed(values)}
    return [shuffled(value) for value in values] if isinstance(values, list) else values


def reversed_rows(part: str) -> Callable[[Body], object]:
    def change(body: Body) -> None:
        table = body["tables"][0]
        for name in (part, {"basis": "values", "cells": "figures"}[part]):
            table[name] = {column: values[::-1] for column, values in table[name].items()}

    return change


def nudged(label: str, by: float) -> Callable[[Body], object]:
    def change(body: Body) -> None:
        column = body["tables"][0]["figures"][label]
        column[0] += by

    return change


def word(place: str, text: str) -> Callable[[Body], object]:
    def change(body: Body) -> None:
        body[place] = f"{body[place]}{text}"

    return change


def label(text: str) -> Callable[[Body], object]:
    def change(body: Body) -> None:
        table = body["tables"][0]
        for part in ("cells", "basis"):
            table[part]["Gender"] = [text if code == "M" else code for code in table[part]["Gender"]]
        table["codes"]["Gender"] = ["F", text, "U"]
        table["sources"].pop("Gender")

    return change


def columns(change: Callable[[list[Body]], object]) -> Callable[[Body], bytes]:
    """Change the columns of a request as they are written, each once."""

    def spelling(body: Body) -> bytes:
        plain: Body = json.loads(dumped(body))
        change(plain["columns"])
        return json.dumps(plain).encode()

    return spelling


def turned(column: Body) -> None:
    """Give a column's values in the opposite order, and each row the same value."""
    column["texts"].reverse()
    column["at"] = [len(column["texts"]) - 1 - n for n in column["at"]]


SPELLINGS: dict[str, Callable[[Body], bytes]] = {
    "blanks": lambda b: dumped(b, indent=3),
    "tabs": lambda b: dumped(b, indent="\t"),
    "blanks after the end": lambda b: dumped(b) + b" \n\t " * 16,
    "separators": lambda b: dumped(b, separators=(" ,", " :")),
    "order of keys": lambda b: dumped(shuffled(b)),
    "escapes": lambda b: dumped(b).replace(b"students", b"\\u0073tudent\\u0073"),
    "capitals of escapes": lambda b: dumped(b).replace(b"Who", b"\\u0057ho").replace(b"\\u0057", b"\\u0057"),
    "solidus": lambda b: dumped(b).replace(b"/", b"\\/"),
    "numbers with exponents": lambda b: dumped(b).replace(b'"decimals": 1', b'"decimals": 1e0'),
    "whole numbers with a point": lambda b: dumped(b).replace(b'"decimals": 2', b'"decimals": 2.0'),
    "minus nought": lambda b: dumped(b).replace(b'"amounts": [0.0', b'"amounts": [-0.0'),
    "zeros after the point": lambda b: dumped(b).replace(b"20.1", b"20.10000000"),
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + dumped(b),
    "bytes after the end": lambda b: dumped(b) + HIDDEN.encode(),
    "bytes before the beginning": lambda b: HIDDEN.encode() + dumped(b),
    "a second document": lambda b: dumped(b) + dumped(b),
    "a comment": lambda b: dumped(b).replace(b"{", b"/*4711*/{", 1),
    "a key given twice": lambda b: dumped(b).replace(b"{", b'{"title": "4711", ', 1),
    "a key of capitals": lambda b: dumped(b | {"TITLE": HIDDEN}),
    "UTF-16": lambda b: dumped(b).decode().encode("utf-16"),
    "a lone surrogate": lambda b: dumped(b).replace(b"Who", b"\\ud83d"),
    "a zero byte": lambda b: dumped(b).replace(b"Who", b"\\u0000"),
    "a huge number": lambda b: dumped(b).replace(b'"decimals": 1', b'"decimals": ' + b"1" * 400),
    "a number beyond all": lambda b: dumped(b).replace(b'"amounts": [0.0', b'"amounts": [1e999'),
    "a column nobody uses": columns(lambda c: c.append({"texts": [HIDDEN], "at": [0]})),
    "a value nobody has": columns(lambda c: c[1]["texts"].append(HIDDEN)),
    "the order of values": columns(lambda c: turned(c[1])),
    "the order of ids": columns(lambda c: turned(c[0])),
    "a value that stands twice": columns(lambda c: c[1]["texts"].append(c[1]["texts"][0])),
    "a place beyond the values": columns(lambda c: c[1]["at"].append(4711)),
    "a key of a column": columns(lambda c: c[1].update(note=HIDDEN)),
    "not a number": lambda b: dumped(b).replace(b'"amounts": [0.0', b'"amounts": [NaN'),
}

CHANGES: dict[str, Callable[[Body], object]] = {
    "an unknown key": lambda b: b.update(extra=HIDDEN),
    "an unknown key of a table": lambda b: b["tables"][0].update(extra=HIDDEN),
    "an unknown key of a measure": lambda b: b["tables"][0]["measures"][0].update(extra=HIDDEN),
    "an unknown key of a chart": lambda b: b["charts"][0].update(extra=HIDDEN),
    "a specification of its own": lambda b: b["charts"][0].update(usermeta=HIDDEN),
    "a column of persons more": lambda b: b["tables"][0]["basis"].update(x=[HIDDEN] * 900),
    "a column measured more": lambda b: b["tables"][0]["values"].update(x=[1.0] * 900),
    "a column of cells more": lambda b: b["tables"][0]["cells"].update(x=[HIDDEN] * 4),
    "a figure more": lambda b: b["tables"][0]["figures"].update(x=[47.11] * 4),
    "contributions nobody needs": lambda b: b["tables"][0].update(contributions={"x": [HIDDEN]}),
    "the order of persons": reversed_rows("basis"),
    "the order of cells": reversed_rows("cells"),
    "the order of codes": lambda b: b["tables"][0]["codes"].update(Gender=["U", "M", "F"]),
    "codes given twice": lambda b: b["tables"][0]["codes"].update(Gender=["F", "M", "U", "U"]),
    "a code nobody has": lambda b: b["tables"][0]["codes"].update(Gender=["F", "M", "U", HIDDEN]),
    "the order of groups": lambda b: b["tables"][1]["hierarchies"].update(
        {RACE: [dict(reversed(up.items())) for up in b["tables"][1]["hierarchies"][RACE]]}),
    "the last place of a mean": nudged("mean Score", 1e-12),
    "the last place of a rate": nudged("rate ManufacturingStudent=Y", 1e-13),
    "a place of a mean": nudged("mean Score", 0.0047),
    "a place of a rate": nudged("rate ManufacturingStudent=Y", 0.11),
    "a person's figure in its last place": lambda b: b["tables"][0]["values"]["Score"].__setitem__(0, 1e-13),
    "places of decimals": lambda b: b["tables"][0]["measures"][1].update(decimals=17),
    "the status of a hidden cell": lambda b: b["tables"][1]["cells"]["status"].__setitem__(0, "structural"),
    "a status of its own": lambda b: b["tables"][1]["cells"]["status"].__setitem__(0, HIDDEN),
    "a count of its own": lambda b: b["tables"][0]["cells"]["count"].__setitem__(0, 4711),
    "an invisible word": word("title", "\u200b\u2060"),
    "a direction": word("title", "\u202e"),
    "a tag": word("title", "\U000e0041"),
    "a variation": word("notes", "\ufe0f" * 0 + "\u00ad"),
    "a line nobody sees": word("notes", "\u2028"),
    "a number in the title": word("title", " 4711"),
    "a number in the notes": word("notes", "4711"),
    "a number in the audience": word("audience", " 4711"),
    "a number in the population": word("population", " 4711"),
    "a long word in the notes": word("notes", HIDDEN * 2),
    "many words in the notes": word("notes", "so it is " * 80),
    "a number in the title of a chart": lambda b: b["charts"][0].update(title="4711"),
    "a number in the title of a table": lambda b: b["tables"][0].update(title="4711"),
    "an unknown method": lambda b: b.update(methods=[HIDDEN]),
    "an unknown question": lambda b: b.update(questions=[HIDDEN]),
    "an unknown report": lambda b: b.update(report=HIDDEN),
    "a day that is none": lambda b: b.update(planned_on="4711-13-01"),
    "a label": label("M 4711 CAFE"),
    "a label in another alphabet": label("М"),
    "a label with a mark": label("M\u0301"),
    "a label that is a formula": label("=HYPERLINK(4711)"),
    "a label that is a tag of HTML": label("<i>M</i>"),
    "a label with a hard space": label("M\u00a0"),
}  # fmt: skip

BESIDE = [
    "rows.csv", "rows.tsv", "rows.txt", "rows.xlsx", "rows.xls", "rows.ods", "rows.parquet", "rows.feather",
    "rows.arrow", "rows.json", "rows.ndjson", "rows.yaml", "rows.xml", "rows.html", "chart.svg", "chart.png",
    "chart.jpg", "chart.gif", "chart.tiff", "chart.webp", "chart.pdf", "report.docx", "report.pptx", "report.odt",
    "report.rtf", "report.md", "notebook.ipynb", "code.py", "code.R", "model.pickle", "model.joblib", "model.onnx",
    "model.h5", "all.zip", "all.tar", "all.tar.gz", "all.7z", "rows.db", "rows.duckdb", "rows.sqlite", "rows.dta",
    "rows.sas7bdat", "rows.sav", "rows.npz", "disk.img", ".hidden", "request.json.bak", "REQUEST.JSON",
    f"{HIDDEN}.json", "line\nbreak.csv", "-rf", "\u202egpj.csv",
]  # fmt: skip


def test_there_are_at_least_eighty() -> None:
    assert len(SPELLINGS) + len(CHANGES) + len(BESIDE) >= 120
    assert len(SPELLINGS) + len(CHANGES) >= 70


@pytest.mark.parametrize("carrier", [*SPELLINGS, *CHANGES])
def test_nothing_hidden_in_a_request_comes_out(
    project: Project, honest: Body, clean: dict[str, bytes], tmp_path: Path, carrier: str
) -> None:
    body = deepcopy(honest)
    if carrier in CHANGES:
        CHANGES[carrier](body)
        content = dumped(body)
    else:
        content = SPELLINGS[carrier](body)
        assert content != dumped(body), "the carrier carries nothing"
    files, rules = files_of(project, content, tmp_path)
    if rules <= {"derived-column", "hierarchy"}:
        assert files == clean
    else:
        assert rules - {"derived-column", "hierarchy"}
    assert not [name for name, written in files.items() if HIDDEN.encode() in written and rules == set()]


@pytest.mark.parametrize("where", ["beside the request", "in the outbox"])
def test_no_file_beside_a_request_is_even_read(honest: Body, tmp_path: Path, where: str) -> None:
    folder = tmp_path / "out-000000000000"
    folder.mkdir()
    (folder / "request.json").write_bytes(dumped(honest))
    for count in range(0, len(BESIDE), 40):  # an outbox of more than fifty entries is not read to its end
        for name in BESIDE[count : count + 40]:
            ((folder if where == "beside the request" else tmp_path) / name).write_bytes(HIDDEN.encode())
        collected = egress.collect(tmp_path)
        assert [taken.content for taken in collected.taken] == [dumped(honest)]
        assert len(collected.findings) == len(BESIDE[count : count + 40])
        assert {finding.rule for finding in collected.findings} == {"loose-file"}
        for name in BESIDE[count : count + 40]:
            ((folder if where == "beside the request" else tmp_path) / name).unlink()


def test_what_is_written_twice_is_the_same_bytes(
    project: Project, honest: Body, clean: dict[str, bytes], tmp_path: Path
) -> None:
    assert files_of(project, dumped(honest), tmp_path)[0] == clean


def test_no_formula_is_left_in_a_workbook(project: Project, honest: Body, tmp_path: Path) -> None:
    import openpyxl

    body = deepcopy(honest)
    label("=HYPERLINK(A1)")(body)
    files, rules = files_of(project, dumped(body), tmp_path)
    assert "derived-column" in rules
    book = openpyxl.load_workbook(tmp_path / "out_tables.xlsx")
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "inlineStr", "n"}
    assert b"'=HYPERLINK" in files["out_1.csv"] and b",=HYPERLINK" not in files["out_1.csv"]
