"""A real hub, proxy, provider and sandbox: from the sign-in to the end of access."""

from __future__ import annotations

import os
from urllib.parse import urljoin

import pytest
import websocket

from demo import hub_client
from enclave.sandbox import Sandboxes
from tests.hub.conftest import PROJECT, Hub, sees_the_project_alone, survives_a_crash_of_the_hub
from tests.sandbox.test_bubblewrap import processes_of

DEAF = """
import os, signal
for number in {*signal.Signals} - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)
for _ in range(5): os.fork() or signal.pause()
"""


def test_a_researcher_works_with_the_projects_data_and_without_a_network(hub: Hub) -> None:
    session, server = hub.opened("ana")
    asked = "print(open('/proc/1/environ').read(), open('/proc/1/cmdline').read())"
    (environment,) = sees_the_project_alone(session, server, asked)
    assert str(hub.home) not in environment and "JUPYTERHUB" not in environment


def test_the_servers_token_opens_nothing(hub: Hub) -> None:
    """Code inside may read the token its server reports its activity with; that is all it is good for."""
    session, server = hub.opened("ana")
    code = "import os; print(os.environ.get('JUPYTERHUB_API_TOKEN', ''))"
    token = hub_client.run_cells(session, server, [code])[0].text.strip()
    asked = hub_client.requests.Session()
    asked.headers["Authorization"] = f"token {token or 'none'}"
    for path in ("hub/api/users", "hub/api/users/ben", "hub/api/proxy", "hub/api/info", "user/ana/dr-0034/api/me"):
        answer = asked.get(f"{hub.base_url}/{path}", timeout=hub_client.LONGEST, allow_redirects=False)
        assert answer.status_code in (302, 403, 404), path
    start = asked.post(f"{hub.base_url}/hub/api/users/ana/servers/dr-0035", timeout=hub_client.LONGEST)
    assert start.status_code in (403, 404)


def test_files_do_not_leave_through_the_server(hub: Hub) -> None:
    session, server = hub.opened("ana")
    hub_client.run_cells(session, server, ["open('rows.csv', 'w').write('planted marker')"])
    for path in (
        "files/rows.csv",
        "view/rows.csv",
        "nbconvert/html/templates/getting_started.ipynb",
        "api/contents/rows.csv",
        "api/contents/rows.csv?format=base64",
        "api/contents/rows.csv?content=0&content=1",
        "%66iles/rows.csv",
        "terminals/1",
    ):
        answer = session.get(urljoin(server, path), timeout=hub_client.LONGEST)
        assert (answer.status_code, "planted marker" in answer.text) == (403, False), path


def test_templates_are_shown_and_cannot_be_changed(hub: Hub) -> None:
    session, server = hub.opened("ana")
    listing = session.get(urljoin(server, "api/contents/templates"), timeout=hub_client.LONGEST).json()
    assert [(entry["name"], entry["writable"]) for entry in listing["content"]] == [("getting_started.ipynb", False)]


def test_a_refused_person_reads_the_refusal(hub: Hub) -> None:
    session = hub_client.login(hub.base_url, "ben")
    with pytest.raises(hub_client.HubError, match=r"not named in dr-0034.*Ask to be named") as refused:
        hub_client.start_server(session, hub.base_url, "ben", PROJECT)
    assert refused.value.status == 403
    hub.admit("ben")
    hub_client.start_server(session, hub.base_url, "ben", PROJECT)
    hub_client.stop_server(session, hub.base_url, "ben", PROJECT)
    hub.revoke("ben")


@pytest.mark.parametrize("name", ["", "other", "dr-34", "dr-0034x"])
def test_servers_are_named_after_projects(hub: Hub, name: str) -> None:
    hub.admit("ana")
    session = hub_client.login(hub.base_url, "ana")
    with pytest.raises(hub_client.HubError):
        hub_client.start_server(session, hub.base_url, "ana", name)


def test_nobody_opens_another_persons_server(hub: Hub) -> None:
    _, server = hub.opened("ana")
    other = hub_client.login(hub.base_url, "cleo")
    assert other.get(urljoin(server, "api/contents"), timeout=hub_client.LONGEST).status_code == 403
    with pytest.raises(hub_client.HubError):
        hub_client.start_server(other, hub.base_url, "ana", "dr-0035")


def test_a_restarted_hub_finds_its_servers(hub: Hub) -> None:
    survives_a_crash_of_the_hub(hub)


def test_access_that_ends_ends_the_server(hub: Hub) -> None:
    """What a person loses is the open websocket, the server and every process, whatever they ignore.

    Nobody else of this hub's tests is dan: what is closed under that name was closed here.
    """
    before = set(hub.sandboxes())
    session, server = hub.opened("dan")
    channel = hub_client.start_kernel(session, server).channel
    hub_client.run_cell(channel, DEAF)
    (own,) = (found for found in Sandboxes(hub.runtime_dir).running() if found.name not in before)
    hub.revoke("dan")
    while channel.recv_data()[0] != websocket.ABNF.OPCODE_CLOSE:
        pass
    channel.shutdown()
    answer = session.get(urljoin(server, "api/me"), timeout=hub_client.LONGEST)
    assert answer.status_code != 200
    hub_client.until(lambda: "dan-dr-0034" in hub.released())
    assert own.name not in hub.sandboxes()
    if os.geteuid() == 0:  # else the sandbox is of the account that runs the tests
        assert processes_of(own.uid) == []


def test_what_was_shown_is_written_down(hub: Hub) -> None:
    session, server = hub.opened("ana")
    hub_client.run_cells(session, server, ["print('shown' * 100)"])
    hub_client.until(lambda: '"server":"ana/dr-0034"' in (hub.home / "hub" / "shown.jsonl").read_text())
