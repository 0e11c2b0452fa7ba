"""A full disk, and a full memory, under a real hub with its pages: what people read, what goes on, what comes back.

Source: EM XVII.B; EM XV.
"""

from __future__ import annotations

import html
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from demo import hub_client
from enclave.errors import Refused
from enclave.scratch import Bounds, bound
from tests.conftest import At
from tests.hub.conftest import hub_over
from tests.web.browser import Browser, served
from tests.web.world import World
from tests.world import PROJECT, Installation, a_copy

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="a disk of a few pages is root's to make"),
    pytest.mark.sqlite("the registry's file is on the disk that is full"),
]
ROOM = 64 * 2**20


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leave no room on the file system of a folder for a while."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 2**20
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def small(resting: Callable[[str], Path], tmp_path: Path) -> Iterator[Installation]:
    """Give an installation on a disk of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert bound(disk, Bounds(ROOM, 20_000))
    made = a_copy(of=resting("delivered"), to=disk / "installation")
    try:
        yield made
    finally:
        made.close()
        subprocess.run(("umount", "--lazy", disk), check=True)


@contextmanager
def hub_with_pages(made: Installation, *people: str) -> Iterator[tuple[str, str]]:
    """Run a hub and the pages over an installation; give their addresses."""
    with hub_over(made, *people, reconcile_seconds=1) as base_url, served(World(made.enclave, "", "")) as pages:
        yield base_url, pages


def refused(session: requests.Session, base_url: str, person: str) -> hub_client.HubError:
    """Ask for a server that is not given, as a program does; a browser's page says the same."""
    with pytest.raises(hub_client.HubError) as told:
        hub_client.start_server(session, base_url, person, "dr-0034")
    page = session.get(f"{base_url}/hub/spawn/{person}/dr-0034", timeout=hub_client.LONGEST)
    assert page.status_code == told.value.status
    assert str(told.value) in html.unescape(page.text)
    return told.value


def shown_of(made: Installation, server: str) -> int:
    """Count what was written down as shown, on whatever day; a line is whole or the last."""
    lines = (made.home / "hub" / "shown.jsonl").read_text("utf-8").splitlines(keepends=True)
    entries = [json.loads(line) for line in lines if line.endswith("\n")]
    return sum(entry["shown_bytes"] for entry in entries if entry["server"] == server)


def test_on_a_full_disk_work_goes_on_and_whoever_would_begin_reads_why(small: Installation) -> None:
    made = small
    with hub_with_pages(made, "wren", "grace") as (base_url, pages):
        wren, grace = (hub_client.login(base_url, name) for name in ("wren", "grace"))
        server = hub_client.start_server(wren, base_url, "wren", "dr-0034")
        hub_client.run_cells(wren, server, ["open('kept.py', 'w').write('1')"])
        kernel = hub_client.start_kernel(wren, server)
        hub_client.until(lambda: shown_of(made, "wren/dr-0034") > 0)
        entries, before = made.actions(), shown_of(made, "wren/dr-0034")
        with full(made.home):
            told = refused(grace, base_url, "grace")
            assert told.status == 403 and "the ledger cannot be written" in str(told) and "EM XVII.B" in str(told)
            assert "try again" in str(told)
            assert not list((made.enclave.settings.runtime / "sessions").glob("*grace*"))
            assert hub_client.run_cell(kernel.channel, "print('x' * 100_000)").text == "x" * 100_000 + "\n"
            kernel.channel.close()
            page = Browser(pages, "olga").of("/ledger")
            assert page.status_code == 200
            posted = Browser(pages, "hubert").send("/matching/match-01/open-review")
            assert posted.status_code == 403 and "ledger cannot be written" in posted.text, posted.text
            hub_client.login(base_url, "grace")  # who signs in anew comes in
            hub_client.stop_server(wren, base_url, "wren", "dr-0034")
            assert grace.get(f"{base_url}/hub/home", timeout=hub_client.LONGEST).status_code == 200
            assert made.actions() == entries
        hub_client.until(lambda: shown_of(made, "wren/dr-0034") >= before + 100_000)
        hub_client.start_server(grace, base_url, "grace", "dr-0034")
        server = hub_client.start_server(wren, base_url, "wren", "dr-0034")
        (found,) = hub_client.run_cells(wren, server, ["print(open('kept.py').read())"])
        assert found.text == "1\n"
    assert made.verified() == len(made.actions())


def test_where_an_end_cannot_be_entered_identifiers_are_closed_all_the_same(small: Installation) -> None:
    made = small
    broker = made.enclave.broker()
    trial = broker.admit("hubert", PROJECT)
    with full(made.home):
        with pytest.raises(Refused, match="the ledger cannot be written"):
            broker.release(trial.name)
        assert trial.folder.exists() and not list(trial.folder.iterdir())
    made.enclave.recover()
    assert not trial.folder.exists() and made.actions().count("match.trial-end") == 1
    made.run("matching", "open-review", PROJECT, who="hubert")
    review = broker.admit("hubert", PROJECT)
    with full(made.home):
        with pytest.raises(Refused, match="the ledger cannot be written"):
            broker.release(review.name)
        assert review.folder.exists() and not list(review.folder.rglob("*.parquet"))
    made.enclave.recover()
    assert not review.folder.exists() and made.actions().count("match.review-end") == 1


def test_in_a_full_memory_nothing_is_opened_and_the_hub_goes_on(at: At) -> None:
    made = at("matched")
    runtime = made.enclave.settings.runtime
    runtime.mkdir(exist_ok=True)
    assert bound(runtime, Bounds(ROOM, 20_000))
    with hub_over(made, "hubert") as base_url:
        hubert = hub_client.login(base_url, "hubert")
        with full(runtime):
            told = refused(hubert, base_url, "hubert")
            assert told.status == 503 and "no room left to write in (EM XV)" in str(told) and "try again" in str(told)
            assert not list((runtime / "trials").glob("*"))
            hub_client.login(base_url, "hubert")
        hub_client.start_server(hubert, base_url, "hubert", "dr-0034")
    tried = [action for action in made.actions() if action in ("match.trial-begin", "session.fail")]
    assert tried == ["match.trial-begin", "session.fail"] * 2 + ["match.trial-begin"]
    assert made.verified() == len(made.actions())
