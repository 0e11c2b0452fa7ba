"""What was refused where identifiers are open: told to the hub by kind, however often somebody tries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest

from enclave.glass import Refusals
from enclave.glass.approved import OTHER_CODE, OTHER_FILE, OTHER_KIND, OTHER_PART, UNREADABLE, judged
from hub_config import told
from tests.hub.test_glass_approved import NOTEBOOK, OWN, message, run
from tests.hub.test_glass_approved_proxy import Recorder, approved_front
from tests.hub.test_glass_proxy import KERNEL, PREFIX, Front

DESK, OTHER = "ana/dr-0034", "ben/dr-0034"


class Disk:
    """Counts what is written, and takes nothing while it is full."""

    def __init__(self, folder: Path) -> None:
        self.read, self._write = told.reader(folder), told.writer(folder)
        self.full, self.written = False, 0

    def write(self, server: str, counts: Mapping[str, int]) -> bool:
        self.written += not self.full
        return not self.full and self._write(server, counts)


def test_a_flood_is_a_number(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    glass = Refusals(disk.read, disk.write)
    for _ in range(10_000):
        glass.note(DESK, OTHER_CODE)
    assert disk.read(DESK) == {OTHER_CODE: 1}  # the first at once, so that it is entered while the session runs
    glass.note(DESK, UNREADABLE)
    glass.flush()
    glass.flush()
    assert disk.written <= 3
    assert disk.read(DESK) == {OTHER_CODE: 10_000, UNREADABLE: 1} and disk.read(OTHER) == {}


def test_counts_outlive_the_proxy_and_end_with_the_server(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    Refusals(disk.read, disk.write).note(DESK, OTHER_CODE)
    glass = Refusals(disk.read, disk.write)
    glass.note(DESK, OTHER_CODE)
    glass.note(OTHER, OTHER_CODE)
    glass.forget(DESK)
    assert disk.read(DESK) == {OTHER_CODE: 2}
    told.remove(tmp_path, DESK)
    glass.note(DESK, OTHER_FILE)
    assert disk.read(DESK) == {OTHER_FILE: 1}


def test_what_cannot_be_written_is_written_later(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    glass = Refusals(disk.read, disk.write)
    disk.full = True
    glass.note(DESK, OTHER_CODE)
    glass.flush()
    disk.full = False
    glass.flush()
    assert disk.read(DESK) == {OTHER_CODE: 1}


def test_a_folder_that_is_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert told.writer(tmp_path / "file" / "folder")(DESK, {OTHER_CODE: 1}) is False


def test_the_glass_tells_kinds_and_nothing_of_what_was_sent(tmp_path: Path) -> None:
    fronts: list[Front] = []

    async def check(found: Front, recorder: Recorder, browser: aiohttp.ClientSession) -> None:
        fronts.append(found)
        async with browser.ws_connect(f"{found.url}{KERNEL}?session_id=x") as kernel:
            for told in (run(OWN), run(OWN), message("inspect_request", {"code": OWN, "cursor_pos": 3}), run()):
                await kernel.send_str(json.dumps(told))
            await kernel.send_str(f"{{{OWN}")
            await kernel.send_str(json.dumps(run()))
            for _ in range(2):
                while "arrived" not in (await kernel.receive()).data:
                    pass
        for path in ("api/contents/own.ipynb", "files/own.ipynb", "api/terminals"):
            async with browser.get(f"{found.url}{PREFIX}/{path}") as answer:
                assert answer.status == 403

    approved_front(tmp_path, check)
    wanted = [OTHER_CODE, OTHER_CODE, OTHER_KIND, UNREADABLE, OTHER_FILE, OTHER_FILE, OTHER_PART]
    assert fronts[0].refused == [(DESK, what) for what in wanted]


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        (message("debug_request", {"type": "request", "command": "debugInfo"}, "control"), False),
        (message("history_request", {"hist_access_type": "tail", "n": 9}), False),
        (message("debug_request", {"command": "evaluate", "arguments": {"expression": OWN}}, "control"), True),
    ],
)
def test_what_the_lab_asks_unbidden_is_nobodys_attempt(told: dict[str, object], counted: bool) -> None:
    verdict = judged(json.dumps(told), NOTEBOOK, packed=False)
    assert verdict.inwards is None and bool(verdict.refused) is counted
