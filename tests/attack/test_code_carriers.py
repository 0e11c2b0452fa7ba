"""Carriers in code: what a person could not read in it is refused, and what is no syntax does not come out."""

from __future__ import annotations

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from enclave import egress
from enclave.egress.render import Leaving, render
from enclave.resultant import Delivery
from p20kit import open_project, preflight, request_release
from p20kit.errors import RequestInvalid
from p20kit.project import Project
from p20kit.request import read_request
from p20kit.sharing import code_asked
from tests.attack.asking import asked as asked_of
from tests.attack.asking import cleared, judged, mounted, one, sent
from tests.conftest import At
from tests.disclosure.projects import a_project
from tests.disclosure.test_code import TEXT

Body = dict[str, Any]
NOTHING = Delivery("DR-0034", "", "", 900, date(2022, 4, 11), ())
HONEST = '''"""Count who takes part."""
from p20kit import Rate, open_project, tabulate
LIMIT = 6
project = open_project()
people = project.frame("sde")
people["Group"] = people["Gender"].map({"F": "women", "M": "men"})
table = tabulate(people, ["Group"], [Rate("ManufacturingStudent", "Y")], name="by group")
'''
PERSON = "P20-0000000000000007"
BLOB = base64.b85encode(b"Hemlock has 3 of 7").decode()
LINE = base64.b64encode(b"Hemlock has 3 of 7").decode()

SAME = {
    "comments": HONEST.replace("LIMIT = 6", "LIMIT = 6  # of 4711"),
    "a line of comment": f"# {PERSON}\n{HONEST}",
    "blanks at the ends of lines": HONEST.replace("\n", " \t \n"),
    "empty lines": HONEST.replace("\n", "\n\n\n"),
    "blanks within lines": HONEST.replace(" = ", "   =  "),
    "tabs": HONEST.replace(" = ", "\t=\t"),
    "form feeds": HONEST.replace("LIMIT", "\f\nLIMIT"),
    "lines that go on": HONEST.replace("LIMIT = 6", "LIMIT = \\\n  6"),
    "brackets nobody needs": HONEST.replace("LIMIT = 6", "LIMIT = (((6)))"),
    "commas nobody needs": HONEST.replace('name="by group")', 'name="by group",)'),
    "semicolons": HONEST.replace("LIMIT = 6\nproject", "LIMIT = 6; project"),
    "quotes": HONEST.replace('"sde"', "'sde'"),
    "escapes in texts": HONEST.replace('"sde"', r'"\x73\u0064\N{LATIN SMALL LETTER E}"'),
    "raw texts": HONEST.replace('"sde"', 'r"sde"'),
    "marks of texts": HONEST.replace('"sde"', 'u"sde"'),
    "texts in pieces": HONEST.replace('"sde"', '"s" "d" "e"'),
    "numbers of another base": HONEST.replace("LIMIT = 6", "LIMIT = 0b110"),
    "underlines in numbers": HONEST.replace("LIMIT = 6", "LIMIT = 0x_6"),
    "letters that are normalised": HONEST.replace("LIMIT", "LIMI\uff34"),
    "a byte order mark": f"\ufeff{HONEST}",
    "ends of lines": HONEST.replace("\n", "\r\n"),
    "a remark about types": HONEST.replace("LIMIT = 6", "LIMIT = 6  # type: 'Hemlock'"),
    "a remark about the encoding": f"# -*- coding: utf-8 4711 -*-\n{HONEST}",
}

