"""A program inside tries to get out, as root's sandbox and as an ordinary user's; nothing may be open."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.sandbox import Bubblewrap, Limits, Mount, SandboxSpec, python

ROOM = Path(__file__).parent
REPOSITORY = ROOM.parent.parent
ORDINARY = 61_234
SMALL = Limits(memory_bytes=8 * 1024**3, processes=120, file_bytes=2**30, tmp_bytes=64 * 2**20)


class Host:
    """What a sandbox could want of the host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "other-project" / "secret-rows.txt"
        self.data = folder / "project" / "data"
        self.scratch = folder / "project" / "scratch"
        for made in (self.secret.parent, self.data, self.scratch):
            made.mkdir(parents=True)
        self.secret.write_text("another project's row")
        (self.data / "rows.txt").write_text("row")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = self._listening(str(folder / "host.sock"))
        self.abstract = self._listening("\0enclave-probe")

    def spec(self, name: str) -> SandboxSpec:
        told = (self.secret, self.folder / "host.sock", self.tcp.getsockname()[1], os.getpid())
        return SandboxSpec(
            name,
            (python(), "/probes/probes.py", *map(str, told)),
            mounts=(
                Mount(ROOM, "/probes"),
                Mount(self.data, "/project/data"),
                Mount(self.scratch, "/home/analyst", writable=True),
            ),
            limits=SMALL,
        )

    def close(self) -> None:
        for listener in (self.tcp, self.unix, self.abstract):
            listener.close()

    @staticmethod
    def _listening(address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
        return listener


@pytest.fixture
def host() -> Iterator[Host]:
    folder = Path(tempfile.mkdtemp(prefix="enclave-host-", dir="/tmp"))
    folder.chmod(0o755)
    found = Host(folder)
    yield found
    found.close()
    shutil.rmtree(folder)


def test_nothing_is_open(host: Host) -> None:
    with (host.folder / "answers").open("wb") as answers:
        sandboxes = Bubblewrap(host.folder / "run")
        assert sandboxes.start(host.spec("probe"), stdout=answers, stderr=sys.__stderr__).wait(120) == 0
    judge(host)


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the first test is the unprivileged one")
def test_nothing_is_open_when_an_ordinary_user_runs_the_hub(host: Host) -> None:
    """The code may lie where only root can go: what an ordinary user needs is copied to its place."""
    for path in (host.folder, *host.folder.rglob("*")):
        os.chown(path, ORDINARY, ORDINARY)
    if not readable_by_others(REPOSITORY) or not readable_by_others(Path(sys.prefix)):
        pytest.skip("the checkout lies under a folder that no ordinary user can enter")
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path; from enclave.sandbox import *; h = Path(sys.argv[1])\n"
        "limits = Limits(8 * 1024**3, 120, 2**30, 64 * 2**20)\n"
        "mounts = (Mount(Path(sys.argv[3]), '/probes'), Mount(h / 'project/data', '/project/data'),\n"
        "          Mount(h / 'project/scratch', '/home/analyst', True))\n"
        "spec = SandboxSpec('probe', (python(), '/probes/probes.py', *sys.argv[4:]), mounts, {}, limits)\n"
        "with (h / 'answers').open('wb') as out:\n"
        "    sys.exit(Bubblewrap(h / 'run').start(spec, stdout=out, stderr=sys.__stderr__).wait())\n"
    )
    drop = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
    told = host.spec("probe").command[2:]
    command = [*drop, python(), "-c", program, str(host.folder), str(REPOSITORY), str(ROOM), *told]
    subprocess.run(command, check=True, env={"PYTHONDONTWRITEBYTECODE": "1"}, timeout=120)
    judge(host)


def judge(host: Host) -> None:
    answers: dict[str, str] = json.loads((host.folder / "answers").read_text())
    assert len(answers) >= 60
    assert {probe for probe, answer in answers.items() if answer == "open"} == set()
    # What lies in the scratch afterwards is nobody's way to more rights on the host.
    for path in host.scratch.rglob("*"):
        assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
        assert os.geteuid() != 0 or path.lstat().st_uid != 0


def readable_by_others(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in (path, *path.parents))
