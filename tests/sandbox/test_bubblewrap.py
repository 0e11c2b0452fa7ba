"""Starting, finding, ending and reaping sandboxes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from enclave.sandbox import Bubblewrap, Mount, SandboxFault, SandboxSpec, python

WAIT = ("/usr/bin/sleep", "1000")


@pytest.fixture
def place() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="enclave-run-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    Bubblewrap(folder / "run").reap(())
    shutil.rmtree(folder)


def output(place: Path, spec: SandboxSpec, pass_fds: tuple[int, ...] = ()) -> str:
    with (place / "out").open("wb") as out:
        Bubblewrap(place / "run").start(spec, pass_fds=pass_fds, stdout=out, stderr=out).wait(60)
    return (place / "out").read_text()


def processes_of(uid: int) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _owner(entry) == uid]


def _owner(path: Path) -> int:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return -1


def test_the_work_of_an_analyst_runs(place: Path) -> None:
    code = (
        "import duckdb, numpy, pyarrow, pandas, p20kit, multiprocessing as m; m.set_start_method('fork')\n"
        "with m.Pool(2) as pool: print(sum(pool.map(abs, range(5))), duckdb.sql('select 42').fetchall()[0][0])\n"
        "print(p20kit.__file__)"
    )
    assert output(place, SandboxSpec("work", (python(), "-c", code))) == (
        "10 42\n/opt/enclave/lib/p20kit/__init__.py\n"
    )


def test_the_environment_is_what_the_spec_says(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SECRET", "not for you")
    text = output(place, SandboxSpec("env", ("/usr/bin/env",), environment={"SHOWN": "1"}))
    assert {line.split("=")[0] for line in text.splitlines()} == {
        "PATH",
        "HOME",
        "USER",
        "LANG",
        "TZ",
        "PWD",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "SHOWN",
    }


def test_programs_that_no_session_needs_do_not_run(place: Path) -> None:
    script = (
        "exec 2>/dev/null; ls -d /usr/bin/sleep; "
        "for name in bwrap unshare nsenter mount su passwd; do /usr/bin/$name --help && echo $name; done"
    )
    assert output(place, SandboxSpec("closed", ("/bin/sh", "-c", script))) == "/usr/bin/sleep\n"


def test_a_descriptor_is_handed_in_and_no_other(place: Path) -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"told")
    os.close(write_end)
    code = f"import os; print(os.read({read_end}, 9).decode(), sorted(os.listdir('/proc/self/fd')))"
    text = output(place, SandboxSpec("fds", (python(), "-c", code)), (read_end,))
    os.close(read_end)
    assert text.startswith("told ") and set(eval(text[5:])) <= {"0", "1", "2", "3", str(read_end)}


def test_killing_ends_every_process_at_once(place: Path) -> None:
    code = "import os, signal; signal.signal(15, signal.SIG_IGN)\nfor _ in range(9): os.fork() or signal.pause()\n"
    sandbox = Bubblewrap(place / "run").start(SandboxSpec("many", (python(), "-c", code + "signal.pause()")))
    sandbox.kill()
    assert sandbox.poll() is not None
    assert Bubblewrap(place / "run").find("many") is None
    if os.geteuid() == 0:
        assert processes_of(sandbox.uid) == []


def test_another_supervisor_finds_and_reaps(place: Path) -> None:
    """The starter is gone, as after a crash of the hub; what it started is still known."""
    program = (
        "import sys; from pathlib import Path; from enclave.sandbox import *\n"
        "for n in ('kept', 'lost'): Bubblewrap(Path(sys.argv[1])).start(SandboxSpec(n, ('/usr/bin/sleep', '1000')))"
    )
    subprocess.run([sys.executable, "-c", program, place / "run"], check=True, timeout=60)
    later = Bubblewrap(place / "run")
    assert later.reap({"kept"}) == ["lost"]
    kept = later.find("kept")
    assert kept is not None and kept.poll() is None
    kept.kill()
    assert later.find("kept") is None


def test_a_name_is_taken_while_it_runs(place: Path) -> None:
    sandboxes = Bubblewrap(place / "run")
    first = sandboxes.start(SandboxSpec("one", WAIT))
    with pytest.raises(SandboxFault, match="already runs"):
        sandboxes.start(SandboxSpec("one", WAIT))
    first.kill()
    sandboxes.start(SandboxSpec("one", WAIT)).kill()


def test_a_missing_source_is_a_fault_not_an_empty_folder(place: Path) -> None:
    spec = SandboxSpec("gone", WAIT, (Mount(place / "no-such-data", "/project/data"),))
    with pytest.raises(SandboxFault, match="nothing to mount at /project/data"):
        Bubblewrap(place / "run").start(spec)


def test_a_source_under_a_closed_home_is_mounted_all_the_same(place: Path) -> None:
    data = place / "home" / "clone" / "data"
    data.mkdir(parents=True)
    (data / "rows").write_text("row")
    (place / "home").chmod(0o700)
    spec = SandboxSpec("home", ("/usr/bin/cat", "/project/data/rows"), (Mount(data, "/project/data"),))
    assert output(place, spec) == "row"


def test_a_writable_source_becomes_the_sessions(place: Path) -> None:
    scratch = place / "scratch"
    (scratch / "deep").mkdir(parents=True)
    (scratch / "deep" / "note").write_text("earlier")
    (scratch / "link").symlink_to("/etc/hostname")
    owner = Path("/etc/hostname").stat().st_uid
    spec = SandboxSpec(
        "own", ("/bin/sh", "-c", "echo more >> deep/note"), (Mount(scratch, "/home/analyst", writable=True),)
    )
    assert output(place, spec) == ""
    assert (scratch / "deep" / "note").read_text() == "earliermore\n"
    assert Path("/etc/hostname").stat().st_uid == owner


def test_nothing_of_the_host_stands_on_the_command_line(place: Path) -> None:
    spec = SandboxSpec("cmd", ("/usr/bin/cat", "/proc/1/cmdline"), environment={"TOKEN": "hush-hush"})
    text = output(place, spec)
    assert "hush-hush" not in text and str(place) not in text and "args" in text


@pytest.mark.parametrize("name", ["", "../x", "UPPER", "a/b", "a b", "-x", "x" * 64])
def test_names_that_could_be_paths_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="sandbox name"):
        SandboxSpec(name, WAIT)
