"""JupyterHub's side of a sandbox: one named server per person and project, over unix sockets only."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from jupyterhub.objects import Server
from jupyterhub.spawner import Spawner
from tornado import web
from traitlets import Any as AnyTrait

from enclave.errors import Refused, no_room
from enclave.glass import earlier_today
from enclave.sandbox import (
    Bubblewrap,
    Limits,
    Mount,
    Sandboxed,
    Sandboxes,
    SandboxFault,
    SandboxSpec,
    python,
)
from hub_config import posted, told
from hub_config.config import LAB, HubConfig, socket_url

PROJECT = re.compile(r"dr-[0-9]{4}")
_HUB_INSIDE = "/run/enclave/hub"
LAB_INSIDE = "/opt/enclave/lab"
START_PAGE = "Start here.md"
_FOLDERS_INSIDE = {
    "JUPYTER_CONFIG_PATH": f"{LAB_INSIDE}/config",
    "JUPYTER_RUNTIME_DIR": "/tmp/jupyter/runtime",  # noqa: S108
    "JUPYTER_DATA_DIR": "/tmp/jupyter/data",  # noqa: S108
    "JUPYTER_CONFIG_DIR": "/tmp/jupyter/config",  # noqa: S108
    "JUPYTERLAB_SETTINGS_DIR": "/tmp/jupyter/settings",  # noqa: S108
    "JUPYTERLAB_WORKSPACES_DIR": "/tmp/jupyter/workspaces",  # noqa: S108
    "IPYTHONDIR": "/tmp/ipython",  # noqa: S108
}
_OUTBOX_INSIDE = "/home/analyst/outbox"
PROVIDER_SILENT_SECONDS = 15 * 60
"""How long the provider's last word holds while it does not answer."""
_ONLY_BEHIND_GLASS = (
    "Identifiers are open here, and only the glass keeps all but the approved notebook out (EM VII.B.1.c); this hub "
    "runs npm's proxy in its place. Have `weaker_proxy` taken out of the hub's file, then start the server again."
)
T = TypeVar("T")

# Opening and closing sessions: one at a time. Looking does not wait for it, or an end of access would.
_asking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="broker")
_looking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="broker-looks")


class Session(posted.Admitted, Protocol):
    """What the broker admits a person to."""

    name: str
    mounts: tuple[Mount, ...]
    environment: dict[str, str]
    uid: int | None


class Broker(Protocol):
    """Who answers every question about access."""

    def admit(self, username: str, project: str) -> Session:
        """Open a session, or raise `enclave.errors.Refused` with every reason."""

    def refused(self, session_name: str, counts: Mapping[str, int]) -> None:
        """Enter what the glass refused at a server where one notebook alone may run."""

    def release(self, session_name: str, counted: Mapping[str, int | str], refused: Mapping[str, int]) -> None:
        """Close a session whose server has stopped, with what the glass counted of it; nothing where nobody did."""

    def still_admitted(self, username: str, project: str) -> list[str]:
        """Return the reasons why a running session must end; empty when it may go on."""

    def projects(self, username: str) -> list[tuple[str, str]]:
        """Return number and title of each project whose list names a person."""

    def revision(self) -> str:
        """Name the state of everything access depends on: another name after every change."""


