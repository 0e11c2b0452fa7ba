"""The system call filter as a program: its answers, worked out by a small BPF interpreter."""

from __future__ import annotations

import struct

import pytest

from enclave.sandbox import seccomp

ALLOW, KILL, EPERM, ENOSYS, EAFNOSUPPORT = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026, 0x00050061
ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def answer(machine: str, number: int, *arguments: int, arch: int | None = None) -> int:
    """Run the program on one system call."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    call = struct.pack("=IIQ6Q", number, ARCH[machine] if arch is None else arch, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    at, loaded = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            loaded = struct.unpack_from("=I", call, value)[0]
        elif operation == 0x06:
            return int(value)
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[operation]
            at += if_true if holds else if_false


@pytest.mark.parametrize(
    ("machine", "number", "arguments", "expected"),
    [
        ("x86_64", 0, (), ALLOW),  # read
        ("x86_64", 41, (40, 1, 0), EAFNOSUPPORT),  # socket vsock
        ("x86_64", 41, (1, 1, 0), ALLOW),
        ("x86_64", 41, (10, 1, 0), ALLOW),
        ("x86_64", 41, (16, 3, 0), ALLOW),  # netlink route
        ("x86_64", 41, (16, 3, 12), EAFNOSUPPORT),  # netlink netfilter
        ("x86_64", 41, (40 | 1 << 32, 1, 0), EAFNOSUPPORT),  # an upper bit changes nothing
        ("x86_64", 16, (0, 0x5412), EPERM),  # TIOCSTI
        ("x86_64", 16, (0, 0x5412 | 1 << 40), EPERM),
        ("x86_64", 16, (0, 0x5401), ALLOW),
        ("x86_64", 56, (0x10000000,), EPERM),  # clone NEWUSER
        ("x86_64", 56, (0x3D0F00,), ALLOW),  # a thread
        ("x86_64", 435, (), ENOSYS),  # clone3
        ("x86_64", 425, (), EPERM),  # io_uring
        ("x86_64", 90, (0, 0o4755), EPERM),
        ("x86_64", 90, (0, 0o755), ALLOW),
        ("x86_64", 257, (0, 0, 0o101, 0o4755), EPERM),
        ("x86_64", 257, (0, 0, 0, 0o4755), ALLOW),  # no O_CREAT: the mode is not read
        ("x86_64", 135, (0x0400000,), EPERM),
        ("x86_64", 135, (0xFFFFFFFF,), ALLOW),
        ("x86_64", 452, (), ENOSYS),
        ("x86_64", 0x40000001, (), ENOSYS),  # an x32 call
        ("aarch64", 63, (), ALLOW),  # read
        ("aarch64", 198, (40, 1, 0), EAFNOSUPPORT),
        ("aarch64", 220, (0x10000000,), EPERM),
        ("aarch64", 117, (), EPERM),  # ptrace
        ("aarch64", 53, (0, 0, 0o2755), EPERM),
    ],
)
def test_answers(machine: str, number: int, arguments: tuple[int, ...], expected: int) -> None:
    assert answer(machine, number, *arguments) == expected


def test_calls_of_another_architecture_end_the_process() -> None:
    assert answer("x86_64", 0, arch=0x40000003) == KILL


def test_an_unknown_machine_has_no_sandbox() -> None:
    with pytest.raises(ValueError, match="no system call filter"):
        seccomp.program("riscv64")
