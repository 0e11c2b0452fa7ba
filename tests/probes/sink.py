"""What of a sandbox's probes arrives outside: a listener, and where root may, every frame of every interface."""

from __future__ import annotations

import ctypes
import itertools
import os
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_SO_ATTACH_FILTER, _SO_RCVBUFFORCE = 26, 33
_ETH_P_ALL = 3
_RESOLVER = 53


class Sink:
    """Listens on one port of every address; nothing but probes knows it."""

    def __init__(self) -> None:
        self.word = f"sink{secrets.token_hex(6)}"
        self.tcp = socket.create_server(("0.0.0.0", 0), backlog=512)
        self.tcp.setblocking(False)
        self.port: int = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("0.0.0.0", self.port))
        self.frames = _capture(self.port) if os.geteuid() == 0 else None
        self._calls = itertools.count()

    def arrived(self) -> list[bytes]:
        """Return what has arrived since the last call: first words of connections, datagrams, frames.

        A datagram of our own ends the wait, and shows that the sink is not deaf.
        """
        mark = f"own-{self.word}".encode()
        own = mark + f"-{next(self._calls)}.".encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            control.sendto(own, ("127.0.0.1", self.port))
        found = list(self._connections())
        for source in (self.udp, self.frames):
            if source is not None:
                source.settimeout(60)
                found += _until(source, own)
        return [part for part in found if mark not in part and self._is_ours(part)]

    def close(self) -> None:
        """Stop listening."""
        for one in (self.tcp, self.udp, self.frames):
            if one is not None:
                one.close()

    def _connections(self) -> Iterator[bytes]:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self.tcp.accept()
                with connection:
                    connection.settimeout(5)
                    try:
                        yield connection.recv(512)
                    except OSError:
                        yield b"a connection"

    def _is_ours(self, part: bytes) -> bool:
        # questions to a resolver are everybody's; what goes to the port is a probe's
        return self.word.encode() in part or not _to_a_resolver(part)


def _until(source: socket.socket, own: bytes) -> Iterator[bytes]:
    while not (part := source.recv(65536)).endswith(own):
        yield part


def _to_a_resolver(part: bytes) -> bool:
    version = part[0] >> 4 if part else 0
    at = {4: (part[0] & 15) * 4 + 2, 6: 42}.get(version) if part else None
    return at is not None and part[at : at + 2] == struct.pack("!H", _RESOLVER)


@contextmanager
def listening() -> Iterator[Sink]:
    """Give a sink."""
    found = Sink()
    try:
        yield found
    finally:
        found.close()


def own_address() -> str:
    """Return the address by which others reach this machine, or the loopback's where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _capture(port: int) -> socket.socket:
    """Return a socket that gets every frame to `port`, and every question to a resolver, from the network header on.

    The kernel sorts out the rest: a busy machine's own traffic would fill the buffer.
    """
    code = [
        (0x30, 0, 0, 0),  # the first byte tells the version
        (0x54, 0, 0, 0xF0),
        (0x15, 0, 3, 0x40),
        (0xB1, 0, 0, 0),  # IPv4: the port stands behind a header whose length is told
        (0x48, 0, 0, 2),
        (0x05, 0, 0, 2),
        (0x15, 0, 4, 0x60),
        (0x28, 0, 0, 42),  # IPv6: behind 40 bytes
        (0x15, 1, 0, port),
        (0x15, 0, 1, _RESOLVER),
        (0x06, 0, 0, 0xFFFF),
        (0x06, 0, 0, 0),
    ]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in code))
    frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    frames.setsockopt(
        socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HxxxxxxQ", len(code), ctypes.addressof(program))
    )
    # questions of others to their resolvers wait here too, until somebody asks what arrived
    frames.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 * 2**20)
    frames.setblocking(False)
    with suppress(BlockingIOError):
        while frames.recv(65536):  # what came before the filter
            pass
    return frames
