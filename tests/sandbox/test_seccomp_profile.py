"""The profile for container engines answers as the program for bubblewrap does, call by call."""

from __future__ import annotations

import random

import pytest

from enclave.sandbox import seccomp
from enclave.sandbox.profile import Comparison, profile
from tests.sandbox.test_seccomp_program import ALLOW, answer

MACHINES = ("x86_64", "aarch64")
CONDITIONAL = sorted(seccomp.CONDITIONAL)
_BOUNDARY = (0, 1, 2, 3, 10, 16, 17, 40, 0o100, 0o755, 0o2000, 0o4000, 0o4755, 0o20000000)
_BOUNDARY += (seccomp.TIOCSTI, seccomp.TIOCLINUX, 0x5411, 0x5413, 0x541D, 0x5401, 0x10000000, 0x20000, 0xFFFFFFFF)
VALUES = sorted({low | high for low in _BOUNDARY for high in (0, 1 << 32, 1 << 63)})


def allowing(machine: str, name: str) -> list[list[Comparison]]:
    """Return the conditions of the rules that allow a call; an engine refuses it when none of them holds."""
    rules = profile(machine)["syscalls"]
    return [r.get("args", []) for r in rules if r["action"] == "SCMP_ACT_ALLOW" and name in r["names"]]


def holds(conditions: list[Comparison], arguments: list[int]) -> bool:
    return all(arguments[of["index"]] & of["value"] == of["valueTwo"] for of in conditions)


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("machine", MACHINES)
def test_the_same_arguments_are_refused(machine: str, name: str) -> None:
    number = seccomp.CALLS[name][MACHINES.index(machine)]
    if number is None:
        return
    chance = random.Random(f"{machine} {name}")
    rules = allowing(machine, name)
    tried = [[chance.choice(VALUES) for _ in range(4)] for _ in range(300)]
    tried += [[value] * 4 for value in (*VALUES, *(chance.randrange(2**32) for _ in range(300)))]
    for arguments in tried:
        ours = any(holds(conditions, arguments) for conditions in rules)
        assert ours == (answer(machine, number, *arguments) == ALLOW), arguments


@pytest.mark.parametrize("machine", MACHINES)
def test_what_one_refuses_always_the_other_does_not_name(machine: str) -> None:
    refused = set(seccomp.CALLS) - seccomp.CONDITIONAL
    assert not [name for name in refused if allowing(machine, name)]


def test_what_nobody_named_is_refused() -> None:
    assert profile("x86_64")["defaultAction"] == "SCMP_ACT_ERRNO"
    assert not allowing("x86_64", "a_call_of_a_later_kernel")
    assert allowing("x86_64", "read") == [[]]


def test_an_unknown_machine_has_no_profile() -> None:
    with pytest.raises(ValueError, match="no system call filter"):
        profile("riscv64")
