"""npm's proxy in place of the glass: the hub works with it unchanged, and what is lost is said."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin

import pytest

from demo import hub_client
from tests.hub.conftest import PROJECT, running_hub, sees_the_project_alone

PROXY = Path(__file__).parents[2] / "var" / "proxy" / "configurable-http-proxy"


def test_a_hub_runs_behind_npms_proxy_and_says_that_it_is_weaker(provider: str) -> None:
    assert PROXY.exists(), "`make proxy` installs what is started here"
    with running_hub(provider, weaker_proxy=str(PROXY)) as hub:
        session, server = hub.opened("ana")
        (written,) = sees_the_project_alone(session, server, "print(open('rows.csv', 'w').write('planted marker'))")
        assert written == "14"
        # the sandbox holds; what the glass would have closed does not
        assert session.get(urljoin(server, "files/rows.csv"), timeout=hub_client.LONGEST).text == "planted marker"
        assert "no glass" in (hub.home / "hub.log").read_text()
        hub.revoke("ana")
        hub_client.until(lambda: hub.sandboxes() == [])


def test_no_server_where_one_notebook_alone_may_run_starts_without_the_glass(provider: str) -> None:
    """EM VII.B.1.c: nothing else would keep other code out."""
    with running_hub(provider, weaker_proxy=str(PROXY), broker="small_broker:desk") as hub:
        hub.admit("ana")
        session = hub_client.login(hub.base_url, "ana")
        with pytest.raises(hub_client.HubError, match=r"only the glass.*VII\.B\.1\.c.*weaker_proxy") as refused:
            hub_client.start_server(session, hub.base_url, "ana", PROJECT)
        assert refused.value.status == 403
        assert (hub.sandboxes(), hub.released()) == ([], f"ana-{PROJECT}\n")
