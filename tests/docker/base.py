"""A base image without a registry: this host's own Debian packages, and the wheels of the pinned requirements.

The Dockerfile builds on it unaltered and offline: what it asks apt for is there already, and pip and uv are
told to look at the wheels only.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = tuple(ROOT / "requirements" / f"{name}.txt" for name in ("bootstrap", "runtime"))
PACKAGES = ("ca-certificates", "python3", "python3-venv", "tini")
_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/info/")
# What the packages' own scripts make, which nobody runs here.
_MADE = {
    "etc/ssl/certs/ca-certificates.crt": "/etc/ssl/certs/ca-certificates.crt",
    "etc/passwd": "/usr/share/base-passwd/passwd.master",
    "etc/group": "/usr/share/base-passwd/group.master",
}
_SETTINGS = {
    "etc/pip.conf": "[global]\nno-index = true\nfind-links = /wheels\n",
    "etc/uv/uv.toml": 'no-index = true\nfind-links = ["/wheels"]\n',
}


def fingerprint() -> str:
    """Return what a base image depends on, as one word."""
    versions = _query("${Package} ${Version}\n", closure())
    told = [versions, *(path.read_text() for path in (*REQUIREMENTS, Path(__file__)))]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def wheels(folder: Path) -> None:
    """Fetch the wheels of the image, from wherever this host gets its own."""
    pinned = [part for path in REQUIREMENTS for part in ("-r", str(path))]
    fetch = (
        "download",
        "-q",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
    )
    subprocess.run([sys.executable, "-m", "pip", *fetch, *pinned, "-d", str(folder)], check=True)


def write(target: Path, wheel_folder: Path) -> None:
    """Write the root file system as a tar archive."""
    names = closure()
    with tarfile.open(target, "w") as archive:
        for name in ("bin", "sbin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            archive.addfile(link)
        for path in sorted(_files(names)):
            archive.add(path, path.lstrip("/"), recursive=False)
        for name, source in _MADE.items():
            archive.add(source, name)
        for name, text in {**_SETTINGS, "var/lib/dpkg/status": _status(names)}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
        archive.add(wheel_folder, "wheels")


def closure() -> list[str]:
    """Return the packages, the essential ones, and all they depend on, as installed here."""
    needs: dict[str, list[str]] = {}
    provided: dict[str, str] = {}
    essential = []
    for line in _query("${Package}|${Essential}|${Pre-Depends},${Depends}|${Provides}\n", ()).splitlines():
        # alternatives are separated by | too: the name and the mark stand before, what is provided after the last
        name, mark, rest = line.split("|", 2)
        depends, _, provides = rest.rpartition("|")
        needs[name] = [part for part in depends.split(",") if part.strip()]
        provided.update(dict.fromkeys(_names(provides.replace(",", "|")), name))
        essential += [name] if mark == "yes" else []
    found: dict[str, None] = {}
    open_ = [*essential, "apt", *PACKAGES]
    while open_:
        name = open_.pop()
        if name in found:
            continue
        found[name] = None
        for need in needs[name]:
            choices = _names(need)
            open_ += [next(c if c in needs else provided[c] for c in choices if c in needs or c in provided)]
    return sorted(found)


def _names(alternatives: str) -> list[str]:
    return [match[0] for part in alternatives.split("|") if (match := re.match(r"[a-z0-9.+-]+", part.strip()))]


def _files(names: list[str]) -> Iterator[str]:
    seen = set()
    for line in subprocess.check_output(["dpkg-query", "--listfiles", *names], text=True).splitlines():
        # as it lies on a merged /usr, whatever the package calls it
        path = Path(line)
        if not line.startswith("/") or line == "/." or line.startswith(_LEFT_OUT) or not os.path.lexists(path):
            continue
        real = str(path.parent.resolve() / path.name)
        if real not in seen and real not in ("/bin", "/sbin", "/lib", "/lib64"):
            seen.add(real)
            yield real


def _status(names: list[str]) -> str:
    return subprocess.check_output(["dpkg-query", "--status", *names], text=True)


def _query(form: str, names: tuple[str, ...] | list[str]) -> str:
    return subprocess.check_output(["dpkg-query", "--show", "--showformat", form, *names], text=True)
