"""A real hub whose sessions are containers: from the sign-in to the end of access."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo import hub_client
from tests.docker.conftest import Engine
from tests.hub.conftest import Hub, running_hub, sees_the_project_alone, survives_a_crash_of_the_hub


@pytest.fixture(scope="module")
def hub(provider: str, engine: Engine, image: str) -> Iterator[Hub]:
    with running_hub(provider, docker={"image": image, "address": engine.address}) as found:
        yield found


def test_a_researcher_works_in_a_container_without_a_network(hub: Hub, engine: Engine) -> None:
    session, server = hub.opened("ana")
    written, first, door = sees_the_project_alone(
        session,
        server,
        "print(open('kept.py', 'w').write('kept'))",
        "print(open('/proc/1/environ').read())",
        "import os; print(os.listdir('/run/enclave/me'), os.access('/run/enclave/me', os.W_OK))",
    )
    assert written == "4"
    assert "JUPYTERHUB" not in first and "PATH=" in first
    # the socket the hub connects to is nowhere inside, and what handed it over is gone
    assert door == "[] False"
    (hers,) = engine.containers(hub.sandboxes())
    told = str(engine.client.inspect_container(hers))
    assert str(hub.home) in told and "JUPYTERHUB" not in told


def test_a_restarted_hub_finds_its_containers(hub: Hub) -> None:
    survives_a_crash_of_the_hub(hub)


def test_a_container_that_nobody_knows_is_ended_when_the_hub_starts(hub: Hub, engine: Engine) -> None:
    hub.opened("ana")
    running = hub.sandboxes()
    hub_client.stop(hub.process)
    (hub.runtime_dir / "private" / "hub.sqlite").unlink()
    hub.restart(hard=True)
    hub_client.until(lambda: hub.sandboxes() == [] and not engine.containers(running))


def test_access_that_ends_ends_the_container(hub: Hub, engine: Engine) -> None:
    others = set(hub.sandboxes())
    session, server = hub.opened("cleo")
    hers = set(hub.sandboxes()) - others
    assert len(engine.containers(hers)) == 1
    hub.revoke("cleo")
    hub_client.until(lambda: not engine.containers(hers))
    hub_client.until(lambda: "cleo-dr-0034" in hub.released())
    assert session.get(f"{server}api/me", timeout=hub_client.LONGEST).status_code != 200


def test_an_image_that_is_not_there_is_a_fault_and_leaves_nothing(provider: str, engine: Engine) -> None:
    with running_hub(provider, docker={"image": "no-such-image", "address": engine.address}) as hub:
        with pytest.raises(hub_client.HubError, match="did not start"):
            hub.opened("ana")
        assert hub.sandboxes() == []
