"""The two kinds of sandbox, and a hub of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from enclave.sandbox import CONTAINER_PYTHON, Bubblewrap, python
from tests.docker.conftest import engine, image  # noqa: F401 - the same engine
from tests.docker.test_docker_sandbox import run
from tests.hub.conftest import Hub, provider, running_hub  # noqa: F401 - the same provider
from tests.probes.host import Host


@dataclass(frozen=True)
class Backend:
    """One kind of sandbox.

    Attributes
    ----------
    run : callable
        Runs the probes inside to their end.
    hub : dict
        What a hub's file says to use it.
    """

    run: Callable[[Host], None]
    hub: dict[str, object]


def _in_bubblewrap(host: Host) -> None:
    assert Bubblewrap(host.folder / "run").start(host.spec(python())).wait(300) == 0


@pytest.fixture(scope="module", params=["bubblewrap", "docker"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """Give each kind of sandbox in turn."""
    if request.param == "bubblewrap":
        return Backend(_in_bubblewrap, {})
    found = request.getfixturevalue("engine")
    built = request.getfixturevalue("image")

    def in_a_container(host: Host) -> None:
        run(found, built, host, host.spec(CONTAINER_PYTHON))

    return Backend(in_a_container, {"docker": {"image": built, "address": found.address}})


@pytest.fixture(scope="module")
def hub(provider: str, backend: Backend) -> Iterator[Hub]:  # noqa: F811
    """Run a hub whose sessions are of that kind."""
    with running_hub(provider, **backend.hub) as found:
        yield found
