"""Work that takes a processor for long is done in a process beside the pages: they are answered meanwhile."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from enclave.app import Enclave
from enclave.errors import EnclaveError, Fault, Finding, no_room
from enclave.settings import Settings

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

_NICE = 10
_LARGE = 1 << 20
"""KiB of memory a process has come to hold after which it ends: what it took is given back."""
_log = logging.getLogger(__name__)


class Apart(Generic[Asked, Answer]):
    """A process that does one kind of work, one piece at a time; it is started when there is any.

    It ends with the process that started it, however that ends.

    Parameters
    ----------
    work : callable
        A function of a module. It is given an installation and what is asked; both that and its answer are sent. It
        changes nothing: what is asked of a process that was ended is asked again of another.
    """

    def __init__(self, work: Callable[[Enclave, Asked], Answer]) -> None:
        self._work = work
        self._end: Connection | None = None

    def __call__(self, enclave: Enclave, asked: Asked) -> Answer:
        """Have a piece of work done; the caller sees to it that there is one at a time.

        Raises
        ------
        EnclaveError
            That the work raised; a fault if it broke, or its process was ended.
        """
        # where it has ended since the last time, another is asked
        told = self._told(self._end, enclave, asked) or self._told(self._start(), enclave, asked)
        answer = told[0] if told else _broken()
        if isinstance(answer, EnclaveError):
            raise answer
        known: Answer = answer
        return known

    def _told(self, end: Connection | None, enclave: Enclave, asked: Asked) -> tuple[Any] | None:
        """Give what the process at an end answers; None where there is none, or it ended before."""
        if end is None:
            return None
        try:
            end.send((enclave.settings, asked))
            answer, leaves = end.recv()
        except (EOFError, OSError):
            self._end = None
            end.close()
            return None
        self._end = None if leaves else end
        if leaves:
            end.close()
        return (answer,)

    def _start(self) -> Connection:
        # spawned: a fork would inherit the locks of threads it does not have, and what other connections lead to
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        context.Process(target=_serve, args=(theirs, self._work), name="apart", daemon=True).start()
        theirs.close()
        return ours


def _serve(end: Connection, work: Callable[[Enclave, Asked], object]) -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's goes to the pages too, which end this
    os.nice(_NICE)
    opened: tuple[Settings, Enclave] | None = None
    while True:
        try:
            settings, asked = end.recv()
        except (EOFError, OSError):
            return
        if opened is None or opened[0] != settings:
            if opened is not None:
                opened[1].store.close()
            opened = settings, Enclave(settings)
        answer = _answer(work, opened[1], asked)
        large = _most_held() > _LARGE
        end.send((answer, large))
        if large:
            return


def _most_held() -> int:
    """Give the most memory this process has held, in KiB; `getrusage` counts what its parent held before it."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE)
    return int(found[1]) if found else 0


def _answer(work: Callable[[Enclave, Asked], object], enclave: Enclave, asked: Asked) -> object:
    try:
        return work(enclave, asked)
    except EnclaveError as error:
        return error
    except Exception as error:  # noqa: BLE001 - the outermost door of this process; a traceback may hold a value
        _log.error("%s broke: %s", work.__name__, type(error).__name__)
        return no_room(error) or _broken()


def _broken() -> Fault:
    then = "Try again; if it stays so, tell the hub's staff."
    return Fault(
        "work apart",
        [Finding("not-done", "EM XV", "", "the process that does it broke, or was ended before it was done", then)],
    )
