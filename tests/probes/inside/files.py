"""Attempts on files: the host's, the project's, and what is left where the gate collects."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .base import HOME, OUTBOX, Nothing, Probe, Told, unless

DATA = Path("/project/data")


def climb_out_of_descriptors(told: Told) -> None:
    """Open the host through a folder descriptor somebody forgot to close."""
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) > 2 and entry.is_dir():
            Path(f"{entry}/../../../../..{told.secret}").stat()
    raise Nothing


def control_plane(_: Told) -> None:
    """Import the control plane."""
    import enclave.sandbox  # noqa: F401


def roots_home(_: Told) -> None:
    """List what of root's home is more than the way to the interpreter, which may have been set up there."""
    ours = (Path(sys.prefix), Path(sys.base_prefix))
    unless([path for path in Path("/root").iterdir() if not any(own.is_relative_to(path) for own in ours)])


def find_file(told: Told) -> None:
    """Look for the host's secret anywhere."""
    unless([1 for _, _, names in os.walk("/") if Path(told.secret).name in names])


def find_in_mounts(told: Told) -> None:
    """Read from the list of mounts where projects and sessions lie on the host."""
    unless(str(Path(told.secret).parent.parent.name) in Path("/proc/self/mountinfo").read_text())


def writable_mounts(_: Told) -> None:
    """Find a file system that the specification has read-only and that is not."""
    unless([path for path in ("/", DATA, "/probes") if not os.statvfs(path).f_flag & os.ST_RDONLY])


def devices(_: Told) -> None:
    """Find a device that is more than the harmless ones."""
    harmless = {"null", "zero", "full", "random", "urandom", "tty", "console", "ptmx"}
    nodes = [path for path in Path("/dev").iterdir() if path.is_char_device() and not path.is_symlink()]
    unless([path for path in nodes if path.name not in harmless])


def disks(_: Told) -> None:
    """Find a disk."""
    unless([path for path in Path("/dev").iterdir() if path.is_block_device()])


def programs(_: Told) -> None:
    """Find a program of the host that no session needs."""
    names = ("curl", "wget", "ssh", "scp", "gcc", "cc", "gdb", "docker", "su", "sudo", "passwd", "mount", "bwrap")
    found = [Path(place) for name in names if (place := shutil.which(name))]
    unless([path for path in found if path.is_file() and not path.stat().st_mode & 0o6000])


def program_in_outbox(_: Told) -> None:
    """Run a program that lies in the outbox, as somebody of the host might."""
    program = OUTBOX / "program"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    subprocess.run([program], check=True)


def library_in_outbox(_: Told) -> None:
    """Map a file of the outbox as a program's code."""
    import mmap

    page = OUTBOX / "library"
    page.write_bytes(bytes(4096))
    with page.open("r+b") as file:
        mmap.mmap(file.fileno(), 4096, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC).close()


def set_user_id_in_outbox(_: Told) -> None:
    """Leave a set-user-id program where the host looks."""
    path = OUTBOX / "planted"
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)


