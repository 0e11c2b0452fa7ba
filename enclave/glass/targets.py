"""The connecting side: sessions to the hub, to services and into sandboxes, over TCP or unix sockets."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import stat
import struct
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import aiohttp

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_NO_SYMLINKS, _RESOLVE_NO_MAGICLINKS = 0x04, 0x02
_libc = ctypes.CDLL(None, use_errno=True)


def open_socket_file(path: str) -> int:
    """Open a socket's file without following a symbolic link anywhere on the way.

    Somebody who can write next to a socket could otherwise put a link there to a socket of the host,
    and the proxy would speak to that one in their name.

    Returns
    -------
    int
        An O_PATH descriptor; connect to /proc/self/fd/N.

    Raises
    ------
    OSError
        ELOOP at a link, ENOTSOCK when it is not a socket, and what open() raises.
    """
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS)
    fd = int(_libc.syscall(_OPENAT2, -100, os.fsencode(path), how, len(how)))
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(88, "not a socket")
    return fd


class SocketFileConnector(aiohttp.UnixConnector):
    """Connect to a unix socket, refusing symbolic links."""

    async def _create_connection(self, *_request: Any) -> ResponseHandler:
        loop = asyncio.get_running_loop()
        fd = open_socket_file(self.path)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.setblocking(False)
            await loop.sock_connect(connection, f"/proc/self/fd/{fd}")
            _transport, protocol = await loop.create_connection(self._factory, sock=connection)
        except OSError:
            connection.close()
            raise
        finally:
            os.close(fd)
        return protocol


class Targets:
    """One client session per target, kept while the route exists."""

    def __init__(self) -> None:
        """Start without sessions."""
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    def session(self, target: str) -> tuple[aiohttp.ClientSession, str]:
        """Return the session of a target and the origin to put before a path."""
        parts = urlsplit(target)
        unix = parts.scheme in ("http+unix", "unix+http")
        if target not in self._sessions:
            path = unquote(parts.netloc)
            connector = SocketFileConnector(path) if unix else aiohttp.TCPConnector(use_dns_cache=False)
            self._sessions[target] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
                requote_redirect_url=False,
                skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            )
        return self._sessions[target], "http://localhost" if unix else f"{parts.scheme}://{parts.netloc}"

    async def drop(self, target: str) -> None:
        """Close the session of a target."""
        if session := self._sessions.pop(target, None):
            await session.close()

    async def close(self) -> None:
        """Close every session."""
        for target in list(self._sessions):
            await self.drop(target)
