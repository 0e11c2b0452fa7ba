"""The bytes of a request are read in a sandbox of their own, and nothing it answers is believed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from threading import Event, Thread

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enclave.egress.reading import LARGEST, LONGEST, answer_apart, read_apart
from enclave.errors import Invalid
from enclave.sandbox import Bubblewrap
from p20kit.errors import RequestInvalid
from p20kit.message import BEGUN, MALFORMED, READ, answered, pack, unpack
from p20kit.request import Request, read_request
from tests.attack.asking import Body, asked, judged, one
from tests.spelled import written
from tests.world import Installation

BY = ("ManufacturingStudent", "RaceEthnicityReportingText")
TOO_LONG = 120
"""Seconds after which a reader that should have been ended is relieved."""
CODE = ["x = 'left' + 'right'", "y = 'Total of all'"]


@pytest.fixture(scope="module")
def honest(delivered: Installation, students: pd.DataFrame) -> Body:
    return asked(delivered, one(students, BY), planned_on="2030-01-02", notebook=CODE)


@pytest.fixture(scope="module")
def message(honest: Body) -> bytes:
    return pack(read_request(written(honest)))


def same(one: Request, other: Request) -> bool:
    return pack(one) == pack(other) and one.words == other.words


def test_what_is_read_apart_is_what_was_written(delivered: Installation, honest: Body) -> None:
    content = written(honest)
    read = read_apart(delivered.enclave.settings, content)
    assert same(read, read_request(content))
    assert read.words == {"left", "right", "Total of all"}
    assert read.planned_on is not None and read.tables[0].as_table().total == len(
        honest["tables"][0]["basis"]["P20ID"]
    )


def test_what_is_malformed_is_said_in_the_words_of_the_format(delivered: Installation, honest: Body) -> None:
    """The findings are those of who reads it in the same process: which rule, where, and never a value."""
    content = written(honest | {"surprise": "a secret", "tables": [{**honest["tables"][0], "margins": 7}]})
    with pytest.raises(RequestInvalid) as here:
        read_request(content)
    with pytest.raises(Invalid) as there:
        read_apart(delivered.enclave.settings, content)
    told = [(f.rule, f.where, f.what, f.next) for f in there.value.findings]
    assert told == [(f.rule, f.where, f.what, f.next) for f in here.value.findings]
    assert len(told) > 1 and "secret" not in str(there.value)


@pytest.mark.parametrize(
    "limits", [{"memory": 600 << 20}, {"seconds": 0.01}], ids=["it eats memory", "it takes too long"]
)
def test_a_request_that_cannot_be_read_is_refused_and_the_gate_goes_on(
    delivered: Installation, honest: Body, limits: dict[str, float]
) -> None:
    made = delivered.enclave.settings
    content = b"[" + b"[]," * (20 << 20) + b"[]]"
    with pytest.raises(Invalid) as refused:
        read_apart(made, content, **limits)
    (finding,) = refused.value.findings
    assert finding.rule == "unreadable" and finding.next
    assert list(Bubblewrap(made.runtime).running()) == [] and list(made.runtime.glob("scratch-reading-*")) == []
    assert judged(delivered, {**honest, "planned_on": None}).verdict == "cleared"


def test_how_long_a_request_may_take_is_the_callers_to_say(delivered: Installation, honest: Body) -> None:
    """A request that would be read, in less time than any reader needs to begin."""
    with pytest.raises(Invalid, match=r"took more than 0\.01 seconds"):
        read_apart(delivered.enclave.settings, written(honest), seconds=0.01)


def test_a_reader_that_does_not_end_is_ended(delivered: Installation, honest: Body, tmp_path: Path) -> None:
    """It is held: nobody writes what it reads. Were it let be for longer, it would be relieved and come to an end."""
    tmp_path.chmod(0o755)
    held, answer, over = tmp_path / "request.json", tmp_path / "answer", Event()
    os.mkfifo(held, 0o644)

    def relieve() -> None:
        if not over.wait(TOO_LONG):
            held.write_bytes(written(honest))

    Thread(target=relieve, daemon=True).start()
    runtime = delivered.enclave.settings.runtime
    try:
        code = answer_apart(delivered.enclave.settings, held, answer, seconds=1, memory=LARGEST)
    finally:
        over.set()
    assert code is None and answer.read_bytes() in (b"", BEGUN)
    assert list(Bubblewrap(runtime).running()) == []


def test_the_limits_are_those_that_were_decided() -> None:
    decided = (Path(__file__).parents[2] / "docs/decisions/0025-what-the-gate-reads-and-remembers.md").read_text()
    assert f"{LARGEST >> 30} GiB, {LONGEST} seconds" in decided
    assert {LONGEST, LARGEST} <= {p.default for p in signature(read_apart).parameters.values()}


def test_a_request_that_holds_no_columns_is_judged_as_any_other(delivered: Installation, honest: Body) -> None:
    text = {"name": "a", "title": "", "markdown": "plain"}
    content = json.dumps({**honest, "tables": [], "columns": [], "texts": [text], "models": []}).encode()
    assert same(read_apart(delivered.enclave.settings, content), read_request(content))


LIES: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda said: b"",
    "another kind": lambda said: b"?" + said[1:],
    "one byte less": lambda said: said[:-1],
    "one byte more": lambda said: said + b"\0",
    "a row beyond its values": lambda said: said[:-4] + b"\xff\xff\xff\x7f",
    "half of it": lambda said: said[: len(said) // 2],
    "a head of many MiB": lambda said: said[:1] + b"\xff" * 8 + said[9:],
    "findings that are none": lambda said: MALFORMED + b"[]",
    "findings with lines of their own": lambda said: MALFORMED + b'[{"where": "request", "what": "two\\nlines"}]',
    "findings in a place of their own": lambda said: MALFORMED + b'[{"where": "a b", "what": "x"}]',
    "findings without end": lambda said: MALFORMED + json.dumps([{"where": "", "what": "x"}] * 2_000).encode(),
    "a policy of its own": lambda said: said.replace(b'"project": "DR-0034"', b'"project": "DR\\n0034"', 1),
    "a label with a line break": lambda said: said.replace(b"White\n", b"Wh\nte\n", 1),
    "a label that is not UTF-8": lambda said: said.replace(b"White\n", b"Whi\xff\xfe\n", 1),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_reader_that_lies_is_not_believed(message: bytes, lie: str) -> None:
    """Who took over the reader can answer what they like; what is no request in every detail is refused."""
    said = LIES[lie](READ + message)
    assert said != READ + message
    with pytest.raises(RequestInvalid):
        answered(memoryview(said))


@settings(max_examples=200)
@given(st.data())
def test_any_other_message_is_refused_or_a_request(message: bytes, data: st.DataObject) -> None:
    changed = bytearray(message)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        unpack(bytes(changed))
    except RequestInvalid as refused:
        assert refused.findings


def test_the_mark_stands_before_everything_else(message: bytes) -> None:
    assert BEGUN.endswith(b"\n") and not message.startswith(BEGUN)
