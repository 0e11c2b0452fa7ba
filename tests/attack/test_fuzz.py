"""Mutants of honest requests: two thousand here, a million with the command."""

from __future__ import annotations

from pathlib import Path

from tests.attack.fuzz import Judged

MUTANTS = 2_000


def test_no_mutant_breaks_the_judge_or_is_cleared_with_figures_of_its_own(tmp_path: Path) -> None:
    judged = Judged(tmp_path)
    for number in range(MUTANTS):
        judged.judge(number)
    assert sum(judged.came.values()) == MUTANTS
    # the mutants are near enough to the honest ones: each answer is given
    assert set(judged.came) == {"malformed", "as one before", "refused", "needs-review", "cleared"}
