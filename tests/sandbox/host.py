"""What a sandbox could want of the host, laid out for the probes, and the judgement of their answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enclave.sandbox import Limits, Mount, SandboxSpec

ROOM = Path(__file__).parent
SMALL = Limits(memory_bytes=8 * 1024**3, processes=120, file_bytes=2**30, tmp_bytes=64 * 2**20)

# Four processes each hold 256 MiB until all have tried; the file `out` says how many the kernel ended.
HOLD_MUCH = """
import os
ready, held, out = os.pipe(), os.pipe(), open('out', 'w')
for _ in range(4):
    if not os.fork():
        os.close(ready[0]); os.close(held[1]); full = b'x' * 256 * 2**20
        os.write(ready[1], b'1'); os.close(ready[1]); os.read(held[0], 1); os._exit(len(full) == 0)
os.close(ready[1])
while os.read(ready[0], 1): pass
os.close(held[1])
print(sum(os.waitstatus_to_exitcode(os.wait()[1]) == -9 for _ in range(4)), file=out)
"""


class Host:
    """A secret, a project's data and scratch, and listening sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = folder / "other-project" / "secret-rows.txt"
        self.data = folder / "project" / "data"
        self.scratch = folder / "project" / "scratch"
        for made in (self.secret.parent, self.data, self.scratch):
            made.mkdir(parents=True)
        self.secret.write_text("another project's row")
        (self.data / "rows.txt").write_text("row")
        # open to everybody: only the mount keeps a session from writing
        self.data.chmod(0o777)
        (self.data / "rows.txt").chmod(0o666)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = self._listening(str(folder / "host.sock"))
        self.abstract = self._listening(f"\0enclave-probe-{self.tcp.getsockname()[1]}")

    @property
    def told(self) -> tuple[str, ...]:
        """Return what the probes are told."""
        port = self.tcp.getsockname()[1]
        return (str(self.secret), str(self.folder / "host.sock"), str(port), str(os.getpid()))

    def spec(self, interpreter: str) -> SandboxSpec:
        """Return a sandbox that runs the probes and writes their answers into its scratch."""
        return SandboxSpec(
            "probe",
            (interpreter, "/probes/probes.py", *self.told),
            mounts=(
                Mount(ROOM, "/probes"),
                Mount(self.data, "/project/data"),
                Mount(self.scratch, "/home/analyst", writable=True),
            ),
            limits=SMALL,
        )

    def judge(self) -> None:
        """Hold the answers to it: nothing is open, and nothing in the scratch is a way to more rights on the host."""
        answers: dict[str, str] = json.loads((self.scratch / "answers.json").read_text())
        assert len(answers) >= 60
        assert {probe for probe, answer in answers.items() if answer == "open"} == set()
        for path in self.scratch.rglob("*"):
            assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
            assert os.geteuid() != 0 or path.lstat().st_uid != 0

    def close(self) -> None:
        """Stop listening."""
        for listener in (self.tcp, self.unix, self.abstract):
            listener.close()

    @staticmethod
    def _listening(address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
        return listener


@contextmanager
def laid_out() -> Iterator[Host]:
    """Give a host whose folder every uid can enter, and remove it."""
    folder = Path(tempfile.mkdtemp(prefix="enclave-host-", dir="/tmp"))
    folder.chmod(0o755)
    host = Host(folder)
    try:
        yield host
    finally:
        host.close()
        shutil.rmtree(folder)
