"""Sandboxes nobody knows are ended; running servers are asked about again when told to."""

from __future__ import annotations

import asyncio
import logging
import signal

from jupyterhub import orm
from jupyterhub.app import JupyterHub

from enclave.sandbox import Sandboxes
from hub_config.config import HubConfig
from hub_config.spawner import EnclaveSpawner

log = logging.getLogger("enclave.reconciler")


class Reconciler:
    """One task inside the hub.

    SIGUSR2 asks the broker about every running server at once, instead of at the next interval.

    Parameters
    ----------
    config : HubConfig
    """

    def __init__(self, config: HubConfig) -> None:
        """Note which sandboxes an earlier hub left."""
        self._sandboxes = Sandboxes(config.runtime_dir)
        self._left = {found.name for found in self._sandboxes.running()}
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Reap once, then reconcile whenever asked."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, self._asked.set)
        hub = JupyterHub.instance()
        while getattr(hub, "http_server", None) is None:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self._reap, {spawner.sandbox_name for spawner in _active(hub)})
        while True:
            await self._asked.wait()
            self._asked.clear()
            for spawner in _active(hub):
                await spawner.poll_and_notify()

    def _reap(self, known: set[str]) -> None:
        for name in sorted(self._left - known):
            if found := self._sandboxes.find(name):
                log.warning("sandbox %s belongs to no server: ended", name)
                found.kill()


def _active(hub: JupyterHub) -> list[EnclaveSpawner]:
    rows = hub.db.query(orm.Spawner).filter(orm.Spawner.server_id.isnot(None))
    return [hub.users[row.user].spawners[row.name] for row in rows]
