"""Sandboxes made by a Docker engine: the same mounts, limits and system calls as bubblewrap's.

The programs come from the image (target `lab` of the Dockerfile) instead of from the host.
"""

from __future__ import annotations

import json
from typing import Any

from enclave.sandbox import filesystem, profile
from enclave.sandbox.spec import ANALYST_HOME, Mount, SandboxSpec

_IMAGE_PREFIX = "/opt/enclave/.venv"
CONTAINER_PYTHON = f"{_IMAGE_PREFIX}/bin/python"

# The engine's own list, which naming any replaces, and /sys: bubblewrap shows none either.
_MASKED = [
    *("/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug"),
    *("/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys"),
]


def container(spec: SandboxSpec, image: str, uid: int) -> dict[str, Any]:
    """Write what a Docker engine is asked for: the body of its API's ``POST /containers/create``.

    Parameters
    ----------
    spec : SandboxSpec
    image : str
        Built from the target `lab`.
    uid : int
        Uid of every process, on the host as inside, see `Sandboxes.prepare`.
    """
    environment = filesystem.environment(spec, _IMAGE_PREFIX)
    return {
        "Image": image,
        "Cmd": list(spec.command),
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": f"{uid}:{uid}",
        "WorkingDir": spec.workdir,
        "Hostname": "enclave",
        "Labels": {"enclave.sandbox": spec.name},
        "HostConfig": _host(spec, uid),
    }


def _host(spec: SandboxSpec, uid: int) -> dict[str, Any]:
    limits = spec.limits
    ceilings = {"data": limits.memory_bytes, "fsize": limits.file_bytes, "nofile": 4096, "core": 0}
    return {
        "NetworkMode": "none",
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", f"seccomp={json.dumps(profile.profile())}"],
        "MaskedPaths": _MASKED,
        "Mounts": [_mount(mount) for mount in spec.mounts],
        "Tmpfs": _tmpfs(spec, uid),
        "ShmSize": limits.tmp_bytes // 2,
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        # Not `NanoCpus`, which an engine refuses when the machine has fewer processors than the ceiling says.
        "CpuPeriod": 100_000,
        "CpuQuota": int(limits.cpus * 100_000),
        "PidsLimit": limits.processes,
        "Ulimits": [{"Name": name, "Soft": ceiling, "Hard": ceiling} for name, ceiling in ceilings.items()],
        # What code of a session prints may be Resultant Data: the engine would write it to disk.
        "LogConfig": {"Type": "none"},
        "AutoRemove": True,
    }


def _mount(mount: Mount) -> dict[str, Any]:
    # Not `Binds`, which makes a missing source as an empty folder instead of failing.
    return {
        "Type": "bind",
        "Source": str(mount.source),
        "Target": mount.target,
        "ReadOnly": not mount.writable,
        "BindOptions": {"Propagation": "rprivate"},
    }


def _tmpfs(spec: SandboxSpec, uid: int) -> dict[str, str]:
    size = f"size={spec.limits.tmp_bytes},nosuid,nodev,exec"
    memory = {"/tmp": f"{size},mode=1777"}  # noqa: S108
    if ANALYST_HOME not in {mount.target for mount in spec.mounts}:
        memory[ANALYST_HOME] = f"{size},mode=0700,uid={uid},gid={uid}"
    return memory
