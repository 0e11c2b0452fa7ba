"""Attempts on the kernel, on other processes, and on more rights."""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
from pathlib import Path

from .base import HOME, Nothing, Probe, Told, syscall, unless

_EPERM = "EPERM"
_NEWUSER, _NEWNET = 0x10000000, 0x40000000


def host_process(told: Told, name: str) -> None:
    """Read of the host process with that number: here it is nobody's, or one of our own."""
    if told.process in {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}:
        raise Nothing
    Path(f"/proc/{told.process}/{name}").read_bytes()


def signal_to_host(told: Told) -> None:
    """Signal the host process, unless its number is one of our own."""
    if Path("/proc", str(told.process)).exists():
        raise Nothing
    os.kill(told.process, 0)


def environment_of_first(_: Told) -> None:
    """Look for more in the first process than this one was told itself."""
    theirs = Path("/proc/1/environ").read_bytes().decode().split("\0")
    unless({entry.partition("=")[0] for entry in theirs if entry} - {*os.environ, "HOSTNAME", "PWD"})


def command_line_of_first(told: Told) -> None:
    """Look for places of the host on the command line of the first process."""
    said = Path("/proc/1/cmdline").read_bytes().replace(b"\0", b" ").decode()
    unless(str(Path(told.secret).parent.with_name("project")) in said)


def own_child_traced(_: Told) -> None:
    """Trace a child of our own: the way to change its memory and system calls."""
    child = subprocess.Popen(["/usr/bin/sleep", "5"])
    try:
        syscall((101, 117), 16, child.pid, 0, 0)
    finally:
        child.kill()
        child.wait()


def type_into_terminal(_: Told) -> None:
    """Push a character into a terminal we opened ourselves."""
    controller, terminal = os.openpty()
    try:
        fcntl.ioctl(terminal, 0x5412, b"x")
    finally:
        os.close(controller)
        os.close(terminal)


def by_another_number(_: Told) -> None:
    """Open a socket by the number it has for the x32 interface; a child tries, as an engine ends who does."""
    child = os.fork()
    if child == 0:
        try:
            syscall((0x40000000 | 41, 467), 40, 1, 0)
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code > 0:
        raise OSError(code, os.strerror(code))
    if code < 0:
        raise subprocess.CalledProcessError(code, "a call of the x32 interface")


def capabilities(_: Told) -> None:
    """Look for any capability."""
    status = Path("/proc/self/status").read_text()
    held = [line for line in status.splitlines() if line.startswith(("CapPrm", "CapEff", "CapBnd", "CapAmb"))]
    unless([line for line in held if int(line.split()[1], 16)])


def more_by_running(_: Told) -> None:
    """Find that a program run from here could gain rights."""
    status = Path("/proc/self/status").read_text().splitlines()
    unless("NoNewPrivs:\t1" not in status or "Seccomp:\t2" not in status)


def set_user_id_programs(_: Told) -> None:
    """Run a set-user-id program of the system and be somebody else."""
    found = next((path for path in ("/usr/bin/su", "/usr/bin/mount", "/usr/bin/newgrp") if Path(path).exists()), None)
    unless(found)
    said = subprocess.run([str(found), "--version"], capture_output=True, text=True, check=True)
    unless(said.returncode != 0)


def fresh_set_user_id(_: Told) -> None:
    """Leave a set-user-id program in the scratch."""
    path = HOME / "planted"
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o4755)


def fresh_set_group_id(_: Told) -> None:
    """Leave a set-group-id program in the scratch."""
    path = HOME / "planted3"
    path.write_bytes(b"#!/bin/sh\n")
    path.chmod(0o2755)


def set_user_id_at_birth(_: Told) -> None:
    """The same, with the bit given when the file is made."""
    os.umask(0)
    os.close(os.open(HOME / "planted2", os.O_CREAT | os.O_WRONLY, 0o4755))


