"""A program inside tries to get out, as root's sandbox and as an ordinary user's; nothing may be open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.sandbox import Bubblewrap, python
from tests.sandbox.host import ROOM, Host, laid_out

REPOSITORY = ROOM.parent.parent
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
mounts = (Mount(Path(sys.argv[1], 'tests/sandbox'), '/probes'), Mount(folder / 'project/data', '/project/data'),
          Mount(folder / 'project/scratch', '/home/analyst', True))
limits = Limits(8 * 1024**3, 120, 2**30, tmp_bytes=64 * 2**20)
spec = SandboxSpec('probe', (python(), '/probes/probes.py', *sys.argv[3:]), mounts, {}, limits)
sys.exit(Bubblewrap(folder / 'run').start(spec, stdout=sys.__stderr__, stderr=sys.__stderr__).wait())
"""


@pytest.fixture
def host() -> Iterator[Host]:
    with laid_out() as found:
        yield found


def test_nothing_is_open(host: Host) -> None:
    assert Bubblewrap(host.folder / "run").start(host.spec(python()), stderr=sys.__stderr__).wait(120) == 0
    host.judge()


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the first test is the unprivileged one")
def test_nothing_is_open_when_an_ordinary_user_runs_the_hub(host: Host) -> None:
    """Code and libraries may lie where only root can go: they are shown to the ordinary user at another place."""
    code, libraries = host.folder / "code", host.folder / "libraries"
    for path in (code, libraries):
        path.mkdir()
    for path in (host.folder, *host.folder.rglob("*")):
        os.chown(path, ORDINARY, ORDINARY)
    interpreter = str(libraries / "bin" / Path(python()).name)
    places = (str(REPOSITORY), sys.prefix, str(code), str(libraries))
    private = ("unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", _SHOWN, "shown")
    command = [*private, *places, str(ORDINARY), interpreter, "-c", _PROGRAM, str(code), str(host.folder), *host.told]
    subprocess.run(command, check=True, env={"PYTHONDONTWRITEBYTECODE": "1"}, cwd="/", timeout=120)
    host.judge()
