"""What a probe inside a sandbox is, and what it is told of the host. Standard library only."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOME = Path("/home/analyst")
OUTBOX = HOME / "outbox"
_libc = ctypes.CDLL(None, use_errno=True)
_COLUMN = 0 if os.uname().machine == "x86_64" else 1


class Nothing(Exception):
    """There was nothing to be had, without anybody having to refuse."""


@dataclass(frozen=True)
class Told:
    """What a probe knows of the host, which a researcher would have to guess.

    Parameters
    ----------
    secret : str
        A file of another project.
    unix : str
        A unix socket somebody listens on.
    port : int
        A TCP and UDP port of the host somebody listens on.
    process : int
        A process of the host.
    address : str
        The host's own address.
    word : str
        What the packet sink knows our names by.
    """

    secret: str
    unix: str
    port: int
    process: int
    address: str
    word: str

    @classmethod
    def here(cls) -> Told:
        """Read what was left in the scratch: on a command line it would be something to find."""
        return cls(**json.loads((HOME / "told.json").read_text()))


@dataclass(frozen=True)
class Probe:
    """One attempt.

    Parameters
    ----------
    name : str
    tried : str
        In words.
    expected : str
        Answers that mean it failed: names of errors, or 'nothing'.
    attempt : callable
        Returns when it went through, raises what stood in the way.
    """

    name: str
    tried: str
    expected: str
    attempt: Callable[[Told], object]

    def answer(self, told: Told) -> str:
        """Try, and give 'open' or what stood in the way."""
        try:
            self.attempt(told)
        except Nothing:
            return "nothing"
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, type(error).__name__)
        except (MemoryError, ValueError, ImportError, OverflowError, subprocess.CalledProcessError) as error:
            return type(error).__name__
        return "open"


def syscall(numbers: tuple[int, int], *arguments: object) -> int:
    """Make a raw system call, by its numbers on x86_64 and aarch64, or raise what it answered."""
    result: int = _libc.syscall(numbers[_COLUMN], *arguments)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def unless(found: object) -> None:
    """Pass if something was found, else raise `Nothing`."""
    if not found:
        raise Nothing
