"""The same specification, and the same attempts to get out of it, in a container of a real Docker engine."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import APIError, NotFound

from demo import hub_client
from enclave.sandbox import CONTAINER_PYTHON, Limits, Mount, Sandboxed, Sandboxes, SandboxSpec, container
from tests.docker.conftest import STORE, Engine
from tests.probes.host import HOLD_MUCH, Host, laid_out


@pytest.fixture
def host() -> Iterator[Host]:
    with laid_out() as found:
        yield found


def start(engine: Engine, image: str, host: Host, spec: SandboxSpec) -> Sandboxed:
    sandboxes = Sandboxes(host.folder / "run")
    uid = sandboxes.prepare(spec)
    made = engine.client.create_container_from_config(container(spec, image, uid))["Id"]
    engine.client.start(made)
    return sandboxes.remember(spec.name, engine.client.inspect_container(made)["State"]["Pid"], uid)


def run(engine: Engine, image: str, host: Host, spec: SandboxSpec) -> None:
    """Run `spec` to its end, which may come before the engine could be asked anything about it."""
    uid = Sandboxes(host.folder / "run").prepare(spec)
    made = engine.client.create_container_from_config(container(spec, image, uid))["Id"]
    engine.client.start(made)
    with suppress(NotFound):
        engine.client.wait(made, timeout=120, condition="removed")


def written(engine: Engine, image: str, host: Host, code: str, limits: Limits | None = None) -> str:
    """Run `code`, which writes into the file `out` of its scratch."""
    spec = replace(host.spec(""), command=(CONTAINER_PYTHON, "-c", f"out = open('out', 'w')\n{code}"))
    run(engine, image, host, replace(spec, limits=limits or spec.limits))
    return (host.scratch / "out").read_text()


def test_the_work_of_an_analyst_runs_on_the_images_own_programs(engine: Engine, image: str, host: Host) -> None:
    code = (
        "import duckdb, numpy, pyarrow, pandas, p20kit, multiprocessing as m; m.set_start_method('fork')\n"
        "with m.Pool(2) as pool: total = sum(pool.map(abs, range(5)))\n"
        "print(total, duckdb.sql('select 42').fetchall()[0][0], file=out)\n"
        "print(p20kit.__file__, file=out)"
    )
    assert written(engine, image, host, code) == "10 42\n/opt/enclave/lib/p20kit/__init__.py\n"


def test_the_environment_is_the_specifications_and_the_images(engine: Engine, image: str, host: Host) -> None:
    told = set(json.loads(written(engine, image, host, "import json, os; json.dump(sorted(os.environ), out)")))
    ours = {"PATH", "HOME", "USER", "LANG", "TZ", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
    assert told == ours | {"HOSTNAME", "PYTHONUNBUFFERED"}


def test_a_missing_source_is_a_fault_of_the_engine_too(engine: Engine, image: str, host: Host) -> None:
    """Also when it goes between the check of `prepare` and the start."""
    gone = Mount(host.folder / "no-such-data", "/project/data")
    body = container(SandboxSpec("gone", ("true",), (gone,)), image, os.getuid() + 1)
    with pytest.raises(APIError, match="bind source path does not exist"):
        engine.client.create_container_from_config(body)
    assert not gone.source.exists()


def test_a_container_is_found_and_ended_by_whoever_finds_and_ends_sandboxes(
    engine: Engine, image: str, host: Host
) -> None:
    code = "import os, signal, time; signal.signal(15, signal.SIG_IGN)\nfor _ in range(4): os.fork()\ntime.sleep(999)"
    spec = replace(host.spec(CONTAINER_PYTHON), command=(CONTAINER_PYTHON, "-c", code))
    started = start(engine, image, host, spec)
    later = Sandboxes(host.folder / "run")
    assert [found.pid for found in later.running()] == [started.pid]
    assert later.reap(()) == ["probe"]
    assert running_as(started.uid) == []


def test_memory_is_limited_for_all_processes_together(engine: Engine, image: str, host: Host) -> None:
    """Each process stays below the ceiling; together they would hold four times as much."""
    assert 1 <= int(written(engine, image, host, HOLD_MUCH, Limits(memory_bytes=384 * 2**20))) <= 4


def test_processor_time_is_limited(engine: Engine, image: str, host: Host) -> None:
    """The ceiling is the kernel's, read where it stands on the host."""
    command = ("/usr/bin/sleep", "999")
    sandbox = start(engine, image, host, replace(host.spec(""), command=command, limits=Limits(cpus=0.5)))
    folder = cgroup(sandbox.pid, "cpu")
    if (both := folder / "cpu.max").exists():
        quota, period = both.read_text().split()
    else:
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    sandbox.kill()
    assert int(quota) / int(period) == 0.5


def test_what_is_printed_inside_is_not_written_down_by_the_engine(engine: Engine, image: str, host: Host) -> None:
    code = "import time; print('a planted row', flush=True); open('out', 'w').close(); time.sleep(999)"
    sandbox = start(engine, image, host, replace(host.spec(""), command=(CONTAINER_PYTHON, "-c", code)))
    hub_client.until((host.scratch / "out").exists)
    logs = [path for path in (STORE / "containers").rglob("*.log") if "a planted row" in path.read_text()]
    sandbox.kill()
    assert logs == []


def cgroup(pid: int, controller: str) -> Path:
    """Return the control group of a process, in version 1 or 2."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            return Path("/sys/fs/cgroup", controllers, path.lstrip("/"))
    return Path("/sys/fs/cgroup", path.lstrip("/"))


def running_as(uid: int) -> list[str]:
    """Return what runs under a uid; a process that has ended may wait a moment until the engine takes note."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            if entry.name.isdigit() and entry.stat().st_uid == uid:
                found += [line for line in (entry / "status").read_text().splitlines() if line.startswith("State:")]
    return [state for state in found if "zombie" not in state]
