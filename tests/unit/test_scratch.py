"""Plaintext stays in memory, in folders of our own, and goes.

Source: DSA III.B; DSA VI.H.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from enclave.errors import Fault
from enclave.scratch import alone, engine, in_use, prepare, scratch, wipe_leftovers


def test_a_runtime_folder_that_is_not_ours_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runtime").symlink_to("elsewhere")
    with pytest.raises(Fault, match="another account"), scratch(tmp_path / "runtime", "cut"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_in_use_is_left_alone_and_a_leftover_wiped(tmp_path: Path) -> None:
    prepare(tmp_path / "runtime")
    assert (tmp_path / "runtime").stat().st_mode & 0o777 == 0o711
    (tmp_path / "runtime" / "scratch-job-left").mkdir()
    with scratch(tmp_path / "runtime", "job") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert wipe_leftovers(tmp_path / "runtime") == 1 and folder.is_dir()
        assert in_use(tmp_path / "runtime", "job")
    assert not folder.exists() and not in_use(tmp_path / "runtime", "job")


def test_a_step_is_held_once_and_its_lock_is_ours(tmp_path: Path) -> None:
    with alone(tmp_path, "destruction") as held:
        assert held
        assert (tmp_path / "destruction.lock").stat().st_mode & 0o777 == 0o600
        with alone(tmp_path, "destruction", wait=False) as again:
            assert not again
    with alone(tmp_path, "destruction", wait=False) as later:
        assert later


def test_what_does_not_fit_in_memory_is_spilled_into_the_folder(tmp_path: Path) -> None:
    with engine(tmp_path) as connection:
        ((place,),) = connection.execute("select current_setting('temp_directory')").fetchall()
        assert Path(place).parent == tmp_path
