"""The same system call rules as `seccomp`, in the words of a container engine.

An engine's profile names calls, so what is not named is refused: here that is every call the program of
`seccomp` refuses, and every one newer than it knows (which runc answers with ENOSYS, as the program does).
"""

from __future__ import annotations

import errno
import platform
from collections.abc import Iterator, Sequence
from typing import TypedDict

from enclave.sandbox import seccomp

_ARCHITECTURE = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_WORD = 0xFFFFFFFF

# Every call up to `seccomp.HIGHEST_CALL` of either architecture that its program lets through whatever the arguments.
_UNCONDITIONAL = """
accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2
fadvise64 fallocate fanotify_mark fchdir fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_waitv futimesat get_mempolicy get_robust_list
getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp
getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname getsockopt
gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel
io_destroy io_getevents io_pgetevents io_setup io_submit ioprio_get ioprio_set kill landlock_add_rule
landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr llistxattr
lremovexattr lseek lsetxattr lstat madvise mbind membarrier memfd_create memfd_secret mincore mkdir mkdirat
mlock mlock2 mlockall mmap mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink
mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap nanosleep newfstatat pause pidfd_open
pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2
prlimit64 process_madvise process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink
readlinkat readv recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2
restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min
sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop
sendfile sendmmsg sendmsg sendto set_mempolicy set_mempolicy_home_node set_robust_list set_tid_address
setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid
setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4
socketpair splice stat statfs statx symlink symlinkat sync sync_file_range sync_file_range2 syncfs sysfs
sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat ustat utime utimensat utimes
vfork vmsplice wait4 waitid write writev
"""


class Comparison(TypedDict):
    """One condition on one argument: (argument & value) == valueTwo."""

    index: int
    value: int
    valueTwo: int
    op: str


class Rule(TypedDict, total=False):
    """What happens to calls of some names, when all conditions hold."""

    names: list[str]
    action: str
    errnoRet: int
    args: list[Comparison]


class Profile(TypedDict):
    """What Docker and Kubernetes read as a seccomp profile."""

    defaultAction: str
    architectures: list[str]
    syscalls: list[Rule]


def profile(machine: str | None = None) -> Profile:
    """Write the profile for one architecture.

    Parameters
    ----------
    machine : str, optional
        'x86_64' or 'aarch64'; the running machine's when absent.

    Returns
    -------
    Profile
        To be written as JSON. Calls of any other architecture end the process.

    Raises
    ------
    ValueError
        On any other architecture: no filter, no sandbox.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURE:
        raise ValueError(f"there is no system call filter for {machine}")
    rules: list[Rule] = [
        {"names": _UNCONDITIONAL.split(), "action": "SCMP_ACT_ALLOW"},
        {"names": sorted(seccomp.ABSENT), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
    ]
    for name in sorted(seccomp.CONDITIONAL):
        rules += ({"names": [name], "action": "SCMP_ACT_ALLOW", "args": args} for args in _allowed(name))
    return {"defaultAction": "SCMP_ACT_ERRNO", "architectures": [_ARCHITECTURE[machine]], "syscalls": rules}


def _allowed(name: str) -> list[list[Comparison]]:
    """Return the sets of conditions under which a call is allowed; one that holds is enough."""
    if name == "socket":
        families = (seccomp.AF_UNIX, seccomp.AF_INET, seccomp.AF_INET6)
        routes = [_masked(0, _WORD, seccomp.AF_NETLINK), _masked(2, _WORD, seccomp.NETLINK_ROUTE)]
        return [*([_masked(0, _WORD, family)] for family in families), routes]
    if name == "ioctl":
        terminal = (seccomp.TIOCSTI, seccomp.TIOCLINUX)
        return [[_masked(1, mask, value)] for mask, value in _everything_but(terminal)]
    if name == "personality":
        return [[_masked(0, _WORD, persona)] for persona in (0, _WORD)]
    if name == "clone":
        return [[_masked(0, seccomp.NEW_NAMESPACES, 0)]]
    if name in ("open", "openat"):
        flags, mode = (1, 2) if name == "open" else (2, 3)
        return [[_masked(flags, seccomp.O_CREAT_OR_TMPFILE, 0)], [_masked(mode, seccomp.SET_ID_BITS, 0)]]
    return [[_masked({"chmod": 1, "fchmod": 1, "fchmodat": 2, "creat": 1}[name], seccomp.SET_ID_BITS, 0)]]


def _masked(index: int, mask: int, value: int) -> Comparison:
    # Masked even where all bits count: the kernel reads the low 32 of these arguments, a plain comparison 64.
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _everything_but(
    values: Sequence[int], bit: int = 31, mask: int = 0, prefix: int = 0
) -> Iterator[tuple[int, int]]:
    """Cover all 32-bit numbers but `values` by masks: an engine cannot say "and not equal" of one argument twice."""
    for branch in (0, 1):
        within = [value for value in values if value >> bit & 1 == branch]
        longer, extended = mask | 1 << bit, prefix | branch << bit
        if not within:
            yield longer, extended
        elif bit:
            yield from _everything_but(within, bit - 1, longer, extended)