def many_files_in_outbox(_: Told) -> None:
    """Use up the numbers of files."""
    folder = OUTBOX / "many"
    folder.mkdir()
    try:
        for number in range(30_000):
            (folder / str(number)).touch()
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def filled(folder: Path, size: int) -> Callable[[Told], None]:
    """Fill a memory file system with files each of which is allowed."""

    def attempt(_: Told) -> None:
        paths = [folder / f"fill{number}" for number in range(12)]
        try:
            for path in paths:
                with path.open("wb") as file:
                    for _ in range(4):
                        file.write(bytes(size // 48))
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    return attempt


def link_in_outbox(told: Told) -> None:
    """Leave a link to the host's secret and read through it here; what collects follows none."""
    link = OUTBOX / "request.json"
    link.unlink(missing_ok=True)
    link.symlink_to(told.secret)
    link.read_text()


def listener_in_outbox(_: Told) -> None:
    """Move the data by a hard link into the outbox."""
    os.link(DATA / "rows.txt", OUTBOX / "rows.txt")


def sent_descriptor(told: Told) -> None:
    """Have a descriptor of the host's root sent by whoever listens on its socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(told.unix)
        socket.recv_fds(probe, 1, 1)


PROBES = (
    Probe("host file", "read another project's row", "ENOENT", lambda told: Path(told.secret).read_text()),
    Probe("host file anywhere", "look for it in every folder", "nothing", find_file),
    Probe("host file by the root of a process", "look through /proc/1/root", "EACCES EPERM ENOENT",
          lambda told: Path(f"/proc/1/root{told.secret}").read_text()),
    Probe("host file by a folder descriptor", "climb out of one somebody forgot", "nothing",
          climb_out_of_descriptors),
    Probe("host file by a sent descriptor", "have it sent over a socket", "ENOENT", sent_descriptor),
    Probe("places on the host", "read from the list of mounts where projects and sessions lie", "nothing",
          find_in_mounts),
    Probe("passwords", "read /etc/shadow", "ENOENT EACCES", lambda _: Path("/etc/shadow").read_text()),
    Probe("keys of the machine", "list /etc/ssh", "ENOENT", lambda _: list(Path("/etc/ssh").iterdir())),
    Probe("root's home", "list it", "ENOENT EACCES nothing", roots_home),
    Probe("others' homes", "find any but our own", "nothing",
          lambda _: unless([path for path in Path("/home").iterdir() if path != HOME])),
    Probe("logs of the host", "list /var/log", "ENOENT nothing",
          lambda _: unless([path for path in Path("/var/log").rglob("*") if path.is_file() and os.access(path, 4)
                            and path.stat().st_size])),
    Probe("control groups", "list /sys/fs/cgroup", "ENOENT EACCES nothing",
          lambda _: unless(list(Path("/sys/fs/cgroup").iterdir()))),
    Probe("sys", "list /sys/class", "ENOENT EACCES", lambda _: list(Path("/sys/class").iterdir())),
    Probe("devices", "find one that is not harmless", "nothing", devices),
    Probe("disks", "find one", "nothing", disks),
    Probe("device node", "make one for the machine's memory", "EPERM",
          lambda _: os.mknod(HOME / "mem", 0o20666, os.makedev(1, 1))),
    Probe("programs of the host", "run one that compiles, or speaks to a network or another account", "nothing",
          programs),
    Probe("control plane", "import it", "ModuleNotFoundError", control_plane),
    Probe("read-only file systems", "find one that is not", "nothing", writable_mounts),
    Probe("overwrite data", "write into an agency's file", "EROFS", lambda _: (DATA / "rows.txt").write_text("x")),
    Probe("write to data", "add a file", "EROFS", lambda _: (DATA / "new").write_text("x")),
    Probe("remove data", "unlink a file", "EROFS", lambda _: (DATA / "rows.txt").unlink()),
    Probe("mode of data", "change it", "EROFS EPERM", lambda _: (DATA / "rows.txt").chmod(0o777)),
    Probe("hard link of data", "make one in the scratch", "EXDEV EPERM",
          lambda _: os.link(DATA / "rows.txt", HOME / "rows.txt")),
    Probe("write to the library", "change p20kit for the next session", "EROFS EACCES",
          lambda _: Path("/opt/enclave/lib/p20kit/x.py").write_text("x")),
    Probe("write to the environment", "change the interpreter's packages", "EROFS EACCES",
          lambda _: Path(sys.prefix, "x").write_text("x")),
    Probe("write to usr", "change a program", "EROFS EACCES", lambda _: Path("/usr/x").write_text("x")),
    Probe("write to etc", "change who is who", "EROFS EACCES EPERM",
          lambda _: Path("/etc/passwd").write_text("root::0:0::/:/bin/sh")),
    Probe("write to the root", "add a file", "EROFS EACCES", lambda _: Path("/x").write_text("x")),
    Probe("write to dev", "use memory without a limit", "EROFS EACCES", lambda _: Path("/dev/x").write_text("x")),
    Probe("hard link of data into the outbox", "make the host's collector read it", "EXDEV EPERM",
          listener_in_outbox),
    Probe("link in the outbox", "leave one to a file of the host", "ENOENT", link_in_outbox),
    Probe("device node in the outbox", "leave one for the host", "EPERM",
          lambda _: os.mknod(OUTBOX / "mem", 0o20666, os.makedev(1, 1))),
    Probe("set-user-id file in the outbox", "leave one for the host", "EPERM", set_user_id_in_outbox),
    Probe("program in the outbox", "run one that lies there", "EACCES", program_in_outbox),
    Probe("library in the outbox", "map one that lies there", "EPERM", library_in_outbox),
    Probe("many files in the outbox", "make thirty thousand", "ENOSPC", many_files_in_outbox),
    Probe("fill the outbox", "write 1 GiB in files each of which is allowed", "ENOSPC", filled(OUTBOX, 2**30)),
    Probe("fill tmp", "write 3 GiB in files each of which is allowed", "ENOSPC", filled(Path("/tmp"), 3 * 2**30)),
    Probe("fill shared memory", "the same in /dev/shm", "ENOSPC", filled(Path("/dev/shm"), 3 * 2**30)),
)  # fmt: skip
