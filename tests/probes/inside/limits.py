"""Attempts to use more than one's share, and to see what others use."""

from __future__ import annotations

import mmap
import os
import resource
import signal
from pathlib import Path

from .base import HOME, Probe, Told, unless


def many_processes(_: Told) -> None:
    """Fork until somebody says no."""
    children = []
    try:
        for _ in range(3000):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, 9)
        for pid in children:
            os.waitpid(pid, 0)


def large_file(_: Told) -> None:
    """Write past the file size limit, sparsely."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with (HOME / "large").open("wb") as file:
        os.truncate(file.fileno(), 4 * 1024**4)


def much_memory(_: Told) -> None:
    """Take twice the memory one process may have."""
    mmap.mmap(-1, 16 * 1024**3, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def other_processes(_: Told) -> None:
    """Find a process that is not the sandbox's."""
    own = {1, os.getpid(), os.getppid()}
    unless([1 for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) not in own])


PROBES = (
    Probe("3000 processes", "fork until somebody says no", "EAGAIN", many_processes),
    Probe("16 GiB of memory", "take twice what one process may have", "ENOMEM", much_memory),
    Probe("4 TiB file", "make one, with holes", "EFBIG", large_file),
    Probe("raise the memory limit", "set one's own ceiling higher", "ValueError EPERM",
          lambda _: resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)),
    Probe("raise the file limit", "the same for files", "ValueError EPERM",
          lambda _: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)),
    Probe("core dump", "leave one's memory in a file", "ValueError EPERM",
          lambda _: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)),
    Probe("real-time priority", "keep the processors from others", "EPERM",
          lambda _: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))),
    Probe("higher priority", "go before others", "EACCES EPERM", lambda _: os.nice(-5)),
    Probe("processes of others", "find any", "nothing", other_processes),
    Probe("counters of the host", "read the load and the free memory of the whole machine", "nothing",
          lambda _: unless(Path("/proc/loadavg").read_text() and Path("/proc/meminfo").read_text())),
)  # fmt: skip
