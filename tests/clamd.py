"""A virus scanner of the tests' own: Debian's `clamd` with one signature, of a word that was invented for it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

MARK = "QUERCUSINVENTEDMALWARE"
SIGNATURE = "P20.Invented.Mark"


@dataclass
class Clamd:
    """A running scanner.

    Parameters
    ----------
    folder : Path
        Holds its signature, its settings and its socket.
    """

    folder: Path

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "socket"

    @classmethod
    def start(cls, longest: str = "100M") -> Clamd:
        """Start a scanner that takes no longer stream; it listens when this returns."""
        scanner = cls(Path(tempfile.mkdtemp(prefix="clamd-")))  # short: a socket's path ends at 108 bytes
        (scanner.folder / "own.ndb").write_text(f"{SIGNATURE}:0:*:{MARK.encode().hex()}\n")
        (scanner.folder / "clamd.conf").write_text(
            f"LocalSocket {scanner.socket}\nDatabaseDirectory {scanner.folder}\nStreamMaxLength {longest}\n"
            f"PidFile {scanner.folder}/pid\nTemporaryDirectory {scanner.folder}\n"
        )
        subprocess.run(
            [shutil.which("clamd", path=f"{os.environ['PATH']}:/usr/sbin"), "--config-file", "clamd.conf"],
            cwd=scanner.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return scanner

    def stop(self) -> None:
        """Stop it, at once."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        shutil.rmtree(self.folder)
