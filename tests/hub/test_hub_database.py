"""The hub keeps who is signed in and what runs in PostgreSQL, through its own crash and the server's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from demo import hub_client
from tests.hub.conftest import PROJECT, Hub, running_hub, survives_a_crash_of_the_hub
from tests.postgresql import PostgreSQL


@pytest.fixture(scope="module")
def address(postgresql: PostgreSQL) -> str:
    return postgresql.database()


@pytest.fixture(scope="module")
def hub(provider: str, address: str) -> Iterator[Hub]:
    # each server by itself is asked about every ten minutes only: what ends access here is noticed, not waited for
    with running_hub(provider, database=address, reconcile_seconds=600) as found:
        yield found


def test_a_restarted_hub_finds_its_servers_in_postgresql(hub: Hub, address: str) -> None:
    survives_a_crash_of_the_hub(hub)
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        names = connection.execute("select name from spawners where server_id is not null").fetchall()
    assert names == [(PROJECT,)]
    assert not (hub.runtime_dir / "private" / "hub.sqlite").exists()


def test_a_crash_of_the_database_ends_neither_hub_nor_session(hub: Hub, postgresql: PostgreSQL) -> None:
    session, server = hub.opened("cleo")
    running = hub.sandboxes()
    postgresql.crash()
    assert hub_client.run_cells(session, server, ["print(6 * 7)"])[0].text == "42\n"
    # JupyterHub learns of the crash from the first request that asks its database; that one fails.
    with suppress(hub_client.HubError):
        hub_client.login(hub.base_url, "ben")
    hub.opened("ben")
    assert set(running) < set(hub.sandboxes())


def test_access_ends_at_once_though_the_database_has_crashed(hub: Hub, postgresql: PostgreSQL) -> None:
    """Who watches for changes may be the first to ask the database after it, and learns that it was gone."""
    hub.opened("dan")
    postgresql.crash()
    hub.revoke("dan")
    hub_client.until(lambda: "dan-dr-0034" in hub.released())
