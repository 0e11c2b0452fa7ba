"""A session without work ends by itself; one with a long job lives as long as access does."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin

import pytest

from demo import hub_client
from tests.hub.conftest import Hub, running_hub

SILENT_JOB = """
import threading
print("begun", flush=True)
threading.Event().wait()
"""


@pytest.fixture(scope="module")
def hub(provider: str) -> Iterator[Hub]:
    with running_hub(provider, idle_seconds=5) as found:
        yield found


def test_a_session_ends_when_nothing_runs_and_not_while_a_cell_does(hub: Hub) -> None:
    """JupyterHub's server looks once a minute."""
    busy = hub_client.start_kernel(*hub.opened("ana")).channel
    hub_client.send_cell(busy, SILENT_JOB)
    while "begun" not in busy.recv():
        pass
    working = set(hub.sandboxes())
    session, server = hub.opened("cleo")
    idle = hub_client.start_kernel(session, server).channel
    assert hub_client.run_cell(idle, "6 * 7").text == "42\n"
    busy.close()  # nobody looks on: the other's page stays open, and asks for its kernels as JupyterLab does

    def over() -> bool:
        session.get(urljoin(server, "api/kernels"), timeout=hub_client.LONGEST)
        return "cleo-dr-0034" in hub.released()

    hub_client.until(over)
    idle.shutdown()
    assert set(hub.sandboxes()) == working
    assert "ana" not in hub.released()
