"""What a sandbox could want of the host, laid out for the probes, and the judgement of their answers."""

from __future__ import annotations

import json
import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event, Thread

from enclave.egress import Listening
from enclave.sandbox import Limits, Mount, SandboxSpec
from enclave.scratch import Bounds, bound, wipe
from p20kit.asking import Given
from tests.probes.inside.base import Told
from tests.probes.sink import Sink, listening, own_address

INSIDE = Path(__file__).parent / "inside"
SMALL = Limits(memory_bytes=8 * 1024**3, processes=120, file_bytes=2**30, tmp_bytes=64 * 2**20)
OUTBOX = Bounds(64 * 2**20, 2_000, executable=False)

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
    """A secret, a project's data, a scratch with an outbox, and listening sockets."""

    def __init__(self, folder: Path, sink: Sink, mounts: bool) -> None:
        self.folder = folder
        self.sink = sink
        self.secret = folder / "other-project" / "secret-rows.txt"
        self.data = folder / "project" / "data"
        self.scratch = folder / "project" / "scratch"
        self.outbox = self.scratch / "outbox"
        self.ask = folder / "sessions" / "dr-0034-probe" / "ask"
        for place in (self.data.parent, self.ask.parent):
            place.mkdir(parents=True)
            if mounts:
                bound(place, Bounds(2**30, 10_000))  # as a session's place is
            place.chmod(0o755)
        for made in (self.secret.parent, self.data, self.outbox):
            made.mkdir(parents=True)
        self.bounded = mounts and bound(self.outbox, OUTBOX)
        unix = str(folder / "host.sock")
        told = Told(str(self.secret), unix, sink.port, os.getpid(), own_address(), sink.word)
        (self.scratch / "told.json").write_text(json.dumps(asdict(told)))
        self.secret.write_text("another project's row")
        (self.data / "rows.txt").write_text("row")
        # open to everybody: only the mount keeps a session from writing
        self.data.chmod(0o777)
        (self.data / "rows.txt").chmod(0o666)
        self.ask.mkdir(parents=True)
        self.questions = Listening(folder / "sessions", _whose)
        self.questions.round(0)
        self._over = Event()
        self._answering = Thread(target=self._answer)
        self._answering.start()
        self.unix = self._listening(unix)
        self.abstract = self._listening(f"\0enclave-probe-{sink.port}")

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """Return what the sandbox of the probes sees, as a session's does."""
        own = (Mount(self.outbox, "/home/analyst/outbox", writable=True),) if self.bounded else ()
        home = Mount(self.scratch, "/home/analyst", writable=True)
        asking = Mount(self.ask, "/run/enclave/ask")
        return (Mount(INSIDE, "/probes/inside"), Mount(self.data, "/project/data"), asking, home, *own)

    def spec(self, interpreter: str) -> SandboxSpec:
        """Return a sandbox that runs the probes and writes their answers into its scratch."""
        command = (interpreter, "-m", "inside")
        environment = {"PYTHONPATH": "/opt/enclave/lib:/probes"}
        return SandboxSpec("probe", command, self.mounts, environment, limits=SMALL)

    def answers(self) -> dict[str, str]:
        """Return what the probes answered; nothing they left is a way to more rights on the host."""
        for path in self.scratch.rglob("*"):
            assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
            assert not stat.S_ISBLK(path.lstat().st_mode) and not stat.S_ISCHR(path.lstat().st_mode)
            assert os.geteuid() != 0 or path.lstat().st_uid != 0
        found: dict[str, str] = json.loads((self.scratch / "answers.json").read_text())
        return found

    def close(self) -> None:
        """Stop listening."""
        for listener in (self.unix, self.abstract):
            listener.close()
        self._over.set()
        self._answering.join()
        self.questions.close()

    def _answer(self) -> None:
        while not self._over.is_set():
            self.questions.round(0.05)

    @staticmethod
    def _listening(address: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(address)
        listener.listen()
        return listener


def _whose(project: str, person: str, content: bytes) -> Given:
    return Given(id=project, sha256=person, left=len(content), columns={})


@contextmanager
def laid_out(*, mounts: bool = True) -> Iterator[Host]:
    """Give a host whose folder every uid can enter, and remove it; without mounts it is as an ordinary user's."""
    folder = Path(tempfile.mkdtemp(prefix="enclave-host-", dir="/tmp"))
    folder.chmod(0o755)
    with listening() as sink:
        host = Host(folder, sink, mounts)
        try:
            yield host
        finally:
            host.close()
            wipe(folder)