class EnclaveSpawner(Spawner):  # type: ignore[misc]
    """Start servers in sandboxes, for whom the broker admits, as long as it admits them."""

    broker = AnyTrait(help="Answers who may open what: admit, release, still_admitted.").tag(config=True)
    enclave = AnyTrait(help="The HubConfig.").tag(config=True)
    limits = AnyTrait(Limits(), help="Ceilings of one sandbox.").tag(config=True)

    _session: Session | None = None
    _sandbox: Sandboxed | None = None
    _session_name = ""
    _failed_answers = 0
    _entering: asyncio.Task[None] | None = None
    _entered: frozenset[str] = frozenset()  # kinds of refusals that stand in the ledger, as far as this hub knows
    _provider_asked_at = time.monotonic()  # of a server found again, as if it was when the hub started

    @property
    def sandbox_name(self) -> str:
        """Return a short lower-case name that no other server has and no user name can shape."""
        return f"s{hashlib.sha256(f'{self.user.name}/{self.name}'.encode()).hexdigest()[:14]}"

    @property
    def _known_as(self) -> str:
        """Return what the glass calls this server."""
        return f"{self.user.name}/{self.name}"

    @property
    def _config(self) -> HubConfig:
        return self.enclave  # type: ignore[no-any-return]

    @property
    def _socket(self) -> Path:
        return self._config.private / "s" / self.sandbox_name / "u.sock"

    @property
    def _log(self) -> Path:
        # What code of the session prints may be Resultant Data: in memory only, and gone with the server.
        return self._config.logs / f"{self.sandbox_name}.log"

    # --- life -----------------------------------------------------------------------------------

    async def run_pre_spawn_hook(self) -> None:
        """Ask the broker; its refusal is what the person reads."""
        if not PROJECT.fullmatch(self.name):
            raise Forbidden("a server is named after its project, e.g. dr-0034; there is no other")
        if reasons := await self.authenticator.reasons_against(self.user, self.name):
            raise Forbidden("; ".join(reasons))
        self._provider_asked_at = time.monotonic()
        try:
            with said_when_full():
                session: Session = await _ask(self.broker.admit, self.user.name, self.name)
        except Refused as refused:
            raise Forbidden(str(refused)) from refused
        self._session, self._session_name, self._entered = session, session.name, frozenset()
        if session.only is not None and self._config.weaker_proxy:
            raise Forbidden(_ONLY_BEHIND_GLASS)
        if _OUTBOX_INSIDE not in {mount.target for mount in session.mounts}:
            self.log.warning("%s: what is written is bounded by counting, this hub may not mount", session.name)

    async def start(self) -> str:
        """Start the server in its sandbox on a socket that is already listening."""
        if self._session is None:
            raise Forbidden("nobody was admitted to this server")
        with said_when_full():
            return await self._start(self._session)

    async def _start(self, session: Session) -> str:
        listener = self._listen()
        try:
            self._sandbox = await self._launch(session, listener)
        except SandboxFault as fault:
            self.log.error("%s", fault)
            raise web.HTTPError(500, str(fault)) from fault
        finally:
            listener.close()
        posted.write(self._config.posted, self._known_as, session, date.today())
        self._point(self.server)
        return socket_url(self._socket)

    async def poll(self) -> int | None:
        """Return None while the sandbox runs."""
        if self._sandbox is None:
            self._sandbox = self._sandboxes.find(self.sandbox_name)
        return 0 if self._sandbox is None else self._sandbox.poll()

    async def stop(self, now: bool = False) -> None:
        """End every process of the sandbox at once: its state is on its scratch, not in its memory."""
        sandbox = self._sandbox or self._sandboxes.find(self.sandbox_name)
        if sandbox is not None:
            await asyncio.to_thread(sandbox.kill)

    async def run_post_stop_hook(self) -> None:
        """Close the session and remove what the server had, however it ended."""
        self._sandbox = self._session = None
        posted.remove(self._config.posted, self._known_as)
        shutil.rmtree(self._socket.parent, ignore_errors=True)
        self._log.unlink(missing_ok=True)
        if self._session_name:
            name, self._session_name = self._session_name, ""
            await _ask(self.broker.release, name, self._counted(), self._refused())
        for folder in (self._config.refused, self._config.activity):
            told.remove(folder, self._known_as)

    def _counted(self) -> Mapping[str, int | str]:
        """Give what was shown today, and what was run and opened since the server started."""
        if self._config.weaker_proxy:
            return {}
        shown = 0
        with suppress(FileNotFoundError), self._config.shown.open(encoding="utf-8") as lines:
            shown = earlier_today(lines, date.today()).get(self._known_as, 0)
        return {"shown_bytes_today": shown, **told.reader(self._config.activity)(self._known_as)}

    def _refused(self) -> Mapping[str, int]:
        return told.reader(self._config.refused)(self._known_as)

    async def _enter_refused(self) -> None:
        """Have the first refusal of each kind entered while the server runs; what cannot be is tried again."""
        try:
            counts = self._refused()
            if self._session_name and (new := counts.keys() - self._entered):
                await _ask(self.broker.refused, self._session_name, counts)
                self._entered |= new
        except Exception as error:  # noqa: BLE001 - whatever keeps the ledger from being written
            self.log.error("%s: refusals could not be entered (%s)", self.sandbox_name, type(error).__name__)

    async def poll_and_notify(self) -> int | None:
        """Ask again whether the person may be here, before asking whether the server runs."""
        if self._entering is None or self._entering.done():
            # nobody waits for it: the end of access does not wait for the ledger
            self._entering = asyncio.create_task(self._enter_refused())
        if await self.poll() is None and (reasons := await self._reasons_to_end()):
            self.log.warning("access ended for %s: %s", self.sandbox_name, "; ".join(reasons))
            await self.stop(now=True)
        return await super().poll_and_notify()  # type: ignore[no-any-return]

    async def _reasons_to_end(self) -> list[str]:
        try:
            reasons: list[str] = await look(self.broker.still_admitted, self.user.name, self.name)
        except Exception as error:  # noqa: BLE001 - whatever keeps the broker from answering
            # One failed answer may be a busy store; two in a row and nobody knows who is admitted.
            self.log.error("access of %s could not be checked (%s)", self.sandbox_name, type(error).__name__)
            self._failed_answers += 1
            return ["access could not be checked twice in a row"] if self._failed_answers > 1 else []
        self._failed_answers = 0
        return reasons or await self._reasons_of_provider()

    async def _reasons_of_provider(self) -> list[str]:
        """Ask the identity provider, not too often; its last word holds for a while when it does not answer."""
        now = time.monotonic()
        if now - self._provider_asked_at < self._config.provider_seconds:
            return []
        try:
            reasons: list[str] = await self.authenticator.reasons_against(self.user, self.name)
        except Exception as error:  # noqa: BLE001 - whatever keeps the provider from answering
            self.log.error("the provider could not be asked about %s (%s)", self.sandbox_name, type(error).__name__)
            silent = now - self._provider_asked_at > PROVIDER_SILENT_SECONDS
            return ["the identity provider has not answered for too long"] if silent else []
        self._provider_asked_at = now
        return reasons

    # --- state across a restart of the hub ------------------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what a later hub needs to find this server."""
        return {**super().get_state(), "session_name": self._session_name}

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the server an earlier hub started."""
        super().load_state(state)
        self._session_name = state.get("session_name", "")
        self._sandbox = self._sandboxes.find(self.sandbox_name)

    def clear_state(self) -> None:
        """Forget the server."""
        super().clear_state()
        self._sandbox = None

    @property
    def server(self) -> Server | None:
        """Return the hub's record of the server, pointing at our socket."""
        server = Spawner.server.fget(self)
        if server is not None and not server.connect_url and server.proto == "http+unix":
            self._point(server)
        return server

    @server.setter
    def server(self, server: Server | None) -> None:
        Spawner.server.fset(self, server)

    def _point(self, server: Server | None) -> None:
        if server is not None:
            server.connect_url = socket_url(self._socket) + server.base_url

    # --- parts ----------------------------------------------------------------------------------

    @property
    def _sandboxes(self) -> Sandboxes:
        return Sandboxes(self._config.runtime_dir)

    def get_env(self) -> dict[str, str]:
        """Return the server's environment: unix sockets instead of addresses."""
        env: dict[str, str] = super().get_env()
        # Knowing its public address, a server would redirect to it in full; the glass follows paths only.
        for name in ("JUPYTERHUB_HOST", "JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_PUBLIC_HUB_URL"):
            env.pop(name, None)
        env["JUPYTERHUB_SERVICE_URL"] = socket_url("/run/enclave/me/u.sock") + (
            self.server.base_url if self.server else "/"
        )
        return {name: str(value) for name, value in env.items() if value is not None}

    def _listen(self) -> socket.socket:
        # The hub owns the socket and its folder; the sandbox gets the listening end, never the folder,
        # so no link can be planted where the proxy connects.
        folder = self._socket.parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._socket))
        listener.listen(128)
        return listener

    async def _launch(self, session: Session, listener: socket.socket) -> Sandboxed:
        """Start the server by bubblewrap, with the listening socket among its descriptors."""
        fd = listener.fileno()
        os.set_inheritable(fd, True)
        mounts = (Mount(LAB, LAB_INSIDE), *self._mounts(session))
        told = {"ENCLAVE_LISTEN_FD": str(fd), **self._told(session)}
        spec = self._spec(session, python(), mounts, told)
        # A file of its own: what a sandbox prints must not be able to look like the hub's log.
        with self._log.open("wb") as log:
            start = Bubblewrap(self._config.runtime_dir).start
            return await asyncio.to_thread(start, spec, pass_fds=(fd,), stdout=log, stderr=log)

    def _spec(
        self, session: Session, interpreter: str, mounts: tuple[Mount, ...], environment: dict[str, str]
    ) -> SandboxSpec:
        command = (interpreter, f"{LAB_INSIDE}/serve.py")
        return SandboxSpec(self.sandbox_name, command, mounts, environment, self.limits, session.uid)

    def _mounts(self, session: Session) -> tuple[Mount, ...]:
        return (Mount(self._config.hub_socket.parent, _HUB_INSIDE), *session.mounts)

    def _told(self, session: Session) -> dict[str, str]:
        """Return the server's environment, its token among it."""
        first = f"templates/{session.only.name}" if session.only else quote(START_PAGE)
        told = {"JUPYTERHUB_DEFAULT_URL": f"/lab/tree/{first}", "ENCLAVE_IDLE": str(self._config.idle_seconds)}
        return {**self.get_env(), **told, **_FOLDERS_INSIDE, **session.environment}


async def _ask(question: Callable[..., T], *arguments: object) -> T:
    return await asyncio.get_running_loop().run_in_executor(_asking, question, *arguments)


async def look(question: Callable[..., T], *arguments: object) -> T:
    """Ask the broker something that changes nothing."""
    return await asyncio.get_running_loop().run_in_executor(_looking, question, *arguments)


class Forbidden(web.HTTPError):
    """A refusal that reaches the person in the words of the room that refused."""

    def __init__(self, text: str, status: int = 403) -> None:
        super().__init__(status, text.replace("%", "%%"))
        self.jupyterhub_message = text


@contextmanager
def said_when_full() -> Iterator[None]:
    """Tell the person where a server is not opened because there is no room left to write in."""
    try:
        yield
    except Exception as error:
        if (full := no_room(error)) is None:
            raise
        raise Forbidden(str(full), 503) from error


HUB_INSIDE = f"{_HUB_INSIDE}/hub.sock"
__all__ = ["HUB_INSIDE", "LAB_INSIDE", "PROJECT", "Broker", "EnclaveSpawner", "Forbidden", "Session", "look"]
