"""Every attempt of the table, in a bubblewrap sandbox and in a container; nothing may be open but what is signed.

The packet sink outside hears none of them.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import hub_client
from enclave.sandbox import python
from tests.hub.conftest import Hub
from tests.probes import routes
from tests.probes.conftest import Backend
from tests.probes.host import Host, laid_out
from tests.probes.sink import Sink, listening, own_address
from tests.probes.table import NEEDS_MOUNTS, wrong

ROOT = Path(__file__).parents[2]
ORDINARY = 61_234

# $1 $2 = the checkout and the virtual environment, $3 $4 = where an ordinary user can read them.
_SHOWN = """
mount --bind "$1" "$3"; mount --bind "$2" "$4"; uid=$5; shift 5
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups "$@"
"""

_PROGRAM = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from enclave.sandbox import *
folder = Path(sys.argv[2])
mounts = (Mount(Path(sys.argv[1], 'tests/probes/inside'), '/probes/inside'),
          Mount(folder / 'project/data', '/project/data'),
          Mount(folder / 'sessions/dr-0034-probe/ask', '/run/enclave/ask'),
          Mount(folder / 'project/scratch', '/home/analyst', True))
limits = Limits(8 * 1024**3, 120, 2**30, tmp_bytes=64 * 2**20)
environment = {'PYTHONPATH': '/opt/enclave/lib:/probes'}
spec = SandboxSpec('probe', (python(), '-m', 'inside'), mounts, environment, limits)
sys.exit(Bubblewrap(folder / 'run').start(spec, stdout=sys.__stderr__, stderr=sys.__stderr__).wait())
"""


@pytest.fixture
def host() -> Iterator[Host]:
    with laid_out() as found:
        yield found


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening() as found:
        yield found


def test_code_inside(backend: Backend, host: Host) -> None:
    backend.run(host)
    assert wrong(host.answers(), "code inside") == {}
    assert host.sink.arrived() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the test before is the unprivileged one")
def test_code_inside_when_an_ordinary_user_runs_the_hub() -> None:
    """Code and libraries may lie where only root can go: they are shown to the ordinary user at another place."""
    with laid_out(mounts=False) as host:
        code, libraries = host.folder / "code", host.folder / "libraries"
        for path in (code, libraries):
            path.mkdir()
        for path in (host.folder, *host.folder.rglob("*")):
            os.chown(path, ORDINARY, ORDINARY)
        interpreter = str(libraries / "bin" / Path(python()).name)
        places = (str(ROOT), sys.prefix, str(code), str(libraries))
        private = ("unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", _SHOWN, "shown")
        command = [*private, *places, str(ORDINARY), interpreter, "-c", _PROGRAM, str(code), str(host.folder)]
        subprocess.run(command, check=True, env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd="/", timeout=300)
        assert wrong(host.answers(), "code inside", without=NEEDS_MOUNTS) == {}
        assert host.sink.arrived() == []


def test_routes_of_the_server(hub: Hub) -> None:
    assert wrong(tried(hub, routes.ROUTES), "routes") == {}


def test_addresses(hub: Hub) -> None:
    assert wrong(tried(hub, routes.TRICKS), "addresses") == {}


def test_the_sink_hears_what_is_sent(sink: Sink) -> None:
    """Else its silence would say nothing."""
    with hub_client.requests.Session() as session, pytest.raises(hub_client.requests.RequestException):
        session.get(f"http://127.0.0.1:{sink.port}/x", timeout=0.5)
    assert any(part.startswith(b"GET /x") for part in sink.arrived())
    if os.geteuid() == 0 and own_address() != "127.0.0.1":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.sendto(b"to nobody", ("198.51.100.1", sink.port))
            probe.sendto(sink.word.encode(), ("198.51.100.1", 53))
            probe.sendto(b"somebody else's question", ("198.51.100.1", 53))
        heard = sink.arrived()
        assert any(part.endswith(b"to nobody") for part in heard)
        assert any(part.endswith(sink.word.encode()) for part in heard)
        assert not any(part.endswith(b"question") for part in heard)


def tried(hub: Hub, attempts: tuple[routes.Asked, ...]) -> dict[str, str]:
    session, server = hub.opened("ana")
    (planted,) = hub_client.run_cells(session, server, [routes.PLANT])
    assert planted.text == "planted\n", planted
    found = {asked.name: routes.answer(session, server, asked) for asked in attempts}
    assert hub_client.run_cells(session, server, ["print(1)"])[0].text == "1\n"  # it is there, and still works
    return found
