"""The one file the hub and its proxy read, named by ENCLAVE_HUB_CONFIG."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from enclave import settings
from enclave.glass import LabFiles
from enclave.glass.meter import DAILY_BYTES

VARIABLE = "ENCLAVE_HUB_CONFIG"
POD_PORT = 8888
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LAB = Path(__file__).parent / "lab"
# The longest socket path is <runtime>/private/s/<16 characters>/u.sock; the kernel allows 107 characters.
_LONGEST_RUNTIME_DIR = 70


@dataclass(frozen=True, slots=True)
class Identity:
    """The OpenID Connect provider.

    Attributes
    ----------
    issuer : str
        As it stands in its tokens; its discovery document is read at start.
    client_id, client_secret : str
    username_claim : str
        Which claim names the person, as `people` knows them.
    amr, acr : tuple of str
        One of these values shows that a second factor was used. Both empty refuses everybody.
    group : str
        Who may open a project's server, besides being listed: a group at the provider, '{project}' standing for
        ``dr-0034``. The provider is then asked again while a server runs. Empty for none.
    groups_claim : str
        Which claim of the user info lists the groups.
    scopes : tuple of str
        What is asked of the provider; with a group, what its groups and a refresh token need besides.
    """

    issuer: str
    client_id: str
    client_secret: str
    username_claim: str = "sub"
    amr: tuple[str, ...] = ("mfa", "otp", "hwk", "swk")
    acr: tuple[str, ...] = ()
    group: str = ""
    groups_claim: str = "groups"
    scopes: tuple[str, ...] = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True)
class WebDoor:
    """The pages of the control plane as a service of the hub.

    Attributes
    ----------
    url : str
        http://127.0.0.1:port
    api_token : str
        With which the pages speak to the hub: read users, stop servers.
    """

    url: str
    api_token: str


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS that ends at the glass.

    Attributes
    ----------
    certificate, key : Path
        See `hub_config.tls.Credentials`.
    redirect_port : int
        Where browsers that come over http are sent on to https; 0 for nowhere.
    """

    certificate: Path
    key: Path
    redirect_port: int = 0


@dataclass(frozen=True, slots=True)
class DockerEngine:
    """The engine on the hub's own machine that runs sessions.

    Attributes
    ----------
    image : str
        Built from the target `lab`; present already, it is never fetched.
    address : str
    """

    image: str
    address: str = "unix:///run/docker.sock"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The Kubernetes cluster whose pods run sessions; the hub itself is a pod of it.

    Attributes
    ----------
    image : str
        Built from the target `lab`.
    claim : str
        Of the volume that the hub and every session mount: the hub at `runtime_dir`, a session parts of it.
    seccomp : str
        Name of the profile of system calls on each node; a pod does not start where it is missing.
    memory_request, cpu_request : str
        What a node sets aside for a session; its ceilings are those of every sandbox.
    """

    image: str
    claim: str = "enclave-runtime"
    seccomp: str = "enclave.json"
    memory_request: str = "1Gi"
    cpu_request: str = "250m"

    @property
    def hub_url(self) -> str:
        """Return where a pod reaches the hub: by its service's address, for names are not resolved."""
        return f"http://{os.environ['HUB_SERVICE_HOST']}:8081"


