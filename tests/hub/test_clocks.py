"""DSA VI.H: when its time has come a project's data are destroyed by the hub's own service, with nobody present."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from demo import hub_client
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.journey.stages import LAST_DAY
from tests.world import PROJECT, Installation


@contextmanager
def in_the_background() -> Iterator[None]:
    """Start programs as a shell's `&` does: they ignore the signal by which the hub ends its services."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def services_of(made: Installation) -> list[str]:
    """Give what the kernel says of each program that the hub runs over an installation."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if f"enclave.cli\0--home\0{made.home}\0" in (process / "cmdline").read_text("utf-8"):
                found.append((process / "status").read_text("utf-8"))
    return found


def ignores(status: str, number: signal.Signals) -> bool:
    (mask,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def test_a_project_that_ended_is_destroyed_though_nobody_acts(at: At) -> None:
    made = at("delivered")
    keystore = made.enclave.keystore
    with in_the_background(), hub_over(made, "grace", clock_seconds=1) as url:
        session = hub_client.login(url, "grace")
        hub_client.start_server(session, url, "grace", PROJECT.lower())
        assert keystore.exists(f"project-{PROJECT}")
        made.today(LAST_DAY + timedelta(days=1))
        hub_client.until(lambda: "destruction.done" in made.actions("destruction."))
        services = services_of(made)
        assert len(services) == 2 and not any(ignores(each, signal.SIGINT) for each in services)
    assert services_of(made) == []
    assert not keystore.exists(f"project-{PROJECT}") and not keystore.exists(f"match-{PROJECT}")
    with made.enclave.store.view() as view:
        (done,) = view.entries(action="destruction.done")
    assert (done["actor"], done["details"]["scope"]) == ("clock", "project")