REFUSED = {
    "the id of a person": ("person-id", f"x = '{PERSON}'"),
    "an id within a word": ("person-id", f"x = 'a{PERSON}b'"),
    "an id in capitals of its own": ("person-id", f"x = '{PERSON.lower()}'"),
    "an id in an explanation": ("person-id", f'"""Look at {PERSON}."""'),
    "an id in pieces": ("person-id", f"x = '{PERSON[:12]}' + '{PERSON[12:]}'"),
    "a generic id": ("person-id", f"x = '{PERSON[::-1]}'"),
    "a long number": ("code-number", "x = 12345678"),
    "a number of many places": ("code-number", "x = 0.47114711"),
    "a number beyond all measure": ("code-number", "x = 3e300"),
    "figures in a list": ("code-figures", f"x = {list(range(40, 61))}"),
    "figures in rows": ("code-figures", "x = [" + "[3, 4], " * 11 + "]"),
    "figures of a mapping": ("code-figures", "x = {" + ", ".join(f"'g{n}': {n}" for n in range(21)) + "}"),
    "figures of a call": ("code-figures", "f(" + ", ".join(f"x{chr(97 + n)}={n}" for n in range(21)) + ")"),
    "figures added up": ("code-figures", "x = " + " + ".join(["3"] * 21)),
    "figures one by one": ("code-figures", "\n".join(["x = 3"] * 121)),
    "figures in a text": ("code-figures", "x = '" + "3 4 " * 11 + "'"),
    "figures in an explanation": ("code-figures", '"""' + "3 4 " * 11 + '"""'),
    "figures in a formatted text": ("code-figures", "x = f'{y} " + "3 4 " * 11 + "'"),
    "digits in a text": ("code-text", "x = '4711471'"),
    "digits in a name": ("code-name", "x4711471 = 1"),
    "digits spread in a name": ("code-name", "a4b7c1d1e4f7g1 = 1"),
    "a long name": ("code-name", "x" * 41 + " = 1"),
    "an encoded name": ("code-name", "deadbeefdeadbeef = 1"),
    "an attribute with digits": ("code-name", "x.y4711471"),
    "a keyword with digits": ("code-name", "f(y4711471=1)"),
    "an imported name with digits": ("code-name", "import a.y4711471 as z"),
    "a label of a loop": ("code-name", "def f():\n    global y4711471"),
    "base 64": ("code-encoded", f"x = '{LINE}'"),
    "base 85": ("code-encoded", f"x = '{BLOB}'"),
    "hexadecimal": ("code-encoded", "x = 'cafe4711cafe4711'"),
    "a key": ("code-secret", "x = '-----BEGIN PRIVATE KEY-----'"),
    "a password": ("code-secret", "password = 'open'"),
    "a password of a call": ("code-secret", "connect(api_key='open')"),
    "a password in a text": ("code-secret", "x = 'user=a password=open'"),
    "a password of an attribute": ("code-secret", "self.token = 'open'"),
    "a password in a mapping": ("code-secret", "x = {'password': 'open'}"),
    "a password at a place": ("code-secret", "x['password'] = 'open'"),
    "a path": ("code-place", "x = '/home/rae/rows.csv'"),
    "a home": ("code-place", "x = '~/rows.csv'"),
    "a drive": ("code-place", "x = 'C:/rows.csv'"),
    "an address": ("code-place", "x = 'https://example.org/rows'"),
    "a mailbox": ("code-place", "x = 'rae@example.org'"),
    "an address of a machine": ("code-place", "x = '10.0.0.1'"),
    "a text beyond ASCII": ("code-text", "x = 'caf\u00e9'"),
    "an invisible letter": ("code-text", "x = 'a\u200bb'"),
    "an escaped letter": ("code-text", r"x = 'a\x00b'"),
    "a long text": ("code-text", "x = '" + "no " * 700 + "'"),
    "a long word": ("code-text", "x = '" + "x" * 31 + "'"),
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(a_project(tmp_path_factory.mktemp("project")))


def came_out(project: Project, source: str, folder: Path) -> tuple[dict[str, bytes], set[str]]:
    """Give what the gate would write of a script, and what is found; nothing where it is refused."""
    folder.mkdir(exist_ok=True)
    (folder / "count.py").write_bytes(source.encode())
    code: dict[str | Path, str] = {folder / "count.py": "MIT"}
    path = request_release(code=code, project=project, outbox=folder / "outbox", **TEXT)
    request = read_request(path.read_bytes())
    verdict = preflight(request, project=project)
    rules = {finding.rule for finding in verdict.findings}
    if rules or verdict.released is None:
        return {}, rules
    assert verdict.verdict == "needs-review"
    artefacts = render(Leaving(request, verdict.released, (), NOTHING, "Data Request DR-0034."), "out", folder)
    return {artefact.name: (folder / artefact.name).read_bytes() for artefact in artefacts}, rules


@pytest.fixture(scope="module")
def clean(project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    files, rules = came_out(project, HONEST, tmp_path_factory.mktemp("clean"))
    assert rules == set() and set(files) == {"out_code_1.py", "out_code_1.html"}
    return files


@pytest.mark.parametrize("carrier", SAME)
def test_what_is_no_syntax_does_not_come_out(
    project: Project, clean: dict[str, bytes], tmp_path: Path, carrier: str
) -> None:
    assert SAME[carrier] != HONEST, "the carrier carries nothing"
    assert came_out(project, SAME[carrier], tmp_path)[0] == clean


@pytest.mark.parametrize("carrier", REFUSED)
def test_what_a_person_could_not_read_is_refused(project: Project, tmp_path: Path, carrier: str) -> None:
    rule, source = REFUSED[carrier]
    files, rules = came_out(project, f"{source}\n", tmp_path)
    assert rule in rules and files == {}


def test_a_request_says_its_code_in_one_way(project: Project, tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(HONEST, "utf-8")
    path = request_release(code={tmp_path / "count.py": "MIT"}, project=project, outbox=tmp_path / "outbox", **TEXT)
    body: Body = json.loads(path.read_text("utf-8"))

    def malformed(**change: object) -> None:
        changed = body | {"code": [body["code"][0] | change]}
        with pytest.raises(RequestInvalid):
            read_request(json.dumps(changed))

    read_request(json.dumps(body))
    cells = body["code"][0]["cells"]
    malformed(source=HONEST)
    malformed(name="count 4711")
    malformed(licence="all rights reserved")
    malformed(form="listing")
    malformed(cells=[])
    malformed(cells=[[]])
    malformed(cells=cells * 2)
    malformed(cells=[[*cells[0], {"Expr": [{"Name": ["x # 4711"]}]}]])
    malformed(form="notebook", cells=cells * 150)
    malformed(title="a\u202eb")


def test_the_gate_clears_code_that_a_person_read_and_asks_every_agency(shared: At, tmp_path: Path) -> None:
    made = shared("delivered")
    (tmp_path / "count.py").write_text(f"{HONEST}# 4711\n", "utf-8")
    (code,) = code_asked({tmp_path / "count.py": "MIT"})
    (request,) = sent(made, asked_of(made, code=[code]))
    clearance = cleared(made, request)
    assert isinstance(clearance, egress.Clearance) and set(clearance.agencies) == set(made.policy().agencies)
    folder = egress.rendered(made.enclave.settings, request)
    text = (folder / f"{request}_code_1.py").read_text("utf-8")
    assert clearance.record["licences"] == {"code_1.py": "MIT"} and "LIMIT = 6\n" in text and "4711" not in text


def test_words_beside_one_agencys_table_are_confirmed_by_every_agency(shared: At) -> None:
    made = shared("delivered")
    table, text = (
        one(mounted(made, "sde"), ("Gender",)),
        {"name": "text 1", "title": "A word", "markdown": "Half of them."},
    )
    assert judged(made, asked_of(made, table)).agencies == ("SDE",)
    assert set(judged(made, asked_of(made, table, texts=[text])).agencies) == set(made.policy().agencies)
