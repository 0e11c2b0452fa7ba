"""What all processes of a sandbox together may use, held by the kernel's control groups where they can be made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from enclave.sandbox import Bubblewrap, Limits, Sandboxes, groups, python
from tests.probes.host import HOLD_MUCH, Host, laid_out

LIMITS = Limits(memory_bytes=384 * 2**20, processes=50, cpus=0.5)


def writable() -> bool:
    tried = groups.make(f"enclave-test-{os.getpid()}", LIMITS) if os.geteuid() == 0 else groups.NONE
    tried.remove()
    return tried != groups.NONE


@pytest.fixture
def host() -> Iterator[Host]:
    with laid_out() as found:
        yield found
        Sandboxes(found.folder / "run").reap(())


@pytest.mark.skipif(not writable(), reason="no control groups can be made: limits of processes remain")
class TestOfTheKernel:
    """With real groups."""

    def test_memory_is_limited_for_all_processes_together(self, host: Host) -> None:
        spec = replace(host.spec(""), command=(python(), "-c", HOLD_MUCH), limits=LIMITS)
        Bubblewrap(host.folder / "run").start(spec).wait(60)
        assert 1 <= int((host.scratch / "out").read_text()) <= 4

    def test_every_process_inside_is_in_the_groups_and_they_go_with_it(self, host: Host) -> None:
        sandboxes = Bubblewrap(host.folder / "run")
        sandbox = sandboxes.start(replace(host.spec(""), command=("/usr/bin/sleep", "999"), limits=LIMITS))
        name = f"{sandbox.name}-{sandbox.uid}"
        lines = Path(f"/proc/{sandbox.pid}/cgroup").read_text().splitlines()
        inside = {line.split(":", 2)[1] for line in lines if line.endswith(f"/enclave/{name}")}
        assert inside in ({"memory", "pids", "cpu"}, {""})
        made = [path for path in Path("/sys/fs/cgroup").glob(f"**/enclave/{name}") if path.is_dir()]
        assert len(made) == len(inside)
        sandbox.kill()
        assert not [path for path in made if path.exists()]

    def test_what_nobody_is_in_is_removed_at_the_next_start(self, host: Host) -> None:
        left = groups.make(f"enclave-test-{os.getpid()}-left", LIMITS)
        for folder in left.folders:
            os.utime(folder, (0, 0))
        groups.make(f"enclave-test-{os.getpid()}-next", LIMITS).remove()
        assert not [folder for folder in left.folders if folder.exists()]


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    made = laid(tmp_path, {
        "memory/enclave/x": ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes"),
        "pids/enclave/x": ("pids.max",),
        "cpu/enclave/x": ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    })  # fmt: skip
    assert groups.make("x", LIMITS, tmp_path).doors == tuple(folder / "cgroup.procs" for folder in made)
    assert written(tmp_path) == {
        "memory.limit_in_bytes": "402653184",
        "memory.memsw.limit_in_bytes": "402653184",
        "pids.max": "50",
        "cpu.cfs_quota_us": "50000",
        "cpu.cfs_period_us": "100000",
    }


def test_version_2_has_one_folder_and_hands_the_controllers_down(tmp_path: Path) -> None:
    """The words are the kernel's documentation's; on a machine with version 1 they are tried on plain files."""
    made = laid(tmp_path, {"enclave/x": ("memory.max", "memory.swap.max", "pids.max", "cpu.max")})
    (tmp_path / "cgroup.controllers").touch()
    assert groups.make("x", LIMITS, tmp_path).folders == tuple(made)
    assert written(tmp_path) == {
        "cgroup.controllers": "",
        "cgroup.subtree_control": "+memory +pids +cpu",
        "memory.max": "402653184",
        "memory.swap.max": "0",
        "pids.max": "50",
        "cpu.max": "50000 100000",
    }


def test_where_they_cannot_be_made_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file where a folder should be")
    assert groups.make("x", LIMITS, tmp_path) == groups.NONE


def laid(root: Path, files: dict[str, tuple[str, ...]]) -> list[Path]:
    for folder, names in files.items():
        (root / folder).mkdir(parents=True)
        for name in names:
            (root / folder / name).touch()
    return [root / folder for folder in files]


def written(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in root.rglob("*") if path.is_file()}
