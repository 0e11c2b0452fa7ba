"""Sessions as containers of a Docker engine on the hub's own machine.

An engine cannot hand a descriptor in, and a socket in a folder the container may write could be replaced by a
link to a socket of the host. So the hub keeps its listening socket where no container sees it, and passes it on
over a second one that the server calls once, before any code of the researcher runs. The environment travels
with it: neither the engine's own files nor the first process of the container hold the server's token.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from docker.errors import DockerException
from dockerspawner import DockerSpawner
from requests.exceptions import RequestException

from enclave.sandbox import CONTAINER_PYTHON, Mount, Sandboxed, SandboxFault, SandboxSpec, container
from hub_config.spawner import EnclaveSpawner, Session

_DOOR_INSIDE = "/run/enclave/me"
_SECONDS_TO_CALL = 60


class DockerEnclaveSpawner(EnclaveSpawner, DockerSpawner):  # type: ignore[misc]
    """DockerSpawner held to `SandboxSpec`: no option of its own mounts, opens or loosens anything."""

    _asked_for: tuple[SandboxSpec, int] | None = None

    async def _launch(self, session: Session, listener: socket.socket) -> Sandboxed:
        """Start the server in a container, and hand it the listening socket when it calls."""
        folder = self._socket.parent / "door"
        with _door(folder) as door:
            mounts = (Mount(folder, _DOOR_INSIDE), *self._mounts(session))
            environment = {"ENCLAVE_DOOR": f"{_DOOR_INSIDE}/d.sock"}
            spec = self._spec(session, CONTAINER_PYTHON, mounts, environment)
            uid = await asyncio.to_thread(self._sandboxes.prepare, spec)
            sandbox = await self._start_container(spec, uid)
            try:
                with await _caller(door, sandbox) as caller:
                    told = json.dumps(self._told(session)).encode()
                    socket.send_fds(caller, [told], [listener.fileno()])
            except BaseException:
                await asyncio.to_thread(sandbox.kill)
                raise
        return sandbox

    async def _start_container(self, spec: SandboxSpec, uid: int) -> Sandboxed:
        self._asked_for = (spec, uid)
        # A name of its own each time: the engine may still be removing the last one.
        self.object_name = f"enclave-{spec.name}-{secrets.token_hex(4)}"
        try:
            await DockerSpawner.start(self)
            found = await self.docker("inspect_container", self.container_id)
        except (DockerException, RequestException) as error:
            self.log.error("%s: %s", spec.name, error)
            raise SandboxFault(
                f"sandbox {spec.name} did not start: the Docker engine's answer is in the log"
            ) from error
        pid = int(found["State"]["Pid"])
        if not Path("/proc", str(pid), "root").is_symlink():
            # of what is not written down nobody could end it later
            with suppress(DockerException):
                await self.docker("remove_container", self.container_id, force=True)
            raise SandboxFault(f"sandbox {spec.name}: it ended at once, or the engine is not this machine's")
        return self._sandboxes.remember(spec.name, pid, uid)

    async def create_object(self) -> dict[str, Any]:
        """Create the container from the specification alone."""
        if self._asked_for is None:
            raise SandboxFault("a container is made by `start` only")
        spec, uid = self._asked_for
        body = container(spec, self.image, uid)
        return await self.docker("create_container_from_config", body, self.object_name)  # type: ignore[no-any-return]

    async def get_ip_and_port(self) -> tuple[str, int]:
        """Return no address: a container has none."""
        return "", 0


@contextmanager
def _door(folder: Path) -> Iterator[socket.socket]:
    """Listen in a folder of its own, which the container sees read-only, until one has called."""
    folder.mkdir(mode=0o755)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        path = folder / "d.sock"
        door.bind(str(path))
        path.chmod(0o666)
        door.listen(1)
        door.setblocking(False)
        try:
            yield door
        finally:
            path.unlink()


async def _caller(door: socket.socket, sandbox: Sandboxed) -> socket.socket:
    """Wait for the first program of `sandbox` to call."""
    for _ in range(_SECONDS_TO_CALL):
        with suppress(TimeoutError):
            caller, _ = await asyncio.wait_for(asyncio.get_running_loop().sock_accept(door), 1)
            _, uid, _ = struct.unpack("3i", caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if uid == sandbox.uid:
                return caller
            caller.close()
        if sandbox.poll() is not None:
            raise SandboxFault(f"sandbox {sandbox.name} ended before it served")
    raise SandboxFault(f"sandbox {sandbox.name} did not ask for its socket within {_SECONDS_TO_CALL} seconds")


__all__ = ["DockerEnclaveSpawner"]
