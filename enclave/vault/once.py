"""A file with a key in it: written once, read by its owner alone, overwritten when it is destroyed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_once(path: Path, content: bytes) -> None:
    """Write a file of mode 0400 that is complete under its name or not there; its folder is made (0700).

    Source: EM XV.

    Raises
    ------
    FileExistsError
        If there is one of this name; it is left as it is.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A name of its own: of two processes that write at once, each links what it wrote itself.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(partial, path)
    finally:
        partial.unlink()


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """Read a file of one's own, or write it the first time; processes that meet here read the same."""
    if not path.exists():
        with suppress(FileExistsError):
            write_once(path, make())
    return path.read_bytes()


def overwrite(path: Path) -> None:
    """Overwrite, sync and unlink a file; does nothing where there is none.

    Source: DSA VI.H.
    """
    if path.exists():
        path.chmod(0o600)
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
