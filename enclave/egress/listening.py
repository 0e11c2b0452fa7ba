"""The sockets through which sessions ask: one each, made by the hub, in a folder that a session mounts read-only.

Whose question it is follows from the socket it came through, never from what is said. One question of a session is
answered at a time, by a process of its own that ends with it: what it opened goes with it, and it can be ended. This
process reads no byte of a session.

Source: ExA 2.h; DSA I.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from enclave.analysis import ASK
from enclave.errors import EnclaveError, Fault
from enclave.scratch import within_reach
from enclave.terms import project_id
from p20kit.asking import Given, Reason, Reply
from p20kit.question import LARGEST

SOCKET = "ask.sock"
AT_ONCE = 4
"""Questions that are answered at the same time, of all sessions; who asked longest ago is next."""
SAYING, ANSWERING = 10.0, 300.0
"""Seconds that a session may take to say its question, and the hub to answer one."""
_DIE_WITH_PARENT = 1
_FAULT = "the hub could not answer; ask again, and tell the hub's staff if it stays so"

Answer = Callable[[str, str, bytes], Given]


@dataclass
class _Line:
    """The socket of one session, and the process that answers its question, if one does."""

    folder: Path
    listener: socket.socket
    inode: int
    child: int = 0
    ends: float = 0.0

    @property
    def stands(self) -> bool:
        """Whether the session is still the one that was listened to: the next has a folder of the same name."""
        try:
            return (self.folder / SOCKET).lstat().st_ino == self.inode
        except OSError:
            return False


@dataclass
class Listening:
    """Listen to every session that has a folder to ask through.

    Parameters
    ----------
    sessions : Path
        Folder of the sessions, ``<project>-<person>``.
    answer : callable
        Takes project, person and the bytes of a question; called in a process of its own.
    answering : float
        Seconds after which that process is ended, and nothing is told.
    """

    sessions: Path
    answer: Answer
    answering: float = ANSWERING
    _lines: dict[Path, _Line] = field(default_factory=dict)

    def run(self, *, every: float = 0.5) -> None:
        """Listen until this process is ended; no question outlives it."""
        while True:
            self.round(every)

    def round(self, wait: float) -> None:
        """Begin and end listening as sessions come and go, then wait so many seconds at most for one to ask."""
        self._follow()
        self._reap()
        waiting = [line for line in self._lines.values() if not line.child]
        busy = len(self._lines) - len(waiting)
        with selectors.DefaultSelector() as selector:
            for line in waiting if busy < AT_ONCE else ():
                selector.register(line.listener, selectors.EVENT_READ, line)
            asking: list[_Line] = [key.data for key, _ in selector.select(min(wait, 0.05) if busy else wait)]
        for line in sorted(asking, key=lambda line: line.ends)[: AT_ONCE - busy]:
            self._begin(line)

    def close(self) -> None:
        """End every question, and listen no more."""
        for folder in list(self._lines):
            self._end(self._lines.pop(folder))

    def _follow(self) -> None:
        found = {folder for folder in self.sessions.glob(f"*/{ASK}") if within_reach(folder.parent)}
        for folder in [folder for folder, line in self._lines.items() if folder not in found or not line.stands]:
            self._end(self._lines.pop(folder))
        for folder in found - self._lines.keys():
            with contextlib.suppress(OSError):  # the session ended meanwhile
                listener = _listener(folder)
                self._lines[folder] = _Line(folder, listener, (folder / SOCKET).lstat().st_ino)

    def _reap(self) -> None:
        for line in self._lines.values():
            if line.child and os.waitpid(line.child, os.WNOHANG)[0]:
                line.child = 0
            elif line.child and time.monotonic() > line.ends:
                self._kill(line)

    def _begin(self, line: _Line) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            asker, _ = line.listener.accept()
            child = os.fork()
            if child == 0:
                try:
                    self._reply(line, asker)
                finally:
                    os._exit(0)
            line.child, line.ends = child, time.monotonic() + self.answering
            asker.close()

    def _reply(self, line: _Line, asker: socket.socket) -> None:
        """Answer in a process of its own: it keeps no other session's socket."""
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        for other in self._lines.values():
            other.listener.close()
        name = line.folder.parent.name
        asker.settimeout(SAYING)
        with contextlib.suppress(OSError):
            content = _said(asker)
            asker.sendall(reply(self.answer, project_id(name[:7]), name[8:], content))

    def _end(self, line: _Line) -> None:
        line.listener.close()
        if line.stands:
            (line.folder / SOCKET).unlink(missing_ok=True)
        if line.child:
            self._kill(line)

    @staticmethod
    def _kill(line: _Line) -> None:
        os.kill(line.child, signal.SIGKILL)
        os.waitpid(line.child, 0)
        line.child = 0


def reply(answer: Answer, project: str, person: str, content: bytes) -> bytes:
    """Answer, or say every reason why not."""
    try:
        told = Reply(answer=answer(project, person, content))
    except Fault:
        told = Reply(refused=_FAULT)
    except EnclaveError as error:
        told = Reply(refused=error.subject, findings=[Reason(**finding.as_dict()) for finding in error.findings])
    except Exception:  # noqa: BLE001 - whatever it is, its words may be of a record
        told = Reply(refused=_FAULT)
    return told.model_dump_json().encode()


def _said(asker: socket.socket) -> bytes:
    """Read one question, to its end or one byte beyond the largest there may be."""
    ends, content = time.monotonic() + SAYING, b""
    while len(content) <= LARGEST and time.monotonic() < ends:
        part = asker.recv(LARGEST + 1 - len(content))
        if not part:
            break
        content += part
    return content


def _listener(folder: Path) -> socket.socket:
    """Listen in a folder; through its descriptor, for its path may be longer than a socket's address."""
    made = folder / f"{SOCKET}.made"
    made.unlink(missing_ok=True)  # of one that was ended here
    listener, at = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), os.open(folder, os.O_PATH)
    try:
        listener.bind(f"/proc/self/fd/{at}/{made.name}")
        made.chmod(0o666)
        listener.listen(1)
        listener.setblocking(False)
        made.replace(folder / SOCKET)  # in place of one that ended; who finds it is heard
    except OSError:
        listener.close()
        raise
    finally:
        os.close(at)
    return listener
