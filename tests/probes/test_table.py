"""The table of attempts is what the documentation says, and what stays open is signed."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.probes.table import NEEDS_MOUNTS, OPEN, SIGNED_IN, document, seal, table, wrong

ROOT = Path(__file__).parents[2]


def test_the_documentation_is_the_table() -> None:
    assert (ROOT / "docs" / "probes.md").read_text("utf-8") == document()


def test_there_are_a_hundred_and_each_has_a_name_of_its_own() -> None:
    names = [line.name for line in table()]
    assert len(names) >= 100
    assert len(set(names)) == len(names)
    assert set(OPEN) | NEEDS_MOUNTS <= set(names)


def test_each_names_a_test_that_is_there() -> None:
    for test in {line.test for line in table()}:
        place, _, name = test.partition("::")
        assert callable(getattr(importlib.import_module(place.removesuffix(".py").replace("/", ".")), name))


def test_at_most_three_stay_open_and_they_are_signed() -> None:
    assert len(OPEN) <= 3
    signed = (ROOT / SIGNED_IN).read_text("utf-8")
    assert seal() in signed
    assert all(name in signed for name in OPEN)


def test_an_attempt_that_nobody_made_or_that_went_through_is_wrong() -> None:
    assert wrong({}, "code inside")["vsock"] == "not tried"
    assert wrong({"vsock": "open"}, "code inside")["vsock"] == "open"
    assert "vsock" not in wrong({"vsock": "EAFNOSUPPORT"}, "code inside")
