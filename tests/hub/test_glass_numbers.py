"""A workbench: the approved notebook's cells with other numbers, and nothing else of a person's."""

from __future__ import annotations

import pytest

from enclave.glass.approved import OTHER_CODE
from enclave.terms import ApprovedNotebook
from tests.hub import test_glass_approved as messages
from tests.hub.test_glass_approved import packed, run, unpacked

CELL = """\
job: str = "/job"  # directory of the match job
threshold: float = 0.9  # lowest match probability
seed: int = 34  # seed of the sample"""
WORKBENCH = ApprovedNotebook("match_pair.ipynb", frozenset({CELL, "import pandas"}), CELL)
DESK = ApprovedNotebook("match_pair.ipynb", frozenset({CELL, "import pandas"}))
OWN = "__import__('os')"


def gone_on(code: str, notebook: ApprovedNotebook = WORKBENCH) -> str | None:
    """Give the code that reaches the kernel."""
    verdict = messages.judged(packed(run(code)), notebook, packed=True)
    assert (verdict.inwards is None) == (verdict.refused == OTHER_CODE)
    return str(unpacked(verdict.inwards)["content"]["code"]) if verdict.inwards is not None else None


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("0.95", "0.95"), (".5", "0.5"), ("1", "1.0"), ("1e-3", "0.001"), ("-0.5", "-0.5"), ("2.", "2.0"),
        ("999999999999999", "999999999999999.0"),
    ],
)  # fmt: skip
def test_another_number_goes_on_written_anew(typed: str, written: str) -> None:
    code = CELL.replace("0.9", typed, 1)
    assert gone_on(code) == CELL.replace("0.9", written, 1)
    assert gone_on(code, DESK) is None
    assert gone_on(CELL, DESK) == CELL


def test_what_is_typed_beside_a_number_does_not_go_on() -> None:
    typed = CELL.replace("0.9", "0.95", 1).replace("# lowest match probability", f"# {OWN}")
    assert gone_on(typed) == CELL.replace("0.9", "0.95", 1)
    assert gone_on(CELL.replace("34", "007", 1)) == CELL.replace("34", "7", 1)


def with_line(number: int, line: str) -> str:
    lines = CELL.split("\n")
    return "\n".join([*lines[:number], line, *lines[number + 1 :]])


OTHERS = {
    "a word": with_line(0, 'job: str = "/tmp"  # directory of the match job'),
    "code for a number": with_line(1, f"threshold: float = {OWN}"),
    "a number and code": with_line(1, f"threshold: float = 0.9;{OWN}"),
    "a number and code after a space": with_line(1, f"threshold: float = 0.9 ; {OWN}"),
    "an expression": with_line(1, "threshold: float = 1/3"),
    "a comparison": with_line(1, "threshold: float = 0.9if(1)else(2)"),
    "no number": with_line(1, "threshold: float = nan"),
    "infinite": with_line(1, "threshold: float = 1e999"),
    "too long": with_line(2, f"seed: int = {'9' * 16}"),
    "hexadecimal": with_line(2, "seed: int = 0xff"),
    "a fraction for a whole number": with_line(2, "seed: int = 3.4"),
    "digits of another script": with_line(2, "seed: int = ٣٤"),
    "truth": with_line(2, "seed: int = True"),
    "underscores": with_line(2, "seed: int = 3_4"),
    "nothing": with_line(2, "seed: int = "),
    "another name": with_line(2, "seed2: int = 34"),
    "another type": with_line(2, "seed: float = 34"),
    "a call for a type": with_line(2, f"seed: {OWN} = 34"),
    "indented": with_line(2, "  seed: int = 35"),
    "a line more": f"{CELL}\n{OWN}",
    "a line less": CELL.rpartition("\n")[0],
    "a line within a comment": with_line(2, f"seed: int = 35  # x\r{OWN}"),
    "a line by another separator": with_line(2, f"seed: int = 35  # x\u2028{OWN}"),
    "lines in another order": "\n".join(reversed(CELL.split("\n"))),
    "one line twice": with_line(2, CELL.split("\n")[1]),
    "all of it as a comment": f"# {CELL}",
    "ends of lines of another system": CELL.replace("\n", "\r\n").replace("34", "35"),
    "very long": with_line(2, "seed: int = 35" + " " * 5000 + "# x"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_anything_but_a_number_is_not_sent(name: str) -> None:
    written = gone_on(OTHERS[name])
    assert written is None or (OWN not in written and written == CELL.replace("34", "35", 1))


def test_who_typed_more_reads_what_may_be_another() -> None:
    verdict = messages.judged(packed(run(OWN)), WORKBENCH, packed=True)
    assert any("A number of its first cell" in str(unpacked(part)["content"]) for part in verdict.back)
    verdict = messages.judged(packed(run(OWN)), DESK, packed=True)
    assert not any("A number of its first cell" in str(unpacked(part)["content"]) for part in verdict.back)
