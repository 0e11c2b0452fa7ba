"""The processes the story needs, on loopback: SFTP inbox, identity provider, hub. They end with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demo.cast import EVERYONE
from demo.hub_client import free_port, start_hub, start_provider, stop, until_answered
from enclave.app import Enclave
from enclave.scratch import wipe
from enclave.settings import Settings
from hub_config.config import load, socket_url


@contextlib.contextmanager
def sftp_server(enclave: Enclave) -> Iterator[int]:
    """Serve the inboxes over SFTP in a process of its own; give the port."""
    port = free_port()
    command = [sys.executable, "-m", "enclave.cli", "--home", str(enclave.settings.home)]
    process = subprocess.Popen(
        [*command, "intake", "serve", "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the SFTP server did not start")
        yield port
    finally:
        process.terminate()
        process.wait()


def send(files: list[Path], agency: str, key: Path, port: int) -> None:
    """Upload sealed files to an agency's inbox with the OpenSSH client.

    Raises
    ------
    CalledProcessError
        If the server takes one not.
    """
    options = (
        "-b", "-", "-q", "-P", str(port), "-i", str(key),
        "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes",
        "-o", "LogLevel=ERROR",
    )  # fmt: skip
    batch = "".join(f"put {path} {path.name}\n" for path in files)
    subprocess.run(["sftp", *options, f"{agency}@127.0.0.1"], input=batch.encode(), check=True, capture_output=True)


def ssh_key(folder: Path, agency: str) -> Path:
    """Make an agency's SSH key; give the private file, its public half beside it."""
    path = folder / f"{agency}.ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", agency, "-f", str(path)], check=True)
    return path


@dataclass(frozen=True)
class Hub:
    """A hub that runs, with its provider."""

    url: str
    log: Path

    @property
    def pages(self) -> str:
        """Address of the pages, behind the hub's sign-in."""
        return f"{self.url}/services/enclave/"


@contextlib.contextmanager
def hub(enclave: Enclave, port: int | None = None) -> Iterator[Hub]:
    """Start the local identity provider (demonstration only), JupyterHub and the pages over this installation."""
    settings = enclave.settings
    provider_port, pages_port, port = free_port(), free_port(), port or free_port()
    token = secrets.token_hex(24)
    config = {
        "home": str(settings.home),
        "runtime_dir": str(settings.runtime),
        "port": port,
        "demo": True,
        "keep_servers": False,
        "reconcile_seconds": 2,
        "clock_seconds": 86_400,  # the story sets its days, and lets the clock go round itself
        "identity": {
            "issuer": f"http://127.0.0.1:{provider_port}",
            "client_id": "enclave",
            "client_secret": secrets.token_hex(16),
        },
        "web": {"url": f"http://127.0.0.1:{pages_port}", "api_token": token},
    }
    path = settings.home / "hub.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config, indent=1), "utf-8")
    claims = [{"sub": player.id, "amr": ["pwd", "mfa"]} for player in EVERYONE]
    started = [start_provider(provider_port, claims, settings.home)]
    try:
        log = settings.home / "hub.log"
        started.append(start_hub(path, log))
        started.append(_pages(settings, path, f"http://127.0.0.1:{pages_port}", token))
        yield Hub(f"http://127.0.0.1:{port}", log)
    finally:
        for process in reversed(started):
            stop(process)


def _pages(settings: Settings, config: Path, url: str, token: str) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "ENCLAVE_HOME": str(settings.home),
        "JUPYTERHUB_SERVICE_URL": url,
        "JUPYTERHUB_API_URL": f"{socket_url(load(config).hub_socket)}/hub/api",
        "JUPYTERHUB_API_TOKEN": token,
    }
    with (settings.home / "pages.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "enclave.web"], env=environment, stdout=log, stderr=log)
    until_answered(f"{url}/services/enclave/static/mark.svg", process)
    return process


def clean(home: Path, runtime: Path) -> None:
    """Wipe an earlier run."""
    wipe(runtime)
    shutil.rmtree(home, ignore_errors=True)
