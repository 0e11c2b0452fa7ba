"""What the virus scanner finds, or does not answer for, is not taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enclave.errors import Refused
from enclave.intake.scanner import OVERLAP, PIECE, scan
from tests.clamd import MARK, SIGNATURE, Clamd

SDE = "SDE.0034.04_11_2022.matching"


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    scanner = Clamd.start()
    yield scanner
    scanner.stop()


def scanned_by(world: Any, scanner: Path) -> Any:
    world.settings = world.settings.model_copy(update={"scanner": scanner})
    return world


def rules(error: Any) -> list[str]:
    return [finding.rule for finding in error.findings]


def test_a_clean_file_is_taken_and_its_entry_names_the_scanner(world: Any, clamd: Clamd) -> None:
    held = scanned_by(world, clamd.socket).send(SDE, world.people("SDE", 20))
    with world.store.view() as view:
        (entry,) = view.entries(action="intake.receive")
    assert entry["object"] == held.id and entry["details"]["scanned_by"].startswith("ClamAV 1.")


def test_a_file_with_malware_is_turned_away(world: Any, clamd: Clamd) -> None:
    rows = world.people("SDE", 20)
    rows[7][2] = MARK
    error = scanned_by(world, clamd.socket).turned_away(world.seal(world.write(SDE, rows)), Refused)
    assert rules(error) == ["malware"] and SIGNATURE in str(error)


def test_without_an_answer_nothing_is_taken_until_there_is_one(world: Any, clamd: Clamd) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    assert rules(scanned_by(world, world.root / "none").turned_away(sealed, Refused)) == ["not-scanned"]
    small = Clamd.start(longest="1K")
    assert rules(scanned_by(world, small.socket).turned_away(sealed, Refused)) == ["not-scanned"]
    small.stop()
    assert scanned_by(world, clamd.socket).receive(sealed).rows == 20


@pytest.mark.parametrize("place", [PIECE - len(MARK) // 2, PIECE + 1, 2 * PIECE - OVERLAP - 3])
def test_nothing_hides_on_a_border_or_behind_the_first_piece(tmp_path: Path, clamd: Clamd, place: int) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"\n".ljust(place, b".") + MARK.encode() + b".\n")
    with pytest.raises(Refused) as caught:
        scan(plain, clamd.socket, SDE)
    assert rules(caught.value) == ["malware"]
