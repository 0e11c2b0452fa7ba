"""Sessions as pods of a Kubernetes cluster, written from the same `SandboxSpec` as the other backends'.

A cluster cannot hand a socket in, so here hub and server reach each other over TCP, and it is the cluster's
network that keeps a pod from everything else (`kubernetes/network-policies.yaml`). It does so only with a network
plug-in that enforces policies: `kubernetes/check.yaml` tries to get out, and must fail.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from kubespawner import KubeSpawner

from enclave.analysis import ASK_INSIDE
from enclave.sandbox import CONTAINER_PYTHON, SandboxFault, SandboxSpec, filesystem, profile
from hub_config import posted
from hub_config.config import POD_PORT, Cluster
from hub_config.spawner import EnclaveSpawner, Forbidden

_TMP = "/tmp"  # noqa: S108


class KubeEnclaveSpawner(EnclaveSpawner, KubeSpawner):  # type: ignore[misc]
    """KubeSpawner held to `SandboxSpec`: no option of its own mounts, opens or loosens anything."""

    _asked_for: tuple[SandboxSpec, int] | None = None

    async def start(self) -> str:
        """Start the server in a pod, and wait until it has an address."""
        if self._session is None:
            raise Forbidden("nobody was admitted to this server")
        session = self._session
        told = {**self._told(session), "ENCLAVE_PORT": str(POD_PORT)}
        spec = self._spec(session, CONTAINER_PYTHON, session.mounts, told)
        uid = await asyncio.to_thread(self._sandboxes.prepare, spec)
        self._asked_for = (spec, uid)
        posted.write(self._config.posted, f"{self.user.name}/{self.name}", session, date.today())
        return await KubeSpawner.start(self)  # type: ignore[no-any-return]

    async def poll(self) -> int | None:
        """Return None while the pod runs."""
        return await KubeSpawner.poll(self)  # type: ignore[no-any-return]

    async def stop(self, now: bool = False) -> None:
        """Delete the pod at once: its state is on its scratch, not in its memory."""
        await KubeSpawner.stop(self, now=True)

    async def get_pod_manifest(self) -> Any:
        """Write the pod from the specification alone; the cluster's names and labels are KubeSpawner's."""
        if self._asked_for is None or self._config.kubernetes is None:
            raise SandboxFault("a pod is made by `start` only")
        pod = await super().get_pod_manifest()
        spec, uid = self._asked_for
        pod.spec = pod_spec(spec, self._config.kubernetes, self._config.runtime_dir, uid)
        return pod


def pod_spec(spec: SandboxSpec, cluster: Cluster, runtime: Path, uid: int) -> dict[str, Any]:
    """Write what a cluster is asked for: the ``spec`` of a pod.

    Parameters
    ----------
    spec : SandboxSpec
        Every source it mounts lies below `runtime`.
    cluster : Cluster
    runtime : Path
        Where the hub sees the volume that the cluster's claim names.
    uid : int
        Of every process.

    Raises
    ------
    SandboxFault
        If a source is missing, which a cluster would make as an empty folder, or is not on the volume.
    """
    own = {"runAsNonRoot": True, "runAsUser": uid, "runAsGroup": uid}
    filtered = {"seccompProfile": {"type": "Localhost", "localhostProfile": cluster.seccomp}}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "hostUsers": False,
        # Names are not resolved: a question to a name server is a way out.
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["127.0.0.1"]},
        "hostname": "enclave",
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "securityContext": own | filtered,
        "containers": [_container(spec, cluster, runtime)],
        "volumes": [
            {"name": "runtime", "persistentVolumeClaim": {"claimName": cluster.claim}},
            _memory("tmp", spec.limits.tmp_bytes),
            _memory("shm", spec.limits.tmp_bytes // 2),
        ],
    }


def _container(spec: SandboxSpec, cluster: Cluster, runtime: Path) -> dict[str, Any]:
    limits = spec.limits
    # A pod has no ceilings of processes; they are set by its first program, and cannot be raised after.
    ceilings = {"data": limits.memory_bytes, "fsize": limits.file_bytes, "nofile": 4096, "core": 0}
    ceilings["nproc"] = limits.processes
    environment = filesystem.environment(spec, str(Path(CONTAINER_PYTHON).parents[1]))
    set_aside = {"memory": cluster.memory_request, "cpu": cluster.cpu_request}
    return {
        "name": "notebook",
        "image": cluster.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["prlimit", *(f"--{name}={most}" for name, most in ceilings.items()), "--", *spec.command],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "workingDir": spec.workdir,
        "ports": [{"name": "notebook-port", "containerPort": POD_PORT}],
        "resources": {
            "limits": {"memory": str(limits.memory_bytes), "cpu": str(limits.cpus)},
            "requests": set_aside,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            # a socket of the hub's machine answers nobody in a pod
            *(_mounted(m.source, m.target, m.writable, runtime) for m in spec.mounts if m.target != ASK_INSIDE),
            {"name": "tmp", "mountPath": _TMP},
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }


def _mounted(source: Path, target: str, writable: bool, runtime: Path) -> dict[str, Any]:
    if not source.exists() or not source.is_relative_to(runtime):
        raise SandboxFault(f"what belongs at {target} is not on the volume of sessions")
    found = {"name": "runtime", "subPath": str(source.relative_to(runtime)), "mountPath": target}
    return {**found, "readOnly": not writable}


def _memory(name: str, size: int) -> dict[str, Any]:
    return {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": str(size)}}


if __name__ == "__main__":
    # What each node keeps as <kubelet>/seccomp/<the name in the hub's file>.
    json.dump(profile.profile(), sys.stdout)

__all__ = ["KubeEnclaveSpawner", "pod_spec"]
