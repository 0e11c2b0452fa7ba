"""Every opened file before anything reads it: shown to the installation's virus scanner, ClamAV's `clamd`.

What the scanner does not answer for is not taken. It is reached over a socket of this machine alone, for what it sees
is open.

Source: EM VII.B.1.f.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from enclave.errors import Refused, refuse

PIECE = 16 * 1024**2
"""Bytes shown at once: `clamd` takes no stream above its limit, and passes in silence what is beyond some others."""
OVERLAP = 1024**2
"""Bytes shown again with the next piece, so that nothing hides on a border."""
_PATIENCE = 120.0
_SIGNATURE = re.compile(r"stream: ([\w.:()-]{1,120}) FOUND")


def scan(plain: Path, scanner: Path, name: str) -> str:
    """Show a file to the scanner, piece by piece; give the scanner's name and version.

    Source: EM VII.B.1.f.

    Parameters
    ----------
    scanner : Path
        Socket of `clamd`.
    name : str
        The file's name, for findings.

    Raises
    ------
    Refused
        If it found something, does not answer, or answers anything but that the file is clean.
    """
    try:
        with plain.open("rb") as file:
            for piece in _pieces(file):
                answer = _ask(scanner, b"INSTREAM", piece)
                if found := _SIGNATURE.fullmatch(answer):
                    raise _no(
                        name, "malware", f"the virus scanner found {found[1]}", "Clean the machine it came from."
                    )
                if answer != "stream: OK":
                    raise _unscanned(name, "the virus scanner could not look at it")
        return _ask(scanner, b"VERSION")
    except OSError as error:
        raise _unscanned(name, f"the virus scanner does not answer ({type(error).__name__})") from error


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    shown = b""
    while block := file.read(PIECE - len(shown)):
        piece = shown + block
        yield piece
        shown = piece[-OVERLAP:]


def _ask(scanner: Path, command: bytes, piece: bytes | None = None) -> str:
    """Send one command, with a piece of a file where it takes one; give the answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PATIENCE)
        connection.connect(str(scanner))
        connection.sendall(b"z" + command + b"\0")
        if piece is not None:
            connection.sendall(struct.pack(">I", len(piece)) + piece + struct.pack(">I", 0))
        answer = b""
        while block := connection.recv(4096):
            answer += block
    return answer.decode("ascii", errors="replace").rstrip("\0\n")


def _unscanned(name: str, what: str) -> Refused:
    return _no(name, "not-scanned", what, "Start the scanner and receive the file again; nothing was kept.")


def _no(name: str, rule: str, what: str, next: str) -> Refused:
    return refuse(name, rule, "EM VII.B.1.f", what, next)
