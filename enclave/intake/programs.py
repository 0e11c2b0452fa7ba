"""gpg and openssl, run where they reach nothing: in a sandbox, with open files handed in, for a bounded time.

What they read was sent by others and is not verified yet. Their private keys are handed in with it and go with the
sandbox; what they write goes into a file of ours on the runtime tmpfs, never longer than said.

Source: DSA II.I; EM XV.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from enclave.errors import Fault
from enclave.sandbox import Bubblewrap, Limits, SandboxSpec
from enclave.scratch import prepare
from enclave.settings import Settings

MIB = 1024**2
OWN_KEY = "own-key"
OWN_KEY_NEXT = "Mount the volume of keys, or make one with `enclave intake own-key`."
_PATIENCE, _PACE = 30.0, 4 * MIB
"""Seconds a program has in any case, and bytes it must get through in each of the others."""
_NOT_FOUND = 127
_MEMORY = 4096 * MIB
"""openssl holds the whole of a file two and a half times."""


def run(
    settings: Settings, script: str, given: Mapping[str, Path | bytes], out: Path, limit: int
) -> tuple[int | None, str]:
    """Run a script of the shell; `given` stand as ``$name``, each the number of an open descriptor.

    Parameters
    ----------
    out : Path
        New file, with what it writes to its standard output.
    limit : int
        Longest file it may write, in bytes.

    Returns
    -------
    code : int or None
        Its exit code; None where it was ended for taking too long.
    status : str
        What it wrote to ``$status``.

    Raises
    ------
    Fault
        If the program is not installed.
    """
    prepare(settings.runtime)
    size = sum(part.stat().st_size if isinstance(part, Path) else len(part) for part in given.values())
    with ExitStack() as files, out.open("xb") as target:
        out.chmod(0o600)
        told = files.enter_context(TemporaryFile(dir=settings.runtime))
        opened: dict[str, IO[bytes]] = {"status": told}
        for name, part in given.items():
            if isinstance(part, Path):
                opened[name] = files.enter_context(part.open("rb"))
            else:
                opened[name] = files.enter_context(TemporaryFile(dir=settings.runtime))
                opened[name].write(part)
                opened[name].seek(0)
        numbers = {name: str(file.fileno()) for name, file in opened.items()}
        command = ("/bin/bash", "-euc", f"umask 077; {script}")
        limits = Limits(memory_bytes=_MEMORY, processes=32, file_bytes=max(limit, MIB), cpus=1.0, tmp_bytes=MIB)
        name = f"opening-{secrets.token_hex(8)}"
        spec = SandboxSpec(name, command, environment=numbers, limits=limits, tethered=True)
        handed = [file.fileno() for file in opened.values()]
        sandboxed = Bubblewrap(settings.runtime).start(spec, pass_fds=handed, stdout=target)
        try:
            code = sandboxed.wait(_PATIENCE + size / _PACE)
        except TimeoutError:
            code = None
        finally:
            sandboxed.kill()
        if code == _NOT_FOUND:
            raise Fault("gpg or openssl is not installed; nothing was opened")
        told.seek(0)
        return code, told.read(MIB).decode("utf-8", errors="replace")