@dataclass(frozen=True, slots=True)
class HubConfig:
    """Everything that differs between installations.

    Attributes
    ----------
    home : Path
        The enclave's home; what the hub keeps is in its folder `hub`.
    runtime_dir : Path
        Short, lower case, on a path every uid can traverse; holds sockets and process records. The installation's
        own `runtime`, where sessions are opened and running sandboxes are looked for.
    host, port : str, int
        Where the proxy listens.
    public_url : str
        Where browsers reach it, ``https://enclave.example.org``; empty for host and port over http, on loopback.
    identity : Identity
    database : str
        Where the hub keeps who is signed in and what runs, an SQLAlchemy address; empty for a file in `private`. Not
        the registry's database: the tables are JupyterHub's.
    web : WebDoor, optional
    tls : Tls, optional
        Absent, TLS ends before the proxy.
    docker : DockerEngine, optional
        Runs sessions as containers.
    kubernetes : Cluster, optional
        Runs sessions as pods. Where neither is named, bubblewrap runs them.
    broker : str
        'module:function'; the function takes the home and returns who answers about access.
    weaker_proxy : str
        Path of npm's configurable-http-proxy, to run in place of the glass where the glass cannot run: it closes no
        route, caps no message and counts no byte. Empty for the glass.
    demo : bool
        Invented people: an identity provider on loopback is believed without TLS. As in enclave.toml.
    keep_servers : bool
        Servers outlive the hub, and are found again when it starts.
    daily_bytes : int
        What one person may be shown of one project in a day.
    idle_seconds : int
        After how long without work a session ends. Work is a cell that runs, though nobody looks on; a page that is
        open is none. 0 for never.
    reconcile_seconds : int
        How often each running server's access is asked about again.
    clock_seconds : int
        How often the clocks are gone round: data are destroyed when their time has come, though nobody acts.
    provider_seconds : int
        How often, at most, the provider is asked again about each running server, where a group is named.
    """

    home: Path
    runtime_dir: Path
    identity: Identity
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    database: str = ""
    web: WebDoor | None = None
    tls: Tls | None = None
    docker: DockerEngine | None = None
    kubernetes: Cluster | None = None
    broker: str = "enclave.app:broker"
    weaker_proxy: str = ""
    demo: bool = False
    keep_servers: bool = True
    daily_bytes: int = DAILY_BYTES
    idle_seconds: int = 2 * 60 * 60
    reconcile_seconds: int = 15
    clock_seconds: int = 60
    provider_seconds: int = 60

    @property
    def own_url(self) -> str:
        """Return the address browsers use, without a final slash."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def private(self) -> Path:
        """Return the folder of sockets and of what the hub knows of the moment, closed to other accounts."""
        return self.runtime_dir / "private"

    @property
    def logs(self) -> Path:
        """Return the folder of what servers print, which may be Resultant Data: in memory only."""
        return self.runtime_dir / "logs"

    @property
    def hub_socket(self) -> Path:
        """Return the hub's own socket; its folder is what a sandbox mounts."""
        return self.private / "hub" / "hub.sock"

    @property
    def proxy_socket(self) -> Path:
        """Return the socket of the proxy's API."""
        return self.private / "proxy" / "api.sock"

    @property
    def posted(self) -> Path:
        """Return the folder with what holds for each running server."""
        return self.private / "posted"

    @property
    def refused(self) -> Path:
        """Return the folder with what the glass refused at each running server where identifiers are open."""
        return self.private / "refused"

    @property
    def activity(self) -> Path:
        """Return the folder with how much was run and opened at each running server."""
        return self.private / "activity"

    @property
    def state(self) -> Path:
        """Return the folder of what the hub keeps."""
        return self.home / "hub"

    @property
    def database_url(self) -> str:
        """Return the address of the hub's own database.

        Who is signed in and what runs lasts as long as the machine does: in memory, a full disk keeps nobody out.
        """
        return self.database or f"sqlite:///{self.private / 'hub.sqlite'}"

    @property
    def shown(self) -> Path:
        """Return the file of bytes shown: one line of JSON per server and few seconds."""
        return self.state / "shown.jsonl"


def load(path: Path | None = None) -> HubConfig:
    """Read the file, JSON or TOML.

    Raises
    ------
    ValueError
        On an unknown or missing key, or a runtime directory whose sockets could not be addressed.
    """
    path = path or Path(os.environ[VARIABLE])
    text = path.read_text()
    told: dict[str, Any] = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    try:
        identity = told.pop("identity")
        for key in ("amr", "acr", "scopes"):
            if key in identity:
                identity[key] = tuple(identity[key])
        web, docker, kubernetes, tls = (told.pop(name, None) for name in ("web", "docker", "kubernetes", "tls"))
        config = HubConfig(
            home=Path(told.pop("home")),
            runtime_dir=Path(told.pop("runtime_dir")),
            identity=Identity(**identity),
            web=WebDoor(**web) if web else None,
            docker=DockerEngine(**docker) if docker else None,
            kubernetes=Cluster(**kubernetes) if kubernetes else None,
            tls=Tls(**tls | {name: Path(tls[name]) for name in ("certificate", "key")}) if tls else None,
            **told,
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    runtime_dir = str(config.runtime_dir)
    # Socket paths become host names of URLs, which are lower-cased on their way.
    if runtime_dir != runtime_dir.lower() or len(runtime_dir) > _LONGEST_RUNTIME_DIR or "_" in runtime_dir:
        raise ValueError(f"{path.name}: runtime_dir must be lower case, without '_' and at most 70 characters")
    secret = config.public_url.startswith("https://")
    if (config.tls or config.host not in LOOPBACK) and not secret:
        raise ValueError(f"{path.name}: beyond loopback, public_url must be given and begin with https://")
    if (config.home / "enclave.toml").is_file():
        _hold_to(settings.load(config.home), config, path.name)
    return config


def _hold_to(installed: settings.Settings, config: HubConfig, name: str) -> None:
    """Refuse a file that says otherwise than its installation."""
    if installed.runtime.resolve() != config.runtime_dir.resolve():
        raise ValueError(f"{name}: runtime_dir must be `runtime` of enclave.toml, or no sandbox would be found")
    if installed.demo != config.demo:
        raise ValueError(f"{name}: demo must be as in enclave.toml: real people sign in over https only")


def socket_url(path: Path | str) -> str:
    """Return the URL of a unix socket as JupyterHub writes it."""
    return f"http+unix://{quote(str(path), safe='')}"


def lab_files() -> LabFiles:
    """Return JupyterLab's own files of this installation."""
    return LabFiles(
        share=Path(sys.prefix) / "share" / "jupyter",
        server_static=_package("jupyter_server") / "static",
        kernel_logos=_package("ipykernel") / "resources",
        app_settings=LAB / "settings",
    )


def _package(name: str) -> Path:
    # Found, not imported: importing a notebook server takes the proxy seconds to start.
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(name)
    return Path(next(iter(found.submodule_search_locations)))


__all__ = [
    "LAB",
    "VARIABLE",
    "DockerEngine",
    "HubConfig",
    "Identity",
    "Tls",
    "WebDoor",
    "lab_files",
    "load",
    "socket_url",
]
