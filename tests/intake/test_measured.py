"""What the intake's benchmark measures is a file that the hub receives."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.custody_intake import prepare, read, receive
from enclave.scratch import wipe
from enclave.settings import defaults


@pytest.mark.sqlite("the benchmark's own home")
@pytest.mark.parametrize("contents", ["matching", "analytical"])
def test_the_measured_file_is_received_whole(tmp_path: Path, contents: str) -> None:
    home = tmp_path / "hub"
    assert prepare(home, contents, 1_000)["bytes"] > 100_000
    assert read(home, contents)["mib"] > 0
    assert receive(home, contents)["rows"] == 1_000
    wipe(Path(str(defaults(home)["runtime"])))
