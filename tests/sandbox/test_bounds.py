"""A folder with a size: what may be written into it, and that it goes with everything in it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.scratch import Bounds, bound, is_bound, wipe, within_reach

SMALL = Bounds(2**20, 20, executable=False)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "a place"
    made.mkdir()
    yield made
    wipe(made)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
class TestOfRoot:
    """With a file system of its own."""

    def test_it_is_full_before_the_machine_is(self, folder: Path) -> None:
        assert bound(folder, SMALL)
        assert is_bound(folder) and within_reach(folder)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            (folder / "large").write_bytes(bytes(2**21))
        (folder / "large").unlink()
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            for number in range(21):
                (folder / str(number)).touch()

    def test_programs_devices_and_set_user_id_do_nothing_in_it(self, folder: Path) -> None:
        bound(folder, SMALL)
        flags = os.statvfs(folder).f_flag
        assert flags & os.ST_NOEXEC and flags & os.ST_NODEV and flags & os.ST_NOSUID

    def test_it_is_wiped_with_what_is_mounted_in_it(self, folder: Path) -> None:
        bound(folder, Bounds(0, 0))
        (folder / "within").mkdir()
        bound(folder / "within", SMALL)
        (folder / "within" / "row").write_text("row")
        held = os.open(folder / "within", os.O_RDONLY)
        wipe(folder)
        assert not folder.exists()
        # whoever holds on to the file system holds nothing
        assert os.listdir(held) == []  # noqa: PTH208 - a descriptor
        os.close(held)


def test_where_it_cannot_be_mounted_it_is_counted(folder: Path) -> None:
    for number in range(20):
        (folder / str(number)).write_bytes(b"x")
    assert not SMALL.exceeded_by(folder)
    (folder / "one more").touch()
    assert SMALL.exceeded_by(folder)


def test_a_file_with_holes_counts_for_what_it_takes(folder: Path) -> None:
    (folder / "sparse").touch()
    os.truncate(folder / "sparse", 2**30)
    assert not SMALL.exceeded_by(folder)
    (folder / "full").write_bytes(os.urandom(2**20 + 1))
    assert SMALL.exceeded_by(folder)