def file_capability(_: Told) -> None:
    """Give a file of ours capabilities."""
    (HOME / "capable").touch()
    os.setxattr(HOME / "capable", "security.capability", bytes.fromhex("0100000200040000000000000000000000000000"))


PROBES = (
    Probe("keyring read", "read the keys of the session that started us", _EPERM,
          lambda _: syscall((250, 219), 11, -3, 0, 0)),
    Probe("keyring add", "leave a key for others", _EPERM, lambda _: syscall((248, 217), b"user", b"k", b"v", 1, -3)),
    Probe("keyring request", "ask the host for a key", _EPERM,
          lambda _: syscall((249, 218), b"user", b"k", None, -3)),
    Probe("io_uring", "open sockets past the filter", _EPERM,
          lambda _: syscall((425, 425), 4, ctypes.create_string_buffer(256))),
    Probe("userfaultfd", "stop the kernel in the middle of a copy", _EPERM, lambda _: syscall((323, 282), 1)),
    Probe("bpf", "load a program into the kernel", _EPERM, lambda _: syscall((321, 280), 0, 0, 0)),
    Probe("perf", "count events of the kernel", _EPERM,
          lambda _: syscall((298, 241), ctypes.create_string_buffer(128), 0, -1, -1, 0)),
    Probe("kernel module", "load one", _EPERM, lambda _: syscall((175, 105), b"", 0, b"")),
    Probe("another kernel", "start one", _EPERM, lambda _: syscall((246, 104), 0, 0, 0, 0)),
    Probe("swap", "make the kernel write memory to a file of ours", _EPERM,
          lambda _: syscall((167, 224), b"/tmp/x", 0)),
    Probe("reboot", "stop the machine", _EPERM, lambda _: syscall((169, 142), 0xFEE1DEAD, 672274793, 0, 0)),
    Probe("clock", "set it", _EPERM, lambda _: syscall((227, 112), 0, ctypes.create_string_buffer(16))),
    Probe("name of the host", "set it", _EPERM, lambda _: syscall((170, 161), b"other", 5)),
    Probe("read implies exec", "make all memory executable", _EPERM, lambda _: syscall((135, 92), 0x0400000)),
    Probe("unknown call", "make a system call newer than the filter", "ENOSYS EPERM",
          lambda _: syscall((467, 467), 0)),
    Probe("call of the x32 interface", "make a system call by another number", "ENOSYS CalledProcessError",
          by_another_number),
    Probe("watch of file systems", "be told what others open", _EPERM, lambda _: syscall((300, 262), 0, 0)),
    Probe("ptrace of a child", "change its memory and calls", _EPERM, own_child_traced),
    Probe("ptrace of the first process", "attach to it", _EPERM, lambda _: syscall((101, 117), 16, 1, 0, 0)),
    Probe("memory of the first process", "read it by call", _EPERM,
          lambda _: syscall((310, 270), 1, 0, 0, 0, 0, 0)),
    Probe("descriptor of another process", "take one from the first process", _EPERM,
          lambda _: syscall((438, 438), os.pidfd_open(1), 0, 0)),
    Probe("environment of the first process", "read what it was told beyond us", "nothing EACCES",
          environment_of_first),
    Probe("command line of the first process", "read places of the host from it", "nothing", command_line_of_first),
    Probe("environment of a host process", "read it", "ENOENT nothing", lambda told: host_process(told, "environ")),
    Probe("root of a host process", "walk into it", "ENOENT nothing",
          lambda told: host_process(told, "root/etc/shadow")),
    Probe("signal to a host process", "send one", "ESRCH nothing", signal_to_host),
    Probe("capabilities", "find any", "nothing", capabilities),
    Probe("rights gained by running a program", "find that they could be", "nothing", more_by_running),
    Probe("set-user-id program of the system", "become root by one", "nothing EACCES", set_user_id_programs),
    Probe("become root", "set the uid to 0", "EPERM EINVAL", lambda _: os.setuid(0)),
    Probe("groups", "join root's", "EPERM EINVAL", lambda _: os.setgroups([0])),
    Probe("new user namespace", "be root in one of our own", _EPERM, lambda _: syscall((272, 97), _NEWUSER)),
    Probe("new network namespace", "have a network of our own", _EPERM, lambda _: syscall((272, 97), _NEWNET)),
    Probe("new user namespace by clone", "the same by another call", _EPERM,
          lambda _: syscall((56, 220), _NEWUSER | 17, 0, 0, 0, 0)),
    Probe("new user namespace by clone3", "the same by a third", "ENOSYS",
          lambda _: syscall((435, 435), ctypes.create_string_buffer(88), 88)),
    Probe("new user namespace by a program", "the same by unshare(1)", "CalledProcessError ENOENT EACCES",
          lambda _: subprocess.run(["/usr/bin/unshare", "-U", "true"], check=True, capture_output=True)),
    Probe("join a namespace", "enter the first process's network", _EPERM,
          lambda _: syscall((308, 268), os.open("/proc/self/ns/net", os.O_RDONLY), 0)),
    Probe("mount", "mount a file system", _EPERM, lambda _: syscall((165, 40), b"x", b"/tmp", b"tmpfs", 0, 0)),
    Probe("mount again", "make the root writable", _EPERM, lambda _: syscall((165, 40), b"", b"/", b"", 0x20, 0)),
    Probe("unmount", "uncover what lies below /project", _EPERM, lambda _: syscall((166, 39), b"/project/data", 2)),
    Probe("open a tree", "take a mount along", _EPERM, lambda _: syscall((428, 428), -100, b"/", 1)),
    Probe("file system by the newer calls", "open one", _EPERM, lambda _: syscall((430, 430), b"tmpfs", 0)),
    Probe("change a mount's flags", "make /project writable", _EPERM,
          lambda _: syscall((442, 442), -100, b"/project/data", 0, ctypes.create_string_buffer(32), 32)),
    Probe("pivot the root", "swap it for another", _EPERM, lambda _: syscall((155, 41), b"/tmp", b"/tmp")),
    Probe("chroot", "have another root", _EPERM, lambda _: os.chroot("/tmp")),
    Probe("file by handle", "open a file of the host by its number", _EPERM,
          lambda _: syscall((304, 265), -100, ctypes.create_string_buffer(128), 0)),
    Probe("type into a terminal", "put words into the terminal that started us", _EPERM, type_into_terminal),
    Probe("set-user-id file", "leave one in the scratch", _EPERM, fresh_set_user_id),
    Probe("set-group-id file", "leave one in the scratch", _EPERM, fresh_set_group_id),
    Probe("set-user-id file at birth", "the same when it is made", _EPERM, set_user_id_at_birth),
    Probe("capability of a file", "give one to a program of ours", _EPERM, file_capability),
    Probe("core pattern", "have the host run a program when one of ours crashes", "EROFS EACCES",
          lambda _: Path("/proc/sys/kernel/core_pattern").write_text("|/tmp/x")),
    Probe("module loader's path", "have the host run a program of ours", "EROFS EACCES ENOENT",
          lambda _: Path("/proc/sys/kernel/modprobe").write_text("/tmp/x")),
    Probe("sysrq", "tell the kernel what to do", "EROFS EACCES ENOENT",
          lambda _: Path("/proc/sysrq-trigger").write_text("h")),
    Probe("kernel log", "read it", "ENOENT EPERM EACCES", lambda _: Path("/dev/kmsg").read_bytes()),
    Probe("kernel log by call", "read it", _EPERM,
          lambda _: syscall((103, 116), 3, ctypes.create_string_buffer(64), 64)),
    Probe("memory of the kernel", "read /proc/kcore", "EACCES EPERM ENOENT",
          lambda _: unless(os.pread(os.open("/proc/kcore", os.O_RDONLY), 64, 0))),
)  # fmt: skip
