"""Runs inside a sandbox and tries to get out of it; leaves {probe: what happened} as JSON in its scratch.

'open' is the only bad answer: the attempt went through. Everything else says what stood in the way.
argv: a secret file of the host, a unix socket of the host, a TCP port of the host, a host process.
"""

import ctypes
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SECRET, HOST_SOCKET, HOST_PORT, HOST_PID = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == "x86_64"
SCRATCH = Path("/home/analyst")


def syscall(number: int, *arguments: object) -> None:
    """Make a raw system call, or raise what it answered."""
    if libc.syscall(number, *arguments) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def connect(family: int, address: object, kind: int = socket.SOCK_STREAM) -> None:
    """Connect and, for datagrams, send."""
    with socket.socket(family, kind) as probe:
        probe.settimeout(2)
        probe.connect(address)
        if kind == socket.SOCK_DGRAM:
            probe.send(b"x")


def host_process(name: str) -> None:
    """Read of the host process with that number: here it is nobody's, or one of our own."""
    if HOST_PID in {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}:
        raise PermissionError("the number is one of the sandbox's own")
    Path(f"/proc/{HOST_PID}/{name}").read_bytes()


def environment_of_first() -> None:
    """Look for more in the first process than this one was told itself."""
    theirs = Path("/proc/1/environ").read_bytes().decode().split("\0")
    if {entry.partition("=")[0] for entry in theirs if entry} <= {*os.environ, "HOSTNAME"}:
        raise PermissionError("nothing more")


def own_child_traced() -> None:
    """Trace a child of our own: the way to change its memory and system calls."""
    child = subprocess.Popen(["/usr/bin/sleep", "5"])
    try:
        syscall(101 if X86 else 117, 16, child.pid, 0, 0)
    finally:
        child.kill()
        child.wait()


def type_into_terminal() -> None:
    """Push a character into a terminal we opened ourselves."""
    controller, terminal = os.openpty()
    try:
        fcntl.ioctl(terminal, 0x5412, b"x")
    finally:
        os.close(controller)
        os.close(terminal)


def setuid_file() -> None:
    """Leave a set-user-id program in the scratch."""
    path = SCRATCH / "planted"
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)


def setuid_file_at_birth() -> None:
    """The same, with the bit given when the file is made."""
    os.umask(0)
    os.close(os.open(SCRATCH / "planted2", os.O_CREAT | os.O_WRONLY, 0o4755))


def many_processes() -> None:
    """Fork until somebody says no."""
    children = []
    try:
        for _ in range(3000):
            pid = os.fork()
            if pid == 0:
                signal.pause()
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, 9)
        for pid in children:
            os.waitpid(pid, 0)


