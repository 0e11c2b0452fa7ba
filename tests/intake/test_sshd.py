"""OpenSSH in production: the configuration as it is given, a real sshd, the real client, and what is picked up."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from enclave import intake

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="sshd changes accounts, and locks them into folders")
CONFIG = Path(__file__).resolve().parents[2] / "hub_config" / "sshd_config"
SDE = "SDE.0034.04_11_2022.matching"
UIDS = {"SDE": 60_101, "DOL": 60_102}
OPTIONS = (
    *("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes"),
    *("LogLevel=ERROR", "ExitOnForwardFailure=yes"),
)
# The places that the configuration names, and the accounts of two parties, in a mount namespace of the server's own.
SERVER = """
mount --bind "$1/passwd" /etc/passwd; mount --bind "$1/group" /etc/group; mount --bind "$1/shadow" /etc/shadow
mount -t tmpfs -o mode=0755 run /run; mkdir /run/sshd
mount -t tmpfs -o mode=0755 srv /srv; mkdir /srv/enclave /srv/enclave-keys /srv/p20win-drop
mount --bind "$2" /srv/enclave; mount --bind "$3" /srv/enclave-keys; mount --bind "$1/drop" /srv/p20win-drop
exec /usr/sbin/sshd -D -e -p "$4" -o ListenAddress=127.0.0.1 -f "$5"
"""


@dataclass
class Server:
    """A server that runs, and the drop folders that it writes into."""

    port: int
    drop: Path
    world: Any

    def key(self, party: str) -> Path:
        """Give a party's key, which the hub knows."""
        path: Path = self.world.root / f"{party}.ssh"
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", path], check=True)
            known = self.world.settings.home / "inbox" / "keys" / f"{party}.pub"
            known.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(path.with_suffix(".ssh.pub"), known)
        return path

    def options(self, key: Path | None) -> list[str]:
        given = [word for option in OPTIONS for word in ("-o", option)]
        return ["-F", "/dev/null", *given, *(("-i", str(key)) if key else ())]

    def sftp(self, party: str, batch: str, key: Path | None = None) -> tuple[int, str]:
        """Run a batch with the client; give its exit status and what it said."""
        command = ["sftp", "-b", "-", "-P", str(self.port), *self.options(key or self.key(party))]
        done = subprocess.run(
            [*command, f"{party}@127.0.0.1"], input=batch, capture_output=True, text=True, check=False, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    def ssh(self, *more: str, party: str = "SDE", key: Path | None = None) -> subprocess.CompletedProcess[str]:
        command = ["ssh", "-p", str(self.port), *self.options(key or self.key(party))]
        return subprocess.run(
            [*command, *more], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )


@pytest.fixture
def server(world: Any, tmp_path: Path) -> Iterator[Server]:
    place = tmp_path / "server"
    place.mkdir(mode=0o755)
    for name, lines in (
        ("passwd", [f"{party}:x:{uid}:60100::/in:/usr/sbin/nologin" for party, uid in UIDS.items()]),
        ("group", ["p20win-agencies:x:60100:"]),
        ("shadow", [f"{party}:*:19000:0:99999:7:::" for party in UIDS]),
    ):
        (place / name).write_text(Path("/etc", name).read_text() + "".join(f"{line}\n" for line in lines))
    for party, uid in UIDS.items():
        (place / "drop" / party / "in").mkdir(parents=True)
        os.chown(place / "drop" / party / "in", uid, 60_100)
        (place / "drop" / party / "in").chmod(0o700)
    world.settings.keys.mkdir(exist_ok=True)
    host_key = world.settings.keys / "sftp-host.key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", host_key], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = shutil.copy(CONFIG, place)  # wherever the repository lies, it is hidden by the server's own places
    given = [str(place), str(world.settings.home), str(world.settings.keys), str(port), config]
    command = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", SERVER, "sshd", *given]
    with (place / "log").open("wb") as log:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _answers(port, running, place / "log")
        yield Server(port, place / "drop", world)
    finally:
        running.terminate()
        running.wait(20)


