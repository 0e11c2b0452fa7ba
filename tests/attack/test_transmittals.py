"""Mutants of honest transmittals: some here, a million with the command."""

from __future__ import annotations

from pathlib import Path

from tests.attack.faults import ANYTHING
from tests.attack.transmittals import KINDS, SDE, STAGES, Received

MUTANTS, FAULTY = 600, 20


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


def test_a_partys_own_keys_do_not_make_a_manifest_true(tmp_path: Path) -> None:
    received = Received(tmp_path)
    for untrue in (*ANYTHING, {"name": "DOL.0034.04_11_2022.matching"}, {"rows": 11}, {"elements": ["SASID"]}):
        received.turn_away(str(untrue)[:60], SDE, received.misstate(SDE, untrue))
    received.finish()
