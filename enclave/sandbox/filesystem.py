"""What every sandbox sees of the host: programs and libraries, read-only, and nothing of the control plane."""

from __future__ import annotations

import importlib.util
import stat
import sys
import sysconfig
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

from enclave.sandbox.spec import ANALYST_HOME, Mount, SandboxSpec

LIBRARY = "/opt/enclave/lib"
_CONTROL_PLANE = ("enclave", "hub_config", "demo")

# Programs no session needs: they speak to a network or another account, watch processes, or compile.
_CLOSED = (
    *("curl", "wget", "ssh", "ssh-a*", "ssh-key*", "scp", "sftp", "rsync", "nc", "nc.*", "ncat", "socat", "telnet*"),
    *("docker", "dockerd", "containerd*", "runc", "ctr", "bwrap", "nsenter", "unshare", "gdb", "strace", "perf"),
    *("*gcc-[0-9]*", "*g++-[0-9]*", "*-cpp-[0-9]*", "*-gnu-ld.*", "*-gnu-as", "make", "node"),
)

ETC = {
    "/etc/passwd": f"analyst:x:1000:1000:analyst:{ANALYST_HOME}:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n",
    "/etc/group": "analyst:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost enclave\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


def python() -> str:
    """Return the interpreter's path, the same inside a sandbox as outside."""
    return str(Path(sys.prefix) / "bin" / Path(sys.executable).name)


def program_mounts() -> tuple[Mount, ...]:
    """Mount the virtual environment at its own path, its interpreter, and `p20kit` under `LIBRARY`.

    A virtual environment is full of absolute paths, so it keeps its place. An interpreter outside
    /usr (a managed one) is reached through symlinks: both spellings of its prefix are mounted.
    """
    prefixes = dict.fromkeys(
        path
        for prefix in (sys.prefix, sys.base_prefix)
        for path in (Path(prefix), Path(prefix).resolve())
        if not path.is_relative_to("/usr")
    )
    return (*(Mount(path, str(path)) for path in prefixes), Mount(_p20kit(), f"{LIBRARY}/p20kit"))


def hidden_folders() -> tuple[str, ...]:
    """Return folders of the control plane that an ordinary installation puts among the libraries."""
    libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = (Path(library) / name for library in sorted(libraries) for name in _CONTROL_PLANE)
    return tuple(str(path) for path in found if path.is_dir())


@cache
def closed_programs() -> tuple[str, ...]:
    """Return the host's programs that stand in no sandbox: those named above, and all that change who runs them."""
    found = {
        path.resolve() for folder in ("/usr/bin", "/usr/sbin") for path in Path(folder).iterdir() if _closed(path)
    }
    return tuple(str(path) for path in sorted(found) if path.is_relative_to("/usr") and path.is_file())


def _closed(path: Path) -> bool:
    try:
        changes_who_runs_it = path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    except FileNotFoundError:
        return False
    return bool(changes_who_runs_it) or any(fnmatch(path.name, pattern) for pattern in _CLOSED)


def arguments(spec: SandboxSpec, sources: dict[Mount, str], etc_fds: dict[str, int]) -> list[str]:
    """Write the filesystem of `spec` as bubblewrap arguments.

    Parameters
    ----------
    spec : SandboxSpec
    sources : dict of Mount to str
        Where each mount's source can be reached by the uid that runs bubblewrap; in mount order.
    etc_fds : dict of str to int
        File descriptors holding the few files of /etc.
    """
    size = spec.limits.tmp_bytes
    args = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        if Path("/", name).exists():
            args += ["--symlink", f"usr/{name}", f"/{name}"]
    args += ["--proc", "/proc", "--dev", "/dev", "--size", str(size // 2), "--tmpfs", "/dev/shm"]  # noqa: S108
    args += ["--size", str(size), "--tmpfs", "/tmp"]  # noqa: S108
    args += ["--size", str(size), "--perms", "0700", "--tmpfs", ANALYST_HOME]
    for path, fd in etc_fds.items():
        args += ["--ro-bind-data", str(fd), path]
    for program in closed_programs():
        args += ["--ro-bind", "/dev/null", program]
    for mount, source in sources.items():
        args += ["--bind" if mount.writable else "--ro-bind", source, mount.target]
    for folder in hidden_folders():
        args += ["--perms", "0000", "--size", "4096", "--tmpfs", folder, "--remount-ro", folder]
    # /dev itself is a tmpfs without a size: read-only, or it would be a way around the limits.
    return [*args, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", spec.workdir]


def environment(spec: SandboxSpec, prefix: str = sys.prefix) -> dict[str, str]:
    """Return the whole environment of the command, whose interpreter stands under `prefix`."""
    defaults = {
        "PATH": f"{prefix}/bin:/usr/bin:/bin",
        "HOME": ANALYST_HOME,
        "USER": "analyst",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONPATH": LIBRARY,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**defaults, **spec.environment}


def _p20kit() -> Path:
    found = importlib.util.find_spec("p20kit")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("p20kit is not installed next to the enclave")
    return Path(next(iter(found.submodule_search_locations))).resolve()
