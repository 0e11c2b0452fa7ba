"""DSA VI.H: when its time has come a project's data are destroyed by the hub's own service, with nobody present."""

from __future__ import annotations

from datetime import timedelta

from demo import hub_client
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.journey.stages import LAST_DAY
from tests.world import PROJECT


def test_a_project_that_ended_is_destroyed_though_nobody_acts(at: At) -> None:
    made = at("delivered")
    keystore = made.enclave.keystore
    with hub_over(made, "grace", clock_seconds=1) as url:
        session = hub_client.login(url, "grace")
        hub_client.start_server(session, url, "grace", PROJECT.lower())
        assert keystore.exists(f"project-{PROJECT}")
        made.today(LAST_DAY + timedelta(days=1))
        hub_client.until(lambda: "destruction.done" in made.actions("destruction."))
    assert not keystore.exists(f"project-{PROJECT}") and not keystore.exists(f"match-{PROJECT}")
    with made.enclave.store.view() as view:
        (done,) = view.entries(action="destruction.done")
    assert (done["actor"], done["details"]["scope"]) == ("clock", "project")
