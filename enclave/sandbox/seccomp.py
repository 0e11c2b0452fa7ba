"""System calls a sandbox may not make, as a classic BPF program put together by hand.

Namespaces leave the whole system call surface open: AF_VSOCK ignores network namespaces, io_uring
goes behind filters, the kernel keyring is shared, TIOCSTI types into the parent's terminal. The
program blocks those, answers ENOSYS above the highest call it knows so that a newer kernel adds no
surface, and keeps anyone from making a set-user-id file. x86_64 and aarch64; no libseccomp.
"""

from __future__ import annotations

import errno
import platform
import struct

# (jump if true, jump if false) are relative; offsets of struct seccomp_data.
_LOAD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _ARG0 = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_EAFNOSUPPORT = _ERRNO | errno.EAFNOSUPPORT

HIGHEST_CALL = 451
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


# name: (x86_64, aarch64); None where the architecture has no such call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "ioctl": (16, 29),
    "clone": (56, 220),
    "clone3": (435, 435),
    "socket": (41, 198),
    "personality": (135, 92),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "creat": (85, None),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "syslog": (103, 116),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "_sysctl": (156, None),
    "nfsservctl": (180, 42),
    "lookup_dcookie": (212, 18),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    "vhangup": (153, 58),
}
CONDITIONAL = {"ioctl", "clone", "socket", "personality", "chmod", "fchmod", "fchmodat", "open", "openat", "creat"}
# Callers fall back when these "do not exist": clone3 and openat2 hide their flags behind a pointer.
ABSENT = {"clone3", "openat2"}

AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, NETLINK_ROUTE = 1, 2, 10, 16, 0
NEW_NAMESPACES = 0x7E020080  # NEWUSER|NEWNS|NEWPID|NEWNET|NEWIPC|NEWUTS|NEWCGROUP|NEWTIME
SET_ID_BITS = 0o6000
O_CREAT_OR_TMPFILE = 0o100 | 0o20000000
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

Instruction = tuple[int, int, int, int]


def program(machine: str | None = None) -> bytes:
    """Assemble the filter for one architecture.

    Parameters
    ----------
    machine : str, optional
        'x86_64' or 'aarch64'; the running machine's when absent.

    Returns
    -------
    bytes
        An array of struct sock_filter, as bubblewrap's --seccomp reads it.

    Raises
    ------
    ValueError
        On any other architecture: no filter, no sandbox.
    """
    machine = machine or platform.machine()
    if machine not in _AUDIT_ARCH:
        raise ValueError(f"there is no system call filter for {machine}")
    column = 0 if machine == "x86_64" else 1
    code: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH),
        (_JEQ, 1, 0, _AUDIT_ARCH[machine]),
        (_RET, 0, 0, _KILL),
        (_LOAD, 0, 0, _NR),
        (_JGE, 0, 1, HIGHEST_CALL + 1),  # covers the x32 calls too, whose numbers start at 0x40000000
        (_RET, 0, 0, _ENOSYS),
    ]
    for name, numbers in CALLS.items():
        number = numbers[column]
        if number is None:
            continue
        if name in CONDITIONAL:
            body = _condition(name)
        else:
            body = [(_RET, 0, 0, _ENOSYS if name in ABSENT else _EPERM)]
        code += [(_JEQ, 0, len(body), number), *body]
    code.append((_RET, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _condition(name: str) -> list[Instruction]:
    """Return the instructions for a call that is refused for some of its arguments only.

    Arguments are read as their low 32 bits, which is what the kernel uses of them: a comparison of
    all 64 would let a set upper bit pass (CVE-2019-10063).
    """
    if name == "socket":
        return [
            _argument(0),
            (_JEQ, 6, 0, AF_UNIX),
            (_JEQ, 5, 0, AF_INET),
            (_JEQ, 4, 0, AF_INET6),
            (_JEQ, 0, 2, AF_NETLINK),  # only to list the interfaces of the empty network namespace
            _argument(2),
            (_JEQ, 1, 0, NETLINK_ROUTE),
            (_RET, 0, 0, _EAFNOSUPPORT),
            (_RET, 0, 0, _ALLOW),
        ]
    if name == "ioctl":
        return [
            _argument(1),
            (_JEQ, 1, 0, TIOCSTI),
            (_JEQ, 0, 1, TIOCLINUX),
            (_RET, 0, 0, _EPERM),
            (_RET, 0, 0, _ALLOW),
        ]
    if name == "personality":  # asking (all ones) and plain Linux; READ_IMPLIES_EXEC and the rest not
        return [
            _argument(0),
            (_JEQ, 2, 0, 0xFFFFFFFF),
            (_JEQ, 1, 0, 0),
            (_RET, 0, 0, _EPERM),
            (_RET, 0, 0, _ALLOW),
        ]
    if name == "clone":
        return _refuse_bits(0, NEW_NAMESPACES)
    if name in ("open", "openat"):
        flags, mode = (1, 2) if name == "open" else (2, 3)
        return [
            _argument(flags),
            (_JSET, 0, 3, O_CREAT_OR_TMPFILE),  # without them the mode is whatever the register held
            _argument(mode),
            (_JSET, 0, 1, SET_ID_BITS),
            (_RET, 0, 0, _EPERM),
            (_RET, 0, 0, _ALLOW),
        ]
    return _refuse_bits({"chmod": 1, "fchmod": 1, "fchmodat": 2, "creat": 1}[name], SET_ID_BITS)


def _refuse_bits(index: int, bits: int) -> list[Instruction]:
    return [_argument(index), (_JSET, 0, 1, bits), (_RET, 0, 0, _EPERM), (_RET, 0, 0, _ALLOW)]


def _argument(index: int) -> Instruction:
    return (_LOAD, 0, 0, _ARG0 + 8 * index)
