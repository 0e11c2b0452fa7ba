"""Sandboxes nobody knows are ended; every running server is asked about again whenever something has changed."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress

from jupyterhub import orm
from jupyterhub.app import JupyterHub

from enclave.sandbox import Sandboxes
from hub_config.config import HubConfig
from hub_config.spawner import Broker, EnclaveSpawner, look

log = logging.getLogger("enclave.reconciler")


WATCH_SECONDS = 0.1


class Reconciler:
    """One task inside the hub.

    It watches the revision of what access depends on, whoever changes it and in whatever process: after every change,
    and when the day turns, the broker is asked about every running server. SIGUSR2 has it ask at once without one.

    Parameters
    ----------
    config : HubConfig
    broker : Broker
    """

    def __init__(self, config: HubConfig, broker: Broker) -> None:
        """Note which sandboxes an earlier hub left."""
        self._sandboxes = Sandboxes(config.runtime_dir)
        self._left = {found.name for found in self._sandboxes.running()}
        self._broker = broker
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Reap once, then reconcile after every change."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, self._asked.set)
        hub = JupyterHub.instance()
        while getattr(hub, "http_server", None) is None:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self._reap, {spawner.sandbox_name for spawner in _active(hub)})
        seen, due, changed = "", set[str](), False
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), WATCH_SECONDS)
            seen, earlier = await self._revision(seen), seen
            changed = changed or self._asked.is_set() or seen != earlier
            self._asked.clear()
            if changed or due:
                try:
                    concerned = [spawner for spawner in _active(hub) if changed or spawner.sandbox_name in due]
                except Exception as error:  # noqa: BLE001 - whatever keeps the hub's database from answering
                    # Whoever asks first after a crash of it is told so; the change is looked at again.
                    log.error("running servers cannot be listed (%s)", type(error).__name__)
                    hub.db.rollback()
                    continue
                await asyncio.gather(*(_reconcile(spawner) for spawner in concerned if not spawner.pending))
                # Whose server is just starting is asked about as soon as it is there.
                due = {spawner.sandbox_name for spawner in concerned if spawner.pending}
                changed = False

    async def _revision(self, seen: str) -> str:
        try:
            return await look(self._broker.revision)
        except Exception as error:  # noqa: BLE001 - whatever keeps the broker from answering
            # Not fatal: each server's own interval asks too, and ends it when there is no answer.
            log.error("changes cannot be seen (%s)", type(error).__name__)
            return seen

    def _reap(self, known: set[str]) -> None:
        for name in sorted(self._left - known):
            if found := self._sandboxes.find(name):
                log.warning("sandbox %s belongs to no server: ended", name)
                found.kill()


async def _reconcile(spawner: EnclaveSpawner) -> None:
    try:
        await spawner.poll_and_notify()
    except Exception:
        # One server that cannot be ended must not keep the others from being asked about.
        log.exception("%s could not be reconciled", spawner.sandbox_name)


def _active(hub: JupyterHub) -> list[EnclaveSpawner]:
    rows = hub.db.query(orm.Spawner).filter(orm.Spawner.server_id.isnot(None))
    return [hub.users[row.user].spawners[row.name] for row in rows]
