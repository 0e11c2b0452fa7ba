"""JupyterHub's configuration: everything between hub, proxy and servers goes over unix sockets.

Run with ENCLAVE_HUB_CONFIG naming the installation's file, see `hub_config.config.HubConfig`.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import sys
from typing import Any

from enclave.scratch import Bounds, bound, is_bound
from hub_config import oidc
from hub_config.config import LAB, POD_PORT, load, socket_url
from hub_config.reconciler import Reconciler
from hub_config.spawner import HUB_INSIDE, EnclaveSpawner
from hub_config.tls import Credentials

# By this signal the hub ends its services. A shell's `&` has it ignored, and whoever is started inherits that: then
# each stop would wait a minute, and a hub that is killed meanwhile would leave them running.
signal.signal(signal.SIGINT, signal.default_int_handler)

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub puts it here
config = load()

# File systems of their own, where this hub may mount: no session that fills the memory, and no server that prints
# without end, takes from the hub what it needs itself.
for folder, bounds in ((config.private, Bounds(256 << 20, 50_000)), (config.logs, Bounds(256 << 20, 50_000))):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_bound(folder) and not any(folder.iterdir()):
        bound(folder, bounds)
for folder in (config.state, config.posted, config.proxy_socket.parent):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
# Sandboxes reach the hub by this folder alone, under a uid of their own; `private` keeps others out.
config.runtime_dir.chmod(0o711)
config.hub_socket.parent.mkdir(mode=0o711, exist_ok=True)

c.JupyterHub.bind_url = f"{'https' if config.tls else 'http'}://{config.host}:{config.port}"
if config.public_url:
    c.JupyterHub.public_url = config.own_url
c.JupyterHub.hub_bind_url = c.JupyterHub.hub_connect_url = socket_url(config.hub_socket)
c.JupyterHub.hub_socket_mode = 0o666
c.JupyterHub.db_url = config.database_url
c.JupyterHub.cookie_secret_file = str(config.state / "cookie_secret")
c.JupyterHub.cleanup_servers = not config.keep_servers
# A sign-in lasts a working day: the second factor was shown then.
c.JupyterHub.cookie_max_age_days = 0.5
c.JupyterHub.log_level = "INFO"

c.ConfigurableHTTPProxy.api_url = socket_url(config.proxy_socket)
c.ConfigurableHTTPProxy.command = [sys.executable, "-m", "hub_config.proxy"]
if config.weaker_proxy:
    logging.getLogger("enclave").warning("no glass: what servers show in browsers is neither closed nor counted")
    c.ConfigurableHTTPProxy.command = [config.weaker_proxy]
if config.tls:
    Credentials(config.tls.certificate, config.tls.key)
    c.JupyterHub.ssl_cert, c.JupyterHub.ssl_key = str(config.tls.certificate), str(config.tls.key)
    if config.tls.redirect_port:
        c.ConfigurableHTTPProxy.command += ["--redirect-port", str(config.tls.redirect_port)]
c.ConfigurableHTTPProxy.pid_file = str(config.private / "proxy.pid")
c.ConfigurableHTTPProxy.command_umask = 0o077

# Named servers only, one per project; the default one is refused by the spawner.
c.JupyterHub.allow_named_servers = True
c.JupyterHub.redirect_to_server = False
c.JupyterHub.default_url = "/hub/home"
c.JupyterHub.template_paths = [str(LAB.parent / "templates")]
c.JupyterHub.admin_access = False
c.Spawner.hub_connect_url = socket_url(HUB_INSIDE)
c.JupyterHub.spawner_class = EnclaveSpawner
if config.docker is not None:
    c.JupyterHub.spawner_class = "hub_config.docker_spawner.DockerEnclaveSpawner"
    c.DockerSpawner.image = config.docker.image
    c.DockerSpawner.client_kwargs = {"base_url": config.docker.address}
    c.DockerSpawner.pull_policy = "never"
    c.DockerSpawner.remove = True
if config.kubernetes is not None:
    c.JupyterHub.spawner_class = "hub_config.kube_spawner.KubeEnclaveSpawner"
    # Pods share no socket with the hub.
    c.JupyterHub.hub_bind_url = "http://0.0.0.0:8081"
    c.JupyterHub.hub_connect_url = c.Spawner.hub_connect_url = config.kubernetes.hub_url
    c.KubeSpawner.port = POD_PORT
    c.KubeSpawner.storage_pvc_ensure = False
c.EnclaveSpawner.enclave = config
# The room that answers is named in the file so that tests can bring a small one of their own.
factory, _, verb = config.broker.partition(":")
broker = getattr(importlib.import_module(factory), verb)(config.home)
c.EnclaveSpawner.broker = broker
# Called with whoever looks at the page.
c.JupyterHub.template_vars = {"projects": lambda user: broker.projects(user.name) if user else []}
c.Spawner.env_keep = []
c.Spawner.server_token_scopes = ["users:activity!user"]
c.Spawner.disable_user_config = True
c.Spawner.default_url = "/lab"
c.Spawner.notebook_dir = "/home/analyst"
c.Spawner.poll_interval = config.reconcile_seconds
c.Spawner.start_timeout = 60
c.Spawner.http_timeout = 60
c.Spawner.options_form = ""

oidc.configure(c, config)

# What a person may do with what is theirs; not among it: tokens, which outlive a sign-in and show no second factor,
# and shares, which open a server to others.
own = ["read:users!user", "users:activity!user", "servers!user", "access:servers!user"]
c.JupyterHub.load_roles = [{"name": "user", "scopes": own}]
c.JupyterHub.services = []
if (config.home / "enclave.toml").is_file():
    # The hub starts them again whenever they end: data are destroyed in time though nobody acts (DSA VI.H), and who
    # may not see UC records is answered about them (ExA 2.h).
    command = [sys.executable, "-m", "enclave.cli", "--home", str(config.home)]
    clocks = [*command, "clocks", "run", "--every", str(config.clock_seconds)]
    c.JupyterHub.services.append({"name": "clocks", "command": clocks})
    c.JupyterHub.services.append({"name": "answers", "command": [*command, "egress", "serve"]})
if config.web is not None:
    c.JupyterHub.services.append(
        {
            "name": "enclave",
            "url": config.web.url,
            "api_token": config.web.api_token,
            "oauth_no_confirm": True,
        }
    )
    c.JupyterHub.load_roles = [
        {"name": "user", "scopes": [*own, "access:services!service=enclave"]},
        {"name": "enclave-pages", "scopes": ["read:users", "admin:servers"], "services": ["enclave"]},
    ]

(config.private / "hub.pid").write_text(str(os.getpid()))
reconciler = asyncio.get_running_loop().create_task(Reconciler(config, broker).run())
