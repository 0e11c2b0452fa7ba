"""Attempts over the socket through which a session asks about records it may not see."""

from __future__ import annotations

import json
import os
import socket
import struct
from pathlib import Path
from typing import Any

from .base import HOME, Probe, Told, unless

PLACE = Path("/run/enclave/ask")


def call() -> socket.socket:
    """Call whoever answers."""
    hub = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    hub.settimeout(30)
    hub.connect(str(PLACE / "ask.sock"))
    return hub


def ask(content: bytes) -> Any:
    """Ask, and read the reply."""
    with call() as hub:
        hub.sendall(content)
        hub.shutdown(socket.SHUT_WR)
        parts = []
        while part := hub.recv(2**16):
            parts.append(part)
        return json.loads(b"".join(parts))


def as_another(_: Told) -> None:
    """Say in the question that it is somebody else's; the host's answer names whose it takes it to be."""
    told = ask(b'{"person": "grace", "project": "DR-0035"}')["answer"]
    unless((told["id"], told["sha256"]) != ("DR-0034", "probe"))


def without_end(_: Told) -> None:
    """Say more than a question may hold."""
    with call() as hub:
        for _part in range(64):
            hub.sendall(b" " * 2**16)


def descriptor(_: Told) -> None:
    """Have a descriptor sent with the answer."""
    with call() as hub:
        hub.shutdown(socket.SHUT_WR)
        unless(socket.recv_fds(hub, 2**16, 16)[1])


def process(_: Told) -> None:
    """Learn the process that answers, to send it signals."""
    with call() as hub:
        unless(struct.unpack("3i", hub.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])


def in_its_place(_: Told) -> None:
    """Listen beside it, for what the host sends to the next one."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(PLACE / "other.sock"))


def many_calls(_: Told) -> None:
    """Call a hundred times without saying anything."""
    calls = []
    try:
        for _call in range(100):
            hub = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            calls.append(hub)
            hub.setblocking(False)
            hub.connect(str(PLACE / "ask.sock"))
    finally:
        for hub in calls:
            hub.close()


PROBES = (
    Probe("question as another", "say that it is of another person and project", "nothing", as_another),
    Probe("question without end", "say 4 MiB", "EPIPE ECONNRESET", without_end),
    Probe("descriptor with an answer", "have one sent by whoever answers", "nothing", descriptor),
    Probe("process that answers", "learn its number", "nothing", process),
    Probe("remove the socket of questions", "unlink it", "EROFS EACCES", lambda _: (PLACE / "ask.sock").unlink()),
    Probe("link in its place", "leave one to a file of the host", "EROFS EACCES",
          lambda told: (PLACE / "link").symlink_to(told.secret)),
    Probe("socket beside it", "listen there", "EROFS EACCES", in_its_place),
    Probe("move it out", "link it into the scratch", "EXDEV EPERM EROFS",
          lambda _: os.link(PLACE / "ask.sock", HOME / "ask.sock")),
    Probe("calls without end", "call a hundred times at once", "EAGAIN", many_calls),
)  # fmt: skip
