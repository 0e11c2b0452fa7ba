"""Read a request, or a question, where its bytes can do no harm: in a fresh sandbox that sees a copy and no more.

A session wrote every byte of it, to make whoever reads it fail, fill the memory, or do something else. No parser of
the process that has the data of the project open is pointed at them: what comes back is one message of fixed widths
(`p20kit.message`), checked again as if it were the request.

Source: DSA I; DSA III.G.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from enclave.errors import Fault, Finding, Invalid
from enclave.sandbox import Bubblewrap, Limits, Mount, SandboxSpec, python
from enclave.scratch import scratch
from enclave.settings import Settings
from p20kit.errors import RequestInvalid
from p20kit.message import BEGUN, answered, what_was_read
from p20kit.question import Question, read_question
from p20kit.request import Request

T = TypeVar("T")

READER = "p20kit.message"
LONGEST = 120
"""Seconds that a request may take to be read."""
LARGEST = 2**30
"""Bytes of memory that reading it may take."""


def read_apart(settings: Settings, content: bytes, *, seconds: float = LONGEST, memory: int = LARGEST) -> Request:
    """Read the copy of a request in a sandbox of its own.

    Source: DSA I; DSA III.G.2.

    Parameters
    ----------
    content : bytes
        The request as collected.
    seconds, memory
        What reading it may take.

    Raises
    ------
    Invalid
        If it is malformed, with every finding; or if reading it broke off, took too long or too much memory.
    Fault
        If the sandbox failed before it looked at the request.
    """
    return _read(settings, content, _Reader("request", READER, _ASK_AGAIN, answered), seconds, memory)


def question_apart(settings: Settings, content: bytes) -> Question:
    """Read a question of a session in the same way.

    Source: DSA I; ExA 2.h.

    Raises
    ------
    Invalid, Fault
        As `read_apart`.
    """
    reader = _Reader("question", "p20kit.question", "Ask with p20kit.tabulate().", _question)
    return _read(settings, content, reader, LONGEST, LARGEST)


def _question(said: memoryview) -> Question:
    return read_question(bytes(what_was_read(said)))


_ASK_AGAIN = "Write the request with request_release()."


@dataclass(frozen=True)
class _Reader(Generic[T]):
    """What is read, the program that reads it inside, what mends it, and how what was read is taken."""

    what: str
    program: str
    next: str
    take: Callable[[memoryview], T]


def _read(settings: Settings, content: bytes, reader: _Reader[T], seconds: float, memory: int) -> T:
    with scratch(settings.runtime, "reading") as folder:
        folder.chmod(0o711)  # the sandbox's own uid passes through to what is mounted
        copy, answer = folder / "request.json", folder / "answer"
        copy.write_bytes(content)
        copy.chmod(0o444)
        code = answer_apart(settings, copy, answer, reader.program, seconds=seconds, memory=memory)
        with answer.open("rb") as file:
            begun, said = file.read(len(BEGUN)) == BEGUN, file.read()
    if code is not None and not begun:
        raise Fault(f"the {reader.what} could not be read: its sandbox failed (exit {code}); ask once more")
    if code != 0:
        raise _broke_off(reader, seconds, memory)
    try:
        return reader.take(memoryview(said))
    except RequestInvalid as error:
        told = [Finding(f.rule, f.clause or "DSA III.G.2", f.where, f.what, reader.next) for f in error.findings]
        raise Invalid(reader.what, told) from error


def answer_apart(
    settings: Settings, copy: Path, answer: Path, program: str = READER, *, seconds: float, memory: int
) -> int | None:
    """Let a reader, in a sandbox that sees the copy and nothing else, answer into a file that is ours.

    Source: DSA I; DSA III.G.2.

    Returns
    -------
    int or None
        Its exit code; None where it was ended because it took too long.
    """
    name = f"reading-{hashlib.sha256(str(answer).encode()).hexdigest()[:16]}"
    limits = Limits(memory_bytes=memory, processes=16, file_bytes=memory, cpus=1.0, tmp_bytes=2**20)
    command = (python(), "-m", program, "/job/request.json")
    spec = SandboxSpec(name, command, (Mount(copy, "/job/request.json"),), limits=limits, tethered=True)
    with answer.open("wb") as said:
        sandboxed = Bubblewrap(settings.runtime).start(spec, stdout=said)
        try:
            return sandboxed.wait(seconds)
        except TimeoutError:
            return None
        finally:
            sandboxed.kill()


def _broke_off(reader: _Reader[T], seconds: float, memory: int) -> Invalid:
    what = f"reading it broke off, or took more than {seconds:g} seconds or {memory >> 20} MiB"
    return Invalid(reader.what, [Finding("unreadable", "DSA III.G.2", f"{reader.what}.json", what, reader.next)])