def _answers(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and running.poll() is None:
        with socket.socket() as trying:
            if trying.connect_ex(("127.0.0.1", port)) == 0:
                return
        os.sched_yield()
    raise AssertionError(log.read_text())


def test_a_sealed_file_is_put_picked_up_and_received(server: Server) -> None:
    world = server.world
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    status, told = server.sftp("SDE", f"put {sealed}\nls -1\n")
    assert status == 0, told
    assert f"{SDE}.sealed" in told
    assert intake.waiting(world.settings) == []
    picked = intake.pick_up(world.settings, server.drop)
    assert (picked.taken, picked.left) == ([f"SDE/{SDE}.sealed"], {})
    assert list(server.drop.glob("*/in/*")) == []
    (arrived,) = intake.waiting(world.settings)
    assert (arrived.stat().st_uid, arrived.stat().st_mode & 0o777) == (0, 0o600)
    assert world.receive(arrived).rows == 20


def test_what_is_not_whole_waits_and_nothing_is_written_over(server: Server) -> None:
    world = server.world
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    whole = sealed.read_bytes()
    cut = world.root / "cut"
    cut.write_bytes(whole[:-1])
    assert server.sftp("SDE", f"put {cut} {SDE}.sealed\nput {cut} authorized_keys\n")[0] == 0
    assert server.sftp("DOL", f"put {sealed}\n")[0] == 0
    picked = intake.pick_up(world.settings, server.drop)
    assert picked.taken == []
    assert picked.left == {
        f"SDE/{SDE}.sealed": "it is being sent, or was cut short",
        "SDE/a file of another name": "it is not named as sealed files are",
        "DOL/a file of another name": "it is not named as sealed files are",
    }
    # sent again, it replaces the draft; once it is picked up, it is not written over any more
    assert server.sftp("SDE", f"put {sealed}\n")[0] == 0
    assert intake.pick_up(world.settings, server.drop).taken == [f"SDE/{SDE}.sealed"]
    other = world.seal(world.write(SDE, world.people("SDE", 20)))
    assert server.sftp("SDE", f"put {other}\n")[0] == 0
    picked = intake.pick_up(world.settings, server.drop)
    assert picked.left[f"SDE/{SDE}.sealed"] == "a file of this name has been sent already"
    (arrived,) = intake.waiting(world.settings)
    assert arrived.read_bytes() == whole


def test_links_and_files_that_grow_are_not_followed(server: Server) -> None:
    """A link cannot be sent; if one stood there all the same, nothing of the hub's would be taken for an agency's."""
    world = server.world
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    (server.drop / "SDE" / "in" / f"{SDE}.sealed").symlink_to(sealed)
    os.mkfifo(server.drop / "DOL" / "in" / "DOL.0034.04_11_2022.matching.sealed")
    picked = intake.pick_up(world.settings, server.drop)
    assert picked.taken == []
    assert len(picked.left) == 2
    assert sealed.exists()


def test_with_a_session_still_open_what_was_picked_up_cannot_be_changed(server: Server) -> None:
    world = server.world
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    draft = server.drop / "SDE" / "in" / f"{SDE}.sealed"
    shutil.copyfile(sealed, draft)
    with draft.open("r+b") as open_still:  # as the server has it while a client has not closed it
        assert intake.pick_up(world.settings, server.drop).taken == [f"SDE/{SDE}.sealed"]
        open_still.write(b"something else")
    (arrived,) = intake.waiting(world.settings)
    assert arrived.read_bytes() == sealed.read_bytes()


@pytest.mark.parametrize(
    "attempt",
    [
        f"get {SDE}.sealed TARGET",
        f"rm {SDE}.sealed",
        f"rename {SDE}.sealed other",
        "mkdir folder",
        "put SEALED /elsewhere",
        "put SEALED ../elsewhere",
        "ln -s /etc/passwd link",
        f"ln {SDE}.sealed link",
        "get /etc/passwd TARGET",
        "ls /srv",
        f"get ../../DOL/in/{SDE}.sealed TARGET",
        f"chmod 777 {SDE}.sealed",
    ],
)
def test_adding_a_file_is_all_there_is(server: Server, attempt: str) -> None:
    world = server.world
    sealed = world.seal(world.write(SDE, world.people("SDE", 5)))
    assert server.sftp("SDE", f"put {sealed}\n")[0] == 0
    shutil.copyfile(sealed, server.drop / "DOL" / "in" / f"{SDE}.sealed")
    before = _below(server.drop)
    target = world.root / "target"
    status, told = server.sftp("SDE", attempt.replace("TARGET", str(target)).replace("SEALED", str(sealed)) + "\n")
    assert status != 0, told
    assert not target.exists() or target.read_bytes() == b""
    assert _below(server.drop) == before


def _below(folder: Path) -> list[tuple[str, int, bytes]]:
    return [(str(p), p.stat().st_mode, p.read_bytes() if p.is_file() else b"") for p in sorted(folder.rglob("*"))]


def test_no_shell_no_forwarding_no_password_no_other_key(server: Server, tmp_path: Path) -> None:
    server.key("SDE")
    said = server.ssh("SDE@127.0.0.1", "id")
    assert "uid=" not in said.stdout
    assert server.ssh("-T", "-N", "-L", "0:127.0.0.1:1", "SDE@127.0.0.1", "true").returncode != 0
    with socket.socket() as target:
        target.bind(("127.0.0.1", 0))
        target.listen()
        way = f"127.0.0.1:{target.getsockname()[1]}"
        forwarded = server.ssh("-W", way, "SDE@127.0.0.1")
        assert forwarded.returncode != 0
        assert "administratively prohibited" in forwarded.stderr or "forwarding" in forwarded.stderr
        target.settimeout(0.2)
        with pytest.raises(TimeoutError):
            target.accept()
    back = server.ssh("-N", "-R", "127.0.0.1:0:127.0.0.1:1", "SDE@127.0.0.1")
    assert back.returncode != 0
    asked = server.ssh("-o", "PreferredAuthentications=password,keyboard-interactive", "-v", "SDE@127.0.0.1")
    assert asked.returncode != 0
    assert "Permission denied (publickey)" in asked.stderr
    for party in ("DOL", "root", "nobody", "keys", "../SDE"):
        status, told = server.sftp(party, "ls\n", server.key("SDE"))
        assert status != 0, party
        assert "Permission denied (publickey)" in told
