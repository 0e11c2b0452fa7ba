"""A file that does not fit into the runtime tmpfs is refused before it is opened, and received when there is room.

Source: EM XV; DSA III.B.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from enclave.errors import Refused
from enclave.scratch import Bounds, bound

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a memory of a few pages is root's to make")
SDE = "SDE.0034.04_11_2022.matching"


def test_a_file_without_room_is_refused_unopened_and_taken_when_there_is(world: Any, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    sealed = world.seal(world.write(SDE, world.people("SDE", 4000)))
    before = sealed.read_bytes()
    plenty = world.settings
    assert bound(small, Bounds(2 * len(before) - 2**16, 100))
    try:
        world.settings = plenty.model_copy(update={"runtime": small})
        refused = world.turned_away(sealed, Refused)
        assert [(f.rule, f.clause) for f in refused.findings] == [("room", "EM XV")]
        assert "in memory" in refused.findings[0].what
        assert sealed.read_bytes() == before
        assert list(small.rglob("plain")) == []
        larger = f"remount,size={8 * len(before) + 2**25}"
        subprocess.run(["mount", "-o", larger, small], check=True)
        assert world.receive(sealed).rows == 4000
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)
