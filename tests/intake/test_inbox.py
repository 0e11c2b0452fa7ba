"""Agencies send with the ordinary OpenSSH client; they can add a sealed file and do nothing else."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enclave import intake

OPTIONS = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes")
SDE = "SDE.0034.04_11_2022.matching"


@pytest.fixture
def keys(world: Any) -> Callable[[str], Path]:
    """Give an agency's SSH key, authorised in the hub's inbox."""

    def make(agency: str, *, authorised: bool = True) -> Path:
        path = world.root / f"{agency}-{authorised}.ssh"
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", agency, "-f", str(path)]
            subprocess.run(command, check=True)
        if authorised:
            target = world.settings.home / "inbox" / "keys" / f"{agency}.pub"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.with_suffix(".ssh.pub").read_bytes())
        return path

    return make


async def sftp(port: int, user: str, key: Path, batch: str) -> tuple[int, str]:
    """Run a batch with the OpenSSH client; give its exit status and what it said."""
    command = ["sftp", "-F", "/dev/null", "-b", "-", "-P", str(port), "-i", str(key)]
    process = await asyncio.create_subprocess_exec(
        *command, *[word for option in OPTIONS for word in ("-o", option)], f"{user}@127.0.0.1",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await process.communicate(batch.encode())
    return process.returncode or 0, told.decode()


def session(world: Any, *batches: tuple[str, Path, str], size_cap: int = 1 << 30) -> list[tuple[int, str]]:
    """Serve while the batches run, one after the other."""

    async def run() -> list[tuple[int, str]]:
        server = await intake.serve_sftp(world.settings, "127.0.0.1", 0, size_cap=size_cap)
        try:
            return [await sftp(server.get_port(), *batch) for batch in batches]
        finally:
            server.close()
            await server.wait_closed()

    return asyncio.run(run())


def test_a_sealed_file_arrives_and_can_be_received(world: Any, keys: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    ((status, told),) = session(world, ("SDE", keys("SDE"), f"put {sealed}\nls -1\n"))
    assert status == 0, told
    assert f"{SDE}.sealed" in told
    (arrived,) = intake.waiting(world.settings)
    assert arrived == world.settings.home / "inbox" / "SDE" / f"{SDE}.sealed"
    assert arrived.read_bytes() == sealed.read_bytes()
    assert world.receive(arrived).rows == 20


def test_only_the_agencys_own_key_opens_its_folder(world: Any, keys: Any) -> None:
    keys("SDE")
    outcomes = session(
        world,
        ("SDE", keys("SDE", authorised=False), "ls\n"),
        ("SDE", keys("DOL"), "ls\n"),
        ("CSCU", keys("SDE"), "ls\n"),
        ("../SDE", keys("SDE"), "ls\n"),
        ("keys", keys("SDE"), "ls\n"),
    )
    assert all(status != 0 and "Permission denied (publickey)" in told for status, told in outcomes), outcomes
    assert session(world, ("SDE", keys("SDE"), "ls\n"))[0][0] == 0


def test_another_agencys_folder_is_out_of_reach(world: Any, keys: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 20)))
    session(world, ("SDE", keys("SDE"), f"put {sealed}\n"))
    target = world.root / "stolen"
    ways = (f"../SDE/{SDE}.sealed", f"/SDE/{SDE}.sealed", f"{world.settings.home}/inbox/SDE/{SDE}.sealed")
    outcomes = session(world, *[("DOL", keys("DOL"), f"get {way} {target}\n") for way in ways])
    assert all(status != 0 for status, _ in outcomes), outcomes
    ((_, listed),) = session(world, ("DOL", keys("DOL"), "ls -la ..\nls -la /\n"))
    assert SDE not in listed
    assert not target.exists()


@pytest.mark.parametrize(
    "attempt",
    [
        f"get {SDE}.sealed TARGET",
        f"rm {SDE}.sealed",
        f"rename {SDE}.sealed SDE.0034.04_12_2022.matching.sealed",
        f"put SEALED {SDE}.sealed",
        "put SEALED authorized_keys",
        "put SEALED DOL.0034.04_11_2022.matching.sealed",
        "put PLAIN SDE.0034.04_12_2022.matching.sealed",
        "mkdir folder",
        "ln -s /etc/passwd link",
        f"ln {SDE}.sealed link",
    ],
)  # fmt: skip
def test_nothing_but_adding_a_sealed_file(world: Any, keys: Any, attempt: str) -> None:
    plain = world.write(SDE, world.people("SDE", 20))
    sealed = world.seal(plain)
    session(world, ("SDE", keys("SDE"), f"put {sealed}\n"))
    before = sorted(world.settings.home.glob("inbox/SDE/*"))
    target = world.root / "target"
    batch = attempt.replace("TARGET", str(target)).replace("SEALED", str(sealed)).replace("PLAIN", str(plain))
    ((status, told),) = session(world, ("SDE", keys("SDE"), f"{batch}\n"))
    assert status != 0, told
    assert not target.exists() or target.read_bytes() == b""
    assert sorted(world.settings.home.glob("inbox/SDE/*")) == before
    assert before[0].read_bytes() == sealed.read_bytes()


def test_a_file_over_the_cap_is_not_kept(world: Any, keys: Any) -> None:
    sealed = world.seal(world.write(SDE, world.people("SDE", 2000)))
    ((status, _),) = session(world, ("SDE", keys("SDE"), f"put {sealed}\n"), size_cap=50_000)
    assert status != 0
    assert intake.waiting(world.settings) == []
    assert list(world.settings.home.glob("inbox/SDE/.*")) == []


def test_no_shell(world: Any, keys: Any) -> None:
    async def run() -> int:
        server = await intake.serve_sftp(world.settings, "127.0.0.1", 0)
        options = [word for option in OPTIONS for word in ("-o", option)]
        options += ["-F", "/dev/null", "-i", str(keys("SDE")), "-p", str(server.get_port())]
        try:
            process = await asyncio.create_subprocess_exec(
                "ssh", *options, "SDE@127.0.0.1", "id",
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, _ = await process.communicate()
            assert b"uid=" not in said
            return process.returncode or 0
        finally:
            server.close()
            await server.wait_closed()

    assert asyncio.run(run()) != 0
