"""Work beside the pages is done by a process that gives its memory back, ends with the pages, and may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from demo.hub_client import LONGEST, until
from enclave.app import Enclave, open_enclave
from enclave.errors import Fault, Refused, refuse
from enclave.web.apart import Apart
from tests.web.world import World

pytestmark = pytest.mark.sqlite("about processes: their work asks the registry for nothing")


def work(enclave: Enclave, asked: str) -> int:
    """Do as asked, in the process whose number is the answer."""
    match asked:
        case "wait":
            (enclave.settings.home / "waits").write_text(str(os.getpid()))
            signal.pause()
        case "take a gigabyte and a half":
            len(b"x" * (3 << 29))
        case "refuse":
            raise refuse("work", "rule", "EM XV", "it is refused", "Ask for something else.")
        case "break":
            raise ValueError("a value")
    return os.getpid()


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_it_is_done_elsewhere_and_what_is_refused_there_is_refused(world: World):
    apart = Apart(work)
    first = apart(world.enclave, "")
    with pytest.raises(Refused, match="it is refused"):
        apart(world.enclave, "refuse")
    with pytest.raises(Fault) as broke:
        apart(world.enclave, "break")
    assert "a value" not in str(broke.value)
    assert apart(world.enclave, "") == first != os.getpid()


def test_a_process_that_has_grown_large_ends_and_one_whose_parent_is_large_does_not(world: World):
    apart, held = Apart(work), b"x" * (3 << 29)
    first = apart(world.enclave, "")
    assert apart(world.enclave, "") == first
    del held
    large = apart(world.enclave, "take a gigabyte and a half")
    assert apart(world.enclave, "") != large
    until(lambda: gone(large))


def test_one_that_is_killed_over_its_work_is_a_fault_and_the_next_has_another(world: World):
    apart, begun = Apart(work), world.enclave.settings.home / "waits"
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(apart, world.enclave, "wait")
        until(lambda: begun.exists() and begun.read_text() != "")
        os.kill(int(begun.read_text()), signal.SIGKILL)
        with pytest.raises(Fault, match="ended before it was done"):
            waits.result(LONGEST)
    idle = apart(world.enclave, "")
    os.kill(idle, signal.SIGKILL)
    until(lambda: gone(idle))
    assert apart(world.enclave, "") != idle


def test_it_ends_when_what_started_it_is_killed(world: World):
    lines = "import os, sys; from tests.web import test_web_apart as t; t.be_killed(sys.argv[1])"
    told = [sys.executable, "-c", lines, str(world.enclave.settings.home)]
    killed = subprocess.run(told, stdout=subprocess.PIPE, check=False, timeout=LONGEST)
    assert killed.returncode == -signal.SIGKILL
    until(lambda: gone(int(killed.stdout)))


def be_killed(home: str) -> None:
    """Have work done, say by which process, and end as if killed."""
    process = Apart(work)(open_enclave(Path(home)), "")
    sys.stdout.write(str(process))
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