def much_memory() -> None:
    """Take twice the memory one process may have."""
    mmap.mmap(-1, 16 * 1024**3, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()


def large_file() -> None:
    """Write past the file size limit, sparsely."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with (SCRATCH / "large").open("wb") as file:
        os.truncate(file.fileno(), 4 * 1024**4)


def fill(folder: str) -> None:
    """Write 3 GiB into a memory file system, in files each of which is allowed."""
    paths = [Path(folder, f"fill{number}") for number in range(12)]
    try:
        for path in paths:
            with path.open("wb") as file:
                for _ in range(4):
                    file.write(bytes(64 * 1024**2))
    finally:
        for path in paths:
            path.unlink(missing_ok=True)


def capabilities() -> None:
    """Look for any capability."""
    status = Path("/proc/self/status").read_text()
    held = [line for line in status.splitlines() if line.startswith(("CapPrm", "CapEff", "CapBnd", "CapAmb"))]
    if all(int(line.split()[1], 16) == 0 for line in held):
        raise PermissionError("none")


def climb_out_of_descriptors() -> None:
    """Open the host through a folder descriptor somebody forgot to close."""
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) > 2 and entry.is_dir():
            Path(f"{entry}/../../../../..{SECRET}").stat()
    raise PermissionError("no folder descriptor is inherited")


def control_plane() -> None:
    """Import the control plane."""
    import enclave.sandbox  # noqa: F401


def roots_home() -> list[Path]:
    """List what of root's home is more than the way to the interpreter, which may have been set up there."""
    ours = (Path(sys.prefix), Path(sys.base_prefix))
    found = [path for path in Path("/root").iterdir() if not any(own.is_relative_to(path) for own in ours)]
    if not found:
        raise FileNotFoundError("/root")
    return found


def find_file() -> None:
    """Look for the host's secret anywhere."""
    if not [1 for _, _, names in os.walk("/") if Path(SECRET).name in names]:
        raise FileNotFoundError


def writable_mounts() -> None:
    """Find a file system that the specification has read-only and that is not."""
    if all(os.statvfs(path).f_flag & os.ST_RDONLY for path in ("/", "/project/data", "/probes")):
        raise PermissionError("none")


def limits_raised() -> None:
    """Raise one's own ceiling."""
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def interfaces() -> None:
    """Find any interface but the empty loopback."""
    if [name for _, name in socket.if_nameindex()] == ["lo"]:
        raise PermissionError("only lo")


def abstract_sockets() -> None:
    """Find a listening socket of the host among the abstract ones."""
    lines = Path("/proc/net/unix").read_text().splitlines()[1:]
    if not [line for line in lines if line.rstrip().endswith(f"@enclave-probe-{HOST_PORT}")]:
        raise FileNotFoundError
    connect(socket.AF_UNIX, f"\0enclave-probe-{HOST_PORT}")


PROBES: dict[str, Callable[[], object]] = {
    "tcp to the host's loopback": lambda: connect(socket.AF_INET, ("127.0.0.1", HOST_PORT)),
    "tcp to the internet": lambda: connect(socket.AF_INET, ("1.1.1.1", 443)),
    "tcp6 to the internet": lambda: connect(socket.AF_INET6, ("2606:4700:4700::1111", 443)),
    "udp to a resolver": lambda: connect(socket.AF_INET, ("8.8.8.8", 53), socket.SOCK_DGRAM),
    "a name": lambda: socket.getaddrinfo("example.org", 443),
    "interfaces": interfaces,
    "unix socket of the host": lambda: connect(socket.AF_UNIX, HOST_SOCKET),
    "abstract unix socket of the host": abstract_sockets,
    "vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "raw icmp": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "netlink beyond routes": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12),
    "alg socket": lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
    "bluetooth": lambda: socket.socket(31, socket.SOCK_RAW, 1),
    "keyring read": lambda: syscall(250 if X86 else 219, 11, -3, 0, 0),
    "keyring add": lambda: syscall(248 if X86 else 217, b"user", b"k", b"v", 1, -3),
    "io_uring": lambda: syscall(425, 4, ctypes.create_string_buffer(256)),
    "userfaultfd": lambda: syscall(323 if X86 else 282, 1),
    "bpf": lambda: syscall(321 if X86 else 280, 0, 0, 0),
    "perf": lambda: syscall(298 if X86 else 241, ctypes.create_string_buffer(128), 0, -1, -1, 0),
    "read implies exec": lambda: syscall(135 if X86 else 92, 0x0400000),
    "unknown call": lambda: syscall(467),
    "ptrace of a child": own_child_traced,
    "memory of the first process": lambda: syscall(310 if X86 else 270, 1, 0, 0, 0, 0, 0),
    "environment of the first process": environment_of_first,
    "environment of a host process": lambda: host_process("environ"),
    "root of a host process": lambda: host_process("root/etc/shadow"),
    "signal to a host process": lambda: os.kill(HOST_PID, 0) if HOST_PID > 5000 else host_process("stat"),
    "host file": lambda: Path(SECRET).read_text(),
    "host file anywhere": find_file,
    "shadow": lambda: Path("/etc/shadow").read_text(),
    "root's home": roots_home,
    "sys": lambda: list(Path("/sys/class").iterdir()),
    "kernel log": lambda: Path("/dev/kmsg").read_bytes(),
    "core pattern": lambda: Path("/proc/sys/kernel/core_pattern").write_text("|/tmp/x"),
    "sysrq": lambda: Path("/proc/sysrq-trigger").write_text("h"),
    "writable file system": writable_mounts,
    "overwrite data": lambda: Path("/project/data/rows.txt").write_text("x"),
    "write to data": lambda: Path("/project/data/new").write_text("x"),
    "mode of data": lambda: Path("/project/data/rows.txt").chmod(0o777),
    "hard link of data": lambda: os.link("/project/data/rows.txt", SCRATCH / "rows.txt"),
    "write to the library": lambda: Path("/opt/enclave/lib/p20kit/x.py").write_text("x"),
    "write to the environment": lambda: Path(sys.prefix, "x").write_text("x"),
    "write to usr": lambda: Path("/usr/x").write_text("x"),
    "write to the root": lambda: Path("/x").write_text("x"),
    "write to dev": lambda: Path("/dev/x").write_text("x"),
    "device node": lambda: os.mknod(SCRATCH / "mem", 0o20666, os.makedev(1, 1)),
    "set-user-id file": setuid_file,
    "set-user-id file at birth": setuid_file_at_birth,
    "capabilities": capabilities,
    "become root": lambda: os.setuid(0),
    "new user namespace": lambda: syscall(272 if X86 else 97, 0x10000000),
    "new user namespace by clone": lambda: syscall(56 if X86 else 220, 0x10000000 | 17, 0, 0, 0, 0),
    "new user namespace by a program": lambda: subprocess.run(["/usr/bin/unshare", "-U", "true"], check=True),
    "join a namespace": lambda: syscall(308 if X86 else 268, os.open("/proc/1/ns/net", os.O_RDONLY), 0),
    "mount": lambda: syscall(165 if X86 else 40, b"x", b"/tmp", b"tmpfs", 0, 0),
    "open a tree": lambda: syscall(428, -100, b"/", 1),
    "chroot": lambda: os.chroot("/tmp"),
    "file by handle": lambda: syscall(304 if X86 else 265, -100, ctypes.create_string_buffer(128), 0),
    "descriptor of another process": lambda: syscall(438, os.pidfd_open(1), 0, 0),
    "type into a terminal": type_into_terminal,
    "inherited folder descriptor": climb_out_of_descriptors,
    "control plane": control_plane,
    "3000 processes": many_processes,
    "16 GiB of memory": much_memory,
    "4 TiB file": large_file,
    "fill tmp": lambda: fill("/tmp"),
    "fill shared memory": lambda: fill("/dev/shm"),
    "raise a limit": limits_raised,
}


def main() -> None:
    """Try everything."""
    answers = {}
    for name, probe in PROBES.items():
        try:
            probe()
            answers[name] = "open"
        except (OSError, MemoryError, ValueError, ImportError, OverflowError, subprocess.CalledProcessError) as no:
            answers[name] = type(no).__name__ + f" {getattr(no, 'errno', '')}"
    (SCRATCH / "answers.json").write_text(json.dumps(answers))


main()
