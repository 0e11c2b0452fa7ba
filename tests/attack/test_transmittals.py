"""Mutants of honest transmittals: some here, a million with the command."""

from __future__ import annotations

from pathlib import Path

from tests.attack.transmittals import KINDS, STAGES, Received

MUTANTS, FAULTY = 800, 20


def test_no_mutant_is_taken_and_the_honest_files_are(tmp_path: Path) -> None:
    received = Received(tmp_path)
    for number in range(MUTANTS):
        received.judge(number)
    for number in range(FAULTY):
        received.judge(number, "faulty")
    assert sum(received.came.values()) == MUTANTS + FAULTY
    # the mutants are near enough to the honest ones: they come as far as there is to come, each kind of them
    assert {where.partition(": ")[2] for where in received.came} == {"", *STAGES, "content"}
    assert {where.partition(":")[0] for where in received.came} == {"unchanged", *KINDS}
    received.finish()
