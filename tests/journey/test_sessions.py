"""What a session leaves behind, and what a second delivery does to the first.

Source: DSA I; DSA VI.H.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from enclave import egress, people
from enclave.analysis import opened_outbox
from enclave.errors import Fault
from enclave.resultant import delivery_of
from enclave.sandbox import Bubblewrap, SandboxSpec, python
from enclave.scratch import Bounds, bound
from tests.conftest import At


def test_a_session_ends_however_much_it_wrote(at: At) -> None:
    made = at("delivered")
    broker = made.enclave.broker()
    home = broker.admit("wren", "DR-0034").folder / "home"
    (home / "aaa").write_bytes(b"")
    os.truncate(home / "aaa", 3 * 1024**3)
    (home / "outbox" / "out-1").mkdir()
    (home / "outbox" / "out-1" / "request.json").write_text("{}")
    (home / "notes.py").write_text("1")
    broker.release("dr-0034-wren")
    assert not home.exists()
    with made.enclave.store.view() as view:
        (*_, entry) = view.entries(action="session.close")
    assert entry["details"]["files_over_limit"] == 1 and len(entry["details"]["sealed"]) == 64
    home = broker.admit("wren", "DR-0034").folder / "home"
    left = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    assert left == ["notes.py", "outbox/out-1/request.json"]
    broker.release("dr-0034-wren")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user may not mount: the next test is theirs")
def test_what_a_session_writes_has_file_systems_of_its_own(at: At) -> None:
    """A full outbox is full for its session alone; requests in it are collected, put away and given back."""
    made = at("delivered")
    broker = made.enclave.broker()
    session = broker.admit("wren", "DR-0034")
    home, outbox = session.folder / "home", session.folder / "home" / "outbox"
    assert home.is_mount() and outbox.is_mount()
    assert os.statvfs(outbox).f_flag & os.ST_NOEXEC and not os.statvfs(home).f_flag & os.ST_NOEXEC
    code = (
        "import os; os.mkdir('outbox/out-0123456789ab')\n"
        "open('outbox/out-0123456789ab/request.json', 'w').write('{}')\n"
        "try: open('outbox/fill', 'wb').write(bytes(300 << 20))\n"
        "except OSError as full: open('why', 'w').write(str(full))"
    )
    spec = SandboxSpec("writes", (python(), "-c", code), session.mounts)
    assert Bubblewrap(made.enclave.settings.runtime).start(spec).wait(60) == 0
    assert "No space left" in (home / "why").read_text()
    (outbox / "fill").unlink()
    with opened_outbox(made.enclave.keystore, made.enclave.settings, "DR-0034", "wren") as found:
        assert len(egress.collect(found).taken) == 1
    broker.release(session.name)
    assert not session.folder.exists() and str(session.folder) not in Path("/proc/self/mountinfo").read_text()
    again = broker.admit("wren", "DR-0034").folder / "home" / "outbox"
    assert again.is_mount() and [path.name for path in again.iterdir()] == ["out-0123456789ab"]
    broker.release(session.name)


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of a few pages is root's to make")
def test_a_full_disk_costs_a_session_nothing(at: At) -> None:
    """What cannot be put away stays where it is, and is put away once there is room; nothing half-written is left."""
    made = at("delivered")
    broker = made.enclave.broker()
    session = broker.admit("wren", "DR-0034")
    homes = made.enclave.settings.sealed / "project-DR-0034" / "homes"
    homes.mkdir(exist_ok=True)
    assert bound(homes, Bounds(2**16, 20))
    try:
        (session.folder / "home" / "kept.bin").write_bytes(bytes(2**20))
        with pytest.raises(OSError, match="No space left"):
            broker.release(session.name)
        assert list(homes.iterdir()) == [] and (session.folder / "home" / "kept.bin").exists()
        with made.enclave.store.view() as view:
            assert not [*view.entries(action="session.close")]
    finally:
        subprocess.run(("umount", homes), check=True)
    made.run("recover")
    assert not session.folder.exists()
    again = broker.admit("wren", "DR-0034")
    assert (again.folder / "home" / "kept.bin").read_bytes() == bytes(2**20)
    broker.release(again.name)


@pytest.mark.skipif(os.geteuid() != 0, reason="another mount namespace is root's to make")
def test_where_a_sessions_files_are_not_to_be_seen_nothing_is_taken_for_empty(at: At) -> None:
    """A process in another mount namespace collects nothing and puts nothing away in place of what there is."""
    made = at("delivered")
    broker = made.enclave.broker()
    session = broker.admit("wren", "DR-0034")
    (session.folder / "home" / "kept.py").write_text("1")
    broker.release(session.name)
    session = broker.admit("wren", "DR-0034")
    # as another namespace sees it
    subprocess.run(("umount", "--recursive", "--lazy", session.folder), check=True)
    with (
        pytest.raises(Fault, match="mounted where this process does not see them"),
        opened_outbox(made.enclave.keystore, made.enclave.settings, "DR-0034", "wren"),
    ):
        pass
    broker.release(session.name)
    with made.enclave.store.view() as view:
        (*_, entry) = view.entries(action="session.close")
    assert entry["details"] == {"files": "out of reach; as they were put away before"}
    assert (broker.admit("wren", "DR-0034").folder / "home" / "kept.py").read_text() == "1"
    broker.release(session.name)


def test_without_file_systems_of_their_own_too_much_ends_the_session(at: At) -> None:
    made = at("delivered")
    broker = made.enclave.broker()
    folder = broker.admit("wren", "DR-0034").folder
    for mounted in (folder / "home", folder):  # as an ordinary user has it
        subprocess.run(
            ("umount", "--recursive", mounted), capture_output=True, check=False
        )  # as an ordinary user has it
    outbox = folder / "home" / "outbox"
    outbox.mkdir(parents=True, exist_ok=True)
    assert broker.still_admitted("wren", "DR-0034") == []
    with (outbox / "fill").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 257 << 20)
    assert broker.still_admitted("wren", "DR-0034") == ["the outbox holds more than 256 MiB or 20000 files"]
    (outbox / "fill").unlink()
    shutil.rmtree(folder)


def test_a_second_delivery_takes_the_place_of_the_first(at: At) -> None:
    made = at("delivered")
    made.run("resultant", "cut", "DR-0034", who="hubert")
    with made.enclave.store.view() as view:
        delivered = {table.path for table in delivery_of(view, "DR-0034").tables}
    sealed = made.enclave.settings.sealed
    assert {str(path.relative_to(sealed)) for path in sealed.rglob("*.resultant")} == delivered
    broker = made.enclave.broker()
    assert len(list((broker.admit("grace", "DR-0034").folder / "project" / "data").iterdir())) == len(delivered)
    broker.release("dr-0034-grace")


def test_each_server_a_stop_ends_is_entered_once_with_how_many_still_work(at: At) -> None:
    """Only what a stop of today ends: not what its own person closed, nor what a notice given before ends."""
    made = at("delivered")
    broker = made.enclave.broker()

    def admitted(*people: str) -> None:
        for person in people:
            broker.admit(person, "DR-0034")

    def ended() -> list[tuple[str, int, int]]:
        with made.enclave.store.view() as view:
            stops = {e["seq"]: e["action"] for e in view.entries(action=("incident.hold", "people.suspend"))}
            found = view.entries(action="incident.server-ended")
            return [(e["actor"], stops[e["details"]["stop"]], e["details"]["still_open"]) for e in found]

    admitted("wren", "grace")
    broker.release("dr-0034-wren")
    assert ended() == []
    admitted("wren")
    made.run("incident", "suspend", "DR-0034", "wren", who="olga")
    broker.release("dr-0034-wren")
    broker.release("dr-0034-wren")
    assert ended() == [("wren", "people.suspend", 0)]
    with made.enclave.store.transaction() as tx:
        people.unsuspend(tx, "DR-0034", "wren", "olga")
    admitted("wren")
    made.run("incident", "hold", "DR-0034", who="olga")
    broker.release("dr-0034-grace")
    made.run("recover")  # the hub was gone: what it left is ended as the next one starts
    assert ended()[1:] == [("grace", "incident.hold", 1), ("wren", "incident.hold", 0)]
    log = made.run("incident", "log", "--json").body
    assert [each["servers ended"] for each in log] == [1, 2] and all(each["seconds to close"] > 0 for each in log)
    made.run("incident", "lift", "DR-0034", who="olga")
    made.run("agency", "suspend", "DOL", "2022-04-13", "A new system is set up.", who="dora")
    admitted("wren")
    made.today(date(2022, 4, 13))
    broker.release("dr-0034-wren")
    assert len(ended()) == 3
