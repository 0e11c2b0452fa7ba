"""The first thing a newcomer to linkage runs: the approved notebook on records whose truth is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo import match


def test_a_newcomer_matches_two_pairs_of_files_and_reads_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(match, "JOBS", tmp_path)
    assert match.main() == 0
    said = capsys.readouterr().out
    assert said.count("false matches") == said.count("missed matches") == 2
    for name in ("febrl4", "agencies"):
        out = match.JOBS / name / "out"
        assert (out / "match_pair.pdf").read_bytes()[:5] == b"%PDF-"
        assert "Match report" in (out / "match_pair.html").read_text("utf-8")
