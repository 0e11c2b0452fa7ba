"""Looks at the machine: folders, keys, memory, the cryptographic module, what sandboxes can be held to.

Source: EM XV.A.1; DSA II.I; DSA III.B.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from enclave import vault
from enclave.controls.evidence import Evidence, Installed, deviates, holds
from enclave.sandbox import Limits
from enclave.sandbox.groups import make
from enclave.sandbox.spec import GIB

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_CHECKED = frozenset({"verify-ca", "verify-full"})


def closed_home(installed: Installed) -> Evidence:
    """Look whether the home is closed to other accounts."""
    return _closed([installed.settings.home])


def closed_keys(installed: Installed) -> Evidence:
    """Look whether every key is closed to other accounts; public keys may be read."""
    keys = installed.settings.keys
    return _closed([keys, *(path for path in sorted(keys.iterdir()) if not path.name.endswith(".public.json"))])


def _closed(paths: list[Path]) -> Evidence:
    wide = [
        path for path in paths if stat.S_IMODE(path.stat().st_mode) & _OTHERS or path.stat().st_uid != os.geteuid()
    ]
    if not wide:
        return holds(f"{len(paths)} of {len(paths)} are this account's alone")
    modes = ", ".join(f"{path.name} {stat.S_IMODE(path.stat().st_mode):04o}" for path in wide)
    return deviates(f"other accounts reach {modes}", "Take it from them (chmod go=), and see who may have read it.")


def keys_apart(installed: Installed) -> Evidence:
    """Look whether the keys are on another volume than what they open (DSA VI.H)."""
    settings = installed.settings
    if settings.key_service is not None:
        return holds(f"keys of data are at {settings.key_service.address}, and never leave it")
    if settings.keys.stat().st_dev != settings.home.stat().st_dev:
        return holds("keys and sealed files are on two volumes")
    what = "keys are on the volume of the sealed files: a copy of it holds both"
    return deviates(what, "Move `keys` of enclave.toml to another volume, out of the backups of the home.")


def closed_database(installed: Installed) -> Evidence:
    """Look whether the registry lies in a closed folder, or is reached by a Unix socket or a checked certificate."""
    address = urlsplit(installed.settings.database)
    if address.scheme.startswith("sqlite"):
        return _closed([Path(address.path.removeprefix("/")).resolve().parent])
    asked = parse_qs(address.query)
    host = asked.get("host", [address.hostname or "/"])[0]
    if host.startswith("/"):
        return holds(f"{address.scheme} over a Unix socket")
    if asked.get("sslmode", [""])[0] in _CHECKED:
        return holds(f"{address.scheme} at {host}, whose certificate is checked")
    what = f"{address.scheme} at {host}, whose certificate is not checked"
    return deviates(what, "Reach it over a Unix socket, or add sslmode=verify-full to its address.")


def runtime_in_memory(installed: Installed) -> Evidence:
    """Look whether short-lived plaintext is on a file system in memory."""
    runtime = installed.settings.runtime.resolve()
    mounts = [line.split(" ") for line in (installed.kernel / "mounts").read_text("utf-8").splitlines()]
    around = [(Path(where), kind) for _, where, kind, *_ in mounts if runtime.is_relative_to(where)]
    kind = max(around, key=lambda mount: len(mount[0].parts))[1]
    if kind in _IN_MEMORY:
        return holds(f"it is on a {kind}")
    return deviates(
        f"it is on a {kind}, which may be a disk", "Name a folder on a tmpfs as `runtime` of enclave.toml."
    )


def no_swap(installed: Installed) -> Evidence:
    """Look whether memory can be written to a disk."""
    areas = len((installed.kernel / "swaps").read_text("utf-8").splitlines()[1:])
    if not areas:
        return holds("there is no swap")
    return deviates(
        f"{areas} areas of swap may hold plaintext", "Turn swap off, or encrypt it with a key of each start."
    )


def validated_module(installed: Installed) -> Evidence:
    """Look whether the cryptographic module runs in its FIPS mode."""
    module = vault.module()
    if module.fips:
        return holds(f"{module.version} in FIPS mode")
    return deviates(f"{module.version} is not in FIPS mode", "Build `cryptography` against a validated module.")


def held_sandboxes(installed: Installed) -> Evidence:
    """Look whether all processes of a sandbox together can be held to their limits."""
    limits = Limits()
    made = make(f"look-{os.getpid()}", limits, installed.groups)
    made.remove()
    asked = f"{limits.memory_bytes // GIB} GiB, {limits.cpus:g} processors, {limits.processes} processes"
    if made.folders:
        return holds(f"control groups hold each sandbox to {asked}")
    what = f"no control groups can be made: {asked} hold for single processes"
    return deviates(what, "Run the hub as root with control groups it may write.")


def no_demonstration(installed: Installed) -> Evidence:
    """Look whether the calendar day is the State's and not a file's."""
    if not installed.settings.demo:
        return holds(f"the calendar day is Connecticut's, {installed.view.today}")
    return deviates(
        f"a demonstration: its day is set to {installed.view.today}", "Set `demo` to false in production."
    )
