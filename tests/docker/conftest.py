"""A Docker engine of the tests' own, and the image of a session built on this host's packages.

All processes of a test run share one engine: the first starts it, the last ends it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import docker
import pytest

from demo import hub_client
from tests.docker import base
from tests.hub.conftest import provider  # noqa: F401 - the same provider

STORE = base.ROOT / "var" / "docker"
# Root's alone, and short enough for a socket.
PLACE = Path("/run", f"enclave-docker-{hashlib.sha256(str(STORE).encode()).hexdigest()[:8]}")
ADDRESS = f"unix://{PLACE}/engine.sock"
BUILT_FOR = "enclave-lab"

# Neither a bridge nor the firewall is touched.
_START = f"""
exec dockerd --host {ADDRESS} --data-root "$1" --exec-root {PLACE}/exec --pidfile {PLACE}/pid \\
  --bridge none --iptables=false --ip-forward=false --ip-masq=false >{PLACE}/log 2>&1 &
"""


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    address: str
    client: docker.APIClient

    def containers(self, names: Collection[str]) -> set[str]:
        """Return the ids of the containers of these sandboxes, running or not."""
        found = self.client.containers(all=True, filters={"label": "enclave.sandbox"})
        return {one["Id"] for one in found if one["Labels"]["enclave.sandbox"] in names}

    def build(self) -> None:
        """Build the target `lab` of the Dockerfile as it stands, offline; layers of an earlier run are used again."""
        tag = f"enclave-base:{base.fingerprint()}"
        if not self.client.images(tag):
            with tempfile.TemporaryDirectory() as made:
                wheels, archive = Path(made, "wheels"), Path(made, "base.tar")
                base.wheels(wheels)
                base.write(archive, wheels)
                self.client.import_image(str(archive), repository="enclave-base", tag=tag.rpartition(":")[2])
        answers = self.client.build(
            path=str(base.ROOT),
            target="lab",
            tag=BUILT_FOR,
            buildargs={"BASE_IMAGE": tag},
            network_mode="none",
            forcerm=True,
            decode=True,
        )
        said = [str(answer.get("error") or answer.get("stream", "")) for answer in answers]
        assert said[-1].startswith("Successfully tagged"), "".join(said[-40:])
        self.client.prune_images()


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """Give the engine, the image built."""
    if os.geteuid() != 0:
        pytest.skip("an engine of the tests' own needs root")
    assert shutil.which("dockerd"), "`make engine` installs what is started here"
    STORE.mkdir(parents=True, exist_ok=True)
    with STORE.with_suffix(".door").open("w") as door, STORE.with_suffix(".users").open("w") as users:
        with held(door):
            fcntl.flock(users, fcntl.LOCK_SH)
            found = started()
            found.build()
        yield found
        found.client.close()
        with held(door), suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            stop()


@contextmanager
def held(door: IO[str]) -> Iterator[None]:
    """Hold a lock: who has it starts, builds or stops."""
    fcntl.flock(door, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(door, fcntl.LOCK_UN)


def started() -> Engine:
    """Start the engine, unless it runs."""
    if not alive():
        PLACE.mkdir(mode=0o700, exist_ok=True)
        log = PLACE / "log"
        log.write_text("")
        subprocess.run(["/bin/sh", "-c", _START, "start", str(STORE)], check=True, cwd="/")
        hub_client.until(lambda: "API listen on" in log.read_text() or "failed to start" in log.read_text())
    return Engine(ADDRESS, docker.APIClient(base_url=ADDRESS, version="auto", timeout=900))


def stop() -> None:
    """End the engine and wait until it is gone."""
    process = int((PLACE / "pid").read_text())
    os.kill(process, signal.SIGTERM)
    # its file goes before it does: meanwhile it takes its mounts away
    hub_client.until(lambda: not Path("/proc", str(process)).exists())
    shutil.rmtree(PLACE)


def alive() -> bool:
    """Say whether the engine of an earlier process runs."""
    with suppress(FileNotFoundError, ProcessLookupError, ValueError):
        os.kill(int((PLACE / "pid").read_text()), 0)
        return True
    return False


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """Return the image of a session."""
    return BUILT_FOR
